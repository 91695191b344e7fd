"""The account's streams as one sequence of events: subscribe, name, order, tell; a gap after each reconnection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any, Final

from chanflow.adapters.venues.hyperliquid.client import Client
from chanflow.adapters.venues.hyperliquid.parse import FillRow, OrderRow, fill_rows, order_row, reading
from chanflow.adapters.venues.hyperliquid.socket import UserSocket
from chanflow.adapters.venues.hyperliquid.stream import UserStream
from chanflow.domain.errors import VenueBusy
from chanflow.domain.time import Clock
from chanflow.execution.ports import VenueEvent
from chanflow.market.ports import Connector

STREAMS: Final = ("orderUpdates", "userFills", "userFundings")


class Hearing:
    """Reads the user's socket from `start` to `close`. `subscribed` is set while every stream is confirmed."""

    def __init__(
        self, client: Client, connector: Connector, clock: Clock, random: Random, stream: UserStream,
        named: Callable[[OrderRow | FillRow], Awaitable[str]],
    ) -> None:  # fmt: skip
        self._clock = clock
        self._stream = stream
        self._named = named
        streams = tuple({"type": kind, "user": client.master} for kind in STREAMS)
        self._socket = UserSocket(client.socket_url, streams, connector, clock, random)
        self.subscribed = asyncio.Event()
        self._told: asyncio.Queue[VenueEvent | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._connected = 0
        self._confirmed = 0

    def tell(self, events: Iterable[VenueEvent]) -> None:
        """Put events where `events` finds them."""
        for event in events:
            self._told.put_nowait(event)

    def start(self) -> None:
        """Open the socket and keep it open."""
        if self._task is None:
            self._task = asyncio.create_task(self._socket.run(self._opened, self._take))

    async def events(self) -> AsyncIterator[VenueEvent]:
        """Yield events as they are heard, until `close`."""
        self.start()
        while self._task is not None:
            heard = asyncio.ensure_future(self._told.get())
            done, _ = await asyncio.wait({heard, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if heard not in done:
                heard.cancel()
                if not self._task.cancelled():
                    # It runs until it is closed, so it has failed: that is not to be silent.
                    self._task.result()
                return
            event = heard.result()
            if event is None:
                return
            yield event

    async def close(self) -> None:
        """End the socket, and with it the events."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._told.put_nowait(None)

    async def _opened(self) -> None:
        self._connected += 1
        self._confirmed = 0
        self.subscribed.clear()
        if self._connected > 1:
            self._say("gap", "the user's socket was opened again")

    def _say(self, kind: Any, detail: str) -> None:
        now_ns = self._clock.now_ns()
        self.tell([VenueEvent(kind, "", now_ns, now_ns, Decimal(0), detail=detail)])

    async def _take(self, message: Mapping[str, Any], recv_ns: int) -> None:
        """Take one message. What cannot be read, or not be named, is a gap: something was said that was not heard."""
        try:
            self.tell(await self._events_of(message, recv_ns))
        except VenueBusy as fault:
            self._say("gap", str(fault))

    async def _events_of(self, message: Mapping[str, Any], recv_ns: int) -> Sequence[VenueEvent]:
        channel, data = message.get("channel"), message.get("data")
        if channel == "subscriptionResponse":
            self._confirmed += 1
            if self._confirmed == len(STREAMS):
                self.subscribed.set()
            return ()
        if channel == "orderUpdates":
            with reading("orderUpdates"):
                rows = [order_row(row["order"], row["status"], int(row["statusTimestamp"])) for row in data or ()]
            await self._name(rows)
            return [event for row in rows for event in self._stream.update(row, recv_ns)]
        if channel == "userFills" and isinstance(data, Mapping):
            with reading("userFills"):
                fills = fill_rows(data["fills"])
            if data.get("isSnapshot"):
                return self._stream.snapshot(fills, recv_ns)
            await self._name(fills)
            return [event for row in fills for event in self._stream.fill(row, recv_ns)]
        if channel == "userFundings" and isinstance(data, Mapping) and not data.get("isSnapshot"):
            self._say("account", "funding was paid")
        return ()

    async def _name(self, rows: Sequence[OrderRow | FillRow]) -> None:
        for row in rows:
            await self._named(row)
