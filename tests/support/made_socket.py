"""A desk that asks for keys, served on a real socket by a thread, with its journal written by a test."""

from __future__ import annotations

import asyncio
import importlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
from made_access import AccessDesk, SystemBytes
from websockets.asyncio.client import ClientConnection, connect

from chanflow.access.keyring import NewKey
from chanflow.access.keys import User
from chanflow.interfaces.rest.app import build_app
from chanflow.interfaces.ws.wire import SOCKET_WIRE
from chanflow.operations.services import Services
from chanflow.review.journal import JournalWriter
from chanflow.runtime.access_desk import make_pepper, open_books
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home
from chanflow.runtime.run_log import RunLog

MESSAGE_S = 60
"""However loaded the machine is, a message comes within so many seconds."""


class MovedClock(SystemClock):
    """The machine's time, and what a test puts it ahead by. What buckets fill by may stand still."""

    ahead_ns = 0
    steady_ns: int | None = None

    def now_ns(self) -> int:
        return super().now_ns() + self.ahead_ns

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() if self.steady_ns is None else self.steady_ns


class _AnnouncedServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


class SocketDesk:
    """A served desk. What a test does to its users and keys is done as another process does it."""

    def __init__(self, home: Home, clock: MovedClock, services: Services, address: str) -> None:
        self.home, self.clock, self.services = home, clock, services
        self.url, self.http = f"ws://{address}/mcp", f"http://{address}"
        self._journal: JournalWriter | None = None
        self.written = 0

    @asynccontextmanager
    async def elsewhere(self) -> AsyncIterator[AccessDesk]:
        """Open the same books as another process has them."""
        books = open_books(self.home, self.clock, SystemBytes())
        async with books.serving():
            yield AccessDesk(self.home, self.clock, books, replace(self.services, access=books))  # type: ignore[arg-type]

    async def key(self, name: str, *, role: str = "trader", plan: str = "enterprise", **asked: Any) -> NewKey:
        """Make a user with a key."""
        async with self.elsewhere() as books:
            user = User(f"user-{name}", name, (role,), plan, self.clock.now_ns())
            await books.shelf.add_user(user)
            return await books.key(user, **asked)

    @asynccontextmanager
    async def connected(
        self, key: NewKey | None = None, query: str = "", **how: Any
    ) -> AsyncIterator[ClientConnection]:
        """Open a socket, with a key in its header where one is given."""
        headers = {} if key is None else {"Authorization": f"Bearer {key.text}"}
        headers |= how.pop("headers", {})
        how = {"max_queue": None} | how
        async with connect(self.url + query, proxy=None, additional_headers=headers, open_timeout=60, **how) as client:
            yield client

    def new_run(self) -> None:
        """Let the desk begin another run."""
        folder = self.home.new_run(f"r{len(self.home.runs()) + 1}")
        self._journal = JournalWriter(folder.journal_path)
        self._journal.use_clock(self.clock)
        self._journal.append("head", {"settings": {"execution": {"mode": "paper"}}})

    def tell(self, kind: str, **body: Any) -> None:
        """Write a record into the journal of the run."""
        if self._journal is None:
            self.new_run()
        assert self._journal is not None
        self.written += 1
        self._journal.append(kind, {**body, "number": self.written})


@contextmanager
def served(
    root: Path, *, keys: bool, clock: MovedClock | None = None, ping_s: float | None = None, **changed: Any
) -> Iterator[SocketDesk]:  # fmt: skip
    """Serve a desk from a thread; with `keys` it asks for them. `ping_s` stands in for the 20 s of a ping."""
    home, clock = Home(root), clock or MovedClock()
    memory = importlib.import_module("memory_desk").memory_services()
    if keys:
        make_pepper(home, SystemBytes())
    services = replace(
        memory, clock=clock, ids=Uuid7Ids(clock, SystemRandomness()), log=RunLog(home), alerts=AlertBook(home, clock),
        access=open_books(home, clock, SystemBytes()) if keys else None, **changed,
    )  # fmt: skip
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    wire = SOCKET_WIRE if ping_s is None else {**SOCKET_WIRE, "ws_ping_interval": ping_s, "ws_ping_timeout": ping_s}
    config = uvicorn.Config(
        build_app(services), log_config=None, log_level="info", timeout_graceful_shutdown=1, **wire
    )  # fmt: skip
    server = _AnnouncedServer(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert server.up.wait(60)
    try:
        yield SocketDesk(home, clock, services, f"127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()
        assert not thread.is_alive()


async def heard(client: ClientConnection) -> dict[str, Any]:
    """Return the next message."""
    found: dict[str, Any] = json.loads(await asyncio.wait_for(client.recv(), MESSAGE_S))
    return found


async def say(client: ClientConnection, method: str, params: Any = None, call_id: Any = 1) -> dict[str, Any]:
    """Call, and return the answer; what is pushed before it is passed over."""
    await client.send(json.dumps({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params or {}}))
    while (found := await heard(client)).get("method") is not None:
        pass
    return found


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Return once something holds that comes about by itself."""
    async with asyncio.timeout(MESSAGE_S):
        while True:
            found = holds()
            if found is True or (found is not False and await found):
                return
            await asyncio.sleep(0.02)
