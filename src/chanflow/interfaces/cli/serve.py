"""`chanflow serve`: REST and MCP over HTTP; `chanflow mcp`: MCP over standard input and output."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

    from chanflow.operations.chat import OpenPlanner
    from chanflow.operations.services import Services


def serve(
    services: Services, *, host: str = "127.0.0.1", port: int = 8000, out: TextIO,
    open_planner: OpenPlanner | None = None,
) -> None:  # fmt: skip
    """Serve until interrupted; once it listens, write the address to `out`. Port 0 takes a free one.

    `open_planner` gives the chat its model; without one the grammar answers.

    Raises SettingsInvalid for a host beyond loopback, and SystemExit when the port is taken.
    """
    from chanflow.interfaces.rest.guard import LOOPBACK_NAMES, loopback_host

    host = loopback_host(host)
    shown = f"[{host}]" if ":" in host else host

    from chanflow.interfaces.rest.app import build_app
    from chanflow.operations.chat import no_planner

    hosts = LOOPBACK_NAMES | {shown}
    app = build_app(services, allowed_hosts=hosts, open_planner=open_planner or no_planner)
    listen(app, host=host, port=port, out=out, paths="API /api/v2/docs, MCP /mcp")


def listen(app: ASGIApp, *, host: str, port: int, out: TextIO, paths: str) -> None:
    """Serve an application until interrupted; once it listens, write the address and `paths` to `out`."""
    import uvicorn

    from chanflow.interfaces.ws.wire import SOCKET_WIRE

    shown = f"[{host}]" if ":" in host else host

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.should_exit:
                return
            bound = self.servers[0].sockets[0].getsockname()[1]
            out.write(f"chanflow listens on http://{shown}:{bound}/ ({paths})\n")
            out.flush()

    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=5, **SOCKET_WIRE
    )
    try:
        Announced(config).run()
    except KeyboardInterrupt:
        return


def mcp_stdio(services: Services) -> None:
    """Serve MCP on standard input and output until the input ends."""
    from chanflow.interfaces.mcp.stdio import run_stdio

    run_stdio(services)
