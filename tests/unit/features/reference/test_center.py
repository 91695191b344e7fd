from __future__ import annotations

import pytest

from chanflow.features.reference.center import centers, segment_of
from chanflow.features.reference.element import Span
from chanflow.features.reference.parameters import parameters

LONG = [0, 10, 5, 9, 6, 12, 7, 20, 15, 19, 16, 30]
UP = Span(0, 10, "up", confirmed=True)


def found(elements, spans, **settings):
    shown = centers(elements, spans, parameters("default", settings))
    return [(each.start, each.end, each.low, each.high) for each in shown]


def test_strokes_against_the_segment_that_overlap_are_a_center(zigzag) -> None:
    assert found(zigzag(LONG), [UP]) == [(1, 5, 6, 9), (7, 9, 16, 19)]


def test_peaks_follow_what_extends_a_center(zigzag) -> None:
    first = centers(zigzag(LONG), [UP], parameters())[0]
    assert (first.peak_low, first.peak_high, first.entry, first.exit) == (5, 12, 0, 6)


def test_the_left_over_is_one_segment_the_other_way(zigzag) -> None:
    elements = zigzag([0, 10, 5, 15, 8, 12, 7, 11, 6])
    assert segment_of(elements, [Span(0, 2, "up", confirmed=True)]) == [0, 0, 0, 1, 1, 1, 1, 1]
    assert found(elements, [Span(0, 2, "up", confirmed=True)]) == [(4, 6, 8, 11)]


def test_without_a_segment_there_is_no_center(zigzag) -> None:
    assert found(zigzag(LONG), []) == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [(1, 7, 6, 16)]),
        ({"zs_combine": False}, [(1, 3, 6, 9), (5, 7, 9, 16)]),
        ({"zs_combine_mode": "peak"}, [(1, 7, 6, 16)]),
    ],
)
def test_centers_that_overlap_are_combined(zigzag, settings, expected) -> None:
    elements = zigzag([0, 10, 5, 9, 6, 17, 9, 16, 8, 20])
    assert found(elements, [Span(0, 8, "up", confirmed=True)], **settings) == expected


def test_centers_whose_ranges_are_apart_combine_by_their_peaks(zigzag) -> None:
    elements = zigzag([0, 10, 5, 8, 6, 20, 9, 14, 10, 25])
    span = [Span(0, 8, "up", confirmed=True)]
    assert found(elements, span) == [(1, 3, 6, 8), (5, 7, 10, 14)]
    assert found(elements, span, zs_combine_mode="peak") == [(1, 7, 6, 14)]


def test_a_center_of_one_stroke_is_narrowed_once(zigzag) -> None:
    elements = zigzag([0, 10, 5, 20, 15, 19, 16, 18, 14, 30])
    span = [Span(0, 8, "up", confirmed=True)]
    assert found(elements, span, one_bi_zs=True) == [(1, 1, 5, 10), (3, 7, 16, 19)]


def test_stroke_0_cannot_be_a_center_and_stays_in_the_way_of_others(zigzag) -> None:
    elements = zigzag([10, 0, 12, 5, 20, 14, 30])
    span = [Span(0, 5, "up", confirmed=True)]
    assert found(elements, span, one_bi_zs=True) == []


def test_touching_ranges_count_only_if_asked(zigzag) -> None:
    elements = zigzag([0, 10, 5, 15, 10, 20])
    span = [Span(0, 4, "up", confirmed=True)]
    assert found(elements, span) == []
    assert found(elements, span, touch_overlaps=True) == [(1, 3, 10, 10)]


def test_over_segments_a_center_grows_across_the_border(zigzag) -> None:
    elements = zigzag([0, 10, 5, 15, 8, 12, 7, 13, 6, 11, 9])
    spans = [Span(0, 2, "up", confirmed=True), Span(3, 7, "down", confirmed=False)]
    assert found(elements, spans) == [(4, 6, 8, 12)]
    assert found(elements, spans, zs_algo="over_seg") == [(1, 8, 8, 10)]


def test_auto_is_normal_while_segments_are_confirmed(zigzag) -> None:
    elements = zigzag([0, 10, 5, 15, 8, 12, 7, 13, 6, 11, 9])
    sure = [Span(0, 2, "up", confirmed=True), Span(3, 7, "down", confirmed=True)]
    open_ = [sure[0], Span(3, 7, "down", confirmed=False)]
    assert found(elements, sure, zs_algo="auto") == [(4, 6, 8, 12)]
    assert found(elements, open_, zs_algo="auto") == [(4, 8, 8, 12)]


def test_free_centers_need_no_segment_and_leave_with_the_last_stroke_inside(zigzag) -> None:
    elements = zigzag([0, 10, 5, 9, 6, 12, 11, 20])
    assert found(elements, [], zs_algo="free") == [(1, 3, 6, 9)]


def test_grade_counts_strokes(zigzag) -> None:
    zig = [0, *[10, 5] * 15, 20]
    shown = centers(zigzag(zig), [], parameters("textbook"))
    assert [(each.start, each.end, each.grade) for each in shown] == [(1, 30, 3)]
