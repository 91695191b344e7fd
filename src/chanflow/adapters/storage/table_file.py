"""Tables of results as Parquet files: written whole, read by part."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def parquet_of(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows as a Parquet file; `columns` say by name whether they are text, number or whole."""
    import polars as pl

    kinds = {"text": pl.String(), "number": pl.Float64(), "whole": pl.Int64()}
    schema = {name: kinds[kind] for name, kind in columns.items()}
    frame = pl.DataFrame([list(row) for row in rows], schema=schema, orient="row")
    out = io.BytesIO()
    frame.write_parquet(out, compression="zstd", statistics=False)
    return out.getvalue()


def read_part(path: Path, offset: int, limit: int) -> tuple[tuple[str, ...], list[list[Any]], int]:
    """Return the columns of a Parquet file, the rows from `offset` on, and how many it has.

    Raises OSError for a file that is not there, and ValueError for one that is none.
    """
    import polars as pl

    if not path.is_file():
        raise FileNotFoundError(f"there is no table at {path}")
    try:
        lazy = pl.scan_parquet(path)
        total = int(lazy.select(pl.len()).collect().item())
        part = lazy.slice(offset, limit).collect()
    except pl.exceptions.PolarsError as fault:
        raise ValueError(f"{path} is no Parquet file") from fault
    return tuple(part.columns), [list(row) for row in part.iter_rows()], total
