"""Joins the channels to where their events come from. What nobody listens to is not begun."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from chanflow.interfaces.ws.channels import TERMS, Channel
from chanflow.interfaces.ws.cursor import desk_cursor, desk_place
from chanflow.interfaces.ws.desk_hub import DeskHub
from chanflow.interfaces.ws.hub import Hub
from chanflow.interfaces.ws.listening import Listening
from chanflow.interfaces.ws.state_hub import StateHub
from chanflow.interfaces.ws.states import States
from chanflow.operations.alert_cursor import cursor_of, seq_of
from chanflow.operations.alert_watch import AlertWatch
from chanflow.operations.outcome import Declined
from chanflow.operations.services import Services
from chanflow.runtime.alert_book import AlertBook


class Switchboard:
    """The hubs of one process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        states = States(services)
        self._alerts: Hub | None = None
        self._desk = DeskHub(services.log, services.clock, states.hear)
        self._states = StateHub(states.look, services.clock)
        self._working: dict[str, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Watch for alerts and carry events while the block lasts, alerts where this desk keeps any."""
        services = self._services
        try:
            if isinstance(services.alerts, AlertBook):
                async with services.alerts.keeping():
                    hub = Hub(services.alerts, services.clock)
                    await hub.begin()
                    self._alerts = hub
                    self._work("alerts", hub.run())
                    self._work("watch", AlertWatch(services, services.alerts).run())
                    try:
                        yield
                    finally:
                        await self._stop()
            else:
                yield
        finally:
            await self._stop()

    def _work(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._working[name] = asyncio.create_task(work)

    async def _stop(self) -> None:
        self._alerts = None
        working, self._working = list(self._working.values()), {}
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    async def begin(self, channel: Channel) -> None:
        """Begin to carry a channel, if that was not begun. Raises Declined where this desk has it not; JournalCorrupt.

        The desk's journal is read up to now.
        """
        stream = TERMS[channel].stream
        if stream == "alerts":
            if self._alerts is None:
                raise Declined("not_found", "this desk keeps no alerts, so nothing can be pushed", field="channel")
            return
        if stream == "desk" or channel == "health":
            await self._desk.carry()
            if "desk" not in self._working:
                self._work("desk", self._desk.run())
        if stream == "state" and "state" not in self._working:
            self._work("state", self._states.run())

    async def start_at(self, channel: Channel, after: str | None) -> tuple[int, str | None]:
        """Return where a subscription begins, and that as a cursor: now, or at one.

        Raises CursorExpired; ValueError for a cursor that is none of the channel's; StorageUnwritable, JournalCorrupt.
        """
        match TERMS[channel].stream:
            case "alerts":
                assert self._alerts is not None
                seq = await self._alerts.start_at(None if after is None else seq_of(after))
                return seq, cursor_of(seq)
            case "desk":
                place = await self._desk.start_at(None if after is None else desk_place(after))
                return place, desk_cursor(place)
        if after is not None:
            raise ValueError(f"channel {channel} tells how things stand now, it takes no after")
        return 0, None

    async def join(self, to: Listening) -> None:
        """Give a subscription what it has not seen, then all that comes. Raises StorageUnwritable."""
        match TERMS[to.channel].stream:
            case "alerts":
                assert self._alerts is not None
                await self._alerts.join(to)
            case "desk":
                await self._desk.join(to)
            case "state":
                await self._states.join(to)

    def leave(self, to: Listening) -> None:
        """Give a subscription nothing more."""
        match TERMS[to.channel].stream:
            case "alerts":
                to.left = True
                if self._alerts is not None:
                    self._alerts.leave(to)
            case "desk":
                self._desk.leave(to)
            case "state":
                self._states.leave(to)
