"""Points traded on bars: an entry at each confirmed point, through the simulator's order states, costs always on.

Decided at the close of the bar that confirmed the point, filled at the next open. The stop lies a tick beyond the
structure's invalidation price, the target at `reward_risk` times the risk; every fill is slipped. A position also ends
at the next confirmed point of the other side, and after `max_hold_bars`; one that stands when the bars end is marked at
the last close. One position a symbol; points that come while it stands are passed over. There is no gate here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Literal

import numpy as np
from chanflow_native import run_bars
from numpy.typing import NDArray

from chanflow.market.markets import SHANGHAI_MS

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Market = Literal["plain", "a_share"]

_KEEP = -(2**63)
"""Wanted position: as it is."""
_BPS = 10_000.0
_PPB_OF_BPS = 100_000
_DAY_MS = 86_400_000
_DIGITS = 6
_CAUSES = ("market", "limit", "stop", "target", "trailing")
LOT_SHARES = 100
_DEPOSIT_NANO = 10**18
"""More than any trade of the capital can lose in the simulator's own units."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A point to act on: the index of the bar that confirmed it, its side, and the price that makes it void."""

    bar: int
    long: bool
    invalidation: float


@dataclass(frozen=True, slots=True)
class PointRules:
    """How points are traded. `capital_quote` is put into each trade; `before_bars` are read ahead for price limits.

    Raises ValueError for a figure that makes no trade.
    """

    capital_quote: float
    reward_risk: float = 2.0
    max_hold_bars: int = 96
    taker_bps: float = 5.0
    slippage_bps: float = 1.0
    market: Market = "plain"
    before_bars: int = 16

    def __post_init__(self) -> None:
        if not (self.capital_quote > 0 and self.reward_risk > 0 and self.max_hold_bars > 0):
            raise ValueError(f"{self}: capital, reward and patience must be above 0")
        if not (0 <= self.taker_bps < _BPS and 0 <= self.slippage_bps < _BPS):
            raise ValueError(f"{self}: costs are bps of a price, from 0 to below {_BPS:.0f}")


@dataclass(frozen=True, slots=True)
class BarSeries:
    """Bars as columns: `ts_ms` is the open of each, prices in quote; `volume` in base units or None."""

    ts_ms: Longs
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats | None


@dataclass(frozen=True, slots=True)
class PointTrade:
    """One position from flat to flat. Money in quote; `hit` says that the target ended it.

    `bar` is that of the point it acted on.
    """

    bar: int
    long: bool
    entry_ms: int
    exit_ms: int
    entry_price: float
    exit_price: float
    qty_base: float
    fees_quote: float
    slippage_quote: float
    net_quote: float
    exit_cause: str

    @property
    def hit(self) -> bool:
        """Whether the target was reached."""
        return self.exit_cause == "target"

    @property
    def gross_quote(self) -> float:
        """What it earned before fees and slippage."""
        return self.net_quote + self.fees_quote + self.slippage_quote


@dataclass(frozen=True, slots=True)
class PointRun:
    """All trades of a symbol, and what they had earned by the close of each bar, in quote."""

    trades: tuple[PointTrade, ...]
    earned_quote: Floats


def run_points(bars: BarSeries, entries: Sequence[Entry], rules: PointRules) -> PointRun:
    """Return what trading `entries` (in order of their bars) would have come to. Linear in bars and trades."""
    count = len(bars.close)
    earned = np.zeros(count)
    trades: list[PointTrade] = []
    free = 0
    for number, entry in enumerate(entries):
        if entry.bar < free or entry.bar >= count - 1 or (rules.market == "a_share" and not entry.long):
            continue
        other = next((e.bar for e in entries[number + 1 :] if e.long != entry.long and e.bar > entry.bar), count)
        until = min(entry.bar + rules.max_hold_bars, other, count - 1)
        found = _trade(bars, entry, until, rules, earned)
        if found is not None:
            trades.append(found)
            # An exit decided at a close makes room for an entry decided at the same one.
            left = int(np.searchsorted(bars.ts_ms, found.exit_ms))
            free = left - 1 if found.exit_cause == "market" else left
    return PointRun(tuple(trades), earned)


