"""What waits to be sent over one socket: bounded, in order, and never dropped in silence."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any

MAX_MESSAGES = 1_000
MAX_BYTES = 1 << 20


@dataclass(eq=False, slots=True)
class Mark:
    """Where a subscription stands: the cursor of what was sent last."""

    cursor: str


class Outbox:
    """The messages of one socket. A reader that is too slow for the bound is closed, not skipped.

    What only the newest of counts is put under a key: there it replaces what still waits, beside the bound.
    """

    def __init__(self) -> None:
        # Four entries a message: head, tail, mark, cursor; of a keyed one None, None, None and its key. Nothing is made
        # for a message that waits: a thousand sockets' worth of objects at once makes the collector walk the heap.
        self._waiting: deque[Any] = deque()
        self._latest: dict[Hashable, tuple[str, str]] = {}
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
        """Take a message of ASCII text in two parts, the second one text for all sockets.

        Its cursor is what its subscription's mark gets when it is sent. Returns False where there is no room for it.
        """
        if self.closed:
            return False
        size = len(head) + len(tail)
        if self._count >= MAX_MESSAGES or self._bytes + size > MAX_BYTES:
            self.overflow()
            return False
        self._waiting.extend((head, tail, mark, cursor))
        self._count, self._bytes = self._count + 1, self._bytes + size
        self._moved.set()
        return True

    def put_latest(self, key: Hashable, head: str, tail: str) -> None:
        """Take a message in place of the one that waits under its key."""
        if self.closed:
            return
        if key not in self._latest:
            self._waiting.extend((None, None, None, key))
            self._moved.set()
        self._latest[key] = (head, tail)

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
            take = self._waiting.popleft
            head, tail, mark, cursor = take(), take(), take(), take()
            if head is None:
                head, tail = self._latest.pop(cursor)
            else:
                self._count, self._bytes = self._count - 1, self._bytes - len(head) - len(tail)
            self._moved.set()
            # The mark moves first: what was handed over goes out before the close that names it.
            if mark is not None:
                mark.cursor = cursor
            await send(head + tail)
