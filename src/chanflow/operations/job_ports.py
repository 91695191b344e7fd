"""What jobs need of the outside: where they are written down, and where their results lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from chanflow.domain.job import Job, JobStatus
from chanflow.domain.job_result import TablePage, Worked


class JobStore(Protocol):
    """Where jobs are written down. Every method may raise StorageUnwritable and StorageBusy."""

    def add(self, new: Job, *, most: int, anew: bool = False) -> Job | None:
        """Keep a job and return it, or the one of the same id that is there; None where `most` of the account wait.

        One that failed or was cancelled begins again; with `anew` one that was done does, too.
        """
        ...

    def find(self, account: str, job_id: str) -> Job | None:
        """Return a job of an account, None where it has none of that id."""
        ...

    def page(
        self, account: str, *, status: JobStatus | None, limit: int, before: tuple[int, str] | None
    ) -> list[Job]:  # fmt: skip
        """Return jobs of an account, newest first; `before` is when the last one was made, and its id."""
        ...

    def claim(self, owner: str, now_ns: int) -> Job | None:
        """Give the job whose turn it is to `owner`; None where none may run now."""
        ...

    def beat(self, job_id: str, owner: str, progress: float, now_ns: int) -> Job | None:
        """Say that `owner` still works on a job; return it, None where it is no longer the owner's."""
        ...

    def finish(self, job_id: str, owner: str, change: Callable[[Job], Job]) -> Job | None:
        """End a job, or let it go, as `change` says; return it, None where it is no longer the owner's."""
        ...

    def stop(self, account: str, job_id: str, now_ns: int) -> Job | None:
        """Tell a job of an account to stop; return it, None where the account has none of that id."""
        ...

    def recover(self, before_ns: int, now_ns: int) -> list[Job]:
        """Let go of every running job whose worker has not shown since `before_ns`, and return them."""
        ...

    def forget(self, now_ns: int) -> list[str]:
        """Forget the jobs whose time is over, but for those that run; return their ids."""
        ...

    def close(self) -> None:
        """Close what is open; it opens again where more is asked."""
        ...


class Shelf(Protocol):
    """Keeps results."""

    def load(self, job_id: str) -> Mapping[str, Any] | None:
        """Return the figures that were kept, or None."""
        ...

    def keep(self, job_id: str, worked: Worked) -> None:
        """Keep a result, whole or not at all. Raises StorageUnwritable."""
        ...

    def rows(self, job_id: str, table: str, offset: int, limit: int) -> TablePage | None:
        """Return part of a table of a result, None where there is none of that name."""
        ...

    def parquet(self, job_id: str, table: str) -> bytes | None:
        """Return a table of a result as a Parquet file, None where there is none of that name."""
        ...

    def forget(self, job_id: str) -> None:
        """Keep a result no longer."""
        ...
