"""What was ever shown is told apart by its identity, type by type, and counted once."""

from __future__ import annotations

from made_history import BUY, CONFIRMED, PROVISIONAL, SELL, TYPE_1, TYPE_2, TYPE_3B, VOID, structure

from chanflow.backtest.history import elements_of, ever_shown, history_of
from chanflow.features.chan import POINT_TYPES


def test_an_end_of_several_types_counts_under_each() -> None:
    history = history_of(
        structure([(0, TYPE_2 | TYPE_3B, BUY, 40, CONFIRMED, 45, 60), (1, TYPE_1, SELL, 50, PROVISIONAL, 52, -1)])
    )
    assert [POINT_TYPES[kind] for kind in history.type] == ["2", "3b", "1"]
    assert history.bar.tolist() == [40, 40, 50]
    assert history.level.tolist() == [0, 0, 1]
    assert len(ever_shown(history)) == 3


def test_side_level_type_and_bar_make_the_identity() -> None:
    rows = [
        (0, TYPE_1, BUY, 40),
        (1, TYPE_1, BUY, 40),
        (0, TYPE_2, BUY, 40),
        (0, TYPE_1, SELL, 40),
        (0, TYPE_1, BUY, 41),
    ]
    assert len(ever_shown(history_of(structure([(*row, VOID, 50, -1) for row in rows])))) == 5


def test_a_point_that_went_and_came_back_is_one_seen_when_it_first_came() -> None:
    shown = ever_shown(history_of(structure([
        (0, TYPE_1, BUY, 40, CONFIRMED, 58, 70),
        (0, TYPE_1, BUY, 40, VOID, 45, -1),
    ])))  # fmt: skip
    assert (len(shown), shown.first_seen_bar.tolist(), shown.confirmed_bar.tolist()) == (1, [45], [70])
    assert shown.in_final.tolist() == [True]
    assert shown.withdrawn.tolist() == [False]


def test_a_void_point_is_not_in_the_final_structure() -> None:
    shown = ever_shown(history_of(structure([(0, TYPE_1, BUY, 40, VOID, 45, -1)])))
    assert (shown.in_final.tolist(), shown.confirmed.tolist(), shown.withdrawn.tolist()) == ([False], [False], [False])


def test_a_point_void_after_it_was_confirmed_is_withdrawn() -> None:
    assert ever_shown(history_of(structure([(0, TYPE_1, BUY, 40, VOID, 45, 60)]))).withdrawn.tolist() == [True]


def test_nothing_shown_is_nothing() -> None:
    nothing = structure()
    assert len(ever_shown(history_of(nothing))) == 0
    assert [len(ever_shown(history)) for history in elements_of(nothing)] == [0, 0, 0]


def test_an_element_is_known_by_its_start() -> None:
    strokes, _, _ = elements_of(structure(strokes=[
        (10, 20, 1, CONFIRMED, 22, 30), (20, 28, -1, VOID, 29, -1), (20, 33, -1, PROVISIONAL, 35, -1)
    ]))  # fmt: skip
    shown = ever_shown(strokes)
    assert (strokes.kind, len(shown)) == ("stroke", 2)
    assert shown.first_seen_bar.tolist() == [22, 29]
    assert shown.in_final.tolist() == [True, True]
