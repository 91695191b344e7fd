"""Candles of every interval from one stream of prices: minutes are built, longer ones are sums of minutes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Final

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
_MINUTES: Final = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480, "12h": 720,
    "1d": 1440, "3d": 4320,
}  # fmt: skip
INTERVALS: Final = (*_MINUTES, "1w", "1M")
"""Every interval that the venue's futures know, shortest first."""

_KEPT_MINUTES: Final = 10_080
_KEPT: Final = 1_500
_MONDAY_MS: Final = 4 * DAY_MS
"""The first Monday of Unix time."""
_MOST_FLAT: Final = 3 * _KEPT_MINUTES
"""Longest silence filled with flat minutes; after a longer one the minutes begin anew."""


@dataclass(slots=True)
class Candle:
    """One candle: integer prices and lots, `quote` in price times lots, `buy_*` what takers bought."""

    open_ms: int
    close_ms: int
    open: int
    high: int
    low: int
    close: int
    qty: int = 0
    quote: int = 0
    count: int = 0
    buy_qty: int = 0
    buy_quote: int = 0
    first_id: int = -1
    last_id: int = -1

    def join(self, later: Candle) -> None:
        """Add the candle that follows."""
        if later.count and not self.count:
            # Nothing traded before: the candle opens with the first price that was paid.
            self.open, self.high, self.low = later.open, later.high, later.low
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.qty += later.qty
        self.quote += later.quote
        self.count += later.count
        self.buy_qty += later.buy_qty
        self.buy_quote += later.buy_quote
        if later.first_id >= 0:
            self.first_id = later.first_id if self.first_id < 0 else self.first_id
            self.last_id = later.last_id


def span_of(interval: str, ms: int) -> tuple[int, int]:
    """Return when the candle that holds `ms` opens, and when the next one does, Unix ms."""
    if interval == "1M":
        day = datetime.fromtimestamp(ms // 1000, UTC)
        month = day.year * 12 + day.month - 1
        starts = [datetime(m // 12, m % 12 + 1, 1, tzinfo=UTC) for m in (month, month + 1)]
        return int(starts[0].timestamp()) * 1000, int(starts[1].timestamp()) * 1000
    size, edge = (7 * DAY_MS, _MONDAY_MS) if interval == "1w" else (_MINUTES[interval] * MINUTE_MS, 0)
    start = ms - (ms - edge) % size
    return start, start + size


class Klines:
    """The candles of one price. Memory is bounded: a week of minutes, 1,500 candles of each longer interval."""

    def __init__(self) -> None:
        self._done: dict[str, deque[Candle]] = {
            name: deque(maxlen=_KEPT_MINUTES if name == "1m" else _KEPT) for name in INTERVALS
        }
        # What the closed minutes of each open candle come to; the open minute is not in them.
        self._begun: dict[str, Candle] = {}
        self._minute: Candle | None = None

    def trade(self, ms: int, price: int, qty: int, quote: int, *, buy: bool, trade_id: int) -> None:
        """Take one trade; the minutes before it must have been closed by `roll`."""
        minute = self._at(ms, price)
        minute.high = max(minute.high, price)
        minute.low = min(minute.low, price)
        minute.close = price
        minute.qty += qty
        minute.quote += quote
        minute.count += 1
        if minute.first_id < 0:
            minute.first_id = trade_id
        minute.last_id = trade_id
        if buy:
            minute.buy_qty += qty
            minute.buy_quote += quote

    def value(self, ms: int, value: int) -> None:
        """Take a value that nobody trades at, as a mark price; it is counted, and has no quantity."""
        minute = self._at(ms, value)
        minute.high = max(minute.high, value)
        minute.low = min(minute.low, value)
        minute.close = value
        minute.count += 1

    def roll(self, ms: int) -> Iterator[tuple[str, Candle]]:
        """Close what ended by `ms`, and yield each interval with its closed candle; silent minutes are flat."""
        while self._minute is not None and self._minute.close_ms < ms:
            minute = self._minute
            self._done["1m"].append(minute)
            yield "1m", minute
            yield from self._close_longer(minute)
            after = minute.close_ms + 1
            if ms - after > _MOST_FLAT * MINUTE_MS:
                self._minute = None
                self._begun.clear()
                return
            self._minute = _flat(after, minute.close)

    def current(self, interval: str) -> Candle | None:
        """Return the candle that is open, None before the first price."""
        minute = self._minute
        if minute is None:
            return None
        if interval == "1m":
            return replace(minute)
        begun = self._begun.get(interval)
        if begun is None:
            start, after = span_of(interval, minute.open_ms)
            return replace(minute, open_ms=start, close_ms=after - 1)
        whole = replace(begun)
        whole.join(minute)
        return whole

    def candles(self, interval: str, start_ms: int | None, end_ms: int | None, limit: int) -> list[Candle]:
        """Return candles that open in [start_ms, end_ms], oldest first, the open one too.

        With a start the first `limit` of them, else the last.
        """
        kept = self._done[interval]
        found = kept if start_ms is None and end_ms is None and limit >= len(kept) else None
        if found is None and start_ms is None and end_ms is None:
            found = deque(islice(reversed(kept), limit))
            found.reverse()
        low, high = start_ms or 0, end_ms if end_ms is not None else 1 << 62
        rows = [candle for candle in (kept if found is None else found) if low <= candle.open_ms <= high]
        now = self.current(interval)
        if now is not None and low <= now.open_ms <= high:
            rows.append(now)
        return rows[:limit] if start_ms is not None else rows[-limit:]

    def minutes(self, count: int) -> Iterator[Candle]:
        """Yield the open minute and the closed ones before it, latest first, `count` at most."""
        if self._minute is not None:
            yield self._minute
            yield from islice(reversed(self._done["1m"]), count - 1)

    def _at(self, ms: int, price: int) -> Candle:
        minute = self._minute
        if minute is None:
            minute = self._minute = _flat(ms - ms % MINUTE_MS, price)
        elif minute.count == 0:
            # A silent minute shows the last close until something happens in it.
            minute.open = minute.high = minute.low = price
        return minute

    def _close_longer(self, minute: Candle) -> Iterator[tuple[str, Candle]]:
        for interval in INTERVALS[1:]:
            begun = self._begun.get(interval)
            if begun is None:
                start, after = span_of(interval, minute.open_ms)
                begun = self._begun[interval] = replace(minute, open_ms=start, close_ms=after - 1)
            else:
                begun.join(minute)
            if begun.close_ms == minute.close_ms:
                del self._begun[interval]
                self._done[interval].append(begun)
                yield interval, begun


def _flat(open_ms: int, price: int) -> Candle:
    return Candle(open_ms, open_ms + MINUTE_MS - 1, price, price, price, price)
