"""`chanflow up`: the desk in real time and its doors, in one process; it stops in order and goes on after a kill."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import CHANFLOW, environment, journals

pytestmark = [pytest.mark.slow, pytest.mark.server]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Up:
    """A running desk."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [*CHANFLOW, "up", "--speed", "3000", "--hours", "48", "--port", str(self.port)],
            env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=home.parent,
        )  # fmt: skip

    def get(self, path: str) -> Any:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=60).json()
        except httpx.TransportError:
            return None

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def until(self, path: str, holds: Callable[[Any], bool]) -> Any:
        """Ask until the answer holds; the test's own time limit ends a vain wait."""
        while self.process.poll() is None:
            answer = self.get(path)
            if answer is not None and holds(answer):
                return answer
            time.sleep(0.05)
        raise AssertionError(f"the desk ended: {self.process.communicate()[0]}")


def equity_known(answer: Any) -> bool:
    return "equity" in answer


def test_the_desk_answers_while_it_trades_and_stops_in_order(tmp_path: Path) -> None:
    up = Up(tmp_path / "home")
    try:
        up.until("/api/v2/positions", equity_known)
        bars = up.until("/api/v2/market/klines?symbol=SIMUSDT&level=1m&limit=3", lambda a: len(a.get("rows", ())) == 3)
        assert bars["columns"][0] == "time"
        traded = up.until("/api/v2/positions", lambda a: bool(a["positions"]))
        assert traded["positions"][0]["protected"]
        up.process.send_signal(signal.SIGTERM)
        out, _ = up.process.communicate(timeout=300)
        assert up.process.returncode == 7, out
        assert "Traceback" not in out
    finally:
        up.kill()


@pytest.mark.crash
def test_a_killed_desk_goes_on_with_the_same_market(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = Up(home)
    try:
        first.until("/api/v2/positions", lambda a: bool(a.get("positions")))
    finally:
        first.kill()
    [journal] = journals(home)
    before = journal.read_bytes().splitlines()
    second = Up(home)
    try:
        second.until("/api/v2/positions", equity_known)
        while len(journal.read_bytes().splitlines()) <= len(before) + 5:
            assert second.process.poll() is None
            time.sleep(0.05)
    finally:
        second.kill()
    assert journals(home) == [journal]
    after = journal.read_bytes().splitlines()
    assert after[: len(before) - 1] == before[:-1]
    sent = [json.loads(line)["body"]["client_order_id"] for line in after[:-1] if b'"kind":"order_sent"' in line]
    assert len(sent) == len(set(sent))
