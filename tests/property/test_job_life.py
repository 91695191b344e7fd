"""Any course of asking, cancelling, working, crashing and looking ends each job once, begun twice at most."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chanflow.domain.job import KEPT_NS, MOST_ATTEMPTS, Job, ended, let_go
from chanflow.operations.job_ports import JobStore
from chanflow.operations.memory_jobs import MemoryJobs
from chanflow.runtime.home import Home
from chanflow.runtime.job_book import JobBook

S = 1_000_000_000
JOBS = {f"{n:036d}": account for n, account in enumerate(["ann", "ann", "ann", "bob"])}
NAMES = st.sampled_from(sorted(JOBS))
WORKERS = st.sampled_from(["w1", "w2"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), NAMES),
        st.tuples(st.just("cancel"), NAMES),
        st.tuples(st.just("claim"), WORKERS),
        st.tuples(st.sampled_from(["beat", "crash", "succeed", "fail", "leave"]), NAMES),
        st.tuples(st.just("look"), st.integers(1, 40)),
    ),
    max_size=40,
)


class Course:
    """A store, two workers, and what a model says of every job: how often it was begun since it was asked for."""

    def __init__(self, store: JobStore) -> None:
        self.store, self.now_ns = store, S
        self.held: dict[str, str] = {}
        self.begun: Counter[str] = Counter()

    def find(self, name: str) -> Job | None:
        return self.store.find(JOBS[name], name)

    def do(self, what: str, which: Any) -> None:
        self.now_ns += 1
        if what == "look":
            self.now_ns += which * S
            self.store.recover(self.now_ns - 30 * S, self.now_ns)
        elif what == "claim":
            self.claim(which)
        elif what == "ask":
            self.ask(which)
        elif what == "cancel":
            before = self.find(which)
            told = self.store.stop(JOBS[which], which, self.now_ns)
            assert (before is None) == (told is None)
        else:
            self.work(what, which)

    def ask(self, name: str) -> None:
        before = self.find(name)
        new = Job(name, JOBS[name], "x", "", {}, 1, self.now_ns, self.now_ns, self.now_ns + KEPT_NS)
        kept = self.store.add(new, most=9)
        assert kept is not None
        if before is None or before.status in ("failed", "cancelled"):
            assert kept.status == "queued"
            self.begun[name] = 0
        else:
            assert kept.status == before.status

    def claim(self, worker: str) -> None:
        job = self.store.claim(worker, self.now_ns)
        if job is None:
            return
        self.held[job.job_id] = worker
        self.begun[job.job_id] += 1
        assert self.begun[job.job_id] <= MOST_ATTEMPTS
        running = Counter(self.find(name).account for name in JOBS if self.state(name) == "running")  # type: ignore[union-attr]
        assert max(running.values()) == 1, "the plan allows one at once"

    def state(self, name: str) -> str | None:
        found = self.find(name)
        return None if found is None else found.status

    def work(self, what: str, name: str) -> None:
        worker = self.held.get(name)
        if worker is None:
            return
        before = self.find(name)
        assert before is not None
        changes: dict[str, Callable[[Job], Job]] = {
            "succeed": lambda job: ended(job, "succeeded", self.now_ns),
            "fail": lambda job: ended(job, "failed", self.now_ns, error="no"),
            "leave": lambda job: let_go(job, self.now_ns),
        }
        if what == "crash":
            del self.held[name]
        elif what == "beat":
            self.store.beat(name, worker, 0.5, self.now_ns)
        else:
            changed = self.store.finish(name, worker, changes[what])
            owned = before.status == "running" and before.owner == worker
            assert (changed is not None) == owned, "only its owner ends a job"
            del self.held[name]
        if before.ended:
            after = self.find(name)
            assert after == before, "an ended job stays as it ended"

    def drain(self) -> None:
        """Work on all that is left, every other worker being dead."""
        self.held.clear()
        for _ in range(3 * len(JOBS)):
            self.now_ns += 60 * S
            self.store.recover(self.now_ns - 30 * S, self.now_ns)
            while (job := self.store.claim("last", self.now_ns)) is not None:
                self.begun[job.job_id] += 1
                self.store.finish(job.job_id, "last", lambda each: ended(each, "succeeded", self.now_ns))


@contextmanager
def memory() -> Iterator[JobStore]:
    yield MemoryJobs()


@contextmanager
def database() -> Iterator[JobStore]:
    with tempfile.TemporaryDirectory() as folder:
        book = JobBook(Home(Path(folder)))
        yield book
        book.close()


@pytest.mark.parametrize(("opened", "examples"), [(memory, 300), (database, 12)], ids=["memory", "database"])
def test_every_job_ends_once_and_is_begun_twice_at_most(opened: Any, examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(STEPS)
    def holds(steps: Sequence[tuple[str, Any]]) -> None:
        with opened() as store:
            course = Course(store)
            for what, which in steps:
                course.do(what, which)
            course.drain()
            for name in JOBS:
                job = course.find(name)
                assert job is None or job.ended
                assert course.begun[name] <= MOST_ATTEMPTS

    holds()
