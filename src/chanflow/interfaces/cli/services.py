"""Joins the operations to what a desk left in the data directory."""

from __future__ import annotations

from pathlib import Path

from chanflow.access.books import AccessBooks
from chanflow.adapters.storage.trial_log import TrialLog
from chanflow.domain.errors import NotFound
from chanflow.operations.jobs import Jobs
from chanflow.operations.services import Services
from chanflow.runtime.access_desk import open_books
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.certificates import CertificateShelf
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.desk_files import DeskFeed, KeptSignals, NewestRun, StoredVersions
from chanflow.runtime.home import Home
from chanflow.runtime.job_book import JobBook
from chanflow.runtime.job_shelf import JobShelf
from chanflow.runtime.request_book import RequestBook
from chanflow.runtime.run_log import RunLog
from chanflow.runtime.run_reports import RunReports
from chanflow.runtime.settings import Loaded
from chanflow.runtime.token_desk import OWN_NAME


def open_services(loaded: Loaded) -> Services:
    """Return the services over the data directory's newest run and its certificates."""
    home, clock, settings = Home(loaded.home), SystemClock(), loaded.settings
    run, ids, certificates = NewestRun(home), Uuid7Ids(clock, SystemRandomness()), CertificateShelf(home)
    return Services(
        klines=run,
        account=run,
        clock=clock,
        ids=ids,
        certificates=certificates,
        versions=StoredVersions(run, certificates),
        feed=DeskFeed(run, clock),
        desk=run,
        orders=run,
        decisions=run,
        track=run,
        reports=RunReports(home),
        jobs=Jobs(JobBook(home), JobShelf(home.root / "jobs"), clock=clock, ids=ids, workers=settings.jobs.workers),
        trials=TrialLog(home.root / "trials.txt"),
        access=desk_books(loaded, clock) if settings.access.required else None,
        alerts=AlertBook(home, clock),
        toolsets=settings.mcp.toolsets,
        requests=RequestBook(home, SystemRandomness()),
        signals=KeptSignals(run, Path(out) if (out := settings.signals.out) else None),
        log=RunLog(home),
    )


def desk_books(loaded: Loaded, clock: SystemClock) -> AccessBooks:
    """Return the books by which a desk judges its callers. Raises SettingsInvalid as `open_books` does."""
    run = NewestRun(Home(loaded.home))

    def positions_open() -> bool:
        try:
            return bool(run.account().snapshot.positions)
        except NotFound:
            return False

    settings = loaded.settings
    issuers, name = [each.as_issuer() for each in settings.access.issuers], settings.http.public_url or OWN_NAME
    return open_books(
        Home(loaded.home), clock, SystemRandomness(), settings.access, issuers=issuers, name=name,
        billing=settings.billing, positions_open=positions_open,
    )  # fmt: skip


def desk_token(services: Services) -> str | None:
    """Return what the operator's own commands show to the desk that runs, None where it asks for nothing."""
    return None if services.access is None else services.access.keyring.desk_token
