"""Operations that trade, on the paper desk that runs behind the door. Nothing passes the gate by."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from chanflow.domain.command import CancelCommand, CloseAllCommand, Command, CommandAnswer, Problem, TradeCommand
from chanflow.domain.errors import NotFound
from chanflow.domain.order import OrderState, OrderView, Refused
from chanflow.operations.fields import Amount, ClientOrderId, Money, Symbol, whole
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.orders import NOT_A_TOOL, shown_price
from chanflow.operations.outcome import Declined
from chanflow.operations.services import Services

OrderId = ClientOrderId
"""The caller's own id of an order, or the one it has at the venue."""


class ExecuteTrade(Arguments):
    """A trade. Its exits may be left out only where it reduces; then they must be."""

    client_order_id: ClientOrderId
    symbol: Symbol
    side: Literal["buy", "sell"]
    size_quote: Amount
    order_type: Literal["limit", "market"] = "limit"
    price: Amount | None = None
    leverage: Annotated[int, Field(ge=1, le=5), BeforeValidator(whole)] = 1
    stop_price: Amount | None = None
    take_profit_price: Amount | None = None
    reduce_only: bool = False
    mode: Literal["paper", "live"] = "paper"


class OrderRead(Answer):
    """How an order stands. `filled` in base units, `avg_price` in quote."""

    client_order_id: str | None
    venue_order_id: str
    state: str
    filled: Money
    avg_price: Money | None


class ReasonRow(Answer):
    """Why something was refused: a stable code, what was found and what is allowed, and both in a sentence."""

    code: str
    value: str
    bound: str
    message: str


class TradeDone(Answer):
    """What a trade came to: refused with every reason, or an order. `replayed` is what it came to before."""

    status: Literal["refused", "submitted", "filled", "unknown", "replayed"]
    order: OrderRead | None
    reasons: list[ReasonRow]


class CancelOrder(Arguments):
    """Which order."""

    client_order_id: OrderId


class OrderCancelled(Answer):
    """How the order stands now; a cancel that the venue has not answered yet is `pending_cancel`."""

    client_order_id: str
    state: str
    filled: Money


class CloseAll(Arguments):
    """Of which symbol; everything by default."""

    symbol: Symbol | None = None


class AllClosed(Answer):
    """The opening orders that were cancelled and the orders that close positions; none where nothing was open."""

    status: Literal["flat", "closing"]
    cancelled: list[OrderRead]
    closing: list[OrderRead]


async def execute_trade(asked: Asked[ExecuteTrade]) -> TradeDone:
    """Order a trade, once for each `client_order_id`, and return what it came to."""
    args = asked.args
    _check(args, asked.services)
    answer = await submit(
        asked.services,
        TradeCommand(
            client_order_id=args.client_order_id, symbol=args.symbol, side=args.side, size_quote=args.size_quote,
            order_type=args.order_type, price=args.price, leverage=args.leverage, stop_price=args.stop_price,
            take_profit_price=args.take_profit_price, reduce_only=args.reduce_only,
        ),
    )  # fmt: skip
    order = next((order for order in reversed(answer.orders) if order.leg in ("entry", "exit")), None)
    status, reasons = _outcome(order, answer.refused)
    return TradeDone(
        status="replayed" if answer.replayed else status,
        order=None if order is None else _order(order),
        reasons=reasons,
    )


def _check(args: ExecuteTrade, services: Services) -> None:
    """Refuse arguments that do not go together. Raises Declined."""

    def refuse(field: str, sentence: str) -> Declined:
        return Declined("invalid_argument", sentence, field=field)

    if args.mode != services.account_mode:
        raise Declined(
            "not_found", f"the account of this desk is {services.account_mode}: no other is offered yet", field="mode"
        )
    if (args.order_type == "limit") != (args.price is not None):
        needed = "price is required for a limit order" if args.price is None else "a market order has no price"
        raise refuse("price", needed)
    for name in ("stop_price", "take_profit_price"):
        given = getattr(args, name) is not None
        if given == args.reduce_only:
            raise refuse(
                name, f"{name} goes with an order that opens" if given else f"{name} is required unless reduce_only"
            )


def _outcome(
    order: OrderView | None, refused: Refused | None
) -> tuple[Literal["refused", "submitted", "filled", "unknown"], list[ReasonRow]]:
    """Return the status of a trade, and why it was refused where it was."""
    if refused is not None:
        return "refused", _reasons(refused)
    if order is None or order.state in (OrderState.UNKNOWN, OrderState.INITIALIZED):
        return "unknown", []
    if order.state in (OrderState.DENIED, OrderState.REJECTED):
        return "refused", [ReasonRow(code=str(order.state), value="", bound="", message=order.detail or "refused")]
    return ("filled" if order.state is OrderState.FILLED else "submitted"), []


