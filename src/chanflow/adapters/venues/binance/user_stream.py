"""The user stream of Binance USD-M: a listen key kept alive, a socket kept open, and every loss told as a gap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from chanflow.adapters.transport.allowance import Urgency
from chanflow.adapters.transport.bodies import checked
from chanflow.adapters.transport.venue_rest import VenueRest
from chanflow.adapters.venues.binance.events import Heard, Reader
from chanflow.domain.errors import VenueBusy
from chanflow.domain.time import Clock
from chanflow.execution.ports import Accepted, Action, VenueEvent, VenueRefused
from chanflow.market.ports import Connection

KEEP_ALIVE_S: Final = 20 * 60
"""A listen key lives for 60 min after it was last asked for."""


class UserStream:
    """A `Talk`: gets a key before each connection, reads what comes, and says when something may have been missed."""

    ping: bytes | None = None

    def __init__(self, rest: VenueRest, reader: Reader, base: str, clock: Clock, hear: Callable[[Heard], None]) -> None:
        self._rest, self._reader, self._base, self._clock, self._hear = rest, reader, base, clock, hear
        self._lost: str | None = None
        self.connected = asyncio.Event()

    async def address(self) -> str:
        """Return the socket's address with a key of now. Raises VenueBusy where none can be had."""
        body = await self._rest.question("listenKey", {}, weight=1, urgency=Urgency.PROTECT, method="POST")
        if isinstance(body, VenueRefused):
            raise VenueBusy(f"no listen key: {body.code}: {body.message}")
        try:
            key = checked("listenKey", lambda: str(body["listenKey"]))
        except ValueError as fault:
            raise VenueBusy(str(fault)) from fault
        return f"{self._base}/private/ws?listenKey={key}"

    def opened(self, connection: Connection) -> None:  # noqa: ARG002 - the address says it all
        """Tell of the gap that this connection ends, if it is not the first."""
        self.connected.set()
        if self._lost is not None:
            self._gap(f"the user stream is back after: {self._lost}")
            self._lost = None

    def frame(self, payload: bytes, recv_ns: int) -> str | None:
        """Take one frame; one that cannot be read may have told of anything, and is a gap."""
        try:
            heard = self._reader.take(payload, recv_ns)
        except ValueError as fault:
            self._gap(f"a frame of the user stream could not be read: {fault}")
            return None
        self._hear(heard)
        return "the listen key has expired" if heard.key_gone else None

    def lost(self, reason: str) -> None:
        """Remember that events may be missed from here on."""
        self.connected.clear()
        self._lost = self._lost or reason

    async def keep_alive(self) -> bool:
        """Ask for another hour of the key; False where it is gone already."""
        outcome, _ = await self._rest.command("PUT", "listenKey", {}, urgency=Urgency.PROTECT)
        return isinstance(outcome, Accepted) or getattr(outcome, "action", None) is not Action.NEW_LISTEN_KEY

    def _gap(self, detail: str) -> None:
        now_ns = self._clock.now_ns()
        self._hear(Heard((VenueEvent("gap", "", now_ns, now_ns, Decimal(0), detail=detail),)))
