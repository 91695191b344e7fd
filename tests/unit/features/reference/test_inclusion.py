from __future__ import annotations

import pytest

from chanflow.features.reference.inclusion import merged_bars


@pytest.mark.parametrize(
    ("ranges", "merged"),
    [
        ([(10, 8), (12, 9)], [(10, 8, "up"), (12, 9, "up")]),
        ([(10, 8), (9, 7)], [(10, 8, "up"), (9, 7, "down")]),
        ([(10, 8), (9.5, 8.5)], [(10, 8.5, "up")]),
        ([(10, 8), (12, 9), (13, 8.5)], [(10, 8, "up"), (13, 9, "up")]),
        ([(12, 10), (11, 8), (10.5, 8.5)], [(12, 10, "up"), (10.5, 8, "down")]),
        ([(10, 8), (12, 9), (12, 9)], [(10, 8, "up"), (12, 9, "up")]),
    ],
    ids=["higher", "lower", "the first rises", "up takes the maxima", "down takes the minima", "equal"],
)
def test_what_is_contained_is_merged(bars, ranges, merged) -> None:
    assert [(each.high, each.low, each.direction) for each in merged_bars(bars(ranges))] == merged


def test_a_one_price_bar_at_the_high_of_a_rise_changes_nothing_but_the_peak(bars) -> None:
    last = merged_bars(bars([(10, 8), (12, 9), (12, 12)]))[-1]
    assert (last.high, last.low, last.high_bar, last.low_bar) == (12, 9, 2, 1)


def test_the_peak_bar_is_the_last_one_with_the_merged_price(bars) -> None:
    last = merged_bars(bars([(10, 8), (12, 9), (12, 9.5), (11, 9.5)]))[-1]
    assert (last.high, last.low, last.high_bar, last.low_bar, last.last_bar) == (12, 9.5, 2, 3, 3)


def test_the_range_at_birth_and_of_the_raw_bars_are_kept(bars) -> None:
    last = merged_bars(bars([(10, 8), (12, 9), (11, 10), (13, 9.5)]))[-1]
    assert ((last.high, last.low), (last.born.high, last.born.low)) == ((13, 10), (12, 9))
    assert (last.raw.high, last.raw.low) == (13, 9)
