"""How far a figure of a series may be from the true one, found by drawing the series again from itself.

Blocks of random length keep what follows what, so that dependence from day to day widens the interval as it should.
Every draw follows from the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cbrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Takes resamples as rows and returns one figure a row; NaN where a row has none."""

RESAMPLES = 10_000
LEAST_BLOCK = 5.0
NARROW_BELOW = 100
"""Below so many observations the interval covers less often than it says: measured 90 % at 60, 94 % at 250."""
_CHUNK = 4_000_000


class Bounds(NamedTuple):
    """A two-sided 95 % interval, and how many resamples had a figure at all."""

    low: float
    high: float
    resamples: int


def mean_block(count: int) -> float:
    """Return the mean length of a block for `count` observations: their cube root, at least 5."""
    return max(LEAST_BLOCK, cbrt(count))


def stationary_indices(count: int, resamples: int, seed: int) -> NDArray[np.int64]:
    """Return `resamples` rows of `count` indices into the series, in blocks of geometric length that wrap around.

    Source: Politis & Romano (1994), "The Stationary Bootstrap", Journal of the American Statistical Association 89.
    """
    chance = np.random.Generator(np.random.PCG64(seed))
    fresh = chance.random((resamples, count)) < 1.0 / mean_block(count)
    fresh[:, 0] = True
    starts = np.floor(chance.random((resamples, count)) * count).astype(np.int64)
    at = np.arange(count)
    began = np.maximum.accumulate(np.where(fresh, at, 0), axis=1)
    result: NDArray[np.int64] = (np.take_along_axis(starts, began, axis=1) + at - began) % count
    return result


def interval(series: Floats, statistic: Statistic, *, seed: int, resamples: int = RESAMPLES) -> Bounds | None:
    """Return the percentile interval of `statistic` over `series` (rows are moments); None where it has no figure.

    Where `series` has two columns both are drawn with the same indices, as a difference from a baseline asks for.
    """
    count = len(series)
    if count < 2:
        return None
    figures = []
    step = max(1, _CHUNK // count)
    for at in range(0, resamples, step):
        rows = stationary_indices(count, min(step, resamples - at), seed + at)
        figures.append(statistic(series[rows]))
    found = np.concatenate(figures)
    found = found[np.isfinite(found)]
    if len(found) < resamples // 2:
        return None
    low, high = np.quantile(found, [0.025, 0.975])
    return Bounds(float(low), float(high), len(found))
