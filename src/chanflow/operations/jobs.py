"""Work that may take longer than an answer: it is asked for by a name that follows from what it is, and done once.

The same question has the same name, so asking again finds the work under way, or its result. Results are kept by a
shelf; what was under way when the process ended begins anew when it is asked for again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from chanflow.domain.errors import ChanflowError

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
MAX_KEPT = 100
"""So many jobs are remembered; the oldest that ended are forgotten first."""


class Cancelled(Exception):
    """The work was told to stop."""


@dataclass(slots=True)
class Effort:
    """What work is given: it says how far it is, from 0 to 1, and asks whether it is to stop."""

    share: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def reach(self, share: float) -> None:
        """Say how far the work is. Raises Cancelled where it is to stop."""
        self.share = min(1.0, max(self.share, share))
        if self.stop.is_set():
            raise Cancelled


Work = Callable[[Effort], Mapping[str, Any]]


class Shelf(Protocol):
    """Keeps results."""

    def load(self, job_id: str) -> Mapping[str, Any] | None:
        """Return a result that was kept, or None."""
        ...

    def keep(self, job_id: str, result: Mapping[str, Any]) -> None:
        """Keep a result. Raises StorageUnwritable."""
        ...


class NoShelf:
    """Keeps nothing beyond the process."""

    def load(self, job_id: str) -> None:
        """Return None."""
        del job_id

    def keep(self, job_id: str, result: Mapping[str, Any]) -> None:
        """Do nothing."""
        del job_id, result


@dataclass(frozen=True, slots=True)
class Job:
    """How work stands. `problem` says why it failed, in words that are safe to show."""

    job_id: str
    status: Status
    progress: float
    result: Mapping[str, Any] | None = None
    problem: str = ""


class Jobs:
    """The jobs of one process, done one after the other in a thread of their own."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self._shelf: Shelf = shelf or NoShelf()
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._known: OrderedDict[str, tuple[Effort, Future[Mapping[str, Any]]]] = OrderedDict()

    def start(self, job_id: str, work: Work) -> None:
        """Begin work, unless it is under way or done already; what failed or was cancelled begins anew."""
        with self._lock:
            known = self._known.get(job_id)
            if known is not None and (not known[1].done() or _well(known[1])):
                return
            if known is None and self._shelf.load(job_id) is not None:
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, thread_name_prefix="job")
            effort = Effort()
            self._known[job_id] = (effort, self._pool.submit(self._do, job_id, effort, work))
            ended = [name for name, (_, future) in self._known.items() if future.done()]
            for name in ended[: max(0, len(self._known) - MAX_KEPT)]:
                del self._known[name]

    def _do(self, job_id: str, effort: Effort, work: Work) -> Mapping[str, Any]:
        effort.reach(0.0)
        result = work(effort)
        self._shelf.keep(job_id, result)
        return result

    def wait(self, job_id: str, seconds: float) -> Job | None:
        """Return how a job stands once it has ended, at the latest after `seconds`; None for one that is not known."""
        with self._lock:
            known = self._known.get(job_id)
        if known is None:
            kept = self._shelf.load(job_id)
            return None if kept is None else Job(job_id, "succeeded", 1.0, kept)
        effort, future = known
        wait_for([future], timeout=seconds)
        return _standing(job_id, effort, future)

    def cancel(self, job_id: str) -> bool:
        """Tell a job to stop at its next step. Returns whether it was still under way."""
        with self._lock:
            known = self._known.get(job_id)
        if known is None or known[1].done():
            return False
        known[0].stop.set()
        return True

    def close(self) -> None:
        """Stop everything under way and wait for it."""
        with self._lock:
            for effort, _ in self._known.values():
                effort.stop.set()
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True)


def _well(future: Future[Mapping[str, Any]]) -> bool:
    return not future.cancelled() and future.exception() is None


def _standing(job_id: str, effort: Effort, future: Future[Mapping[str, Any]]) -> Job:
    if not future.done():
        return Job(job_id, "running" if future.running() else "queued", effort.share)
    fault = future.exception()
    if fault is None:
        return Job(job_id, "succeeded", 1.0, future.result())
    if isinstance(fault, Cancelled):
        return Job(job_id, "cancelled", effort.share)
    words = str(fault) if isinstance(fault, ChanflowError) else "the work failed; the desk's log has the cause"
    return Job(job_id, "failed", effort.share, None, words)
