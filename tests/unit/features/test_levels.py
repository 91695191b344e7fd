"""Several levels at once: links both ways, nested intervals, and answers that never use a bar that closes later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from chanflow.features import levels
from chanflow.features.levels import Known, LevelBars, LevelPoint, Levels

FACTORS = {"1m": 1, "5m": 5, "30m": 30}
PROVISIONAL, CONFIRMED, VOID = 0, 1, 2


def bars(level: str, width: int, count: int) -> LevelBars:
    """Return flat bars of `width` ms that follow one another from 0."""
    opens, price = np.arange(count, dtype=np.int64) * width, np.ones(count)
    return LevelBars(level, opens, opens + width, price, price, price, price)


def walk(minutes: int, seed: int) -> list[LevelBars]:
    """Return the closed bars of the first minutes of a seeded walk, on three levels."""
    steps = np.random.default_rng(seed).integers(-3, 4, 3_000) / 4
    close = 100 + np.cumsum(steps)[:minutes]
    first = close - steps[:minutes]
    high, low = np.maximum(first, close), np.minimum(first, close)
    return [joined(level, width, first, high, low, close) for level, width in FACTORS.items()]


def joined(level: str, width: int, *columns: NDArray[np.float64]) -> LevelBars:
    whole = columns[0].size // width
    first, high, low, close = (column[: whole * width].reshape(whole, width) for column in columns)
    opens = np.arange(whole, dtype=np.int64) * width
    return LevelBars(level, opens, opens + width, first[:, 0], high.max(1), low.min(1), close[:, -1])


def spans(*rows: tuple[int, int], state: int = CONFIRMED, level: list[int] | None = None) -> SimpleNamespace:
    """Return a list of a structure with (start, end) times."""
    columns: dict[str, Any] = {
        "start_ts_ms": np.array([row[0] for row in rows], dtype=np.int64),
        "end_ts_ms": np.array([row[1] for row in rows], dtype=np.int64),
        "state": np.full(len(rows), state, dtype=np.uint8),
        "first_seen_bar": np.zeros(len(rows), dtype=np.int64),
    }
    if level is not None:
        columns["level"] = np.array(level, dtype=np.uint8)
    return SimpleNamespace(**columns)


@dataclass(frozen=True)
class Point:
    """A row of a structure's points."""

    ts_ms: int
    types: int = 1
    side: int = 1
    element: int = 0
    level: int = 0
    state: int = CONFIRMED
    divergence: float = 0.5
    seen: int = 0
    void: int = -1


def points(*rows: Point, seen: bool = True) -> SimpleNamespace:
    columns = {
        name: np.array([getattr(row, name) for row in rows], dtype=float if name == "divergence" else np.int64)
        for name in ("ts_ms", "types", "side", "element", "level", "state", "divergence")
    }
    columns |= {"bar": columns["ts_ms"], "price": columns["ts_ms"] / 2}
    if seen:
        columns["first_seen_bar"] = np.array([row.seen for row in rows], dtype=np.int64)
        columns["void_bar"] = np.array([row.void for row in rows], dtype=np.int64)
    return SimpleNamespace(**columns)


def made_levels(given_bars: list[LevelBars], **structures: SimpleNamespace) -> Levels:
    """Return levels with hand-made structures, named `fine`, `middle` and `coarse`."""
    return Levels(given_bars, lambda level: structures[level.level])


def test_a_bar_belongs_to_the_coarser_bar_that_covers_it() -> None:
    found = levels.analyze([bars("1m", 1, 14), bars("5m", 5, 2)]).links("1m", "bars")
    assert found.parent.tolist() == [0] * 5 + [1] * 5 + [-1] * 4
    assert (found.first_child.tolist(), found.last_child.tolist()) == ([0, 5], [4, 9])
    assert found.children(1).tolist() == [5, 6, 7, 8, 9]


def test_a_gap_between_coarser_bars_has_no_parent() -> None:
    price = np.ones(2)
    coarse = LevelBars("5m", np.array([0, 10]), np.array([5, 15]), price, price, price, price)
    found = levels.analyze([bars("1m", 1, 15), coarse]).links("1m", "bars")
    assert found.parent.tolist() == [0] * 5 + [-1] * 5 + [1] * 5


