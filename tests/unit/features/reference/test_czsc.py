from __future__ import annotations

import pytest

from chanflow.features.reference.czsc import czsc_centers, czsc_strokes

WAVE = [3, 2, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1, 2]


def found(bars, min_bi_len=6):
    shown, finished = czsc_strokes(bars, min_bi_len)
    return [(each.begin_bar, each.end_bar, each.direction) for each in shown], finished


def test_a_stroke_leads_from_the_first_fractal_to_the_farthest_one(steps) -> None:
    assert found(steps(WAVE)) == ([(2, 7, "up"), (7, 12, "down")], 1)


@pytest.mark.parametrize(("min_bi_len", "count"), [(7, 1), (8, 0)])
def test_the_length_counts_from_neighbour_to_neighbour(steps, min_bi_len, count) -> None:
    lows = [3, 2, 1, 2, 3, 4, 5, 4]
    assert len(found(steps(lows), min_bi_len)[0]) == count


def test_a_bar_beyond_its_end_withdraws_a_stroke(steps) -> None:
    lows = [3, 2, 1, 2, 3, 4, 5, 4]
    assert len(found(steps(lows))[0]) == 1
    assert found(steps([*lows, 5, 6]))[0] == []
    assert found(steps([*lows, 5, 6, 5]))[0] == [(2, 9, "up")]


def test_a_stroke_is_finished_once_five_bars_follow_its_end(steps) -> None:
    assert found(steps(WAVE[:11]))[1] == 1
    assert found(steps(WAVE[:9]))[1] == 0


def test_a_stroke_that_clears_the_range_opens_the_next_center(zigzag) -> None:
    strokes = zigzag([0, 10, 5, 9, 6, 20, 15, 19, 16, 30])
    shown = [(each.start, each.end, each.low, each.high) for each in czsc_centers(strokes)]
    assert shown == [(0, 4, 5, 9), (5, 8, 16, 19)]


def test_fewer_than_three_strokes_are_no_center(zigzag) -> None:
    assert czsc_centers(zigzag([0, 10, 5])) == []
