"""What a plan lets alerts do: the newest are paused where it falls, none is deleted, and all return when it rises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_access import AccessDesk, access_desk

from chanflow.access.alert_slots import first_paused
from chanflow.access.keys import User, principal_of
from chanflow.adapters.storage.database.tables.access import user as users
from chanflow.operations.alert_watch import AlertWatch
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import body_of
from chanflow.operations.principal import Principal
from chanflow.runtime.alert_book import AlertBook

ONE: dict[str, Any] = {"symbols": ["ETHUSDT"], "level": "1m"}
TWO: dict[str, Any] = {"symbols": ["BTCUSDT", "ETHUSDT"], "level": "1m"}


@dataclass
class World:
    """A desk that asks for keys, a user of it, and the bars that have closed."""

    desk: AccessDesk
    book: AlertBook
    klines: Any
    user: User
    key: Any

    async def who(self) -> Principal:
        """Return as whom the key acts now."""
        found = await self.desk.shelf.key(self.key.record.id)
        assert found is not None
        return principal_of(*found, None)

    async def ask(self, name: str, **args: Any) -> dict[str, Any]:
        catalogue = build_catalogue(self.desk.services)
        return body_of(await catalogue.execute(await self.who(), name, args, door="rest", request_id="r"))

    async def set(self, number: int, **args: Any) -> dict[str, Any]:
        # Another millisecond for each: alerts are older or newer by it, and the bucket of requests fills.
        self.desk.clock.at_ns += 10**9
        return await self.ask("subscribe_alert", client_alert_id=f"alert-{number:03d}", **args)

    async def give(self, **values: Any) -> None:
        """Change the user's row, as billing and the command line do."""
        async with self.desk.shelf._database.write() as connection:
            await connection.execute(users.update().where(users.c.id == self.user.id).values(**values))

    async def statuses(self) -> dict[str, str]:
        self.desk.clock.at_ns += 10**9
        rows = (await self.ask("list_alerts", status="any"))["alerts"]
        return {row["client_alert_id"]: row["status"] for row in rows}

    async def heard(self, alert: dict[str, Any]) -> int:
        async with self.book.open() as store:
            return len(await store.events_of(alert["alert_id"], 0, limit=10_000))

    async def slots_used(self) -> dict[str, Any]:
        rows = (await self.ask("get_user_quota"))["quotas"]
        return next(row for row in rows if row["name"] == "alert_subscription")


class Growing:
    """Bars of which the first `count` are closed."""

    def __init__(self, klines: Any, count: int) -> None:
        self._whole, self.count = klines, count

    def klines(self, symbol: str, level: str, **asked: Any) -> Any:
        limit = asked.pop("limit")
        return self._whole.klines(symbol, level, limit=10_000, **asked)[: self.count][-limit:]

    def symbols(self) -> list[str]:
        return ["BTCUSDT", "ETHUSDT"]


@asynccontextmanager
async def _world(desk: Any, root: Path, plan: str) -> AsyncIterator[World]:
    klines = Growing(desk.MemoryKlines(), 200)
    made = access_desk(root, replace(desk.memory_services(), klines=klines))
    made.clock.at_ns = desk.NOW_NS
    book = AlertBook(made.home, made.clock)
    made = replace(made, services=replace(made.services, alerts=book))
    async with made.books.serving():
        user = await made.user("ann", plan=plan)
        yield World(made, book, klines, user, await made.key(user))


@pytest.fixture
async def world(desk: Any, tmp_path: Path) -> AsyncIterator[World]:
    async with _world(desk, tmp_path, "pro") as made:
        yield made


async def test_the_newest_are_paused_where_the_plan_falls_and_live_once_it_rises(world: World) -> None:
    for number in range(7):
        assert (await world.set(number, **ONE))["status"] == "active"
    await world.give(plan="free")
    assert [await _status(world, number) for number in range(7)] == ["active"] * 5 + ["paused"] * 2
    assert {row["client_alert_id"] for row in (await world.ask("list_alerts", status="paused"))["alerts"]} == {
        "alert-005", "alert-006",
    }  # fmt: skip
    assert len((await world.ask("list_alerts"))["alerts"]) == 5
    await world.give(plan="pro")
    assert set((await world.statuses()).values()) == {"active"}


