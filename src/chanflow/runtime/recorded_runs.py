"""Finds a recorded run by what a person calls it: a path, a run's number or id, a day, or any id inside of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chanflow.domain.errors import JournalCorrupt, NotFound
from chanflow.review.journal import Record, read_records
from chanflow.runtime.home import Home, RunFolder
from chanflow.runtime.run import segment_of

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run's journal and all its whole records. `scope` says what was named."""

    segment: Path
    records: tuple[Record, ...]
    scope: Literal["run", "day", "id"]
    name: str


def find_run(home: Home, name: str) -> FoundRun:
    """Return the newest run that `name` fits.

    Raises NotFound where nothing is called so, JournalCorrupt for an altered journal.
    """
    path = Path(name)
    if path.exists():
        return FoundRun(segment := segment_of(path), _records(segment), "run", name)
    runs = [run for run in reversed(home.runs()) if run.journal_path.exists()]
    for run in runs:
        if name in (run.path.name, run.run_id, f"{run.number:04d}", str(run.number)):
            return FoundRun(run.journal_path, _records(run.journal_path), "run", name)
    found = _of_day(runs, name) if _DAY.fullmatch(name) else _holding(runs, name)
    if found is None:
        raise NotFound(f"{name} is no run, no day and no id in the {len(runs)} runs of {home.root}")
    return found


def _of_day(runs: list[RunFolder], day: str) -> FoundRun | None:
    for run in runs:
        # Times begin with their day, so that text alone tells whether a file speaks of it.
        if f'"at":"{day}'.encode() in run.journal_path.read_bytes():
            return FoundRun(run.journal_path, _records(run.journal_path), "day", day)
    return None


def _holding(runs: list[RunFolder], name: str) -> FoundRun | None:
    for run in runs:
        if f'"{name}"'.encode() in run.journal_path.read_bytes():
            return FoundRun(run.journal_path, _records(run.journal_path), "id", name)
    return None


def _records(segment: Path) -> tuple[Record, ...]:
    records = tuple(read_records(segment, torn_tail=True))
    if not records or records[0].kind != "head":
        raise JournalCorrupt(f"{segment} does not begin with the head of a journal")
    return records
