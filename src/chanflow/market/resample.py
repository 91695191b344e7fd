"""Coarser bars from finer ones, on the crypto calendar: UTC, every day, weeks from Monday.

Only closed bars come out. A coarser bar is closed once a finer bar reaches its end, a finer bar beyond its end was
seen, or the caller says that its end has passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chanflow.domain.market_data import Bar
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
    if np.any(np.diff(ts) <= 0):
        raise ValueError("bars do not rise in time: sort them and remove repeats")
    opens = ts - (ts - first_edge_ms(to_ms)) % to_ms
    starts = np.flatnonzero(np.concatenate(([True], opens[1:] != opens[:-1])))
    ends = np.concatenate((starts[1:], [ts.size])) - 1
    coarse: dict[str, NDArray[Any]] = {
        "ts_ms": opens[starts],
        "open": np.asarray(columns["open"])[starts],
        "high": np.maximum.reduceat(np.asarray(columns["high"]), starts),
        "low": np.minimum.reduceat(np.asarray(columns["low"]), starts),
        "close": np.asarray(columns["close"])[ends],
    }
    for name in ("volume", "amount", "trades", "buy_qty"):
        coarse[name] = np.add.reduceat(np.asarray(columns[name]), starts)
    reached_ms = max(int(ts[-1]) + from_ms, known_to_ms if known_to_ms is not None else 0)
    closed = starts.size if int(coarse["ts_ms"][-1]) + to_ms <= reached_ms else starts.size - 1
    return {name: coarse[name][:closed] for name in BAR_COLUMNS}


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
