"""Levels from bars of one interval: at once, as they close, and while they form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chanflow.market.calendar import CnCalendar, CryptoCalendar
from chanflow.runtime.level_feed import LevelFeed, levels_of

MINUTE_MS = 60_000
NAMES = ("1m", "5m", "30m")


def minutes(count: int) -> dict[str, NDArray[Any]]:
    steps = np.random.default_rng(7).integers(-3, 4, count) / 4
    close = 100 + np.cumsum(steps)
    first = close - steps
    return {
        "ts_ms": np.arange(count, dtype=np.int64) * MINUTE_MS, "open": first, "high": np.maximum(first, close),
        "low": np.minimum(first, close), "close": close, "volume": np.ones(count),
    }  # fmt: skip


def cut(columns: dict[str, NDArray[Any]], begin: int, end: int) -> dict[str, NDArray[Any]]:
    return {name: values[begin:end] for name, values in columns.items()}


def test_one_bar_at_a_time_is_all_at_once() -> None:
    columns, feed = minutes(400), LevelFeed(CryptoCalendar(), "1m", NAMES)
    closed = [feed.push(cut(columns, row, row + 1)) for row in range(400)]
    assert closed[:5] == [("1m",)] * 4 + [("1m", "5m")]
    assert closed[29] == NAMES
    now, batch = feed.now(), levels_of(columns, CryptoCalendar(), "1m", NAMES)
    assert [len(now.bars[name]) for name in NAMES] == [400, 80, 13]
    for name in NAMES:
        assert now.structures[name].to_json() == batch.structures[name].to_json()


def test_a_preview_has_the_bars_that_form() -> None:
    columns, feed = minutes(38), LevelFeed(CryptoCalendar(), "1m", NAMES)
    feed.push(columns)
    ahead = feed.preview()
    assert {name: (len(bars), bars.forming) for name, bars in ahead.bars.items()} == {
        "1m": (38, False), "5m": (8, True), "30m": (2, True)
    }  # fmt: skip
    last = ahead.bars["30m"]
    assert (last.open_ms[-1], last.close_ms[-1]) == (30 * MINUTE_MS, 60 * MINUTE_MS)
    assert (last.open[-1], last.close[-1]) == (columns["open"][30], columns["close"][37])
    assert (last.high[-1], last.low[-1]) == (columns["high"][30:].max(), columns["low"][30:].min())
    assert last.volume is not None
    assert last.volume[-1] == 8


def test_time_alone_closes_a_bar() -> None:
    feed = LevelFeed(CryptoCalendar(), "1m", NAMES)
    feed.push(minutes(38))
    assert feed.push(cut(minutes(38), 0, 0), known_to_ms=45 * MINUTE_MS) == ("5m",)
    assert [bars.forming for bars in feed.preview().bars.values()] == [False, False, True]


def test_what_the_market_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no trading day"):
        LevelFeed(CnCalendar(), "1m", NAMES).push({n: v + 3 * 1_440 * MINUTE_MS for n, v in minutes(2).items()})
    with pytest.raises(ValueError, match="each once, finest first"):
        LevelFeed(CnCalendar(), "1m", [])


@pytest.mark.parametrize(("column", "value"), [("close", np.nan), ("high", 1.0), ("low", np.inf), ("volume", np.nan)])
def test_a_malformed_bar_changes_nothing(column: str, value: float) -> None:
    columns, feed = minutes(40), LevelFeed(CryptoCalendar(), "1m", NAMES)
    feed.push(cut(columns, 0, 28))
    wrong = cut(columns, 28, 40)
    wrong[column] = np.where(np.arange(12) == 3, value, wrong[column])
    with pytest.raises(ValueError, match=f"the bar at {31 * MINUTE_MS} ms has open"):
        feed.push(wrong)
    feed.push(cut(columns, 28, 40))
    batch = levels_of(columns, CryptoCalendar(), "1m", NAMES)
    for name in NAMES:
        assert feed.now().structures[name].to_json() == batch.structures[name].to_json()
