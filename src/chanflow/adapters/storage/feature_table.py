"""Feature tables as Parquet and as JSON lines. The same rows give the same bytes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from chanflow.adapters.storage.layout import date_of_day
from chanflow.domain.time import MS_PER_DAY
from chanflow.features.flow_columns import Columns, Kind

if TYPE_CHECKING:
    import polars as pl


def feature_frame(columns: Columns, kinds: Mapping[str, Kind], *, symbol: str) -> pl.DataFrame:
    """Return columns as a table with nulls where a value is absent; `kinds` names what it has, in order."""
    import polars as pl

    types: dict[Kind, Any] = {
        "whole": pl.Int64, "figure": pl.Float64, "flag": pl.Boolean, "flag_or_null": pl.Boolean, "text": pl.String,
        "text_or_null": pl.String, "texts": pl.List(pl.String),
        "divergences": pl.List(pl.Struct({
            "type": pl.String, "channel": pl.String, "score": pl.Float64, "grade": pl.String, "pivot_ts": pl.Int64,
            "detected_ts": pl.Int64,
        })),
    }  # fmt: skip
    series = []
    for name, kind in kinds.items():
        if name == "symbol":
            series.append(pl.repeat(symbol, len(columns["ts_ms"]), dtype=pl.String, eager=True).alias(name))
            continue
        values: Any = columns[name]
        if kind == "flag_or_null":
            values = [None if value < 0 else bool(value) for value in np.asarray(values).tolist()]
        elif kind in ("texts", "divergences"):
            values = [list(value) for value in values]
        if kind == "figure":
            series.append(pl.Series(name, np.asarray(values, dtype=np.float64), nan_to_null=True))
        else:
            series.append(pl.Series(name, values, dtype=types[kind]))
    return pl.DataFrame(series)


def parquet_of(frame: pl.DataFrame) -> bytes:
    """Return a table as the bytes of a Parquet file."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=3, row_group_size=250_000)
    return buffer.getvalue()


def lines_of(frame: pl.DataFrame) -> bytes:
    """Return a table as JSON lines; figures are written as short as they read back the same."""
    rows = (json.dumps(row, separators=(",", ":"), allow_nan=False) for row in frame.iter_rows(named=True))
    return "".join(f"{row}\n" for row in rows).encode()


def by_date(frame: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Yield the rows of each UTC date with the date and the name of its part, which is named for its first row."""
    if not frame.height:
        return
    days = (frame["ts_ms"] // MS_PER_DAY).to_numpy()
    edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), frame.height]
    for start, end in pairwise(edges):
        part = frame.slice(start, end - start)
        yield date_of_day(int(days[start])), f"part-{part['ts_ms'][0]}.parquet", part
