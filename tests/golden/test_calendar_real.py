"""Bars and levels of recorded markets: A-shares by session against the daily files, crypto linked across levels."""

from __future__ import annotations

import gzip
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from chanflow.features import levels
from chanflow.features.levels import LevelBars, Levels
from chanflow.market.calendar import Calendar, CnCalendar, CryptoCalendar
from chanflow.market.resample import BAR_COLUMNS, resample_on

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared")))
LOT_SHARES = 100

Columns = dict[str, NDArray[Any]]


def recorded(name: str) -> pl.DataFrame:
    path = DATA / "data" / "klines" / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"MARKET DATA ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    return pl.read_parquet(path)


def columns(frame: pl.DataFrame, symbol: str) -> Columns:
    rows = frame.filter(pl.col("symbol") == symbol).sort("ts_ms")
    return {name: rows[name].to_numpy() for name in BAR_COLUMNS if name in rows.columns}


def resampled_levels(minutes: Columns, calendar: Calendar, names: tuple[str, ...]) -> Levels:
    columns_of = {name: resample_on(minutes, calendar, "1m", name) for name in names}
    fields = ("ts_ms", "close_ms", "open", "high", "low", "close", "volume")
    bars = [LevelBars(name, *(found[of] for of in fields)) for name, found in columns_of.items()]
    return levels.analyze(bars, history=False)


@pytest.fixture(scope="module")
def index_minutes() -> Columns:
    return columns(recorded("ashare_000001SH_1m_2015_2019"), "000001.SH")


@pytest.fixture(scope="module")
def btc_minutes() -> Columns:
    return columns(recorded("binance_usdm_1m_14sym_202505_202506"), "BTCUSDT")


def test_half_hours_of_the_index_are_those_of_the_golden(index_minutes: Columns) -> None:
    path = DATA / "golden" / "chan" / "sse_30m.csv.gz"
    if not path.exists():
        pytest.skip(f"GOLDEN ABSENT: {path} is not there; set CHANFLOW_TEST_DATA")
    with gzip.open(path) as file:
        golden = pl.read_csv(file.read())
    found = resample_on(index_minutes, CnCalendar(), "1m", "30m")
    assert len(golden) == 7_991
    for name in golden.columns:
        assert np.array_equal(found[name], golden[name].to_numpy()), name


def test_days_of_the_index_close_as_the_daily_file_but_for_the_circuit_breaker(index_minutes: Columns) -> None:
    daily = columns(recorded("ashare_tdx_daily_000001SH_600000SH"), "000001.SH")
    found = resample_on(index_minutes, CnCalendar(), "1m", "1d")
    at = np.searchsorted(daily["ts_ms"], found["ts_ms"])
    assert np.array_equal(daily["ts_ms"][at], found["ts_ms"])
    off = np.abs(daily["close"][at] - found["close"])
    assert (len(off), int((off == 0).sum()), int((off < 0.011).sum())) == (1_000, 971, 998)
    local = pl.Series(found["ts_ms"][off >= 0.011] + 8 * 3_600_000).cast(pl.Datetime("ms")).dt.date()
    assert [day.isoformat() for day in local] == ["2016-01-04", "2016-01-07"]


def test_hours_hold_the_volume_of_the_minutes_and_days_that_of_the_hours(index_minutes: Columns) -> None:
    hours = resample_on(index_minutes, CnCalendar(), "1m", "60m")
    days = resample_on(index_minutes, CnCalendar(), "1m", "1d")
    again = resample_on(hours, CnCalendar(), "60m", "1d")
    assert all(np.array_equal(again[name], days[name]) for name in days)


def test_recorded_hours_sum_to_the_recorded_days_but_for_the_rounding_of_lots() -> None:
    hourly, daily = recorded("ashare_sse50_60m_2025q4"), recorded("ashare_sse50_1d_2025q4")
    symbols = sorted(daily["symbol"].unique().to_list())
    assert len(symbols) == 50
    for symbol in symbols:
        found = resample_on(columns(hourly, symbol), CnCalendar(), "60m", "1d")
        days = columns(daily, symbol)
        assert np.array_equal(found["ts_ms"], days["ts_ms"])
        # Four hourly volumes in whole lots, each off by half a lot at most.
        assert np.max(np.abs(found["volume"] - days["volume"])) <= 4 * LOT_SHARES / 2, symbol


def check_links(found: Levels, expected: list[tuple[int, int]]) -> None:
    """Each child has one parent at most, by the rule; the links are inverse; counts are (linked, children)."""
    counts = []
    for fine, coarse in pairwise(found.names):
        links, children, parents = found.links(fine), found.structures[fine].strokes, found.structures[coarse].strokes
        told = [(int(child), parent) for parent in range(len(parents)) for child in links.children(parent)]
        assert told == [(child, int(p)) for child, p in enumerate(links.parent) if p >= 0]
        until_ms = found.bars[coarse].close_ms[parents.end_bar]
        for child, parent in told:
            end_ms = children.end_ts_ms[child]
            assert parents.start_ts_ms[parent] <= end_ms < until_ms[parent]
            assert parent == 0 or until_ms[parent - 1] <= end_ms
        counts.append((len(told), len(children)))
        bars = found.links(fine, "bars")
        assert np.array_equal(bars.parent >= 0, found.bars[fine].close_ms <= found.bars[coarse].close_ms[-1])
    assert counts == expected


def test_strokes_of_bitcoin_are_linked_both_ways(btc_minutes: Columns) -> None:
    check_links(
        resampled_levels(btc_minutes, CryptoCalendar(), ("1m", "5m", "30m", "1d")), [(2046, 2046), (429, 430), (80, 96)]
    )


def test_strokes_of_the_index_are_linked_both_ways(index_minutes: Columns) -> None:
    check_links(
        resampled_levels(index_minutes, CnCalendar(), ("1m", "5m", "30m", "1d", "1w")),
        [(15712, 15712), (2758, 2763), (426, 427), (59, 61)],
    )


@pytest.mark.parametrize("row", [1, 1_000, 20_001, 43_198])
def test_bitcoin_known_at_a_time_is_what_the_truncated_minutes_show(btc_minutes: Columns, row: int) -> None:
    names = ("1m", "5m", "30m", "1d")
    ts_ms = int(btc_minutes["ts_ms"][row])
    then = resampled_levels(btc_minutes, CryptoCalendar(), names).at(ts_ms)
    cut = {name: values[:row] for name, values in btc_minutes.items()}
    fresh = resampled_levels(cut, CryptoCalendar(), names)
    for level in names:
        assert np.array_equal(then.bars[level].close_ms, fresh.bars[level].close_ms)
        assert then.structures[level].to_json() == fresh.structures[level].to_json()
    for level in names[:-1]:
        assert np.array_equal(then.links(level).parent, fresh.links(level).parent)
