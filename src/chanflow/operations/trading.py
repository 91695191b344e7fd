"""Operations that end orders and positions, and the way to the desk that runs behind the door."""

from __future__ import annotations

from typing import Literal

from chanflow.domain.command import CancelCommand, CloseAllCommand, Command, CommandAnswer, Problem
from chanflow.domain.errors import NotFound
from chanflow.domain.order import OrderView
from chanflow.operations.fields import ClientOrderId, Money, Symbol
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.orders import NOT_A_TOOL, shown_price
from chanflow.operations.outcome import Declined
from chanflow.operations.services import Services

OrderId = ClientOrderId
"""The caller's own id of an order, or the one it has at the venue."""


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
        cancelled=[order_read(order) for order in answer.orders if order.leg == "entry"],
        closing=[order_read(order) for order in answer.orders if order.leg == "exit"],
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


def order_read(order: OrderView) -> OrderRead:
    """Return an order as answers show it."""
    return OrderRead(
        client_order_id=order.command_id,
        venue_order_id=order.client_order_id,
        state=str(order.state),
        filled=order.filled_base,
        avg_price=shown_price(order.average_price),
    )


def line_of(done: Answer, words: str) -> Digest:
    """Return an answer in a line."""
    return Digest(f"{type(done).__name__}: {words}", (), ())


EVERY_PLAN = frozenset({"free", "pro", "developer", "enterprise"})

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
    digest=lambda done: line_of(done, done.state),
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
    digest=lambda done: line_of(done, done.status),
    doors=NOT_A_TOOL,
)
