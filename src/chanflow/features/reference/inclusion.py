"""Inclusion (包含): bars that contain one another are merged, left to right in one pass. Rule 2.1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chanflow.features.reference.bar import Bar, Direction


@dataclass(frozen=True, slots=True)
class Range:
    """A high and a low."""

    high: float
    low: float


@dataclass(frozen=True, slots=True)
class MergedBar:
    """A merged bar (合并K线).

    `high_bar` and `low_bar` are its peak bars, the last raw bars inside with its high and its low. `born` is its range
    when it had its first raw bar only, `raw` the range of all raw bars inside.
    """

    index: int
    direction: Direction
    high: float
    low: float
    first_bar: int
    last_bar: int
    high_bar: int
    low_bar: int
    born: Range
    raw: Range


def contains(outer_high: float, outer_low: float, high: float, low: float) -> bool:
    """Whether the first range contains the second, ties included."""
    return outer_high >= high and outer_low <= low


def merged_range(direction: Direction, high: float, low: float, new_high: float, new_low: float) -> Range:
    """Return what a range becomes when another one is merged into it (rule 2.1.3)."""
    one_price = new_high == new_low
    if one_price and (new_high == high if direction == "up" else new_low == low):
        return Range(high, low)
    pick = max if direction == "up" else min
    return Range(pick(high, new_high), pick(low, new_low))


def merged_bars(bars: Sequence[Bar]) -> list[MergedBar]:
    """Return the merged bars of a series (rules 2.1.1 to 2.1.4)."""
    merged: list[MergedBar] = []
    for number, bar in enumerate(bars):
        if not merged:
            merged.append(_born(0, "up", number, bar))
            continue
        last = merged[-1]
        either = contains(last.high, last.low, bar.high, bar.low) or contains(bar.high, bar.low, last.high, last.low)
        if either:
            merged[-1] = _grown(last, number, bar)
        else:
            merged.append(_born(last.index + 1, "up" if bar.high > last.high else "down", number, bar))
    return merged


def _born(index: int, direction: Direction, number: int, bar: Bar) -> MergedBar:
    own = Range(bar.high, bar.low)
    return MergedBar(index, direction, bar.high, bar.low, number, number, number, number, own, own)


def _grown(last: MergedBar, number: int, bar: Bar) -> MergedBar:
    # A merged price only ever changes to that of the bar just read, so the last bar with it is this one or the old one.
    merged = merged_range(last.direction, last.high, last.low, bar.high, bar.low)
    return MergedBar(
        index=last.index,
        direction=last.direction,
        high=merged.high,
        low=merged.low,
        first_bar=last.first_bar,
        last_bar=number,
        high_bar=number if bar.high == merged.high else last.high_bar,
        low_bar=number if bar.low == merged.low else last.low_bar,
        born=last.born,
        raw=Range(max(last.raw.high, bar.high), min(last.raw.low, bar.low)),
    )
