"""Whole days into a lake."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_lake import minute_bars, store_bars
from made_rows import DAY_MS, START_MS

from chanflow.adapters.storage.day_store import DayStore
from chanflow.domain.errors import InvalidArgument
from chanflow.market.kline_gate import PlainKlineGate


def test_the_same_bars_give_the_same_bytes_under_the_same_name(tmp_path: Path) -> None:
    for root in (tmp_path / "a", tmp_path / "b"):
        store_bars(root, minute_bars(1_500))
        store_bars(root, minute_bars(1_500))
    found = [
        {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.*") if path.is_file()}
        for root in (tmp_path / "a", tmp_path / "b")
    ]
    assert found[0] == found[1]
    assert len([name for name in found[0] if name.endswith(".parquet")]) == 2


def test_a_row_says_what_a_bar_is_and_when_it_was_known(tmp_path: Path) -> None:
    store_bars(tmp_path, minute_bars(1))
    row = pl.read_parquet(next(tmp_path.glob("SIMUSDT/*/*.parquet"))).row(0, named=True)
    assert (row["kind"], row["interval"], row["price"], row["qty"], row["closed"]) == ("kline", "1m", 100.0, 2.0, True)
    assert (row["ts_ms"], row["known_ns"]) == (START_MS, (START_MS + 60_000) * 1_000_000)


def test_a_bar_that_fails_the_gate_goes_to_quarantine_with_its_code(tmp_path: Path) -> None:
    bars = minute_bars(5)
    bars["close"][2] = -1.0
    bars["open"][3] = np.nan
    assert store_bars(tmp_path, bars) == (3, 2)
    held = pl.read_parquet(next(tmp_path.glob("_quarantine/SIMUSDT/*/*.parquet")))
    assert held["dq_codes"].to_list() == [["bad_value"], ["null_field"]]
    assert held["dq_ok"].to_list() == [False, False]


def test_only_a_complete_day_counts_as_stored(tmp_path: Path) -> None:
    store_bars(tmp_path, minute_bars(5), complete=False)
    store_bars(tmp_path, minute_bars(5, start_ms=START_MS + DAY_MS))
    store = DayStore(tmp_path, "sim", writer_id="pull", gate=PlainKlineGate())
    days = ("2026-01-05", "2026-01-06", "2026-01-07")
    assert [store.has_day("SIMUSDT", "kline", "1m", date) for date in days] == [False, True, False]
    assert not store.has_day("SIMUSDT", "kline", "5m", "2026-01-06")
    store.close()


def test_a_longer_day_replaces_the_beginning_that_was_stored(tmp_path: Path) -> None:
    store_bars(tmp_path, minute_bars(5), complete=False)
    store_bars(tmp_path, minute_bars(1_440))
    parts = list(tmp_path.glob("SIMUSDT/*/*.parquet"))
    assert [pl.read_parquet(path).height for path in parts] == [1_440]
    lines = [json.loads(line) for line in (tmp_path / "_manifest" / "2026-01-05.jsonl").read_text().splitlines()]
    assert [line["complete"] for line in lines] == [False, True]


def test_a_share_days_lie_under_the_exchanges_date(tmp_path: Path) -> None:
    store_bars(tmp_path, minute_bars(1, start_ms=START_MS - 8 * 3_600_000), symbol="600000.SH", interval="1d")
    assert [path.name for path in (tmp_path / "600000.SH").iterdir()] == ["date=2026-01-05"]


@pytest.mark.parametrize("symbol", ["../x", "_tmp", "A B"])
def test_a_symbol_that_is_no_plain_name_is_refused(tmp_path: Path, symbol: str) -> None:
    with pytest.raises(InvalidArgument, match="symbol"):
        store_bars(tmp_path, minute_bars(1), symbol=symbol)


def test_aggregate_trades_are_rows_with_their_ids(tmp_path: Path) -> None:
    store = DayStore(tmp_path, "sim", writer_id="pull", gate=PlainKlineGate())
    columns = {"ts_ms": [START_MS], "price": [2.5], "qty": [3.0], "is_maker": [True], "agg_id": [9], "first_id": [20]}
    assert store.put_agg_trades("SIMUSDT", columns, complete=True, source="test") == 1
    store.close()
    row = pl.read_parquet(next(tmp_path.glob("SIMUSDT/*/*.parquet"))).row(0, named=True)
    assert (row["kind"], row["side"], row["is_maker"], row["seq_last"], row["seq_first"]) == (
        "agg_trade", "sell", True, 9, 20,
    )  # fmt: skip
