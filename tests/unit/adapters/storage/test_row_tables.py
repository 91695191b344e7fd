"""Tables of trades, levels and quotes in Parquet as row columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chanflow.adapters.storage.row_columns import FileRows
from chanflow.adapters.storage.row_tables import read_row_table
from chanflow.domain.errors import RecordingInvalid

TRADE = {
    "ts_ms": 1_000, "symbol": "A", "price": 2.0, "qty": 3.0, "side": "sell", "is_maker": True, "trade_id": 9,
    "exec_type": "MARKET", "recv_ts_ns": 1_001_000_000,
}  # fmt: skip
LEVEL = {
    "ts_ms": 1_000, "symbol": "A", "first_update_id": 3, "final_update_id": 4, "prev_final_update_id": 2,
    "side": "ask", "price": 2.0, "qty": 0.0, "is_snapshot": False, "recv_ts_ns": 1_001_000_000,
}  # fmt: skip
QUOTE = {
    "ts_ms": 1_000, "symbol": "A", "update_id": 4, "bid_price": 1.0, "bid_qty": 2.0, "ask_price": 1.5, "ask_qty": 3.0,
}  # fmt: skip


def read(tmp_path: Path, *rows: dict[str, Any], venue: str = "binance-usdm") -> FileRows:
    path = tmp_path / "t.parquet"
    pl.DataFrame(list(rows), infer_schema_length=None).write_parquet(path)
    return read_row_table(path, venue=venue)


def values(rows: FileRows, *names: str) -> list[list[Any]]:
    return [rows.columns[name].tolist() for name in names]


def test_trades_become_rows(tmp_path: Path) -> None:
    rows = read(tmp_path, TRADE, TRADE | {"symbol": "B", "exec_type": None, "side": "both", "is_maker": None})
    assert values(rows, "kind", "symbol", "side", "is_maker", "is_market", "seq_last", "event_ms") == [
        [0, 0], [0, 65_535], [2, 255], [1, -1], [1, 0], [9, 9], [1_000, 1_000],
    ]  # fmt: skip


def test_every_trade_of_spot_counts(tmp_path: Path) -> None:
    assert "is_market" not in read(tmp_path, TRADE | {"exec_type": None}, venue="binance-spot").columns


def test_aggregates_are_told_by_the_ids_under_them(tmp_path: Path) -> None:
    one = TRADE | {"first_trade_id": 1, "last_trade_id": 2}
    rows = read(tmp_path, one, one | {"first_trade_id": 4, "last_trade_id": 4})
    assert rows.columns["kind"].tolist() == [2, 2]
    assert rows.notes == ("underlying trade ids skip 1 times, first before rows 2: no gap, the aggregates are whole",)


def test_levels_become_rows_and_a_snapshot_has_its_own_socket(tmp_path: Path) -> None:
    rows = read(tmp_path, LEVEL, LEVEL | {"is_snapshot": True, "prev_final_update_id": None, "side": "bid"})
    assert values(rows, "kind", "socket", "side", "seq_prev", "event_ms") == [
        [8, 9], [0, 1], [2, 1], [2, -1], [1_000, 0],
    ]  # fmt: skip


def test_quotes_become_rows_and_those_of_spot_have_no_time_of_the_venue(tmp_path: Path) -> None:
    assert values(read(tmp_path, QUOTE), "kind", "seq_last", "bid", "event_ms") == [[1], [4], [1.0], [1_000]]
    assert read(tmp_path, QUOTE, venue="binance-spot").columns["event_ms"].tolist() == [0]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"a": 1}, "lacks the columns symbol, ts_ms; it has a"),
        ({"ts_ms": 1, "symbol": "A"}, "none of the columns trade_id"),
        (TRADE | {"price": "dear"}, "a column of another type"),
    ],
)
def test_a_table_of_another_kind_is_refused(tmp_path: Path, row: dict[str, Any], says: str) -> None:
    with pytest.raises(RecordingInvalid, match=says):
        read(tmp_path, row)


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1 not")
    with pytest.raises(RecordingInvalid, match="cannot be read as Parquet"):
        read_row_table(path, venue="okx")
