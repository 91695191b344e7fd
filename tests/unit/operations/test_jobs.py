"""Jobs: asked for by name, done once, kept, told, cancelled, taken in turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.job import Job
from chanflow.domain.job_result import Table, Worked
from chanflow.operations.job_effort import Effort, Pace, Work
from chanflow.operations.jobs import MAX_QUEUED, Jobs, NewJob
from chanflow.operations.memory_jobs import MemoryJobs
from chanflow.operations.outcome import Declined
from chanflow.runtime.home import Home
from chanflow.runtime.job_book import JobBook
from chanflow.runtime.job_shelf import JobShelf

NAME = "5e86eb5b-8a49-58c5-996d-0852113c9803"
QUICK = Pace(beat_s=0.05, lost_s=60, look_s=0.02)
ASKED = NewJob(NAME, "ann", "sleep", "0" * 64, {"n": 1}, 1)


def named(number: int, account: str = "ann", at_once: int = 1) -> NewJob:
    return NewJob(f"{number:08d}-0000-5000-8000-000000000000", account, "sleep", "0" * 64, {"n": number}, at_once)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs(pace=QUICK)
    yield made
    made.close()


class Gate:
    """Work that waits to be let go on, and tells who began."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.began = threading.Semaphore(0)
        self.go = threading.Semaphore(0)

    def work(self, name: str) -> Work:
        def do(effort: Effort) -> Worked:
            self.begun.append(name)
            self.began.release()
            assert self.go.acquire(timeout=60)
            effort.reach(0.5)
            return Worked({"name": name})

        return do


async def test_the_same_name_is_worked_on_once(jobs: Jobs) -> None:
    done = []

    def work(_: Effort) -> Worked:
        done.append(1)
        return Worked({"n": len(done)})

    for _ in range(3):
        jobs.start(ASKED, work)
        found = await jobs.wait("ann", NAME, 60)
        assert found is not None
        assert (found.status, found.progress, jobs.result(found)) == ("succeeded", 1.0, {"n": 1})


async def test_work_that_takes_longer_says_how_far_it_is(jobs: Jobs) -> None:
    go, reached = threading.Event(), threading.Event()

    def work(effort: Effort) -> Worked:
        effort.reach(0.4)
        reached.set()
        assert go.wait(60)
        return Worked({})

    jobs.start(ASKED, work)
    assert reached.wait(60)
    found = await jobs.wait("ann", NAME, 0)
    assert found is not None
    assert (found.status, found.progress, jobs.result(found)) == ("running", 0.4, None)
    go.set()
    ended = await jobs.wait("ann", NAME, 60)
    assert ended is not None
    assert ended.status == "succeeded"


async def test_a_cancelled_job_stops_at_its_next_step_and_begins_anew_when_asked_again(jobs: Jobs) -> None:
    gate = Gate()
    jobs.start(ASKED, gate.work("first"))
    assert gate.began.acquire(timeout=60)
    told = jobs.cancel("ann", NAME)
    assert told is not None
    assert (told.status, told.stop) == ("running", True)
    gate.go.release()
    found = await jobs.wait("ann", NAME, 60)
    assert found is not None
    assert (found.status, jobs.result(found)) == ("cancelled", None)
    again = jobs.cancel("ann", NAME)
    assert again is not None
    assert again.status == "cancelled"
    gate.go.release()
    jobs.start(ASKED, gate.work("second"))
    ended = await jobs.wait("ann", NAME, 60)
    assert ended is not None
    assert jobs.result(ended) == {"name": "second"}


async def test_a_job_cancelled_while_it_waits_is_never_begun(jobs: Jobs) -> None:
    gate = Gate()
    jobs.start(named(1), gate.work("one"))
    assert gate.began.acquire(timeout=60)
    jobs.start(named(2), gate.work("two"))
    told = jobs.cancel("ann", named(2).job_id)
    assert told is not None
    assert told.status == "cancelled"
    gate.go.release()
    ended = await jobs.wait("ann", named(1).job_id, 60)
    assert ended is not None
    assert (ended.status, gate.begun) == ("succeeded", ["one"])


