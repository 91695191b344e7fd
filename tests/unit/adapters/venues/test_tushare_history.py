"""Tushare's replies, written by hand in the documented shape."""

from __future__ import annotations

from typing import Any

import pytest

from chanflow.adapters.venues.tushare_history import TushareHistory
from chanflow.domain.errors import InvalidArgument, VenueBusy

DAY_MS = 86_400_000
OPEN_MS = 1_767_571_200_000 - 8 * 3_600_000  # 2026-01-05 in Shanghai


class Table:
    def __init__(self, *rows: dict[str, Any]) -> None:
        self._rows = rows

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        assert orient == "records"
        return list(self._rows)


def bar(**more: Any) -> dict[str, Any]:
    return {"open": 10.0, "high": 11.0, "low": 9.5, "close": 10.5, "vol": 120.0, "amount": 126.0} | more


class Client:
    def daily(self, **query: Any) -> Table:
        assert query == {"ts_code": "600000.SH", "start_date": "20260105", "end_date": "20260106"}
        return Table(bar(trade_date="20260106", close=10.6), bar(trade_date="20260105"))

    def stk_mins(self, **query: Any) -> Table:
        assert query["freq"] == "5min"
        return Table(bar(trade_time="2026-01-05 15:00:00"))

    def adj_factor(self, **_: Any) -> Table:
        return Table({"trade_date": "20260106", "adj_factor": 2.0}, {"trade_date": "20260105", "adj_factor": 2.0})


async def test_days_come_oldest_first_in_shares_and_yuan() -> None:
    found = await TushareHistory(client=Client()).fetch("klines", "600000.SH", "1d", OPEN_MS, OPEN_MS + 2 * DAY_MS)
    assert (found["open_ms"], found["close"]) == ([OPEN_MS, OPEN_MS + DAY_MS], [10.5, 10.6])
    assert (found["volume"][0], found["amount"][0]) == (12_000.0, 126_000.0)


async def test_minutes_are_in_shares_already() -> None:
    found = await TushareHistory(client=Client()).fetch("klines", "600000.SH", "5m", OPEN_MS, OPEN_MS + DAY_MS)
    assert [(ms - OPEN_MS) // 60_000 for ms in found["open_ms"]] == [895]
    assert found["volume"] == [120.0]


async def test_a_factor_is_told_where_it_changes() -> None:
    found = await TushareHistory(client=Client()).fetch("factors", "600000.SH", None, OPEN_MS, OPEN_MS + 2 * DAY_MS)
    assert (found["ts_ms"], found["factor"]) == ([OPEN_MS], [2.0])


async def test_without_a_token_it_says_how_to_give_one() -> None:
    with pytest.raises(InvalidArgument, match="give --token-file"):
        await TushareHistory().fetch("klines", "600000.SH", "1d", OPEN_MS, OPEN_MS + DAY_MS)


async def test_the_vendors_words_are_kept_back_since_they_may_hold_the_token() -> None:
    class Broken:
        def daily(self, **_: Any) -> Table:
            raise RuntimeError("token=hunter2")

    with pytest.raises(VenueBusy) as raised:
        await TushareHistory(client=Broken()).fetch("klines", "600000.SH", "1d", OPEN_MS, OPEN_MS + DAY_MS)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None
