"""`chanflow serve`: REST and MCP over HTTP; `chanflow mcp`: MCP over standard input and output."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

    from chanflow.interfaces.rest.frontage import Frontage
    from chanflow.operations.chat import OpenPlanner
    from chanflow.operations.services import Services


def serve(
    services: Services, *, host: str = "127.0.0.1", port: int = 8000, out: TextIO,
    open_planner: OpenPlanner | None = None, frontage: Frontage | None = None,
) -> None:  # fmt: skip
    """Serve until interrupted; once it listens, write the address to `out`. Port 0 takes a free one.

    `open_planner` gives the chat its model; without one the grammar answers. `frontage` says how the desk is reached;
    without one it is for its own machine, at `host`.

    Raises SettingsInvalid for a host beyond loopback without a frontage, and SystemExit when the port is taken.
    """
    from chanflow.interfaces.rest.frontage import LOOPBACK_NAMES, Frontage, loopback_host

    if frontage is None:
        host = loopback_host(host)
        frontage = Frontage(host, LOOPBACK_NAMES | {f"[{host}]" if ":" in host else host})

    from chanflow.interfaces.rest.app import build_app
    from chanflow.operations.chat import no_planner

    app = build_app(services, frontage=frontage, open_planner=open_planner or no_planner)
    listen(app, host=frontage.host, port=port, out=out, paths="API /api/v2/docs, MCP /mcp", tls=frontage.tls)


def listen(app: ASGIApp, *, host: str, port: int, out: TextIO, paths: str, tls: tuple[str, str] | None = None) -> None:
    """Serve an application until interrupted; once it listens, write the address and `paths` to `out`.

    `tls` are the files of a certificate and its key.
    """
    import uvicorn

    from chanflow.interfaces.rest.patience import PatientH11
    from chanflow.interfaces.ws.wire import SOCKET_WIRE

    shown = f"[{host}]" if ":" in host else host
    scheme, (cert, key) = ("https", tls) if tls else ("http", (None, None))

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.should_exit:
                return
            bound = self.servers[0].sockets[0].getsockname()[1]
            out.write(f"chanflow listens on {scheme}://{shown}:{bound}/ ({paths})\n")
            out.flush()

    config = uvicorn.Config(
        app, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=5,
        proxy_headers=False, ssl_certfile=cert, ssl_keyfile=key, http=PatientH11, **SOCKET_WIRE,
    )  # fmt: skip
    try:
        Announced(config).run()
    except KeyboardInterrupt:
        return


def mcp_stdio(services: Services, key: str | None = None) -> None:
    """Serve MCP on standard input and output until the input ends, as the owner of `key` or as the operator.

    Raises SettingsInvalid for a key that is not taken.
    """
    from functools import partial

    from chanflow.interfaces.cli.acting import acting_principal
    from chanflow.interfaces.mcp.stdio import run_stdio

    run_stdio(services, partial(acting_principal, services, key))
