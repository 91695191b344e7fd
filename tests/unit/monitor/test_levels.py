from __future__ import annotations

import pytest
from made_watch import LONG, trigger

from chanflow.monitor.armed import Armed
from chanflow.monitor.levels import Levels

ARMED = [Armed(at, LONG, trigger("protective_missing", name=str(at))) for at in range(6)]
VALUES = [1.0, 2.0, 2.0, 3.0, 5.0, 8.0]


@pytest.mark.parametrize(
    ("take", "given", "taken"),
    [
        ("take_below", (2.0,), [0]),
        ("take_up_to", (2.0,), [0, 1, 2]),
        ("take_above", (3.0,), [4, 5]),
        ("take_from", (3.0,), [3, 4, 5]),
        ("take_rise", (2.0, 5.0), [3, 4]),
        ("take_rise", (5.0, 2.0), []),
        ("take_fall", (5.0, 2.0), [1, 2, 3]),
        ("take_fall", (2.0, 5.0), []),
    ],
)
def test_what_lies_in_the_range_is_taken_and_out(take: str, given: tuple[float, ...], taken: list[int]) -> None:
    levels: Levels[float] = Levels()
    for value, armed in zip(reversed(VALUES), reversed(ARMED), strict=True):
        levels.add(value, armed)
    assert [armed.seq for armed in getattr(levels, take)(*given)] == taken
    assert [armed.seq for _, armed in levels.all()] == [at for at in range(6) if at not in taken]


def test_one_of_equals_is_dropped_and_what_is_not_there_is_let_be() -> None:
    levels: Levels[float] = Levels()
    for value, armed in zip(VALUES, ARMED, strict=True):
        levels.add(value, armed)
    levels.drop(2.0, ARMED[2])
    levels.drop(2.0, ARMED[2])
    levels.drop(9.0, ARMED[0])
    assert [armed.seq for _, armed in levels.all()] == [0, 1, 3, 4, 5]