def test_a_bar_across_an_edge_belongs_to_the_bar_in_which_it_ends() -> None:
    found = levels.analyze([bars("3d", 3, 4), bars("5d", 5, 2)]).links("3d", "bars")
    assert found.parent.tolist() == [0, 1, 1, -1]
    assert [found.children(parent).tolist() for parent in (0, 1)] == [[0], [1, 2]]


def test_levels_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="30m bar 0 spans whole 5m bars: finest level first"):
        levels.analyze([bars("30m", 30, 2), bars("5m", 5, 12)])


def test_a_child_belongs_to_the_parent_in_which_it_ends() -> None:
    children = spans((0, 4), (4, 12), (12, 14), (14, 15), (15, 22), (22, 29), (29, 33))
    parents = spans((0, 10), (10, 25))
    made = made_levels(
        [bars("fine", 1, 40), bars("coarse", 5, 8)],
        fine=SimpleNamespace(strokes=children),
        coarse=SimpleNamespace(strokes=parents),
    )
    found = made.links("fine", "strokes")
    # The first parent ends in the bar [10, 15): what ends there is its child, on the peak or not; 15 is the second's.
    assert found.parent.tolist() == [0, 0, 0, 1, 1, 1, -1]
    assert [found.children(parent).tolist() for parent in (0, 1)] == [[0, 1, 2], [3, 4, 5]]


def test_before_the_first_parent_and_between_two_there_is_none_and_of_two_the_earlier_is_taken() -> None:
    children = spans((0, 4), (4, 8), (8, 17), (17, 22), (22, 27), (27, 36))
    made = made_levels(
        [bars("fine", 1, 40), bars("coarse", 5, 8)],
        fine=SimpleNamespace(centers=children),
        coarse=SimpleNamespace(centers=spans((5, 15), (5, 10), (25, 30))),
    )
    assert made.links("fine", "centers").parent.tolist() == [-1, 0, 0, -1, 2, -1]


def test_void_objects_belong_to_nothing_and_have_no_children() -> None:
    children, parents = spans((0, 4), (4, 6), (6, 9)), spans((0, 5), (0, 10), (10, 15))
    children.state[1] = parents.state[0] = VOID
    made = made_levels(
        [bars("fine", 1, 40), bars("coarse", 5, 8)],
        fine=SimpleNamespace(strokes=children),
        coarse=SimpleNamespace(strokes=parents),
    )
    found = made.links("fine")
    assert found.parent.tolist() == [1, -1, 1]
    assert [found.children(parent).tolist() for parent in range(3)] == [[], [0, 2], []]


def test_centers_of_strokes_and_of_segments_are_linked_apart() -> None:
    children = spans((2, 8), (11, 13), (2, 13), level=[0, 0, 1])
    parents = spans((0, 10), (20, 25), (0, 30), level=[0, 0, 1])
    made = made_levels(
        [bars("fine", 1, 40), bars("coarse", 5, 8)],
        fine=SimpleNamespace(centers=children, strokes=spans(), segments=spans((0, 5))),
        coarse=SimpleNamespace(centers=parents, strokes=spans(), segments=spans()),
    )
    assert made.links("fine", "centers").parent.tolist() == [0, 0, 2]
    assert made.links("fine", "segments").parent.tolist() == [-1]
    assert made.links("fine", "strokes").parent.tolist() == []


def test_links_that_do_not_exist_are_refused() -> None:
    made = levels.analyze(walk(120, 1))
    for level, of in (("30m", "strokes"), ("2m", "bars"), ("1m", "waves")):
        with pytest.raises(ValueError, match="no links of"):
            made.links(level, of)


