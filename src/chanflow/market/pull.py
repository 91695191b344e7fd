"""Downloading history: whole days from a source into a store, what is there already left alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import MS_PER_DAY, NS_PER_MS, utc_date
from chanflow.market.calendar import UNIT_MS, level_parts
from chanflow.market.markets import SHANGHAI_MS, market_of
from chanflow.market.ports import HistorySource

KINDS = {"klines": "kline", "aggTrades": "agg_trade", "funding": "funding", "openInterest": "open_interest",
         "factors": "factors"}  # fmt: skip
"""What can be pulled, as it is asked for and as it is stored."""

SPAN_BARS = 1_440


class HistoryStore(Protocol):
    """Where whole days go."""

    def has_day(self, symbol: str, kind: str, interval: str | None, date: str) -> bool:
        """Return whether a whole day is stored."""
        ...

    def put_klines(
        self, symbol: str, interval: str, columns: Mapping[str, Any], *, complete: bool, source: str
    ) -> tuple[int, int]:
        """Store bars; returns how many passed the gate and how many did not."""
        ...

    def put_agg_trades(self, symbol: str, columns: Mapping[str, Any], *, complete: bool, source: str) -> int:
        """Store aggregate trades; returns how many."""
        ...

    def put_series(
        self, layer: str, symbol: str, columns: Mapping[str, Any], *, interval: str | None, complete: bool, source: str
    ) -> int:
        """Store a series; returns how many rows."""
        ...


@dataclass(frozen=True, slots=True)
class Pulled:
    """What one pull did: rows stored and quarantined, days that were there already, and days without anything."""

    rows: int = 0
    quarantined: int = 0
    days: int = 0
    known_days: int = 0
    empty_days: int = 0

    def plus(self, other: Pulled) -> Pulled:
        """Return both together."""
        return Pulled(
            self.rows + other.rows, self.quarantined + other.quarantined, self.days + other.days,
            self.known_days + other.known_days, self.empty_days + other.empty_days,
        )  # fmt: skip


async def pull(
    source: HistorySource,
    store: HistoryStore,
    *,
    kind: str,
    symbols: Sequence[str],
    interval: str | None,
    start_ms: int,
    end_ms: int,
    now_ms: int,
    on_span: Callable[[str, str, Pulled], None] = lambda _symbol, _date, _done: None,
) -> Pulled:
    """Pull the days that hold [start_ms, end_ms), as far as they have begun, and return what was done.

    A day that is over is complete and not asked for again; today's is stored as far as it goes. Raises InvalidArgument,
    VenueBusy, VenueRejected and StorageUnwritable; what was stored by then stays, and the same call goes on from there.
    """
    if kind not in source.kinds:
        raise InvalidArgument(f"{source.venue} has no {kind}: it has {', '.join(sorted(source.kinds))}", field="kind")
    if end_ms <= start_ms:
        raise InvalidArgument(f"the end, {end_ms}, must be after the start, {start_ms}", field="to")
    total = Pulled()
    for symbol in symbols:
        shift_ms = SHANGHAI_MS if market_of(symbol) == "cn" else 0
        first = (start_ms + shift_ms) // MS_PER_DAY
        last = -(-(min(end_ms, now_ms) + shift_ms) // MS_PER_DAY)
        days = [day for day in range(first, last) if not store.has_day(symbol, KINDS[kind], interval, _date(day))]
        total = total.plus(Pulled(known_days=max(last - first, 0) - len(days)))
        for begin, stop in _spans(days, _days_a_span(kind, interval)):
            done = await _span(source, store, kind, symbol, interval, begin, stop, shift_ms, now_ms)
            total = total.plus(done)
            on_span(symbol, _date(stop - 1), done)
    return total


async def _span(
    source: HistorySource, store: HistoryStore, kind: str, symbol: str, interval: str | None,
    begin: int, stop: int, shift_ms: int, now_ms: int,
) -> Pulled:  # fmt: skip
    """Fetch the days [begin, stop) at once and store each."""
    from_ms, to_ms = begin * MS_PER_DAY - shift_ms, stop * MS_PER_DAY - shift_ms
    fetched = await source.fetch(kind, symbol, interval, from_ms, min(to_ms, now_ms))
    columns = {name: np.asarray(values) for name, values in fetched.items()}
    ts_ms = columns["open_ms" if kind == "klines" else "ts_ms"].astype(np.int64)
    day_of_row = (ts_ms + shift_ms) // MS_PER_DAY
    done = Pulled()
    for day in range(begin, stop):
        rows = day_of_row == day
        if not rows.any():
            done = done.plus(Pulled(empty_days=1))
            continue
        part = {name: values[rows] for name, values in columns.items()}
        over = (day + 1) * MS_PER_DAY - shift_ms <= now_ms
        stored, refused = _put(store, kind, symbol, interval, part, complete=over, source=source.venue)
        done = done.plus(Pulled(rows=stored, quarantined=refused, days=1))
    return done


def _put(
    store: HistoryStore, kind: str, symbol: str, interval: str | None, columns: Mapping[str, Any], *,
    complete: bool, source: str,
) -> tuple[int, int]:  # fmt: skip
    if kind == "klines":
        assert interval is not None
        return store.put_klines(symbol, interval, columns, complete=complete, source=source)
    if kind == "aggTrades":
        return store.put_agg_trades(symbol, columns, complete=complete, source=source), 0
    return store.put_series(
        KINDS[kind], symbol, columns, interval=interval, complete=complete, source=source
    ), 0  # fmt: skip


def _days_a_span(kind: str, interval: str | None) -> int:
    """Return how many days fit one request: trades come a day at a time, bars by the page."""
    if kind != "klines" or interval is None:
        return 1 if kind == "aggTrades" else 30
    count, unit = level_parts(interval)
    width_ms = count * UNIT_MS.get(unit, 31 * UNIT_MS["d"])
    return max(1, SPAN_BARS * width_ms // MS_PER_DAY)


def _spans(days: Sequence[int], most: int) -> list[tuple[int, int]]:
    """Return runs of consecutive days as [first, after), none longer than `most`."""
    spans: list[tuple[int, int]] = []
    for day in days:
        if spans and spans[-1][1] == day and day - spans[-1][0] < most:
            spans[-1] = (spans[-1][0], day + 1)
        else:
            spans.append((day, day + 1))
    return spans


def _date(day: int) -> str:
    return utc_date(day * MS_PER_DAY * NS_PER_MS)
