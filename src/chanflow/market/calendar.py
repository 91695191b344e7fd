"""When bars open and close: crypto around the clock in UTC, A-shares by the sessions of Shanghai.

A level is a whole number and a unit: `s` `m` `h` `d` `w` `M`, as in `1m`, `30m`, `1d`, `1w`, `1M`. Bars are stamped at
their open and cover [open, close). Which bars exist comes from the rows: a holiday has none and so makes no bar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chanflow.domain.errors import InvalidArgument
from chanflow.market.ports import first_edge_ms

Edges = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Open and close of the bar of each row, in Unix ms UTC."""

SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS
UNIT_MS = {"s": 1_000, "m": MINUTE_MS, "h": 60 * MINUTE_MS, "d": DAY_MS, "w": 7 * DAY_MS}
FIRST_MONDAY_DAY = 4
"""1970-01-05 in days from the epoch."""
LATEST_MS = 7_258_118_400_000
"""2200-01-01: a later time is taken for another unit than ms."""

AUCTION_MS = (9 * 60 + 25) * MINUTE_MS
MORNING_MS = ((9 * 60 + 30) * MINUTE_MS, (11 * 60 + 30) * MINUTE_MS)
AFTERNOON_MS = (13 * 60 * MINUTE_MS, 15 * 60 * MINUTE_MS)
SESSION_MS = 120 * MINUTE_MS


class Calendar(Protocol):
    """The bar edges of a market."""

    @property
    def empty_rows(self) -> bool:
        """Whether a row without volume may make a bar."""
        ...

    def edges(self, ts_ms: ArrayLike, level: str) -> Edges:
        """Return open and close of the bar of `level` to which each time belongs, in Unix ms UTC.

        Raises ValueError for a level that this calendar does not have and for a time at which the market is closed.
        """
        ...

    def open_ms(self, ts_ms: ArrayLike) -> NDArray[np.int64]:
        """Return how long the market had been open until each time, since 1970, in ms: the market's own clock."""
        ...


def level_parts(level: str) -> tuple[int, str]:
    """Return count and unit of a level. Raises ValueError when it is not one."""
    match = re.fullmatch(r"([1-9]\d{0,4})([smhdwM])", level)
    if match is None:
        raise ValueError(f"level is {level!r}: give a whole number and one of s, m, h, d, w, M, as in 30m")
    return int(match[1]), match[2]


def _times(ts_ms: ArrayLike) -> NDArray[np.int64]:
    ts = np.asarray(ts_ms, dtype=np.int64)
    if ts.size and not (ts.min() >= 0 and ts.max() < LATEST_MS):
        wrong = int(ts.min()) if ts.min() < 0 else int(ts.max())
        raise ValueError(f"time {wrong} is outside 1970 to 2199: give Unix milliseconds")
    return ts


def _months(day: NDArray[np.int64], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first day of each day's group of `count` months, counted from 1970, and that of the group after."""
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    first = month - month % count

    def first_day(months: NDArray[np.int64]) -> NDArray[np.int64]:
        return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)

    return first_day(first), first_day(first + count)


