"""What a track came to over a window: costs always in, and null where there is too little to say."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chanflow.domain.time import NS_PER_DAY
from chanflow.review.bootstrap import RESAMPLES, Bounds, Floats, interval
from chanflow.review.sharpe import sharpe
from chanflow.review.supposed import Exits
from chanflow.review.track import Track, Trip

GroupBy = Literal["none", "symbol", "point_type", "strategy"]
MAX_GROUPS = 50
_NEITHER = 1e-4
"""A trade that came to less than this share of its notional is neither won nor lost."""
_DRAWS, _LEAST_RESAMPLES = 20_000_000, 500
"""So many observations are drawn for an interval at most; of very many trades there are fewer resamples."""
_SEED = 42


@dataclass(frozen=True, slots=True)
class Sums:
    """What trades came to, in quote. Shares and means are None without a trade to judge."""

    n: int
    gross: float
    costs: float
    net: float
    hit_rate: float | None
    expectancy: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """A window's figures. `bounds` is the 95 % interval of the expectancy, `buy_hold` and `no_llm` are returns."""

    sums: Sums
    return_frac: float | None
    sharpe: float | None
    max_drawdown_frac: float | None
    bounds: Bounds | None
    groups: tuple[tuple[str, Sums], ...]
    buy_hold: float | None
    no_llm: float | None


_NAMES: Mapping[GroupBy, Callable[[Trip], str]] = {
    "symbol": lambda trip: trip.symbol,
    "point_type": lambda trip: trip.point_type,
    "strategy": lambda trip: trip.strategy,
}


def figures(track: Track, *, days: int | None, group_by: GroupBy) -> Figures:
    """Return the figures of the trades that closed in the last `days` before the track's end, of all without."""
    since_ns = 0 if days is None else track.known_ns - days * NS_PER_DAY
    trips = [trip for trip in track.trips if trip.closed_ns > since_ns]
    growth = grown(track, since_ns)
    total = None if len(growth) < 2 else float(growth[-1, 1]) - 1.0
    ratio = sharpe(_daily(growth), days_per_year=track.days_per_year, seed=_SEED)
    return Figures(
        sums_of(trips), total, ratio.value, _drawdown(growth), expectancy_bounds(trips), grouped(trips, group_by),
        _held(track, since_ns), None if track.modelled else total,
    )  # fmt: skip


def sums_of(trips: Sequence[Trip]) -> Sums:
    """Return what trades came to together."""
    won = sum(trip.net >= _NEITHER * trip.notional and trip.net > 0 for trip in trips)
    lost = sum(-trip.net >= _NEITHER * trip.notional and trip.net < 0 for trip in trips)
    net = sum(trip.net for trip in trips)
    return Sums(
        len(trips), sum(trip.gross for trip in trips), sum(trip.costs for trip in trips), net,
        won / (won + lost) if won + lost else None, net / len(trips) if trips else None,
    )  # fmt: skip


def grouped(trips: Sequence[Trip], group_by: GroupBy) -> tuple[tuple[str, Sums], ...]:
    """Return what each group came to, those that came to most first, at most 50."""
    if group_by == "none":
        return ()
    groups: dict[str, list[Trip]] = defaultdict(list)
    for trip in trips:
        groups[_NAMES[group_by](trip)].append(trip)
    told = [(name, sums_of(each)) for name, each in groups.items()]
    return tuple(sorted(told, key=lambda each: (-abs(each[1].net), each[0]))[:MAX_GROUPS])


def expectancy_bounds(trips: Sequence[Trip]) -> Bounds | None:
    """Return the 95 % interval of the mean net of a trade, blocks of trades in their order being drawn."""
    nets = np.array([trip.net for trip in trips], dtype=np.float64)
    if len(nets) < 2:
        return None
    resamples = min(RESAMPLES, max(_LEAST_RESAMPLES, _DRAWS // len(nets)))
    return interval(nets, _means, seed=_SEED, resamples=resamples)


def _means(rows: Floats) -> Floats:
    means: Floats = rows.mean(axis=1)
    return means


def grown(track: Track, since_ns: int) -> Floats:
    """Return what one unit of equity came to: rows of time (ns) and growth, the first at the window's start.

    Money that was brought or taken does not count: growth goes on from the equity that it left. Empty without a mark.
    """
    first = bisect_right(track.marks, since_ns, key=lambda mark: mark[0])
    base = track.marks[first - 1][1] if first else track.capital
    if base is None or base <= 0.0 or first == len(track.marks):
        return np.empty((0, 2))
    at = bisect_right(track.transfers, track.marks[first - 1][0] if first else track.opened_ns, key=lambda t: t[0])
    rows = [(float(max(since_ns, track.opened_ns)), 1.0)]
    whole, equity = 1.0, base
    for at_ns, marked, _ in track.marks[first:]:
        while at < len(track.transfers) and track.transfers[at][0] <= at_ns:
            whole, base = whole * equity / base, equity + track.transfers[at][1]
            equity = base
            at += 1
            if base <= 0.0:
                return np.array(rows)
        rows.append((float(at_ns), whole * marked / base))
        equity = marked
    return np.array(rows)


def _daily(growth: Floats) -> Floats:
    """Return the return of each UTC day that was marked."""
    if len(growth) < 2:
        return np.empty(0)
    days = growth[1:, 0].astype(np.int64) // NS_PER_DAY
    ends = np.append(growth[0, 1], growth[1:, 1][np.append(np.diff(days) != 0, True)])
    with np.errstate(divide="ignore", invalid="ignore"):
        returns: Floats = ends[1:] / ends[:-1] - 1.0
    return returns if bool(np.isfinite(returns).all()) else np.empty(0)


def _drawdown(growth: Floats) -> float | None:
    if len(growth) < 2:
        return None
    peaks = np.maximum.accumulate(growth[:, 1])
    return float(np.max(1.0 - growth[:, 1] / peaks))


def _held(track: Track, since_ns: int) -> float | None:
    """Return what holding from the window's first price to its last came to, costs of both ways paid."""
    first = max(0, bisect_left(track.marks, since_ns, key=lambda mark: mark[0]) - 1)
    prices = [price for _, _, price in (*track.marks[first : first + 1], *track.marks[-1:]) if price > 0.0]
    if len(prices) < 2 or first >= len(track.marks) - 1:
        return None
    return prices[1] / prices[0] - 1.0 - Exits().cost_bps / 10_000.0
