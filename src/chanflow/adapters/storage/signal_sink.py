"""Sinks of signals: batches over a store, with retries, and an id of the run that keeps runs apart."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from chanflow.adapters.storage.signal_file import SignalFile
from chanflow.adapters.storage.signal_pair import SignalPair
from chanflow.adapters.storage.signal_rows import Row, RowStore, row_of
from chanflow.adapters.storage.signal_table import SignalTable
from chanflow.domain.errors import InvalidArgument, SinkUnwritable
from chanflow.domain.signal import Signal
from chanflow.domain.time import NS_PER_MS, Clock

SinkKind = Literal["jsonl", "sqlite", "dual", "null"]

BATCH_ROWS = 500
BATCH_NS = 500 * NS_PER_MS
RETRY_AFTER_S = (0.05, 0.2, 0.8)

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


class NullStore:
    """A `RowStore` that counts."""

    def __init__(self) -> None:
        self._rows = 0

    @property
    def rows(self) -> int:
        """How many rows were handed over."""
        return self._rows

    def append(self, rows: Sequence[Row]) -> None:
        """Count the rows."""
        self._rows += len(rows)

    def read(self, start: int) -> list[Row]:  # noqa: ARG002  (the protocol's)
        """Return none: none is kept."""
        return []

    def close(self) -> None:
        """Nothing is open."""


class BatchedSink:
    """A `SignalSink` over a store. A batch is kept after 500 rows, 500 ms, or when told.

    A fault of the store is met three more times, with `pause` between; then the run must end, and the rows that wait
    are still there: nothing is dropped.
    """

    def __init__(
        self,
        store: RowStore,
        clock: Clock,
        *,
        pause: Callable[[float], object],
        unlock: Callable[[], None] | None = None,
    ) -> None:
        self._store, self._clock, self._pause, self._unlock = store, clock, pause, unlock
        self._waiting: list[Row] = []
        self._since_ns = 0

    @property
    def rows(self) -> int:
        """How many decisions are kept or wait to be."""
        return self._store.rows + len(self._waiting)

    @property
    def keeps(self) -> bool:
        """Whether decisions are kept at all, or only counted."""
        return not isinstance(self._store, NullStore)

    def kept(self, start: int) -> Sequence[Row]:
        """Return at most a thousand rows that are kept, from number `start`. Raises SinkUnwritable."""
        try:
            return self._store.read(start)
        except (OSError, sqlite3.Error) as fault:
            raise _unwritable(fault) from fault

    def write(self, signal: Signal) -> None:
        """Take a decision. Raises SinkUnwritable."""
        now_ns = self._clock.monotonic_ns()
        if not self._waiting:
            self._since_ns = now_ns
        self._waiting.append(row_of(signal))
        if len(self._waiting) >= BATCH_ROWS or now_ns - self._since_ns >= BATCH_NS:
            self.flush()

    def flush(self) -> None:
        """Keep what waits, durably. Raises SinkUnwritable."""
        if not self._waiting:
            return
        for pause_s in (*RETRY_AFTER_S, None):
            try:
                self._store.append(self._waiting)
                break
            except sqlite3.IntegrityError as fault:
                raise _unwritable(fault) from fault
            except (OSError, sqlite3.Error) as fault:
                if pause_s is None:
                    raise _unwritable(fault) from fault
                self._pause(pause_s)
        self._waiting = []

    def close(self) -> None:
        """Keep what waits, and let go of the files. Raises SinkUnwritable."""
        try:
            self.flush()
        finally:
            self._store.close()
            if self._unlock is not None:
                self._unlock()


def open_sink(kind: SinkKind, out: Path, run_id: str, clock: Clock, *, pause: Callable[[float], object]) -> BatchedSink:
    """Return the sink of a run in folder `out`, with what the run kept there before.

    One process at a time writes a run: the lock dies with it. Raises InvalidArgument for a run id that is no part of a
    file name, SinkUnwritable where the folder cannot be used or another process writes the run.
    """
    if _RUN_ID.fullmatch(run_id) is None:
        raise InvalidArgument(f"run id is {run_id[:80]!r}: 1 to 64 letters, digits and '-' are allowed", field="run_id")
    if kind == "null":
        return BatchedSink(NullStore(), clock, pause=pause)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = _lock(out, run_id)
    except OSError as fault:
        raise _unwritable(fault, out) from fault
    try:
        return BatchedSink(_store(kind, out, run_id, clock), clock, pause=pause, unlock=partial(os.close, lock))
    except BaseException as fault:
        os.close(lock)
        if isinstance(fault, OSError | sqlite3.Error):
            raise _unwritable(fault, out) from fault
        raise


def _store(kind: SinkKind, out: Path, run_id: str, clock: Clock) -> RowStore:
    table = out / f"signals_{run_id}.db"
    match kind:
        case "sqlite":
            return SignalTable(table)
        case "dual":
            return SignalPair(SignalFile(out, run_id, clock), SignalTable(table))
    return SignalFile(out, run_id, clock)


def _lock(out: Path, run_id: str) -> int:
    """Return the descriptor that holds the run for this process."""
    import fcntl

    descriptor = os.open(out / f".signals_{run_id}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as fault:
        os.close(descriptor)
        raise SinkUnwritable(f"another process writes run {run_id} in {out}: stop it, or name another") from fault
    return descriptor


def _unwritable(fault: Exception, place: Path | None = None) -> SinkUnwritable:
    reason = (fault.strerror if isinstance(fault, OSError) else None) or str(fault)
    where = f"{place}" if place is not None else "the sink"
    return SinkUnwritable(f"{where} cannot be written: {reason.lower()}; repair it and start again, no row is lost")
