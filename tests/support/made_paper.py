"""A paper broker: a data directory, a folder of signals, and runs over them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event

from made_signals import AT_MS, setup_line

from chanflow.review.journal import Record, read_records
from chanflow.runtime.broker_run import BrokerRun
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.home import Home
from chanflow.runtime.settings import load_settings

PRIOR = "risk.sizing.sigma_prior=1"
"""Signals tell too few prices for volatility to be measured: a guess stands in for it."""

LATER_NS = (AT_MS + 10**9) * 1_000_000

DAY = [
    setup_line(0), setup_line(1, price="50300", stop="49900"), setup_line(2, price="49400", stop="49000"),
    setup_line(3, "strong_sell", price="4935", stop="4980", symbol="ETHUSDT", signal_id="e-3"),
    setup_line(4, "strong_sell", price="4800", stop="4880", symbol="ETHUSDT", signal_id="e-4"),
]  # fmt: skip


class Paper:
    """A data directory and a folder of signals."""

    def __init__(self, base: Path, lines: Sequence[bytes] = ()) -> None:
        self.home, self.folder = Home(base / "home"), base / "signals"
        self.folder.mkdir(parents=True)
        self.notes: list[str] = []
        self.add("r1", *lines)

    def add(self, name: str, *lines: bytes) -> None:
        with (self.folder / f"signals_{name}.jsonl").open("ab") as file:
            file.writelines(lines)

    def run(self, *overrides: str, venue: str | None = None) -> BrokerRun:
        settings = load_settings(config=None, overrides=(PRIOR, *overrides), environ={"HOME": "/"}).settings
        broker = BrokerRun(
            settings, self.home, self.folder, venue=venue, clock=SimulatedClock(LATER_NS), on_note=self.notes.append
        )
        broker.run(once=True, poll_s=0.1, stop=Event())
        return broker

    @property
    def journal(self) -> Path:
        folder = self.home.newest_run()
        assert folder is not None
        return folder.journal_path

    def records(self, kind: str) -> list[Record]:
        return [r for r in read_records(self.journal, torn_tail=True) if r.kind == kind]
