"""The threads of a process that work on jobs, and the one that shows their heartbeats.

At most `most` jobs are worked on at once. Whoever works on a job shows that it does; a job whose worker was lost is let
go by whichever process looks next, and begun once more.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chanflow.domain.errors import ChanflowError
from chanflow.domain.job import Job, JobStatus, ended, let_go
from chanflow.domain.time import NS_PER_S, Clock, Ids
from chanflow.operations.job_effort import Cancelled, Effort, Listener, Maker, Pace, Work
from chanflow.operations.job_ports import JobStore, Shelf
from chanflow.operations.outcome import Declined

_log = logging.getLogger(__name__)
_CLOSE_S = 5.0
_PREPARED = 16
_STEP, _FORGET_EVERY = 0.01, 100
FAILED = "the work failed; the desk's log has the cause"


class JobWorkers:
    """Works on the jobs of a store, its own process's and those that others left."""

    def __init__(self, store: JobStore, shelf: Shelf, clock: Clock, ids: Ids, *, most: int, pace: Pace) -> None:
        self._store, self._shelf, self._clock, self._pace, self._most = store, shelf, clock, pace, most
        self._owner = str(ids.uuid7())
        self._makers: dict[str, Maker] = {}
        self._prepared: OrderedDict[str, Work] = OrderedDict()
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._mine: dict[str, tuple[Job, Effort]] = {}
        self._threads: set[threading.Thread] = set()
        self._keeper: threading.Thread | None = None
        self._wake = threading.Event()
        self._active = self._news = self._waiters = self._looks = 0
        self._serving = self._closing = self._blind = False

    def learn(self, operation: str, maker: Maker) -> None:
        """Know how to make an operation's work from a job's arguments."""
        self._makers[operation] = maker

    def listen(self, listener: Listener) -> None:
        """Have `listener` told each job that this process changed."""
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        """Tell it no more."""
        self._listeners.remove(listener)

    def tell(self, job: Job) -> None:
        """Tell every listener of a job."""
        for listener in list(self._listeners):
            try:
                listener(job)
            except Exception:  # noqa: BLE001  # the next one is told all the same
                _log.exception("a listener to jobs failed")

    def prepare(self, job_id: str, work: Work) -> None:
        """Have the work of a job at hand, which spares making it."""
        with self._lock:
            self._prepared[job_id] = work
            while len(self._prepared) > _PREPARED:
                self._prepared.popitem(last=False)

    def share(self, job_id: str) -> float | None:
        """Return how far a job is that this process works on, None for another."""
        mine = self._mine.get(job_id)
        return None if mine is None else mine[1].share

    def stop(self, job_id: str) -> None:
        """Tell the work of a job to stop at its next step, where it is this process's."""
        with self._lock:
            mine = self._mine.get(job_id)
            self._prepared.pop(job_id, None)
        if mine is not None:
            mine[1].stop.set()

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Look after the jobs of others, too, while the block lasts: somebody waits for one."""
        with self._lock:
            self._waiters += 1
        self._watch()
        try:
            yield
        finally:
            with self._lock:
                self._waiters -= 1

    def serve(self) -> None:
        """Work on whatever waits until `close`, also on what other processes left."""
        with self._lock:
            self._closing, self._serving = False, True
        self._watch()

    # ── working ───────────────────────────────────────────────────────────────

    def hurry(self) -> None:
        """Look for work at once: some came."""
        with self._lock:
            self._news += 1
        self._fill()

    def _fill(self) -> None:
        """Begin what may begin, as far as there are workers."""
        while True:
            with self._lock:
                if self._closing or self._active >= self._most:
                    return
                self._active += 1
                seen = self._news
            job = self._claimed()
            if job is not None:
                self._begin(job)
            elif not self._rested(seen):
                return

    def _begin(self, job: Job) -> None:
        # A daemon: a process that nobody closed still ends, and its jobs are found by their heartbeats.
        thread = threading.Thread(target=self._labour, args=(job,), name="job", daemon=True)
        with self._lock:
            self._threads.add(thread)
        self._watch()
        thread.start()

    def _rested(self, seen: int) -> bool:
        """Give a worker's place back. Returns whether something came since `seen`, which it might have missed."""
        with self._lock:
            self._active -= 1
            self._threads.discard(threading.current_thread())
            return self._news != seen and not self._closing

    def _claimed(self) -> Job | None:
        try:
            return self._store.claim(self._owner, self._clock.now_ns())
        except Exception:  # noqa: BLE001  # the place of a worker must not be lost
            _log.exception("no job can be taken")
            return None

    def _labour(self, job: Job | None) -> None:
        while True:
            if job is not None:
                self._do(job)
            with self._lock:
                seen, closing = self._news, self._closing
            job = None if closing else self._claimed()
            if job is None:
                if self._rested(seen):
                    self._fill()
                return

    def _do(self, job: Job) -> None:
        effort = Effort(told_ns=self._clock.monotonic_ns())
        with self._lock:
            self._mine[job.job_id] = (job, effort)
            work = self._prepared.pop(job.job_id, None)
            if self._closing:
                effort.stop.set()
        self.tell(job)
        try:
            change = self._worked(job, effort, work)
            ending = self._store.finish(job.job_id, self._owner, change)
        except Exception:  # noqa: BLE001  # its heartbeat ends, so that it is looked at again
            _log.exception("how job %s ended cannot be written down", job.job_id)
            ending = None
        finally:
            with self._lock:
                self._mine.pop(job.job_id, None)
        if ending is not None:
            self.tell(ending)

    def _worked(self, job: Job, effort: Effort, work: Work | None) -> Callable[[Job], Job]:
        """Do the work, and return what becomes of the job."""

        def ends(status: JobStatus, error: str | None = None) -> Callable[[Job], Job]:
            ref = job.job_id if status == "succeeded" else None
            return lambda kept: ended(kept, status, self._clock.now_ns(), error=error, result_ref=ref)

        try:
            # A process may have been lost after its result was kept.
            if self._shelf.load(job.job_id) is None:
                effort.reach(0.0)
                self._shelf.keep(job.job_id, (work or self._made(job))(effort))
            return ends("succeeded")
        except Cancelled:
            # Told by its account, or by a process that ends: then another one goes on.
            return lambda kept: let_go(kept, self._clock.now_ns())
        except ChanflowError as fault:
            return ends("failed", str(fault))
        except Exception:  # noqa: BLE001  # whatever the work does, the job has an end
            _log.exception("job %s of %s failed", job.job_id, job.operation)
            return ends("failed", FAILED)

    def _made(self, job: Job) -> Work:
        maker = self._makers.get(job.operation)
        if maker is None:
            raise Declined("not_found", "this version does not know the job's operation")
        return maker(job.args)

    def _watch(self) -> None:
        """Have a thread show the heartbeats and look for what others left, while there is a reason to."""
        with self._lock:
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="jobs-keeper", daemon=True)
                self._keeper.start()

    def _keep(self) -> None:
        while True:
            with self._lock:
                if (self._closing and not self._active) or not (self._active or self._serving or self._waiters):
                    self._keeper = None
                    return
            try:
                self._look()
                self._blind = False
            except Exception:  # noqa: BLE001  # the next look may do better
                if not self._blind:
                    _log.exception("jobs cannot be looked after; tried again until they can")
                self._blind = True
            self._wake.wait(self._pace.look_s)
            self._wake.clear()

    def _look(self) -> None:
        now_ns, monotonic_ns = self._clock.now_ns(), self._clock.monotonic_ns()
        with self._lock:
            mine = list(self._mine.values())
        for job, effort in mine:
            self._beat(job, effort, now_ns, monotonic_ns)
        for job in self._store.recover(now_ns - int(self._pace.lost_s * NS_PER_S), now_ns):
            self.tell(job)
        if self._looks % _FORGET_EVERY == 0:
            for job_id in self._store.forget(now_ns):
                self._shelf.forget(job_id)
        self._looks += 1
        self.hurry()

    def _beat(self, job: Job, effort: Effort, now_ns: int, monotonic_ns: int) -> None:
        """Show that the work goes on, where it is time or it went on; hear whether it is still wanted of us."""
        share, moved = effort.share, effort.share - effort.told >= _STEP
        if moved or monotonic_ns - effort.told_ns >= self._pace.beat_s * NS_PER_S:
            found = self._store.beat(job.job_id, self._owner, share, now_ns)
            effort.told, effort.told_ns = share, monotonic_ns
        else:
            found = self._store.find(job.account, job.job_id)
        if found is None or found.owner != self._owner or found.stop:
            effort.stop.set()
        elif moved:
            self.tell(found)

    def finish(self) -> None:
        """Return once what is under way in this process has ended; nothing else is begun meanwhile."""
        with self._lock:
            self._closing = True
            threads = list(self._threads)
        for thread in threads:
            thread.join()
        with self._lock:
            self._closing = False
            serving = self._serving
        if serving:
            self._watch()
            self.hurry()

    def close(self) -> None:
        """Take no more work, and let go of what is under way, for another process."""
        with self._lock:
            self._closing, self._serving = True, False
            threads, keeper = list(self._threads), self._keeper
            for _, effort in self._mine.values():
                effort.stop.set()
        for thread in threads:
            thread.join(_CLOSE_S)
        self._wake.set()
        if keeper is not None:
            keeper.join(_CLOSE_S)
