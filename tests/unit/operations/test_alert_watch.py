"""What happens is in the log once, however often and by whom the bars are looked at."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from chanflow.domain.message import Envelope
from chanflow.domain.watch_alert import Logged
from chanflow.monitor.alert_index import AlertIndex
from chanflow.operations.alert_happenings import told_by
from chanflow.operations.alert_watch import AlertWatch
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import body_of
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.services import Services
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.clock import SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home


class Growing:
    """Bars of which the first `count` are closed."""

    def __init__(self, desk: Any, count: int) -> None:
        self._whole, self.count = desk.MemoryKlines(), count

    def klines(self, symbol: str, level: str, **asked: Any) -> Any:
        limit = asked.pop("limit")
        bars = self._whole.klines(symbol, level, limit=10_000, **asked)[: self.count]
        return bars[-limit:]

    def symbols(self) -> list[str]:
        return ["BTCUSDT", "ETHUSDT"]


class World:
    """A desk whose bars close when a test says so."""

    def __init__(self, desk: Any, root: Path, count: int) -> None:
        self.clock = desk.StillClock()
        self.klines = Growing(desk, count)
        self.book = AlertBook(Home(root), self.clock)
        self.services: Services = replace(
            desk.memory_services(), klines=self.klines, alerts=self.book, ids=Uuid7Ids(self.clock, SystemRandomness())
        )

    async def set(self, name: str, **args: Any) -> dict[str, Any]:
        catalogue = build_catalogue(self.services)
        asked = {"client_alert_id": f"alert-{name}", "level": "1m", **args}
        outcome = await catalogue.execute(LOCAL_OPERATOR, "subscribe_alert", asked, door="cli", request_id="r")
        return body_of(outcome)

    async def look(self, watch: AlertWatch | None = None) -> None:
        await (watch or AlertWatch(self.services, self.book)).look()

    async def of(self, alert: dict[str, Any]) -> list[Logged]:
        async with self.book.open() as store:
            return await store.events_of(alert["alert_id"], 0, limit=10_000)

    async def log(self) -> list[Logged]:
        async with self.book.open() as store:
            return await store.events(0, limit=10_000)


@pytest.fixture
def world(desk: Any, tmp_path: Path) -> World:
    return World(desk, tmp_path, 200)


def bodies(logged: Sequence[Logged]) -> list[dict[str, Any]]:
    """What was told, but for the center, which is the one that the newest bar shows."""
    return [{name: value for name, value in each.happening.body.items() if name != "center_id"} for each in logged]


def test_bars_looked_at_at_once_tell_what_they_tell_one_by_one(desk: Any) -> None:
    bars, services = desk.wandering_bars(400), desk.memory_services()
    index = AlertIndex()
    at_once = told_by(services, "E", "1m", bars, seen_ms=bars[99].close_ms, index=index)
    one_by_one = [
        each
        for count in range(101, 401)
        for each in told_by(services, "E", "1m", bars[:count], seen_ms=bars[count - 2].close_ms, index=index)
    ]
    assert [each.key for each in at_once] == [each.key for each in one_by_one]
    logged = [[Logged(0, each, 0) for each in found] for found in (at_once, one_by_one)]
    assert bodies(logged[0]) == bodies(logged[1])
    assert {each.body["event"] for each in at_once} >= {"new", "confirmed", "void", "stroke_confirmed"}


async def test_an_alert_hears_what_comes_after_it_and_nothing_before(world: World) -> None:
    early = await world.set("early-1", symbols=["ETHUSDT"])
    world.klines.count = 400
    await world.look()
    late = await world.set("late-01", symbols=["ETHUSDT"])
    world.klines.count = 600
    await world.look()
    heard, after = await world.of(early), await world.of(late)
    assert heard[len(heard) - len(after) :] == after
    assert 0 < len(after) < len(heard)
    bound_ns = (world.klines.klines("ETHUSDT", "1m", start_ms=None, end_ms=None, limit=1000)[399].close_ms) * 10**6
    assert all(each.happening.known_ns > bound_ns for each in after)


async def test_the_steps_in_which_it_is_looked_change_nothing(desk: Any, tmp_path: Path) -> None:
    heard = []
    for name, steps in (("a", [600]), ("b", [201, 202, 350, 350, 599, 600])):
        (tmp_path / name).mkdir()
        world = World(desk, tmp_path / name, 200)
        alert = await world.set("steps-1", symbols=["ETHUSDT"], type=["buy1", "buy2", "sell1"])
        for count in steps:
            world.klines.count = count
            await world.look()
        heard.append(bodies(await world.of(alert)))
    assert heard[0] == heard[1]
    assert {body["type"] for body in heard[0]} <= {"buy1", "buy2", "sell1"}
    assert len(heard[0]) > 5


async def test_two_that_look_at_once_write_once(world: World) -> None:
    await world.set("twice-1", symbols=["ETHUSDT"])
    world.klines.count = 300
    one, other = AlertWatch(world.services, world.book), AlertWatch(world.services, world.book)
    await world.look(one)
    first = await world.log()
    await world.look(other)
    async with world.book.open() as store:
        index = AlertIndex(await store.active())
        (alert,) = await store.active()
        await other._look_at(store, index, "ETHUSDT", "1m", alert.since_ms["ETHUSDT"])
    assert await world.log() == first


async def test_prices_are_told_when_they_are_crossed_and_once(world: World) -> None:
    bars = world.klines._whole.klines("ETHUSDT", "1m", start_ms=None, end_ms=None, limit=10_000)
    price = bars[260].high
    alert = await world.set("price-1", symbols=["ETHUSDT"], kind="price", above=price, below=price)
    far = await world.set("price-2", symbols=["ETHUSDT"], kind="price", above=10 * price)
    world.klines.count = 600
    await world.look()
    expected = []
    for before, bar in pairwise(bars[199:]):
        expected += [("above", bar.close)] if before.close < price <= bar.high else []
        expected += [("below", bar.close)] if bar.low <= price < before.close else []
    assert [(body["event"], body["price"]) for body in bodies(await world.of(alert))] == expected
    assert await world.of(far) == []


async def test_an_alert_that_was_deleted_or_has_expired_hears_nothing(world: World) -> None:
    gone = await world.set("gone-01", symbols=["ETHUSDT"])
    async with world.book.open() as store:
        await store.end(gone["alert_id"], "deleted", 1)
    over = await world.set("over-01", symbols=["ETHUSDT"])
    async with world.book.open() as store:
        (alert,) = await store.active()
        before = replace(alert, alert_id="al_" + "e" * 32, client_alert_id="over-02", expires_ns=world.clock.now_ns())
        await store.add(before, marks=[], most=9)
    world.klines.count = 300
    await world.look()
    assert await world.of(over)
    assert await world.of(gone) == await world.of({"alert_id": before.alert_id}) == []
    async with world.book.open() as store:
        assert (await store.find(LOCAL_OPERATOR.id, before.alert_id)).status == "expired"  # type: ignore[union-attr]


async def test_signals_and_risk_are_told_once_for_each_message(world: World, desk: Any) -> None:
    signal = await world.set("sign-01", symbols=["ETHUSDT"], kind="signal")
    risk = await world.set("risk-01", kind="risk")
    watch = AlertWatch(world.services, world.book)
    later = desk.NOW_NS + 1

    def message(topic: Any, payload: dict[str, Any], at_ns: int) -> Envelope:
        return Envelope(
            id=world.services.ids.uuid7(), topic=topic, schema_version=1, ts_ns=at_ns, known_ns=at_ns,
            correlation_id="c", causation_id=None, producer="test", key=None, payload=payload,
        )  # fmt: skip

    halt = message("risk_event", {"kind": "halt", "cause": "drawdown"}, later)
    for each in (
        halt, halt, message("risk_event", {"kind": "halt", "cause": "before the alert"}, desk.NOW_NS),
        message("signal", {"symbol": "ETHUSDT", "confirm": True}, later),
        message("signal", {"symbol": "ETHUSDT", "confirm": False}, later),
        message("signal", {"symbol": "BTCUSDT", "confirm": True}, later),
    ):  # fmt: skip
        await watch._hear(each, None)  # type: ignore[arg-type]
    assert bodies(await world.of(risk)) == [{"event": "risk", "kind": "halt", "cause": "drawdown"}]
    assert bodies(await world.of(signal)) == [{"event": "signal", "symbol": "ETHUSDT", "confirm": True}]


async def test_ten_thousand_alerts_are_found_by_their_price_and_not_walked() -> None:
    from chanflow.domain.watch_alert import WatchAlert

    alerts = [
        WatchAlert(
            alert_id=f"al_{at}", account="local", client_alert_id=f"c{at}", args_hash="", kind="price",
            symbols=("ETHUSDT",), level="1m", types=(), above=1_000.0 + at, below=None, status="active",
            created_ns=0, expires_ns=None, known_since_ns=0,
        )
        for at in range(10_000)
    ]  # fmt: skip
    index = AlertIndex(alerts)
    assert index.crossed("ETHUSDT", "1m", close=5_000.0, high=5_001.5, low=4_000.0) == [("above", 5_001.0)]
    assert index.crossed("BTCUSDT", "1m", close=5_000.0, high=9_001.5, low=4_000.0) == []


KILLED = """
import asyncio, os, signal, sys
sys.path.insert(0, sys.argv[1])
import memory_desk as desk
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_alert_watch import World
from chanflow.adapters.storage import alert_store
from chanflow.operations.alert_watch import AlertWatch

