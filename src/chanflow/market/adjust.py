"""Adjusted prices (复权): the raw price and the factor are kept apart, and joined when they are read.

A factor is cumulative from the listing on and holds from its `ts_ms`. Backward (后复权) multiplies by it. Forward
(前复权) multiplies by it and divides by the newest factor known, so that today's price stands as it is. Both use only
factors known at the moment asked about, or yesterday's backtest would know tomorrow's dividend. Volume is as traded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chanflow.domain.time import NS_PER_MS

Adjust = Literal["none", "forward", "backward"]


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """Cumulative factors by rising `ts_ms`, from when each holds (Unix ms); `known_ns` is when it was known."""

    ts_ms: NDArray[np.int64]
    known_ns: NDArray[np.int64]
    factor: NDArray[np.float64]


def adjusted(
    bars: Mapping[str, NDArray[Any]], factors: Factors, adjust: Adjust, *, as_of_ms: int | None = None
) -> dict[str, NDArray[Any]]:
    """Return bars with their prices adjusted by the factors known at `as_of_ms`; None takes all. 1 before the first."""
    found = dict(bars)
    if adjust == "none":
        return found
    known = np.ones(factors.ts_ms.size, dtype=bool) if as_of_ms is None else factors.known_ns <= as_of_ms * NS_PER_MS
    ts_ms, factor = factors.ts_ms[known], factors.factor[known]
    at = np.searchsorted(ts_ms, bars["ts_ms"], side="right")
    scale = np.concatenate([[1.0], factor])[at]
    if adjust == "forward" and factor.size:
        scale = scale / factor[-1]
    for name in ("open", "high", "low", "close"):
        found[name] = bars[name] * scale
    return found
