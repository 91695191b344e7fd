"""Klines as rows: the unified columns, and beside them what makes a bar.

`price` is the close and `qty` the volume, so that a reader of rows alone understands them. `seq_first` and `seq_last`
are the bar's open and its end in Unix ms, which tells bars of two intervals apart by `row_id`. What was known of a
closed bar was known at its end: `known_ns` of a bar that was fetched later says so, and the same bar is always the same
row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from chanflow.adapters.storage.rows import KINDS, row_schema, unified_rows
from chanflow.domain.time import NS_PER_MS

if TYPE_CHECKING:
    import polars as pl

KIND = KINDS.index("kline")
VALUES = ("open", "high", "low", "close", "volume", "amount", "buy_qty")


def kline_schema() -> dict[str, pl.DataType]:
    """Return the columns that a part of klines has after the unified ones, with their types."""
    import polars as pl

    floats = {name: pl.Float64() for name in VALUES[:-1]}
    return {
        "interval": pl.String(),
        "open_ms": pl.Int64(),
        "close_ms": pl.Int64(),
        **floats,
        "trades": pl.Int64(),
        "buy_qty": pl.Float64(),
        "closed": pl.Boolean(),
    }


def kline_rows(
    columns: Mapping[str, Any],
    *,
    venue: str,
    symbol: str,
    interval: str,
    dq_codes: list[list[str]] | None = None,
) -> pl.DataFrame:
    """Return bars as rows. `columns` has `open_ms`, `close_ms` (the first ms after), and the prices.

    `volume`, `amount`, `trades` and `buy_qty` are null where they are absent or NaN; `closed` is true where absent,
    `known_ns` the bar's end. `dq_codes` holds the gate's codes for each row.
    """
    import polars as pl

    open_ms = np.asarray(columns["open_ms"], dtype=np.int64)
    close_ms = np.asarray(columns["close_ms"], dtype=np.int64)
    count = open_ms.size
    nothing, absent = np.full(count, np.nan), np.full(count, -1, dtype=np.int64)
    values = {name: np.asarray(columns.get(name, nothing), dtype=np.float64) for name in VALUES}
    collected: dict[str, Any] = {
        "ts_ms": open_ms,
        "kind": np.full(count, KIND, dtype=np.uint8),
        "side": np.zeros(count, dtype=np.uint8),
        "is_maker": np.full(count, -1, dtype=np.int8),
        "event_ms": close_ms,
        "known_ns": np.asarray(columns.get("known_ns", close_ms * NS_PER_MS), dtype=np.int64),
        "price": values["close"],
        "qty": values["volume"],
        **dict.fromkeys(("bid", "ask", "bid_qty", "ask_qty", "spread_bps"), nothing),
        "seq_first": open_ms,
        "seq_last": close_ms,
        "seq_prev": absent,
    }
    runs = [(1, tuple(codes)) for codes in dq_codes] if dq_codes is not None else [(count, ())]
    frame = unified_rows(collected, venue=venue, symbol=symbol, dq_runs=runs)
    trades = columns.get("trades")
    return (
        frame.with_columns(
            pl.lit(interval).alias("interval"),
            pl.Series("open_ms", open_ms),
            pl.Series("close_ms", close_ms),
            *(pl.Series(name, values[name]).fill_nan(None) for name in VALUES[:-1]),
            pl.Series("trades", np.asarray(trades if trades is not None else absent, dtype=np.int64)),
            pl.Series("buy_qty", values["buy_qty"]).fill_nan(None),
            pl.Series("closed", np.asarray(columns.get("closed", np.ones(count, dtype=bool)), dtype=bool)),
        )
        .with_columns(pl.when(pl.col("trades") >= 0).then(pl.col("trades")).alias("trades"))
        .select([*row_schema(), *kline_schema()])
    )
