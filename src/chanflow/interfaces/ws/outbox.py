"""What waits to be sent over one socket: bounded, in order, and never dropped in silence."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

MAX_MESSAGES = 1_000
MAX_BYTES = 1 << 20


class Outbox:
    """The messages of one socket. A reader that is too slow for the bound is closed, not skipped."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._bytes = 0
        self._moved = asyncio.Event()
        self.overflowed = False
        """Whether more came than is kept."""
        self.closed = False
        """Whether nothing is taken any more."""

    def close(self) -> None:
        """Take and send nothing more."""
        self.closed = True
        self._moved.set()

    @property
    def free(self) -> bool:
        """Whether half of the room is left: what is read from the log waits for that."""
        return len(self._waiting) <= MAX_MESSAGES // 2 and self._bytes <= MAX_BYTES // 2

    def put(self, text: str) -> bool:
        """Take a message of ASCII text. Returns False where there is no room for it."""
        if self.closed:
            return False
        if len(self._waiting) >= MAX_MESSAGES or self._bytes + len(text) > MAX_BYTES:
            self.overflowed = True
            self.close()
            return False
        self._waiting.append(text)
        self._bytes += len(text)
        self._moved.set()
        return True

    async def room(self) -> None:
        """Return when half of the room is free, or nothing is taken any more."""
        while not self.free and not self.closed:
            self._moved.clear()
            await self._moved.wait()

    async def drain(self, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what comes until there is too much of it, or nothing more is to be sent."""
        while not self.closed:
            if not self._waiting:
                self._moved.clear()
                await self._moved.wait()
                continue
            text = self._waiting.popleft()
            self._bytes -= len(text)
            self._moved.set()
            await send(text)
