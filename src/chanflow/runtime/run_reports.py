"""Reports of runs, folded from their journals; the last one asked for is kept until its journal grows."""

from __future__ import annotations

import threading
from pathlib import Path

from chanflow.domain.errors import JournalCorrupt, NotFound
from chanflow.review.daily import Day, fold
from chanflow.review.daily_date import fold_of_date
from chanflow.review.journal import read_records
from chanflow.runtime.home import Home, RunFolder


class RunReports:
    """The reports of a data directory's runs."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._kept: tuple[tuple[Path, int, str | None], Day] | None = None

    def report(self, run_id: str | None, date: str | None) -> tuple[str, Day]:
        """Return a run's id and its day, of one UTC date if asked; without an id of the newest run that fits.

        Raises NotFound where there is none, JournalCorrupt.
        """
        runs = [run for run in reversed(self._home.runs()) if run.journal_path.exists()]
        if not runs:
            raise NotFound(f"no desk has run in {self._home.root} yet: start one with chanflow demo")
        fitting = [run for run in runs if run_id in (None, run.run_id, run.path.name, str(run.number))]
        for run in fitting:
            if date is not None and not _speaks_of(run, date):
                continue
            day = self._day(run, date)
            if day is not None:
                return run.run_id, day
        raise NotFound("there is no run of that id and date")

    def _day(self, run: RunFolder, date: str | None) -> Day | None:
        key = (run.journal_path, run.journal_path.stat().st_size, date)
        with self._lock:
            if self._kept is not None and self._kept[0] == key:
                return self._kept[1]
            records = read_records(run.journal_path, torn_tail=True)
            day = fold(records) if date is None else fold_of_date(records, date)
            if day is None:
                return None
            if not day.head:
                raise JournalCorrupt(f"{run.journal_path} does not begin with the head of a journal")
            self._kept = (key, day)
            return day


def _speaks_of(run: RunFolder, date: str) -> bool:
    """Return whether any record of a journal is of a day: times begin with it, so that text alone tells."""
    with run.journal_path.open("rb") as file:
        return any(f'"at":"{date}'.encode() in line for line in file)
