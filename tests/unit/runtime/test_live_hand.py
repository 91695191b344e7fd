"""Trades by hand at a live desk: below L3 they wait for a person, and each is done at most once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_live import SYMBOL, LiveLife, codes

from chanflow.domain.command import ApproveCommand, CancelCommand, CommandAnswer, PreviewCommand, TradeCommand
from chanflow.domain.order import OrderState

D = Decimal


def trade(own_id: str = "mine-0001", **changes: Any) -> TradeCommand:
    values: dict[str, Any] = {
        "client_order_id": own_id, "symbol": SYMBOL, "side": "buy", "size_quote": D(300), "order_type": "market",
        "stop_price": D(99), "take_profit_price": D(102),
    }  # fmt: skip
    return TradeCommand(**{**values, **changes})


def test_it_waits_for_a_person_and_leaves_once_it_is_approved(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        asked = await life.order(trade())
        assert (asked.approval_id, asked.orders, asked.refused) == (life.waiting[0], (), None)
        assert life.entries == []
        again = await life.order(trade())
        assert (again.approval_id, again.replayed) == (asked.approval_id, True)
        assert asked.approval_id is not None
        await life.order(ApproveCommand(asked.approval_id, "ann"))
        await life.wait(2)
        order = (await life.order(PreviewCommand(trade()))).orders[0]
        assert (order.command_id, order.state, order.leg) == ("mine-0001", OrderState.FILLED, "entry")
        assert len(life.entries) == 1

    life.live(script)
    kinds = [r.kind for r in life.records()]
    assert kinds.index("command") < kinds.index("trade_proposal") < kinds.index("approval_wanted")
    assert [r.body["kind"] for r in life.records("command")] == ["execute_trade", "approve"]


def test_a_person_says_no_and_it_is_never_sent(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        asked = await life.order(trade())
        assert asked.approval_id is not None
        await life.order(ApproveCommand(asked.approval_id, "ann", deny=True))
        again = await life.order(trade())
        assert again.refused is not None
        assert (again.approval_id, again.replayed) == (None, True)
        assert [reason.code for reason in again.refused.reasons] == ["approval_denied"]

    life.live(script)
    assert life.entries == []


def test_it_is_judged_anew_when_it_is_approved(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        asked = await life.order(trade())
        life.exchange.move(D(98))
        assert asked.approval_id is not None
        answer = await life.order(ApproveCommand(asked.approval_id, "ann"))
        assert answer.refused is not None
        assert "stop_side" in {reason.code for reason in answer.refused.reasons}

    life.live(script)
    assert life.entries == []


def test_nobody_approves_within_120_seconds(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        await life.order(trade())
        await life.wait(123)
        again = await life.order(trade())
        assert again.refused is not None
        assert [reason.code for reason in again.refused.reasons] == ["approval_expired"]

    life.live(script)


def test_a_preview_asks_the_venue_and_orders_nothing(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        assert await life.order(PreviewCommand(trade())) == CommandAnswer()
        assert life.desk.risk_view().market_of(SYMBOL).mark == life.exchange.price
        assert await life.order(PreviewCommand(trade(symbol="OTHER"))) == CommandAnswer()
        life.market.silent = True
        assert (await life.order(PreviewCommand(trade()))).problem == "not_taken"

    life.live(script)
    assert life.records("command") == []
    assert life.records("quote") != []


def test_an_id_stands_for_one_trade_over_restarts(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def first() -> None:
        await life.order(trade())

    async def second() -> None:
        again = await life.order(trade())
        assert (again.approval_id, again.replayed) == (life.waiting[0], True)
        assert (await life.order(trade(size_quote=D(301)))).problem == "idempotency_conflict"
        assert (await life.order(PreviewCommand(trade(leverage=2)))).problem == "idempotency_conflict"
        await life.order(ApproveCommand(life.waiting[0], "ann"))
        await life.wait(2)
        assert len(life.entries) == 1

    async def third() -> None:
        order = (await life.order(trade())).orders[0]
        assert order.state is OrderState.FILLED
        assert len(life.entries) == 1

    life.live(first).live(second).live(third)
    assert [r.body["kind"] for r in life.records("command")] == ["execute_trade", "approve"]


class _Kill(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("kind", ["quote", "trade_proposal", "approved_order"])
def test_what_a_process_took_and_did_not_send_is_refused_by_the_next(tmp_path: Path, kind: str) -> None:
    life = LiveLife(tmp_path)
    close = trade(side="sell", reduce_only=True, stop_price=None, take_profit_price=None)
    asked = close if kind == "approved_order" else trade()

    async def first() -> None:
        if kind == "approved_order":  # what only reduces needs nobody's approval
            opened = await life.order(trade("open-0001"))
            assert opened.approval_id is not None
            await life.order(ApproveCommand(opened.approval_id, "ann"))
            await life.wait(2)
        journal = life.desk._journal
        append = journal.append

        def mortal(name: str, body: Any, **more: Any) -> None:
            if name == kind:
                raise _Kill
            append(name, body, **more)

        journal.append = mortal  # type: ignore[method-assign]
        with pytest.raises(_Kill):
            await life.order(asked)
        journal.append = append  # type: ignore[method-assign]

    async def second() -> None:
        again = await life.order(asked)
        assert again.refused is not None
        assert (again.replayed, again.orders) == (True, ())
        assert [reason.code for reason in again.refused.reasons] == ["command_lapsed"]

    life.live(first).live(second)
    assert [codes(r) for r in life.records("refusal")] == [["command_lapsed"]]
    assert len(life.entries) == (kind == "approved_order")


def test_a_closing_trade_needs_no_approval(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        opened = await life.order(trade())
        assert opened.approval_id is not None
        await life.order(ApproveCommand(opened.approval_id, "ann"))
        await life.wait(2)
        close = trade("close-001", side="sell", reduce_only=True, stop_price=None, take_profit_price=None)
        closed = await life.order(close)
        assert (closed.approval_id, closed.refused) == (None, None)
        await life.wait(2)
        assert life.running.router.snapshot().positions == ()
        assert (await life.order(close)).orders[0].state is OrderState.FILLED

    life.live(script)


def test_a_resting_order_is_cancelled_and_a_stop_is_not(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def approved(command: TradeCommand) -> str:
        asked = await life.order(command)
        assert asked.approval_id is not None, asked
        await life.order(ApproveCommand(asked.approval_id, "ann"))
        await life.wait(2)
        return (await life.order(command)).orders[0].client_order_id

    async def script() -> None:
        rests = trade("rests-001", order_type="limit", price=D("99.5"))
        await approved(rests)
        assert (await life.order(rests)).orders[0].state is OrderState.ACCEPTED
        await life.order(CancelCommand("rests-001"))
        await life.wait(2)
        assert (await life.order(CancelCommand("rests-001"))).orders[0].state is OrderState.CANCELED
        assert (await life.order(CancelCommand("nobody-01"))).problem == "unknown_order"

    life.live(script)


def test_a_symbol_that_is_not_traded_here_is_refused(tmp_path: Path) -> None:
    life = LiveLife(tmp_path)

    async def script() -> None:
        answer = await life.order(trade(symbol="OTHER"))
        assert answer.refused is not None
        assert [reason.code for reason in answer.refused.reasons] == ["unknown_symbol"]
        assert (await life.order(trade(symbol="OTHER"))).replayed

    life.live(script)
