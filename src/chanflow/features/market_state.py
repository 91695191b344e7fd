"""Figures of a market state (`domain/market_state.py`) from bars, structure and the clock; missing ones are left out.

Each function returns figures by their names, so that a state is `MarketState(**price, **chan, **upper, **context)`.
Only closed bars go in: the figures are known when the last of them is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import cos, isfinite, log, pi, sin, sqrt
from statistics import fmean, median
from typing import SupportsFloat

from chanflow.domain.market_data import Bar
from chanflow.domain.time import MS_PER_DAY
from chanflow.features.chan import POINT_TYPES, Structure

WINDOW = 64
KEEP_BARS = 4 * WINDOW + 1
"""So many bars are read; older ones change a figure by less than a rounding of its scale."""
_FAST, _SLOW = 16, 64
_ATR = 14
_HORIZONS = (1, 4, 16, 64)
QUARTER = 15
"""Minutes of the slower imbalance."""
DEPTH = 5
"""Levels of the book that depth is measured over."""
_CONFIRMED = 1
_THURSDAY = 3
"""1970-01-01 was a Thursday; Monday is 0."""

Figures = dict[str, float]


def price_figures(bars: Sequence[Bar]) -> Figures:
    """Return the ten figures of price from the newest bars, as far as there are enough of them."""
    bars = bars[-KEEP_BARS:]
    returns = [log(after.close / before.close) for before, after in pairwise(bars)]
    found: Figures = {}
    slow = _volatility(returns, _SLOW) if len(returns) >= _SLOW else 0.0
    fast = _volatility(returns, _FAST) if len(returns) >= _FAST else 0.0
    if fast > 0.0:
        found["volatility_fast"] = log(fast)
    if slow > 0.0:
        found["volatility_slow"] = log(slow)
        found |= {f"return_{n}": sum(returns[-n:]) / (slow * sqrt(n)) for n in _HORIZONS}
        found["mean_distance"] = log(bars[-1].close / fmean(bar.close for bar in bars[-WINDOW:])) / slow
        if fast > 0.0:
            found["volatility_ratio"] = log(fast / slow)
    if len(bars) >= WINDOW:
        low, high = min(bar.low for bar in bars[-WINDOW:]), max(bar.high for bar in bars[-WINDOW:])
        if high > low:
            found["range_place"] = (bars[-1].close - low) / (high - low)
    if len(bars) > _ATR:
        true_range = fmean(
            max(after.high, before.close) - min(after.low, before.close)
            for before, after in pairwise(bars[-_ATR - 1 :])
        )
        if true_range > 0.0:
            found["atr_frac"] = log(true_range / bars[-1].close)
    return found


def _volatility(returns: Sequence[float], span: int) -> float:
    """Return the root of the exponentially weighted mean of squares, alpha = 2 / (span + 1)."""
    keep, weighted, weight = 1.0 - 2.0 / (span + 1), 0.0, 0.0
    for each in returns:
        weighted, weight = weighted * keep + each * each, weight * keep + 1.0
    return sqrt(weighted / weight)


def chan_figures(structure: Structure, close: float, *, upper: bool = False) -> Figures:
    """Return the seven figures of a level's structure after its last bar, whose close is given."""
    found: Figures = {}
    strokes, centers, points, trends = structure.strokes, structure.centers, structure.points, structure.trends
    if len(strokes):
        lengths = [b - a for a, b in zip(strokes.start_bar.tolist(), strokes.end_bar.tolist(), strict=True)]
        found["stroke_direction"] = float(strokes.direction[-1])
        found["stroke_age"] = (structure.bars - 1 - int(strokes.start_bar[-1])) / max(1.0, median(lengths))
    ours = [i for i, level in enumerate(centers.level.tolist()) if level == 0]
    if ours:
        low, high = float(centers.low[ours[-1]]), float(centers.high[ours[-1]])
        if high > low:
            found["center_place"] = (close - low) / (high - low)
    kinds = [i for i, level in enumerate(trends.level.tolist()) if level == 0]
    if kinds:
        last = kinds[-1]
        count = int(trends.last_center[last]) - int(trends.first_center[last]) + 1
        found["trend_centers"] = float(count * int(trends.direction[last]))
    confirmed = [i for i, state in enumerate(points.state.tolist()) if state == _CONFIRMED]
    if confirmed:
        last = max(confirmed, key=lambda i: (int(points.bar[i]), i))
        bits = int(points.confirmed_types[last])
        ordinal = int(POINT_TYPES[bits.bit_length() - 1][0]) if bits else 0
        found["point_ordinal"] = ordinal / 3 * int(points.side[last])
        found["point_age"] = log(structure.bars - int(points.bar[last]))
        forces = [f for i in confirmed if isfinite(f := float(points.divergence[i]))]
        if forces:
            found["divergence_ratio"] = forces[-1]
    return {f"upper_{name}": value for name, value in found.items()} if upper else found


