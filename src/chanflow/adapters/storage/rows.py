"""The unified row: one schema for every reader. Times are Unix ms UTC, `known_ns` wall ns; absent is null, never 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

SCHEMA_VERSION = 3

KINDS = ("trade", "book_ticker", "agg_trade", "book", "mark", "liquidation", "kline", "gap")
"""Names of the kinds, at their codes; the first two are the native collector's."""

SIDES = (None, "buy", "sell")
"""The taker's side, at its code."""

Columns = Mapping[str, NDArray[Any]]
"""Rows as columns of one length, as the native collector gives them: `ts_ms`, `kind` (code of `KINDS`), `price`,
`qty`, `side` (code of `SIDES`), `is_maker`, `bid`, `ask`, `bid_qty`, `ask_qty`, `spread_bps`, `event_ms`, `known_ns`,
`seq_first`, `seq_last`, `seq_prev`. Absent is NaN in a float column, negative in a sequence
and in `is_maker` (else 1 or 0), 0 in `event_ms`."""

_FLOATS = ("price", "qty", "bid", "ask", "bid_qty", "ask_qty", "spread_bps")
_SEQUENCES = ("seq_first", "seq_last", "seq_prev")
COLLECTED = ("ts_ms", "kind", "side", "is_maker", "event_ms", "known_ns", *_FLOATS, *_SEQUENCES)
"""The columns that every batch must have."""


def row_schema() -> dict[str, pl.DataType]:
    """Return the columns of a row file, in order, with their types."""
    import polars as pl

    level = pl.List(pl.Struct({"p": pl.Float64, "q": pl.Float64}))
    text, i64, f64, flag = pl.String(), pl.Int64(), pl.Float64(), pl.Boolean()
    return {
        "ts_ms": i64,
        "symbol": text,
        "venue": text,
        "kind": text,
        "price": f64,
        "qty": f64,
        "side": text,
        "is_maker": flag,
        "bid": f64,
        "ask": f64,
        "bid_qty": f64,
        "ask_qty": f64,
        "spread_bps": f64,
        "bids": level,
        "asks": level,
        "event_ms": i64,
        "known_ns": i64,
        "seq_first": i64,
        "seq_last": i64,
        "seq_prev": i64,
        "lag_ms": f64,
        "dq_ok": flag,
        "dq_codes": pl.List(pl.String),
        "row_id": text,
        "schema_version": pl.Int16(),
    }


def row_ids(columns: Columns, *, venue: str, symbol: str) -> pl.Series:
    """Return each row's id: the first 16 bytes, in hex, of SHA-256 of `venue:symbol:kind:seq_last:ts_ms`."""
    import polars as pl
    from chanflow_native import row_ids as native_row_ids

    text = native_row_ids(
        venue,
        symbol,
        list(KINDS),
        np.ascontiguousarray(columns["kind"], dtype=np.uint8),
        np.ascontiguousarray(columns["seq_last"], dtype=np.int64),
        np.ascontiguousarray(columns["ts_ms"], dtype=np.int64),
    )
    return pl.Series("row_id", np.frombuffer(text, dtype="S32")).cast(pl.String)


def unified_rows(
    columns: Columns,
    *,
    venue: str,
    symbol: str,
    dq_runs: Sequence[tuple[int, tuple[str, ...]]],
    books: Columns | None = None,
) -> pl.DataFrame:
    """Return collected columns in the unified schema.

    `dq_runs` holds the gate's codes for consecutive runs of rows as (rows, codes); their rows add up to the columns'.
    `books` has the best levels of the rows at its positions `row`: bid_price, bid_qty, ask_price, ask_qty, (n, 5), NaN
    where there are fewer. A column `lag_ms` may be among the columns. Raises ValueError for a kind without a name.
    """
    import polars as pl

    rows = len(columns["ts_ms"])
    ids = row_ids(columns, venue=venue, symbol=symbol)
    run_of_row = np.repeat(np.arange(len(dq_runs)), [count for count, _ in dq_runs])
    codes = pl.Series([list(found) for _, found in dq_runs], dtype=pl.List(pl.String))
    kind = pl.Series(np.asarray(columns["kind"], dtype=np.uint8))
    side = pl.Series(np.asarray(columns["side"], dtype=np.uint8))
    wholes = ("event_ms", "known_ns", *_SEQUENCES)
    frame = pl.DataFrame(
        {
            "ts_ms": pl.Series(np.asarray(columns["ts_ms"], dtype=np.int64)),
            "symbol": pl.repeat(symbol, rows, dtype=pl.String, eager=True),
            "venue": pl.repeat(venue, rows, dtype=pl.String, eager=True),
            "kind": pl.Series(KINDS).gather(kind),
            "side": pl.Series(SIDES, dtype=pl.String).gather(side),
            "is_maker": pl.Series(np.asarray(columns["is_maker"]) == 1),
            "dq_codes": codes.gather(run_of_row),
            "row_id": ids,
            **{name: pl.Series(np.asarray(columns[name], dtype=np.float64)).fill_nan(None) for name in _FLOATS},
            **{name: pl.Series(np.asarray(columns[name], dtype=np.int64)) for name in wholes},
        }
    )
    schema = row_schema()
    if "lag_ms" in columns:
        frame = frame.with_columns(pl.Series("lag_ms", columns["lag_ms"], dtype=pl.Float64).fill_nan(None))
    if books is not None and len(books["row"]):
        frame = frame.with_columns(
            _top(books, "bid", rows).alias("bids"), _top(books, "ask", rows).alias("asks")
        )  # fmt: skip
    absent = [name for name in ("bids", "asks", "lag_ms") if name not in frame.columns]
    return frame.with_columns(
        pl.when(pl.col("side").is_not_null()).then(pl.col("is_maker")).alias("is_maker"),
        pl.when(pl.col("event_ms") > 0).then(pl.col("event_ms")).alias("event_ms"),
        *(pl.when(pl.col(name) >= 0).then(pl.col(name)).alias(name) for name in _SEQUENCES),
        *(pl.lit(None, dtype=schema[name]).alias(name) for name in absent),
        (pl.col("dq_codes").list.len() == 0).alias("dq_ok"),
        pl.lit(SCHEMA_VERSION, dtype=pl.Int16).alias("schema_version"),
    ).select(pl.col(name).cast(kind) for name, kind in schema.items())


def _top(books: Columns, side: str, rows: int) -> pl.Series:
    """Return the best levels of one side as a column of lists, null where a row has none."""
    import polars as pl

    price = np.asarray(books[f"{side}_price"])
    count, width = price.shape
    levels = pl.DataFrame(
        {"at": np.repeat(np.arange(count), width), "p": price.ravel(), "q": np.asarray(books[f"{side}_qty"]).ravel()}
    ).filter(pl.col("p").is_not_nan())
    lists = levels.group_by("at", maintain_order=True).agg(pl.struct("p", "q").alias("top"))
    place = np.full(rows, -1, dtype=np.int64)
    place[np.asarray(books["row"])[lists["at"].to_numpy()]] = np.arange(lists.height)
    at = pl.Series(place).replace(-1, None)
    return lists["top"].gather(at)
