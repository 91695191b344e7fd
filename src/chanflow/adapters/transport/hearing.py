"""What a venue has told and nobody has taken yet, and the tasks that listen for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterable
from typing import Any

from chanflow.domain.time import NS_PER_S, Clock
from chanflow.execution.ports import VenueEvent


class Hearing:
    """A line of events for one listener, fed from sockets; it ends when it is closed and empty."""

    def __init__(self) -> None:
        self._heard: deque[VenueEvent] = deque()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    def tell(self, events: Iterable[VenueEvent]) -> None:
        """Add events, in the order in which they were heard."""
        self._heard.extend(events)
        self._news.set()

    def run(self, *work: Coroutine[Any, Any, None]) -> None:
        """Begin tasks that go on until `close`; what was closed is open again."""
        self._closed = False
        self._tasks += [asyncio.create_task(one) for one in work]

    async def events(self) -> AsyncIterator[VenueEvent]:
        """Yield what is told, as it comes."""
        while True:
            while self._heard:
                yield self._heard.popleft()
            if self._closed:
                return
            self._news.clear()
            await self._news.wait()

    async def close(self) -> None:
        """Stop the tasks and let `events` end."""
        self._closed = True
        self._news.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []


async def within(happening: Awaitable[object], seconds: float, clock: Clock) -> bool:
    """Wait for something no longer than so many seconds; returns whether it happened."""
    wanted = asyncio.ensure_future(happening)
    late = asyncio.ensure_future(clock.sleep_until(clock.now_ns() + int(seconds * NS_PER_S)))
    await asyncio.wait((wanted, late), return_when=asyncio.FIRST_COMPLETED)
    happened = wanted.done()
    for wait in (wanted, late):
        wait.cancel()
    await asyncio.gather(wanted, late, return_exceptions=True)
    return happened
