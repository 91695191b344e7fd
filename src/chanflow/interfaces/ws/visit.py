"""One socket that was let in: as whom, whether that still holds, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from chanflow.access.books import AccessBooks
from chanflow.domain.errors import ChanflowError
from chanflow.domain.time import Clock
from chanflow.interfaces.ws.entry import standing
from chanflow.interfaces.ws.places import Place
from chanflow.operations.principal import Principal

NORMAL, NOT_TEXT, POLICY, TOO_BIG, TRY_AGAIN_LATER, LOGGED_OUT = 1000, 1003, 1008, 1009, 1013, 4401
MAX_FRAME = 256_000
_BLIND_LOOKS = 5
"""So many times in a row it may be impossible to see whether someone may stay."""

_log = logging.getLogger(__name__)


class Visit:
    """A socket with its caller. `token` is what was shown, where it can be asked about again; `leave` frees it."""

    def __init__(
        self, socket: WebSocket, principal: Principal, place: Place, books: AccessBooks | None, clock: Clock,
        token: str | None, leave: Callable[[], Awaitable[None]],
    ) -> None:  # fmt: skip
        self.socket, self.principal, self.place = socket, principal, place
        self._books, self._clock, self._token, self._leave = books, clock, token, leave
        self._blind = 0
        self.needed: frozenset[str] = frozenset()
        """The scopes of what is pushed: who loses one of them cannot stay."""
        self.ended = asyncio.Event()
        self.why = (NORMAL, "")
        """The code and words with which it is closed."""

    def end(self, code: int, why: str) -> None:
        """Close the socket soon; the first reason counts."""
        if not self.ended.is_set():
            self.why = (code, why)
            self.ended.set()

    def become(self, principal: Principal, token: str) -> None:
        """Go on under another credential of the same account."""
        self.principal, self._token = principal, token

    async def holds(self) -> bool:
        """Return whether the caller may still be here, now as whoever they became; ends the visit where not.

        Raises StorageUnwritable, StorageBusy.
        """
        if self._books is None:
            return True
        found = await standing(self._books, self.principal, self._token, self._clock.now_ns())
        if found is None or not self.needed <= found.scopes:
            self.end(LOGGED_OUT, "the credential has ended: open another socket with a new one")
            return False
        self.principal = found
        return True

    async def look(self) -> None:
        """See whether the caller may stay, without being asked; where that cannot be seen for long, they may not."""
        try:
            await self.holds()
            self._blind = 0
        except ChanflowError:
            self._blind += 1
            if self._blind >= _BLIND_LOOKS:
                _log.warning("a socket is closed: its credential cannot be looked up", exc_info=True)
                self.end(TRY_AGAIN_LATER, "the credential cannot be looked up now")

    async def frame(self) -> str | None:
        """Return the next text frame, None where the socket ended. Too large or binary ones end it."""
        message = await self.socket.receive()
        if message["type"] != "websocket.receive":
            return None
        text: str | None = message.get("text")
        if text is None:
            self.end(NOT_TEXT, "only text frames are read")
            return None
        if len(text) > MAX_FRAME or len(text.encode()) > MAX_FRAME:
            self.end(TOO_BIG, f"a frame may have {MAX_FRAME} bytes")
            return None
        return text

    async def close(self) -> None:
        """Close the socket with the reason of its end, its place free for whoever then comes back at once."""
        await self._leave()
        with suppress(RuntimeError, WebSocketDisconnect):
            await self.socket.close(*self.why)
