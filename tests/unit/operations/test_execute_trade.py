"""A trade is shown first, and sent once to who confirms that very trade while it holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from made_desk import account, gate, position
from made_trading import TRADE, HandTrading, hand_trading, on_disk

from chanflow.domain.command import TradeCommand
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.confirmation import LIVES_NS, hash_of_token
from chanflow.operations.execute_trade import EXECUTE_TRADE, ExecuteTrade
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.risk.halt import HaltState
from chanflow.risk.halt import halt as halted_state
from chanflow.risk.limits import Limits
from chanflow.risk.state import LiveAuthority

pytestmark = pytest.mark.asyncio

AGENT = replace(LOCAL_OPERATOR, kind="key", id="key-2", user_id="agent-1", roles=("agent",))
LIMIT = {**TRADE, "order_type": "limit", "price": "99.9", "leverage": 1}


@pytest.fixture
async def trading(tmp_path: Path, desk: Any) -> AsyncIterator[HandTrading]:
    async with hand_trading(tmp_path, desk.memory_services()) as found:
        yield found


async def test_the_first_call_shows_the_trade_and_sends_nothing(trading: HandTrading) -> None:
    found = await trading.body(**TRADE)
    assert found.status == "confirmation_required"
    assert (len(found.confirmation_token), found.order) == (32, None)
    assert (trading.desk.sent, trading.desk.known) == ([], {})
    shown = found.preview
    qty = Decimal(3)
    assert shown.notional == qty * 100
    # Bought at 1 % above the mark at worst, sold at the stop: the way between, fee and slippage twice.
    assert shown.worst_loss == qty * (Decimal(101) - 99 + (Decimal(101) + 99) * Decimal("0.001"))
    assert shown.fees == 2 * qty * 100 * Decimal("0.0005")
    assert shown.equity_after == Decimal(10_000) - qty * 100 * Decimal("0.0005")
    assert {row.name for row in shown.limits} >= {"leverage", "cash_reserve", "single_trade_loss", "asset_exposure"}
    assert all(row.value and row.bound for row in shown.limits)


async def test_the_second_call_with_the_token_is_the_order(trading: HandTrading) -> None:
    done = await trading.body(**TRADE, confirmation_token=await trading.token(**TRADE))
    assert (done.status, done.order.client_order_id, done.preview) == ("filled", "mine-0001", None)
    assert [order.terms.qty_base for order in trading.desk.sent] == [Decimal(3)]


async def test_what_the_gate_refuses_gets_no_token_and_every_reason(trading: HandTrading) -> None:
    found = await trading.body(**{**TRADE, "stop_price": "120", "take_profit_price": "90", "leverage": 5})
    assert (found.status, found.confirmation_token) == ("refused", None)
    assert "stop_side" in [row.code for row in found.reasons]
    assert trading.desk.known == {}


async def test_only_a_hash_of_the_token_is_kept(trading: HandTrading, tmp_path: Path) -> None:
    token = await trading.token(**TRADE)
    kept = on_disk(tmp_path)
    assert token.encode() not in kept
    assert hash_of_token(token).encode() in kept


async def test_a_replayed_confirmation_is_the_same_order(trading: HandTrading) -> None:
    token = await trading.token(**TRADE)
    first = await trading.body(**TRADE, confirmation_token=token)
    again = await trading.body(**TRADE, confirmation_token=token)
    assert (again.status, again.order) == ("replayed", first.order)
    without = await trading.body(**TRADE)
    assert (without.status, without.order) == ("replayed", first.order)
    assert len(trading.desk.sent) == 1


async def test_a_used_token_is_good_for_no_other_order(trading: HandTrading) -> None:
    token = await trading.token(**TRADE)
    await trading.body(**TRADE, confirmation_token=token)
    other = {**TRADE, "client_order_id": "mine-0002"}
    assert (await trading.refusal(**other, confirmation_token=token)).code == "confirmation_invalid"
    assert len(trading.desk.sent) == 1


EDITS: list[dict[str, Any]] = [
    {"client_order_id": "mine-0009"}, {"symbol": "OTHER"}, {"size_quote": "301"}, {"price": "99.8"},
    {"stop_price": "98.9"}, {"take_profit_price": "102.1"}, {"leverage": 2},
    {"side": "sell", "stop_price": "102", "take_profit_price": "99"}, {"order_type": "market", "price": None},
    {"reduce_only": True, "stop_price": None, "take_profit_price": None},
]  # fmt: skip


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: next(iter(edit)))
async def test_an_edited_confirmation_is_refused(trading: HandTrading, edit: dict[str, Any]) -> None:
    token = await trading.token(**LIMIT)
    error = await trading.refusal(**{**LIMIT, **edit}, confirmation_token=token)
    assert (error.code, error.status, error.field) == ("confirmation_invalid", 409, "confirmation_token")
    assert (trading.desk.sent, trading.desk.known) == ([], {})
    # The right call may still be made: a wrong one does not use the ticket up.
    assert (await trading.body(**LIMIT, confirmation_token=token)).status == "submitted"


async def test_every_argument_is_among_the_edits() -> None:
    edited = {name for edit in EDITS for name in edit} | {"mode", "confirmation_token"}
    assert edited == set(ExecuteTrade.model_fields)


async def test_another_callers_token_is_refused(trading: HandTrading) -> None:
    token = await trading.token(**TRADE)
    error = await trading.refusal(**TRADE, confirmation_token=token, who=AGENT)
    assert (error.code, trading.desk.sent) == ("confirmation_invalid", [])


async def test_a_made_up_token_is_refused(trading: HandTrading) -> None:
    assert (await trading.refusal(**TRADE, confirmation_token="0" * 32)).code == "confirmation_invalid"
    assert (await trading.refusal(**TRADE, confirmation_token="yes")).code == "invalid_argument"


async def test_a_token_ends_after_a_minute_and_the_answer_has_a_new_one(trading: HandTrading) -> None:
    token = await trading.token(**TRADE)
    trading.desk.clock.at_ns += LIVES_NS
    error = await trading.refusal(**TRADE, confirmation_token=token)
    assert (error.code, error.status, error.preview["notional"]) == ("confirmation_stale", 409, "300")
    assert trading.desk.sent == []
    done = await trading.body(**TRADE, confirmation_token=error.confirmation_token)
    assert (done.status, len(trading.desk.sent)) == ("filled", 1)


@pytest.mark.parametrize(("mark", "holds"), [("100.1", True), ("99.9", True), ("100.11", False), ("99.89", False)])
async def test_the_price_may_drift_by_ten_basis_points(trading: HandTrading, mark: str, holds: bool) -> None:
    token = await trading.token(**TRADE)
    trading.desk.mark = Decimal(mark)
    if holds:
        assert (await trading.body(**TRADE, confirmation_token=token)).status == "filled"
    else:
        error = await trading.refusal(**TRADE, confirmation_token=token)
        assert error.code == "confirmation_stale"
        assert "the price has moved by 0.0011" in error.message
    assert len(trading.desk.sent) == int(holds)


async def test_a_worse_loss_than_was_shown_is_shown_first(trading: HandTrading) -> None:
    trading.desk.account = account(positions=(position("14"),))
    room = {**TRADE, "size_quote": "1000"}
    first = await trading.body(**room)
    trading.desk.account = account()
    error = await trading.refusal(**room, confirmation_token=first.confirmation_token)
    assert error.code == "confirmation_stale"
    assert "worst loss has grown" in error.message
    assert Decimal(error.preview["worst_loss"]) > first.preview.worst_loss


async def test_other_rules_want_another_look(trading: HandTrading) -> None:
    token = await trading.token(**TRADE)
    trading.desk.gate = gate(limits=Limits(max_asset_exposure_frac=Decimal("0.25")))
    assert "rules of the desk have changed" in (await trading.refusal(**TRADE, confirmation_token=token)).message
    trading.desk.gate = gate(level="L4")
    assert (await trading.refusal(**TRADE, confirmation_token=token)).code == "confirmation_stale"


async def test_the_gate_may_change_its_mind_after_the_preview(trading: HandTrading) -> None:
    token = await trading.token(**TRADE)
    halted = halted_state(HaltState(), "command", "lunch", 0)
    trading.desk.gate.state = replace(trading.desk.gate.state, halt=halted)
    found = await trading.body(**TRADE, confirmation_token=token)
    assert (found.status, found.confirmation_token) == ("refused", None)
    assert "halt" in [row.code for row in found.reasons]
    assert trading.desk.sent == []


async def test_the_gate_is_asked_for_real_when_the_order_is_sent(trading: HandTrading) -> None:
    token = await trading.token(**TRADE)

    async def halt(_: TradeCommand) -> None:
        halted = halted_state(HaltState(), "command", "lunch", 0)
        trading.desk.gate.state = replace(trading.desk.gate.state, halt=halted)

    trading.desk.before_send = halt
    found = await trading.body(**TRADE, confirmation_token=token)
    assert (found.status, trading.desk.sent) == ("refused", [])
    assert (await trading.body(**TRADE)).status == "replayed"


@pytest.mark.parametrize("clients", [2, 50])
async def test_confirmations_at_once_make_one_order(trading: HandTrading, clients: int) -> None:
    token = await trading.token(**TRADE)
    found = await asyncio.gather(*(trading.body(**TRADE, confirmation_token=token) for _ in range(clients)))
    assert sorted(each.status for each in found) == ["filled"] + ["replayed"] * (clients - 1)
    assert all(each.order == found[0].order for each in found)
    assert len(trading.desk.sent) == 1


async def test_clients_with_tokens_of_their_own_make_one_order(trading: HandTrading) -> None:
    tokens = await asyncio.gather(*(trading.token(**TRADE) for _ in range(10)))
    found = await asyncio.gather(*(trading.body(**TRADE, confirmation_token=token) for token in tokens))
    assert [each.status for each in found].count("filled") == 1
    assert {each.order.venue_order_id for each in found} == {"q-mine-0001"}
    assert len(trading.desk.sent) == 1


async def test_the_same_id_for_another_trade_is_a_conflict(trading: HandTrading) -> None:
    await trading.body(**TRADE, confirmation_token=await trading.token(**TRADE))
    for asked in ({**TRADE, "size_quote": "301"}, {**TRADE, "leverage": 2}):
        assert (await trading.refusal(**asked)).code == "idempotency_conflict"
    assert (await trading.refusal(**TRADE, who=AGENT)).code == "idempotency_conflict"


async def test_the_answer_outlives_the_desks_own_memory(trading: HandTrading) -> None:
    done = await trading.body(**TRADE, confirmation_token=await trading.token(**TRADE))
    trading.desk.known.clear()
    again = await trading.body(**TRADE)
    assert (again.status, again.order) == ("replayed", done.order)
    assert (await trading.refusal(**{**TRADE, "size_quote": "301"})).code == "idempotency_conflict"
    assert len(trading.desk.sent) == 1


class _Crash(BaseException):
    """The process ends here."""


async def test_a_crash_between_row_and_order_is_made_good_by_the_same_call(trading: HandTrading) -> None:
    token = await trading.token(**TRADE)

    async def crash(_: TradeCommand) -> None:
        raise _Crash

    trading.desk.before_send = crash
    with pytest.raises(_Crash):
        await trading.body(**TRADE, confirmation_token=token)
    trading.desk.before_send = None
    assert trading.desk.sent == []
    found = await trading.body(**TRADE, confirmation_token=token)
    again = await trading.body(**TRADE, confirmation_token=token)
    assert (found.status, again.status, len(trading.desk.sent)) == ("filled", "replayed", 1)


async def test_what_a_crash_left_unsent_is_shown_again_once_its_minute_is_over(trading: HandTrading) -> None:
    token = await trading.token(**TRADE)

    async def crash(_: TradeCommand) -> None:
        raise _Crash

    trading.desk.before_send = crash
    with pytest.raises(_Crash):
        await trading.body(**TRADE, confirmation_token=token)
    trading.desk.before_send = None
    trading.desk.clock.at_ns += LIVES_NS
    stale = await trading.refusal(**TRADE, confirmation_token=token)
    assert (stale.code, trading.desk.sent) == ("confirmation_stale", [])
    done = await trading.body(**TRADE, confirmation_token=stale.confirmation_token)
    assert (done.status, len(trading.desk.sent)) == ("filled", 1)


async def test_a_client_that_leaves_loses_no_order(trading: HandTrading) -> None:
    token = await trading.token(**TRADE)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: TradeCommand) -> None:
        reached.set()
        await go_on.wait()

    trading.desk.before_send = wait
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: trading.ask(**TRADE, confirmation_token=token))
        await reached.wait()
        tasks.cancel_scope.cancel()
        go_on.set()
    assert len(trading.desk.sent) == 1
    trading.desk.known.clear()
    again = await trading.body(**TRADE)
    assert (again.status, again.order.state) == ("replayed", "filled")


async def test_live_below_l3_waits_for_a_person_after_the_confirmation(tmp_path: Path, desk: Any) -> None:
    live = gate(mode="live", level="L2")
    live.state = replace(live.state, live=LiveAuthority(scope=True, keys=True, flag=True))
    async with hand_trading(tmp_path, desk.memory_services(), gate=live) as trading:
        token = await trading.token(**TRADE)
        waits = await trading.body(**TRADE, confirmation_token=token)
        assert (waits.status, waits.order) == ("approval_required", None)
        assert waits.approval_id
        again = await trading.body(**TRADE, confirmation_token=token)
        assert (again.status, again.approval_id) == ("approval_required", waits.approval_id)
        assert trading.desk.sent == []
        trading.desk.refuse("mine-0001", "approval_denied")
        ended = await trading.body(**TRADE)
        assert (ended.status, [row.code for row in ended.reasons]) == ("replayed", ["approval_denied"])


async def test_no_argument_approves(trading: HandTrading) -> None:
    for name in ("approved", "confirm", "yes", "approved_by"):
        assert (await trading.refusal(**TRADE, **{name: True})).code == "invalid_argument"
    assert not [name for name, part in ExecuteTrade.model_json_schema()["properties"].items()
                if part.get("type") == "boolean" and name != "reduce_only"]  # fmt: skip


async def test_a_close_is_shown_and_confirmed_like_any_trade(tmp_path: Path, desk: Any) -> None:
    held = account(positions=(position("3"),))
    close = {**TRADE, "side": "sell", "reduce_only": True, "stop_price": None, "take_profit_price": None}
    async with hand_trading(tmp_path, desk.memory_services(), account=held, gate=gate(level="L0")) as trading:
        found = await trading.body(**close)
        assert (found.preview.notional, found.preview.fees) == (Decimal(300), Decimal("0.15"))
        done = await trading.body(**close, confirmation_token=found.confirmation_token)
        assert (done.status, trading.desk.sent[0].terms.reduce_only) == ("filled", True)


async def test_a_desk_without_a_store_takes_no_trade(trading: HandTrading, desk: Any) -> None:
    bare = replace(trading.services, requests=desk.memory_services().requests)
    trading.catalogue = Catalogue(bare, (EXECUTE_TRADE,))
    error = await trading.refusal(**TRADE)
    assert (error.code, "keeps no confirmations" in error.message) == ("conflict", True)
    assert trading.desk.sent == []


async def test_a_preview_is_free_and_an_order_is_not() -> None:
    args = ExecuteTrade.model_validate(TRADE)
    assert EXECUTE_TRADE.costs(args) == {}
    assert EXECUTE_TRADE.costs(args.model_copy(update={"confirmation_token": "0" * 32})) == {"api_call": 1}
