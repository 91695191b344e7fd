"""Equity's two yardsticks: the high-water mark and the day's start. A value; who owns it persists it before use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from chanflow.domain.time import NS_PER_DAY, NS_PER_S

MIDNIGHT_REACH_NS = 90 * NS_PER_S
"""A first reading later than this after 00:00 UTC has missed midnight."""


@dataclass(frozen=True, slots=True)
class EquityMarks:
    """High-water mark, and equity at 00:00 UTC of the day (counted from the epoch), in quote units."""

    high_water_quote: Decimal
    day_start_quote: Decimal
    day: int | None = None
    last_quote: Decimal | None = None
    """The newest reading."""

    def read(self, equity_quote: Decimal, now_ns: int) -> EquityMarks:
        """Return the marks after a reading.

        The first reading of a day is its start; where it comes long after midnight, the last reading before it is.
        """
        day, start = now_ns // NS_PER_DAY, self.day_start_quote
        if day != self.day:
            missed = now_ns % NS_PER_DAY > MIDNIGHT_REACH_NS and self.day is not None and self.last_quote is not None
            start = self.last_quote if missed and self.last_quote is not None else equity_quote
        return EquityMarks(max(self.high_water_quote, equity_quote), start, day, equity_quote)

    def transferred(self, before_quote: Decimal, after_quote: Decimal) -> EquityMarks:
        """Return the marks after money came or went: the high-water mark is scaled, so that drawdown does not move.

        Raises ValueError where equity was not positive before, or is not after.
        """
        if before_quote <= 0 or after_quote <= 0:
            raise ValueError(f"a transfer from equity {before_quote} to {after_quote} leaves no drawdown to keep")
        return replace(
            self, high_water_quote=self.high_water_quote * after_quote / before_quote, last_quote=after_quote
        )  # fmt: skip
