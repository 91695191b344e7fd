"""`chanflow broker` as a process of its own, trading at a running exchange."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from made_signals import setup_line
from running_exchange import RunningExchange

from chanflow.adapters.storage.key_store import KeyStore, passphrase_lock
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.interfaces.cli.risk import ask_door
from chanflow.review.journal import Record, read_records

PASSPHRASE = "correct horse battery"


class Desk:
    """A data directory, a folder of signals, and keys of one account at the exchange."""

    def __init__(self, base: Path, exchange: RunningExchange, key: str) -> None:
        self.home, self.folder = base / "home", base / "signals"
        self.folder.mkdir()
        self.exchange, self.key = exchange, key
        KeyStore(self.home, passphrase_lock(PASSPHRASE), os.urandom).add("binance", "loopback", VenueKeys(key, "test"))
        self.process: subprocess.Popen[str] | None = None

    def signal(self, number: int, kind: str = "strong_buy") -> None:
        """Write a signal of now whose stop is half a percent away."""
        at_ms = time.time_ns() // 1_000_000
        mark = Decimal(self.exchange.mark("BTCUSDT"))
        away = Decimal("0.995") if kind == "strong_buy" else Decimal("1.005")
        line = setup_line(
            number, kind, price=str(mark), stop=str((mark * away).quantize(Decimal("0.1"))), ts_ms=at_ms,
            known_ms=at_ms,
        )  # fmt: skip
        with (self.folder / "signals_r1.jsonl").open("ab") as file:
            file.write(line)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the broker; its notes go to a file beside its home."""
        venue = "execution.venue"
        said = [f"{venue}.environment=loopback", f"{venue}.rest_url={self.exchange.rest}",
                f"{venue}.stream_url={self.exchange.ws}", "risk.sizing.sigma_prior=1"]  # fmt: skip
        program = [sys.executable, "-m", "chanflow", "broker", "--venue", "binance", "--signal-dir", str(self.folder)]
        program += [*words, *(part for one in said for part in ("--set", one))]
        environ = {**os.environ, "CHANFLOW_HOME": str(self.home), "CHANFLOW_KEYS_PASSPHRASE": PASSPHRASE}
        with self.notes_path.open("a") as notes:
            self.process = subprocess.Popen(program, stderr=notes, stdout=subprocess.DEVNULL, text=True, env=environ)
        return self.process

    def stop(self, signal_number: int) -> int:
        """Send the broker a signal and return how it ended."""
        assert self.process is not None
        self.process.send_signal(signal_number)
        return self.process.wait(300)

    @property
    def notes_path(self) -> Path:
        return self.home.parent / "notes.txt"

    @property
    def notes(self) -> str:
        return self.notes_path.read_text()

    def records(self, *kinds: str) -> list[Record]:
        """Return what the journal holds of these kinds so far."""
        found = sorted(self.home.glob("runs/*/journal/*.jsonl"))
        return [r for path in found for r in read_records(path, torn_tail=True) if r.kind in kinds]

    def account(self) -> dict[str, Any]:
        return self.exchange.account(self.key)

    def until(self, is_so: Callable[[], bool], *, within_s: float = 300) -> None:
        """Wait until something is so, while the broker runs."""
        until = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < until, (self.notes, [(r.kind, r.body) for r in self.records("refusal")])
            assert self.process is None or self.process.poll() is None, self.notes
            time.sleep(0.02)

    def waiting(self) -> list[str]:
        """Return the proposals that wait for a person now."""
        return waiting_at(self.home)

    def approve(self) -> str:
        """Approve the next proposal that waits, as soon as it does; returns its id."""
        assert self.process is not None
        return approve_next(self.home, self.process)

    def ready(self) -> None:
        """Wait until books and venue agree."""
        before = self.notes.count("agree: equity")
        self.until(lambda: self.notes.count("agree: equity") > before)

    def orders(self, leg: str) -> list[dict[str, Any]]:
        """Return the intents of a leg."""
        return [dict(r.body) for r in self.records("order_intent") if r.body["leg"] == leg]


def waiting_at(home: Path) -> list[str]:
    """Return the proposals that wait at the desk that runs on `home`."""
    answer = ask_door(home, "/risk/approve", {})
    return [] if answer is None else [each["proposal_id"] for each in answer["waiting"]]


def approve_next(home: Path, process: subprocess.Popen[str], *, within_s: float = 300) -> str:
    """Approve the next proposal that waits, as soon as it does; returns its id."""
    until = time.monotonic() + within_s
    while not (waiting := waiting_at(home)):
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    ask_door(home, "/risk/approve", {"proposal_id": waiting[0], "who": "ann"})
    return waiting[0]
