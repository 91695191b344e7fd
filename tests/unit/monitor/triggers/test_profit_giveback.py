from __future__ import annotations

import pytest
from made_watch import LONG, SHORT, marks, trigger, watching

from chanflow.monitor.armed import Watched


@pytest.mark.parametrize(
    ("position", "path", "said"),
    [
        (LONG, (101.9, 100.0, 95.0), [None, None, None]),
        (LONG, (102.0, 101.3, 101.2), [None, None, "1.0000R to 0.6000R"]),
        (LONG, (103.0, 104.0, 102.5, 102.4), [None, None, None, "2.0000R to 1.2000R"]),
        (LONG, (104.0, 99.0), [None, "2.0000R to -0.5000R"]),
        (SHORT, (98.1, 100.0), [None, None]),
        (SHORT, (96.0, 97.5, 97.6), [None, None, "2.0000R to 1.2000R"]),
    ],
)
def test_after_one_r_a_loss_of_four_tenths_of_the_peak_fires(
    position: Watched, path: tuple[float, ...], said: list[str | None]
) -> None:
    assert marks(watching(trigger("profit_giveback", 1.0, 0.4), position=position), *path) == said


def test_what_was_seen_before_a_restart_counts_as_peak_and_fires_nothing() -> None:
    watch = watching(trigger("profit_giveback", 1.0, 0.4))
    for price in ("104", "101"):
        watch.remember("SIMUSDT", LONG.entry_price.__class__(price))
    assert watch.armed("SIMUSDT") == 1
    assert marks(watch, 101.0) == ["2.0000R to 0.5000R"]


def test_peaks_of_different_height_join_under_a_new_high() -> None:
    watch = watching(trigger("profit_giveback", 1.0, 0.4, name="early"))
    marks(watch, 104.0, 103.0)
    late = LONG.__class__("position-2", "SIMUSDT", "long", LONG.entry_price, LONG.stop_price, LONG.opened_ns)
    watch.register(late, (trigger("profit_giveback", 1.0, 0.4, name="late"),), price=None, now_ns=LONG.opened_ns)
    assert marks(watch, 103.0, 106.0, 103.7) == [None, None, None]
    assert marks(watch, 103.6) == ["3.0000R to 1.8000R"]
    assert watch.armed("SIMUSDT") == 0
