"""How sockets travel: what a server that carries them is told."""

from __future__ import annotations

from typing import TypedDict

from chanflow.interfaces.ws.visit import MAX_FRAME


class Wire(TypedDict):
    """Options of `uvicorn.Config`."""

    ws_max_size: int
    ws_ping_interval: float
    ws_ping_timeout: float
    ws_per_message_deflate: bool


SOCKET_WIRE: Wire = {
    "ws_max_size": MAX_FRAME, "ws_ping_interval": 20.0, "ws_ping_timeout": 20.0, "ws_per_message_deflate": False,
}  # fmt: skip
"""A ping each 20 s, dead 20 s after one that nobody answered; nothing is compressed, as that costs memory a socket."""
