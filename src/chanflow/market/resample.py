"""Coarser bars from finer ones, of whole columns and bar by bar.

`resample` and its twin `Resampler` know UTC around the clock, `resample_on` and its twin `CalendarResampler` any
calendar. Only closed bars come out. A coarser bar is closed once a finer bar reaches its end, a finer bar beyond its
end was seen, or the caller says that its end has passed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chanflow.domain.market_data import Bar
from chanflow.market.calendar import Calendar, Edges
from chanflow.market.ports import bar_open_ms, first_edge_ms

BAR_COLUMNS = ("ts_ms", "open", "high", "low", "close", "volume", "amount", "trades", "buy_qty")
"""Columns of bars as arrays, all of one length: `ts_ms` and `trades` i64, the others f64."""


def _check_levels(from_ms: int, to_ms: int) -> None:
    if from_ms <= 0 or to_ms <= from_ms or to_ms % from_ms != 0:
        raise ValueError(f"bars of {from_ms} ms do not make bars of {to_ms} ms: the second must be a larger multiple")


def resample(
    columns: Mapping[str, NDArray[Any]], from_ms: int, to_ms: int, *, known_to_ms: int | None = None
) -> dict[str, NDArray[Any]]:
    """Return the closed bars of `to_ms` made of bars of `from_ms`; both have `BAR_COLUMNS`.

    The last bar is given when the input reaches its end, or when `known_to_ms` (all trades before it are in the
    input) does. Raises ValueError when `to_ms` is no larger multiple of `from_ms`, or times do not rise.
    """
    _check_levels(from_ms, to_ms)
    ts = np.asarray(columns["ts_ms"], dtype=np.int64)
    if ts.size == 0:
        return {name: np.asarray(columns[name])[:0].copy() for name in BAR_COLUMNS}
    _check_rising(ts)
    opens = ts - (ts - first_edge_ms(to_ms)) % to_ms
    coarse = _joined_rows(columns, opens, BAR_COLUMNS)
    reached_ms = max(int(ts[-1]) + from_ms, known_to_ms if known_to_ms is not None else 0)
    bars = coarse["ts_ms"].size
    closed = bars if int(coarse["ts_ms"][-1]) + to_ms <= reached_ms else bars - 1
    return {name: coarse[name][:closed] for name in BAR_COLUMNS}


def resample_on(
    columns: Mapping[str, NDArray[Any]],
    calendar: Calendar,
    from_level: str,
    to_level: str,
    *,
    known_to_ms: int | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the closed bars of `to_level` made of bars of `from_level`, with their ends in `close_ms`, Unix ms.

    `columns` needs `ts_ms`, `open`, `high`, `low` and `close`; `volume` and what follows it in `BAR_COLUMNS` are summed
    where present. Rows with volume 0 are passed over where the calendar takes them for suspensions; leave `volume` out
    where it is unknown. The last bar is given as in `resample`. Raises ValueError when times do not rise, when the
    market is closed at one of them, and when a finer bar does not lie in one coarser bar.
    """
    ts = np.asarray(columns["ts_ms"], dtype=np.int64)
    names = tuple(name for name in BAR_COLUMNS if name in columns or name in BAR_COLUMNS[:5])
    _check_rising(ts)
    fine_open_ms, fine_close_ms = calendar.edges(ts, from_level)
    opens, closes = calendar.edges(ts, to_level)
    split = (fine_open_ms < opens) | (fine_close_ms > closes)
    if split.any():
        raise ValueError(f"the {from_level} bar at {int(ts[np.argmax(split)])} ms does not lie in one {to_level} bar")
    reached_ms = max(int(fine_close_ms[-1]) if ts.size else 0, known_to_ms if known_to_ms is not None else 0)
    if "volume" in columns and not calendar.empty_rows:
        traded = np.asarray(columns["volume"]) != 0
        columns = {name: np.asarray(columns[name])[traded] for name in names}
        opens, closes = opens[traded], closes[traded]
    coarse = _joined_rows(columns, opens, names)
    close_ms = closes[_first_rows(opens)]
    closed = close_ms <= reached_ms
    coarse = {"ts_ms": coarse.pop("ts_ms"), "close_ms": close_ms, **coarse}
    return {name: values[closed] for name, values in coarse.items()}


def _check_rising(ts: NDArray[np.int64]) -> None:
    if np.any(np.diff(ts) <= 0):
        raise ValueError("bars do not rise in time: sort them and remove repeats")


