"""Rows of features for tests to spoil one thing at a time, and those of the recorded market."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

START_MS = 1_767_571_200_000
LIVELY = {
    "trades_per_min": 600.0, "quotes_per_s": 150.0, "sigma_bps": 6.0, "volume_quote": 9e6, "spread_bps": 1.0,
}  # fmt: skip


def row(at: int = 0, **changes: Any) -> dict[str, Any]:
    """Return the row of bin `at` (1 s bins), which a fresh algorithm confirms as a strong purchase."""
    base: dict[str, Any] = {
        "ts_ms": START_MS + at * 1_000, "symbol": "BTCUSDT", "mid": 100.0, "z_ofi": 2.5, "z_cvd": 2.0, "fusion": 2.3,
        "consistency": 0.8, "book_ok": True, "lag_sec": 0.1, "move_5m_bps": 12.0, **LIVELY,
    }  # fmt: skip
    return {**base, **changes}


def wavy(count: int = 900, symbol: str = "BTCUSDT", *, phase: float = 0.0) -> list[dict[str, Any]]:
    """Return rows that meet every test now and then, and fail each now and then."""
    return [
        row(
            at, symbol=symbol, z_ofi=3 * math.sin(at / 7 + phase), z_cvd=3 * math.sin(at / 7.5 + phase),
            fusion=2.5 * math.sin(at / 7.2 + phase), consistency=abs(math.cos(at / 31)),
            move_5m_bps=9 * math.sin(at / 90), book_ok=at % 50 != 3, lag_sec=4.0 if at % 61 == 5 else 0.2,
            sigma_bps=2 + 6 * abs(math.sin(at / 100)), reasons=["warmup"] if at < 20 else [],
        )
        for at in range(count)
    ]  # fmt: skip


def lines(rows: Iterable[dict[str, Any]]) -> str:
    """Return rows as JSON lines."""
    return "".join(json.dumps(each) + "\n" for each in rows)


@cache
def recorded(root: Path) -> tuple[dict[str, Any], ...]:
    """Return the rows of 1 s bins of the recorded BTCUSDT market, with all columns."""
    import chanflow_native

    from chanflow.market.recorded import RecordedSource

    source = RecordedSource.open(root / "wire" / "binance_usdm_BTCUSDT_20240808.txt.gz", max_bytes=1 << 32)
    engine = chanflow_native.FlowEngine(source.price_decimals, source.qty_decimals, all_columns=True)
    batch = source.next(source.end_ns + 1)
    return tuple(each for columns in (engine.push(batch), engine.finish()) for each in _rows(columns))


def _rows(columns: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for at in range(len(columns["ts_ms"])):
        values = {name: getattr(column[at], "item", lambda v=column[at]: v)() for name, column in columns.items()}
        yield {"symbol": "BTCUSDT"} | {name: None if value != value else value for name, value in values.items()}
