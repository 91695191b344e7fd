"""Where commands of this machine reach a desk whose own port speaks TLS, or lies beyond loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from chanflow.interfaces.cli.desk_doors import QuietServer
from chanflow.interfaces.rest.frontage import Frontage
from chanflow.interfaces.rest.patience import PatientH11


@asynccontextmanager
async def local_door(app: ASGIApp, frontage: Frontage, port: int) -> AsyncIterator[tuple[str, int]]:
    """Give a host and a port that answer in plain HTTP on loopback: the desk's own, or one more while the block lasts.

    The application's life is its own server's.
    """
    if frontage.local:
        yield frontage.host, port
        return
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = QuietServer(
            uvicorn.Config(
                app, log_level="warning", server_header=False, http=PatientH11, proxy_headers=False, lifespan="off",
                timeout_graceful_shutdown=2,
            )
        )  # fmt: skip
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield "127.0.0.1", listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving
