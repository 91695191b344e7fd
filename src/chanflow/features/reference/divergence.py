"""Divergence (背驰): a later stroke with less force than an earlier one. Rule 2.6."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import takewhile

from chanflow.domain.errors import InvalidArgument
from chanflow.features.reference.bar import Bar
from chanflow.features.reference.element import Element
from chanflow.features.reference.macd import macd_histogram, rsi

FLOOR = 1e-7


class Force:
    """What a stroke's force is, by each metric. Indicators are computed when first asked for."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        self.bars = bars

    @cached_property
    def histogram(self) -> list[float]:
        """The MACD histogram of each bar."""
        return macd_histogram([bar.close for bar in self.bars])

    @cached_property
    def rsi(self) -> list[float]:
        """The RSI of each bar."""
        return rsi([bar.close for bar in self.bars])

    def of(self, stroke: Element, metric: str, *, exits: bool) -> float:
        """Return the force of a stroke. `exits` says it is the later one, which `area` reads from its end.

        Raises InvalidArgument if the metric needs a column the bars do not have.
        """
        match metric:
            case "peak":
                return max([FLOOR, *self._own(stroke, stroke.first_bar, stroke.last_bar)])
            case "full_area":
                return _sum(FLOOR, self._own(stroke, stroke.begin_bar, stroke.end_bar))
            case "area":
                return self._area(stroke, exits=exits)
            case "diff":
                inside = self.histogram[stroke.first_bar : stroke.last_bar + 1]
                return max(inside) - min(inside)
            case "slope":
                return self._move(stroke, of_high=True) / _bar_count(stroke)
            case "amp":
                return self._move(stroke, of_high=False)
            case "rsi":
                inside = self.rsi[stroke.first_bar : stroke.last_bar + 1]
                return max(inside) if stroke.direction == "up" else 10000.0 / (min(inside) + FLOOR)
            case _:
                return self._traded(stroke, metric)

    def _own(self, stroke: Element, first: int, last: int) -> list[float]:
        """Return the histogram over some bars, where it has the sign of the stroke, without it."""
        sign = 1 if stroke.direction == "up" else -1
        return [abs(value) for value in self.histogram[first : last + 1] if sign * value > 0]

    def _area(self, stroke: Element, *, exits: bool) -> float:
        if exits:
            bars = range(stroke.end_bar, stroke.first_bar - 1, -1)
        else:
            bars = range(stroke.begin_bar, stroke.last_bar + 1)
        there = self.histogram[bars[0]]
        run = takewhile(lambda value: value * there > 0, (self.histogram[bar] for bar in bars))
        return _sum(FLOOR, [abs(value) for value in run])

    def _move(self, stroke: Element, *, of_high: bool) -> float:
        """Return how far the price went, as a share: of the end or begin of a rise, always of the begin of a fall."""
        begin, end = self.bars[stroke.begin_bar], self.bars[stroke.end_bar]
        if stroke.direction == "up":
            return quotient(end.high - begin.low, end.high if of_high else begin.low)
        return quotient(begin.high - end.low, begin.high)

    def _traded(self, stroke: Element, metric: str) -> float:
        column, _, mean = metric.partition("_")
        total = 0.0
        for number in range(stroke.first_bar, stroke.last_bar + 1):
            bar = self.bars[number]
            traded = bar.volume if column == "volume" else bar.amount
            if traded is None:
                raise InvalidArgument(f"macd_algo {metric} needs a column {column}; bar {number} has none")
            total += traded
        return total / _bar_count(stroke) if mean else total


def diverges(entry: float, exit: float, rate: float) -> bool:  # noqa: A002 (entry and exit are the words of the rule)
    """Whether the later force is at most `rate` times the earlier one; an infinite rate times 0 does not pass."""
    return exit <= rate * entry


def quotient(share: float, whole: float) -> float:
    """Return a share of a whole as floating point has it: of nothing it is infinite, and none of nothing no number.

    No comparison with what is no number holds, so it neither diverges nor stays within a rate.
    """
    if whole:
        return share / whole
    return math.copysign(math.inf, share) * math.copysign(1.0, whole) if share else math.nan


def _sum(start: float, values: Sequence[float]) -> float:
    """Return the sum in the given order; `sum` of the standard library may round less from Python 3.12 on."""
    total = start
    for value in values:
        total += value
    return total


def _bar_count(stroke: Element) -> int:
    return stroke.end_bar - stroke.begin_bar + 1
