"""A connection whose next request does not arrive is closed: heads that trickle in would hold sockets for ever.

uvicorn bounds how long a connection idles between requests, and the guard how long a body may take. What neither sees
is a connection that says nothing at first, or writes its head letter by letter.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_HEAD_S = 30.0
"""So long the head of a request may be on its way."""

_ANSWER = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class PatientH11(H11Protocol):
    """HTTP/1.1 as uvicorn reads it, by h11, which refuses what a proxy could read in another way."""

    max_head_s = MAX_HEAD_S
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read on; wait for a head as long as no request is being served."""
        super().data_received(data)
        if self._serves():
            self._stop_waiting()
        elif self._waiting is None:
            self._wait()

    def on_response_complete(self) -> None:
        """Let uvicorn time the pause; from the next byte on it is a head that is waited for."""
        super().on_response_complete()
        self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _serves(self) -> bool:
        cycle: Any = self.cycle  # None before the first request
        upgraded = self.transport.get_protocol() is not self
        return upgraded or (cycle is not None and not cycle.response_complete)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.max_head_s, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _too_slow(self) -> None:
        self._waiting = None
        if not self.transport.is_closing() and not self._serves():
            self.transport.write(_ANSWER)
            self.transport.close()
