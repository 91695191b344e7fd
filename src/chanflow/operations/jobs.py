"""Work that may take longer than an answer: asked for by a name that follows from what it is, and done once.

A job is written down before it begins, so that it outlives its process. The same question is the same job: asking again
finds the work under way, or its result.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import anyio.to_thread

from chanflow.domain.job import KEPT_NS, Job, JobStatus
from chanflow.domain.job_result import TablePage
from chanflow.domain.time import Clock, Ids
from chanflow.operations.job_effort import Listener, Maker, Pace, Work
from chanflow.operations.job_ports import JobStore, Shelf
from chanflow.operations.job_workers import JobWorkers
from chanflow.operations.memory_jobs import MemoryJobs, MemoryShelf
from chanflow.operations.outcome import Declined
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids

MAX_QUEUED = 100
"""So many jobs of an account may wait; more are refused."""
_FIRST_S, _SLICE_S = 0.01, 0.25


@dataclass(frozen=True, slots=True)
class NewJob:
    """What is asked for. `args` are what another process needs to do it, `at_once` how many the account may run."""

    job_id: str
    account: str
    operation: str
    args_hash: str
    args: Mapping[str, Any]
    at_once: int


class Jobs:
    """The jobs of a desk as one process has them: it asks, waits and tells, and works on them in threads."""

    def __init__(
        self, store: JobStore | None = None, shelf: Shelf | None = None, *, clock: Clock | None = None,
        ids: Ids | None = None, workers: int = 1, pace: Pace | None = None,
    ) -> None:  # fmt: skip
        self._store: JobStore = store or MemoryJobs()
        self._shelf: Shelf = shelf or MemoryShelf()
        self._clock: Clock = clock or SystemClock()
        self._workers = JobWorkers(
            self._store, self._shelf, self._clock, ids or Uuid7Ids(self._clock, SystemRandomness()),
            most=workers, pace=pace or Pace(),
        )  # fmt: skip

    def learn(self, operation: str, maker: Maker) -> None:
        """Know how to do an operation's work from its arguments, as where another process was lost."""
        self._workers.learn(operation, maker)

    def listen(self, listener: Listener) -> None:
        """Have `listener` told each job that this process changed, from a thread of its own; it must not wait."""
        self._workers.listen(listener)

    def unlisten(self, listener: Listener) -> None:
        """Tell it no more."""
        self._workers.unlisten(listener)

    def start(self, asked: NewJob, work: Work | None = None) -> Job:
        """Ask for a job, and return how it stands; what is under way or done stays, what failed begins anew.

        `work` spares making it from the arguments. Raises Declined where too many of the account wait;
        StorageUnwritable, StorageBusy.
        """
        now_ns = self._clock.now_ns()
        new = Job(asked.job_id, asked.account, asked.operation, asked.args_hash, asked.args, asked.at_once, now_ns,
                  now_ns, now_ns + KEPT_NS)  # fmt: skip
        kept = self._store.add(new, most=MAX_QUEUED)
        if kept is not None and kept.status == "succeeded" and self._shelf.load(kept.job_id) is None:
            kept = self._store.add(new, most=MAX_QUEUED, anew=True)
        if kept is None:
            sentence = f"{MAX_QUEUED} jobs of the account wait already, more are not taken"
            raise Declined("quota_exceeded", sentence, suggestion="wait for some to end, or cancel them")
        if kept.status == "queued":
            if work is not None:
                self._workers.prepare(kept.job_id, work)
            if kept is new:
                self._workers.tell(kept)
            self._workers.hurry()
        return kept

    def find(self, account: str, job_id: str) -> Job | None:
        """Return a job of an account as it stands, None where it has none of that id."""
        found = self._store.find(account, job_id)
        share = self._workers.share(job_id)
        if found is None or share is None or found.status != "running":
            return found
        return replace(found, progress=max(found.progress, share))

    async def wait(self, account: str, job_id: str, seconds: float) -> Job | None:
        """Return a job once it has ended, at the latest after `seconds`; None for one that the account has not."""
        found = await anyio.to_thread.run_sync(self.find, account, job_id)
        if found is None or found.ended or seconds <= 0:
            return found
        pause_s = _FIRST_S
        with self._workers.awaited():
            while found is not None and not found.ended and seconds > 0:
                await anyio.sleep(min(pause_s, seconds))
                seconds, pause_s = seconds - pause_s, min(_SLICE_S, pause_s * 2)
                found = await anyio.to_thread.run_sync(self.find, account, job_id)
        return found

    def page(
        self, account: str, *, status: JobStatus | None, limit: int, before: tuple[int, str] | None
    ) -> list[Job]:  # fmt: skip
        """Return jobs of an account, newest first."""
        return self._store.page(account, status=status, limit=limit, before=before)

    def result(self, job: Job) -> Mapping[str, Any] | None:
        """Return the figures of a job that was done, else None."""
        return self._shelf.load(job.job_id) if job.status == "succeeded" else None

    def rows(self, job: Job, table: str, offset: int, limit: int) -> TablePage | None:
        """Return part of a table of a job that was done, else None."""
        return self._shelf.rows(job.job_id, table, offset, limit) if job.status == "succeeded" else None

    def parquet(self, job: Job, table: str) -> bytes | None:
        """Return a table of a job that was done as a Parquet file, else None."""
        return self._shelf.parquet(job.job_id, table) if job.status == "succeeded" else None

    def cancel(self, account: str, job_id: str) -> Job | None:
        """Tell a job to stop, at its next step, and return how it stands; None for one that the account has not."""
        told = self._store.stop(account, job_id, self._clock.now_ns())
        if told is not None:
            if told.stop or told.ended:
                self._workers.stop(job_id)
            self._workers.tell(told)
        return told

    def finish(self) -> None:
        """Return once what is under way in this process has ended; for a process that was asked for one thing."""
        self._workers.finish()
        self._store.close()

    def close(self) -> None:
        """Take no more work, and let go of what is under way, for another process. Blocks until then."""
        self._workers.close()
        self._store.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Work on whatever waits while the block lasts, also on what other processes left."""
        self._workers.serve()
        try:
            yield
        finally:
            await anyio.to_thread.run_sync(self.close)
