"""`resources/subscribe` and `resources/unsubscribe` of the 2025 protocol, which the SDK's server does not offer.

This is the one file that reaches into the SDK; a test fails when what it reaches for has changed.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Final

import mcp_types
from mcp.server import MCPServer, ServerRequestContext
from mcp.server.connection import Connection
from mcp.server.session import ServerSession
from mcp.server.subscriptions import ResourceUpdated, ServerEvent
from mcp.shared.exceptions import MCPError

from chanflow.interfaces.mcp.subscriptions import MAX_URIS, Subscriptions

_STATE: Final = "chanflow/subscribed"
Asking = ServerRequestContext[Any, Any]


class LegacySubscribe:
    """Keeps what each connection subscribed to, and tells it."""

    def __init__(self, server: MCPServer[Any], subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions
        add = server._lowlevel_server.add_request_handler  # noqa: SLF001  # the SDK has no public way
        add("resources/subscribe", mcp_types.SubscribeRequestParams, self._subscribe)
        add("resources/unsubscribe", mcp_types.UnsubscribeRequestParams, self._unsubscribe)

    async def _subscribe(self, ctx: Asking, params: mcp_types.SubscribeRequestParams) -> mcp_types.EmptyResult:
        uri = str(params.uri)
        await self._subscriptions.check([uri])
        subscribed = self._of(ctx.session)
        if uri not in subscribed.held:
            if len(subscribed.held) >= MAX_URIS:
                raise MCPError(code=mcp_types.INVALID_PARAMS, message=f"one may listen to {MAX_URIS} resources at once")
            subscribed.held[uri] = await self._subscriptions.hold(uri)
        return mcp_types.EmptyResult()

    async def _unsubscribe(self, ctx: Asking, params: mcp_types.UnsubscribeRequestParams) -> mcp_types.EmptyResult:
        held = self._of(ctx.session).held.pop(str(params.uri), None)
        if held is not None:
            await held.aclose()
        return mcp_types.EmptyResult()

    def _of(self, session: ServerSession) -> _Subscribed:
        """Return what a connection subscribed to, which ends with it."""
        connection: Connection = session._connection  # noqa: SLF001  # handlers are given no public way to it
        subscribed: _Subscribed | None = connection.state.get(_STATE)
        if subscribed is None:
            subscribed = connection.state[_STATE] = _Subscribed(session)
            connection.exit_stack.push_async_callback(subscribed.end, self._subscriptions.hear(subscribed.hear))
        return subscribed


class _Subscribed:
    """What one connection listens to. Notices that it has not read yet are told once."""

    def __init__(self, session: ServerSession) -> None:
        self.held: dict[str, AsyncExitStack] = {}
        self._session = session
        self._waiting: dict[str, None] = {}
        self._woken = asyncio.Event()
        self._telling = asyncio.create_task(self._tell())

    def hear(self, event: ServerEvent) -> None:
        """Take a notice."""
        if isinstance(event, ResourceUpdated) and event.uri in self.held:
            self._waiting[event.uri] = None
            self._woken.set()

    async def _tell(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                uri = next(iter(self._waiting))
                del self._waiting[uri]
                await self._session.send_resource_updated(uri)

    async def end(self, unhear: Any) -> None:
        """Listen no more."""
        unhear()
        self._telling.cancel()
        await asyncio.gather(self._telling, return_exceptions=True)
        for held in self.held.values():
            await held.aclose()
        self.held.clear()
