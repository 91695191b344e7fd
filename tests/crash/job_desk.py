"""A desk with bars in memory and jobs in a data directory, for a process that is killed and the one that follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from memory_desk import memory_services

from chanflow.adapters.storage.trial_log import TrialLog
from chanflow.operations.job_effort import Pace
from chanflow.operations.jobs import Jobs
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import Done
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.research import Backtested
from chanflow.operations.services import Services
from chanflow.operations.structure import chan_columns
from chanflow.runtime.home import Home
from chanflow.runtime.job_book import JobBook
from chanflow.runtime.job_shelf import JobShelf


def services_at(root: Path, columns: Callable[[Any], Any] = chan_columns) -> Services:
    """Return the services of a desk in `root`; `columns` reads the structures. A worker is lost after two seconds."""

    def counted(bars: Any) -> Any:
        with (root / "begun.txt").open("a") as file:
            file.write("begun\n")
        return columns(bars)

    root.mkdir(exist_ok=True)
    jobs = Jobs(JobBook(Home(root)), JobShelf(root / "jobs"), pace=Pace(beat_s=0.2, lost_s=2.0, look_s=0.1))
    return replace(memory_services(), jobs=jobs, trials=TrialLog(root / "trials.txt"), chan_columns=counted)


async def ask(services: Services, wait_s: int) -> Backtested:
    """Ask for the one backtest, and return how it stands."""
    args = {"symbols": ["ETHUSDT"], "level": "1m", "wait_s": wait_s}
    outcome = await build_catalogue(services).execute(
        LOCAL_OPERATOR, "backtest_strategy", args, door="rest", request_id="r-1"
    )
    assert isinstance(outcome, Done), outcome
    assert isinstance(outcome.result, Backtested)
    return outcome.result
