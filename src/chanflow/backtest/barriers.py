"""The triple barrier: what an entry meets first, its target, its stop, or the end of its time.

An entry is made at the open of the bar after its signal. Target and stop lie the same multiple of the average true
range (ATR) from it, as that stood at the signal's bar. A bar that reaches both counts as stopped. A bar that opens
beyond a barrier ends the trade at its open, so a gap costs, and pays, what it is. What reaches neither within the
horizon ends at the close of the horizon's last bar and is no hit. Rules of a venue (T+1, price limits, no short
selling) are not applied.

Source: López de Prado (2018), "Advances in Financial Machine Learning", chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

BPS = 10_000.0


@dataclass(frozen=True, slots=True)
class Barriers:
    """Where the barriers stand. Raises ValueError for a multiple, a length or a horizon that is not above 0."""

    atr_multiple: float = 2.0
    atr_bars: int = 14
    horizon_bars: int = 48

    def __post_init__(self) -> None:
        if not (isfinite(self.atr_multiple) and self.atr_multiple > 0 and self.atr_bars > 0 and self.horizon_bars > 0):
            raise ValueError(f"{self}: all three must be above 0")


@dataclass(frozen=True, slots=True)
class Costs:
    """What one side of a trade costs, in bps of its price. Raises ValueError for a negative one."""

    taker_bps: float = 5.0
    slippage_bps: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.taker_bps < BPS and 0 <= self.slippage_bps < BPS):
            raise ValueError(f"{self}: costs are bps of a price, from 0 to below {BPS:.0f}")

    @property
    def side_bps(self) -> float:
        """All costs of one side, in bps."""
        return self.taker_bps + self.slippage_bps


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """How entries ended, one row for each: returns in bps of the entry price, before and after costs."""

    hit: Flags
    timed_out: Flags
    gross_bps: Floats
    net_bps: Floats

    def __len__(self) -> int:
        return len(self.hit)


def average_true_range(high: Floats, low: Floats, close: Floats, bars: int) -> Floats:
    """Return the ATR after each bar, in quote units; NaN for the first `bars` - 1 bars.

    It starts as the mean of the first `bars` true ranges; the first bar's is high - low. Source: Wilder (1978),
    "New Concepts in Technical Trading Systems".
    """
    before = np.concatenate((close[:1], close[:-1]))
    true_range = np.maximum(high, before) - np.minimum(low, before)
    true_range[:1] = high[:1] - low[:1]
    atr = np.full(len(close), np.nan)
    if len(close) < bars:
        return atr
    ranges = true_range.tolist()
    smoothed = sum(ranges[:bars]) / bars
    found = [smoothed]
    for current in ranges[bars:]:
        smoothed = (smoothed * (bars - 1) + current) / bars
        found.append(smoothed)
    atr[bars - 1 :] = found
    return atr


@dataclass(frozen=True, slots=True, eq=False)
class BarrierOutcomes:
    """What an entry after any bar of a series meets; one row for each bar that a signal may come from.

    `signals` are those bars, rising: an ATR above 0 is known there, the entry price is above 0, and the whole horizon
    lies in the series. Offsets count bars from the entry bar; the horizon's length means never.
    """

    signals: Indices
    entry: Floats
    upper: Floats
    lower: Floats
    to_upper: Indices
    to_lower: Indices
    upper_exit: Floats
    lower_exit: Floats
    last_close: Floats
    horizon_bars: int

    def rows(self, signal_bars: ArrayLike) -> Indices:
        """Return the rows of those bars that an entry can be judged from; the others are left out."""
        wanted = np.asarray(signal_bars, dtype=np.int64)
        if not self.signals.size:
            return np.empty(0, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.signals, wanted), self.signals.size - 1)
        found: Indices = at[self.signals[at] == wanted].astype(np.int64)
        return found

    def trades(self, rows: Indices, side: int, costs: Costs) -> Trades:
        """Return how entries of these rows end; `side` is 1 to buy, -1 to sell."""
        to_upper, to_lower = self.to_upper[rows], self.to_lower[rows]
        to_target, to_stop = (to_upper, to_lower) if side > 0 else (to_lower, to_upper)
        timed_out = np.minimum(to_upper, to_lower) == self.horizon_bars
        hit = to_target < to_stop
        upper_exit, lower_exit = self.upper_exit[rows], self.lower_exit[rows]
        target, stop = (upper_exit, lower_exit) if side > 0 else (lower_exit, upper_exit)
        leave = np.where(timed_out, self.last_close[rows], np.where(hit, target, stop))
        ratio = leave / self.entry[rows]
        gross_bps = side * (ratio - 1.0) * BPS
        return Trades(hit, timed_out, gross_bps, gross_bps - costs.side_bps * (1.0 + ratio))


def barrier_outcomes(
    open: Floats,  # noqa: A002
    high: Floats,
    low: Floats,
    close: Floats,
    barriers: Barriers,
) -> BarrierOutcomes:
    """Return what entries after each bar of the columns meet; prices in quote units."""
    horizon = barriers.horizon_bars
    atr = average_true_range(high, low, close, barriers.atr_bars)
    last = len(close) - 1 - horizon
    signals = np.flatnonzero((atr[: max(last + 1, 0)] > 0) & (open[1 : max(last + 2, 1)] > 0)).astype(np.int64)
    first = signals + 1
    entry, reach = open[first], atr[signals] * barriers.atr_multiple
    upper, lower = entry + reach, entry - reach
    to_upper, to_lower = np.full(len(first), horizon, dtype=np.int64), np.full(len(first), horizon, dtype=np.int64)
    for offset in range(horizon - 1, -1, -1):
        to_upper[high[first + offset] >= upper] = offset
        to_lower[low[first + offset] <= lower] = offset
    final = first + horizon - 1
    return BarrierOutcomes(
        signals=signals,
        entry=entry,
        upper=upper,
        lower=lower,
        to_upper=to_upper,
        to_lower=to_lower,
        upper_exit=np.maximum(upper, open[np.minimum(first + to_upper, final)]),
        lower_exit=np.minimum(lower, open[np.minimum(first + to_lower, final)]),
        last_close=close[final],
        horizon_bars=horizon,
    )
