"""Lakes made up for the tests of what reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from made_rows import START_MS
from numpy.typing import NDArray

from chanflow.adapters.storage.day_store import DayStore
from chanflow.adapters.storage.lake import LakeWriter
from chanflow.market.kline_gate import PlainKlineGate

MINUTE_MS = 60_000


class ClockAt:
    """A clock that stands; waiting moves it."""

    def __init__(self, at_ms: int) -> None:
        self.at_ns = at_ms * 1_000_000
        self.waits_s: list[float] = []

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        return self.at_ns

    async def sleep_until(self, at_ns: int) -> None:
        self.waits_s.append((at_ns - self.at_ns) / 1e9)
        self.at_ns = max(at_ns, self.at_ns)


def write_rows(
    root: Path,
    columns: dict[str, NDArray[Any]],
    *,
    symbol: str = "SIMUSDT",
    rotate_rows: int = 700,
    writer: str = "desk",
) -> None:
    lake = LakeWriter(root, "sim", symbol, writer_id=writer, rotate_rows=rotate_rows)
    lake.add(columns)
    lake.close()


def minute_bars(
    count: int, *, start_ms: int = START_MS, step_ms: int = MINUTE_MS, first: float = 100.0
) -> dict[str, Any]:
    """Return `count` bars that rise by one a bar."""
    close = first + np.arange(count, dtype=np.float64)
    open_ms = start_ms + np.arange(count, dtype=np.int64) * step_ms
    return {
        "open_ms": open_ms,
        "close_ms": open_ms + step_ms,
        "open": close - 0.5,
        "high": close + 1,
        "low": close - 1,
        "close": close,
        "volume": np.full(count, 2.0),
        "amount": close * 2,
        "trades": np.full(count, 3),
        "buy_qty": np.full(count, 1.0),
    }


def store_bars(
    root: Path, columns: dict[str, Any], *, symbol: str = "SIMUSDT", interval: str = "1m", complete: bool = True
) -> tuple[int, int]:
    store = DayStore(root, "sim", writer_id="pull", gate=PlainKlineGate())
    try:
        return store.put_klines(symbol, interval, columns, complete=complete, source="test")
    finally:
        store.close()


def picked(columns: dict[str, Any], keep: NDArray[np.bool_]) -> dict[str, Any]:
    return {name: values[keep] for name, values in columns.items()}