@dataclass(frozen=True, slots=True)
class CryptoCalendar:
    """Around the clock in UTC: bars count from the epoch, weeks from Monday, months from the 1st."""

    @property
    def empty_rows(self) -> bool:
        """True: the venue's bars without trades are bars."""
        return True

    def edges(self, ts_ms: ArrayLike, level: str) -> Edges:
        """Return open and close of the bar of each time, in Unix ms UTC. Raises ValueError for an unknown level."""
        ts = _times(ts_ms)
        count, unit = level_parts(level)
        if unit == "M":
            first, after = _months(ts // DAY_MS, count)
            return first * DAY_MS, after * DAY_MS
        width_ms = count * UNIT_MS[unit]
        open_ms = ts - (ts - first_edge_ms(width_ms)) % width_ms
        return open_ms, open_ms + width_ms

    def open_ms(self, ts_ms: ArrayLike) -> NDArray[np.int64]:
        """Return the times themselves: the market never closes."""
        return _times(ts_ms)


@dataclass(frozen=True, slots=True, eq=False)
class CnCalendar:
    """A-shares: 09:30 to 11:30 and 13:00 to 15:00 in Asia/Shanghai, Monday to Friday.

    No bar spans the lunch break or a session's end, where a bar that does not fill is cut. The opening auction from
    09:25 belongs to the first bar; a print in the minute after a session's end (11:30, 15:00) to its last. Days, weeks
    and months open at 00:00 of their first exchange date and close at 15:00 of the last trading day: that of
    `trading_days` as far as they reach, else the last weekday, which a holiday makes late but never early.
    """

    trading_days: NDArray[np.int64] | None = None
    """Exchange dates as days from the epoch, rising; None takes every weekday that has rows."""

    @property
    def empty_rows(self) -> bool:
        """False: a row without volume is a suspension."""
        return False

    def edges(self, ts_ms: ArrayLike, level: str) -> Edges:
        """Return open and close of the bar of each time, in Unix ms UTC.

        Raises ValueError for a level of several days or of more than a session, and for a time on a weekend, outside
        `trading_days`, or, below a day, outside the sessions.
        """
        ts = _times(ts_ms)
        count, unit = level_parts(level)
        local_ms = ts + _shanghai_offset_ms(ts)
        day = local_ms // DAY_MS
        self._check_days(ts, day)
        if unit in ("s", "m", "h"):
            open_ms, close_ms = _session_edges(ts, local_ms - day * DAY_MS, level, count * UNIT_MS[unit])
            return _utc_ms(day * DAY_MS + open_ms), _utc_ms(day * DAY_MS + close_ms)
        if unit == "d":
            if count > 1:
                raise ValueError(f"level is {level}: A-share bars of several days hang on each holiday; use 1d or 1w")
            return _utc_ms(day * DAY_MS), _utc_ms(day * DAY_MS + AFTERNOON_MS[1])
        if unit == "w":
            first = day - (day - FIRST_MONDAY_DAY) % (7 * count)
            after = first + 7 * count
        else:
            first, after = _months(day, count)
        return _utc_ms(first * DAY_MS), _utc_ms(self._last_day(after) * DAY_MS + AFTERNOON_MS[1])

    def open_ms(self, ts_ms: ArrayLike) -> NDArray[np.int64]:
        """Return how long the market had been open until each time, since 1970, in ms.

        Of the days that `trading_days` does not reach, and without it, every weekday counts: a holiday too.
        """
        ts = _times(ts_ms)
        local_ms = ts + _shanghai_offset_ms(ts)
        day, clock_ms = np.divmod(local_ms, DAY_MS)
        is_open = (day - FIRST_MONDAY_DAY) % 7 < 5
        before = _weekdays_before(day)
        if self.trading_days is not None and self.trading_days.size:
            first, last = self.trading_days[0], self.trading_days[-1]
            within = (day >= first) & (day <= last)
            listed = np.searchsorted(self.trading_days, day)
            counted = np.where(day > last, len(self.trading_days) + before - _weekdays_before(last + 1), listed)
            before = np.where(day < first, before, _weekdays_before(first) + counted)
            is_open = np.where(within, np.isin(day, self.trading_days), is_open)
        today_ms = sum(np.clip(clock_ms - start, 0, SESSION_MS) for start in (MORNING_MS[0], AFTERNOON_MS[0]))
        return before * (2 * SESSION_MS) + np.where(is_open, today_ms, 0)

    def _check_days(self, ts: NDArray[np.int64], day: NDArray[np.int64]) -> None:
        closed = (day - FIRST_MONDAY_DAY) % 7 >= 5
        if self.trading_days is not None:
            closed |= ~np.isin(day, self.trading_days)
        if closed.any():
            at = int(np.argmax(closed))
            raise ValueError(f"time {int(ts[at])} falls on {day[at].astype('datetime64[D]')}, which is no trading day")

    def _last_day(self, after: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the last trading day before each day of `after`."""
        weekday = np.busday_offset(after.astype("datetime64[D]"), -1, roll="forward").astype(np.int64)
        if self.trading_days is None or not self.trading_days.size:
            return weekday
        last = self.trading_days[np.maximum(np.searchsorted(self.trading_days, after) - 1, 0)]
        return np.where(weekday <= self.trading_days[-1], last, weekday)


def _weekdays_before(day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many days from Monday to Friday lie between a Monday of 1969 and each day, days from the epoch."""
    weeks, weekday = np.divmod(day - FIRST_MONDAY_DAY + 7, 7)
    return weeks * 5 + np.minimum(weekday, 5)


def _session_edges(ts: NDArray[np.int64], clock_ms: NDArray[np.int64], level: str, width_ms: int) -> Edges:
    """Return open and close of each row's bar in ms after midnight."""
    if width_ms > SESSION_MS:
        raise ValueError(f"level is {level}: an A-share session has 2h, above which there is 1d")
    morning = (clock_ms >= AUCTION_MS) & (clock_ms < MORNING_MS[1] + MINUTE_MS)
    afternoon = (clock_ms >= AFTERNOON_MS[0]) & (clock_ms < AFTERNOON_MS[1] + MINUTE_MS)
    outside = ~(morning | afternoon)
    if outside.any():
        at = int(np.argmax(outside))
        hours, minutes = divmod(int(clock_ms[at]) // MINUTE_MS, 60)
        raise ValueError(f"time {int(ts[at])} is {hours:02}:{minutes:02} in Shanghai, outside 09:25-11:30, 13:00-15:00")
    start = np.where(morning, MORNING_MS[0], AFTERNOON_MS[0])
    end = np.where(morning, MORNING_MS[1], AFTERNOON_MS[1])
    inside = np.clip(clock_ms, start, end - 1)
    open_ms = inside - (inside - start) % width_ms
    return open_ms, np.minimum(open_ms + width_ms, end)


def _shanghai_offset_ms(utc_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what Shanghai's clocks were ahead of UTC at each time; there was summer time until 1991."""
    if not utc_ms.size:
        return utc_ms
    years = (int(utc_ms.min()), int(utc_ms.max()))
    starts, offsets = _shanghai_offsets(*(datetime.fromtimestamp(ms // 1_000, UTC).year for ms in years))
    return offsets[np.searchsorted(starts, utc_ms, side="right") - 1]


@lru_cache(maxsize=64)
def _shanghai_offsets(first_year: int, last_year: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the times from which an offset holds, and the offsets, both in ms, for whole years and a day around."""

    def offset_s(at_s: int) -> int:
        shift = datetime.fromtimestamp(at_s, SHANGHAI).utcoffset()
        return 0 if shift is None else int(shift.total_seconds())

    day_s = DAY_MS // 1_000
    begin_s = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp()) - day_s
    end_s = int(datetime(last_year + 1, 1, 1, tzinfo=UTC).timestamp()) + day_s
    changes = [(begin_s, offset_s(begin_s))]
    for before_s, after_s in pairwise(range(begin_s, end_s + 1, day_s)):
        if offset_s(after_s) != changes[-1][1]:
            low, high = before_s, after_s
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_s(middle) == changes[-1][1] else (low, middle)
            changes.append((high, offset_s(high)))
    table = np.array(changes, dtype=np.int64) * 1_000
    return table[:, 0], table[:, 1]


def _utc_ms(local_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the UTC time of each Shanghai wall time; the clocks never changed at a bar's edge."""
    guess = np.maximum(local_ms - 8 * 60 * MINUTE_MS, 0)
    return local_ms - _shanghai_offset_ms(guess)


def trading_days(path: Path) -> NDArray[np.int64]:
    """Return the exchange dates of a table, as days from the epoch.

    The file has one ISO date a line, rising, alone or as the first of several columns; a header `date` and lines that
    start with `#` are passed over. Raises InvalidArgument, naming the line, when it is otherwise or has no date.
    """
    days: list[int] = []
    for number, text in _dated_lines(path):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise InvalidArgument(f"{path}:{number}: {text!r} is no date like 2026-01-05", field="calendar") from None
        at = (day - date(1970, 1, 1)).days
        if day.weekday() >= 5:
            raise InvalidArgument(f"{path}:{number}: {text} is a weekend; A-shares do not trade", field="calendar")
        if days and at <= days[-1]:
            raise InvalidArgument(f"{path}:{number}: {text} is not after the date before it", field="calendar")
        days.append(at)
    if not days:
        raise InvalidArgument(f"{path} has no date: give one trading day a line", field="calendar")
    return np.array(days, dtype=np.int64)


def _dated_lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidArgument(f"{path} cannot be read as a calendar: {fault}", field="calendar") from None
    for number, line in enumerate(text.splitlines(), start=1):
        first = line.partition(",")[0].strip()
        if first and not first.startswith("#") and not (first == "date" and number == 1):
            yield number, first


def calendar_named(name: str, table: Path | None = None) -> Calendar:
    """Return the calendar `crypto` or `cn`, the latter with the trading days of the file `table` if there is one.

    Raises InvalidArgument for another name, a table with `crypto`, and a malformed table.
    """
    if name == "cn":
        return CnCalendar(None if table is None else trading_days(table))
    if name != "crypto":
        raise InvalidArgument(f"calendar is {name!r}: it can be crypto or cn", field="calendar")
    if table is not None:
        raise InvalidArgument("crypto trades every day: leave the table of trading days out", field="calendar")
    return CryptoCalendar()