def clock_figures(at_ms: int) -> Figures:
    """Return where a moment (Unix ms) lies in the UTC day, and whether it is a weekend."""
    angle = 2 * pi * (at_ms % MS_PER_DAY) / MS_PER_DAY
    weekday = (at_ms // MS_PER_DAY + _THURSDAY) % 7
    return {"hour_sin": sin(angle), "hour_cos": cos(angle), "weekend": float(weekday >= 5)}


def btc_figures(bars: Sequence[Bar], btc: Sequence[Bar]) -> Figures:
    """Return BTC's return over 64 bars and the correlation of the two, from bars that stand at the same moments."""
    theirs = price_figures(btc)
    found = {"btc_return_64": theirs["return_64"]} if "return_64" in theirs else {}
    at = {bar.ts_ms: bar.close for bar in btc[-WINDOW - 1 :]}
    pairs = [(bar.close, at[bar.ts_ms]) for bar in bars[-WINDOW - 1 :] if bar.ts_ms in at]
    if len(pairs) > WINDOW // 2:
        moves = [(log(b[0] / a[0]), log(b[1] / a[1])) for a, b in pairwise(pairs)]
        if (correlation := _correlation(moves)) is not None:
            found["btc_correlation"] = correlation
    return found


def imbalance_figures(minutes: Sequence[Bar]) -> Figures:
    """Return what was bought less what was sold by both, of the newest closed minute and of the newest fifteen."""
    found: Figures = {}
    for name, count in (("imbalance_1m", 1), ("imbalance_15m", QUARTER)):
        newest = minutes[-count:]
        volume = sum(bar.volume for bar in newest)
        if len(newest) == count and volume > 0.0:
            found[name] = (2 * sum(bar.buy_qty for bar in newest) - volume) / volume
    return found


def book_figures(
    bids: Sequence[tuple[SupportsFloat, SupportsFloat]], asks: Sequence[tuple[SupportsFloat, SupportsFloat]]
) -> Figures:
    """Return imbalances and spread of a book's best levels, given as (price, quantity), best first."""
    if not bids or not asks:
        return {}
    bid, ask = float(bids[0][0]), float(asks[0][0])
    found = {"spread_bps": (ask - bid) / ((ask + bid) / 2) * 10_000}
    for name, count in (("queue_imbalance", 1), ("depth_imbalance", DEPTH)):
        offered, wanted = (sum(float(qty) for _, qty in side[:count]) for side in (asks, bids))
        if offered + wanted > 0.0:
            found[name] = (wanted - offered) / (wanted + offered)
    return found


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    mean_a, mean_b = fmean(a for a, _ in pairs), fmean(b for _, b in pairs)
    var_a, var_b = sum((a - mean_a) ** 2 for a, _ in pairs), sum((b - mean_b) ** 2 for _, b in pairs)
    if var_a <= 0.0 or var_b <= 0.0:
        return None
    return sum((a - mean_a) * (b - mean_b) for a, b in pairs) / sqrt(var_a * var_b)
