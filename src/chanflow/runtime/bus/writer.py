"""One thread writes the bus. What arrives while it commits goes together into its next commit."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from chanflow.domain.errors import InvalidArgument, StorageUnwritable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

MAX_GROUP = 512

_STORAGE_CODES = frozenset(
    (
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    )
)


@dataclass(frozen=True, slots=True)
class _Job:
    work: Work[Any]
    answer: asyncio.Future[Any]


class Writer:
    """Runs work on the database, in the order submitted, up to 512 pieces per commit.

    Each piece has a savepoint: one that raises is undone alone. Answers come after COMMIT; if the storage fails,
    the whole group is undone and every piece of it fails with StorageUnwritable.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], path: Path) -> None:
        self._connect = connect
        self._path = path
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Open the database. Raises StorageUnwritable."""
        if self._thread is not None:
            raise InvalidArgument("the bus is open already")
        self._loop = asyncio.get_running_loop()
        self._thread = Thread(target=self._run, name="chanflow-bus", daemon=True)
        self._thread.start()
        try:
            await self.submit(lambda _: None)
        except StorageUnwritable:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Finish what was submitted and close the database; nothing to do if it is not open."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Queue `work`; the future has its result, or its exception, once the commit is durable."""
        if self._thread is None or self._loop is None:
            raise InvalidArgument("the bus is not open; await open() first")
        answer: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work, answer))
        return answer

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        cause: sqlite3.Error | None = None
        try:
            connection = self._connect()
        except sqlite3.Error as error:
            cause = error
        going = True
        while going:
            group, going = self._next_group()
            if connection is not None:
                self._answer(group, self._commit(connection, group))
            else:
                self._answer(group, [self._unwritable(cause) for _ in group])
        if connection is not None:
            with suppress(sqlite3.Error):  # only hints for the query planner
                connection.execute("PRAGMA optimize")
            connection.close()

    def _next_group(self) -> tuple[list[_Job], bool]:
        """Return what is queued, at least one job or the end, and whether more may come."""
        group: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == MAX_GROUP:
                return group, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return group, True
        return group, False

    def _commit(self, connection: sqlite3.Connection, group: list[_Job]) -> list[Any]:
        if not group:
            return []
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [_attempt(connection, job.work) for job in group]
            connection.execute("COMMIT")
        except sqlite3.Error as cause:
            if connection.in_transaction:
                with suppress(sqlite3.Error):  # the fault is reported already; BEGIN reports it again
                    connection.execute("ROLLBACK")
            return [self._unwritable(cause) for _ in group]
        return outcomes

    def _unwritable(self, cause: sqlite3.Error | None) -> StorageUnwritable:
        fault = StorageUnwritable(
            f"the bus cannot write {self._path}: {cause}; nothing of it was kept, free the disk or file and restart"
        )
        fault.__cause__ = cause
        return fault

    def _answer(self, group: list[_Job], outcomes: list[Any]) -> None:
        if self._loop is not None and group:
            with suppress(RuntimeError):  # the loop is closed: nobody waits for the answers
                self._loop.call_soon_threadsafe(_resolve, group, outcomes)


class _Raised:
    """An exception that a piece of work raised, as an outcome."""

    __slots__ = ("fault",)

    def __init__(self, fault: Exception) -> None:
        self.fault = fault


def _attempt(connection: sqlite3.Connection, work: Work[Any]) -> Any:
    """Return what `work` gave or raised; undone in the latter case. A fault of the storage rises."""
    connection.execute("SAVEPOINT bus_work")
    try:
        outcome = work(connection)
    except Exception as fault:
        if isinstance(fault, sqlite3.Error) and getattr(fault, "sqlite_errorcode", 0) & 0xFF in _STORAGE_CODES:
            raise
        connection.execute("ROLLBACK TO bus_work")
        outcome = _Raised(fault)
    connection.execute("RELEASE bus_work")
    return outcome


def _resolve(group: list[_Job], outcomes: list[Any]) -> None:
    for job, outcome in zip(group, outcomes, strict=True):
        if job.answer.done():  # its caller was cancelled meanwhile
            continue
        if isinstance(outcome, _Raised):
            job.answer.set_exception(outcome.fault)
        elif isinstance(outcome, StorageUnwritable):
            job.answer.set_exception(outcome)
        else:
            job.answer.set_result(outcome)
