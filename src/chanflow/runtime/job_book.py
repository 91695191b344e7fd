"""The jobs of a data directory, for threads: the database, opened at first need in an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from chanflow.domain.job import Job, JobStatus
from chanflow.runtime.home import Home

if TYPE_CHECKING:
    from chanflow.adapters.storage.database.database import Database
    from chanflow.adapters.storage.job_store import SqlJobs

T = TypeVar("T")
_CLOSE_S = 5.0


class JobBook:
    """Implements the jobs' own port. Every method may be called from any thread but an event loop's.

    Each raises StorageUnwritable and StorageBusy.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._idle = threading.Condition()
        self._calls = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._database: Database | None = None
        self._opening: asyncio.Lock | None = None

    def add(self, new: Job, *, most: int, anew: bool = False) -> Job | None:
        """Keep a job, as `SqlJobs.add` does."""
        return self._run(lambda jobs: jobs.add(new, most=most, anew=anew))

    def find(self, account: str, job_id: str) -> Job | None:
        """Return a job of an account, None where it has none of that id."""
        return self._run(lambda jobs: jobs.find(account, job_id))

    def page(
        self, account: str, *, status: JobStatus | None, limit: int, before: tuple[int, str] | None
    ) -> list[Job]:  # fmt: skip
        """Return jobs of an account, newest first."""
        return self._run(lambda jobs: jobs.page(account, status=status, limit=limit, before=before))

    def claim(self, owner: str, now_ns: int) -> Job | None:
        """Give the job whose turn it is to `owner`; None where none may run now."""
        return self._run(lambda jobs: jobs.claim(owner, now_ns))

    def beat(self, job_id: str, owner: str, progress: float, now_ns: int) -> Job | None:
        """Say that `owner` still works on a job; None where it is no longer the owner's."""
        return self._run(lambda jobs: jobs.beat(job_id, owner, progress, now_ns))

    def finish(self, job_id: str, owner: str, change: Callable[[Job], Job]) -> Job | None:
        """End a job, or let it go; None where it is no longer the owner's."""
        return self._run(lambda jobs: jobs.finish(job_id, owner, change))

    def stop(self, account: str, job_id: str, now_ns: int) -> Job | None:
        """Tell a job of an account to stop; None where the account has none of that id."""
        return self._run(lambda jobs: jobs.stop(account, job_id, now_ns))

    def recover(self, before_ns: int, now_ns: int) -> list[Job]:
        """Let go of every running job whose worker has not shown since `before_ns`, and return them."""
        return self._run(lambda jobs: jobs.recover(before_ns, now_ns))

    def forget(self, now_ns: int) -> list[str]:
        """Forget the jobs whose time is over; return their ids."""
        return self._run(lambda jobs: jobs.forget(now_ns))

    def close(self) -> None:
        """Close the database once no call is under way, and end the loop; it opens again where more is asked."""
        with self._idle:
            if not self._idle.wait_for(lambda: self._calls == 0, _CLOSE_S):
                return
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
            if loop is None or thread is None:
                return
            asyncio.run_coroutine_threadsafe(self._closed(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def _run(self, work: Callable[[SqlJobs], Awaitable[T]]) -> T:
        with self._idle:
            loop = self._started()
            self._calls += 1
        try:
            return asyncio.run_coroutine_threadsafe(self._work(work), loop).result()
        finally:
            with self._idle:
                self._calls -= 1
                self._idle.notify_all()

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            # A daemon: a process that nobody closed still ends, and its jobs are found by their heartbeats.
            self._thread = threading.Thread(target=self._loop.run_forever, name="jobs-database", daemon=True)
            self._thread.start()
        return self._loop

    async def _work(self, work: Callable[[SqlJobs], Awaitable[T]]) -> T:
        from chanflow.adapters.storage.job_store import SqlJobs

        return await work(SqlJobs(await self._opened()))

    async def _opened(self) -> Database:
        from chanflow.adapters.storage.database.database import Database

        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._database is None:
                self._home.prepare()
                self._database = await Database.open(self._home.database_path)
            return self._database

    async def _closed(self) -> None:
        database, self._database, self._opening = self._database, None, None
        if database is not None:
            await database.close()
