"""MCP over standard input and output, for clients that start the desk's tools as a process of their own."""

from __future__ import annotations

from contextlib import nullcontext

import anyio

from chanflow.interfaces.mcp.server import build_mcp_server
from chanflow.operations.principal import LOCAL_OPERATOR, caller
from chanflow.operations.services import Services


def run_stdio(services: Services) -> None:
    """Serve MCP until standard input ends. Whoever started this process acts as the local operator."""

    async def serve() -> None:
        caller.set(LOCAL_OPERATOR)
        server = build_mcp_server(services)
        access = nullcontext() if services.access is None else services.access.serving()
        async with access, services.jobs.serving(), server.serving():
            await server.run_stdio_async()

    anyio.run(serve)
