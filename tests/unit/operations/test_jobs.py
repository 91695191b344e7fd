"""Jobs: asked for by name, done once, kept, cancelled."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.operations.jobs import Effort, Jobs
from chanflow.runtime.job_shelf import JobShelf

NAME = "5e86eb5b-8a49-58c5-996d-0852113c9803"


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close()


def test_the_same_name_is_worked_on_once(jobs: Jobs) -> None:
    done = []

    def work(_: Effort) -> Mapping[str, Any]:
        done.append(1)
        return {"n": len(done)}

    for _ in range(3):
        jobs.start(NAME, work)
        found = jobs.wait(NAME, 10)
        assert found is not None
        assert (found.status, found.progress, found.result) == ("succeeded", 1.0, {"n": 1})


def test_work_that_takes_longer_says_how_far_it_is(jobs: Jobs) -> None:
    go, reached = threading.Event(), threading.Event()

    def work(effort: Effort) -> Mapping[str, Any]:
        effort.reach(0.4)
        reached.set()
        assert go.wait(300)
        return {}

    jobs.start(NAME, work)
    assert reached.wait(300)
    found = jobs.wait(NAME, 0)
    assert found is not None
    assert (found.status, found.progress, found.result) == ("running", 0.4, None)
    go.set()
    ended = jobs.wait(NAME, 10)
    assert ended is not None
    assert ended.status == "succeeded"


def test_a_cancelled_job_stops_at_its_next_step_and_begins_anew_when_asked_again(jobs: Jobs) -> None:
    begun, go = threading.Event(), threading.Event()

    def work(effort: Effort) -> Mapping[str, Any]:
        begun.set()
        assert go.wait(300)
        effort.reach(0.5)
        return {"whole": True}

    jobs.start(NAME, work)
    assert begun.wait(300)
    assert jobs.cancel(NAME)
    go.set()
    found = jobs.wait(NAME, 10)
    assert found is not None
    assert (found.status, found.result) == ("cancelled", None)
    assert not jobs.cancel(NAME)
    jobs.start(NAME, work)
    again = jobs.wait(NAME, 10)
    assert again is not None
    assert again.result == {"whole": True}


@pytest.mark.parametrize(
    ("fault", "told"),
    [(InvalidArgument("bars is 0, at least 2 are needed"), "bars is 0, at least 2 are needed"),
     (RuntimeError("secret path"), "the work failed; the desk's log has the cause")],
)  # fmt: skip
def test_a_fault_is_told_in_words_that_are_safe(jobs: Jobs, fault: Exception, told: str) -> None:
    def work(_: Effort) -> Mapping[str, Any]:
        raise fault

    jobs.start(NAME, work)
    found = jobs.wait(NAME, 10)
    assert found is not None
    assert (found.status, found.problem) == ("failed", told)


def test_a_result_outlives_its_process(tmp_path: Path) -> None:
    first = Jobs(JobShelf(tmp_path / "jobs"))
    first.start(NAME, lambda _: {"net": -1.5})
    first.wait(NAME, 10)
    first.close()
    second = Jobs(JobShelf(tmp_path / "jobs"))
    found = second.wait(NAME, 0)
    assert found is not None
    assert found.result == {"net": -1.5}
    second.close()


@pytest.mark.parametrize("name", ["../secret", "", "x" * 36, NAME.upper() + "/.."])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.json").write_text("{}")
    shelf = JobShelf(tmp_path / "jobs")
    shelf.keep(name, {"x": 1})
    assert shelf.load(name) is None
    assert not (tmp_path / "jobs").exists()


def test_a_spoilt_file_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.json").write_text("{cut")
    assert JobShelf(tmp_path).load(NAME) is None


def test_an_unknown_job_is_none(jobs: Jobs) -> None:
    assert jobs.wait(NAME, 0) is None
