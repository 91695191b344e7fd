from __future__ import annotations

import pytest
from made_desk import NOW
from made_watch import LONG, SECOND, names, traded, trigger, watching


@pytest.mark.parametrize(
    ("frac", "window_s", "path", "fires"),
    [
        (0.02, 60, [(0, (100.0,)), (30, (102.1,))], True),
        (0.02, 60, [(0, (100.0,)), (30, (102.0,))], False),
        (0.02, 60, [(0, (100.0,)), (30, (97.9,))], True),
        (0.02, 60, [(0, (100.0,)), (60, (103.0,))], True),
        (0.02, 60, [(0, (100.0,)), (61, (103.0,))], False),
        (0.02, 60, [(0, (100.0,)), (40, (101.5,)), (80, (99.4,))], True),
        (0.02, 60, [(0, (100.0, 103.0, 100.0))], True),
        (0.02, 60, [(0, (100.0,)), (5, (100.0, 102.5, 100.0))], True),
        (0.02, 60, [(0, (100.0,))], False),
    ],
)
def test_the_return_within_the_window_must_be_beyond(
    frac: float, window_s: int, path: list[tuple[int, tuple[float, ...]]], fires: bool
) -> None:
    watch = watching(trigger("price_move", frac, window_s))
    told = [names(watch.on_touch("SIMUSDT", traded(*p), now_ns=NOW + s * SECOND)) for s, p in path]
    assert [name for each in told for name in each] == (["t1"] if fires else [])


def test_the_direction_is_told() -> None:
    watch = watching(trigger("price_move", 0.02, 60))
    watch.on_touch("SIMUSDT", traded(100.0), now_ns=NOW)
    (one,) = watch.on_touch("SIMUSDT", traded(97.0), now_ns=NOW)
    assert (one.observed, one.bound) == ("-0.030000", "0.02 60")


def test_a_market_that_has_moved_already_counts() -> None:
    watch = watching()
    watch.on_touch("SIMUSDT", traded(100.0), now_ns=NOW)
    watch.register(LONG, (trigger("price_move", 0.02, 60),), price=None, now_ns=NOW)
    assert names(watch.on_touch("SIMUSDT", traded(103.0), now_ns=NOW + SECOND)) == ["t1"]
