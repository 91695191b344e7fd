"""`chanflow exchange` as a process: its first line, its doors, its end, and what survives it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from chanflow.adapters.venues.emulator.signing import signature

pytestmark = [pytest.mark.server, pytest.mark.slow]


@contextmanager
def running(*words: str, end: int = signal.SIGTERM) -> Iterator[str]:
    """Run the command and yield the address of its REST door; it must end with 0 when told to."""
    program = [sys.executable, "-m", "chanflow", "exchange", "--symbols", "BTCUSDT", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert set(told) == {"rest", "ws", "hyperliquid", "ready"}
            yield told["rest"]
        finally:
            process.send_signal(end)
            assert process.wait(300) == 0


def ask(rest: str, method: str, path: str, key: str = "me", secret: str = "test", **asked: Any) -> Any:
    now_ms = httpx.get(f"{rest}/fapi/v1/time", timeout=300).json()["serverTime"]
    text = urlencode({**asked, "timestamp": now_ms, "recvWindow": 60_000})
    url = f"{rest}{path}?{text}&signature={signature(secret, text)}"
    return httpx.request(method, url, headers={"X-MBX-APIKEY": key}, timeout=300).json()


BUY = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010", "newOrderRespType": "RESULT"}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_trades_and_ends_when_told_to(end: int) -> None:
    with running("--balance", "500", end=end) as rest:
        before_ms = time.time_ns() // 1_000_000
        told_ms = httpx.get(f"{rest}/fapi/v1/time", timeout=300).json()["serverTime"]
        assert before_ms - 5_000 < told_ms < time.time_ns() // 1_000_000 + 5_000
        assert ask(rest, "POST", "/fapi/v1/order", **BUY)["status"] == "FILLED"
        assert float(ask(rest, "GET", "/fapi/v3/balance")[0]["balance"]) < 500
        missing = httpx.get(f"{rest}/fapi/v1/nothing", timeout=300)
        assert (missing.status_code, missing.json()["code"]) == (404, -5000)


def test_accounts_survive_it(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with running("--state", str(state)) as rest:
        ask(rest, "POST", "/fapi/v1/order", **BUY)
        before = ask(rest, "GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    with running("--state", str(state)) as rest:
        assert ask(rest, "GET", "/fapi/v1/userTrades", symbol="BTCUSDT") == before
        assert ask(rest, "GET", "/fapi/v3/positionRisk")[0]["positionAmt"] == "0.010"


def test_strict_keys_know_only_those_of_their_file(tmp_path: Path) -> None:
    keys = tmp_path / "keys.yaml"
    keys.write_text("desk: its-secret\n")
    with running("--keys", str(keys), "--strict-keys", "--speed", "step") as rest:
        assert ask(rest, "GET", "/fapi/v3/balance", "desk", "its-secret")[0]["balance"] == "10000.00000000"
        assert ask(rest, "GET", "/fapi/v3/balance", "desk", "another")["code"] == -1022
        assert ask(rest, "GET", "/fapi/v3/balance", "stranger")["code"] == -2015