async def _status(world: World, number: int) -> str:
    return (await world.statuses())[f"alert-{number:03d}"]


async def test_a_paused_alert_hears_nothing_and_later_only_what_comes_then(world: World) -> None:
    alerts = [await world.set(number, **ONE) for number in range(6)]
    watch = AlertWatch(world.desk.services, world.book)
    await watch.look()
    await world.give(plan="free")
    world.klines.count = 400
    await watch.look()
    before = await world.heard(alerts[0])
    assert (before > 0, await world.heard(alerts[5])) == (True, 0)
    await world.give(plan="pro")
    world.klines.count = 600
    await watch.look()
    assert 0 < await world.heard(alerts[5]) == await world.heard(alerts[0]) - before


async def test_a_series_that_only_a_paused_alert_needs_is_looked_at_and_told_to_nobody(world: World) -> None:
    first = await world.set(0, **ONE)
    last = await world.set(1, symbols=["BTCUSDT"], level="1m", kind="structure")
    await world.give(plan="free")
    limits = {**world.desk.books.plans["free"].limits, "alert_subscription": 1}
    plans = {**world.desk.books.plans, "free": replace(world.desk.books.plans["free"], limits=limits)}
    services = replace(world.desk.services, access=replace(world.desk.books, plans=plans))
    watch = AlertWatch(services, world.book)
    world.klines.count = 400
    await watch.look()
    await world.give(plan="pro")
    await watch.look()
    assert (await world.heard(first) > 0, await world.heard(last)) == (True, 0)


async def test_a_disabled_user_hears_nothing(world: World) -> None:
    alert = await world.set(0, **ONE)
    await world.give(disabled_at=1)
    world.klines.count = 400
    await AlertWatch(world.desk.services, world.book).look()
    assert await world.heard(alert) == 0


async def test_an_alert_beyond_the_plan_is_refused_with_the_whole_body(desk: Any, tmp_path: Path) -> None:
    async with _world(desk, tmp_path, "free") as world:
        assert (await world.set(0, **TWO))["remaining"] == 3
        assert (await world.set(1, **TWO))["remaining"] == 1
        fault = await world.set(2, **TWO)
        assert {name: fault[name] for name in ("code", "error", "tool", "quota", "used", "limit", "period")} == {
            "code": "quota_exceeded", "error": "quota_exceeded", "tool": "subscribe_alert",
            "quota": "alert_subscription", "used": 4, "limit": 5, "period": "permanent",
        }  # fmt: skip
        assert (await world.set(3, kind="risk"))["remaining"] == 0
        assert (await world.slots_used())["used"] == 5


async def test_what_is_deleted_is_free_again_and_what_is_repeated_costs_nothing(desk: Any, tmp_path: Path) -> None:
    async with _world(desk, tmp_path, "free") as world:
        made = [await world.set(number, **ONE) for number in range(5)]
        assert await world.set(4, **ONE) == made[4]
        assert (await world.set(5, **ONE))["code"] == "quota_exceeded"
        world.desk.clock.at_ns += 10**9
        await world.ask("subscribe_alert", alert_id=made[0]["alert_id"], action="delete")
        assert (await world.slots_used())["used"] == 4
        assert (await world.set(5, **ONE))["status"] == "active"
        assert (await world.slots_used())["remaining"] == 0


async def test_all_keys_of_a_user_see_the_same_alerts(world: World) -> None:
    alert = await world.set(0, **ONE)
    world.key = await world.desk.key(world.user, name="phone")
    assert [row["alert_id"] for row in (await world.ask("list_alerts"))["alerts"]] == [alert["alert_id"]]


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(-1, 200))
def test_what_is_live_is_the_longest_beginning_that_fits(slots: list[int], limit: int) -> None:
    taken = [(f"al_{number:03d}", cost) for number, cost in enumerate(slots)]
    first = first_paused(taken, limit)
    live = [cost for name, cost in taken if first is None or name < first]
    if limit == -1:
        assert first is None
    else:
        assert sum(live) <= limit
        assert first is None or sum(slots[: len(live) + 1]) > limit
