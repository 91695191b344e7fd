from __future__ import annotations

import pytest

from chanflow.features.reference.center import Center, centers
from chanflow.features.reference.divergence import Force
from chanflow.features.reference.element import Span
from chanflow.features.reference.parameters import parameters
from chanflow.features.reference.point import points

FALL = [40, 20, 26, 18, 25, 19, 24, 12]
"""A falling segment of seven strokes around a center from 20 to 25."""
RISE = [20, 16, 19, 17, 30]
"""A rising one of five from there, around a center from 17 to 19."""
PAIR = [Span(0, 6, "down", confirmed=True), Span(7, 11, "up", confirmed=False)]


class Sizes(Force):
    """The force of a stroke is its size, whatever the metric."""

    def of(self, stroke, metric, *, exits):
        return stroke.size


def found(elements, spans, **settings):
    params = parameters("default", settings)
    shown = points("stroke", elements, spans, centers(elements, spans, params), Sizes([]), params)
    return {point.element: point.types for point in shown}


def test_every_kind_in_one_turn(zigzag) -> None:
    elements = zigzag([*FALL, *RISE, 27])
    assert found(elements, PAIR) == {6: ("1",), 8: ("2",), 10: ("2s",), 12: ("3a",)}


def test_the_same_turn_upside_down_sells(zigzag) -> None:
    elements = zigzag([-price for price in [*FALL, *RISE, 27]])
    spans = [Span(0, 6, "up", confirmed=True), Span(7, 11, "down", confirmed=False)]
    assert found(elements, spans) == {6: ("1",), 8: ("2",), 10: ("2s",), 12: ("3a",)}


@pytest.mark.parametrize(
    "prices",
    [[24, 20, 26, 18, 25, 19, 24, 12], [40, 20, 26, 11, 25, 19, 24, 12], [40, 20, 26, 18, 25, 19, 24, 21]],
    ids=["more force", "the exit is no peak", "does not break the center"],
)
def test_a_first_point_needs_less_force_a_new_extreme_and_a_break(zigzag, prices) -> None:
    assert found(zigzag(prices), PAIR[:1]) == {}


def test_a_first_point_may_not_follow_the_entry_at_once(zigzag) -> None:
    """With a center that goes on beyond the segment, its end may be the second stroke after the entry."""
    elements, center = zigzag([60, 30, 36, 28, 35, 12]), Center(1, 3, 30, 35, 28, 36)
    for end, kind in ((4, "1"), (2, "1p")):
        spans = [Span(0, end, "down", confirmed=True)]
        (point,) = points("stroke", elements, spans, [center], Sizes([]), parameters())
        assert (point.element, point.types) == (end, (kind,))


def test_without_a_center_the_end_is_held_against_the_stroke_two_before(zigzag) -> None:
    elements, spans = zigzag([30, 20, 24, 19]), [Span(0, 2, "down", confirmed=True)]
    assert found(elements, spans, min_zs_cnt=0) == {2: ("1p",)}
    assert found(elements, spans) == {}
    assert found(zigzag([30, 20, 24, 21]), spans, min_zs_cnt=0) == {}


def test_an_infinite_rate_waives_the_comparison(zigzag) -> None:
    assert found(zigzag([24, *FALL[1:]]), PAIR[:1], divergence_rate=float("inf")) == {6: ("1",)}


def test_an_infinite_rate_waives_even_an_entry_without_force_but_only_with_a_center(zigzag) -> None:
    class Silent(Sizes):
        def of(self, stroke, metric, *, exits):
            return stroke.size if exits else 0.0

    waived = parameters("chanpy", {"min_zs_cnt": 0})
    for prices, end, expected in ((FALL, 6, [(6, ("1",))]), ([30, 20, 24, 19], 2, [])):
        elements, spans = zigzag(prices), [Span(0, end, "down", confirmed=True)]
        shown = points("stroke", elements, spans, centers(elements, spans, waived), Silent([]), waived)
        assert [(point.element, point.types) for point in shown] == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"max_bs2_rate": 0.45}, {6: ("1",), 10: ("2s",), 12: ("3a",)}),
        ({"max_bs2_rate": 0.45, "bsp2s_follow_2": True}, {6: ("1",), 12: ("3a",)}),
        ({"max_bsp2s_lv": 0}, {6: ("1",), 8: ("2",), 12: ("3a",)}),
        ({"bs_type": "1,2"}, {6: ("1",), 8: ("2",)}),
        ({"bs_type": "2,3a"}, {}),
        ({"bs_type": "2,3a", "bsp2_follow_1": False, "bsp3_follow_1": False}, {8: ("2",), 12: ("3a",)}),
        ({"bsp3a_max_zs_cnt": 0}, {6: ("1",), 8: ("2",), 10: ("2s",)}),
        ({"min_zs_cnt": 2}, {}),
    ],
    ids=lambda value: " ".join(value) if all(isinstance(key, str) for key in value) else "",
)
def test_each_setting_moves_what_it_says(zigzag, settings, expected) -> None:
    """The first pullback goes back half of the break, the second three eighths."""
    elements = zigzag([*FALL, *RISE, 27])
    assert found(elements, PAIR, **settings) == expected


def test_a_pullback_above_the_old_center_is_3b_too(zigzag) -> None:
    elements = zigzag([*FALL, 28, 26, 35])
    spans = [PAIR[0], Span(7, 9, "up", confirmed=False)]
    assert found(elements, spans) == {6: ("1",), 8: ("2", "3b")}
    assert found(zigzag([*FALL, 28, 24, 35]), spans) == {6: ("1",), 8: ("2",)}


def test_a_pullback_into_the_center_is_not_3a(zigzag) -> None:
    assert found(zigzag([*FALL, *RISE, 18.5]), PAIR)[12] == ("2s",)


def test_3a_may_have_to_clear_the_peak_of_the_center(zigzag) -> None:
    elements = zigzag([*FALL, *RISE[:-1], 19.8, 19.5])
    assert found(elements, PAIR)[12] == ("3a",)
    assert 12 not in found(elements, PAIR, bsp3_peak=True)


def test_strictly_3b_leaves_a_center_whose_exit_is_the_end(zigzag) -> None:
    """The segment goes on for two strokes after the exit of its center."""
    elements = zigzag([40, 20, 26, 18, 25, 10, 15, 9, 28, 26, 35])
    spans = [Span(0, 6, "down", confirmed=True), Span(7, 9, "up", confirmed=False)]
    assert found(elements, spans) == {6: ("1p",), 8: ("2", "3b")}
    assert found(elements, spans, strict_bsp3=True) == {6: ("1p",), 8: ("2",)}


def test_with_one_segment_its_first_stroke_is_the_break(zigzag) -> None:
    elements, spans = zigzag([0, 10, 6, 15]), [Span(0, 2, "up", confirmed=False)]
    assert found(elements, spans) == {}
    assert found(elements, spans, bsp2_follow_1=False) == {1: ("2",)}


def test_2s_stays_in_the_segment_of_2_unless_that_is_open_and_the_next_is_the_last(zigzag) -> None:
    elements = zigzag([*FALL, 20, 16, 19, 17, 18])
    open_, sure = [Span(7, 9, "up", confirmed=state) for state in (False, True)]
    assert found(elements, [PAIR[0], open_])[10] == ("2s",)
    assert 10 not in found(elements, [PAIR[0], sure])
