"""`chanflow exchange` as a process of its own, and unmodified clients pointed at it by their addresses alone."""

from __future__ import annotations

import inspect
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx


@dataclass(frozen=True)
class RunningExchange:
    """Where a running exchange is reached."""

    rest: str
    ws: str
    process: subprocess.Popen[str]

    def control(self, what: str, body: object = None, **query: object) -> Any:
        """Ask a `/_control/…` door and return what it says; a body makes it a POST."""
        url = f"{self.rest}/_control/{what}"
        asked = {"params": query} if body is None else {"json": body}
        answer = httpx.request("GET" if body is None else "POST", url, timeout=300, **asked)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        return answer.json()

    def script(self, *entries: dict[str, Any]) -> None:
        """Put a fault script in force from now on; without entries nothing goes wrong any more."""
        self.control("faults", list(entries))

    def firings(self) -> list[dict[str, Any]]:
        """Return the log of firings."""
        return list(self.control("log")["firings"])

    def mark(self, symbol: str) -> str:
        """Return the mark price."""
        answer = httpx.get(f"{self.rest}/fapi/v1/premiumIndex", params={"symbol": symbol}, timeout=300)
        return str(answer.json()["markPrice"])

    def account(self, key: str) -> dict[str, Any]:
        """Return what the exchange itself holds of an account."""
        (account,) = self.control("books", key=key)["accounts"]
        return dict(account)


@contextmanager
def running_exchange(*words: str) -> Iterator[RunningExchange]:
    """Start `chanflow exchange` with these words and stop it as an operator would."""
    program = [sys.executable, "-m", "chanflow", "exchange", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        try:
            yield RunningExchange(told["rest"], told["ws"], process)
        finally:
            process.send_signal(signal.SIGTERM)
            ended = process.wait(300)
        assert ended == 0


def point_ccxt(client: Any, exchange: RunningExchange) -> Any:
    """Send a ccxt client's requests to the exchange: its URLs change, nothing else."""
    client.set_sandbox_mode(True)
    urls = client.urls["api"]
    for name, url in list(urls.items()):
        if isinstance(url, str):
            urls[name] = exchange.rest + urlsplit(url).path
    if "ws" in urls:
        urls["ws"]["linear"] = f"{exchange.ws}/ws"
        urls["ws"]["ws-api"]["linear"] = f"{exchange.ws}/ws-fapi/v1"
    return client


def point_binance(kind: type, exchange: RunningExchange) -> type:
    """Return a python-binance class whose addresses are the exchange's."""
    rest, ws = exchange.rest, exchange.ws
    return type(
        kind.__name__,
        (kind,),
        {
            "API_URL": f"{rest}/api", "FUTURES_URL": f"{rest}/fapi", "FUTURES_DATA_URL": f"{rest}/futures/data",
            "WS_FUTURES_URL": f"{ws}/ws-fapi/v1",
        },
    )  # fmt: skip


async def done(value: Any) -> Any:
    """Return what a call of a synchronous or an asynchronous client gives."""
    return await value if inspect.isawaitable(value) else value
