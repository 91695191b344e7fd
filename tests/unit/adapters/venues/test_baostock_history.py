"""BaoStock's replies, written by hand in the documented shape."""

from __future__ import annotations

from typing import Any

import pytest

from chanflow.adapters.venues.baostock_history import BaostockHistory
from chanflow.domain.errors import VenueRejected

DAY_MS = 86_400_000
OPEN_MS = 1_767_571_200_000 - 8 * 3_600_000  # 2026-01-05 in Shanghai


class Answer:
    def __init__(self, fields: str, *rows: list[str], code: str = "0") -> None:
        self.error_code, self.error_msg, self.fields = code, "参数错误", fields.split(",")
        self._rows, self._at = rows, -1

    def next(self) -> bool:
        self._at += 1
        return self._at < len(self._rows)

    def get_row_data(self) -> list[str]:
        return self._rows[self._at]


class Client:
    def __init__(self, code: str = "0") -> None:
        self.asked: list[Any] = []
        self._code = code

    def login(self) -> Answer:
        self.asked.append("login")
        return Answer("")

    def query_history_k_data_plus(self, code: str, fields: str, **query: Any) -> Answer:
        self.asked.append((code, query))
        if fields.startswith("date,time"):
            return Answer(fields, ["2026-01-05", "20260105093500000", "10", "11", "9", "10.5", "300", "3000"])
        rows = (["2026-01-05", "10", "11", "9", "10.5", "300", "3000"], ["2026-01-06", "", "", "", "", "", ""])
        return Answer(fields, *rows, code=self._code)

    def query_adjust_factor(self, **_: Any) -> Answer:
        fields = "code,dividOperateDate,foreAdjustFactor,backAdjustFactor,adjustFactor"
        return Answer(fields, ["sh.600000", "2026-01-05", "0.5", "2.0", "2.0"])


async def test_days_and_minutes_open_by_the_session() -> None:
    client = Client()
    source = BaostockHistory(client)
    days = await source.fetch("klines", "600000.SH", "1d", OPEN_MS, OPEN_MS + 2 * DAY_MS)
    minutes = await source.fetch("klines", "600000.SH", "5m", OPEN_MS, OPEN_MS + DAY_MS)
    assert (days["open_ms"], days["volume"]) == ([OPEN_MS], [300.0])
    assert [(ms - OPEN_MS) // 60_000 for ms in minutes["open_ms"]] == [570]
    assert client.asked[0] == "login"
    assert client.asked[1] == (
        "sh.600000",
        {"start_date": "2026-01-05", "end_date": "2026-01-06", "frequency": "d", "adjustflag": "3"},
    )
    assert client.asked.count("login") == 1


async def test_factors_are_the_cumulative_ones() -> None:
    found = await BaostockHistory(Client()).fetch("factors", "600000.SH", None, OPEN_MS, OPEN_MS + DAY_MS)
    assert (found["ts_ms"], found["factor"]) == ([OPEN_MS], [2.0])


async def test_a_refusal_is_told() -> None:
    with pytest.raises(VenueRejected, match="BaoStock refused the question"):
        await BaostockHistory(Client(code="10004")).fetch("klines", "600000.SH", "1d", OPEN_MS, OPEN_MS + DAY_MS)
