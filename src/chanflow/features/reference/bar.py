"""What everything starts from: raw bars, and the two directions of a market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Literal

from chanflow.domain.errors import InvalidArgument

Direction = Literal["up", "down"]
State = Literal["provisional", "confirmed"]


@dataclass(frozen=True, slots=True)
class Bar:
    """One raw bar: open time in Unix ms UTC, prices in quote units, volume in base and amount in quote if known."""

    ts_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None = None
    amount: float | None = None


def opposite(direction: Direction) -> Direction:
    """Return the other direction."""
    return "down" if direction == "up" else "up"


def check(bars: Sequence[Bar]) -> None:
    """Accept rising times and finite prices with low <= open, close <= high (rule 2.10).

    Raises InvalidArgument naming the first bar that breaks this.
    """
    for number, bar in enumerate(bars):
        if not all(isfinite(price) for price in (bar.open, bar.high, bar.low, bar.close)):
            raise InvalidArgument(f"bar {number}: a price is not finite")
        if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
            raise InvalidArgument(f"bar {number}: open or close lies outside {bar.low} to {bar.high}")
    for number, (before, bar) in enumerate(pairwise(bars)):
        if bar.ts_ms <= before.ts_ms:
            raise InvalidArgument(f"bar {number + 1}: ts_ms {bar.ts_ms} does not rise above {before.ts_ms}")
