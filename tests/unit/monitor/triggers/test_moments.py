from __future__ import annotations

from made_watch import LONG, trigger

from chanflow.monitor.armed import Armed
from chanflow.monitor.triggers.moments import Moments


def test_what_is_dropped_never_comes_and_leaves_the_heap() -> None:
    moments = Moments()
    waiting = [Armed(at, LONG, trigger("protective_missing", name=str(at))) for at in range(1_000)]
    for armed in waiting:
        moments.add(10 + armed.seq, armed)
    for armed in waiting[10:]:
        moments.drop(armed)
    assert len(moments._heap) < 200
    assert [hit.armed.seq for hit in moments.come(12)] == [0, 1, 2]
    moments.drop(waiting[0])
    assert [hit.armed.seq for hit in moments.come(10**6)] == [3, 4, 5, 6, 7, 8, 9]
