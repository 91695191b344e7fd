"""A net holding at average cost: exact inside, rounded once where money is told."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from fractions import Fraction

ZERO = Decimal(0)
MONEY_DIGITS = 12
"""Decimals to which realised profit is told where it has no end; sums are rounded, roundings are never summed."""
EXACT_DIGITS = 18
"""Up to so many decimals a figure that ends is told whole."""
AVERAGE_BITS = 1024
"""An average that needs more than this is cut to `AVERAGE_DIGITS`; decades of trading without ever being flat."""
AVERAGE_DIGITS = 60

EXACT = Context(prec=120, traps=[Inexact])
"""Money is added and multiplied in here: a digit that would be lost is a fault and not a rounding."""


@dataclass(slots=True)
class Holding:
    """A net holding. `qty_base` is signed; `paid_quote` is what all its fills took out of cash, exact."""

    symbol: str
    qty_base: Decimal = ZERO
    paid_quote: Decimal = ZERO
    realised_quote: Decimal = ZERO
    _average: Fraction = Fraction(0)
    _earned: Fraction = Fraction(0)

    @property
    def cost_quote(self) -> Decimal:
        """What all of it was opened for, in quote, never negative; 0 when flat."""
        if self.qty_base == 0:
            return ZERO
        tied_up = EXACT.add(self.paid_quote, self.realised_quote)
        return tied_up if self.qty_base > 0 else -tied_up

    @property
    def average_price(self) -> Decimal:
        """What one unit of base cost, in quote; 0 when flat. Rounded, for reading: the books use the cost itself."""
        return ZERO if self.qty_base == 0 else self.cost_quote / abs(self.qty_base)

    def take(self, signed_base: Decimal, price: Decimal) -> Decimal:
        """Move the holding by `signed_base` at `price`; returns what that realised, in quote.

        Average cost. The sum of what parts realise does not depend on the order in which they are closed.
        """
        before, after = self.qty_base, EXACT.add(self.qty_base, signed_base)
        self.paid_quote = EXACT.add(self.paid_quote, EXACT.multiply(signed_base, price))
        self.qty_base = after
        at = Fraction(price)
        if before == 0 or (before > 0) == (signed_base > 0):
            held, more = Fraction(abs(before)), Fraction(abs(signed_base))
            self._average = _cut((self._average * held + at * more) / (held + more))
            return ZERO
        closed = Fraction(min(abs(signed_base), abs(before)))
        self._earned += (at - self._average) * closed * (1 if before > 0 else -1)
        told = rounded(self._earned)
        if after == 0 or (after > 0) != (before > 0):
            # Flat for a moment: nothing is tied up but what the other side was opened for, so the sum is exact.
            opened = EXACT.multiply(after, price)
            told = EXACT.subtract(opened, self.paid_quote)
            self._earned, self._average = Fraction(told), at if after != 0 else Fraction(0)
        realised = EXACT.subtract(told, self.realised_quote)
        self.realised_quote = told
        return realised


def rounded(value: Fraction) -> Decimal:
    """Return `value` as a decimal: whole where it ends within 18 decimals, else to 12, half to even."""
    whole = value * 10**EXACT_DIGITS
    if whole.denominator == 1:
        return Decimal(whole.numerator).scaleb(-EXACT_DIGITS, EXACT).normalize(EXACT)
    return Decimal(round(value * 10**MONEY_DIGITS)).scaleb(-MONEY_DIGITS, EXACT)


def _cut(value: Fraction) -> Fraction:
    if value.denominator.bit_length() <= AVERAGE_BITS:
        return value
    return Fraction(round(value * 10**AVERAGE_DIGITS), 10**AVERAGE_DIGITS)
