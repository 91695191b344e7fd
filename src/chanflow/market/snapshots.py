"""What is asked of REST: whole books for those who lost theirs, then trades that were missed, within one limit.

Books are fetched for the longest without first. Holes in aggregate trades are filled when no book is due.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from chanflow.domain.time import NS_PER_S, Clock
from chanflow.market.backoff import TokenBucket
from chanflow.market.ports import MarketVenue, RestClient, RestReply

SNAPSHOTS_PER_MIN = 60
RETRY_S = 1.0
"""A symbol is not asked for again before this, so that one too old does not take the others' turns."""

NO_RETRY_AFTER_S = {418: 120.0, 429: 10.0}
"""How long the queue stands when the venue names no time."""


MAX_HOLES = 64
"""Holes that wait; the intake remembers no more of a stream."""

MAX_TRIES = 5
"""How often a hole is asked for when the venue does not answer."""


@dataclass(slots=True)
class _Hole:
    """Ids of aggregate trades that did not come, first and last."""

    symbol: str
    from_id: int
    to_id: int
    tries: int = 0
    not_before_ns: int = 0


class SnapshotDesk:
    """Fetches snapshots and missed trades: `deliver(symbol, frame)` takes the former, `fill` the latter."""

    def __init__(
        self,
        venue: MarketVenue,
        rest: RestClient,
        clock: Clock,
        deliver: Callable[[str, bytes], None],
        fill: Callable[[str, bytes], None] = lambda _symbol, _frame: None,
    ) -> None:
        self._venue, self._rest, self._clock, self._deliver, self._fill = venue, rest, clock, deliver, fill
        self._holes: deque[_Hole] = deque(maxlen=MAX_HOLES)
        self._bucket = TokenBucket(clock, size=SNAPSHOTS_PER_MIN, span_s=60.0)
        self._wanted: dict[str, int] = {}
        self._not_before: dict[str, int] = {}
        self._asked = asyncio.Event()
        self.fetched = 0
        self.refused = 0
        self.faults = 0
        self.filled = 0

    @property
    def stopped_until_ns(self) -> int:
        """Until when the venue lets us ask nothing, 0 when it never said so."""
        return self._bucket.stopped_until_ns

    def want(self, wanted: dict[str, int]) -> None:
        """Learn which symbols are without a book, and since when in Unix ns."""
        self._wanted = wanted
        if wanted or self._holes:
            self._asked.set()

    def miss(self, symbol: str, from_id: int, to_id: int) -> None:
        """Learn that aggregate trades of these ids, both included, did not come."""
        if from_id <= to_id and self._venue.missed_trades(symbol, from_id) is not None:
            self._holes.append(_Hole(symbol, from_id, to_id))
            self._asked.set()

    async def run(self) -> None:
        """Fetch until cancelled."""
        while True:
            await self._asked.wait()
            symbol, hole = self._next(), self._next_hole()
            if symbol is None and hole is None:
                self._asked.clear()
                continue
            await self._bucket.take()
            if symbol is not None:
                await self._fetch(symbol)
            elif hole is not None:
                await self._ask_for(hole)

    def _next(self) -> str | None:
        now_ns = self._clock.now_ns()
        due = [(since, name) for name, since in self._wanted.items() if self._not_before.get(name, 0) <= now_ns]
        return min(due)[1] if due else None

    def _next_hole(self) -> _Hole | None:
        now_ns = self._clock.now_ns()
        return next((hole for hole in self._holes if hole.not_before_ns <= now_ns), None)

    async def _ask_for(self, hole: _Hole) -> None:
        """Ask for the next trades of a hole; a part of them brings it nearer to its end."""
        request = self._venue.missed_trades(hole.symbol, hole.from_id)
        if request is None:
            return
        reply = await self._rest.ask(request)
        if self._is_refused(reply):
            return
        found: tuple[tuple[int, bytes], ...] = ()
        if reply.status == 200:
            try:
                found = self._venue.trade_frames(hole.symbol, reply.body)
            except ValueError:
                found = ()
        wanted = [(number, frame) for number, frame in found if hole.from_id <= number <= hole.to_id]
        for _, frame in wanted:
            self._fill(hole.symbol, frame)
        self.filled += len(wanted)
        if wanted:
            hole.tries = 0
            hole.from_id = max(number for number, _ in wanted) + 1
        else:
            self.faults += reply.status != 200
            hole.tries += 1
            hole.not_before_ns = self._clock.now_ns() + int(RETRY_S * NS_PER_S) * 2**hole.tries
        if (hole.from_id > hole.to_id or hole.tries >= MAX_TRIES) and hole in self._holes:
            self._holes.remove(hole)

    def _is_refused(self, reply: RestReply) -> bool:
        """Return whether the venue wants to be left alone, and stop the queue for as long."""
        if reply.status not in NO_RETRY_AFTER_S:
            return False
        self.refused += 1
        self._bucket.stop_until(self._clock.now_ns() + int(retry_after_s(reply, self._clock) * NS_PER_S))
        return True

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
        elif not self._is_refused(reply):
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
