from __future__ import annotations

from dataclasses import replace

import pytest

from chanflow.features.reference.bar import Bar
from chanflow.features.reference.element import Span
from chanflow.features.reference.parameters import parameters
from chanflow.features.reference.segment import as_elements, segments

TOP = [0, 10, 5, 15, 8, 12, 6, 9, 3]
GAP = [0, 10, 5, 20, 12, 18, 11]


def found(elements, **settings):
    return [
        (each.start, each.end, each.direction, each.confirmed)
        for each in segments(elements, parameters("default", settings))
    ]


def test_a_fractal_without_a_gap_confirms(zigzag) -> None:
    assert found(zigzag(TOP)) == [(0, 2, "up", True), (3, 7, "down", False)]


def test_a_segment_upside_down_is_the_same(zigzag) -> None:
    assert found(zigzag([-price for price in TOP])) == [(0, 2, "down", True), (3, 7, "up", False)]


def test_an_unsure_stroke_leaves_it_provisional(zigzag) -> None:
    elements = zigzag(TOP)
    elements[5] = replace(elements[5], sure=False)
    assert found(elements)[0] == (0, 2, "up", False)


def test_a_gap_waits_for_the_reverse_fractal(zigzag) -> None:
    assert found(zigzag(GAP))[0] == (0, 2, "up", False)
    assert found(zigzag([*GAP, 16, 8, 14, 9, 17]))[0] == (0, 2, "up", True)


def test_a_new_extreme_cancels_a_fractal_with_a_gap_only_if_asked(zigzag) -> None:
    prices = [*GAP, 22, 14, 21, 9, 17, 10, 18]
    plain, textbook = found(zigzag(prices)), found(zigzag(prices), seg_gap_cancel=True)
    assert plain[0][:2] == (0, 2)
    assert textbook[0][:2] == (0, 6)


def test_the_first_segment_is_split_at_the_stroke_it_rises_from(zigzag) -> None:
    prices = [9, 5, 10, 6, 15, 8, 12, 7, 9, 3]
    assert found(zigzag(prices))[:2] == [(0, 0, "down", False), (1, 3, "up", False)]


def test_too_few_strokes_make_no_segment(zigzag) -> None:
    assert found(zigzag([0, 10, 5])) == []
    assert found([]) == []


@pytest.mark.parametrize(
    ("direction", "expected"), [("up", (2.0, 9.0, 3.0, 8.0)), ("down", (1.0, 7.0, 3.0, 8.0))], ids=["up", "down"]
)
def test_a_segments_range_is_of_the_bars_at_its_ends(zigzag, direction, expected) -> None:
    elements = zigzag([3, 8])
    bars = [Bar(at, 4.0, 7.0, 2.0, 5.0) for at in range(10)] + [Bar(10, 4.0, 9.0, 1.0, 5.0)]
    (one,) = as_elements(bars, elements, [Span(0, 0, direction, confirmed=True)])
    assert (one.low, one.high, one.begin_price, one.end_price) == expected
    assert one.sure


@pytest.mark.parametrize(
    ("prices", "unsure", "first"),
    [
        ([9, 15, 3, 11, 1, 13, 4, 12, 7, 10], None, (0, 0, "up", False)),
        ([18, 15, 17, 12, 14, 6, 15, 13, 15, 6, 13, 8, 18], 9, (0, 4, "down", False)),
        ([11, 20, 12, 22, 20, 24, 16, 20, 19, 24, 18], 9, (0, 4, "up", False)),
        ([12, 20, 17, 25, 21, 22, 20, 25, 18, 29, 24, 26, 23, 29], 12, (0, 2, "up", False)),
        ([3, -4, 0, -9, -1, -3, 5], 1, (0, 2, "down", False)),
        ([7, 1, 7, -3, -1, -10, -3, -11, -7, -11, 1], None, (0, 6, "down", True)),
        ([7, 5, 7, 0, 5, -1, 5, -1, 11], None, (0, 6, "down", False)),
    ],
    ids=[
        "a break two strokes later may still come from the last stroke",
        "or from a stroke that is not sure",
        "the stroke that breaks two strokes later must be sure",
        "so must the evidence of the machine behind a gap",
        "so must every stroke of the feature sequence",
        "a direction is open again when its second element is lost",
        "the other direction starts afresh then",
    ],
)
def test_the_first_segment_of_a_made_up_market(zigzag, prices, unsure, first) -> None:
    elements = zigzag(prices)
    if unsure is not None:
        elements[unsure] = replace(elements[unsure], sure=False)
    assert found(elements)[0] == first
