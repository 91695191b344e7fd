from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chanflow.domain.errors import StorageUnwritable
from chanflow.domain.message import Envelope
from chanflow.runtime.bus import Delivery, SqliteBus, Transaction, schema

Make = Callable[..., Envelope]
MakeBus = Callable[..., SqliteBus]
Until = Callable[..., Any]


class Stage:
    """A handler whose deliveries last until the test lets them go."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self._gates: dict[int, asyncio.Event] = {}

    def let_go(self, *numbers: int) -> None:
        for number in numbers:
            self._gates.setdefault(number, asyncio.Event()).set()

    async def __call__(self, message: Envelope, delivery: Delivery) -> None:
        number = message.id.int
        self.started.append(number)
        try:
            await self._gates.setdefault(number, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        self.ended.append(number)


@pytest.mark.asyncio
async def test_a_slow_handler_holds_up_no_other_slot(make_bus: MakeBus, envelope: Make, until: Until) -> None:
    stage = Stage()
    bus = make_bus()
    bus.subscribe("signal", group="g", handler=stage, concurrency=2)
    await bus.open()
    async with bus.serving():
        for number in range(6):
            await bus.publish(envelope(number, key=f"k{number}"))
        stage.let_go(1, 2, 3, 4, 5)
        await until(lambda: stage.ended == [1, 2, 3, 4, 5])
        stage.let_go(0)
    assert stage.ended[-1] == 0


@pytest.mark.asyncio
async def test_no_more_run_than_there_are_slots_and_one_of_a_key(
    make_bus: MakeBus, envelope: Make, until: Until
) -> None:
    stage = Stage()
    bus = make_bus()
    bus.subscribe("signal", group="g", handler=stage, concurrency=3)
    await bus.open()
    async with bus.serving():
        for number, key in enumerate(["a", "a", "b", "b", "c", "d"]):
            await bus.publish(envelope(number, key=key))
        await until(lambda: len(stage.started) == 3)
        await bus.lag("g")
        assert sorted(stage.started) == [0, 2, 4]
        stage.let_go(0)
        await until(lambda: len(stage.started) == 4)
        assert stage.started[3] in (1, 5)
        stage.let_go(1, 2, 3, 4, 5)
        await until(lambda: len(stage.ended) == 6)
    assert stage.started.index(0) < stage.started.index(1)
    assert stage.started.index(2) < stage.started.index(3)


@pytest.mark.asyncio
async def test_a_handler_may_outlast_its_lease_threefold(
    make_bus: MakeBus, envelope: Make, clock: Any, until: Until, tmp_path: Path
) -> None:
    """The lease is 30 s; every 10 s it is renewed to 30 s from then. A second bus on the file never gets hold of it."""
    stage, rival = Stage(), Stage()
    bus, other = make_bus(), make_bus()
    bus.subscribe("signal", group="g", handler=stage)
    other.subscribe("signal", group="g", handler=rival)
    await bus.open()
    await other.open()
    onlooker = sqlite3.connect(tmp_path / "desk.db", isolation_level=None)

    def due_ns() -> int:
        return int(onlooker.execute("SELECT due_ns FROM bus_delivery").fetchone()[0])

    async with bus.serving():
        await bus.publish(envelope(1))
        await until(lambda: stage.started)
        for _ in range(9):
            await until(lambda: clock.sleeps_within(10))
            clock.advance(10)
            end_ns = clock.now_ns() + 30_000_000_000
            await until(lambda end_ns=end_ns: due_ns() == end_ns)
            assert await other.drain() == 0
        stage.let_go(1)
        await until(lambda: stage.ended)
    onlooker.close()
    assert (stage.started, rival.started) == ([1], [])
    assert (await bus.lag("g")).pending == 0


@pytest.mark.asyncio
async def test_a_lost_lease_cancels_the_handler_and_keeps_nothing_of_it(
    make_bus: MakeBus, envelope: Make, clock: Any, until: Until
) -> None:
    stage, rival = Stage(), Stage()
    rival.let_go(1)
    bus, other = make_bus(), make_bus()
    bus.subscribe("signal", group="g", handler=stage)
    other.subscribe("signal", group="g", handler=rival)
    await bus.open()
    await other.open()
    async with bus.serving():
        await bus.publish(envelope(1))
        await until(lambda: stage.started)
        tx = await other._writer.submit(lambda tx: tx.execute("UPDATE bus_delivery SET due_ns = 0").fetchall())
        assert tx == []
        assert await other.drain() == 1
        clock.advance(10)
        await until(lambda: stage.cancelled)
    assert (stage.cancelled, stage.ended, rival.ended) == ([1], [], [1])
    assert await bus.dead("g") == []


@pytest.mark.asyncio
async def test_a_failed_attempt_waits_its_backoff_by_the_clock(
    make_bus: MakeBus, envelope: Make, clock: Any, until: Until
) -> None:
    attempts: list[int] = []

    async def fail(message: Envelope, delivery: Delivery) -> None:
        attempts.append(delivery.attempt)
        raise ValueError("boom")

    bus = make_bus(backoff_s=8)
    bus.subscribe("signal", group="g", handler=fail, max_attempts=2)
    await bus.open()
    async with bus.serving():
        await bus.publish(envelope(1))
        await until(lambda: attempts)
        clock.advance(3.9)
        for _ in range(3):
            await bus.lag("g")
        assert attempts == [1]
        clock.advance(20)  # the failure may have been stored on either side of the first advance
        await until(lambda: attempts == [1, 2])
    assert [letter.error for letter in await bus.dead("g")] == ["ValueError: boom"]


@pytest.mark.asyncio
async def test_what_goes_wrong_before_or_after_the_handler_is_a_failed_attempt(
    make_bus: MakeBus, envelope: Make, until: Until
) -> None:
    def no_coroutine(message: Envelope, delivery: Delivery) -> Any:
        raise TypeError("not even async")

    async def cancels_itself(message: Envelope, delivery: Delivery) -> None:
        raise asyncio.CancelledError

    def raise_key_error(tx: Transaction) -> None:
        raise KeyError("effect")

    async def bad_effect(message: Envelope, delivery: Delivery) -> None:
        delivery.also(raise_key_error)

    dead: list[str] = []
    bus = make_bus(on_death=lambda death: dead.append(death.error))
    for group, handler in (("a", no_coroutine), ("b", cancels_itself), ("c", bad_effect)):
        bus.subscribe("signal", group=group, handler=handler, max_attempts=1)
    await bus.open()
    async with bus.serving():
        await bus.publish(envelope(1))
        await until(lambda: len(dead) == 3)
    assert sorted(dead) == [
        "CancelledError: ",
        "KeyError: 'effect'",
        "TypeError: not even async",
    ]


@pytest.mark.asyncio
async def test_the_end_of_the_block_waits_for_handlers(make_bus: MakeBus, envelope: Make, until: Until) -> None:
    stage = Stage()
    bus = make_bus()
    bus.subscribe("signal", group="g", handler=stage)
    await bus.open()
    async with bus.serving():
        await bus.publish(envelope(1))
        await bus.publish(envelope(2))
        await until(lambda: stage.started)
        asyncio.get_running_loop().call_later(0.02, stage.let_go, 1)
    assert (stage.started, stage.ended) == ([1], [1])
    assert (await bus.lag("g")).pending == 1


@pytest.mark.asyncio
async def test_a_handler_beyond_the_grace_time_is_cancelled_and_its_message_given_back(
    make_bus: MakeBus, envelope: Make, until: Until
) -> None:
    stage = Stage()
    bus = make_bus(stop_grace_s=0.02)
    bus.subscribe("signal", group="g", handler=stage, max_attempts=1)
    await bus.open()
    async with bus.serving():
        await bus.publish(envelope(1))
        await until(lambda: stage.started)
    assert stage.cancelled == [1]
    stage.let_go(1)
    assert await bus.drain() == 1


@pytest.mark.asyncio
async def test_a_cancelled_block_stops_serving(make_bus: MakeBus, envelope: Make, until: Until) -> None:
    stage = Stage()
    bus = make_bus(stop_grace_s=0.02)
    bus.subscribe("signal", group="g", handler=stage)
    await bus.open()

    async def block() -> None:
        async with bus.serving():
            await asyncio.Event().wait()

    serving = asyncio.create_task(block())
    await bus.publish(envelope(1))
    await until(lambda: stage.started)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    stage.let_go(1)
    assert await bus.drain() == 1


@pytest.mark.asyncio
async def test_the_block_s_own_error_rises_bare(make_bus: MakeBus) -> None:
    bus = make_bus()
    await bus.open()
    with pytest.raises(KeyError):
        async with bus.serving():
            raise KeyError("mine")


@pytest.mark.asyncio
@pytest.mark.parametrize("when", ["handling", "renewing", "idle"])
async def test_a_failing_disk_cancels_the_block_and_rises_bare(
    make_bus: MakeBus, envelope: Make, clock: Any, until: Until, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    broken = [False]

    class Failing(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:  # type: ignore[override]
            if broken[0] and sql == "BEGIN IMMEDIATE":
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *parameters)

    whole = sqlite3.connect
    monkeypatch.setattr(schema.sqlite3, "connect", lambda *a, **o: whole(*a, factory=Failing, **o))
    stage = Stage()
    bus = make_bus(poll_s=60 if when != "idle" else 0.005)
    bus.subscribe("signal", group="g", handler=stage)
    bus.subscribe("refusal", group="h", handler=stage)
    await bus.open()

    async def block() -> None:
        async with bus.serving():
            if when != "idle":
                await bus.publish(envelope(1))
                await until(lambda: stage.started)
            broken[0] = True
            if when == "handling":
                stage.let_go(1)
            elif when == "renewing":
                clock.advance(10)
            await asyncio.Event().wait()

    with pytest.raises(StorageUnwritable, match="disk I/O error"):
        await block()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0  # the caller may go on: it was the block that was cancelled
    assert stage.cancelled == ([1] if when == "renewing" else [])
    broken[0] = False


@pytest.mark.asyncio
async def test_what_another_process_published_is_found_by_polling(
    make_bus: MakeBus, envelope: Make, until: Until
) -> None:
    stage = Stage()
    stage.let_go(1)
    bus, other = make_bus(), make_bus()
    bus.subscribe("signal", group="g", handler=stage)
    await bus.open()
    await other.open()
    async with bus.serving():
        await other.publish(envelope(1))
        await until(lambda: stage.ended)


@pytest.mark.asyncio
async def test_publishing_wakes_without_a_poll(make_bus: MakeBus, envelope: Make, until: Until) -> None:
    """The poll is a minute away: outputs, publishing, replays and freed keys wake the crews they concern."""
    second = Stage()
    cured: list[int] = []

    async def relay(message: Envelope, delivery: Delivery) -> None:
        if message.id.int == 3 and not cured:
            raise ValueError("not yet")
        delivery.publish(envelope(message.id.int + 10, "refusal"))

    second.let_go(11, 12, 13)
    bus = make_bus(poll_s=60)
    bus.subscribe("signal", group="first", handler=relay, concurrency=2, max_attempts=1)
    bus.subscribe("refusal", group="second", handler=second)
    await bus.open()
    async with bus.serving():
        await bus.lag("first")
        for number in (1, 2, 3):
            await bus.publish(envelope(number))
        await until(lambda: second.ended == [11, 12])
        await until(lambda: bus.dead("first"))
        cured.append(3)
        await bus.replay("first", UUID(int=3))
        await until(lambda: second.ended == [11, 12, 13])
