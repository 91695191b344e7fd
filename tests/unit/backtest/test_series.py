"""Files become series, one for each symbol, cleaned, adjusted and resampled as their market asks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from chanflow.backtest.series import at_intervals, interval_ms, interval_of, read_series
from chanflow.domain.errors import InvalidArgument, RecordingInvalid

DAY_MS = 86_400_000
MINUTE_MS = 60_000


def rows(
    symbol: str, count: int, *, interval: str = "1m", step_ms: int = MINUTE_MS, **more: Sequence[Any]
) -> Mapping[str, Any]:
    price = np.arange(count, dtype=np.float64) + 100
    return {
        "ts_ms": np.arange(count) * step_ms, "symbol": [symbol] * count, "interval": [interval] * count,
        "open": price, "high": price + 1, "low": price - 1, "close": price, "volume": np.ones(count), **more,
    }  # fmt: skip


def parquet(path: Path, *parts: Mapping[str, Any]) -> Path:
    pl.concat([pl.DataFrame(dict(part)) for part in parts]).write_parquet(path)
    return path


def test_a_file_of_many_symbols_is_one_series_for_each(tmp_path: Path) -> None:
    path = parquet(tmp_path / "many.parquet", rows("BUSDT", 5), rows("AUSDT", 3))
    found = list(read_series(path))
    assert [(one.source.symbol, len(one.bars), one.interval, one.market) for one in found] == [
        ("AUSDT", 3, "1m", "crypto"), ("BUSDT", 5, "1m", "crypto")
    ]  # fmt: skip
    assert found[0].source.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (found[1].source.file, found[1].source.rows, found[1].source.last_ts_ms) == ("many.parquet", 5, 240_000)


def test_a_csv_is_named_for_its_file_and_shows_its_interval(tmp_path: Path) -> None:
    path = tmp_path / "eth_15m.csv"
    path.write_text("ts_ms,open,high,low,close\n" + "".join(f"{at * 900_000},1,2,1,2\n" for at in range(4)))
    (one,) = read_series(path)
    assert (one.source.symbol, one.interval, one.source.interval, len(one.bars)) == ("eth_15m", "15m", "15m", 4)


def test_days_without_trade_are_dropped_in_a_shares_alone(tmp_path: Path) -> None:
    halted = {"volume": [1.0, 0.0, None, 1.0]}
    stock = parquet(tmp_path / "stock.parquet", rows("600000.SH", 4, interval="1d", step_ms=DAY_MS, **halted))
    (one,) = read_series(stock)
    assert (one.source.rows, one.source.suspended, one.bars.ts_ms.tolist()) == (4, 2, [0, 3 * DAY_MS])
    coin = parquet(tmp_path / "coin.parquet", rows("BTCUSDT", 4, **halted))
    (one,) = read_series(coin)
    assert (one.source.suspended, len(one.bars), one.bars.volume) == (0, 4, None)


def test_an_adjustment_factor_is_multiplied_into_the_prices(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", rows("600000.SH", 2, interval="1d", step_ms=DAY_MS, adj_factor=[1.0, 2.0]))
    (one,) = read_series(path)
    assert one.source.adjusted
    assert one.bars.close.tolist() == [100, 202]
    assert one.bars.high.tolist() == [101, 204]


def test_a_bar_that_does_not_hold_its_close_is_widened_and_counted(tmp_path: Path) -> None:
    (one,) = read_series(parquet(tmp_path / "a.parquet", rows("A", 2, close=[100.0, 150.0])))
    assert (one.source.widened, one.bars.high.tolist()) == (1, [101, 150])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"close": [1.0, None]}, "close is empty in 1 rows"),
        ({"close": [1.0, float("inf")]}, "a price is no finite number"),
        ({"ts_ms": [60_000, 60_000]}, "ts_ms 60000 is not after"),
    ],
)
def test_rows_that_cannot_be_used_are_named(tmp_path: Path, more: Mapping[str, Any], said: str) -> None:
    path = parquet(tmp_path / "a.parquet", rows("AUSDT", 2, **more))
    with pytest.raises(RecordingInvalid, match=f"a.parquet AUSDT: {said}"):
        list(read_series(path))


def test_files_that_are_no_bars_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    (tmp_path / "funding.parquet").write_bytes(b"")
    pl.DataFrame({"ts_ms": [1], "funding_rate": [0.1]}).write_parquet(tmp_path / "funding.parquet")
    for name, said in (
        ("absent.csv", "cannot be read"),
        ("broken.parquet", "no Parquet"),
        ("funding.parquet", "no column open"),
    ):
        with pytest.raises(RecordingInvalid, match=said):
            list(read_series(tmp_path / name))


def test_bars_that_show_no_interval_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("ts_ms,open,high,low,close\n0,1,1,1,1\n")
    with pytest.raises(RecordingInvalid, match=r"one\.csv one: 1 bars do not show their interval"):
        list(read_series(tmp_path / "one.csv"))
    with pytest.raises(ValueError, match="1500 ms apart"):
        interval_of(np.array([0, 1500]))


def test_an_interval_is_the_distance_met_most() -> None:
    assert interval_of(np.array([0, 1, 2, 5, 6]) * DAY_MS) == "1d"
    assert interval_of(np.array([0, 5, 10, 100]) * MINUTE_MS) == "5m"
    assert (interval_ms("30m"), interval_ms("1M")) == (1_800_000, 31 * DAY_MS)


def test_a_series_is_resampled_on_its_markets_calendar(tmp_path: Path) -> None:
    morning_ms = int(datetime(2024, 1, 2, 1, 30, tzinfo=UTC).timestamp()) * 1_000  # 09:30 in Shanghai
    minutes = [*range(120), *range(210, 330)]  # to 11:30, and from 13:00 to 15:00
    when = [morning_ms + minute * MINUTE_MS for minute in minutes]
    path = parquet(tmp_path / "a.parquet", {**rows("000001.SH", 240), "ts_ms": when})
    (one,) = read_series(path)
    coarse, same = at_intervals(one, ["60m", "1m"])
    assert coarse.interval == "60m"
    assert [(at - morning_ms) // MINUTE_MS for at in coarse.bars.ts_ms.tolist()] == [0, 60, 210, 270]
    assert coarse.bars.volume is not None
    assert coarse.bars.volume.tolist() == [60.0] * 4
    assert same.bars.close.tolist() == one.bars.close.tolist()
    assert list(at_intervals(one, None)) == [one]


@pytest.mark.parametrize("level", ["30s", "7q"])
def test_an_interval_that_cannot_be_made_is_refused(tmp_path: Path, level: str) -> None:
    (one,) = read_series(parquet(tmp_path / "a.parquet", rows("AUSDT", 5)))
    with pytest.raises(InvalidArgument, match=f"no bars of {level} from 1m"):
        list(at_intervals(one, [level]))


def test_the_market_may_be_said(tmp_path: Path) -> None:
    (one,) = read_series(parquet(tmp_path / "a.parquet", rows("AUSDT", 5)), market="cn")
    assert one.market == "cn"
