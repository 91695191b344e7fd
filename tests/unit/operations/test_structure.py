"""From the engine's columns to the legs, centers and points that answers name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chanflow.domain.market_data import Bar
from chanflow.operations.structure import Structure

MINUTE_MS = 60_000
BARS = [Bar(at * MINUTE_MS, MINUTE_MS, 10.0, 10.0, 10.0, 10.0, 1.0, 10.0, 1, 0.5) for at in range(40)]
PROVISIONAL, CONFIRMED, VOID = 0, 1, 2

LEG = ("start_bar", "end_bar", "start_ts_ms", "end_ts_ms", "start_price", "end_price", "direction", "state")
CENTER = ("level", "start_stroke", "end_stroke", "entry_stroke", "exit_stroke", "low", "high", "peak_low", "peak_high",
          "start_ts_ms", "end_ts_ms", "state")  # fmt: skip
POINT = ("level", "element", "bar", "ts_ms", "price", "side", "types", "state", "divergence", "first_seen_bar",
         "confirmed_bar", "void_bar")  # fmt: skip


def _table(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> SimpleNamespace:
    return SimpleNamespace(**{name: np.array([row[at] for row in rows]) for at, name in enumerate(names)})


def leg(index: int, direction: int, state: int = CONFIRMED) -> tuple[Any, ...]:
    """Return the stroke from bar 2 * index to the next even one."""
    start, end = 2 * index, 2 * index + 2
    low, high = (10.0, 12.0) if direction > 0 else (12.0, 10.0)
    return start, end, start * MINUTE_MS, end * MINUTE_MS, low, high, direction, state


def span(first: int, last: int, direction: int, state: int = CONFIRMED) -> tuple[Any, ...]:
    """Return a segment over strokes `first` to `last`."""
    start, end = 2 * first, 2 * last + 2
    return start, end, start * MINUTE_MS, end * MINUTE_MS, 10.0, 12.0, direction, state


def center(
    first: int,
    last: int,
    *,
    low: float = 10.0,
    high: float = 11.0,
    peaks: tuple[float, float] = (9.0, 12.0),
    state: int = CONFIRMED,
    level: int = 0,
    leaving: int | None = None,
) -> tuple[Any, ...]:
    leaving = last + 1 if leaving is None else leaving
    times = (2 * first * MINUTE_MS, (2 * last + 2) * MINUTE_MS)
    return (level, first, last, first - 1, leaving, low, high, *peaks, *times, state)


def point(
    element: int,
    types: int,
    *,
    side: int = 1,
    price: float = 10.0,
    state: int = CONFIRMED,
    ratio: float = float("nan"),
    lived: tuple[int, int, int] = (30, 35, -1),
    level: int = 0,
) -> tuple[Any, ...]:
    bar = 2 * element + 2
    return (level, element, bar, bar * MINUTE_MS, price, side, types, state, ratio, *lived)


def structure(
    *,
    strokes: list[Any] | None = None,
    segments: list[Any] | None = None,
    centers: list[Any] | None = None,
    points: list[Any] | None = None,
) -> Structure:
    columns = SimpleNamespace(
        strokes=_table(LEG, strokes or []),
        segments=_table(LEG, segments or []),
        super_segments=_table(LEG, []),
        centers=_table(CENTER, centers or []),
        points=_table(POINT, points or []),
    )
    return Structure(columns, BARS)


def test_a_provisional_leg_carries_its_end_as_revision() -> None:
    strokes = structure(strokes=[leg(0, 1), leg(1, -1, PROVISIONAL)]).strokes
    assert [stroke.ref for stroke in strokes] == ["stroke#0", "stroke#1r4"]


def test_what_was_withdrawn_is_no_leg_and_no_center_and_shifts_no_number() -> None:
    found = structure(
        strokes=[leg(0, 1), leg(1, -1, VOID), leg(1, -1)], centers=[center(1, 3, state=VOID), center(1, 4)]
    )
    assert [stroke.ref for stroke in found.strokes] == ["stroke#0", "stroke#1"]
    assert [each.ref for each in found.centers] == ["center#1"]


def test_centers_of_both_levels_stand_in_order_of_time() -> None:
    found = structure(centers=[center(2, 4), center(8, 9, state=PROVISIONAL), center(1, 2, level=1)])
    assert [each.ref for each in found.centers] == ["center-seg#1", "center#2", "center#8r9"]


def test_a_center_without_exit_has_none() -> None:
    assert structure(centers=[center(2, 4, leaving=-1)]).centers[0].exit is None


def test_an_end_of_several_types_is_several_points() -> None:
    found = structure(points=[point(5, 0b100100)]).points
    assert [(each.type, each.element, each.at_ms) for each in found] == [
        ("2", 5, 12 * MINUTE_MS),
        ("3b", 5, 12 * MINUTE_MS),
    ]


def test_a_point_is_known_at_the_close_of_the_bar_that_told_it() -> None:
    (found,) = structure(points=[point(5, 1, lived=(14, 20, -1))]).points
    assert (found.first_seen_ms, found.confirmed_ms, found.void_ms) == (15 * MINUTE_MS, 21 * MINUTE_MS, None)


def test_a_point_that_went_and_came_back_is_one_known_since_the_first_time() -> None:
    gone = point(5, 0b100, state=VOID, lived=(14, -1, 16))
    back = point(5, 0b100, state=PROVISIONAL, lived=(20, -1, -1))
    for rows in ([gone, back], [back, gone]):
        (found,) = structure(points=rows).points
        assert (found.state, found.first_seen_ms, found.void_ms) == ("provisional", 15 * MINUTE_MS, None)


def test_a_point_that_went_twice_is_void_since_the_last_time() -> None:
    rows = [point(5, 4, state=VOID, lived=lived) for lived in ((20, -1, 22), (14, -1, 16))]
    (found,) = structure(points=rows).points
    assert (found.state, found.first_seen_ms, found.void_ms) == ("void", 15 * MINUTE_MS, 23 * MINUTE_MS)


def test_points_of_two_levels_and_sides_at_one_bar_are_two() -> None:
    found = structure(points=[point(5, 1), point(5, 1, level=1), point(6, 1, side=-1)]).points
    assert [(each.side, each.subtype) for each in found] == [("buy", "1"), ("buy", "1-seg"), ("sell", "1")]


@pytest.mark.parametrize(("types", "ratio", "shown"), [(1, 0.5, 0.5), (1, float("inf"), None), (0b100, 0.5, None)])
def test_a_ratio_is_a_number_of_a_divergence_or_nothing(types: int, ratio: float, shown: float | None) -> None:
    assert structure(points=[point(5, types, ratio=ratio)]).points[0].ratio == shown


@pytest.mark.parametrize(
    ("peaks", "trend"),
    [
        ([], None),
        ([(9.0, 12.0)], "range"),
        ([(9.0, 12.0), (12.5, 14.0)], "up"),
        ([(9.0, 12.0), (12.0, 14.0)], "range"),
        ([(9.0, 12.0), (5.0, 8.0)], "down"),
        ([(9.0, 12.0), (5.0, 9.0)], "range"),
        ([(1.0, 2.0), (9.0, 12.0), (5.0, 8.0)], "down"),
    ],
)
def test_the_trend_is_where_the_last_two_centers_lie(peaks: list[tuple[float, float]], trend: str | None) -> None:
    centers = [center(3 * at, 3 * at + 1, peaks=each) for at, each in enumerate(peaks)]
    assert structure(centers=centers).trend == trend


def test_centers_of_segments_make_no_trend_of_strokes() -> None:
    assert structure(centers=[center(1, 2, peaks=(1.0, 2.0)), center(3, 4, peaks=(5.0, 6.0), level=1)]).trend == "range"


STROKES = [leg(at, -1 if at % 2 == 0 else 1) for at in range(19)]
SEGMENTS = [span(0, 6, -1), span(7, 13, 1), span(14, 18, -1, PROVISIONAL)]
CENTERS = [center(1, 3), center(5, 5), center(8, 10, low=10.5, high=11.5)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (point(6, 0b1), "center#1"),  # the last center of more than one stroke in the segment that ends there
        (point(12, 0b10000), "center#8"),  # the one that stroke 11 left
        (point(13, 0b10000), None),
        (point(10, 0b100000, price=11.2), "center#1"),  # above the last center of the down segment before
        (point(10, 0b100000, price=10.9), None),  # which it enters again
        (point(17, 0b100000, side=-1, price=10.5), "center#8"),
        (point(6, 0b10), None),
        (point(8, 0b100), None),
        (point(8, 0b1000), None),
        (point(6, 0b1, level=1), None),
        (point(6, 0b1, state=VOID, lived=(20, -1, 22)), None),
    ],
)
def test_a_point_names_the_center_that_its_rule_looks_at(given: Any, expected: str | None) -> None:
    found = structure(strokes=STROKES, segments=SEGMENTS, centers=CENTERS, points=[given])
    named = found.center_of(found.points[0])
    assert (named.ref if named else None) == expected


@pytest.mark.parametrize(("types", "entry"), [(0b1, 0), (0b10, 4)])
def test_a_divergence_compares_with_the_entry_of_its_center_or_the_leg_before_the_last(types: int, entry: int) -> None:
    found = structure(strokes=STROKES, segments=SEGMENTS, centers=CENTERS, points=[point(6, types)])
    assert found.entry_of(found.points[0]) == entry
