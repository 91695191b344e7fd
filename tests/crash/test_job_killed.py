"""A backtest whose process is killed is begun once more by the next one, and finishes once; killed twice it fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chanflow.domain.job import LOST

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration" / "doors"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from job_desk import ask, services_at

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]


def killed_in_the_middle(root: Path) -> None:
    """Run a process until it works on the backtest, and kill it (kill -9)."""
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("job_child.py")), str(root)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    child.kill()
    child.wait()
    child.stdout.close()


async def test_a_killed_backtest_finishes_once(tmp_path: Path) -> None:
    root = tmp_path / "home"
    killed_in_the_middle(root)
    services = services_at(root)
    found = await ask(services, wait_s=0)
    assert found.status in ("running", "queued")
    while found.status in ("running", "queued"):
        found = await ask(services, wait_s=20)
    assert (found.status, found.problem) == ("succeeded", None)
    assert found.result is not None
    assert found.result.trades > 0
    assert found.result.trials == 1
    job = services.jobs.find("local", found.job_id)
    assert job is not None
    assert job.attempts == 2
    assert await ask(services, wait_s=0) == found
    assert (root / "begun.txt").read_text().count("begun") == 2
    services.jobs.close()


async def test_a_backtest_killed_twice_fails_until_it_is_asked_for_again(tmp_path: Path) -> None:
    root = tmp_path / "home"
    killed_in_the_middle(root)
    killed_in_the_middle(root)
    services = services_at(root)
    (job,) = services.jobs.page("local", status=None, limit=9, before=None)
    ended = await services.jobs.wait("local", job.job_id, 60)
    assert ended is not None
    assert (ended.status, ended.error, ended.attempts) == ("failed", LOST, 2)
    again = await ask(services, wait_s=20)
    while again.status in ("running", "queued"):
        again = await ask(services, wait_s=20)
    assert again.status == "succeeded"
    assert (root / "begun.txt").read_text().count("begun") == 3
    services.jobs.close()