async def test_accounts_take_turns_and_have_no_more_at_once_than_their_plan() -> None:
    jobs, gate = Jobs(workers=2, pace=QUICK), Gate()
    for number in range(3):
        jobs.start(named(number, "ann"), gate.work(f"ann {number}"))
    assert gate.began.acquire(timeout=60)
    assert gate.begun == ["ann 0"], "two workers, and the plan allows one at once"
    jobs.start(named(9, "bob"), gate.work("bob"))
    assert gate.began.acquire(timeout=60)
    assert gate.begun == ["ann 0", "bob"]
    gate.go.release(4)
    for number in range(3):
        found = await jobs.wait("ann", named(number).job_id, 60)
        assert found is not None
        assert found.status == "succeeded"
    assert sorted(gate.begun) == ["ann 0", "ann 1", "ann 2", "bob"]
    jobs.close()


def test_who_was_served_longest_ago_is_next() -> None:
    store = MemoryJobs()
    order = []
    for number, account in enumerate(["ann", "ann", "ann", "bob", "cy"]):
        asked = named(number, account)
        store.add(
            Job(asked.job_id, account, "sleep", "", {}, 9, created_ns=number, changed_ns=0, expires_ns=99), most=99
        )  # fmt: skip
    for now_ns in range(1, 6):
        job = store.claim("w", now_ns)
        assert job is not None
        order.append(job.account)
        store.finish(job.job_id, "w", lambda each: replace(each, status="succeeded"))
    assert order == ["ann", "bob", "cy", "ann", "ann"]


async def test_a_queue_that_is_full_is_said_so(jobs: Jobs) -> None:
    gate = Gate()
    jobs.start(named(0), gate.work("0"))
    assert gate.began.acquire(timeout=60)
    for number in range(1, MAX_QUEUED + 1):
        jobs.start(named(number), gate.work("x"))
    with pytest.raises(Declined, match="100 jobs of the account wait already") as refused:
        jobs.start(named(999), gate.work("y"))
    assert refused.value.code == "quota_exceeded"
    jobs.start(named(5), gate.work("again"))
    jobs.start(named(7, "bob"), gate.work("z"))
    for number in range(1, MAX_QUEUED + 1):
        jobs.cancel("ann", named(number).job_id)
    gate.go.release(2)
    ended = await jobs.wait("ann", named(0).job_id, 60)
    assert ended is not None
    assert ended.status == "succeeded"


@pytest.mark.parametrize(
    ("fault", "told"),
    [(InvalidArgument("bars is 0, at least 2 are needed"), "bars is 0, at least 2 are needed"),
     (RuntimeError("secret path"), "the work failed; the desk's log has the cause")],
)  # fmt: skip
async def test_a_fault_is_told_in_words_that_are_safe(jobs: Jobs, fault: Exception, told: str) -> None:
    def work(_: Effort) -> Worked:
        raise fault

    jobs.start(ASKED, work)
    found = await jobs.wait("ann", NAME, 60)
    assert found is not None
    assert (found.status, found.error) == ("failed", told)


async def test_a_listener_hears_of_every_change_and_its_fault_stops_nothing(jobs: Jobs) -> None:
    heard: list[tuple[str, float]] = []
    go = threading.Event()

    def listen(job: Job) -> None:
        heard.append((job.status, job.progress))
        if job.progress == 0.5:
            go.set()
        raise RuntimeError("a listener's own")

    def work(effort: Effort) -> Worked:
        effort.reach(0.5)
        assert go.wait(60), "progress was never told"
        return Worked({})

    jobs.listen(listen)
    jobs.start(ASKED, work)
    await jobs.wait("ann", NAME, 60)
    jobs.close()
    assert heard == [("queued", 0.0), ("running", 0.0), ("running", 0.5), ("succeeded", 1.0)]
    jobs.unlisten(listen)


def durable(root: Path) -> Jobs:
    return Jobs(JobBook(Home(root)), JobShelf(root / "jobs"), pace=QUICK)


TRADES = Table({"symbol": "text", "net": "number", "bars": "whole"}, [["A", 1.5, 3], ["B", None, None], ["C", -1, 2]])


