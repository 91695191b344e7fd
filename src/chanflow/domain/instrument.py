"""What is traded, and the venue's rules for it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument with its venue's rules and fees. Prices are in quote, quantities in base units."""

    symbol: str
    base: str
    quote: str
    tick: Decimal
    step: Decimal
    min_qty: Decimal
    min_notional_quote: Decimal
    maker_fee_frac: Decimal
    taker_fee_frac: Decimal

    def floor_qty(self, qty_base: Decimal) -> Decimal:
        """Return `qty_base` rounded down to the step."""
        return (qty_base / self.step).to_integral_value(ROUND_DOWN) * self.step

    def nearest_price(self, price: Decimal) -> Decimal:
        """Return `price` rounded to the nearest tick."""
        return (price / self.tick).to_integral_value(ROUND_HALF_EVEN) * self.tick

    def on_tick(self, price: Decimal) -> bool:
        """Return whether `price` is a whole number of ticks."""
        return price % self.tick == 0

    def on_step(self, qty_base: Decimal) -> bool:
        """Return whether `qty_base` is a whole number of steps."""
        return qty_base % self.step == 0
