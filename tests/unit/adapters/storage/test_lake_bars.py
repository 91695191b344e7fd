"""Bars of a lake: what they are made of, empty intervals, adjusted prices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_lake import MINUTE_MS, ClockAt, minute_bars, picked, store_bars, write_rows
from made_rows import DAY_MS, START_MS, trade_columns

from chanflow.adapters.storage.day_store import DayStore
from chanflow.adapters.storage.lake_source import LakeSource
from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.market.feed import Feed, SliceQuery
from chanflow.market.kline_gate import PlainKlineGate


def test_stored_klines_make_coarser_bars_and_only_closed_ones(tmp_path: Path) -> None:
    store_bars(tmp_path, minute_bars(12))
    bars = LakeSource(tmp_path).klines("SIMUSDT", "5m")
    assert [(bar.ts_ms - START_MS, bar.open, bar.close, bar.volume, bar.trades) for bar in bars] == [
        (0, 99.5, 104.0, 10.0, 15),
        (300_000, 104.5, 109.0, 10.0, 15),
    ]


def test_a_stored_kline_stands_before_a_bar_made_of_trades(tmp_path: Path) -> None:
    write_rows(tmp_path, trade_columns(1_900))
    own = minute_bars(1, start_ms=START_MS + MINUTE_MS, first=500.0)
    store_bars(tmp_path, own)
    bars = LakeSource(tmp_path).klines("SIMUSDT", "1m")
    assert [bar.trades for bar in bars] == [600, 3, 600]
    assert bars[1].close == 500.0


def test_months_and_weeks_follow_the_calendar(tmp_path: Path) -> None:
    days = minute_bars(60, start_ms=START_MS - 4 * DAY_MS, step_ms=DAY_MS)  # from New Year's Day
    store_bars(tmp_path, days, interval="1d")
    lake = LakeSource(tmp_path)
    months = lake.klines("SIMUSDT", "1M")
    assert [(bar.interval_ms // DAY_MS, bar.volume) for bar in months] == [(31, 62.0), (28, 56.0)]
    assert lake.klines("SIMUSDT", "1w")[0].ts_ms == START_MS - 7 * DAY_MS


def test_empty_intervals_are_filled_with_the_close_before_and_nothing_beyond_what_is_known(tmp_path: Path) -> None:
    whole = minute_bars(10)
    store_bars(tmp_path, picked(whole, np.isin(np.arange(10), (0, 1, 5, 9))))
    lake = LakeSource(tmp_path)
    assert len(lake.klines("SIMUSDT", "1m")) == 4
    bars = lake.klines("SIMUSDT", "1m", fill=True)
    assert [(bar.ts_ms - START_MS) // MINUTE_MS for bar in bars] == list(range(10))
    assert [(bar.open, bar.close, bar.volume) for bar in bars[2:5]] == [(101.0, 101.0, 0.0)] * 3


def test_pages_of_filled_bars_join(tmp_path: Path) -> None:
    store_bars(tmp_path, picked(minute_bars(40), np.isin(np.arange(40), (0, 3, 20, 39))))
    feed = Feed([LakeSource(tmp_path)], ClockAt(START_MS + DAY_MS))
    query = SliceQuery(("SIMUSDT",), START_MS, START_MS + DAY_MS, interval="1m", fill=True)
    whole = feed.historical_slice(query).rows
    assert whole.height == 40
    assert whole["filled"].sum() == 36
    parts, cursor = [], None
    while True:
        page = feed.historical_slice(query, limit=7, cursor=cursor)
        parts += page.rows["ts_ms"].to_list()
        cursor = page.next_cursor
        if cursor is None:
            break
    assert parts == whole["ts_ms"].to_list()


def test_a_filled_bar_takes_its_price_from_before_the_span(tmp_path: Path) -> None:
    store_bars(tmp_path, picked(minute_bars(10), np.isin(np.arange(10), (0, 9))))
    bars = LakeSource(tmp_path).klines("SIMUSDT", "1m", start_ms=START_MS + 4 * MINUTE_MS, limit=2, fill=True)
    assert [(bar.ts_ms - START_MS, bar.close) for bar in bars] == [(240_000, 100.0), (300_000, 100.0)]


def test_the_newest_told_kline_of_a_minute_stands(tmp_path: Path) -> None:
    early = minute_bars(3)
    store_bars(tmp_path, early)
    late = minute_bars(3, first=200.0) | {"known_ns": (early["close_ms"] + 5_000) * 1_000_000}
    store_bars(tmp_path, late)
    assert [bar.close for bar in LakeSource(tmp_path).klines("SIMUSDT", "1m")] == [200.0, 201.0, 202.0]


def cn_lake(root: Path) -> LakeSource:
    """Three days of 600000.SH, whose price halves by a split of two for one on the second."""
    first = START_MS - 8 * 3_600_000
    days = minute_bars(3, start_ms=first, step_ms=DAY_MS)
    days["close_ms"] = days["open_ms"] + 15 * 3_600_000
    for name in ("open", "high", "low", "close"):
        days[name] = np.array([100.0, 50.0, 51.0])
    store_bars(root, days, symbol="600000.SH", interval="1d")
    store = DayStore(root, "sim", writer_id="pull", gate=PlainKlineGate())
    store.put_series(
        "factors", "600000.SH", {"ts_ms": days["open_ms"][:2], "factor": [1.0, 2.0]}, interval=None, complete=True,
        source="test",
    )  # fmt: skip
    store.close()
    return LakeSource(root)


def test_adjusted_prices_join_the_factor_when_read(tmp_path: Path) -> None:
    lake = cn_lake(tmp_path)
    closes = {adjust: [bar.close for bar in lake.klines("600000.SH", "1d", adjust=adjust)] for adjust in
              ("none", "forward", "backward")}  # fmt: skip
    assert closes == {"none": [100.0, 50.0, 51.0], "forward": [50.0, 50.0, 51.0], "backward": [100.0, 100.0, 102.0]}


def test_a_factor_that_was_not_known_yet_adjusts_nothing(tmp_path: Path) -> None:
    lake = cn_lake(tmp_path)
    day_one_ms = START_MS - 8 * 3_600_000
    found = lake.bar_reader.columns("600000.SH", "1d", adjust="forward", as_of_ms=day_one_ms + 3_600_000)
    assert found["close"].tolist() == [100.0, 50.0, 51.0]


def test_without_factors_adjusted_prices_are_not_found(tmp_path: Path) -> None:
    store_bars(tmp_path, minute_bars(3))
    with pytest.raises(NotFound, match="no adjustment factors"):
        LakeSource(tmp_path).klines("SIMUSDT", "1m", adjust="forward")


def test_a_level_that_the_calendar_does_not_have_is_refused(tmp_path: Path) -> None:
    lake = cn_lake(tmp_path)
    with pytest.raises(InvalidArgument, match="an A-share session has 2h"):
        lake.klines("600000.SH", "4h")


def test_trades_of_an_auction_belong_to_the_first_minute(tmp_path: Path) -> None:
    """09:25 and 09:30 in Shanghai, five minutes apart, are one bar."""
    local_ms = START_MS - 8 * 3_600_000
    trades = trade_columns(4)
    trades["ts_ms"] = local_ms + np.array([565, 570, 571, 572]) * MINUTE_MS
    trades["event_ms"] = trades["ts_ms"]
    trades["known_ns"] = trades["ts_ms"] * 1_000_000
    write_rows(tmp_path, trades, symbol="510300.SH")
    bars = LakeSource(tmp_path).klines("510300.SH", "1m")
    assert [((bar.ts_ms - local_ms) // MINUTE_MS, bar.trades) for bar in bars] == [(570, 2), (571, 1)]
