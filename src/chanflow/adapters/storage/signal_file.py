"""Signals as JSON lines: `{out}/signals_{run_id}.jsonl`, and a file for every hour once the first is an hour old.

The files of a run in the order of their names are its rows in order. A line that a killed process left unfinished is
cut when the file is opened again; its decision is made again by whoever makes them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from chanflow.adapters.storage.signal_rows import READ_ROWS, Row, line_of, row_of_line
from chanflow.domain.errors import SinkUnwritable
from chanflow.domain.time import NS_PER_S, Clock, rfc3339

HOUR_NS = 3_600 * NS_PER_S
_CHUNK_BYTES = 1 << 20


class SignalFile:
    """A `RowStore` of JSON lines; one process writes it."""

    def __init__(self, out: Path, run_id: str, clock: Clock) -> None:
        """Open what the run has so far. Raises OSError, and SinkUnwritable where a line is no signal."""
        self._out, self._run_id, self._clock = out, run_id, clock
        self._paths = parts_of(out, run_id)
        self._counts = [_whole_lines(path) for path in self._paths]
        self._cursor: tuple[int, int, int] | None = None
        if not self._paths:
            self._paths, self._counts = [out / f"signals_{run_id}.jsonl"], [0]
        self._file = _open(self._paths[-1])
        self._bytes = os.fstat(self._file).st_size
        self._opened_ns = clock.now_ns()

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return sum(self._counts)

    def append(self, rows: Sequence[Row]) -> None:
        """Keep all of the rows, durably, or none. Raises OSError."""
        self._turn()
        data = b"".join(map(line_of, rows))
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._bytes)
            raise
        self._bytes += len(data)
        self._counts[-1] += len(rows)

    def _turn(self) -> None:
        """Begin the file of this hour where the current one is an hour old, or of another hour."""
        now_ns = self._clock.now_ns()
        name = f"signals_{self._run_id}_{hour_of(now_ns)}.jsonl"
        current = self._paths[-1].name
        first = current == f"signals_{self._run_id}.jsonl"
        if name <= current or (first and now_ns - self._opened_ns < HOUR_NS):
            return
        fresh = _open(self._out / name)
        os.close(self._file)
        self._file, self._bytes, self._opened_ns = fresh, 0, now_ns
        self._paths.append(self._out / name)
        self._counts.append(0)

    def read(self, start: int) -> list[Row]:
        """Return at most a thousand rows from number `start`; reading on from the end of the last call is quick."""
        found: list[Row] = []
        number, part, offset = self._cursor if self._cursor is not None and self._cursor[0] <= start else (0, 0, 0)
        while part < len(self._paths) and len(found) < READ_ROWS:
            with self._paths[part].open("rb") as file:
                file.seek(offset)
                while len(found) < READ_ROWS and (line := file.readline()):
                    if number >= start:
                        found.append(_checked(line, self._paths[part]))
                    number += 1
                offset = file.tell()
            if len(found) < READ_ROWS:
                part, offset = part + 1, 0
        self._cursor = (number, part, offset)
        return found

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def parts_of(out: Path, run_id: str) -> list[Path]:
    """Return the files that hold a run's signals, in the order of their rows."""
    name = re.compile(rf"signals_{re.escape(run_id)}(_\d{{8}}T\d{{2}})?\.jsonl")
    # The first file sorts before those of hours: "." is less than "_".
    return sorted((path for path in out.iterdir() if name.fullmatch(path.name)), key=lambda path: path.name)


def hour_of(at_ns: int) -> str:
    """Return the UTC hour of a Unix time in ns, as YYYYMMDDTHH."""
    return rfc3339(at_ns)[:13].replace("-", "")


def _checked(line: bytes, path: Path) -> Row:
    try:
        return row_of_line(line)
    except ValueError as fault:
        raise SinkUnwritable(f"{path} holds a line that is no signal of this version: use another --run-id") from fault


def _whole_lines(path: Path) -> int:
    """Return how many lines a file has, after cutting an unfinished one from its end."""
    count, end, size = 0, 0, 0
    with path.open("r+b") as file:
        while chunk := file.read(_CHUNK_BYTES):
            count += chunk.count(b"\n")
            if (last := chunk.rfind(b"\n")) >= 0:
                end = size + last + 1
            size += len(chunk)
        if end < size:
            file.truncate(end)
            os.fsync(file.fileno())
    return count


def _open(path: Path) -> int:
    """Return the descriptor of a file to append to, its name durable."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return file
