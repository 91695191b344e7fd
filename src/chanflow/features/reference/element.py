"""What the rules above strokes are written over.

Segments are made of strokes and super-segments of segments by the same rules (2.4.12), so the rules see neither: they
see elements, and the spans of elements that a parent is.
"""

from __future__ import annotations

from dataclasses import dataclass

from chanflow.features.reference.bar import Direction, State


@dataclass(frozen=True, slots=True)
class Element:
    """A stroke, or one level up a segment.

    Bars are raw bar indices: `begin_bar` and `end_bar` the peak bars, `first_bar` and `last_bar` the first and the last
    raw bar of the merged bars it begins and ends in. `low` and `high` are what the rules compare.
    """

    index: int
    direction: Direction
    begin_bar: int
    end_bar: int
    begin_price: float
    end_price: float
    low: float
    high: float
    first_bar: int
    last_bar: int
    sure: bool
    confirmed: bool

    @property
    def size(self) -> float:
        """The distance between its two prices."""
        return abs(self.end_price - self.begin_price)

    @property
    def state(self) -> State:
        """Confirmed if it can never change."""
        return "confirmed" if self.confirmed else "provisional"


@dataclass(frozen=True, slots=True)
class Span:
    """A segment (线段) as a run of elements, first and last inclusive."""

    start: int
    end: int
    direction: Direction
    confirmed: bool

    @property
    def count(self) -> int:
        """How many elements it has."""
        return self.end - self.start + 1
