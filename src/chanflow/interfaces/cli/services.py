"""Joins the operations to what a desk left in the data directory."""

from __future__ import annotations

from pathlib import Path

from chanflow.adapters.storage.trial_log import TrialLog
from chanflow.operations.jobs import Jobs
from chanflow.operations.services import Services
from chanflow.runtime.access_desk import open_books
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.certificates import CertificateShelf
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.desk_files import DeskFeed, KeptSignals, NewestRun, StoredVersions
from chanflow.runtime.home import Home
from chanflow.runtime.job_shelf import JobShelf
from chanflow.runtime.settings import Loaded


def open_services(loaded: Loaded) -> Services:
    """Return the services over the data directory's newest run and its certificates."""
    home, clock = Home(loaded.home), SystemClock()
    run, certificates = NewestRun(home), CertificateShelf(home)
    return Services(
        klines=run,
        account=run,
        clock=clock,
        ids=Uuid7Ids(clock, SystemRandomness()),
        certificates=certificates,
        versions=StoredVersions(run, certificates),
        feed=DeskFeed(run, clock),
        desk=run,
        orders=run,
        decisions=run,
        jobs=Jobs(JobShelf(home.root / "jobs")),
        trials=TrialLog(home.root / "trials.txt"),
        access=open_books(home, clock, SystemRandomness()) if loaded.settings.access.required else None,
        alerts=AlertBook(home, clock),
        signals=KeptSignals(run, Path(out) if (out := loaded.settings.signals.out) else None),
    )


def desk_token(services: Services) -> str | None:
    """Return what the operator's own commands show to the desk that runs, None where it asks for nothing."""
    return None if services.access is None else services.access.keyring.desk_token
