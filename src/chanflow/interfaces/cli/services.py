"""Joins the operations to what a desk left in the data directory."""

from __future__ import annotations

from pathlib import Path

from chanflow.operations.services import Services
from chanflow.runtime.certificates import CertificateShelf
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.desk_files import DeskFeed, KeptSignals, NewestRun
from chanflow.runtime.home import Home
from chanflow.runtime.settings import Loaded


def open_services(loaded: Loaded) -> Services:
    """Return the services over the data directory's newest run and its certificates."""
    home, clock = Home(loaded.home), SystemClock()
    run = NewestRun(home)
    return Services(
        klines=run,
        account=run,
        clock=clock,
        ids=Uuid7Ids(clock, SystemRandomness()),
        certificates=CertificateShelf(home),
        feed=DeskFeed(run, clock),
        desk=run,
        orders=run,
        signals=KeptSignals(run, Path(out) if (out := loaded.settings.signals.out) else None),
    )
