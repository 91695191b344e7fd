"""Orders: what was sent, how it stands and what filled it, of the desk that runs or of the one that ran last."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import anyio.to_thread

from chanflow.domain.errors import NotFound
from chanflow.domain.order import OrderView
from chanflow.domain.time import NS_PER_MS
from chanflow.operations.fields import (
    Cursor,
    Limit200,
    Money,
    Symbol,
    TimeNs,
    make_cursor,
    read_cursor,
    time_of_ns,
)
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.principal import Door

_LIVE_WITHIN_MS = 60_000
_SHOWN_UNIT = Decimal("1E-8")

NOT_A_TOOL: frozenset[Door] = frozenset({"cli", "rest", "ws"})
"""Not over MCP: its tools are twelve, and this is none of them."""

OrderStateWord = Literal[
    "open", "initialized", "denied", "submitted", "accepted", "partially_filled", "pending_cancel", "pending_amend",
    "triggered", "unknown", "filled", "canceled", "expired", "rejected",
]  # fmt: skip


class GetOrders(Arguments):
    """Which orders: all by default. `open` are those that have not ended; `since` is when they last changed."""

    symbol: Symbol | None = None
    state: OrderStateWord | None = None
    since: TimeNs | None = None
    limit: Limit200 = 50
    cursor: Cursor | None = None


class FillRow(Answer):
    """One fill. Price and fee in quote, quantity in base units; a negative fee was received."""

    trade_id: str
    price: Money
    qty: Money
    fee: Money
    maker: bool
    at: str


class OrderFound(Answer):
    """An order. Quantities in base units, prices in quote.

    `client_order_id` is the id that whoever ordered it by hand gave it, null where the desk or the venue made it;
    `leg` tells an entry, the stop and take-profit that protect it, and an exit. `detail` is the venue's last word.
    """

    client_order_id: str | None
    venue_order_id: str
    symbol: str
    side: Literal["buy", "sell"]
    leg: Literal["entry", "stop", "take_profit", "exit"]
    state: str
    qty: Money
    filled: Money
    leaves: Money
    avg_price: Money | None
    price: Money | None
    stop_price: Money | None
    take_profit_price: Money | None
    reduce_only: bool
    detail: str
    sent_at: str
    updated_at: str
    fills: list[FillRow]


class OrdersFound(Answer):
    """Orders, newest first, and the cursor to older ones."""

    orders: list[OrderFound]
    next_cursor: str | None
    known_at: str
    stale_ms: int | None


async def get_orders(asked: Asked[GetOrders]) -> OrdersFound:
    """Return a page of the orders that fit, newest first."""
    args, services = asked.args, asked.services
    before = None
    if args.cursor is not None:
        side, before = read_cursor(args.cursor)
        if side != "before" or before < 0:
            raise Declined("invalid_argument", "cursor is none of ours", field="cursor")
    try:
        orders, known_ns = await anyio.to_thread.run_sync(services.orders.orders, abandon_on_cancel=True)
    except NotFound as fault:
        raise Declined("not_found", "no desk has run yet", suggestion="start one: chanflow up") from fault
    found = [(number, order) for number, order in enumerate(orders[:before]) if _fits(args, order)]
    shown = found[-args.limit :]
    age_ms = (services.clock.now_ns() - known_ns) // NS_PER_MS
    return OrdersFound(
        orders=[_row(order) for _, order in reversed(shown)],
        next_cursor=make_cursor("before", shown[0][0]) if len(found) > args.limit else None,
        known_at=time_of_ns(known_ns),
        stale_ms=age_ms if age_ms > _LIVE_WITHIN_MS else None,
    )


def _fits(args: GetOrders, order: OrderView) -> bool:
    state = not order.state.terminal if args.state == "open" else args.state in (None, order.state.value)
    return state and args.symbol in (None, order.symbol) and (args.since is None or order.updated_ns >= args.since)


def _row(order: OrderView) -> OrderFound:
    return OrderFound(
        client_order_id=order.command_id,
        venue_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        leg=order.leg,
        state=order.state.value,
        qty=order.qty_base,
        filled=order.filled_base,
        leaves=order.leaves_base,
        avg_price=shown_price(order.average_price),
        price=order.limit_price,
        stop_price=order.stop_price,
        take_profit_price=order.take_profit_price,
        reduce_only=order.reduce_only,
        detail=order.detail,
        sent_at=time_of_ns(order.sent_ns),
        updated_at=time_of_ns(order.updated_ns),
        fills=[
            FillRow(trade_id=f.trade_id, price=f.price, qty=f.qty_base, fee=f.fee_quote, maker=f.maker,
                    at=time_of_ns(f.at_ns))
            for f in order.fills
        ],
    )  # fmt: skip


def shown_price(price: Decimal | None) -> Decimal | None:
    """Return a price as people read it; an average has no last digit."""
    return None if price is None else price.quantize(_SHOWN_UNIT, ROUND_HALF_EVEN)


def _digest(found: OrdersFound) -> Digest:
    columns = ("venue_order_id", "symbol", "side", "leg", "state", "qty", "filled", "avg_price")
    rows: Sequence[OrderFound] = found.orders[:5]
    return Digest(
        f"{len(found.orders)} orders, newest first",
        columns,
        tuple(tuple(getattr(row, name) for name in columns) for row in rows),
        found.next_cursor,
    )


GET_ORDERS = Operation(
    name="get_orders",
    title="Orders",
    doc_en="Orders (订单) of the desk, newest first, with their fills and how they ended.",
    doc_zh="查询订单及其成交，最新在前。",
    scope="account:read",
    plans=frozenset({"free", "pro", "developer", "enterprise"}),
    charges={"api_call": 1},
    rate_class="read",
    input=GetOrders,
    output=OrdersFound,
    hints=Hints(read_only=True),
    timeout_s=20,
    path="/orders",
    handler=get_orders,
    digest=_digest,
    doors=NOT_A_TOOL,
)
