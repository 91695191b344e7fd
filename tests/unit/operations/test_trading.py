"""What a desk answers, as the operations show it; `test_execute_trade.py` has how a trade is confirmed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_trading import hand_trading

from chanflow.domain.command import CancelCommand, CloseAllCommand, Command, CommandAnswer, PreviewCommand, TradeCommand
from chanflow.domain.order import Check, OrderState, OrderView, Reason, Refused
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import Done, Failed
from chanflow.operations.principal import LOCAL_OPERATOR

TRADE = {
    "client_order_id": "mine-0001", "symbol": "BTCUSDT", "side": "buy", "size_quote": "100.50", "price": "42000",
    "stop_price": "41000", "take_profit_price": "44000",
}  # fmt: skip
ORDER = OrderView(
    client_order_id="q1", command_id="mine-0001", proposal_id="p1", symbol="BTCUSDT", side="buy", leg="entry",
    qty_base=Decimal(2), limit_price=Decimal(42_000), stop_price=None, take_profit_price=None, reduce_only=False,
    state=OrderState.ACCEPTED, filled_base=Decimal(0), leaves_base=Decimal(2), detail="", sent_ns=0, updated_ns=0,
)  # fmt: skip


class OneAnswer:
    """A desk that answers everything alike."""

    def __init__(self, answer: CommandAnswer) -> None:
        self.answer = answer
        self.given: list[Command] = []

    async def submit(self, command: Command) -> CommandAnswer:
        self.given.append(command)
        return self.answer


def known(answer: CommandAnswer) -> CommandAnswer:
    """Return what a desk says of a trade that it was given before."""
    return replace(answer, replayed=True)


async def trade(desk: Any, root: Path, args: dict[str, Any], answer: CommandAnswer) -> tuple[Any, OneAnswer]:
    """Ask for a trade where the desk answers everything alike."""
    async with hand_trading(root, desk.memory_services()) as found:
        trading = OneAnswer(answer)
        services = replace(found.services, trading=trading)
        outcome = await build_catalogue(services).execute(
            LOCAL_OPERATOR, "execute_trade", args, door="rest", request_id="r-1"
        )
        return outcome, trading


async def ask(desk: Any, name: str, args: dict[str, Any], answer: CommandAnswer) -> tuple[Any, OneAnswer]:
    trading = OneAnswer(answer)
    services = replace(desk.memory_services(), trading=trading)
    outcome = await build_catalogue(services).execute(LOCAL_OPERATOR, name, args, door="rest", request_id="r-1")
    return outcome, trading


@pytest.mark.asyncio
async def test_a_trade_reaches_the_desk_as_it_was_asked_for(desk: Any, tmp_path: Path) -> None:
    _, trading = await trade(desk, tmp_path, TRADE, known(CommandAnswer((ORDER,))))
    assert trading.given == [
        PreviewCommand(
            TradeCommand(
                "mine-0001", "BTCUSDT", "buy", Decimal("100.50"), "limit", Decimal(42_000), 1, Decimal(41_000),
                Decimal(44_000), False,
            )
        )
    ]  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("state", "refused"),
    [
        (OrderState.ACCEPTED, False), (OrderState.PARTIALLY_FILLED, False), (OrderState.FILLED, False),
        (OrderState.EXPIRED, False), (OrderState.UNKNOWN, False), (OrderState.REJECTED, True),
        (OrderState.DENIED, True),
    ],
)  # fmt: skip
async def test_an_order_is_shown_as_it_stands(desk: Any, tmp_path: Path, state: OrderState, refused: bool) -> None:
    order = replace(ORDER, state=state, detail="why")
    outcome, _ = await trade(desk, tmp_path, TRADE, known(CommandAnswer((order,))))
    assert isinstance(outcome, Done)
    assert (outcome.result.status, outcome.result.order.state) == ("replayed", state.value)  # type: ignore[attr-defined]
    assert [reason.message for reason in outcome.result.reasons] == (["why"] if refused else [])  # type: ignore[attr-defined]


@pytest.mark.asyncio
async def test_a_refusal_is_a_result_with_value_and_bound(desk: Any, tmp_path: Path) -> None:
    refused = Refused(
        "p1", "d1", "BTCUSDT", 0, (Reason("leverage", "too much"), Reason("expired", "too late")),
        (Check("leverage", "6", "5", ok=False), Check("cash_reserve", "0.2", "0.1", ok=True)),
    )  # fmt: skip
    outcome, _ = await trade(desk, tmp_path, TRADE, known(CommandAnswer(refused=refused)))
    assert isinstance(outcome, Done)
    assert outcome.result.model_dump()["reasons"] == [
        {"code": "leverage", "value": "6", "bound": "5", "message": "too much"},
        {"code": "expired", "value": "", "bound": "", "message": "too late"},
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("problem", "code", "status"),
    [
        ("idempotency_conflict", "idempotency_conflict", 409), ("unknown_order", "not_found", 404),
        ("protective_stop", "conflict", 409), ("not_taken", "data_stale", 503),
        ("unknown", "order_fate_unknown", 202),
    ],
)  # fmt: skip
async def test_a_command_that_came_to_nothing_says_why(desk: Any, problem: Any, code: str, status: int) -> None:
    outcome, trading = await ask(
        desk, "cancel_order", {"client_order_id": "mine-0001"}, CommandAnswer((ORDER,), problem=problem)
    )
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.error.status) == (code, status)
    assert trading.given == [CancelCommand("mine-0001")]


@pytest.mark.asyncio
async def test_closing_everything_tells_cancelled_and_closing_orders_apart(desk: Any) -> None:
    exit_order = replace(ORDER, leg="exit", command_id=None, client_order_id="q2", state=OrderState.FILLED)
    cancelled = replace(ORDER, state=OrderState.CANCELED)
    outcome, trading = await ask(desk, "close_all", {}, CommandAnswer((cancelled, exit_order)))
    assert isinstance(outcome, Done)
    body = outcome.result.model_dump(mode="json")
    assert trading.given == [CloseAllCommand(None)]
    assert (body["status"], [o["venue_order_id"] for o in body["closing"]]) == ("flat", ["q2"])
    assert [o["state"] for o in body["cancelled"]] == ["canceled"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"order_type": "market"}, "price"), ({"price": None}, "price"), ({"stop_price": None}, "stop_price"),
        ({"take_profit_price": None}, "take_profit_price"), ({"reduce_only": True}, "stop_price"),
        ({"mode": "live"}, "mode"), ({"size_quote": "0"}, "size_quote"), ({"size_quote": 100}, "size_quote"),
        ({"leverage": 0}, "leverage"), ({"client_order_id": "a" * 37}, "client_order_id"),
    ],
)  # fmt: skip
async def test_arguments_that_do_not_go_together_never_reach_the_desk(
    desk: Any, changes: dict[str, Any], field: str
) -> None:
    args = {name: value for name, value in (TRADE | changes).items() if value is not None}
    outcome, trading = await ask(desk, "execute_trade", args, CommandAnswer((ORDER,)))
    assert isinstance(outcome, Failed)
    assert outcome.error.field == field
    assert trading.given == []
