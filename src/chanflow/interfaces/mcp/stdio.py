"""MCP over standard input and output, for clients that start the desk's tools as a process of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import anyio

from chanflow.interfaces.mcp.server import build_mcp_server
from chanflow.operations.principal import Principal, caller
from chanflow.operations.services import Services


def run_stdio(services: Services, acting: Callable[[], Awaitable[Principal]]) -> None:
    """Serve MCP until standard input ends. Whoever started this process acts as `acting` says, once the books are open.

    Raises what `acting` does.
    """

    async def serve() -> None:
        server = build_mcp_server(services)
        access = nullcontext() if services.access is None else services.access.serving()
        async with access, services.jobs.serving(), server.serving():
            caller.set(await acting())
            await server.run_stdio_async()

    anyio.run(serve)