def test_malformed_levels_are_refused() -> None:
    one = np.ones(1)
    with pytest.raises(ValueError, match=r"lengths \[1, 2\]"):
        LevelBars("1m", np.arange(2), np.arange(2) + 1, one, one, one, one)
    two = np.ones(2)
    with pytest.raises(ValueError, match="1m bar 1 does not end after its open"):
        LevelBars("1m", np.array([0, 1]), np.array([2, 3]), two, two, two, two)
    with pytest.raises(ValueError, match="1m bar 0 does not end after its open"):
        LevelBars("1m", np.array([1, 2]), np.array([1, 3]), two, two, two, two)
    for wrong in ([], [bars("1m", 1, 2), bars("1m", 1, 2)]):
        with pytest.raises(ValueError, match="each once, finest first"):
            levels.analyze(wrong)


def test_the_bar_last_closed_is_known() -> None:
    assert bars("5m", 5, 3).closed_by([0, 4, 5, 14, 15, 99]).tolist() == [-1, -1, 0, 1, 2, 2]


THREE = [bars("fine", 1, 100), bars("middle", 5, 20), bars("coarse", 25, 4)]


def nested_levels(fine: SimpleNamespace, middle: SimpleNamespace) -> tuple[Levels, LevelPoint]:
    """Return levels and a buying point of the coarse one, at the end of the stroke [0, 75)."""
    made = made_levels(
        THREE,
        fine=SimpleNamespace(strokes=spans((0, 1)), points=fine),
        middle=SimpleNamespace(strokes=spans((0, 20), (35, 60)), segments=spans((35, 70)), points=middle),
        coarse=SimpleNamespace(strokes=spans((0, 50)), points=points(Point(50, seen=3))),
    )
    return made, made.points("coarse")[0]


def test_a_nested_interval_takes_the_last_divergence_inside_each_exit_element() -> None:
    middle = points(Point(20), Point(60, element=1, types=0b10, seen=14), Point(75))
    fine = points(Point(34), Point(40), Point(61, seen=66, state=PROVISIONAL), Point(65))
    made, start = nested_levels(fine, middle)
    found = made.nested(start, "fine")
    assert [(point.level, point.ts_ms) for point in found.points] == [("coarse", 50), ("middle", 60), ("fine", 61)]
    assert (found.missing, found.price, found.state) == (None, 30.5, "provisional")
    assert found.known is not None
    assert (found.known.level, found.known.bar, found.known.ms) == ("coarse", 3, 100)
    assert [point.known_ms for point in found.points] == [100, 75, 67]
    assert made.nested(start, "middle").points == found.points[:2]
    assert made.nested(start, "middle").state == "confirmed"


def test_a_point_at_the_start_of_the_exit_element_is_inside_it() -> None:
    made, start = nested_levels(points(Point(35)), points(Point(60, element=1)))
    assert [point.ts_ms for point in made.nested(start, "fine").points] == [50, 60, 35]


def test_of_points_first_seen_at_one_time_the_finest_made_the_chain_known() -> None:
    made, start = nested_levels(points(Point(61, seen=99)), points(Point(60, element=1, seen=19)))
    known = made.nested(start, "fine").known
    assert known is not None
    assert (known.level, known.ms) == ("fine", 100)


def test_a_chain_is_known_once_a_later_point_that_stood_in_its_place_was_withdrawn() -> None:
    withdrawn = Point(64, state=VOID, seen=70, void=80)
    early, elsewhere = Point(60, state=VOID, seen=64, void=90), Point(66, state=VOID, seen=70, void=91)
    late = Point(63, state=VOID, seen=81, void=82)
    fine = points(Point(61, seen=72), withdrawn, early, elsewhere, late)
    made, start = nested_levels(fine, points(Point(60, element=1, seen=14)))
    assert made.nested(start, "fine").known == Known("coarse", 3, 100)
    coarse = SimpleNamespace(strokes=spans((0, 50)), points=points(Point(50, seen=2)))
    middle = SimpleNamespace(strokes=spans((0, 20), (35, 60)), points=points(Point(60, element=1, seen=14)))
    made = made_levels(THREE, fine=SimpleNamespace(points=fine), middle=middle, coarse=coarse)
    assert made.nested(made.points("coarse")[0], "fine").known == Known("fine", 80, 81)


