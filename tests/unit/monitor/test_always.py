from __future__ import annotations

from made_watch import ALL

from chanflow.domain.trigger import DataStale, PositionAge, ProtectiveMissing
from chanflow.monitor.always import always
from chanflow.monitor.inputs import Inputs


def test_every_position_is_watched_for_age_silence_and_a_missing_stop() -> None:
    found = {t.kind: t.params for t in always("position-1", ALL, max_hold_ns=14_400 * 10**9)}
    assert found == {
        "position_age": PositionAge(14_400),
        "data_stale": DataStale(10_000),
        "protective_missing": ProtectiveMissing(),
    }


def test_a_desk_without_a_clock_of_its_own_leaves_out_what_it_cannot_see() -> None:
    found = always("position-1", Inputs(frozenset({"position_age"})), max_hold_ns=10**9)
    assert [t.kind for t in found] == ["position_age"]


def test_their_ids_follow_from_the_position() -> None:
    ids = [t.trigger_id for name in ("a", "a", "b") for t in always(name, ALL, max_hold_ns=10**9)]
    assert ids[:3] == ids[3:6]
    assert len(set(ids)) == 6
