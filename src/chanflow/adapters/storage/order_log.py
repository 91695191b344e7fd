"""Order lines, each written exactly once, with the signals they answer and how far the inputs were read.

The lines stand in `FILE`, the rest in `.FILE.db` beside it. What is to be appended is put into the database first, in
one transaction with the signals' ids and the places behind them; then it is appended. So after a kill the file is
completed from the database: no line is lost, doubled or left torn.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from chanflow.adapters.storage.signal_tail import FilePlace
from chanflow.domain.errors import SinkUnwritable

_TABLES = """
CREATE TABLE IF NOT EXISTS written (one INTEGER PRIMARY KEY CHECK (one = 1), orders INTEGER, bytes INTEGER, last BLOB);
CREATE TABLE IF NOT EXISTS taken (signal_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (inode INTEGER PRIMARY KEY, head TEXT, head_bytes INTEGER, lines INTEGER,
  size INTEGER);
INSERT OR IGNORE INTO written VALUES (1, 0, 0, x'');
"""


class OrderLog:
    """One file of orders; one process at a time writes it."""

    def __init__(self, output: Path) -> None:
        """Open what there is, and complete what a killed process left. Raises SinkUnwritable."""
        self.output = output
        self.beside = output.with_name(f".{output.name}.db")
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(output, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as fault:
            raise self._unwritable(fault) from fault
        try:
            self._db = self._open()
        except BaseException:
            os.close(self._file)
            raise

    def _open(self) -> sqlite3.Connection:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise SinkUnwritable(f"another broker writes {self.output}: stop it, or name another --output") from fault
        size = os.fstat(self._file).st_size
        if size and not self.beside.exists():
            raise SinkUnwritable(
                f"{self.output} holds orders that {self.beside.name} does not speak of, so nobody knows which signals "
                "they answer: name another --output, or move it away"
            )
        try:
            db = sqlite3.connect(self.beside, isolation_level=None)
            db.execute("PRAGMA synchronous=FULL")
            db.executescript(_TABLES)
            self.orders, self._bytes, last = db.execute("SELECT orders, bytes, last FROM written").fetchone()
        except sqlite3.Error as fault:
            raise self._unwritable(fault) from fault
        try:
            self._complete(size, bytes(last))
        except BaseException:
            db.close()
            raise
        return db

    def _complete(self, size: int, last: bytes) -> None:
        """Append what of the last batch is missing, a torn line made whole."""
        if not self._bytes <= size <= self._bytes + len(last):
            raise SinkUnwritable(
                f"{self.output} has {size} bytes, {self._bytes + len(last)} were written: it was changed by someone "
                f"else; restore it, or move it and {self.beside.name} away to begin anew"
            )
        try:
            there = os.pread(self._file, len(last), self._bytes)
            if not last.startswith(there):
                os.ftruncate(self._file, self._bytes)
                there = b""
            self._append(last[len(there) :])
        except OSError as fault:
            raise self._unwritable(fault) from fault
        self._bytes += len(last)

    def places(self) -> dict[int, FilePlace]:
        """Return how far each input was read, by its inode."""
        rows = self._db.execute("SELECT inode, head, head_bytes, lines, size FROM places")
        return {inode: FilePlace(*place) for inode, *place in rows}

    def has(self, signal_id: str) -> bool:
        """Return whether a signal has its order."""
        return self._db.execute("SELECT 1 FROM taken WHERE signal_id = ?", (signal_id,)).fetchone() is not None

    def keep(self, lines: Sequence[bytes], signal_ids: Sequence[str], places: Mapping[int, FilePlace]) -> None:
        """Append order lines, one for each signal, and note the places behind them: all of it or none.

        Raises SinkUnwritable; what was noted by then is completed when the log is opened again.
        """
        data = b"".join(lines)
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("INSERT INTO taken VALUES (?)", ((each,) for each in signal_ids))
                self._db.executemany(
                    "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?)",
                    ((inode, p.head, p.head_bytes, p.lines, p.size) for inode, p in sorted(places.items())),
                )
                if data:
                    self._db.execute(
                        "UPDATE written SET orders = orders + ?, bytes = ?, last = ?", (len(lines), self._bytes, data)
                    )
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            if data:
                self._append(data)
        except (OSError, sqlite3.Error) as fault:
            raise self._unwritable(fault) from fault
        self._bytes += len(data)
        self.orders += len(lines)

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        os.fsync(self._file)

    def close(self) -> None:
        """Let go of the files."""
        self._db.close()
        os.close(self._file)

    def _unwritable(self, fault: Exception) -> SinkUnwritable:
        reason = (fault.strerror if isinstance(fault, OSError) else None) or str(fault)
        return SinkUnwritable(f"{self.output} cannot be written: {reason.lower()}; repair it and start again")
