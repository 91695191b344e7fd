"""Whole books for those who lost theirs: one queue for all symbols, the longest without first, within the limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from chanflow.domain.time import NS_PER_S, Clock
from chanflow.market.backoff import TokenBucket
from chanflow.market.ports import MarketVenue, RestClient, RestReply

SNAPSHOTS_PER_MIN = 60
RETRY_S = 1.0
"""A symbol is not asked for again before this, so that one too old does not take the others' turns."""

NO_RETRY_AFTER_S = {418: 120.0, 429: 10.0}
"""How long the queue stands when the venue names no time."""


class SnapshotDesk:
    """Fetches snapshots. `deliver(symbol, frame)` takes them."""

    def __init__(
        self, venue: MarketVenue, rest: RestClient, clock: Clock, deliver: Callable[[str, bytes], None]
    ) -> None:
        self._venue, self._rest, self._clock, self._deliver = venue, rest, clock, deliver
        self._bucket = TokenBucket(clock, size=SNAPSHOTS_PER_MIN, span_s=60.0)
        self._wanted: dict[str, int] = {}
        self._not_before: dict[str, int] = {}
        self._asked = asyncio.Event()
        self.fetched = 0
        self.refused = 0
        self.faults = 0

    @property
    def stopped_until_ns(self) -> int:
        """Until when the venue lets us ask nothing, 0 when it never said so."""
        return self._bucket.stopped_until_ns

    def want(self, wanted: dict[str, int]) -> None:
        """Learn which symbols are without a book, and since when in Unix ns."""
        self._wanted = wanted
        if wanted:
            self._asked.set()

    async def run(self) -> None:
        """Fetch until cancelled."""
        while True:
            await self._asked.wait()
            symbol = self._next()
            if symbol is None:
                self._asked.clear()
                continue
            await self._bucket.take()
            await self._fetch(symbol)

    def _next(self) -> str | None:
        now_ns = self._clock.now_ns()
        due = [(since, name) for name, since in self._wanted.items() if self._not_before.get(name, 0) <= now_ns]
        return min(due)[1] if due else None

    async def _fetch(self, symbol: str) -> None:
        request = self._venue.snapshot(symbol)
        self._not_before[symbol] = self._clock.now_ns() + int(RETRY_S * NS_PER_S)
        self._wanted.pop(symbol, None)
        if request is None:
            return
        reply = await self._rest.ask(request)
        self._not_before[symbol] = self._clock.now_ns() + int(RETRY_S * NS_PER_S)
        if reply.status == 200:
            self.fetched += 1
            self._deliver(symbol, self._venue.snapshot_frame(symbol, reply.body))
        elif reply.status in NO_RETRY_AFTER_S:
            self.refused += 1
            self._bucket.stop_until(self._clock.now_ns() + int(retry_after_s(reply, self._clock) * NS_PER_S))
        else:
            self.faults += 1


def retry_after_s(reply: RestReply, clock: Clock) -> float:
    """Return how long a venue that refused wants to be left alone: seconds or a date in `Retry-After`, else our own."""
    text = next((value for name, value in reply.headers.items() if name.lower() == "retry-after"), "")
    if text.strip().isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
        return max(1.0, at.timestamp() - clock.now_ns() / NS_PER_S)
    except (TypeError, ValueError):
        return NO_RETRY_AFTER_S.get(reply.status, 10.0)
