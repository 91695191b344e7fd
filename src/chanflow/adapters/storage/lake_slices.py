"""Slices of a lake: rows of any span in one order, read part by part, never more than a few parts at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from chanflow.adapters.storage.kline_rows import kline_schema
from chanflow.adapters.storage.lake_index import LakeIndex, Part
from chanflow.adapters.storage.rows import row_schema
from chanflow.domain.errors import Broken, InvalidArgument

if TYPE_CHECKING:
    import polars as pl

READ_ROWS = 400_000
"""About so many rows are read before the ready ones are sorted and handed on."""

ORDER = ("ts_ms", "known_ns", "seq_last")
"""Rows come in this order; an absent sequence comes first, and rows that tie come in the order of their parts."""

_ALWAYS = (*ORDER, "symbol", "kind", "event_ms", "seq_first")


def slice_schema() -> dict[str, pl.DataType]:
    """Return every column that a row of a slice can have, in order."""
    return {**row_schema(), **kline_schema()}


class LakeSlices:
    """Reads rows of several symbols in order. Safe to share between threads; it never writes."""

    def __init__(self, index: LakeIndex) -> None:
        self._index = index

    def frames(
        self,
        symbols: Sequence[str],
        start_ms: int,
        end_ms: int,
        *,
        kinds: Sequence[str] | None,
        columns: Sequence[str] | None,
        tails: Mapping[str, pl.DataFrame],
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of [start_ms, end_ms) in `ORDER`, in frames of any length.

        Frames have `columns` (None: those of a row, and those of a bar when `kinds` names klines) and those that order
        and gaps need. Rows of `tails` that a part holds too
        come once. Raises InvalidArgument for an unknown column, Broken for a part that cannot be read.
        """
        wanted = _wanted(columns, kinds)
        waiting: list[tuple[int, Part | pl.DataFrame]] = [
            (part.first_ts_ms, part) for symbol in symbols for part in self._index.parts(symbol, start_ms, end_ms)
        ]
        live = [frame for symbol in symbols if (frame := tails.get(symbol)) is not None and frame.height]
        waiting += [(_first_ms(frame), frame) for frame in live]
        waiting.sort(key=lambda each: each[0])
        # A part that was published while its rows were still in the tail is read twice; only then ids are compared.
        with_ids = bool(live) and "row_id" not in wanted
        read = [*wanted, "row_id"] if with_ids else wanted
        held: list[pl.DataFrame] = []
        for at, (_, source) in enumerate(waiting):
            held.append(_rows_of(source, start_ms, end_ms, kinds, read))
            last = at + 1 == len(waiting)
            if not last and sum(frame.height for frame in held) < READ_ROWS:
                continue
            ready, held = _split(held, None if last else waiting[at + 1][0])
            if live:
                ready = ready.unique(["row_id", "known_ns"], keep="first", maintain_order=True)
            if ready.height:
                yield ready.select(wanted)


def _wanted(columns: Sequence[str] | None, kinds: Sequence[str] | None) -> list[str]:
    known = slice_schema()
    if columns is None:
        return list(known if kinds is not None and "kline" in kinds else row_schema())
    unknown = next((name for name in columns if name not in known), None)
    if unknown is not None:
        raise InvalidArgument(f"column {unknown[:32]!r} is none of {', '.join(known)}", field="columns")
    return list(dict.fromkeys([*columns, *_ALWAYS]))


def _first_ms(frame: pl.DataFrame) -> int:
    return int(frame["ts_ms"].to_numpy().min())


def _rows_of(
    source: Part | pl.DataFrame, start_ms: int, end_ms: int, kinds: Sequence[str] | None, read: Sequence[str]
) -> pl.DataFrame:
    import polars as pl

    schema = slice_schema()
    try:
        if isinstance(source, pl.DataFrame):
            rows, inside = source.lazy(), False
        else:
            rows = pl.scan_parquet(source.path, glob=False)
            inside = source.first_ts_ms >= start_ms and source.last_ts_ms < end_ms
        there = rows.collect_schema().names()
        if not inside:
            rows = rows.filter(pl.col("ts_ms").is_between(start_ms, end_ms, closed="left"))
        if kinds is not None:
            rows = rows.filter(pl.col("kind").is_in([*kinds, "gap"]))
        return rows.select(
            pl.col(name) if name in there else pl.lit(None, dtype=schema[name]).alias(name) for name in read
        ).collect()
    except (pl.exceptions.PolarsError, OSError) as fault:
        where = source.path if isinstance(source, Part) else "the tail"
        raise Broken(f"{where} cannot be read: {str(fault).splitlines()[0]}") from fault


def _split(held: list[pl.DataFrame], until_ms: int | None) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Return the rows before `until_ms` in order, and what has to wait for later parts."""
    import polars as pl

    rows = pl.concat(held) if len(held) > 1 else held[0]
    rest: list[pl.DataFrame] = []
    if until_ms is not None:
        ready = pl.col("ts_ms") < until_ms
        rows, later = rows.filter(ready), rows.filter(~ready)
        rest = [later] if later.height else []
    return _sorted(rows), rest


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    keys = [rows[name].fill_null(-1).to_numpy() for name in ORDER]
    if rows.height < 2 or _in_order(keys):
        return rows
    return rows[np.lexsort(keys[::-1])]


def _in_order(keys: Sequence[np.ndarray]) -> bool:
    """Return whether rows rise by the keys, the first first."""
    tied = np.ones(keys[0].size - 1, dtype=bool)
    for key in keys:
        step = np.diff(key)
        if (tied & (step < 0)).any():
            return False
        tied &= step == 0
    return True
