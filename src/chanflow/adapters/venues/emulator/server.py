"""The HTTP transport of the REST door, on aiohttp's low level: one function for every path.

What stands between a request and its answer, such as a fault script, may spoil the answer, hold it back, or have the
connection closed or kept silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from chanflow.adapters.venues.emulator.rest import Request, Response


class Reply(Protocol):
    """What the client hears of an answer."""

    @property
    def response(self) -> Response | None:
        """The answer; with None the connection closes without one."""
        ...

    @property
    def hold_ns(self) -> int:
        """How much later than it would it leaves, in the exchange's time."""
        ...

    @property
    def silent(self) -> bool:
        """Whether nothing is ever heard, the connection staying open."""
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """An answer as it is."""

    response: Response | None
    hold_ns: int = 0
    silent: bool = False


Answerer = Callable[[Request], Awaitable[Reply]]
Control = Callable[[Request], Awaitable[Response]]


class RestServer:
    """Serves an answerer over HTTP; paths under `/_control/` go to `control`, if there is one.

    `hold` waits so many ns of the exchange's time.
    """

    def __init__(
        self, answer: Answerer, *, hold: Callable[[int], Awaitable[None]], control: Control | None = None
    ) -> None:
        self._answer = answer
        self._hold = hold
        self._control = control
        self._ended = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        self._ended.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, raw: web.BaseRequest) -> web.StreamResponse:
        path, _, query = raw.raw_path.partition("?")
        body = (await raw.read()).decode("utf-8", "replace") if raw.can_read_body else ""
        headers = {name.lower(): value for name, value in raw.headers.items()}
        request = Request(raw.method, path, query, body, headers, raw.remote or "")
        if self._control is not None and path.startswith("/_control/"):
            return _written(await self._control(request))
        reply = await self._answer(request)
        if reply.silent:
            await self._ended.wait()
        if reply.hold_ns:
            await self._hold(reply.hold_ns)
        if reply.response is None or reply.silent:
            if raw.transport is not None:
                raw.transport.abort()
            return web.Response()
        return _written(reply.response)


def _written(response: Response) -> web.Response:
    return web.Response(status=response.status, body=response.body, headers=dict(response.headers))
