"""How good a day's data was: empty seconds, repeated and quarantined rows, beside what is thought tolerable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chanflow.domain.time import MS_PER_DAY, NS_PER_MS, utc_date
from chanflow.market.activity import KINDS

BUDGETS_FRAC = {"empty_seconds": 0.001, "repeated": 0.005, "quarantined": 0.001}
"""Shares of a day's seconds and rows that are tolerable."""

_QUOTE = KINDS.index("book_ticker")


@dataclass(slots=True)
class _Day:
    """What came of one UTC date; seconds are of event time, in s since the epoch."""

    rows: int = 0
    first_s: int = 0
    last_s: int = -1
    with_quotes: int = 0


class DayCounts:
    """Counts one symbol's rows by UTC date. A second without best quotes counts as empty, even if some come late."""

    def __init__(self) -> None:
        self._days: dict[int, _Day] = {}

    def see(self, rows: Mapping[str, Any]) -> None:
        """Take the columns of rows in order of arrival."""
        ts = np.asarray(rows["ts_ms"])
        if not ts.size:
            return
        days, counts = np.unique(ts // MS_PER_DAY, return_counts=True)
        for day, count in zip(days.tolist(), counts.tolist(), strict=True):
            self._days.setdefault(day, _Day()).rows += count
        seconds = np.unique(ts[np.asarray(rows["kind"]) == _QUOTE] // 1_000)
        for second in seconds.tolist():
            found = self._days.setdefault(second * 1_000 // MS_PER_DAY, _Day())
            if found.last_s < 0:
                found.first_s = second
            if second > found.last_s:
                found.last_s = second
                found.with_quotes += 1

    def days(self, *, repeated: int, quarantined: int) -> list[dict[str, Any]]:
        """Return a report a date, oldest first; the counts given are of the whole run, and stand with its last date."""
        reports = []
        newest = max(self._days, default=0)
        for day, found in sorted(self._days.items()):
            span_s = max(1, found.last_s - found.first_s + 1)
            empty = max(0, span_s - found.with_quotes) if found.last_s >= 0 else 0
            last = day == newest
            counts = {
                "empty_seconds": (empty, span_s),
                "repeated": (repeated if last else 0, found.rows),
                "quarantined": (quarantined if last else 0, found.rows),
            }
            report: dict[str, Any] = {"date": utc_date(day * MS_PER_DAY * NS_PER_MS), "rows": found.rows}
            for name, (count, of) in counts.items():
                share = count / max(1, of)
                within = share <= BUDGETS_FRAC[name]
                report[name] = {"count": count, "of": of, "budget_frac": BUDGETS_FRAC[name], "within": within}
            reports.append(report)
        return reports