def _reasons(refused: Refused) -> list[ReasonRow]:
    failed = {check.name: check for check in refused.checks if not check.ok}
    return [
        ReasonRow(
            code=reason.code,
            value=failed[reason.code].value if reason.code in failed else "",
            bound=failed[reason.code].bound if reason.code in failed else "",
            message=reason.message,
        )
        for reason in refused.reasons
    ]


async def cancel_order(asked: Asked[CancelOrder]) -> OrderCancelled:
    """Cancel an order; one that has ended stays as it is."""
    answer = await submit(asked.services, CancelCommand(asked.args.client_order_id))
    order = answer.orders[0]
    return OrderCancelled(client_order_id=asked.args.client_order_id, state=str(order.state), filled=order.filled_base)


async def close_all(asked: Asked[CloseAll]) -> AllClosed:
    """Cancel what may still open and close what stands, at market and reduce-only."""
    answer = await submit(asked.services, CloseAllCommand(asked.args.symbol))
    ended = all(order.state.terminal for order in answer.orders)
    return AllClosed(
        status="flat" if ended else "closing",
        cancelled=[_order(order) for order in answer.orders if order.leg == "entry"],
        closing=[_order(order) for order in answer.orders if order.leg == "exit"],
    )


_PROBLEMS: dict[Problem, Declined] = {
    "idempotency_conflict": Declined(
        "idempotency_conflict", "this client_order_id stands for another trade", field="client_order_id"
    ),
    "unknown_order": Declined("not_found", "there is no order of this id", field="client_order_id"),
    "protective_stop": Declined(
        "conflict", "a stop protects its position and is not cancelled: close the position", field="client_order_id"
    ),
    "not_taken": Declined("data_stale", "the desk is busy with what came before: nothing was done, ask again"),
    "unknown": Declined("order_fate_unknown", "the desk has the command and has not said what became of it"),
}


async def submit(services: Services, command: Command) -> CommandAnswer:
    """Return the desk's answer. Raises Declined where there is no desk, or it came to nothing."""
    try:
        answer = await services.trading.submit(command)
    except NotFound:
        raise Declined(
            "conflict", "no paper desk runs behind this door", suggestion="start one with chanflow up, and ask there"
        ) from None
    if answer.problem is not None:
        found = _PROBLEMS[answer.problem]
        raise Declined(found.code, str(found), field=found.field, suggestion=found.suggestion)
    return answer


def _order(order: OrderView) -> OrderRead:
    return OrderRead(
        client_order_id=order.command_id,
        venue_order_id=order.client_order_id,
        state=str(order.state),
        filled=order.filled_base,
        avg_price=shown_price(order.average_price),
    )


def _line(done: Answer, words: str) -> Digest:
    return Digest(f"{type(done).__name__}: {words}", (), ())


EVERY_PLAN = frozenset({"free", "pro", "developer", "enterprise"})

EXECUTE_TRADE = Operation(
    name="execute_trade",
    title="Trade",
    doc_en="Order a paper trade (下单), judged by the risk gate. Same client_order_id: same order, answered again.",
    doc_zh="模拟盘下单，须经风控；同一 client_order_id 即同一订单。",
    scope="trade:paper",
    plans=frozenset({"enterprise"}),
    charges={"api_call": 1},
    rate_class="trade",
    input=ExecuteTrade,
    output=TradeDone,
    hints=Hints(read_only=False, destructive=True, idempotent=True),
    timeout_s=20,
    path="/orders",
    handler=execute_trade,
    digest=lambda done: _line(done, done.status),
)

CANCEL_ORDER = Operation(
    name="cancel_order",
    title="Cancel an order",
    doc_en="Cancel an order (撤单) by your id or the venue's. A protective stop is not cancelled.",
    doc_zh="撤单；保护性止损不可撤。",
    scope="trade:paper",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=CancelOrder,
    output=OrderCancelled,
    hints=Hints(read_only=False, destructive=True, idempotent=True),
    timeout_s=20,
    path="/orders/cancel",
    handler=cancel_order,
    digest=lambda done: _line(done, done.state),
)

CLOSE_ALL = Operation(
    name="close_all",
    title="Close everything",
    doc_en="Cancel every opening order and close every position (全部平仓) at market, reduce-only; safe to repeat.",
    doc_zh="撤销全部开仓单并以只减仓市价平掉全部持仓，可重复调用。",
    scope="trade:paper",
    plans=EVERY_PLAN,
    charges={},
    rate_class="safety",
    input=CloseAll,
    output=AllClosed,
    hints=Hints(read_only=False, destructive=True, idempotent=True),
    timeout_s=20,
    path="/positions/close",
    handler=close_all,
    digest=lambda done: _line(done, done.status),
    doors=NOT_A_TOOL,
)
