"""The doors of a desk that trades signals: REST and MCP on this machine, for as long as it is at work."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import uvicorn

from chanflow.interfaces.cli.services import desk_token, open_services
from chanflow.interfaces.rest.app import build_app
from chanflow.interfaces.rest.frontage import Frontage, loopback_host
from chanflow.interfaces.rest.patience import PatientH11
from chanflow.interfaces.ws.wire import SOCKET_WIRE
from chanflow.runtime.desk_door import DeskDoor, Doors
from chanflow.runtime.door_file import standing_door
from chanflow.runtime.settings import Loaded


class QuietServer(uvicorn.Server):
    """A server that leaves signals to the desk, which ends both."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def desk_doors(loaded: Loaded, on_note: Callable[[str], object]) -> Doors:
    """Return what opens doors on a desk, at a free port of this machine; `door.json` says where.

    Raises SettingsInvalid for a host beyond loopback.
    """
    host = loopback_host(loaded.settings.http.host)

    @asynccontextmanager
    async def open_doors(door: DeskDoor) -> AsyncIterator[None]:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as listening:
            listening.bind((host, 0))
            port = listening.getsockname()[1]
            services = replace(open_services(loaded), account=door, trading=door, risk=door)
            config = uvicorn.Config(
                build_app(services, frontage=Frontage(host)), log_level="warning", server_header=False,
                timeout_graceful_shutdown=2, proxy_headers=False, http=PatientH11, **SOCKET_WIRE,
            )  # fmt: skip
            server = QuietServer(config)
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                with standing_door(loaded.home, host, port, desk_token(services)):
                    on_note(f"doors at http://{host}:{port}/: chanflow approve, halt, resume, risk status")
                    yield
            finally:
                server.should_exit = True
                await serving

    return open_doors
