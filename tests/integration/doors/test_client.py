"""The Python client against the desk: with keys and without, calls and events, a desk that is killed and comes back."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from first_document_desk import keyed_desk
from made_access import AccessDesk, access_desk
from made_client import ServedDesk, desk_client, served_desk

from chanflow.client import Client, Event, SyncClient, subscription
from chanflow.client.fault import Unreachable
from chanflow.client.faults import (
    CursorExpired,
    InsufficientScope,
    InvalidArgument,
    NotFound,
    PlanRequired,
    QuotaExceeded,
    RateLimited,
    Unauthenticated,
)  # fmt: skip
from chanflow.client.retries import Patience
from chanflow.operations.alert_cursor import cursor_of
from chanflow.operations.offered import build_catalogue
from chanflow.operations.operation import AnyOperation
from chanflow.operations.outcome import body_of
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.runtime.home import Home

memory = importlib.import_module("memory_desk")
BARS: dict[str, Any] = {"symbol": "BTCUSDT", "level": "1m", "limit": 2}
POINTS: dict[str, Any] = {"symbol": "ETHUSDT", "level": "1m"}


@pytest.fixture
def desk(tmp_path: Path) -> AccessDesk:
    return access_desk(tmp_path, memory.memory_services())


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[ServedDesk]:
    async with served_desk(Home(tmp_path), memory.memory_services()) as running:
        yield running


# ── calls ─────────────────────────────────────────────────────────────────────


async def test_a_key_calls_and_its_scope_plan_and_quota_are_told_by_class(desk: AccessDesk) -> None:
    async with desk.books.serving():
        trader = await desk.key(await desk.user("ann"))
        viewer = await desk.key(await desk.user("vic", roles=["viewer"], plan="enterprise"))
    async with desk_client(desk, trader.text) as (client, _):
        assert len((await client.get_klines(symbol="BTCUSDT", level="1m", limit=2))["rows"]) == 2
        assert "get_klines" in {tool["name"] for tool in await client.list_tools()}
        for _ in range(3):
            called = await client.call_tool("query_buy_sell_points", POINTS)
        assert called["usage"] == {"bsp_query": 1, "api_call": 1}
        assert called["structuredContent"]["points"]
        with pytest.raises(QuotaExceeded) as spent:
            await client.query_buy_sell_points(symbol="ETHUSDT", level="1m")
        assert (spent.value.status, spent.value.used, spent.value.limit) == (429, 3, 3)
        assert (spent.value.period, spent.value.upgrade_url) == ("month", "/billing/upgrade")
        with pytest.raises(PlanRequired):
            await client.execute_trade(client_order_id="order-0001", symbol="BTCUSDT", side="buy", size_quote="10")
        with pytest.raises(InvalidArgument) as wrong:
            await client.get_klines(symbol="BTCUSDT", limit=0)
        assert (wrong.value.field, wrong.value.status) == ("limit", 422)
        with pytest.raises(NotFound):
            await client.call_tool("steal")
    async with desk_client(desk, viewer.text) as (client, _):
        with pytest.raises(InsufficientScope) as lacking:
            await client.halt()
        assert lacking.value.status == 403
    for nobody in (None, "cf_wrong"):
        async with desk_client(desk, nobody) as (client, _):
            with pytest.raises(Unauthenticated):
                await client.get_user_quota()


async def test_more_calls_than_the_plan_takes_at_once_all_succeed_in_time(desk: AccessDesk) -> None:
    async with desk.books.serving():
        key = await desk.key(await desk.user("ann"))
    async with desk_client(desk, key.text) as (client, pauses):
        for _ in range(14):
            await client.get_klines(**BARS)
        assert pauses.slept_s == [0.5] * 4
    async with desk_client(desk, key.text, patience=Patience(wait_s=0.1)) as (client, _):
        with pytest.raises(RateLimited) as slowed:
            await asyncio.gather(*(client.get_klines(**BARS) for _ in range(14)))
        assert slowed.value.retry_after_ms == 500


@pytest.mark.server
async def test_both_clients_give_the_desks_own_answers(served: ServedDesk) -> None:
    def plainly() -> tuple[Any, Any, list[str]]:
        with SyncClient(served.url) as client:
            names = [tool["name"] for tool in client.list_tools()]
            return client.get_klines(**BARS), client.call_tool("get_klines", BARS), names

    outcome = await build_catalogue(served.services).execute(
        LOCAL_OPERATOR, "get_klines", BARS, door="rest", request_id="r"
    )
    expected = {**body_of(outcome), "stale_ms": 0}
    async with Client(served.url) as client:
        bars = await client.get_klines(**BARS)
    plain, called, names = await asyncio.to_thread(plainly)
    assert {**bars, "stale_ms": 0} == {**plain, "stale_ms": 0} == expected
    assert {**called["structuredContent"], "stale_ms": 0} == expected
    assert names == [each.name for each in _rest()]


def _rest() -> list[AnyOperation]:
    return build_catalogue(memory.memory_services()).of("rest")


# ── events ────────────────────────────────────────────────────────────────────


async def numbers(client: Client, count: int, **chosen: Any) -> list[int]:
    """Return the numbers of so many events."""
    found: list[int] = []
    async for event in client.subscribe("buy_sell_points", **{**POINTS, **chosen}):
        found.append(event.data["number"])
        if len(found) == count:
            break
    return found


@pytest.mark.server
async def test_events_come_with_their_cursor_and_a_later_client_goes_on_from_it(served: ServedDesk) -> None:
    async with Client(served.url) as client:
        first = await client.listen("buy_sell_points", **POINTS)
        reading = asyncio.create_task(first.next())
        await served.write(3)
        event = await reading
    assert event == Event("buy_sell_points", cursor_of(1), {**event.data, "number": 1}) if event else False
    async with Client(served.url) as client:
        assert await numbers(client, 2, after=cursor_of(1)) == [2, 3]
        with pytest.raises(InvalidArgument):
            await numbers(client, 1, after=cursor_of(9))
        with pytest.raises(InvalidArgument):
            await numbers(client, 1, symbol=None)


@pytest.mark.server
@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(3))
async def test_a_subscription_outlives_cuts_and_kills_without_a_hole_or_a_double(served: ServedDesk, seed: int) -> None:
    chance, total, seen, hurts = Random(seed), 300, list[int](), list[str]()

    async def hurt() -> None:
        while served.written < total:
            await served.write(min(chance.randint(1, 40), total - served.written))
            for _ in range(chance.randint(0, 30)):
                await asyncio.sleep(0)
            if chance.random() < 0.3:
                served.cut()
                hurts.append("cut")
            if (served.written > 100 and "kill" not in hurts) or chance.random() < 0.1:
                await served.kill()
                await served.start()
                hurts.append("kill")

    async with Client(served.url, patience=Patience(first_s=0.02)) as client:
        one = await client.listen("buy_sell_points", **POINTS)
        hurting = asyncio.create_task(hurt())
        while len(seen) < total:
            event = await one.next()
            assert event is not None
            seen.append(event.data["number"])
        await hurting
    assert {"cut", "kill"} <= set(hurts)
    assert seen == list(range(1, total + 1))


@pytest.mark.server
async def test_a_subscription_that_is_not_read_holds_no_other_up_and_loses_nothing(
    served: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "ROOM", 10)
    async with Client(served.url) as client:
        idle = await client.listen("buy_sell_points", **POINTS)
        reading = asyncio.create_task(numbers(client, 60, after=cursor_of(0)))
        await served.write(60)
        assert await reading == list(range(1, 61))
        assert (len(idle.waiting), idle.behind) == (10, True)
        late = [await idle.next() for _ in range(60)]
    assert [each.data["number"] for each in late if each] == list(range(1, 61))


@pytest.mark.server
async def test_a_cursor_that_is_too_old_is_told_by_its_class(
    served: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chanflow.interfaces.ws import hub

    await served.write(30)
    monkeypatch.setattr(hub, "MAX_REPLAY", 20)
    async with Client(served.url) as client:
        with pytest.raises(CursorExpired):
            await numbers(client, 1, after=cursor_of(3))


@pytest.mark.server
async def test_plain_code_reads_events_too(served: ServedDesk) -> None:
    def read() -> list[int]:
        found = []
        with SyncClient(served.url) as client:
            for event in client.subscribe("buy_sell_points", after=cursor_of(0), **POINTS):
                found.append(event.data["number"])
                if len(found) == 5:
                    break
        return found

    await served.write(5)
    assert await asyncio.to_thread(read) == [1, 2, 3, 4, 5]


async def test_a_desk_that_was_never_there_is_told(tmp_path: Path) -> None:
    running = ServedDesk(Home(tmp_path), memory.memory_services())
    await running.start()
    await running.kill()
    async with Client(running.url, patience=Patience(wait_s=0.2, first_s=0.02)) as client:
        with pytest.raises(Unreachable):
            await numbers(client, 1)
        with pytest.raises(Unreachable):
            await client.get_user_quota()


# ── events with keys ──────────────────────────────────────────────────────────


@pytest.mark.server
@pytest.mark.timeout(120)
async def test_a_plan_with_one_socket_is_enough_for_two_subscriptions_that_are_cut(tmp_path: Path) -> None:
    desk = keyed_desk(tmp_path)
    async with desk.books.serving():
        key = await desk.key(await desk.user("ann"))
    running = ServedDesk(desk.home, desk.services)
    await running.start()
    try:
        async with Client(running.url, api_key=key.text, patience=Patience(first_s=0.02)) as client:
            symbols = ("ETHUSDT", "BTCUSDT")
            both = [await client.listen("buy_sell_points", symbol=each, level="1m") for each in symbols]
            seen: list[int] = []
            for _ in range(3):
                await running.write(5)
                running.cut()
                await running.write(5)
                seen += [event.data["number"] for _ in range(10) if (event := await both[0].next())]
            assert seen == list(range(1, 31))
            assert not both[1].waiting
        stranger = f"{key.text[:-1]}{'0' if key.text[-1] != '0' else '1'}"
        async with Client(running.url, api_key=stranger) as client:
            with pytest.raises(Unauthenticated):
                await client.listen("alerts")
    finally:
        await running.kill()
