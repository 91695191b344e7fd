"""query_buy_sell_points: what was known, newest first, in pages that fit together."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chanflow.operations.operation import Asked
from chanflow.operations.outcome import Declined
from chanflow.operations.points import QUERY_BUY_SELL_POINTS, PointsFound, QueryPoints
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.structure import chan_columns

ALL: dict[str, Any] = {"symbol": "ETHUSDT", "state": "any", "limit": 500}


async def _query(services: Any, **args: Any) -> PointsFound:
    model = QueryPoints.model_validate({"level": "1m", **args})
    return await QUERY_BUY_SELL_POINTS.handler(Asked(model, LOCAL_OPERATOR, services, "r-1"))


@pytest.mark.asyncio
async def test_points_stand_newest_first_and_say_since_when_they_are_known(desk: Any) -> None:
    found = await _query(desk.memory_services(), **ALL)
    assert len(found.points) > 10
    assert len({point.id for point in found.points}) == len(found.points)
    times = [point.time for point in found.points]
    assert times == sorted(times, reverse=True)
    for point in found.points:
        assert point.time < point.first_seen <= found.known_at
        assert (point.confirmed_at is not None) == point.confirmed == (point.state == "confirmed")
        assert point.confirmed_at is None or point.first_seen <= point.confirmed_at <= found.known_at
        assert (point.void_at is not None) == (point.state == "void")


@pytest.mark.asyncio
async def test_each_state_is_asked_for_and_void_points_come_with_any_alone(desk: Any) -> None:
    every = (await _query(desk.memory_services(), **ALL)).points
    assert {point.state for point in every} == {"confirmed", "provisional", "void"}
    for state in ("confirmed", "provisional"):
        asked = await _query(desk.memory_services(), **ALL | {"state": state})
        assert asked.points == [point for point in every if point.state == state]
    assert await _query(desk.memory_services(), symbol="ETHUSDT") == await _query(
        desk.memory_services(), symbol="ETHUSDT", state="confirmed"
    )


@pytest.mark.asyncio
async def test_a_type_covers_the_types_of_the_engine(desk: Any) -> None:
    every = (await _query(desk.memory_services(), **ALL)).points
    for kind, subtypes in {"buy1": {"1", "1p"}, "sell2": {"2", "2s"}, "sell3": {"3a", "3b"}}.items():
        asked = (await _query(desk.memory_services(), **ALL, type=[kind])).points
        assert asked == [point for point in every if point.type == kind]
        assert {point.subtype.removesuffix("-seg") for point in asked} <= subtypes
    both = (await _query(desk.memory_services(), **ALL, type=["buy2", "sell2"])).points
    assert {point.type for point in both} == {"buy2", "sell2"}


@pytest.mark.asyncio
async def test_since_keeps_the_points_from_that_moment_on(desk: Any) -> None:
    every = (await _query(desk.memory_services(), **ALL)).points
    since = every[4].time
    asked = (await _query(desk.memory_services(), **ALL, since=since)).points
    assert asked == [point for point in every if point.time >= since]
    assert len(asked) < len(every)
    later = since.replace("000Z", "000000001Z")
    assert since not in {p.time for p in (await _query(desk.memory_services(), **ALL, since=later)).points}


@pytest.mark.asyncio
@pytest.mark.parametrize("bars", [150, 333, 480])
async def test_as_of_answers_as_a_desk_that_had_only_those_bars(desk: Any, bars: int) -> None:
    hours, minutes = divmod(bars, 60)
    found = await _query(desk.memory_services(), **ALL, as_of=f"2026-01-01T{hours:02}:{minutes:02}:59Z")
    then = await _query(replace(desk.memory_services(), klines=desk.MemoryKlines(bars)), **ALL)
    assert found.points == then.points
    assert found.known_at == f"2026-01-01T{hours:02}:{minutes:02}:00.000Z"


@pytest.mark.asyncio
async def test_before_the_first_bar_nothing_is_known_as_of_then(desk: Any) -> None:
    found = await _query(desk.memory_services(), as_of="2025-12-31T23:00:00Z")
    assert (found.points, found.scanned, found.known_at) == ([], 0, "2025-12-31T23:00:00.000Z")


@pytest.mark.asyncio
async def test_pages_join_to_the_whole_and_the_last_has_no_cursor(desk: Any) -> None:
    whole = (await _query(desk.memory_services(), state="any", limit=500)).points
    pages, cursor = [], None
    for _ in range(len(whole)):
        more = {"cursor": cursor} if cursor else {}
        page = await _query(desk.memory_services(), state="any", limit=3, **more)
        pages += page.points
        cursor = page.next_cursor
        if cursor is None:
            break
    assert pages == whole
    assert cursor is None


@pytest.mark.asyncio
async def test_bars_that_close_between_pages_change_no_page(desk: Any) -> None:
    before = replace(desk.memory_services(), klines=desk.MemoryKlines(450))
    whole = await _query(before, **ALL)
    first = await _query(before, **ALL | {"limit": 4})
    second = await _query(desk.memory_services(), **ALL, cursor=first.next_cursor)
    assert first.points + second.points == whole.points
    assert second.known_at == whole.known_at


@pytest.mark.asyncio
async def test_a_cursor_belongs_to_its_call(desk: Any) -> None:
    cursor = (await _query(desk.memory_services(), **ALL | {"limit": 1})).next_cursor
    with pytest.raises(Declined, match="other arguments"):
        await _query(desk.memory_services(), **ALL, type=["buy1"], cursor=cursor)
    for none_of_ours in ("AAAA", "é", "YmVmb3JlOjE"):
        with pytest.raises(Declined, match="none of ours"):
            await _query(desk.memory_services(), **ALL, cursor=none_of_ours)


@pytest.mark.asyncio
async def test_without_a_symbol_the_whole_market_is_read(desk: Any) -> None:
    market = await _query(desk.memory_services(), state="any", limit=500)
    alone = [
        (await _query(desk.memory_services(), symbol=symbol, state="any", limit=500)).points
        for symbol in ("BTCUSDT", "ETHUSDT")
    ]
    assert market.scanned == 2  # the third symbol has no bars yet
    assert sorted(point.id for point in market.points) == sorted(point.id for each in alone for point in each)
    assert [point.time for point in market.points] == sorted((p.time for p in market.points), reverse=True)


@pytest.mark.asyncio
async def test_a_market_without_the_level_or_without_anything_is_scanned_in_vain(desk: Any) -> None:
    for found in (await _query(desk.memory_services(), level="1d"), await _query(desk.new_services())):
        assert (found.points, found.scanned, found.next_cursor) == ([], 0, None)


@pytest.mark.asyncio
async def test_a_symbol_that_is_asked_for_must_be_there(desk: Any) -> None:
    with pytest.raises(Declined, match="no data here"):
        await _query(desk.memory_services(), symbol="DOGEUSDT")
    with pytest.raises(Declined, match="no bars of this level"):
        await _query(desk.memory_services(), symbol="ETHUSDT", level="1d")


@pytest.mark.asyncio
async def test_figures_are_those_of_the_certificate_or_null(desk: Any) -> None:
    measured = 0
    for point in (await _query(desk.memory_services(), **ALL)).points:
        stats = point.stats
        if point.subtype not in ("1", "2"):
            assert set(stats.model_dump().values()) == {None}
            continue
        measured += 1
        n = 400 if point.type.startswith("buy") else 300
        assert (stats.n, stats.hit_rate) == ((n // 10, 0.5) if point.confirmed else (n, 0.41))
        assert (stats.retract_rate, stats.lag_bars_p50) == (0.889, 64)
    assert measured


@pytest.mark.asyncio
async def test_without_certificates_every_figure_is_null(desk: Any) -> None:
    services = replace(desk.memory_services(), certificates=desk.new_services().certificates)
    for point in (await _query(services, **ALL)).points:
        assert set(point.stats.model_dump().values()) == {None}


@pytest.mark.asyncio
async def test_an_end_of_several_types_is_several_rows(desk: Any) -> None:
    def one_point(bars: Any) -> Any:
        columns = chan_columns(bars)
        row = {
            "level": 0, "element": 0, "bar": 9, "ts_ms": bars[9].ts_ms, "price": 1999.5, "side": 1, "types": 0b101000,
            "state": 0, "divergence": float("nan"), "first_seen_bar": 12, "confirmed_bar": -1, "void_bar": -1,
        }  # fmt: skip
        points = SimpleNamespace(**{name: np.array([value]) for name, value in row.items()})
        return SimpleNamespace(
            strokes=columns.strokes,
            segments=columns.segments,
            super_segments=columns.super_segments,
            centers=columns.centers,
            points=points,
        )

    found = await _query(replace(desk.memory_services(), chan_columns=one_point), **ALL)
    assert [(point.type, point.subtype, point.price, point.first_seen) for point in found.points] == [
        ("buy2", "2s", 1999.5, "2026-01-01T00:13:00.000Z"),
        ("buy3", "3b", 1999.5, "2026-01-01T00:13:00.000Z"),
    ]
    assert [point.id for point in found.points] == [
        "ETHUSDT:1m:buy:2s:2026-01-01T00:09:00.000Z",
        "ETHUSDT:1m:buy:3b:2026-01-01T00:09:00.000Z",
    ]
