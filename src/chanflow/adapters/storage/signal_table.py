"""Signals in SQLite: `{out}/signals_{run_id}.db`, table `signals`, one column a field, lists as JSON text."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from chanflow.adapters.storage.signal_rows import (
    COLUMNS,
    FIGURES,
    FLAGS,
    READ_ROWS,
    WHOLE,
    Row,
    cells_of,
    row_of_cells,
)
from chanflow.domain.errors import SinkUnwritable

_INSERT = f"INSERT INTO signals ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM signals ORDER BY rowid LIMIT ? OFFSET ?"  # noqa: S608


class SignalTable:
    """A `RowStore` in write-ahead mode; a batch is one transaction, with the mark that says how many rows there are."""

    def __init__(self, path: Path) -> None:
        """Open or make the table. Raises sqlite3.Error, and SinkUnwritable where the mark says otherwise."""
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(f"CREATE TABLE IF NOT EXISTS signals ({', '.join(map(_declared, COLUMNS))})")
        self._db.execute("CREATE TABLE IF NOT EXISTS mark (id INTEGER PRIMARY KEY CHECK (id = 1), rows INTEGER)")
        have = tuple(name for _, name, *_ in self._db.execute("PRAGMA table_info(signals)"))
        self._rows = int(self._db.execute("SELECT count(*) FROM signals").fetchone()[0])
        mark = self._db.execute("SELECT rows FROM mark").fetchone()
        if have != COLUMNS or (0 if mark is None else mark[0]) != self._rows:
            self._db.close()
            raise SinkUnwritable(f"{path} is of another version, or rows of it are missing: use another --run-id")

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return self._rows

    def append(self, rows: Sequence[Row]) -> None:
        """Keep all of the rows, durably, or none. Raises sqlite3.Error."""
        total = self._rows + len(rows)
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(_INSERT, map(cells_of, rows))
            self._db.execute(
                "INSERT INTO mark VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET rows = excluded.rows", (total,)
            )
            self._db.execute("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):  # some faults have rolled back already
                self._db.execute("ROLLBACK")
            raise
        self._rows = total

    def read(self, start: int) -> list[Row]:
        """Return at most a thousand rows from number `start`."""
        return [row_of_cells(cells) for cells in self._db.execute(_SELECT, (READ_ROWS, start))]

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()


def _declared(name: str) -> str:
    if name == "signal_id":
        return "signal_id TEXT PRIMARY KEY"
    if name in WHOLE or name in FLAGS:
        return f"{name} INTEGER NOT NULL"
    return f"{name} REAL" if name in FIGURES else f"{name} TEXT"