def _trade(bars: BarSeries, entry: Entry, until: int, rules: PointRules, earned: Floats) -> PointTrade | None:
    """Play one trade, and add what it earned to `earned`; None where it could not be entered."""
    price = float(bars.close[entry.bar])
    decimals = max(0, _DIGITS - floor(log10(price)) - 1)
    unit = 10.0**decimals
    lot_unit, lots = _quantity(price, rules)
    if lots == 0:
        return None
    risk = price - entry.invalidation if entry.long else entry.invalidation - price
    if risk <= 0:
        return None
    sign = 1 if entry.long else -1
    stop, target = entry.invalidation - sign / unit, price + sign * rules.reward_risk * risk
    if stop <= 0 or target <= 0:
        return None
    start, end = max(0, entry.bar - rules.before_bars), _last(until, len(bars.close), rules)
    cut = slice(start, end)
    wanted = np.full(end - start, _KEEP, dtype=np.int64)
    wanted[entry.bar - start] = sign * lots
    wanted[until - start :] = 0
    exits = np.zeros((2, end - start), dtype=np.int64)
    exits[:, entry.bar - start] = round(stop * unit), round(target * unit)
    slippage = max(1, ceil(price * rules.slippage_bps / _BPS * unit)) if rules.slippage_bps else 0
    done = run_bars(
        _ticks(bars.open[cut], unit), _ticks(bars.high[cut], unit), _ticks(bars.low[cut], unit),
        _ticks(bars.close[cut], unit), wanted, volume=_volume(bars, cut, lot_unit, rules),
        day=(bars.ts_ms[cut] + SHANGHAI_MS) // _DAY_MS if rules.market == "a_share" else None,
        stop=exits[0], target=exits[1], taker_ppb=round(rules.taker_bps * _PPB_OF_BPS), slippage=slippage,
        deposit_nano=_DEPOSIT_NANO, with_equity=True, market=rules.market,
    )  # fmt: skip
    if len(done["fill_bar"]) == 0:
        return None
    money = unit / lot_unit * 1e9
    earned[start:end] += (np.asarray(done["equity_nano"], dtype=np.float64) - _DEPOSIT_NANO) / money
    earned[end:] += (float(done["equity_nano"][-1]) - _DEPOSIT_NANO) / money
    return _told(bars, entry, done, start, unit=unit, lot_unit=lot_unit, money=money, slippage=slippage)


def _told(
    bars: BarSeries, entry: Entry, done: dict[str, NDArray[np.int64]], start: int, *, unit: float, lot_unit: float,
    money: float, slippage: int,
) -> PointTrade:  # fmt: skip
    qty = np.asarray(done["fill_qty"], dtype=np.float64) * lot_unit
    price = np.asarray(done["fill_price"], dtype=np.float64) / unit
    enters = (qty > 0) == entry.long
    held = float(np.abs(qty[enters]).sum())
    causes = done["fill_cause"]
    leaves = ~enters
    open_qty = held - float(np.abs(qty[leaves]).sum())
    last = start + (int(done["fill_bar"][-1]) if leaves.any() else len(done["equity_nano"]) - 1)
    return PointTrade(
        bar=entry.bar,
        long=entry.long,
        entry_ms=int(bars.ts_ms[start + int(done["fill_bar"][0])]),
        exit_ms=int(bars.ts_ms[last]),
        entry_price=float(np.average(price[enters], weights=np.abs(qty[enters]))),
        exit_price=(
            float(np.average(price[leaves], weights=np.abs(qty[leaves]))) if leaves.any() else float(bars.close[last])
        ),
        qty_base=held,
        fees_quote=float(np.sum(done["fill_fee_nano"])) / money,
        slippage_quote=float(np.abs(qty).sum()) * slippage / unit,
        net_quote=(float(done["equity_nano"][-1]) - _DEPOSIT_NANO) / money,
        exit_cause=_CAUSES[int(causes[-1])] if leaves.any() and open_qty <= 0 else "end",
    )  # fmt: skip


def _quantity(price: float, rules: PointRules) -> tuple[float, int]:
    """Return the size of a lot in base units, and how many the capital buys."""
    if rules.market == "a_share":
        return 1.0, int(rules.capital_quote / price) // LOT_SHARES * LOT_SHARES
    lot = 10.0 ** -max(0, _DIGITS - floor(log10(max(rules.capital_quote / price, 1e-9))) - 1)
    return lot, int(rules.capital_quote / price / lot)


def _last(until: int, count: int, rules: PointRules) -> int:
    """Return the end of what is played: shares that may not be sold today, or at a limit, wait for later bars."""
    return min(count, until + 2 + (rules.before_bars * 4 if rules.market == "a_share" else 0))


def _volume(bars: BarSeries, cut: slice, lot_unit: float, rules: PointRules) -> Longs | None:
    """Return the volume that caps what is ours: of shares, whose suspended days it tells; None elsewhere."""
    if rules.market != "a_share" or bars.volume is None:
        return None
    return np.ascontiguousarray(np.round(bars.volume[cut] / lot_unit).astype(np.int64))


def _ticks(column: Floats, unit: float) -> Longs:
    return np.ascontiguousarray(np.round(column * unit).astype(np.int64))
