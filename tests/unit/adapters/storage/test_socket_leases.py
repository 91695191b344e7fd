"""Leases and tickets of sockets, judged by two processes' stores over one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chanflow.access.plans import PLANS
from chanflow.access.principals import LOCAL_OPERATOR
from chanflow.access.quota import Charge, Spent, Taken, demands
from chanflow.access.tickets import Tickets
from chanflow.adapters.storage.access_writer import AccessWriter
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.socket_leases import LEASE_NS, SqlSocketLeases
from chanflow.adapters.storage.socket_tickets import SqlTickets
from chanflow.domain.time import NS_PER_S
from chanflow.runtime.clock import SeededRandomness, SimulatedClock

NOW_NS = 1_767_261_620_000_000_000


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[tuple[Database, Database]]:
    async with await Database.open(tmp_path / "x.db") as one, await Database.open(tmp_path / "x.db") as other:
        yield one, other


async def test_exactly_as_many_sockets_open_as_the_plan_has(stores: tuple[Database, Database]) -> None:
    leases = [SqlSocketLeases(each) for each in stores]
    asked = [leases[n % 2].open(f"s{n}", "ann", most=5, now_ns=NOW_NS) for n in range(50)]
    assert sum(await asyncio.gather(*asked)) == 5
    assert await leases[0].open("t", "bob", most=1, now_ns=NOW_NS)


async def test_a_closed_lease_is_free_at_once_and_one_left_behind_after_a_minute(
    stores: tuple[Database, Database],
) -> None:
    here, there = (SqlSocketLeases(each) for each in stores)
    assert await here.open("a", "ann", most=1, now_ns=NOW_NS)
    assert not await there.open("b", "ann", most=1, now_ns=NOW_NS + LEASE_NS - 1)
    assert await here.renew(["a"], NOW_NS + LEASE_NS - 1) == []
    assert not await there.open("b", "ann", most=1, now_ns=NOW_NS + LEASE_NS)
    assert await there.open("b", "ann", most=1, now_ns=NOW_NS + 2 * LEASE_NS)
    assert await here.renew(["a", "b"], NOW_NS + 2 * LEASE_NS) == ["a"]
    await there.close("b")
    assert await here.open("c", "ann", most=1, now_ns=NOW_NS + 2 * LEASE_NS)


async def test_alerts_and_open_symbols_share_one_limit(stores: tuple[Database, Database]) -> None:
    leases, writer = SqlSocketLeases(stores[0]), AccessWriter(stores[1])

    async def alert(name: str, at_ns: int = NOW_NS) -> Taken | Spent:
        asked = demands({"alert_subscription": 1, "api_call": 1}, PLANS["free"], at_ns)
        return await writer.charge(Charge(name, "ann", at_ns, asked))

    await leases.open("a", "ann", most=2, now_ns=NOW_NS)
    await leases.open("b", "ann", most=2, now_ns=NOW_NS)
    held = await leases.hold("a", "ann", symbols=3, limit=5, now_ns=NOW_NS)
    assert held == Taken({"alert_subscription": 3})
    first, second, third = [await alert(f"c{n}") for n in range(3)]
    assert isinstance(first, Taken)
    assert first.used == {"alert_subscription": 4, "api_call": 1}
    assert isinstance(second, Taken)
    assert isinstance(third, Spent)
    assert (third.used, third.demand.quota) == (5, "alert_subscription")
    refused = await leases.hold("b", "ann", symbols=1, limit=5, now_ns=NOW_NS)
    assert isinstance(refused, Spent)
    assert await leases.symbols("ann", NOW_NS) == 3
    assert isinstance(await leases.hold("a", "ann", symbols=2, limit=5, now_ns=NOW_NS), Taken)
    assert isinstance(await leases.hold("b", "ann", symbols=1, limit=5, now_ns=NOW_NS), Taken)
    assert await leases.symbols("ann", NOW_NS + LEASE_NS) == 0
    assert isinstance(await alert("c9", NOW_NS + LEASE_NS), Taken)


async def test_a_ticket_is_taken_once_and_within_half_a_minute(stores: tuple[Database, Database]) -> None:
    clock = SimulatedClock(NOW_NS)
    here, there = (Tickets(SqlTickets(each), clock, SeededRandomness(n)) for n, each in enumerate(stores))
    made = await here.issue(LOCAL_OPERATOR)
    assert made.text not in repr(made)
    found = await asyncio.gather(*(each.redeem(made.text, "127.0.0.1") for each in (here, there) * 5))
    assert [each.user_id for each in found if each is not None] == [LOCAL_OPERATOR.user_id]
    assert next(each for each in found if each).scopes == LOCAL_OPERATOR.scopes
    late = await here.issue(LOCAL_OPERATOR)
    clock.advance_to(NOW_NS + 30 * NS_PER_S)
    assert await there.redeem(late.text, None) is None
    assert await there.redeem("cf_000000000000_x_y", None) is None
