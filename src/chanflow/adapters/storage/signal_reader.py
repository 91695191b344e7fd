"""The signals that sinks keep in a folder, read while they may still be written."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from chanflow.adapters.storage.signal_file import parts_of
from chanflow.adapters.storage.signal_rows import COLUMNS, Row, row_of_cells, row_of_line
from chanflow.domain.errors import NotFound, StorageUnwritable

_NAME = re.compile(r"signals_([A-Za-z0-9-]{1,64})(_\d{8}T\d{2})?\.(jsonl|db)")


def kept_signals(out: Path, run_id: str | None) -> Iterator[Row]:
    """Yield the signals of a run in their order; without `run_id` of the run that was written last.

    Raises NotFound where the folder holds no such run, StorageUnwritable for one of another version.
    """
    runs = _runs(out)
    chosen = run_id or max(runs, key=lambda each: (runs[each], each), default=None)
    if chosen is None or chosen not in runs:
        raise NotFound(f"{out} holds no signals of {run_id or 'any run'}")
    if lines := parts_of(out, chosen):
        for path in lines:
            yield from _of_lines(path)
    else:
        yield from _of_table(out / f"signals_{chosen}.db")


def _runs(out: Path) -> dict[str, int]:
    """Return the runs in a folder, each with when it was last written, in ns."""
    found: dict[str, int] = {}
    try:
        for path in sorted(out.iterdir()):
            if match := _NAME.fullmatch(path.name):
                found[match[1]] = max(found.get(match[1], 0), path.stat().st_mtime_ns)
    except OSError as fault:
        raise NotFound(f"{out} cannot be read") from fault
    return found


def _of_lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return  # it is being written
            try:
                yield row_of_line(line)
            except ValueError as fault:
                raise StorageUnwritable(f"{path} holds a line that is no signal of this version") from fault


def _of_table(path: Path) -> Iterator[Row]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            for cells in db.execute(f"SELECT {', '.join(COLUMNS)} FROM signals ORDER BY rowid"):  # noqa: S608
                yield row_of_cells(cells)
    except sqlite3.Error as fault:
        raise StorageUnwritable(f"{path} is no table of signals of this version") from fault
