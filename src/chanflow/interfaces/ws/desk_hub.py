"""Carries what the running desk writes into its journal to the sockets that asked: one reader, one encoding an event.

The newest events are kept in memory, so that whoever comes back is given what it missed: up to 10,000 of them, of 24
hours of the desk's time. A subscription joins the live ones in the very step in which nothing is left to read.
"""

from __future__ import annotations

import asyncio
import json
import logging
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio.to_thread

from chanflow.domain.errors import ChanflowError
from chanflow.domain.time import NS_PER_DAY, Clock, parse_rfc3339
from chanflow.domain.told import Told
from chanflow.interfaces.ws.channels import CHANNEL_OF, Channel
from chanflow.interfaces.ws.cursor import CursorExpired, desk_cursor, place_of
from chanflow.interfaces.ws.listening import Listening
from chanflow.interfaces.ws.waking import woken_or
from chanflow.operations.desk_log import DeskLog

PAGE = 2_000
MAX_KEPT = 10_000
MAX_KEPT_BYTES = 32 << 20
KEPT_NS = NS_PER_DAY
_STEP = 1_000
"""So many forgotten events are let go of at once."""
POLL_NS = 100_000_000
"""How often the journal is looked at for what another process wrote; what this one writes is carried at once."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class DeskEvent:
    """A record that has a channel, encoded once. `place` is its position in the log of all runs."""

    place: int
    at_ns: int
    channel: Channel
    symbol: str | None
    cursor: str
    tail: str


class DeskHub:
    """The sockets' side of the desk's journal, for one process. Belongs to the event loop that runs it."""

    def __init__(self, log: DeskLog, clock: Clock, on_told: Callable[[Told], None] = lambda _: None) -> None:
        self._log, self._tail, self._clock, self._on_told = log, log.tail(), clock, on_told
        self._woken = asyncio.Event()
        self._events: list[DeskEvent] = []
        self._first = self._bytes = 0
        self._listening: dict[Channel, set[Listening]] = {}
        self._begun = False
        self._carrying = asyncio.Lock()
        self._floor = self.place = 0
        """Events at or before the floor are forgotten; `place` is how far the journal was read."""

    async def run(self) -> None:
        """Carry what is written until cancelled. What cannot be read is logged once, and tried again."""
        self._log.listen(self._woken.set)
        failed = False
        try:
            while True:
                self._woken.clear()
                try:
                    await self.carry()
                    failed = False
                except ChanflowError:
                    if not failed:
                        _log.warning("the desk's journal could not be read", exc_info=True)
                    failed = True
                await woken_or(self._woken, self._clock, POLL_NS)
        finally:
            self._log.unlisten(self._woken.set)

    async def carry(self) -> None:
        """Carry all that was written since the last time. Raises JournalCorrupt."""
        async with self._carrying:
            while page := await anyio.to_thread.run_sync(partial(self._read, PAGE)):
                first = page[0][0]
                # Before the first record of the first run there was nothing.
                if not self._begun and (first.run, first.seq) != (1, 0):
                    self._floor = place_of(first.run, first.seq) - 1
                self._begun = True
                for told, event in page:
                    self.place = place_of(told.run, told.seq)
                    self._on_told(told)
                    if event is not None:
                        self._give(event)
            self._begun = True

    def _read(self, most: int) -> Sequence[tuple[Told, DeskEvent | None]]:
        """Read and encode a page, in a thread."""
        return [(told, event_of(told)) for told in self._tail.read(most)]

    def _give(self, event: DeskEvent) -> None:
        self._events.append(event)
        self._bytes += len(event.tail)
        while self._too_many(event.at_ns):
            forgotten = self._events[self._first]
            self._bytes, self._floor, self._first = self._bytes - len(forgotten.tail), forgotten.place, self._first + 1
        if self._first > _STEP:
            del self._events[: self._first]
            self._first = 0
        for to in list(self._listening.get(event.channel, ())):
            give(to, event)

    def _too_many(self, now_ns: int) -> bool:
        return (
            len(self._events) - self._first > MAX_KEPT or self._bytes > MAX_KEPT_BYTES
            or self._events[self._first].at_ns < now_ns - KEPT_NS
        )  # fmt: skip

    async def start_at(self, after: int | None) -> int:
        """Return where a subscription begins: now, or at a place.

        Raises CursorExpired; ValueError for a place beyond the journal; JournalCorrupt.
        """
        await self.carry()
        if after is None:
            return self.place
        if after > self.place:
            raise ValueError("after lies beyond the journal")
        if after < self._floor:
            raise CursorExpired
        return after

    async def join(self, to: Listening) -> None:
        """Give a subscription what it has not seen, then all that comes."""
        while to.seq < self.place:
            upto = self.place
            if to.seq < self._floor:
                to.outbox.overflow()  # what it waits for is forgotten: it reads too slowly
                return
            first = bisect_right(self._events, to.seq, lo=self._first, key=lambda each: each.place)
            for event in self._events[first:]:
                await to.outbox.room()
                if to.left or to.outbox.closed:
                    return
                give(to, event)
            to.seq = max(to.seq, upto)
        if not to.left:
            self._listening.setdefault(to.channel, set()).add(to)

    def leave(self, to: Listening) -> None:
        """Give a subscription nothing more."""
        to.left = True
        self._listening.get(to.channel, set()).discard(to)


def give(to: Listening, event: DeskEvent) -> None:
    """Put an event into a subscription's outbox, if it is for it and it has not had it."""
    if event.place <= to.seq or to.left:
        return
    to.seq = event.place
    if event.channel != to.channel:
        return
    # What names no symbol is of the whole desk.
    if not to.wanted.symbols or event.symbol is None or event.symbol in to.wanted.symbols:
        to.outbox.put(to.head, event.tail, mark=to.mark, cursor=event.cursor)


def event_of(told: Told) -> DeskEvent | None:
    """Return the event of a record, None for one that has no channel."""
    channel = CHANNEL_OF.get(told.kind)
    if channel is None:
        return None
    place = place_of(told.run, told.seq)
    cursor, body = desk_cursor(place), told.body
    data: dict[str, Any] = {
        "event": told.kind, "at": told.at, "correlation_id": told.correlation_id, "body": body,
    }  # fmt: skip
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    symbol = body.get("symbol") if isinstance(body, dict) else None
    return DeskEvent(
        place, parse_rfc3339(told.at), channel, symbol if isinstance(symbol, str) else None, cursor,
        f'"{cursor}","data":{text}}}}}',
    )  # fmt: skip