def test_a_chain_is_known_once_the_elements_that_hold_it_are_shown() -> None:
    middle = SimpleNamespace(strokes=spans((0, 20), (35, 60)), points=points(Point(60, element=1, seen=14)))
    coarse = SimpleNamespace(strokes=spans((0, 50)), points=points(Point(50, seen=0)))
    middle.strokes.first_seen_bar[1] = 17
    made = made_levels(THREE, fine=SimpleNamespace(points=points(Point(61))), middle=middle, coarse=coarse)
    assert made.nested(made.points("coarse")[0], "fine").known == Known("middle", 17, 90)


def test_what_only_a_forming_bar_shows_has_no_time_since_when_it_is_known() -> None:
    forming = [replace(level, forming=True) for level in THREE]
    structures = {
        "fine": SimpleNamespace(points=points(Point(61, seen=98))),
        "middle": SimpleNamespace(strokes=spans((0, 20), (35, 60)), points=points(Point(60, element=1, seen=19))),
    }
    made = Levels(forming[:2], lambda level: structures[level.level])
    (point,) = made.points("middle")
    assert (point.known_bar, point.known_ms) == (19, None)
    assert made.points("fine")[0].known_ms == 99
    assert made.nested(point, "fine").known is None


def test_a_forming_bar_is_not_among_the_bars_closed_by_a_time() -> None:
    forming = replace(bars("5m", 5, 3), forming=True)
    assert (len(forming), forming.closed) == (3, 2)
    assert forming.closed_by([9, 10, 99]).tolist() == [0, 1, 1]
    assert [forming.first(count).forming for count in (2, 3)] == [False, True]
    assert len(levels.analyze([forming]).at(99).bars["5m"]) == 2
    with pytest.raises(ValueError, match="5m has no bar, so none is forming"):
        replace(bars("5m", 5, 0), forming=True)


def test_a_segment_point_nests_in_its_segment() -> None:
    middle = points(Point(60, element=1), Point(70, level=1))
    made, start = nested_levels(points(Point(61), Point(74), Point(75)), middle)
    assert [point.ts_ms for point in made.nested(start, "fine").points] == [50, 70, 74]


@pytest.mark.parametrize(
    "other", [Point(62, types=0b100), Point(62, side=-1), Point(62, state=VOID), Point(34), Point(65)]
)
def test_other_types_sides_and_times_do_not_nest(other: Point) -> None:
    made, start = nested_levels(points(other), points(Point(60, element=1)))
    found = made.nested(start, "fine")
    assert [point.level for point in found.points] == ["coarse", "middle"]
    assert found.missing == "fine"


def test_a_missing_link_ends_the_chain_above_it() -> None:
    made, start = nested_levels(points(Point(40)), points())
    found = made.nested(start, "fine")
    assert (found.points, found.missing, found.price) == ((start,), "middle", 25.0)


def test_of_two_points_at_one_time_the_stroke_nests() -> None:
    middle = points(Point(60, element=1), Point(60, level=1))
    made, start = nested_levels(points(), middle)
    assert made.nested(start, "middle").points[1].ends == "stroke"


def test_nested_asks_for_a_finer_level_and_a_point_of_its_own() -> None:
    made, start = nested_levels(points(Point(40)), points(Point(60, element=1)))
    for down_to in ("coarse", "1w"):
        with pytest.raises(ValueError, match="give a level finer than coarse"):
            made.nested(start, down_to)
    other, _ = nested_levels(points(Point(41)), points(Point(60, element=1)))
    with pytest.raises(ValueError, match="is not of these levels"):
        other.nested(made.points("fine")[0], "fine")


def test_points_are_told_in_words() -> None:
    rows = (Point(3, types=0b101010, side=-1, divergence=float("nan")), Point(4, state=VOID), Point(5, level=1))
    made = made_levels([bars("fine", 1, 9)], fine=SimpleNamespace(points=points(*rows, seen=False)))
    first, last = made.points("fine")
    assert (first.types, first.side, first.divergence, first.ends) == (("1p", "2s", "3b"), "sell", None, "stroke")
    assert (first.known_bar, first.known_ms, first.state, first.index) == (None, None, "confirmed", 0)
    assert (last.types, last.side, last.divergence, last.ends) == (("1",), "buy", 0.5, "segment")
    assert (last.index, last.bar, last.price) == (2, 5, 2.5)