async def test_state_result_and_rows_outlive_their_process(tmp_path: Path) -> None:
    first = durable(tmp_path)
    first.start(ASKED, lambda _: Worked({"net": -1.5}, {"trades": TRADES}))
    await first.wait("ann", NAME, 60)
    first.close()
    second = durable(tmp_path)
    found = await second.wait("ann", NAME, 0)
    assert found is not None
    assert (found.status, found.attempts, second.result(found)) == ("succeeded", 1, {"net": -1.5})
    page = second.rows(found, "trades", 1, 1)
    assert page is not None
    assert (page.columns, page.rows, page.total) == (("symbol", "net", "bars"), [["B", None, None]], 3)
    assert second.rows(found, "wings", 0, 1) is None
    data = second.parquet(found, "trades")
    assert data is not None
    assert data[:4] == data[-4:] == b"PAR1"
    second.close()


async def test_a_job_of_another_account_does_not_exist(tmp_path: Path) -> None:
    for jobs in (Jobs(pace=QUICK), durable(tmp_path)):
        jobs.start(ASKED, lambda _: Worked({}))
        assert await jobs.wait("ann", NAME, 60) is not None
        assert await jobs.wait("bob", NAME, 0) is None
        assert jobs.cancel("bob", NAME) is None
        assert jobs.page("bob", status=None, limit=9, before=None) == []
        jobs.close()


async def test_a_process_that_ends_leaves_its_job_to_the_next(tmp_path: Path) -> None:
    first, began = durable(tmp_path), threading.Event()

    def cut_off(effort: Effort) -> Worked:
        began.set()
        assert effort.stop.wait(60)
        effort.reach(0.5)
        return Worked({"by": "first"})

    first.start(ASKED, cut_off)
    assert began.wait(60)
    first.close()
    second = durable(tmp_path)
    left = second.find("ann", NAME)
    assert left is not None
    assert (left.status, left.attempts) == ("queued", 1)
    given: list[Mapping[str, Any]] = []

    def made(args: Mapping[str, Any]) -> Work:
        given.append(args)
        return lambda _: Worked({"by": "second"})

    second.learn("sleep", made)
    async with second.serving():
        found = await second.wait("ann", NAME, 60)
    assert found is not None
    assert (found.status, found.attempts, second.result(found)) == ("succeeded", 2, {"by": "second"})
    assert given == [{"n": 1}]


async def test_a_result_that_was_thrown_away_is_made_again(tmp_path: Path) -> None:
    jobs = durable(tmp_path)
    for n in (1, 2):
        jobs.start(ASKED, lambda _, n=n: Worked({"n": n}))
        found = await jobs.wait("ann", NAME, 60)
        assert found is not None
        assert jobs.result(found) == {"n": n}
        (tmp_path / "jobs" / f"{NAME}.json").unlink()
    jobs.close()


async def test_a_cancel_of_another_process_is_heard(tmp_path: Path) -> None:
    first, second, gate = durable(tmp_path), durable(tmp_path), threading.Event()

    def work(effort: Effort) -> Worked:
        gate.set()
        assert effort.stop.wait(60), "the cancel was not heard"
        effort.reach(1.0)
        return Worked({})

    first.start(ASKED, work)
    assert gate.wait(60)
    assert second.cancel("ann", NAME) is not None
    found = await second.wait("ann", NAME, 60)
    assert found is not None
    assert found.status == "cancelled"
    first.close()
    second.close()


@pytest.mark.parametrize("name", ["../secret", "", "x" * 36, NAME.upper() + "/.."])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.json").write_text("{}")
    shelf = JobShelf(tmp_path / "jobs")
    shelf.keep(name, Worked({"x": 1}))
    assert shelf.load(name) is None
    assert shelf.rows(name, "trades", 0, 1) is None
    assert shelf.parquet(NAME, "../../secret") is None
    assert not (tmp_path / "jobs").exists()


def test_a_spoilt_file_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.json").write_text("{cut")
    (tmp_path / f"{NAME}.trades.parquet").write_text("cut")
    assert JobShelf(tmp_path).load(NAME) is None
    assert JobShelf(tmp_path).rows(NAME, "trades", 0, 5) is None


async def test_an_unknown_job_is_none(jobs: Jobs) -> None:
    assert await jobs.wait("ann", NAME, 0) is None
