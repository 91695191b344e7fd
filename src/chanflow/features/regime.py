"""What kind of market it is: trend or range, and how its volatility compares with its own past.

Trend and range follow from two figures. The efficiency ratio (Kaufman, "Trading Systems and Methods", 2013) is the net
move over the sum of all moves, 0 to 1; a random walk of n steps has about 1/sqrt(n). The centers (中枢) are those of
the newest trend type (走势类型): two of one direction make a trend.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log, sqrt
from typing import Literal

from chanflow.domain.market_data import Bar

Regime = Literal["trend", "range"]
Tercile = Literal["low", "middle", "high"]

WINDOW = 64
RANDOM_WALK = 1 / sqrt(WINDOW)
"""The efficiency ratio that chance alone would give."""
TREND_CENTERS = 2
SPAN = 16
"""Volatility is that of so many bars."""
LEAST = 64
"""With fewer values of volatility nothing is said of where the newest one lies."""


def efficiency_ratio(bars: Sequence[Bar]) -> float | None:
    """Return the net move over the sum of moves of the newest 64 bars, None where there are fewer or nothing moved."""
    closes = [bar.close for bar in bars[-WINDOW - 1 :]]
    way = sum(abs(b - a) for a, b in pairwise(closes))
    return None if len(closes) <= WINDOW or way == 0.0 else abs(closes[-1] - closes[0]) / way


def regime_of(bars: Sequence[Bar], trend_centers: float | None) -> Regime | None:
    """Return the regime, None where there are too few bars.

    It is a trend where price went more than twice as straight as chance would have it, or more than once while the
    newest trend type has two centers or more. `trend_centers` may be signed; None counts as none.
    """
    ratio = efficiency_ratio(bars)
    if ratio is None:
        return None
    moved = abs(trend_centers or 0.0) >= TREND_CENTERS
    return "trend" if ratio > RANDOM_WALK * (1 if moved else 2) else "range"


def volatility_tercile(bars: Sequence[Bar]) -> Tercile | None:
    """Return in which third of its own past values the volatility of 16 bars lies, None with fewer than 64 values."""
    squares = [log(after.close / before.close) ** 2 for before, after in pairwise(bars)]
    values = [sum(squares[at - SPAN : at]) for at in range(SPAN, len(squares) + 1)]
    if len(values) < LEAST:
        return None
    below = sum(value < values[-1] for value in values[:-1]) / (len(values) - 1)
    return "low" if below < 1 / 3 else "high" if below >= 2 / 3 else "middle"
