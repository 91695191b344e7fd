"""Carries the log of what happened to the sockets that asked: one reader, one encoding an event, any number of sockets.

A subscription first reads the log from its cursor, as fast as its socket takes it, and joins the live ones in the very
step in which it has nothing left to read: so there is no hole and no double at the seam.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chanflow.domain.errors import ChanflowError
from chanflow.domain.time import NS_PER_DAY, NS_PER_MS, Clock
from chanflow.domain.watch_alert import Logged, SeriesMark
from chanflow.interfaces.ws.cursor import CursorExpired
from chanflow.interfaces.ws.listening import Filter, Listening
from chanflow.interfaces.ws.waking import woken_or
from chanflow.operations.alert_cursor import cursor_of
from chanflow.runtime.alert_book import AlertBook

if TYPE_CHECKING:
    from chanflow.adapters.storage.alert_store import SqlAlerts

PAGE = 500
MAX_REPLAY = 10_000
REPLAY_NS = NS_PER_DAY
RENEW_NS = NS_PER_DAY // 24
POLL_NS = 500_000_000
"""How often the log is looked at for what other processes wrote; what this one writes is carried at once."""

STATES: Mapping[str, str] = {"new": "provisional", "confirmed": "confirmed", "void": "void"}

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Pushed:
    """An event on its way: its body is encoded once, for all."""

    logged: Logged
    hits: tuple[tuple[str, str], ...]
    """The alerts that it is for, each with its account."""
    _text: str | None = None

    def say(self, to: Listening, alerts: tuple[str, ...]) -> None:
        """Put the message for one subscription into its outbox."""
        cursor = cursor_of(self.logged.seq)
        if self._text is None:
            body = json.dumps(self.logged.happening.body, allow_nan=False, separators=(",", ":"))
            self._text = f'"{cursor}","data":{body}}}}}'
        named = to.channel == "alerts"
        tail = f'{self._text[:-2]},"alerts":{json.dumps(alerts)}}}}}' if named else self._text
        to.outbox.put(to.head, tail, mark=to.mark, cursor=cursor)


class Hub:
    """The sockets' side of the log, for one process. Belongs to the event loop that runs it."""

    def __init__(self, book: AlertBook, clock: Clock) -> None:
        self._book, self._clock = book, clock
        self._woken = asyncio.Event()
        self._points: dict[tuple[str, str], set[Listening]] = {}
        self._alerts: dict[str, set[Listening]] = {}
        self._renewed_ns = clock.now_ns()
        self.seq = 0
        """The last number of the log that was carried."""

    async def begin(self) -> None:
        """Begin at the end of the log. Raises StorageUnwritable."""
        async with self._book.open() as store:
            self.seq = await store.head()

    async def run(self) -> None:
        """Carry what is written until cancelled."""
        self._book.listen(self._woken.set)
        try:
            while True:
                self._woken.clear()
                try:
                    await self.carry()
                    await self._renew()
                except ChanflowError:
                    _log.warning("the log of alerts could not be read", exc_info=True)
                await woken_or(self._woken, self._clock, POLL_NS)
        finally:
            self._book.unlisten(self._woken.set)

    async def carry(self) -> None:
        """Carry all that was written since the last time."""
        while True:
            async with self._book.open() as store:
                page = await pushed(store, self.seq, upto=None)
            if not page:
                return
            for each in page:
                self._give(each)

    async def _renew(self) -> None:
        """Keep the bars of open subscriptions watched, for a day beyond their sockets' end."""
        now_ns = self._clock.now_ns()
        if now_ns - self._renewed_ns < RENEW_NS:
            return
        self._renewed_ns = now_ns
        async with self._book.open() as store:
            for (symbol, level), listening in sorted(self._points.items()):
                if listening:
                    await store.want(SeriesMark(symbol, level, now_ns // NS_PER_MS), now_ns + REPLAY_NS)

    def _give(self, event: Pushed) -> None:
        self.seq = event.logged.seq
        for to in list(self._listening(event)):
            give(to, event)

    def _listening(self, event: Pushed) -> Iterator[Listening]:
        happening = event.logged.happening
        if happening.kind == "buy_sell_points":
            yield from self._points.get((happening.symbol or "", happening.level or ""), ())
        for account in sorted({account for _, account in event.hits}):
            yield from self._alerts.get(account, ())

    async def join(self, to: Listening) -> None:
        """Give a subscription what it has not seen, then all that comes."""
        while to.seq < self.seq:
            upto = self.seq
            async with self._book.open() as store:
                page = await pushed(store, to.seq, upto=upto)
            for each in page:
                await to.outbox.room()
                give(to, each)
            to.seq = page[-1].logged.seq if len(page) == PAGE else upto
            if to.left or to.outbox.closed:
                return
        if to.left:
            return
        for key in self._keys(to):
            key.add(to)

    def leave(self, to: Listening) -> None:
        """Give a subscription nothing more, not even what it is still reading of the log."""
        to.left = True
        for symbol in to.wanted.symbols:
            self._points.get((symbol, to.wanted.level), set()).discard(to)
        self._alerts.get(to.account, set()).discard(to)

    def _keys(self, to: Listening) -> list[set[Listening]]:
        if to.channel == "alerts":
            return [self._alerts.setdefault(to.account, set())]
        return [self._points.setdefault((symbol, to.wanted.level), set()) for symbol in to.wanted.symbols]

    async def start_at(self, after: int | None) -> int:
        """Return where a subscription begins: now, or at a cursor. Raises CursorExpired; ValueError if none of ours."""
        if after is None or after == self.seq:
            return self.seq
        async with self._book.open() as store:
            head = await store.head()
            if after > head:
                raise ValueError("after lies beyond the log")
            first = await store.first_since(self._clock.now_ns() - REPLAY_NS)
        oldest = head + 1 if first is None else first
        if after < oldest - 1 or head - after > MAX_REPLAY:
            raise CursorExpired
        return after


def give(to: Listening, event: Pushed) -> None:
    """Put an event into a subscription's outbox, if it is for it and it has not had it."""
    if event.logged.seq <= to.seq or to.left:
        return
    to.seq = event.logged.seq
    if to.channel == "alerts":
        mine = tuple(name for name, account in event.hits if account == to.account)
        mine = tuple(name for name in mine if not to.wanted.alerts or name in to.wanted.alerts)
        if mine:
            event.say(to, mine)
    elif _fits(to.wanted, event):
        event.say(to, ())


def _fits(wanted: Filter, event: Pushed) -> bool:
    happening = event.logged.happening
    return (
        happening.kind == "buy_sell_points"
        and happening.symbol in wanted.symbols
        and happening.level == wanted.level
        and (not wanted.types or happening.type in wanted.types)
        and (not wanted.states or STATES[happening.body["event"]] in wanted.states)
    )


async def pushed(store: SqlAlerts, after: int, *, upto: int | None) -> list[Pushed]:
    """Return a page of the log after a number, with the alerts that each row is for."""
    page = await store.events(after, upto=upto, limit=PAGE)
    if not page:
        return []
    hits = await store.hits(page[0].seq, page[-1].seq)
    return [Pushed(each, tuple(hits.get(each.seq, ()))) for each in page]
