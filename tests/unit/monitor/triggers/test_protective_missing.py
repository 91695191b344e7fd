from __future__ import annotations

from made_desk import NOW, account, position
from made_watch import SECOND, names, trigger, watching


def told(path: list[tuple[int, bool | None]]) -> list[list[str]]:
    """Return what each look at the account fires: seconds, and whether the position has its stop (None: it is gone)."""
    watch = watching(trigger("protective_missing"))
    found = []
    for seconds, protected in path:
        held = () if protected is None else (position(protected=protected),)
        found.append(names(watch.on_account(account(positions=held), now_ns=NOW + seconds * SECOND)))
    return found


def test_a_position_bare_for_more_than_five_seconds_fires_once() -> None:
    assert told([(0, False), (5, False), (6, False), (7, False)]) == [[], [], ["t1"], []]


def test_a_stop_that_came_in_time_begins_the_count_anew() -> None:
    assert told([(0, False), (4, True), (8, False), (13, False), (14, False)]) == [[], [], [], [], ["t1"]]


def test_a_position_that_is_gone_is_not_bare() -> None:
    assert told([(0, False), (3, None), (10, None)]) == [[], [], []]
