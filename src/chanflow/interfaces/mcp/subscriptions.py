"""Who may listen to which resource: `subscriptions/listen` of the 2026 protocol, and `legacy_subscribe` beside it.

The SDK honours any URI for anyone. So a URI is read once as its listener before it is listened to: what one may not
read, one hears nothing of.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from typing import Any

import mcp_types
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.subscriptions import ServerEvent
from mcp.shared.exceptions import MCPError

from chanflow.interfaces.mcp.notices import Notices
from chanflow.operations.principal import caller

MAX_URIS = 100
"""So many resources one listener may listen to."""
Reader = Callable[[str], Awaitable[object]]
"""Reads a URI as the caller. Raises ResourceNotFoundError, MCPError."""
Asking = ServerRequestContext[Any, Any]


class Subscriptions:
    """Listens for callers. `listening` is middleware of the server."""

    def __init__(self, notices: Notices, read: Reader) -> None:
        self._notices, self._read = notices, read

    async def listening(self, ctx: Asking, call_next: CallNext) -> HandlerResult:
        """Let a listener through whose URIs it may read, and notice their changes as long as it listens."""
        if ctx.method != "subscriptions/listen":
            return await call_next(ctx)
        filters = (ctx.params or {}).get("notifications")
        uris = filters.get("resourceSubscriptions") if isinstance(filters, dict) else None
        if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
            return await call_next(ctx)  # the SDK says what is wrong with it, or there are none
        await self.check(uris)
        async with self._notices.held(caller.get(), uris):
            return await call_next(ctx)

    async def check(self, uris: Iterable[str]) -> None:
        """Pass URIs that the caller may read. Raises MCPError for others, and for too many."""
        wanted = sorted(set(uris))
        if len(wanted) > MAX_URIS:
            raise MCPError(code=mcp_types.INVALID_PARAMS, message=f"one may listen to {MAX_URIS} resources at once")
        if wanted and caller.get(None) is None:
            raise MCPError(code=mcp_types.INVALID_PARAMS, message="nobody is logged in")
        for uri in wanted:
            try:
                await self._read(uri)
            except ResourceNotFoundError as fault:
                raise MCPError(code=mcp_types.INVALID_PARAMS, message=str(fault), data={"uri": uri}) from None

    def hear(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Call `listener` for each notice; returns what ends that."""
        return self._notices.bus.subscribe(listener)

    async def hold(self, uri: str) -> AsyncExitStack:
        """Have changes of a resource noticed until what is returned is closed."""
        stack = AsyncExitStack()
        await stack.enter_async_context(self._notices.held(caller.get(), [uri]))
        return stack
