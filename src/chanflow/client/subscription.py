"""What a client was told and has not read yet, and from where it goes on.

The desk's log is the buffer. A subscription that is not read takes no more than `ROOM` events; what comes after is
asked for again, from the last one taken, when it has been read.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chanflow.client.fault import ChanflowClientError

if TYPE_CHECKING:
    from chanflow.client.line import Line

ROOM = 1_000


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `cursor` is where to go on from; `alerts` are the ids of those it is for."""

    channel: str
    cursor: str | None
    data: Mapping[str, Any]
    alerts: tuple[str, ...] = ()


@dataclass(eq=False)
class Subscription:
    """What is asked for, what came and was not read yet, and the last cursor taken."""

    line: Line
    channel: str
    chosen: Mapping[str, Any]
    cursor: str | None
    name: str | None = None
    asked: int = 0
    behind: bool = False
    ended: bool = False
    waiting: deque[Event] = field(default_factory=deque)
    fault: ChanflowClientError | None = None
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def begun(self) -> None:
        """Return once the desk has said yes. Raises ChanflowClientError where it says no or is not there."""
        await self.told.wait()
        if self.fault is not None:
            raise self.fault

    async def next(self) -> Event | None:
        """Return the next event, None after the end. Raises ChanflowClientError where the desk gives no more."""
        while not self.waiting:
            if self.fault is not None:
                raise self.fault
            if self.ended:
                return None
            if self.behind:
                await self.line.renew(self)
            self.moved.clear()
            await self.moved.wait()
        return self.waiting.popleft()

    async def end(self) -> None:
        """Give nothing more, and let the desk know."""
        await self.line.leave(self)

    def take(self, event: Event) -> None:
        """Take an event that was not taken before, as long as there is room."""
        if event.cursor is not None and self.cursor is not None and event.cursor <= self.cursor:
            return
        if self.behind or len(self.waiting) >= ROOM:
            self.behind = True
            return
        self.cursor = event.cursor or self.cursor
        self.waiting.append(event)
        self.moved.set()

    def fail(self, fault: ChanflowClientError | None) -> None:
        """Give nothing after what waits, but the fault if there is one."""
        self.fault, self.ended = fault, True
        self.moved.set()
        self.told.set()

    @property
    def words(self) -> dict[str, Any]:
        """The parameters that ask for it, from where it stands."""
        words: dict[str, Any] = {"channel": self.channel}
        if self.chosen:
            words["filter"] = dict(self.chosen)
        return words if self.cursor is None else {**words, "after": self.cursor}
