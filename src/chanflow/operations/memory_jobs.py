"""Jobs and results that are forgotten with the process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chanflow.adapters.storage.table_file import parquet_of
from chanflow.domain.job import Job, JobStatus, asked_again, begun, let_go, told_to_stop, turns
from chanflow.domain.job_result import TablePage, Worked


class MemoryJobs:
    """Implements `JobStore` in memory."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._served: dict[str, int] = {}

    def add(self, new: Job, *, most: int, anew: bool = False) -> Job | None:
        """Keep a job and return it, or the one of the same id that is there; None where `most` of the account wait."""
        with self._lock:
            kept = self._jobs.get(new.job_id)
            if kept is not None:
                told = new if anew and kept.ended else asked_again(kept, new)
                if told is kept:
                    return kept
            if sum(each.account == new.account and each.status == "queued" for each in self._jobs.values()) >= most:
                return None
            self._jobs[new.job_id] = new
            return new

    def find(self, account: str, job_id: str) -> Job | None:
        """Return a job of an account, None where it has none of that id."""
        with self._lock:
            found = self._jobs.get(job_id)
        return found if found is not None and found.account == account else None

    def page(
        self, account: str, *, status: JobStatus | None, limit: int, before: tuple[int, str] | None
    ) -> list[Job]:  # fmt: skip
        """Return jobs of an account, newest first."""
        with self._lock:
            found = [
                each
                for each in self._jobs.values()
                if each.account == account
                and status in (None, each.status)
                and (before is None or (each.created_ns, each.job_id) < before)
            ]
        return sorted(found, key=lambda each: (each.created_ns, each.job_id), reverse=True)[:limit]

    def claim(self, owner: str, now_ns: int) -> Job | None:
        """Give the job whose turn it is to `owner`; None where none may run now."""
        with self._lock:
            running = Counter(each.account for each in self._jobs.values() if each.status == "running")
            queued = [each for each in self._jobs.values() if each.status == "queued"]
            for account in turns({each.account for each in queued}, running, self._served):
                own = (each for each in queued if each.account == account)
                oldest = min(own, key=lambda each: (each.created_ns, each.job_id))
                if running[account] < oldest.at_once:
                    self._served[account] = now_ns
                    return self._put(begun(oldest, owner, now_ns))
        return None

    def beat(self, job_id: str, owner: str, progress: float, now_ns: int) -> Job | None:
        """Say that `owner` still works on a job; return it, None where it is no longer the owner's."""
        return self.finish(
            job_id, owner, lambda each: replace(each, heartbeat_ns=now_ns, changed_ns=now_ns, progress=progress)
        )  # fmt: skip

    def finish(self, job_id: str, owner: str, change: Callable[[Job], Job]) -> Job | None:
        """End a job, or let it go, as `change` says; return it, None where it is no longer the owner's."""
        with self._lock:
            found = self._jobs.get(job_id)
            if found is None or found.status != "running" or found.owner != owner:
                return None
            return self._put(change(found))

    def stop(self, account: str, job_id: str, now_ns: int) -> Job | None:
        """Tell a job of an account to stop; return it, None where the account has none of that id."""
        with self._lock:
            found = self.find(account, job_id)
            return None if found is None else self._put(told_to_stop(found, now_ns))

    def recover(self, before_ns: int, now_ns: int) -> list[Job]:
        """Let go of every running job whose worker has not shown since `before_ns`, and return them."""
        with self._lock:
            lost = [
                each
                for each in self._jobs.values()
                if each.status == "running" and (each.heartbeat_ns or 0) < before_ns
            ]
            return [self._put(let_go(each, now_ns)) for each in lost]

    def forget(self, now_ns: int) -> list[str]:
        """Forget the jobs whose time is over, but for those that run; return their ids."""
        with self._lock:
            names = [
                each.job_id for each in self._jobs.values() if each.expires_ns <= now_ns and each.status != "running"
            ]
            for name in names:
                del self._jobs[name]
        return names

    def close(self) -> None:
        """Do nothing."""

    def _put(self, changed: Job) -> Job:
        self._jobs[changed.job_id] = changed
        return changed


class MemoryShelf:
    """Implements `Shelf` in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, Worked] = {}

    def load(self, job_id: str) -> Mapping[str, Any] | None:
        """Return the figures that were kept, or None."""
        found = self._kept.get(job_id)
        return None if found is None else found.result

    def keep(self, job_id: str, worked: Worked) -> None:
        """Keep a result."""
        self._kept[job_id] = worked

    def rows(self, job_id: str, table: str, offset: int, limit: int) -> TablePage | None:
        """Return part of a table of a result, None where there is none of that name."""
        found = self._kept.get(job_id)
        kept = None if found is None else found.tables.get(table)
        if kept is None:
            return None
        part = [list(row) for row in kept.rows[offset : offset + limit]]
        return TablePage(tuple(kept.columns), part, len(kept.rows))

    def parquet(self, job_id: str, table: str) -> bytes | None:
        """Return a table of a result as a Parquet file, None where there is none of that name."""
        found = self._kept.get(job_id)
        kept = None if found is None else found.tables.get(table)
        return None if kept is None else parquet_of(kept.columns, kept.rows)

    def forget(self, job_id: str) -> None:
        """Keep a result no longer."""
        self._kept.pop(job_id, None)
