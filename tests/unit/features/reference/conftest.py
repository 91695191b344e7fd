"""Made-up markets for the rules: bars from lows, strokes from turning prices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from chanflow.features.reference.bar import Bar
from chanflow.features.reference.element import Element


@pytest.fixture
def bars() -> Callable[[Sequence[tuple[float, float]]], list[Bar]]:
    """Return bars of these highs and lows, a minute apart, each opening at its low and closing at its high."""
    return lambda ranges: [Bar(60_000 * at, low, high, low, high) for at, (high, low) in enumerate(ranges)]


@pytest.fixture
def steps() -> Callable[[Sequence[float]], list[Bar]]:
    """Return bars of these lows, each 1.5 high, so that whole steps never contain one another."""
    return lambda lows: [Bar(60_000 * at, low, low + 1.5, low, low + 1.5) for at, low in enumerate(lows)]


@pytest.fixture
def zigzag() -> Callable[[Sequence[float]], list[Element]]:
    """Return the strokes between these turning prices, ten bars each; all are sure, none is confirmed."""
    return lambda prices: [stroke(at, begin, end) for at, (begin, end) in enumerate(pairwise(prices))]


def stroke(at: int, begin: float, end: float) -> Element:
    return Element(
        index=at,
        direction="up" if end > begin else "down",
        begin_bar=10 * at,
        end_bar=10 * at + 10,
        begin_price=begin,
        end_price=end,
        low=min(begin, end),
        high=max(begin, end),
        first_bar=10 * at,
        last_bar=10 * at + 10,
        sure=True,
        confirmed=False,
    )
