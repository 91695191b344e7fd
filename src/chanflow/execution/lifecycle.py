"""The life of an order: one table of legal steps, and nothing else moves a state.

Fills are a set keyed by trade id; the filled quantity is recomputed from the set, so events may repeat or arrive in
any order and the end is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from chanflow.domain.opinion import Side
from chanflow.domain.order import Fill, Leg, OrderState

S = OrderState

TRANSITIONS: dict[OrderState, dict[str, OrderState]] = {
    S.INITIALIZED: {"deny": S.DENIED, "send": S.SUBMITTED},
    S.SUBMITTED: {
        "accept": S.ACCEPTED, "reject": S.REJECTED, "cancel": S.CANCELED, "expire": S.EXPIRED, "lose": S.UNKNOWN,
        "trigger": S.TRIGGERED,
    },
    S.UNKNOWN: {"accept": S.ACCEPTED, "reject": S.REJECTED, "cancel": S.CANCELED, "expire": S.EXPIRED},
    S.ACCEPTED: {
        "request_cancel": S.PENDING_CANCEL, "trigger": S.TRIGGERED, "cancel": S.CANCELED, "expire": S.EXPIRED,
        "reject": S.REJECTED,
    },
    S.PARTIALLY_FILLED: {
        "request_cancel": S.PENDING_CANCEL, "cancel": S.CANCELED, "expire": S.EXPIRED, "accept": S.PARTIALLY_FILLED,
    },
    S.PENDING_CANCEL: {"cancel": S.CANCELED, "expire": S.EXPIRED, "trigger": S.TRIGGERED},
    S.TRIGGERED: {"accept": S.ACCEPTED, "cancel": S.CANCELED, "expire": S.EXPIRED, "reject": S.REJECTED},
    S.DENIED: {},
    S.FILLED: {},
    S.CANCELED: {},
    S.EXPIRED: {},
    S.REJECTED: {},
}  # fmt: skip
"""From each state, what each event leads to. Fills are not here: they follow from quantities, see `Order.fill`."""


@dataclass(slots=True)
class Order:
    """One order of ours and all that became of it. Quantities in base units."""

    client_order_id: str
    symbol: str
    side: Side
    leg: Leg
    qty_base: Decimal
    reduce_only: bool
    approved_id: str
    position_id: str
    state: OrderState = OrderState.INITIALIZED
    fills: dict[str, Fill] = field(default_factory=dict)

    @property
    def filled_base(self) -> Decimal:
        """Sum of all fills."""
        return sum((f.qty_base for f in self.fills.values()), Decimal(0))

    @property
    def leaves_base(self) -> Decimal:
        """What may still fill; 0 once the order has ended."""
        return Decimal(0) if self.state.terminal else max(Decimal(0), self.qty_base - self.filled_base)

    def step(self, event: str) -> bool:
        """Take a step of the table. Returns False, state unchanged, where the table has no such step."""
        after = TRANSITIONS[self.state].get(event)
        if after is None:
            return False
        self.state = after
        return True

    def fill(self, fill: Fill) -> str | None:
        """Book a fill. Returns None, `repeated` for one already known, or what is impossible about it."""
        if fill.trade_id in self.fills:
            return "repeated"
        impossible = None
        if self.state in (S.DENIED, S.REJECTED, S.FILLED):
            impossible = f"a fill of {fill.qty_base} arrived for an order that is {self.state}"
        self.fills[fill.trade_id] = fill
        if self.filled_base > self.qty_base:
            impossible = f"fills sum to {self.filled_base}, the order was for {self.qty_base}"
        if self.filled_base >= self.qty_base:
            self.state = S.FILLED
        elif self.state not in (S.CANCELED, S.EXPIRED, S.PENDING_CANCEL):
            self.state = S.PARTIALLY_FILLED
        return impossible
