"""The journal: one append-only, hash-chained file of everything that can change an outcome.

One canonical JSON record a line: `{at, body, correlation_id, hash, kind, prev, seq}`. `hash` is the SHA-256 of
`prev` followed by the line without `hash`, so that no record can be changed, dropped or moved unseen.

The same writer serves a fresh run, a resumed one and a replay: it is given the records that already stand, compares
each append with the one at its place, and starts to write where they end. A resumed run is therefore the same run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chanflow.domain.canonical import canonical_json, plain
from chanflow.domain.errors import JournalCorrupt, JournalDiverged, JournalUnwritable, NotFound
from chanflow.domain.time import Clock, rfc3339

GENESIS = "0" * 64
"""`prev` of the first record of the first segment."""

MAX_RECORD_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """One journal record. `at` is RFC 3339 UTC with nine decimals."""

    seq: int
    at: str
    kind: str
    correlation_id: str
    body: Any
    prev: str
    hash: str

    @property
    def line(self) -> bytes:
        """The record as it stands in the file, newline included."""
        return _line(self.seq, self.at, self.kind, self.correlation_id, self.body, self.prev)[0]


def _line(seq: int, at: str, kind: str, correlation_id: str, body: Any, prev: str) -> tuple[bytes, str]:
    unsigned = {"at": at, "body": body, "correlation_id": correlation_id, "kind": kind, "prev": prev, "seq": seq}
    digest = hashlib.sha256(prev.encode() + canonical_json(unsigned).encode()).hexdigest()
    return (canonical_json({**unsigned, "hash": digest}) + "\n").encode(), digest


def _parse(line: bytes, number: int, prev: str) -> Record:
    """Return the record of a whole line; raises JournalCorrupt naming it."""
    where = f"journal record {number}"
    if len(line) > MAX_RECORD_BYTES:
        raise JournalCorrupt(f"{where} has {len(line)} bytes, at most {MAX_RECORD_BYTES} are allowed")
    try:
        data = json.loads(line)
        record = Record(**data)
    except (ValueError, TypeError, RecursionError) as error:
        raise JournalCorrupt(f"{where} is not a record: the file was altered there") from error
    if record.seq != number:
        raise JournalCorrupt(f"{where} says it is record {record.seq}: one was lost, added or moved")
    if record.prev != prev:
        raise JournalCorrupt(f"{where} ({record.kind}) does not follow the record before it: the chain is broken there")
    try:
        expected, _ = _line(record.seq, record.at, record.kind, record.correlation_id, record.body, record.prev)
    except (ValueError, TypeError) as error:
        raise JournalCorrupt(f"{where} is not canonical: the file was altered there") from error
    if expected != line:
        raise JournalCorrupt(f"{where} ({record.kind}) does not match its hash: the file was altered there")
    return record


def read_records(path: Path, *, torn_tail: bool = False) -> Iterator[Record]:
    """Yield the records of a segment in order, each checked against the chain.

    A last line without its newline is a torn write: refused, or with `torn_tail` left out.
    Raises NotFound for a missing file and JournalCorrupt, naming the record, for anything altered.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise NotFound(f"there is no journal at {path}") from error
    except OSError as error:
        raise NotFound(f"the journal {path} cannot be read: {error.strerror}") from error
    with file:
        prev, number = GENESIS, 0
        while line := file.readline(MAX_RECORD_BYTES + 2):
            if not line.endswith(b"\n"):
                if torn_tail and not file.read(1):
                    return
                raise JournalCorrupt(f"journal record {number} is cut short: the file ends in the middle of it")
            record = _parse(line, number, prev)
            yield record
            prev, number = record.hash, number + 1