def _first_rows(opens: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the first row of each run of one open."""
    return np.flatnonzero(np.diff(opens, prepend=-1) != 0)


def _joined_rows(
    columns: Mapping[str, NDArray[Any]], opens: NDArray[np.int64], names: tuple[str, ...]
) -> dict[str, NDArray[Any]]:
    """Return one bar for each run of rows with one open; `names` are those of `BAR_COLUMNS` to give."""
    starts = _first_rows(opens)
    ends = np.append(starts[1:], opens.size)[: starts.size] - 1
    found: dict[str, NDArray[Any]] = {"ts_ms": opens[starts]}
    for name in names[1:]:
        values = np.asarray(columns[name])
        if name == "open":
            found[name] = values[starts]
        elif name == "close":
            found[name] = values[ends]
        elif name in ("high", "low"):
            extreme = np.maximum if name == "high" else np.minimum
            found[name] = extreme.reduceat(values, starts) if starts.size else values[:0].copy()
        else:
            found[name] = np.add.reduceat(values, starts) if starts.size else values[:0].copy()
    return found


class Resampler:
    """The incremental twin of `resample`: takes closed bars of one interval in time order, gives the coarser ones."""

    def __init__(self, from_ms: int, to_ms: int) -> None:
        """Raise ValueError when `to_ms` is no larger multiple of `from_ms`."""
        _check_levels(from_ms, to_ms)
        self._from_ms = from_ms
        self._to_ms = to_ms
        self._open: Bar | None = None
        self._reached_ms = 0

    def push(self, bar: Bar) -> tuple[Bar, ...]:
        """Return the bars that `bar` closes: none, one, or two where it ends one and also completes the next.

        Raises ValueError for a bar of another interval or one that is not later than those before.
        """
        if bar.interval_ms != self._from_ms:
            raise ValueError(f"bar has {bar.interval_ms} ms, expected are {self._from_ms} ms")
        if bar.ts_ms < self._reached_ms:
            raise ValueError(f"bar opens at {bar.ts_ms} ms, bars are known up to {self._reached_ms} ms")
        before = self.advance(bar.ts_ms)
        self._open = self._joined(bar)
        after = self.advance(bar.close_ms)
        return tuple(closed for closed in (before, after) if closed is not None)

    def advance(self, known_to_ms: int) -> Bar | None:
        """Return the bar that is closed because all trades before `known_to_ms` were seen, else None."""
        self._reached_ms = max(self._reached_ms, known_to_ms)
        if self._open is None or self._open.close_ms > self._reached_ms:
            return None
        closed, self._open = self._open, None
        return closed

    def _joined(self, bar: Bar) -> Bar:
        coarse = self._open
        if coarse is None:
            return replace(bar, ts_ms=bar_open_ms(bar.ts_ms, self._to_ms), interval_ms=self._to_ms)
        return Bar(
            ts_ms=coarse.ts_ms,
            interval_ms=self._to_ms,
            open=coarse.open,
            high=max(coarse.high, bar.high),
            low=min(coarse.low, bar.low),
            close=bar.close,
            volume=coarse.volume + bar.volume,
            amount=coarse.amount + bar.amount,
            trades=coarse.trades + bar.trades,
            buy_qty=coarse.buy_qty + bar.buy_qty,
        )


class CalendarResampler:
    """The incremental twin of `resample_on`: takes closed bars of one level in time order, gives those of others.

    Bars come in batches of any size, from one up. The bars of all pushes together are what `resample_on` makes of all
    rows at once, to the last digit: the rows of a bar are kept until it closes, and joined then.
    """

    def __init__(self, calendar: Calendar, from_level: str, to_levels: Sequence[str]) -> None:
        self._calendar = calendar
        self._from_level = from_level
        self._open: dict[str, _Bucket | None] = dict.fromkeys(to_levels)
        self._given_ms = dict.fromkeys(to_levels, 0)
        self._rows: _Rows | None = None
        self._last_ms = -1
        self._reached_ms = 0

    def push(
        self, columns: Mapping[str, NDArray[Any]], *, known_to_ms: int | None = None
    ) -> dict[str, dict[str, NDArray[Any]]]:
        """Return the bars that the rows of `columns` close, by level; a level of which none closed is left out.

        `columns` and results are those of `resample_on`, with the same columns every time; no rows and `known_to_ms`
        close what ended by then. Raises ValueError as `resample_on`, for columns other than before, and for a row of
        a bar that was already given; nothing has changed then.
        """
        names = tuple(name for name in BAR_COLUMNS if name in columns or name in BAR_COLUMNS[:5])
        if self._rows is not None and names != self._rows.names:
            raise ValueError(f"rows have {', '.join(names)}, those before had {', '.join(self._rows.names)}")
        ts = np.asarray(columns["ts_ms"], dtype=np.int64)
        _check_rising(np.concatenate(([self._last_ms], ts)))
        fine_open_ms, fine_close_ms = self._calendar.edges(ts, self._from_level)
        edges = {level: self._edges(ts, level, fine_open_ms, fine_close_ms) for level in self._open}
        if ts.size:
            self._last_ms = int(ts[-1])
            self._reached_ms = max(self._reached_ms, int(fine_close_ms[-1]))
        self._reached_ms = max(self._reached_ms, known_to_ms if known_to_ms is not None else 0)
        if self._rows is None:
            self._rows = _Rows(names)
        if "volume" in columns and not self._calendar.empty_rows:
            traded = np.asarray(columns["volume"]) != 0
            columns = {name: np.asarray(columns[name])[traded] for name in names}
            edges = {level: (opens[traded], closes[traded]) for level, (opens, closes) in edges.items()}
        begin = self._rows.append(columns)
        given = {level: self._closed(self._rows, level, begin, *found) for level, found in edges.items()}
        self._rows.first = min((b.first for b in self._open.values() if b is not None), default=self._rows.end)
        return {level: made for level, made in given.items() if made is not None}

    def forming(self, level: str) -> dict[str, NDArray[Any]] | None:
        """Return the one bar of `level` that is not yet closed as it stands now, None where there is none.

        Its columns are those of a closed one; `close_ms` is when it will close.
        """
        bucket = self._open[level]
        if bucket is None or self._rows is None:
            return None
        rows = self._rows.since(bucket.first)
        made = _joined_rows(rows, np.full(rows["ts_ms"].size, bucket.open_ms), self._rows.names)
        return {"ts_ms": made.pop("ts_ms"), "close_ms": np.array([bucket.close_ms]), **made}

    def _edges(
        self, ts: NDArray[np.int64], level: str, fine_open_ms: NDArray[np.int64], fine_close_ms: NDArray[np.int64]
    ) -> Edges:
        bucket = self._open[level]
        if bucket is not None and ts.size and ts[-1] < bucket.close_ms:
            opens, closes = np.full(ts.size, bucket.open_ms), np.full(ts.size, bucket.close_ms)
        else:
            opens, closes = self._calendar.edges(ts, level)
        split = (fine_open_ms < opens) | (fine_close_ms > closes)
        if split.any():
            at_ms = int(ts[np.argmax(split)])
            raise ValueError(f"the {self._from_level} bar at {at_ms} ms does not lie in one {level} bar")
        if ts.size and opens[0] < self._given_ms[level]:
            raise ValueError(f"the {self._from_level} bar at {int(ts[0])} ms belongs to a closed {level} bar")
        return opens, closes

    def _closed(
        self, rows: _Rows, level: str, begin: int, opens: NDArray[np.int64], closes: NDArray[np.int64]
    ) -> dict[str, NDArray[Any]] | None:
        """Take rows from number `begin` on with their edges; returns the bars that are closed now."""
        bucket = self._open[level]
        last_close_ms = int(closes[-1]) if closes.size else bucket.close_ms if bucket is not None else None
        if last_close_ms is None:
            return None
        if bucket is not None and last_close_ms == bucket.close_ms and last_close_ms > self._reached_ms:
            return None
        first = begin if bucket is None else bucket.first
        if bucket is not None:
            opens = np.concatenate((np.full(begin - first, bucket.open_ms), opens))
            closes = np.concatenate((np.full(begin - first, bucket.close_ms), closes))
        starts = _first_rows(opens)
        made = _joined_rows(rows.since(first), opens, rows.names)
        is_open = last_close_ms > self._reached_ms
        self._open[level] = _Bucket(int(opens[-1]), last_close_ms, first + int(starts[-1])) if is_open else None
        closed = starts.size - is_open
        if not closed:
            return None
        made = {"ts_ms": made.pop("ts_ms"), "close_ms": closes[starts], **made}
        self._given_ms[level] = int(made["close_ms"][closed - 1])
        return {name: values[:closed] for name, values in made.items()}


@dataclass(frozen=True, slots=True)
class _Bucket:
    """A bar that is not closed: its edges, and the number of its first row."""

    open_ms: int
    close_ms: int
    first: int


class _Rows:
    """The newest rows, numbered from the first ever; those before `first` may be forgotten."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.first = 0
        self.end = 0
        self._base = 0
        self._columns: dict[str, NDArray[Any]] = {}

    def append(self, columns: Mapping[str, NDArray[Any]]) -> int:
        """Add rows; returns the number of the first of them."""
        added = {
            name: np.asarray(columns[name], dtype=np.int64 if name in ("ts_ms", "trades") else np.float64)
            for name in self.names
        }
        begin, count = self.end, added["ts_ms"].size
        kept = self.since(self.first) if self._columns else {name: values[:0] for name, values in added.items()}
        if not self._columns or self.end + count - self._base > self._columns["ts_ms"].size:
            room = 2 * (self.end - self.first + count)
            self._columns = {name: np.empty(room, dtype=added[name].dtype) for name in self.names}
            for name, values in kept.items():
                self._columns[name][: values.size] = values
            self._base = self.first
        for name, values in added.items():
            self._columns[name][begin - self._base : begin - self._base + count] = values
        self.end += count
        return begin

    def since(self, row: int) -> dict[str, NDArray[Any]]:
        """Return the rows from number `row` on."""
        return {name: values[row - self._base : self.end - self._base] for name, values in self._columns.items()}
