"""The account as the gate sees it. All money in the account's quote currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Position:
    """A net position. `qty_base` is signed: positive long, negative short."""

    position_id: str
    symbol: str
    base: str
    qty_base: Decimal
    entry_price: Decimal
    mark_price: Decimal
    leverage: int
    opened_ns: int
    stop_price: Decimal | None
    take_profit_price: Decimal | None
    protected: bool

    @property
    def side(self) -> Literal["long", "short"]:
        """Which way it points."""
        return "long" if self.qty_base > 0 else "short"

    @property
    def notional_quote(self) -> Decimal:
        """|quantity| times mark."""
        return abs(self.qty_base) * self.mark_price

    @property
    def unrealised_quote(self) -> Decimal:
        """Profit at mark, before the cost of leaving."""
        return self.qty_base * (self.mark_price - self.entry_price)


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """An order that may still fill; an opening one counts as if it had."""

    symbol: str
    base: str
    side: Literal["buy", "sell"]
    qty_base: Decimal
    price: Decimal
    leverage: int


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """Equity and positions at one moment. `day_start_equity_quote` is the reading at 00:00 UTC of the day."""

    as_of_ns: int
    wallet_quote: Decimal
    equity_quote: Decimal
    high_water_quote: Decimal
    day_start_equity_quote: Decimal
    transfers_today_quote: Decimal
    positions: tuple[Position, ...]
    resting: tuple[RestingOrder, ...]
    opening_trades_today: int
    reconciled: bool
    closing: tuple[RestingOrder, ...] = ()
    """Closing orders in flight: what they will take off a position cannot be closed a second time."""

    @property
    def drawdown_frac(self) -> Decimal:
        """1 - equity / high-water mark."""
        return 1 - self.equity_quote / self.high_water_quote

    @property
    def day_loss_frac(self) -> Decimal:
        """Loss of the UTC day over its starting equity, never below 0."""
        start = self.day_start_equity_quote
        return max(Decimal(0), (start + self.transfers_today_quote - self.equity_quote) / start)

    @property
    def notional_quote(self) -> Decimal:
        """Sum of |notional| of all positions."""
        return sum((p.notional_quote for p in self.positions), Decimal(0))