def test_a_chain_without_first_seen_bars_does_not_say_when_it_was_known() -> None:
    made, start = nested_levels(points(seen=False), points(Point(60, element=1), seen=False))
    assert made.nested(start, "middle").known is None


def one_point_per_bar(level: LevelBars) -> SimpleNamespace:
    """Return a structure whose points tell which bars it saw."""
    rows = (Point(ts_ms, seen=at) for at, ts_ms in enumerate(level.open_ms.tolist()))
    return SimpleNamespace(points=points(*rows))


@given(st.integers(-1, 130))
def test_resonance_tells_the_points_of_bars_closed_by_then(ts_ms: int) -> None:
    found = Levels(THREE, one_point_per_bar).resonance(ts_ms)
    assert list(found) == ["fine", "middle", "coarse"]
    for level in THREE:
        closed = level.close_ms[level.close_ms <= ts_ms]
        assert [point.known_ms for point in found[level.level]] == closed.tolist()


WALKS = {seed: walk(3_000, seed) for seed in (1, 2)}
LISTS = ("bars", *levels.LINKED)


def linked_lists(found: Levels) -> list[tuple[str, str]]:
    """Return the (level, list) pairs that have links."""
    return [
        (level, of) for level in ("1m", "5m") for of in LISTS if of == "bars" or hasattr(found.structures["1m"], of)
    ]


@given(st.sampled_from(sorted(WALKS)), st.integers(0, 3_000), st.sampled_from(["default", "new_bi"]))
def test_what_is_known_at_a_time_is_what_the_truncated_input_shows(seed: int, minutes: int, preset: str) -> None:
    then = levels.analyze(WALKS[seed], preset=preset).at(minutes)
    fresh = levels.analyze(walk(minutes, seed), preset=preset)
    for level in FACTORS:
        assert np.all(then.bars[level].close_ms <= minutes)
        assert np.array_equal(then.bars[level].close_ms, fresh.bars[level].close_ms)
        assert then.structures[level].to_json() == fresh.structures[level].to_json()
    for level, of in linked_lists(then):
        assert np.array_equal(then.links(level, of).parent, fresh.links(level, of).parent)


@given(st.sampled_from(sorted(WALKS)), st.integers(0, 3_000))
def test_the_link_of_a_confirmed_child_to_a_confirmed_parent_stays(seed: int, minutes: int) -> None:
    whole = levels.analyze(WALKS[seed])
    then = whole.at(minutes)
    for fine, coarse in pairwise(FACTORS):
        parent = then.links(fine).parent
        rows = np.flatnonzero((then.structures[fine].strokes.state == CONFIRMED) & (parent >= 0))
        rows = rows[then.structures[coarse].strokes.state[parent[rows]] == CONFIRMED]
        assert np.array_equal(whole.links(fine).parent[rows], parent[rows])


@pytest.mark.parametrize("seed", sorted(WALKS))
def test_links_are_inverse_to_each_other_and_as_the_rule_says(seed: int) -> None:
    found = levels.analyze(WALKS[seed], history=False)
    for level, of in linked_lists(found):
        links = found.links(level, of)
        for parent in range(links.first_child.size):
            assert links.children(parent).tolist() == np.flatnonzero(links.parent == parent).tolist()
    for fine, coarse in pairwise(FACTORS):
        children, parents = found.structures[fine].strokes, found.structures[coarse].strokes
        assert (found.links(fine).parent >= 0).any()
        until_ms = found.bars[coarse].close_ms[parents.end_bar]
        for child, end_ms in enumerate(children.end_ts_ms):
            inside = [k for k in range(len(parents)) if parents.start_ts_ms[k] <= end_ms < until_ms[k]]
            assert found.links(fine).parent[child] == (inside[0] if inside else -1)
