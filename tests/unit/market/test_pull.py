"""Pulling: which days are asked for, and what is stored of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chanflow.domain.errors import InvalidArgument, VenueBusy
from chanflow.domain.time import utc_date
from chanflow.market.pull import Pulled, pull

DAY_MS = 86_400_000
START_MS = 1_767_571_200_000


class HourBars:
    """A source of hourly bars that notes what it is asked, and fails where it is told to."""

    venue = "sim"
    kinds = frozenset({"klines"})

    def __init__(self, fail_at_ms: int | None = None) -> None:
        self.asked: list[tuple[int, int]] = []
        self._fail_at_ms = fail_at_ms

    async def fetch(
        self, kind: str, symbol: str, interval: str | None, start_ms: int, end_ms: int
    ) -> Mapping[str, Any]:
        if self._fail_at_ms is not None and start_ms >= self._fail_at_ms:
            raise VenueBusy("later")
        self.asked.append(((start_ms - START_MS) // DAY_MS, -(-(end_ms - START_MS) // DAY_MS)))
        opens = [ms for ms in range(start_ms, end_ms, 3_600_000) if (ms - START_MS) // DAY_MS != 2]
        return {"open_ms": opens, "close_ms": [ms + 3_600_000 for ms in opens], "close": [1.0] * len(opens)}


class Days:
    """A store in memory."""

    def __init__(self) -> None:
        self.complete: set[str] = set()
        self.bars: dict[str, int] = {}

    def has_day(self, symbol: str, kind: str, interval: str | None, date: str) -> bool:
        return date in self.complete

    def put_klines(
        self, symbol: str, interval: str, columns: Mapping[str, Any], *, complete: bool, source: str
    ) -> tuple[int, int]:
        date = utc_date(int(columns["open_ms"][0]) * 1_000_000)
        self.bars[date] = len(columns["open_ms"])
        if complete:
            self.complete.add(date)
        return len(columns["open_ms"]), 0


async def run(source: HourBars, store: Days, *, days: int, now_ms: int) -> Pulled:
    return await pull(
        source, store, kind="klines", symbols=["X"], interval="1h", start_ms=START_MS,  # type: ignore[arg-type]
        end_ms=START_MS + days * DAY_MS, now_ms=now_ms,
    )  # fmt: skip


async def test_days_that_are_stored_are_not_asked_for_again() -> None:
    source, store = HourBars(), Days()
    first = await run(source, store, days=2, now_ms=START_MS + 30 * DAY_MS)
    again = await run(source, store, days=4, now_ms=START_MS + 30 * DAY_MS)
    assert source.asked == [(0, 2), (2, 4)]
    assert (first.rows, again.rows, again.known_days, again.empty_days) == (48, 24, 2, 1)


async def test_today_is_stored_as_far_as_it_goes_and_asked_for_again() -> None:
    source, store = HourBars(), Days()
    await run(source, store, days=2, now_ms=START_MS + DAY_MS + 5 * 3_600_000)
    assert (store.bars, store.complete) == ({"2026-01-05": 24, "2026-01-06": 5}, {"2026-01-05"})
    await run(source, store, days=2, now_ms=START_MS + 2 * DAY_MS)
    assert store.bars["2026-01-06"] == 24


async def test_an_interrupted_pull_goes_on_where_it_stopped() -> None:
    store = Days()
    with pytest.raises(VenueBusy):
        await run(HourBars(fail_at_ms=START_MS + 60 * DAY_MS), store, days=90, now_ms=START_MS + 200 * DAY_MS)
    source = HourBars()
    await run(source, store, days=61, now_ms=START_MS + 200 * DAY_MS)
    assert source.asked == [(2, 3), (60, 61)]


async def test_what_a_source_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="sim has no funding: it has klines"):
        await pull(
            HourBars(), Days(), kind="funding", symbols=["X"], interval=None, start_ms=0, end_ms=1, now_ms=1,  # type: ignore[arg-type]
        )  # fmt: skip
