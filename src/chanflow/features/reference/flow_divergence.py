"""Divergence (背驰) of price and flow between two pivots; a pivot is known only L bins later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

CHANNELS = ("cvd", "ofi", "fusion")
MIN_APART, WARMUP, SPREAD_BINS, RING, COOLDOWN = 6, 100, 100, 64, 1
MAX_SIZE, WEAK = 1 << 48, 35.0
KINDS = {
    (True, -1, 1): "bull_div",
    (True, 1, -1): "hidden_bull",
    (False, 1, -1): "bear_div",
    (False, -1, 1): "hidden_bear",
}
"""By (is a low, sign of the price's step, sign of the flow's step)."""


@dataclass(frozen=True, slots=True)
class Point:
    """A bin: bid + ask, the three running sums, and how far the legs agreed."""

    ts_ms: int
    price: int
    sums: tuple[int, int, int]
    consistency: float


@dataclass(frozen=True, slots=True)
class Pivot:
    """An extreme of price, at a number of bin."""

    bin: int
    is_low: bool
    point: Point


class Divergences:
    """Finds divergences as bins come."""

    def __init__(self, reach: int) -> None:
        self.reach = reach
        self.clear()

    def clear(self) -> None:
        """Forget everything: what follows is not compared with what was."""
        self.points: list[Point] = []
        self.pivots: list[Pivot] = []
        self.last: dict[tuple[str, str], int] = {}

    def push(self, point: Point) -> list[dict[str, Any]]:
        """Take a bin and return the divergences that it makes known."""
        self.points.append(point)
        window = self.points[-2 * self.reach - 1 :]
        if len(window) <= 2 * self.reach:
            return []
        middle = window[self.reach]
        found: list[dict[str, Any]] = []
        if all(middle.price <= other.price for other in window):
            found += self._on_pivot(middle, is_low=True)
        if all(middle.price >= other.price for other in window):
            found += self._on_pivot(middle, is_low=False)
        return found

    def _on_pivot(self, point: Point, *, is_low: bool) -> list[dict[str, Any]]:
        number = len(self.points) - self.reach
        same_kind = [pivot for pivot in self.pivots[-RING:] if pivot.is_low == is_low]
        if same_kind and same_kind[-1].point.price == point.price and number - same_kind[-1].bin <= self.reach:
            return []
        pivot = Pivot(number, is_low, point)
        self.pivots.append(pivot)
        before = [old for old in same_kind if number - old.bin >= MIN_APART]
        return self._compare(before[-1], pivot) if before and len(self.points) >= WARMUP else []

    def _compare(self, before: Pivot, pivot: Pivot) -> list[dict[str, Any]]:
        moved = pivot.point.price - before.point.price
        turns = [new - old for old, new in zip(before.point.sums, pivot.point.sums, strict=True)]
        kinds = [KINDS.get((pivot.is_low, _sign(moved), _sign(turn))) for turn in turns]
        apart = float(pivot.bin - before.bin)
        kept = self.points[-max(SPREAD_BINS + 1, 2 * self.reach + 1) :]
        step_sd = spread([new.price - old.price for old, new in pairwise(kept)])
        reach = share(float(abs(moved)), step_sd * sqrt(apart))
        pivot_part = 0.5 * (min(apart / (2.0 * self.reach), 1.0) + reach)
        found = []
        for at, (channel, kind) in enumerate(zip(CHANNELS, kinds, strict=True)):
            if kind is None:
                continue
            sd = spread([point.sums[at] for point in self.points[-SPREAD_BINS:]])
            score = 100.0 * (
                0.35 * share(float(abs(turns[at])), 2.0 * sd)
                + 0.25 * pivot_part
                + 0.25 * (float(kinds.count(kind)) / 3.0)
                + 0.15 * pivot.point.consistency
            )
            last = self.last.get((kind, channel))
            if score < WEAK or (last is not None and len(self.points) - last <= COOLDOWN):
                continue
            self.last[kind, channel] = len(self.points)
            found.append(
                {
                    "type": kind,
                    "channel": channel,
                    "score": score,
                    "grade": "strong" if score >= 70.0 else "normal" if score >= 50.0 else "weak",
                    "pivot_ts": pivot.point.ts_ms,
                    "detected_ts": self.points[-1].ts_ms,
                }
            )
        return found


def spread(values: Sequence[int]) -> float:
    """Return the standard deviation of whole numbers, from exact sums."""
    if not values:
        return 0.0
    near = [max(-MAX_SIZE, min(MAX_SIZE, value - values[0])) for value in values]
    n = len(near)
    return sqrt(float(n * sum(value * value for value in near) - sum(near) ** 2)) / n


def share(a: float, b: float) -> float:
    """Return a / b, at most 1; 1 where b is 0."""
    return min(a / b, 1.0) if b > 0.0 else 1.0


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
