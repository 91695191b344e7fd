"""`chanflow broker --venue hyperliquid` at the exchange's second door: the stop leaves in the entry's own batch."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from eth_account import Account
from made_hyperliquid import AGENT_KEY, MASTER_KEY
from made_signals import setup_line
from running_broker import PASSPHRASE, approve_next

from chanflow.adapters.storage.key_store import KeyStore, passphrase_lock
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.venues.hyperliquid.quotes import HyperliquidQuotes
from chanflow.review.journal import read_records

pytestmark = [pytest.mark.slow]
MASTER, AGENT = Account.from_key(MASTER_KEY), Account.from_key(AGENT_KEY)

_PROGRAM = [sys.executable, "-m", "chanflow"]


async def _mark(url: str) -> Decimal:
    quotes = HyperliquidQuotes(url)
    found = await quotes.quote("BTC")
    await quotes.close()
    return found.mark


def test_a_signal_is_an_entry_with_its_stop(tmp_path: Path) -> None:
    folder, keys, home = tmp_path / "signals", tmp_path / "keys.yaml", tmp_path / "home"
    folder.mkdir()
    keys.write_text(json.dumps({AGENT.address: MASTER.address, "desk": "its-secret"}))
    KeyStore(home, passphrase_lock(PASSPHRASE), os.urandom).add(
        "hyperliquid", "loopback", VenueKeys(MASTER.address, AGENT_KEY)
    )
    exchange = [*_PROGRAM, "exchange", "--symbols", "BTCUSDT", "--strict-keys", "--keys", str(keys)]
    with subprocess.Popen(exchange, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            url = json.loads(running.stdout.readline())["hyperliquid"]
            mark = asyncio.run(_mark(url))
            at_ms = time.time_ns() // 1_000_000
            line = setup_line(
                1, price=f"{mark:.0f}", stop=f"{mark * Decimal('0.995'):.0f}", ts_ms=at_ms, known_ms=at_ms, symbol="BTC"
            )
            (folder / "signals_r1.jsonl").write_bytes(line)
            venue = "execution.venue"
            said = ["symbols=BTC", f"{venue}.environment=loopback", f"{venue}.rest_url={url}",
                    f"{venue}.stream_url={url.replace('http', 'ws')}", "risk.sizing.sigma_prior=1"]  # fmt: skip
            broker = [*_PROGRAM, "broker", "--venue", "hyperliquid", "--once", "--signal-dir", str(folder)]
            broker += [part for one in said for part in ("--set", one)]
            environ = {**os.environ, "CHANFLOW_HOME": str(home), "CHANFLOW_KEYS_PASSPHRASE": PASSPHRASE}
            with subprocess.Popen(broker, env=environ, stderr=subprocess.PIPE, text=True) as desk:
                approve_next(home, desk)
                notes = desk.communicate(timeout=300)[1]
        finally:
            running.terminate()
    assert desk.returncode == 0, notes
    assert "stays open at hyperliquid-loopback, and its stop at" in notes
    [journal] = home.glob("runs/*/journal/*.jsonl")
    legs = {r.body["leg"]: r.body["state"] for r in read_records(journal) if r.kind == "order_event"}
    assert legs == {"entry": "filled", "stop": "accepted", "take_profit": "accepted"}
