"""Fractals (分型): three merged bars whose middle one is the highest or the lowest. Rule 2.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from chanflow.features.reference.inclusion import MergedBar

Kind = Literal["top", "bottom"]


class _Range(Protocol):
    @property
    def high(self) -> float: ...
    @property
    def low(self) -> float: ...


def kind_of(left: _Range, middle: _Range, right: _Range) -> Kind | None:
    """Return what the middle one is: strictly above (below) both neighbours with its high and with its low, or None."""
    if middle.high > max(left.high, right.high) and middle.low > max(left.low, right.low):
        return "top"
    if middle.high < min(left.high, right.high) and middle.low < min(left.low, right.low):
        return "bottom"
    return None


def kinds(merged: Sequence[MergedBar]) -> list[Kind | None]:
    """Return what each merged bar is, judged once, when its right neighbour had its first raw bar only."""
    found: list[Kind | None] = [None] * len(merged)
    for at in range(1, len(merged) - 1):
        found[at] = kind_of(merged[at - 1], merged[at], merged[at + 1].born)
    return found
