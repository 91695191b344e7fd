"""How sockets travel: what a server that carries them is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def quiet_refusals() -> Iterator[None]:
    """While the block lasts, keep the server from logging each handshake as an error that was refused with an answer.

    uvicorn takes such an answer for none at all, and strangers would fill the log.
    """
    logger = logging.getLogger("uvicorn.error")
    logger.addFilter(_no_refusal)
    try:
        yield
    finally:
        logger.removeFilter(_no_refusal)


def _no_refusal(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("ASGI callable returned without completing handshake")
