"""A day is judged by its empty seconds and by what was repeated or refused."""

from __future__ import annotations

import numpy as np

from chanflow.market.day_counts import DayCounts

DAY_MS = 1_767_571_200_000


def rows(seconds: list[int], *, kind: int = 1) -> dict[str, np.ndarray]:
    return {
        "ts_ms": np.array([DAY_MS + second * 1_000 for second in seconds], dtype=np.int64),
        "kind": np.full(len(seconds), kind, dtype=np.uint8),
    }


def test_seconds_without_quotes_are_empty() -> None:
    report = DayCounts()
    report.see(rows([0, 0, 1, 2]))
    report.see(rows([3], kind=0))
    report.see(rows([4, 9]))
    (day,) = report.days(repeated=0, quarantined=0)
    assert day["date"] == "2026-01-05"
    assert day["rows"] == 7
    assert day["empty_seconds"] == {"count": 5, "of": 10, "budget_frac": 0.001, "within": False}


def test_each_date_is_judged_alone() -> None:
    report = DayCounts()
    report.see(rows([86_398, 86_399, 86_400, 86_401]))
    first, second = report.days(repeated=1, quarantined=0)
    assert (first["date"], second["date"]) == ("2026-01-05", "2026-01-06")
    assert (first["empty_seconds"]["count"], second["empty_seconds"]["count"]) == (0, 0)
    assert first["repeated"]["within"]
    assert not second["repeated"]["within"]


def test_nothing_seen_is_no_report() -> None:
    assert DayCounts().days(repeated=0, quarantined=0) == []
