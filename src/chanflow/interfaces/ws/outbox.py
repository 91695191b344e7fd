"""What waits to be sent over one socket: bounded, in order, and never dropped in silence."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

MAX_MESSAGES = 1_000
MAX_BYTES = 1 << 20


@dataclass(eq=False, slots=True)
class Mark:
    """Where a subscription stands: the cursor of what was sent last."""

    cursor: str


@dataclass(eq=False, slots=True)
class _Waiting:
    """A message in two parts: the second is one text for all the sockets it goes to."""

    head: str
    tail: str
    mark: Mark | None
    cursor: str
    key: Hashable | None


class Outbox:
    """The messages of one socket. A reader that is too slow for the bound is closed, not skipped.

    What only the newest of counts is put under a key: there it replaces what still waits, beside the bound.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._latest: dict[Hashable, _Waiting] = {}
        self._count = self._bytes = 0
        self._moved = asyncio.Event()
        self.overflowed = False
        """Whether more came than is kept."""
        self.closed = False
        """Whether nothing is taken any more."""

    def close(self) -> None:
        """Take and send nothing more."""
        self.closed = True
        self._moved.set()

    def overflow(self) -> None:
        """Say that something could not be kept, and take nothing more."""
        self.overflowed = True
        self.close()

    @property
    def free(self) -> bool:
        """Whether half of the room is left: what is read from the log waits for that."""
        return self._count <= MAX_MESSAGES // 2 and self._bytes <= MAX_BYTES // 2

    def put(self, head: str, tail: str = "", *, mark: Mark | None = None, cursor: str = "") -> bool:
        """Take a message of ASCII text, whose cursor its subscription's mark gets when it is sent.

        Returns False where there is no room for it.
        """
        if self.closed:
            return False
        size = len(head) + len(tail)
        if self._count >= MAX_MESSAGES or self._bytes + size > MAX_BYTES:
            self.overflow()
            return False
        self._waiting.append(_Waiting(head, tail, mark, cursor, None))
        self._count, self._bytes = self._count + 1, self._bytes + size
        self._moved.set()
        return True

    def put_latest(self, key: Hashable, head: str, tail: str) -> None:
        """Take a message in place of the one that waits under its key."""
        if self.closed:
            return
        if (waiting := self._latest.get(key)) is not None:
            waiting.head, waiting.tail = head, tail
            return
        self._latest[key] = waiting = _Waiting(head, tail, None, "", key)
        self._waiting.append(waiting)
        self._moved.set()

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
            waiting = self._waiting.popleft()
            if waiting.key is None:
                self._count, self._bytes = self._count - 1, self._bytes - len(waiting.head) - len(waiting.tail)
            else:
                del self._latest[waiting.key]
            self._moved.set()
            # The mark moves first: what was handed over goes out before the close that names it.
            if waiting.mark is not None:
                waiting.mark.cursor = waiting.cursor
            await send(waiting.head + waiting.tail)
