"""The Sharpe ratio, its interval, and what is left of it once all the trials that led to it are counted."""

from __future__ import annotations

from dataclasses import dataclass
from math import e, sqrt
from statistics import NormalDist

import numpy as np

from chanflow.review.bootstrap import Bounds, Floats, interval

CRYPTO_DAYS, A_SHARE_DAYS = 365, 244
LEAST_DAYS = 20
EULER = 0.5772156649015329
_FLAT = 1e-12
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Sharpe:
    """A ratio per year; None with the reason where there is none. `per_day` is the same per period."""

    value: float | None
    per_day: float | None
    days: int
    bounds: Bounds | None
    reason: str = ""


def sharpe(returns: Floats, *, days_per_year: int, seed: int) -> Sharpe:
    """Return the mean of daily returns over their deviation (n - 1), a year's worth, with its 95 % interval."""
    count = len(returns)
    if count < LEAST_DAYS:
        return Sharpe(None, None, count, None, f"too_short: {count} days, {LEAST_DAYS} are needed")
    per_day = float(_ratio(returns[np.newaxis])[0])
    if not np.isfinite(per_day):
        return Sharpe(None, None, count, None, "zero_variance")
    scale = sqrt(days_per_year)
    found = interval(returns, _ratio, seed=seed)
    bounds = None if found is None else Bounds(found.low * scale, found.high * scale, found.resamples)
    return Sharpe(per_day * scale, per_day, count, bounds)


def _ratio(rows: Floats) -> Floats:
    spread = rows.std(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: Floats = np.where(spread < _FLAT, np.nan, rows.mean(axis=1) / spread)
    return ratio


@dataclass(frozen=True, slots=True)
class Deflated:
    """The chance that the true ratio is above what luck alone gives the best of `trials`; both ratios per period."""

    probability: float | None
    expected_best: float | None
    trials: int
    reason: str = ""


def deflated(returns: Floats, tried: Floats) -> Deflated:
    """Return the deflated Sharpe ratio of daily `returns`, `tried` being the per-period ratios of all trials.

    SR0 = sqrt(V[SR]) ((1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e))); DSR = P((SR - SR0) sqrt(T - 1) / sqrt(1 - s SR +
    (k - 1) SR^2 / 4)) with skewness s and kurtosis k. Source: Bailey & Lopez de Prado (2014), "The Deflated Sharpe
    Ratio", Journal of Portfolio Management 40(5), 94-107.
    """
    trials, count = len(tried), len(returns)
    if count < LEAST_DAYS:
        return Deflated(None, None, trials, f"too_short: {count} days, {LEAST_DAYS} are needed")
    ratio = float(_ratio(returns[np.newaxis])[0])
    if not np.isfinite(ratio):
        return Deflated(None, None, trials, "zero_variance")
    best = expected_best(tried)
    centred = returns - returns.mean()
    spread = returns.std()
    skew = float((centred**3).mean() / spread**3)
    kurtosis = float((centred**4).mean() / spread**4)
    variance = 1.0 - skew * ratio + (kurtosis - 1.0) * ratio * ratio / 4.0
    if variance <= 0.0:
        return Deflated(None, best, trials, "the moments of so few returns contradict one another")
    return Deflated(_NORMAL.cdf((ratio - best) * sqrt(count - 1) / sqrt(variance)), best, trials)


def expected_best(tried: Floats) -> float:
    """Return the ratio that the best of `tried` would have if none were any good; 0 where one alone was tried."""
    trials = len(tried)
    if trials < 2:
        return 0.0
    high = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    higher = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * e))
    return float(tried.std(ddof=1)) * ((1.0 - EULER) * high + EULER * higher)
