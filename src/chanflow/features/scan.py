"""The whole market at once: thousands of series through the Chan engine, and the points that matter now.

"All symbols with a second buy point in the last five bars" is `scan(series, types=("2",), side="buy", fresh_bars=5)`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Literal

import chanflow_native

from chanflow.domain.structure import State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POINT_TYPES = ("1", "1p", "2", "2s", "3a", "3b")
"""Point types (买卖点), in the order of the bits of a `types` column."""

LEVELS: tuple[Literal["stroke", "segment"], ...] = ("stroke", "segment")
MAX_THREADS = 64


@dataclass(frozen=True, slots=True)
class BarSeries:
    """The bars of one symbol: ts_ms int64 in Unix ms UTC, prices float64 in quote units, contiguous, of one length."""

    ts_ms: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScanPoint:
    """One type of point at the end of one element. `bars_ago` counts from the symbol's last bar."""

    symbol: str
    level: Literal["stroke", "segment"]
    type: str
    side: Literal["buy", "sell"]
    state: State
    bar: int
    bars_ago: int
    ts_ms: int
    price: float
    element: int
    divergence: float | None


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan found, symbol by symbol; `failed` says in a sentence why a series could not be read."""

    points: tuple[ScanPoint, ...]
    scanned: int
    failed: Mapping[str, str]


def scan(
    series: Mapping[str, BarSeries],
    *,
    preset: str = "default",
    params: Mapping[str, str | bool | int | float | None] | None = None,
    level: Literal["stroke", "segment"] | None = None,
    types: Collection[str] = (),
    side: Literal["buy", "sell"] | None = None,
    state: Literal["provisional", "confirmed"] | None = None,
    fresh_bars: int | None = None,
    threads: int = 2,
) -> Scan:
    """Return the points of every series that pass the filters: level, types (all if empty), side, state, freshness.

    The GIL is released; `threads` run side by side. Raises ValueError for an unknown preset, setting or type, and
    for columns that differ in length; a malformed bar fails its own symbol only.
    """
    unknown = sorted(set(types) - set(POINT_TYPES))
    if unknown:
        raise ValueError(f"point type {unknown[0]!r} is unknown; known are {', '.join(POINT_TYPES)}")
    if not 1 <= threads <= MAX_THREADS:
        raise ValueError(f"threads is {threads}, allowed is 1 to {MAX_THREADS}")
    symbols = list(series)
    columns = [(s.ts_ms, s.open, s.high, s.low, s.close) for s in series.values()]
    found = chanflow_native.chan_scan(columns, preset, None if params is None else dict(params), fresh_bars, threads)
    wanted = [(bit, name) for bit, name in enumerate(POINT_TYPES) if not types or name in types]
    points = []
    rows = zip(
        found["series"].tolist(), found["bars_ago"].tolist(), found["level"].tolist(), found["element"].tolist(),
        found["bar"].tolist(), found["ts_ms"].tolist(), found["price"].tolist(), found["side"].tolist(),
        found["types"].tolist(), found["confirmed_types"].tolist(), found["divergence"].tolist(), strict=True,
    )  # fmt: skip
    for at, ago, kind, element, bar, ts_ms, price, sign, bits, sure, ratio in rows:
        its_side: Literal["buy", "sell"] = "buy" if sign > 0 else "sell"
        if (level is not None and LEVELS[kind] != level) or (side is not None and its_side != side):
            continue
        for bit, name in wanted:
            its_state: State = "confirmed" if sure >> bit & 1 else "provisional"
            if bits >> bit & 1 and state in (None, its_state):
                divergence = ratio if name in ("1", "1p") and not isnan(ratio) else None
                points.append(
                    ScanPoint(
                        symbols[at],
                        LEVELS[kind],
                        name,
                        its_side,
                        its_state,
                        bar,
                        ago,
                        ts_ms,
                        price,
                        element,
                        divergence,
                    )
                )
    return Scan(tuple(points), len(symbols), {symbols[at]: why for at, why in found["failed"]})
