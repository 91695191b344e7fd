"""Clients of the desk for tests: over an application in this process, over a script of answers, over a real port."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import uvicorn
from made_access import AccessDesk

from chanflow.client import Client
from chanflow.client.surroundings import Surroundings
from chanflow.domain.watch_alert import Happening
from chanflow.interfaces.rest.app import build_app
from chanflow.operations.services import Services
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home

NS_PER_S = 10**9


@dataclass
class Pauses:
    """Surroundings in which waiting takes no time, and is noted."""

    environment: dict[str, str] = field(default_factory=dict)
    slept_s: list[float] = field(default_factory=list)
    on_sleep: Callable[[float], None] = lambda _: None

    @property
    def around(self) -> Surroundings:
        keys = iter(f"key-{number}" for number in range(1_000))
        return Surroundings(self.environment, self._sleep, lambda: 0.0, lambda: next(keys))

    async def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.on_sleep(seconds)
        await asyncio.sleep(0)


def scripted(
    answers: Sequence[httpx.Response | Exception], pauses: Pauses, **more: Any
) -> tuple[Client, list[httpx.Request]]:
    """Return a client that is given these answers in turn, and the requests that it made."""
    waiting, requests = list(answers), list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        given = waiting.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    made = Client("http://127.0.0.1:1", transport=httpx.MockTransport(answer), surroundings=pauses.around, **more)
    return made, requests


def done(answer: Any = None) -> httpx.Response:
    """Return what the desk says to a call that was done."""
    return httpx.Response(200, json={"content": [], "structuredContent": answer or {}, "isError": False, "usage": {}})


def failed(status: int, code: str, *, retryable: bool = False, retry_after_ms: int | None = None) -> httpx.Response:
    """Return the desk's error body."""
    body = {
        "code": code, "message": "so it is", "retryable": retryable, "retry_after_ms": retry_after_ms, "field": None,
        "suggestion": None, "request_id": "r-1",
    }  # fmt: skip
    return httpx.Response(status, json=body)


@asynccontextmanager
async def desk_client(desk: AccessDesk, api_key: str | None, **more: Any) -> AsyncIterator[tuple[Client, Pauses]]:
    """Give a client of a desk whose clock goes on by what the client waits."""
    app = build_app(desk.services)

    def wait(seconds: float) -> None:
        desk.clock.at_ns += round(seconds * NS_PER_S)

    pauses = Pauses(on_sleep=wait)
    async with (
        app.router.lifespan_context(app),
        Client(
            "http://127.0.0.1:8000", api_key=api_key, transport=httpx.ASGITransport(app), surroundings=pauses.around,
            **more,
        ) as client,
    ):  # fmt: skip
        yield client, pauses


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


class ServedDesk:
    """A desk on a port of its own, that a test can kill and start again, and into whose log it writes."""

    def __init__(self, home: Home, services: Services) -> None:
        self._home, self._services = home, services
        clock = SystemClock()
        self.services = replace(services, clock=clock, ids=Uuid7Ids(clock, SystemRandomness()))
        self.port, self.written = 0, 0
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._listener: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, on the port of the last time if there was one."""
        self.services = replace(self.services, alerts=AlertBook(self._home, self.services.clock))
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port, self._listener = listener.getsockname()[1], listener
        config = uvicorn.Config(build_app(self.services), log_level="critical", timeout_graceful_shutdown=1)
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        await asyncio.wait_for(self._server.up.wait(), 30)

    def cut(self) -> None:
        """Break every connection."""
        assert self._server is not None
        for each in list(self._server.server_state.connections):
            each.transport.abort()

    async def kill(self) -> None:
        """Break every connection and listen no more."""
        server, serving = self._server, self._serving
        if server is None or serving is None or self._listener is None:
            return
        server.should_exit = True
        self.cut()
        with suppress(asyncio.CancelledError):
            await serving
        self._listener.close()
        self._server = self._serving = None

    async def write(self, count: int, *, event: str = "new") -> None:
        """Write so many happenings of ETHUSDT into the log; each has a number."""
        rows = []
        for _ in range(count):
            self.written += 1
            number = self.written
            body = {"event": event, "symbol": "ETHUSDT", "level": "1m", "type": "buy1", "number": number}
            rows.append(Happening(f"k{number}", "buy_sell_points", "ETHUSDT", "1m", number, body, "buy1"))
        await self.log(*rows)

    async def log(self, *happenings: Happening) -> None:
        """Write happenings into the log, as what watches the market does."""
        book = self.services.alerts
        assert isinstance(book, AlertBook)
        async with book.open() as store:
            rows = [(each, ()) for each in happenings]
            await store.log(rows, mark=None, before_ms=None, now_ns=self.services.clock.now_ns())
        book.changed()


@asynccontextmanager
async def served_desk(home: Home, services: Services) -> AsyncIterator[ServedDesk]:
    """Give a desk that listens while the block lasts."""
    desk = ServedDesk(home, services)
    await desk.start()
    try:
        yield desk
    finally:
        await desk.kill()


def tool_call(request: httpx.Request) -> dict[str, Any]:
    """Return the tool and the arguments that a request names."""
    found: dict[str, Any] = json.loads(request.content)
    return found
