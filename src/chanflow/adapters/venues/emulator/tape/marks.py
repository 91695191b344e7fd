"""Recorded mark prices and funding as ticks, laid between the other ticks of their symbol."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chanflow.adapters.venues.emulator.tape.reel import Columns
from chanflow.adapters.venues.emulator.tape.steps import Kind

_NS_PER_MS = 1_000_000
_PPB = 1_000_000_000


def mark_ticks(
    event_ms: NDArray[np.int64],
    price: NDArray[np.float64],
    price_decimals: int,
    funding_frac: NDArray[np.float64] | None = None,
    next_funding_ms: NDArray[np.int64] | None = None,
) -> Columns:
    """Return mark prices as ticks, and a funding of the last rate told before it wherever its time has come.

    Rows are in order of arrival; those without a price are left out, as are fundings whose rate or time is unknown.
    """
    rows: list[tuple[int, int, int, int]] = []
    due_ms, rate_ppb, now_ms = 0, 0, 0
    for at, ms in enumerate(event_ms.tolist()):
        now_ms = max(now_ms, ms)
        if 0 < due_ms <= now_ms:
            rows.append((max(due_ms, rows[-1][0] if rows else 0), Kind.FUNDING, 0, rate_ppb))
            due_ms = 0
        if np.isfinite(price[at]) and price[at] > 0:
            rows.append((now_ms, Kind.MARK, round(float(price[at]) * 10**price_decimals), 0))
        if funding_frac is None or next_funding_ms is None:
            continue
        if np.isfinite(funding_frac[at]) and next_funding_ms[at] > now_ms:
            due_ms, rate_ppb = int(next_funding_ms[at]), round(float(funding_frac[at]) * _PPB)
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return table[:, 0] * _NS_PER_MS, table[:, 1].astype(np.uint8), table[:, 2].copy(), table[:, 3].copy()


def with_marks(source: Iterator[Columns], marks: Columns) -> Iterator[Columns]:
    """Yield the columns of `source` with those of `marks` between them, in order of time."""
    at = 0
    for columns in source:
        if not len(columns[0]):
            continue
        upto = int(marks[0].searchsorted(columns[0][-1], side="right"))
        yield _laid(columns, _cut(marks, at, upto))
        at = upto
    if at < len(marks[0]):
        yield _cut(marks, at, len(marks[0]))


def _cut(columns: Columns, start: int, stop: int) -> Columns:
    event_ns, kind, price, qty = columns
    return event_ns[start:stop], kind[start:stop], price[start:stop], qty[start:stop]


def _laid(one: Columns, other: Columns) -> Columns:
    if not len(other[0]):
        return one
    event_ns = np.concatenate([one[0], other[0]])
    order = np.argsort(event_ns, kind="stable")
    kind, price, qty = (np.concatenate([one[at], other[at]])[order] for at in (1, 2, 3))
    return event_ns[order], kind.astype(np.uint8), price.astype(np.int64), qty.astype(np.int64)
