"""Unified rows of a lake as events; and parts that hold none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from chanflow_native import batch_events
from made_unified import unified_rows

from chanflow.adapters.storage.row_events import LakeEvents
from chanflow.domain.errors import NotFound, RecordingInvalid

ROWS, DECIMALS = unified_rows(60)
SYMBOL = str(ROWS[0]["symbol"])


def lake(root: Path, *parts: pl.DataFrame) -> Path:
    folder = root / SYMBOL / "date=2026-01-05"
    folder.mkdir(parents=True)
    for at, part in enumerate(parts):
        part.write_parquet(folder / f"part-{at}.parquet")
    return root


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, infer_schema_length=None)


def test_parts_are_read_in_order_and_decimals_off_their_values(tmp_path: Path) -> None:
    events = LakeEvents(lake(tmp_path, frame(ROWS[:90]), frame(ROWS[90:])), SYMBOL)
    assert (events.price_decimals, events.qty_decimals) == DECIMALS
    found = [event for piece in events.pieces() for event in batch_events(piece.batch)]
    assert [event[1] for event in found] == [row["ts_ms"] for row in ROWS]


def test_books_of_five_levels_are_events(tmp_path: Path) -> None:
    level = [{"p": 100.0, "q": 1.5}, {"p": 99.5, "q": 2.0}]
    book = {
        "ts_ms": 1_000,
        "symbol": SYMBOL,
        "kind": "book",
        "seq_last": 3,
        "bids": level,
        "asks": [{"p": 101.0, "q": 1.0}],
    }
    trade = {"ts_ms": 1_001, "symbol": SYMBOL, "kind": "trade", "seq_last": 4, "price": 100.5, "qty": 1.0}
    events = LakeEvents(lake(tmp_path, frame([book, {**trade, "is_maker": True}])), SYMBOL)
    (piece,) = events.pieces()
    found = batch_events(piece.batch)
    assert (events.price_decimals, events.qty_decimals) == (1, 1)
    assert found[0][-2:] == ([(1000, 15), (995, 20)], [(1010, 10)])


def test_a_symbol_without_rows_is_told_the_others(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=SYMBOL):
        LakeEvents(lake(tmp_path, frame(ROWS)), "NOPE")


@pytest.mark.parametrize(
    "part",
    [
        pl.DataFrame({"a": [1]}),
        frame(ROWS).with_columns(pl.lit("soon").alias("ts_ms")),
        frame(ROWS).with_columns(pl.lit("many").alias("bid")),
        frame(ROWS).with_columns(pl.lit("book").alias("kind"), pl.lit(1.0).alias("bids")),
        frame(ROWS).with_columns(pl.lit("book").alias("kind"), pl.lit([1.0]).alias("bids")),
        frame(ROWS).with_columns(pl.lit(1e-15).alias("bid")),
        frame(ROWS).with_columns(pl.lit(value=True).alias("kind")).with_columns(pl.lit(-1.0).alias("qty")),
    ],
    ids=["no-rows", "time", "price", "no-list", "no-levels", "fine", "kind"],
)
def test_a_part_that_holds_no_rows_is_named(part: pl.DataFrame, tmp_path: Path) -> None:
    root = lake(tmp_path, part)
    try:
        batches = list(LakeEvents(root, SYMBOL).pieces())
    except RecordingInvalid as fault:
        assert "part-0.parquet" in str(fault)  # noqa: PT017
        assert "\n" not in str(fault)  # noqa: PT017
    else:
        assert not any(len(piece.batch) for piece in batches)


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    root = lake(tmp_path, frame(ROWS))
    (root / SYMBOL / "date=2026-01-05" / "part-1.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(RecordingInvalid, match=r"part-1\.parquet is no Parquet file"):
        LakeEvents(root, SYMBOL)
