"""Bars for the intervals in which nobody traded: the close before, volume 0, marked `filled`.

From the first bar on, up to what is known to be over: before the first bar there is no price. On A-shares a day on
which a symbol did not trade at all stays without bars: it was suspended, or the exchange was closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chanflow.market.calendar import DAY_MS, Calendar, level_parts

MOST = 2_000_000
"""Most bars that one call makes."""


def filled(
    bars: Mapping[str, NDArray[Any]], calendar: Calendar, level: str, *, until_ms: int
) -> dict[str, NDArray[Any]]:
    """Return `bars` with the empty intervals after the first that end by `until_ms`, marked in `filled`.

    Raises ValueError when there would be more than `MOST`.
    """
    ts_ms = np.asarray(bars["ts_ms"], dtype=np.int64)
    if not ts_ms.size:
        return {**bars, "filled": np.zeros(0, dtype=bool)}
    opens, closes = _grid(ts_ms, np.asarray(bars["close_ms"]), calendar, level, until_ms)
    before = np.searchsorted(ts_ms, opens, side="right") - 1
    real = ts_ms[before] == opens
    found: dict[str, NDArray[Any]] = {"ts_ms": opens, "close_ms": closes, "filled": ~real}
    for name in ("open", "high", "low", "close"):
        found[name] = np.where(real, bars[name][before], bars["close"][before])
    for name in ("volume", "amount", "trades", "buy_qty"):
        found[name] = np.where(real, bars[name][before], 0).astype(bars[name].dtype)
    return found


def _grid(
    ts_ms: NDArray[np.int64], close_ms: NDArray[np.int64], calendar: Calendar, level: str, until_ms: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the edges of all intervals from the first bar on, A-share days without bars left out."""
    _, unit = level_parts(level)
    if not calendar.empty_rows and unit not in ("s", "m", "h"):
        return ts_ms, close_ms
    opens, closes = [], []
    total = ts_ms.size
    for at in range(ts_ms.size):
        opens.append(ts_ms[at : at + 1])
        closes.append(close_ms[at : at + 1])
        start_ms = int(close_ms[at])
        end_ms = int(ts_ms[at + 1]) if at + 1 < ts_ms.size else until_ms
        if not calendar.empty_rows:
            end_ms = min(end_ms, _day_end_ms(int(ts_ms[at])))
        if end_ms > start_ms:
            width_ms = start_ms - int(ts_ms[at])
            total += (end_ms - start_ms) // width_ms
            if total > MOST:
                raise ValueError(f"filling would make more than {MOST} bars: ask for a shorter span")
            between, ends = _between(start_ms, end_ms, width_ms, calendar, level)
            over = ends <= until_ms
            opens.append(between[over])
            closes.append(ends[over])
    return np.concatenate(opens), np.concatenate(closes)


def _day_end_ms(ms: int) -> int:
    """Return 15:00 of the Shanghai day of a time; only years without summer time have bars below a day."""
    return (ms + DAY_MS // 3) // DAY_MS * DAY_MS - DAY_MS // 3 + 15 * 60 * 60_000


def _between(
    start_ms: int, end_ms: int, width_ms: int, calendar: Calendar, level: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return opens and closes of the intervals of `level` in [start_ms, end_ms)."""
    steps = np.arange(start_ms, end_ms, min(width_ms, DAY_MS), dtype=np.int64)
    if not calendar.empty_rows:
        local = (steps + DAY_MS // 3) % DAY_MS
        # The lunch break, 11:30 to 13:00, has no bars.
        steps = steps[(local < 690 * 60_000) | (local >= 780 * 60_000)]
    opens, closes = calendar.edges(steps, level)
    opens, first = np.unique(opens, return_index=True)
    closes = closes[first]
    inside = (opens >= start_ms) & (opens < end_ms)
    return opens[inside], closes[inside]
