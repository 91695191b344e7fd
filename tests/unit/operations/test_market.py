"""get_klines: pages, bounds, ages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chanflow.operations.market import GET_KLINES, GetKlines, Klines
from chanflow.operations.operation import Asked
from chanflow.operations.outcome import Declined
from chanflow.operations.principal import LOCAL_OPERATOR


async def _klines(services: Any, **args: Any) -> Klines:
    model = GetKlines.model_validate({"symbol": "BTCUSDT", "level": "1m", **args})
    return await GET_KLINES.handler(Asked(model, LOCAL_OPERATOR, services, "r-1"))


@pytest.mark.asyncio
async def test_the_newest_bars_come_first_to_hand_in_ascending_order(desk: Any) -> None:
    klines = await _klines(desk.memory_services(), limit=3)
    assert [row[0][11:16] for row in klines.rows] == ["09:57", "09:58", "09:59"]
    assert klines.last_closed == klines.known_at == "2026-01-01T10:00:00.000Z"


@pytest.mark.asyncio
async def test_start_is_included_and_end_is_not(desk: Any) -> None:
    klines = await _klines(desk.memory_services(), start="2026-01-01T00:01:00Z", end="2026-01-01T00:03:00.000000001Z")
    assert [row[0][11:16] for row in klines.rows] == ["00:01", "00:02", "00:03"]
    klines = await _klines(desk.memory_services(), start="2026-01-01T08:01:00+08:00", end="2026-01-01T00:03:00Z")
    assert [row[0][11:16] for row in klines.rows] == ["00:01", "00:02"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(limit=st.integers(1, 250), first=st.one_of(st.none(), st.integers(0, 60)))
@pytest.mark.asyncio
async def test_pages_join_without_a_hole_or_a_double(desk: Any, limit: int, first: int | None) -> None:
    args: dict[str, Any] = {"limit": limit} | (
        {} if first is None else {"start": f"2026-01-01T00:{first % 60:02d}:00Z"}
    )
    services = replace(desk.memory_services(), klines=desk.MemoryKlines())
    whole = (await _klines(services, **(args | {"limit": 10_000}))).rows
    pages, cursor = [], None
    while True:
        page = await _klines(services, **args, **({"cursor": cursor} if cursor else {}))
        assert 1 <= len(page.rows) <= limit
        pages.append(page.rows)
        cursor = page.next_cursor
        if cursor is None:
            break
    ordered = pages if first is not None else pages[::-1]
    assert [row for page in ordered for row in page] == whole


@pytest.mark.asyncio
async def test_a_cursor_of_the_other_direction_is_refused(desk: Any) -> None:
    cursor = (await _klines(desk.memory_services(), limit=3)).next_cursor
    with pytest.raises(Declined, match="other arguments"):
        await _klines(desk.memory_services(), limit=3, cursor=cursor, start="2026-01-01T00:00:00Z")


@pytest.mark.asyncio
async def test_a_live_answer_has_no_age_and_an_old_one_has(desk: Any) -> None:
    services = desk.memory_services()
    assert (await _klines(services)).stale_ms is None
    assert (await _klines(services, end="2026-01-01T09:00:00Z")).stale_ms == 3_620_000


@pytest.mark.asyncio
async def test_no_bars_is_an_empty_page_known_now(desk: Any) -> None:
    klines = await _klines(desk.memory_services(), symbol="EMPTY")
    assert (klines.rows, klines.last_closed, klines.next_cursor) == ([], None, None)
    assert klines.known_at == "2026-01-01T10:00:20.000Z"


@pytest.mark.asyncio
async def test_a_new_desk_says_how_to_get_data(desk: Any) -> None:
    with pytest.raises(Declined) as declined:
        await _klines(desk.new_services())
    assert (declined.value.code, declined.value.suggestion) == ("not_found", "start with: chanflow demo")
