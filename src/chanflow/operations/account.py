"""Operations on the account."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import anyio.to_thread
from pydantic import FiniteFloat

from chanflow.domain.account import Position
from chanflow.domain.errors import NotFound
from chanflow.domain.order import OrderEvent
from chanflow.domain.time import NS_PER_MS
from chanflow.operations.fields import Money, Symbol, time_of_ns
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined

_LIVE_WITHIN_MS = 60_000
_RATIO_STEP = Decimal("0.000001")
_SHOWN_UNIT = Decimal("1E-8")


class GetPosition(Arguments):
    """Which positions; all of the account by default."""

    symbol: Symbol | None = None
    mode: Literal["paper", "live"] | None = None


class PositionRow(Answer):
    """A net position. Prices in quote, size in base units; `triggers` counts what is armed on the symbol."""

    symbol: str
    side: Literal["long", "short"]
    size: Money
    entry: Money
    mark: Money
    unrealised: Money
    leverage: int
    stop: Money | None
    take_profit: Money | None
    protected: bool
    triggers: int


class OrderRow(Answer):
    """An order that is still open. `filled` and `leaves` in base units."""

    client_order_id: str
    symbol: str
    leg: Literal["entry", "stop", "take_profit", "exit"]
    state: str
    filled: Money
    leaves: Money
    at: str


class Positions(Answer):
    """Positions, open orders and margin.

    `margin_ratio` is equity over the sum of |notional|, null without positions. `reconciled_at` is null while our books
    and the venue's disagree.
    """

    mode: Literal["paper", "live"]
    positions: list[PositionRow]
    orders: list[OrderRow]
    equity: Money
    margin_ratio: FiniteFloat | None
    reconciled_at: str | None
    known_at: str
    stale_ms: int | None


async def get_position(asked: Asked[GetPosition]) -> Positions:
    """Return the account's positions and open orders, of one symbol if asked; margin is the whole account's."""
    args, services = asked.args, asked.services
    try:
        view = await anyio.to_thread.run_sync(services.account.account, abandon_on_cancel=True)
    except NotFound as fault:
        raise Declined(
            "not_found", "no desk has run yet, so there is no account", suggestion="start one: chanflow demo"
        ) from fault
    if args.mode is not None and args.mode != services.account_mode:
        raise Declined("not_found", f"the account of this desk is {services.account_mode}", field="mode")
    snapshot = view.snapshot
    age_ms = (services.clock.now_ns() - snapshot.as_of_ns) // NS_PER_MS
    return Positions(
        mode=services.account_mode,
        positions=[
            _position(p, view.armed_triggers.get(p.symbol, 0))
            for p in snapshot.positions
            if args.symbol in (None, p.symbol)
        ],
        orders=[_order(o) for o in view.open_orders if args.symbol in (None, o.symbol)],
        equity=snapshot.equity_quote,
        margin_ratio=_ratio(snapshot.equity_quote, snapshot.notional_quote),
        reconciled_at=time_of_ns(snapshot.as_of_ns) if snapshot.reconciled else None,
        known_at=time_of_ns(snapshot.as_of_ns),
        stale_ms=age_ms if age_ms > _LIVE_WITHIN_MS else None,
    )


def _position(position: Position, triggers: int) -> PositionRow:
    return PositionRow(
        symbol=position.symbol,
        side=position.side,
        size=abs(position.qty_base),
        entry=_read(position.entry_price),
        mark=position.mark_price,
        unrealised=_read(position.unrealised_quote),
        leverage=position.leverage,
        stop=position.stop_price,
        take_profit=position.take_profit_price,
        protected=position.protected,
        triggers=triggers,
    )


def _read(amount: Decimal) -> Decimal:
    """Return an amount in quote as people read it; an average cost has no last digit."""
    return amount.quantize(_SHOWN_UNIT, ROUND_HALF_EVEN)


def _order(order: OrderEvent) -> OrderRow:
    return OrderRow(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        leg=order.leg,
        state=order.state.value,
        filled=order.filled_base,
        leaves=order.leaves_base,
        at=time_of_ns(order.at_ns),
    )


def _ratio(equity_quote: Decimal, notional_quote: Decimal) -> float | None:
    if not notional_quote:
        return None
    return float((equity_quote / notional_quote).quantize(_RATIO_STEP, ROUND_HALF_EVEN))


def _digest(found: Positions) -> Digest:
    return Digest(
        f"{len(found.positions)} positions and {len(found.orders)} open orders ({found.mode}), equity {found.equity}",
        ("symbol", "side", "size", "entry", "mark", "unrealised", "stop"),
        tuple((p.symbol, p.side, p.size, p.entry, p.mark, p.unrealised, p.stop) for p in found.positions[-5:]),
    )


GET_POSITION = Operation(
    name="get_position",
    title="Positions",
    doc_en="Open positions (持仓) with stop, take-profit and armed triggers; open orders; equity and margin ratio.",
    doc_zh="查询持仓、止损止盈、触发器、未结订单、权益与保证金率。",
    scope="account:read",
    plans=frozenset({"free", "pro", "developer", "enterprise"}),
    charges={"api_call": 1},
    rate_class="read",
    input=GetPosition,
    output=Positions,
    hints=Hints(read_only=True),
    timeout_s=5,
    path="/positions",
    handler=get_position,
    digest=_digest,
)
