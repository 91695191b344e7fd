"""Empty intervals: where they are, and where there are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chanflow.market.calendar import CnCalendar, CryptoCalendar
from chanflow.market.fill import filled

MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS
SHANGHAI_DAY_MS = 1_767_571_200_000 - 8 * 3_600_000


def bars(*open_ms: int, width_ms: int = MINUTE_MS) -> dict[str, Any]:
    ts = np.array(open_ms, dtype=np.int64)
    price = 1.0 + np.arange(ts.size)
    values = dict.fromkeys(("open", "high", "low", "close", "volume", "amount", "buy_qty"), price)
    return {"ts_ms": ts, "close_ms": ts + width_ms, "trades": np.ones(ts.size, dtype=np.int64), **values}


def test_the_last_close_is_carried_as_far_as_is_known() -> None:
    found = filled(bars(0, MINUTE_MS), CryptoCalendar(), "1m", until_ms=4 * MINUTE_MS + 1)
    assert (found["ts_ms"] // MINUTE_MS).tolist() == [0, 1, 2, 3]
    assert found["filled"].tolist() == [False, False, True, True]
    assert found["open"].tolist() == [1.0, 2.0, 2.0, 2.0]
    assert found["trades"].tolist() == [1, 1, 0, 0]


def test_months_are_filled_by_the_calendar() -> None:
    found = filled(bars(0, 90 * DAY_MS, width_ms=31 * DAY_MS), CryptoCalendar(), "1M", until_ms=90 * DAY_MS)
    assert (found["ts_ms"] // DAY_MS).tolist() == [0, 31, 59, 90]


def test_the_lunch_break_and_the_night_are_no_holes() -> None:
    first, second = SHANGHAI_DAY_MS + 689 * MINUTE_MS, SHANGHAI_DAY_MS + 781 * MINUTE_MS
    found = filled(bars(first, second), CnCalendar(), "1m", until_ms=SHANGHAI_DAY_MS + 5 * DAY_MS)
    minutes = (found["ts_ms"] - SHANGHAI_DAY_MS) // MINUTE_MS
    assert minutes.tolist() == [689, *range(780, 900)]


def test_days_without_bars_stay_without_on_a_shares() -> None:
    days = bars(SHANGHAI_DAY_MS, SHANGHAI_DAY_MS + 3 * DAY_MS, width_ms=15 * 3_600_000)
    assert filled(days, CnCalendar(), "1d", until_ms=SHANGHAI_DAY_MS + 9 * DAY_MS)["ts_ms"].size == 2


def test_too_many_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 2000000 bars"):
        filled(bars(0), CryptoCalendar(), "1m", until_ms=3_000_000 * MINUTE_MS)


def test_nothing_stays_nothing() -> None:
    assert filled(bars(), CryptoCalendar(), "1m", until_ms=DAY_MS)["filled"].size == 0
