"""AKShare's replies, written by hand in the documented shape."""

from __future__ import annotations

from typing import Any

import pytest

from chanflow.adapters.venues.akshare_history import AkshareHistory
from chanflow.domain.errors import InvalidArgument, VenueBusy

DAY_MS = 86_400_000
OPEN_MS = 1_767_571_200_000 - 8 * 3_600_000  # 2026-01-05 in Shanghai


class Table:
    def __init__(self, *rows: dict[str, Any]) -> None:
        self._rows = rows

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        assert orient == "records"
        return list(self._rows)


def row(**more: Any) -> dict[str, Any]:
    return {"开盘": 10.0, "收盘": 10.5, "最高": 11.0, "最低": 9.5, "成交量": 120, "成交额": 126_000.0} | more


class Client:
    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def stock_zh_a_hist(self, **query: Any) -> Table:
        self.asked.append(query)
        return Table(row(日期="2026-01-05"), row(日期="2026-01-06", 成交量=0))

    def stock_zh_a_hist_min_em(self, **query: Any) -> Table:
        self.asked.append(query)
        return Table(row(时间="2026-01-05 11:30:00"), row(时间="2026-01-05 14:00:00"))

    def stock_zh_a_daily(self, **query: Any) -> Table:
        self.asked.append(query)
        return Table({"date": "2026-01-06", "hfq_factor": "2.5"}, {"date": "1900-01-01", "hfq_factor": "1.0"})


async def test_days_are_in_shares_and_a_suspended_day_is_none() -> None:
    client = Client()
    found = await AkshareHistory(client).fetch("klines", "600000.SH", "1d", OPEN_MS, OPEN_MS + 2 * DAY_MS)
    assert client.asked == [
        {"symbol": "600000", "period": "daily", "start_date": "20260105", "end_date": "20260106", "adjust": ""}
    ]
    assert (found["open_ms"], found["volume"], found["close"]) == ([OPEN_MS], [12_000.0], [10.5])
    assert found["close_ms"] == [OPEN_MS + 15 * 3_600_000]


async def test_hours_are_stamped_at_their_end_and_never_cross_lunch() -> None:
    found = await AkshareHistory(Client()).fetch("klines", "600000.SH", "60m", OPEN_MS, OPEN_MS + DAY_MS)
    assert [(ms - OPEN_MS) / 3_600_000 for ms in found["open_ms"]] == [10.5, 13.0]


async def test_the_factor_that_held_before_is_told_as_of_the_start() -> None:
    found = await AkshareHistory(Client()).fetch("factors", "600000.SH", None, OPEN_MS, OPEN_MS + 2 * DAY_MS)
    assert (found["ts_ms"], found["factor"]) == ([OPEN_MS, OPEN_MS + DAY_MS], [1.0, 2.5])


async def test_a_fault_of_the_vendor_is_one_to_try_again() -> None:
    class Broken:
        def stock_zh_a_hist(self, **_: Any) -> Table:
            raise ConnectionError("gone")

    with pytest.raises(VenueBusy, match="AKShare did not answer: ConnectionError"):
        await AkshareHistory(Broken()).fetch("klines", "600000.SH", "1d", OPEN_MS, OPEN_MS + DAY_MS)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "60000.SH", "600000.XX"])
async def test_what_is_no_a_share_is_refused(symbol: str) -> None:
    with pytest.raises(InvalidArgument, match="is no A-share"):
        await AkshareHistory(Client()).fetch("klines", symbol, "1d", OPEN_MS, OPEN_MS + DAY_MS)
