from __future__ import annotations

import pytest

from chanflow.features.reference.inclusion import merged_bars
from chanflow.features.reference.parameters import parameters
from chanflow.features.reference.stroke import strokes

RISE_AND_FALL = [3, 2, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1, 2]


def shown(bars, **settings):
    return [
        (each.begin_bar, each.end_bar, each.direction)
        for each in strokes(merged_bars(bars), parameters("default", settings))
    ]


def test_a_stroke_leads_from_peak_bar_to_peak_bar(steps) -> None:
    found = strokes(merged_bars(steps(RISE_AND_FALL)), parameters())
    assert [(each.begin_bar, each.end_bar, each.direction) for each in found] == [(2, 7, "up"), (7, 12, "down")]
    assert [(each.begin_price, each.end_price) for each in found] == [(1, 7.5), (7.5, 1)]


def test_the_stroke_that_ends_at_the_last_fractal_is_sure_but_not_confirmed(steps) -> None:
    found = strokes(merged_bars(steps(RISE_AND_FALL)), parameters())
    assert [(each.sure, each.confirmed) for each in found] == [(True, True), (True, False)]


@pytest.mark.parametrize(
    ("lows", "ends"),
    [
        ([3, 2, 1, 2, 3, 4, 3], []),
        ([3, 2, 1, 2, 3, 4, 5, 4], [6]),
    ],
    ids=["three bars on", "four bars on"],
)
def test_a_stroke_spans_four_merged_bars(steps, lows, ends) -> None:
    assert [end for _, end, _ in shown(steps(lows))] == ends


def test_a_new_stroke_spans_three_merged_bars_with_three_raw_bars_between(bars) -> None:
    ranges = [(4.5, 3), (3.5, 2), (2.5, 1), (3.5, 2), (4.5, 3), (5.5, 4), (4.5, 3)]
    merging = [*ranges[:4], (3.4, 2.1), *ranges[4:]]
    assert shown(bars(ranges), bi_strict=False) == []
    assert shown(bars(merging), bi_strict=False) == [(2, 6, "up")]
    assert shown(bars(merging)) == []


def test_a_gap_counts_as_a_bar_if_asked(bars) -> None:
    ranges = [(4.5, 3), (3.5, 2), (2.5, 1), (3.5, 2), (6.5, 5), (7.5, 6), (6.5, 5)]
    assert shown(bars(ranges)) == []
    assert shown(bars(ranges), gap_as_kl=True) == [(2, 5, "up")]


def test_without_a_length_two_fractals_far_enough_apart_are_a_stroke(steps) -> None:
    lows = [3, 2, 1, 2, 3, 4, 3]
    assert shown(steps(lows)) == []
    assert shown(steps(lows), bi_algo="fx") == [(2, 5, "up")]


STEEP = [(9, 4), (8, 3), (2, 1), (3, 2), (4, 3), (5, 4), (6, 5), (5.5, 4.5)]
"""The bar before the bottom is higher than the top."""
WIDE = [(7, 3), (6, 2), (5, 1), (6, 2), (7, 3), (8, 4), (9, 5), (8, 4)]
"""The bottom's high reaches the bars around the top."""


@pytest.mark.parametrize(
    ("ranges", "passes"),
    [(STEEP, {"loss", "half", "totally"}), (WIDE, {"loss", "half", "strict"})],
    ids=["steep", "wide"],
)
def test_the_fractal_check_looks_at_the_bars_around_the_ends(bars, ranges, passes) -> None:
    checks = ("strict", "totally", "half", "loss")
    assert {check for check in checks if shown(bars(ranges), bi_fx_check=check) == [(2, 6, "up")]} == passes


def test_the_end_of_a_stroke_is_its_peak_unless_that_is_waived(bars) -> None:
    """A spike that is too near to end the stroke stands above the later top."""
    ranges = [(4, 3), (3, 2), (2, 1), (3, 2), (9, 3), (5, 2.5), (6, 4), (7, 5), (6, 4)]
    assert shown(bars(ranges)) == []
    assert shown(bars(ranges), bi_end_is_peak=False) == [(2, 7, "up")]


def test_an_equal_top_moves_the_end(steps) -> None:
    assert shown(steps([3, 2, 1, 2, 3, 4, 5, 4, 5, 4])) == [(2, 8, "up")]


def test_a_new_extreme_extends_the_last_stroke_and_keeps_it_sure(steps) -> None:
    found = strokes(merged_bars(steps([3, 2, 1, 2, 3, 4, 5, 4, 5, 6])), parameters())
    assert [(each.end_bar, each.sure) for each in found] == [(9, True)]


def test_a_way_back_is_shown_before_it_has_a_fractal_and_is_not_sure(steps) -> None:
    found = strokes(merged_bars(steps([3, 2, 1, 2, 3, 4, 5, 4, 3, 2, 1])), parameters())
    assert [(each.end_bar, each.sure) for each in found] == [(6, True), (10, False)]


def test_without_sub_peaks_a_better_end_drops_the_last_stroke(steps) -> None:
    """After the fall comes a higher top, too near for a stroke of its own."""
    lows = [3, 2, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 5, 7, 6]
    assert shown(steps(lows)) == [(2, 7, "up"), (7, 11, "down")]
    assert shown(steps(lows), bi_allow_sub_peak=False) == [(2, 13, "up")]


def test_without_sub_peaks_the_way_back_must_hold_the_begin_of_the_stroke_before(steps) -> None:
    """The fall goes below where the rise began, so its top is no better end for that rise."""
    lows = [5, 4, 3, 4, 5, 6, 7, 8, 7, 6, 5, 4, 3, 2, 5, 9, 8]
    assert shown(steps(lows), bi_allow_sub_peak=False) == [(2, 7, "up"), (7, 13, "down")]
