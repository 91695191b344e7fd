"""Work that takes longer than an answer: whose it is, what was asked, and how it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from chanflow.domain.time import NS_PER_DAY

JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ENDED: frozenset[JobStatus] = frozenset({"succeeded", "failed", "cancelled"})
KEPT_NS = 7 * NS_PER_DAY
"""So long a job is kept after it was asked for, and after it ended."""
MOST_ATTEMPTS = 2
"""So often work is begun: a job whose process is lost twice fails."""
LOST = "the process that worked on it was lost twice"


@dataclass(frozen=True, slots=True)
class Job:
    """One job of an account. Times are Unix ns.

    `args` are what another process needs to do the work anew, `at_once` how many of the account's jobs may run at the
    same time. `owner` names the worker that has it, `heartbeat_ns` is when that one last showed. `stop` says that it
    was told to stop. `error` says why it failed, in words that are safe to show; `result_ref` names the result.
    """

    job_id: str
    account: str
    operation: str
    args_hash: str
    args: Mapping[str, Any]
    at_once: int
    created_ns: int
    changed_ns: int
    expires_ns: int
    status: JobStatus = "queued"
    progress: float = 0.0
    attempts: int = 0
    owner: str | None = None
    heartbeat_ns: int | None = None
    stop: bool = False
    result_ref: str | None = None
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more becomes of it, unless it is asked for again."""
        return self.status in ENDED


def asked_again(kept: Job, new: Job) -> Job:
    """Return the job that a question has whose job is there already.

    What waits, runs or was done stays as it is; what failed or was cancelled begins anew.
    """
    return new if kept.status in ("failed", "cancelled") else kept


def begun(job: Job, owner: str, now_ns: int) -> Job:
    """Return a queued job as `owner` begins to work on it."""
    return replace(
        job, status="running", owner=owner, heartbeat_ns=now_ns, changed_ns=now_ns, attempts=job.attempts + 1,
        progress=0.0,
    )  # fmt: skip


def ended(
    job: Job, status: JobStatus, now_ns: int, *, error: str | None = None, result_ref: str | None = None
) -> Job:  # fmt: skip
    """Return a job as it ends."""
    return replace(
        job, status=status, owner=None, heartbeat_ns=None, changed_ns=now_ns, expires_ns=now_ns + KEPT_NS,
        error=error, result_ref=result_ref, progress=1.0 if status == "succeeded" else job.progress, stop=False,
    )  # fmt: skip


def let_go(job: Job, now_ns: int) -> Job:
    """Return a running job that nobody works on any more: queued once more, or at its end."""
    if job.stop:
        return ended(job, "cancelled", now_ns)
    if job.attempts >= MOST_ATTEMPTS:
        return ended(job, "failed", now_ns, error=LOST)
    return replace(job, status="queued", owner=None, heartbeat_ns=None, changed_ns=now_ns)


def told_to_stop(job: Job, now_ns: int) -> Job:
    """Return a job that its account wants no more: a queued one ends, a running one is told; an ended one stays."""
    if job.ended:
        return job
    return ended(job, "cancelled", now_ns) if job.status == "queued" else replace(job, stop=True, changed_ns=now_ns)


def turns(waiting: Iterable[str], running: Mapping[str, int], served_ns: Mapping[str, int]) -> list[str]:
    """Return the accounts that have queued jobs, in the order of their turns.

    Who has the fewest running comes first, then who was served longest ago.
    """
    return sorted(waiting, key=lambda account: (running.get(account, 0), served_ns.get(account, 0), account))