async def main():
    world = World(desk, Path(sys.argv[3]), 200)
    await world.set("killed-1", symbols=["ETHUSDT"])
    world.klines.count = 600
    where = sys.argv[4]
    kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
    if where == "before the log":
        async def log(self, *_, **__):
            kill()
        alert_store.SqlAlerts.log = log
    elif where == "inside the log":
        async def count(*_):
            kill()
        alert_store._count = count
    await world.look()
    kill()

asyncio.run(main())
"""


@pytest.mark.parametrize("where", ["before the log", "inside the log", "after the log"])
async def test_a_kill_loses_nothing_and_repeats_nothing(desk: Any, tmp_path: Path, where: str) -> None:
    (tmp_path / "whole").mkdir()
    whole = World(desk, tmp_path / "whole", 200)
    alert = await whole.set("killed-1", symbols=["ETHUSDT"])
    whole.klines.count = 600
    await whole.look()
    killed = tmp_path / "killed"
    killed.mkdir()
    folders = [str(Path(desk.__file__).parent), str(Path(__file__).parent), str(killed)]
    command = [sys.executable, "-c", KILLED, *folders, where]
    done = await asyncio.to_thread(partial(subprocess.run, command, capture_output=True, text=True, check=False))
    assert done.returncode == -9, done.stderr
    world = World(desk, killed, 600)
    await world.look()
    async with world.book.open() as store:
        (again,) = await store.active()
    heard = await world.of({"alert_id": again.alert_id})
    assert bodies(heard) == bodies(await whole.of(alert))
    assert len(heard) > 10
