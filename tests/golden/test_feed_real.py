"""Recorded A-share bars through import, lake and feed: minutes against the daily file, hours against the days."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from chanflow.adapters.storage.day_store import DayStore
from chanflow.adapters.storage.import_file import read_file
from chanflow.adapters.storage.lake_source import LakeSource
from chanflow.market.kline_gate import PlainKlineGate

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared")))
LOT_SHARES = 100


def recorded(name: str) -> Path:
    path = DATA / "data" / "klines" / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    return path


def imported(path: Path, lake: Path, *, interval: str, symbol: str | None = None) -> LakeSource:
    store = DayStore(lake, "cn", writer_id="import", gate=PlainKlineGate())
    for each in read_file(path, mapping={}, symbol=symbol, interval=interval, zone=None).symbols:
        _, bad = store.put_klines(each.symbol, each.interval, each.columns, complete=False, source=path.name)
        assert bad == 0
    store.close()
    return LakeSource(lake)


@pytest.mark.slow
def test_minutes_of_the_index_make_days_that_close_as_the_daily_file(tmp_path: Path) -> None:
    lake = imported(recorded("ashare_000001SH_1m_2015_2019"), tmp_path, interval="1m", symbol="000001.SH")
    daily = pl.read_parquet(recorded("ashare_tdx_daily_000001SH_600000SH")).filter(pl.col("symbol") == "000001.SH")
    found = lake.bar_reader.columns("000001.SH", "1d", start_ms=0, limit=2_000)
    at = np.searchsorted(daily["ts_ms"].to_numpy(), found["ts_ms"])
    off = np.abs(daily["close"].to_numpy()[at] - found["close"])
    # The two days of the circuit breaker differ; the daily file rounds to a cent.
    assert (off.size, int((off < 0.011).sum())) == (1_000, 998)


def test_hours_of_ten_stocks_sum_to_their_days(tmp_path: Path) -> None:
    daily = pl.read_parquet(recorded("ashare_sse50_1d_2025q4"))
    symbols = sorted(daily["symbol"].unique().to_list())[:10]
    hours = recorded("ashare_sse50_60m_2025q4")
    for symbol in symbols:
        lake = imported(hours, tmp_path / symbol, interval="60m", symbol=symbol)
        found = lake.bar_reader.columns(symbol, "1d", start_ms=0, limit=100)
        days = daily.filter(pl.col("symbol") == symbol).sort("ts_ms")
        assert np.array_equal(found["ts_ms"], days["ts_ms"].to_numpy())
        # Four hourly volumes in whole lots, each off by half a lot at most.
        assert np.max(np.abs(found["volume"] - days["volume"].to_numpy())) <= 4 * LOT_SHARES / 2
