from __future__ import annotations

import pytest

from chanflow.features.reference.element import Span
from chanflow.features.reference.left_over import extreme, with_left_over

FIRST = Span(0, 2, "up", confirmed=True)


def found(elements, spans, method="peak"):
    return [(each.start, each.end, each.direction) for each in with_left_over(elements, spans, method)][len(spans) :]


@pytest.mark.parametrize(
    ("after", "by_peak", "by_all"),
    [
        ([12, 14], [], []),
        ([8, 12, 6], [(3, 5, "down")], [(3, 5, "down")]),
        ([8, 12, 6, 13, 7], [(3, 5, "down"), (6, 6, "up")], [(3, 7, "down")]),
        ([8, 12, 6, 16], [(3, 5, "down")], [(3, 5, "down")]),
    ],
    ids=["fewer than three", "to the low", "on from the low", "beyond the end: forced"],
)
def test_what_remains_makes_provisional_segments(zigzag, after, by_peak, by_all) -> None:
    elements = zigzag([0, 10, 5, 15, *after])
    assert found(elements, [FIRST]) == by_peak
    assert found(elements, [FIRST], "all") == by_all


@pytest.mark.parametrize(
    ("prices", "method", "expected"),
    [
        ([5, 9, 6, 12, 7], "peak", [(0, 2, "up"), (3, 3, "down")]),
        ([5, 6, 1, 3, 2], "peak", [(0, 1, "down"), (2, 2, "up")]),
        ([5, 9, 1, 9, 2], "peak", [(0, 2, "up"), (3, 3, "down")]),
        ([5, 9, 6, 12, 7], "all", [(0, 3, "up")]),
        ([5, 9, 6, 12, 4], "all", [(0, 3, "down")]),
    ],
    ids=["farther up", "farther down", "ties go up", "all, ends higher", "all, ends lower"],
)
def test_without_any_fractal_the_farther_extreme_ends_the_first(zigzag, prices, method, expected) -> None:
    assert found(zigzag(prices), [], method) == expected


@pytest.mark.parametrize(
    ("prices", "scan", "index"),
    [
        ([0, 10, 5, 10, 5, 9], range(5), 2),
        ([0, 10, 5, 10, 5, 9], range(4, -1, -1), 0),
        ([0, 10, 5, 9, 5, 8], range(2, 5), None),
    ],
    ids=["the later of equals", "later in the scan", "skipped below the one two before"],
)
def test_the_extreme_stroke(zigzag, prices, scan, index) -> None:
    stroke = extreme(zigzag(prices), scan, "up")
    assert (stroke.index if stroke else None) == index


def test_a_provisional_segment_that_nothing_can_follow_is_dropped(zigzag) -> None:
    """The end lies beyond the first segment's, but no low after it is lower than the one before."""
    elements = zigzag([0, 10, 5, 15, 4, 14, 6, 16])
    provisional = Span(0, 2, "up", confirmed=False)
    shown = with_left_over(elements, [provisional], "peak")
    assert [(each.start, each.end, each.direction) for each in shown] == [(0, 6, "up")]
    assert with_left_over(elements, [FIRST], "peak") == [FIRST]