class JournalTail:
    """Reads a segment that may still be written: each call of `read` goes on where the last one ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at, self._prev, self._number = 0, GENESIS, 0

    @classmethod
    def within(cls, path: Path, most_bytes: int) -> JournalTail:
        """Return a reader that begins at the first whole record of the last `most_bytes`. Its place is believed.

        Raises NotFound for a missing file and JournalCorrupt where no record begins there.
        """
        tail = cls(path)
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                if size <= most_bytes:
                    return tail
                file.seek(size - most_bytes)
                file.readline()
                at, line = file.tell(), file.readline(MAX_RECORD_BYTES + 2)
        except OSError as error:
            raise NotFound(f"there is no journal to read at {path}") from error
        try:
            first = json.loads(line)
            tail._at, tail._prev, tail._number = at, str(first["prev"]), int(first["seq"])
        except (ValueError, TypeError, KeyError) as error:
            raise JournalCorrupt(f"the journal holds no record at byte {at}: the file was altered there") from error
        return tail

    def read(self) -> Iterator[Record]:
        """Yield the whole records that came since, each checked against the chain; a line being written is left.

        Raises NotFound for a missing file and JournalCorrupt, naming the record, for anything altered, and for a file
        that became shorter than what was read of it.
        """
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise NotFound(f"there is no journal to read at {self._path}") from error
        with file:
            if file.seek(0, os.SEEK_END) < self._at:
                raise JournalCorrupt(f"journal record {self._number}: the file was cut to less than was read of it")
            file.seek(self._at)
            while (line := file.readline(MAX_RECORD_BYTES + 2)).endswith(b"\n"):
                record = _parse(line, self._number, self._prev)
                self._at, self._prev, self._number = self._at + len(line), record.hash, self._number + 1
                yield record


def describe_divergence(expected: Record, kind: str, at: str, correlation_id: str, body: Any) -> str:
    """Return one sentence that names the first difference between a record and what a re-run gave."""
    for name, was, now in (
        ("kind", expected.kind, kind),
        ("time", expected.at, at),
        ("correlation_id", expected.correlation_id, correlation_id),
    ):
        if was != now:
            return f"record {expected.seq}: {name} was {was!r}, the re-run gives {now!r} ({kind})"
    path, was, now = _first_difference("body", expected.body, body)
    return f"record {expected.seq} ({kind} at {at}): {path} was {_short(was)}, the re-run gives {_short(now)}"


def _first_difference(path: str, was: Any, now: Any) -> tuple[str, Any, Any]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(was.keys() | now.keys()):
            if was.get(key) != now.get(key) or (key in was) != (key in now):
                return _first_difference(f"{path}.{key}", was.get(key), now.get(key))
    if isinstance(was, list) and isinstance(now, list):
        for index in range(max(len(was), len(now))):
            left = was[index] if index < len(was) else None
            right = now[index] if index < len(now) else None
            if left != right:
                return _first_difference(f"{path}[{index}]", left, right)
    return path, was, now


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "..."


class JournalWriter:
    """Appends to one segment. `standing` are the records it already holds: appends must repeat them first.

    With `path` None nothing is written: appends past `standing` are then a divergence (a replay has no more to say).
    `free` names top-level keys of the head's body that may differ (a replay by newer code says so, it does not fail).
    """

    def __init__(
        self, path: Path | None, *, standing: Sequence[Record] = (), free: frozenset[str] = frozenset()
    ) -> None:
        self._clock: Clock | None = None
        self._standing = standing
        self._free = free
        self._fd: int | None = None
        self._path = path
        self._prev = GENESIS
        self._size = 0
        self.seq = 0
        self.differing_head: list[str] = []
        self._listeners: list[Callable[[str, str, str, Any], None]] = []
        if path is not None:
            self._open(path)

    def _open(self, path: Path) -> None:
        keep = sum(len(record.line) for record in self._standing)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.ftruncate(self._fd, keep)
            os.fsync(self._fd)
            directory = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise JournalUnwritable(f"the journal {path} cannot be opened for writing: {error.strerror}") from error
        self._size = keep

    @classmethod
    def after(cls, path: Path, standing: Sequence[Record]) -> JournalWriter:
        """Return a writer that goes on behind `standing`, the records that the file holds; a torn last line is cut off.

        What is appended is new: nothing has to be repeated.
        """
        writer = cls(path, standing=standing)
        if standing:
            writer._prev, writer.seq = standing[-1].hash, len(standing)
        return writer

    def use_clock(self, clock: Clock) -> None:
        """Stamp what follows by `clock`."""
        self._clock = clock

    @property
    def standing(self) -> Sequence[Record]:
        """The records that were there when the writer was opened."""
        return self._standing

    @property
    def behind(self) -> int:
        """How many standing records have not been repeated yet."""
        return max(0, len(self._standing) - self.seq)

    @property
    def expected(self) -> Record | None:
        """The standing record that comes next, or None where all of them have been repeated."""
        return self._standing[self.seq] if self.seq < len(self._standing) else None

    def listen(self, listener: Callable[[str, str, str, Any], None]) -> None:
        """Tell `listener` kind, time, correlation id and plain body of every record from now on, repeated ones too."""
        self._listeners.append(listener)

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:
        """Append one record; with `durable` it is on disk when this returns.

        Raises JournalUnwritable when it cannot be written (the file then ends with its last whole record) and
        JournalDiverged when a standing record says otherwise.
        """
        if self._clock is None:
            raise JournalUnwritable("the journal was given no clock yet")
        at, body = rfc3339(self._clock.now_ns()), plain(body)
        if self.seq < len(self._standing):
            self._repeat(self._standing[self.seq], kind, at, correlation_id, body)
            self._tell(kind, at, correlation_id, body)
            return
        if self._path is None:
            raise JournalDiverged(f"record {self.seq}: the journal ends before it, the re-run gives a {kind} at {at}")
        line, digest = _line(self.seq, at, kind, correlation_id, body, self._prev)
        if len(line) > MAX_RECORD_BYTES:
            raise JournalUnwritable(f"a {kind} record of {len(line)} bytes is over the bound of {MAX_RECORD_BYTES}")
        self._write(line, durable=durable)
        self._prev, self.seq = digest, self.seq + 1
        self._tell(kind, at, correlation_id, body)

    def _tell(self, kind: str, at: str, correlation_id: str, body: Any) -> None:
        for listener in self._listeners:
            listener(kind, at, correlation_id, body)

    def _repeat(self, expected: Record, kind: str, at: str, correlation_id: str, body: Any) -> None:
        if self.seq == 0 and isinstance(expected.body, dict) and isinstance(body, dict):
            self.differing_head = sorted(k for k in self._free if expected.body.get(k) != body.get(k))
            body = {**body, **{k: expected.body[k] for k in self._free if k in expected.body}}
        if _line(self.seq, at, kind, correlation_id, body, self._prev)[0] != expected.line:
            raise JournalDiverged(describe_divergence(expected, kind, at, correlation_id, body))
        self._prev, self.seq = expected.hash, self.seq + 1

    def _write(self, line: bytes, *, durable: bool) -> None:
        if self._fd is None:
            raise JournalUnwritable("the journal is closed: nothing more can be recorded, so nothing may be sent")
        try:
            written = os.write(self._fd, line)
            if written != len(line):
                written += os.write(self._fd, line[written:])  # gives the errno that cut it short
            if written != len(line):
                raise OSError(28, "the disk took only part of a record")
            if durable:
                os.fsync(self._fd)
        except OSError as error:
            self._cut()
            raise JournalUnwritable(
                f"the journal {self._path} could not be written after record {self.seq - 1}: {error.strerror}; "
                "nothing was sent after it, free some space and start again to resume"
            ) from error
        self._size += len(line)

    def _cut(self) -> None:
        """Leave no half record behind, and write no more."""
        if self._fd is not None:
            try:
                os.ftruncate(self._fd, self._size)
            finally:
                os.close(self._fd)
                self._fd = None

    def close(self) -> None:
        """Put everything on disk and close; raises JournalUnwritable if that fails."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            try:
                os.fsync(fd)
            except OSError as error:
                raise JournalUnwritable(f"the journal {self._path} could not be synced: {error.strerror}") from error
            finally:
                os.close(fd)


def file_sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
