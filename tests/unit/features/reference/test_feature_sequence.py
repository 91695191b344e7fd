from __future__ import annotations

from dataclasses import replace

from chanflow.features.reference.feature_sequence import FeatureSequence

TOP = [0, 10, 5, 15, 8, 12, 6, 9, 3]


def fed(elements, direction="up"):
    machine = FeatureSequence(elements, direction, 1)
    for at in range(1, len(elements), 2):
        if machine.feed(at):
            break
    return machine


def test_a_top_of_the_falling_strokes_ends_a_rising_segment(zigzag) -> None:
    machine = fed(zigzag(TOP))
    assert (machine.has_fractal, machine.end, machine.has_gap, machine.pending) == (True, 2, False, False)


def test_a_falling_segment_is_the_same_upside_down(zigzag) -> None:
    machine = fed(zigzag([-price for price in TOP]), "down")
    assert (machine.has_fractal, machine.end, machine.has_gap, machine.pending) == (True, 2, False, False)


def test_elements_apart_leave_a_gap(zigzag) -> None:
    assert fed(zigzag([0, 10, 5, 20, 12, 18, 11])).has_gap


def test_the_first_element_takes_in_what_it_contains(zigzag) -> None:
    machine = fed(zigzag([0, 10, 2, 9, 4, 15, 8, 12, 6]))
    assert [feature.members for feature in machine.features] == [(1, 3), (5,), (7,)]
    assert (machine.features[0].high, machine.features[0].low) == (10, 4)


def test_the_second_element_takes_in_what_contains_it(zigzag) -> None:
    machine = fed(zigzag([0, 10, 5, 15, 8, 16, 7, 12, 6]))
    assert [feature.members for feature in machine.features] == [(1,), (3, 5), (7,)]
    assert machine.end == 4


def test_a_lower_stroke_from_an_equal_high_is_not_merged(zigzag) -> None:
    machine = fed(zigzag([0, 10, 5, 15, 8, 15, 7]))
    assert [feature.members for feature in machine.features] == [(1,), (3,), (5,)]


def test_a_lower_second_element_starts_again_without_the_first(zigzag) -> None:
    assert fed(zigzag([0, 10, 5, 8, 3])).fed == [3]


def test_what_breaks_the_second_element_is_lower_than_the_last_stroke_inside(zigzag) -> None:
    """The stroke that breaks does not go below the first stroke of the second element."""
    machine = fed(zigzag([0, 10, 5, 16, 8, 15, 9, 12, 8.5]))
    assert [feature.members for feature in machine.features] == [(1,), (3, 5), (7,)]
    assert (machine.pending, machine.evidence) == (False, 7)


def test_a_pending_break_stays_pending(zigzag) -> None:
    """The last stroke inside the second element reaches lower than the one that must break it."""
    elements = zigzag([0, 10, 2, 15, 8, 16, 7, 14, 7.5])
    machine = fed(elements)
    assert (machine.has_fractal, machine.pending, machine.evidence) == (True, True, 7)


def test_what_follows_decides_a_break(zigzag) -> None:
    base = [0, 10, 2, 15, 8, 16, 7, 14, 7.5, 13]
    assert fed(zigzag([*base, 6])).evidence == 9
    assert not fed(zigzag([*base, 7.8, 12])).has_fractal
    unsure = zigzag([*base, 7.8, 12])
    unsure[9] = replace(unsure[9], sure=False)
    assert fed(unsure).pending
