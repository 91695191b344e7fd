from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from chanflow.domain.errors import InvalidArgument, NotFound, StorageUnwritable
from chanflow.domain.message import Envelope
from chanflow.runtime.bus import Dead, Delivery, SqliteBus, Transaction, schema

Make = Callable[..., Envelope]
MakeBus = Callable[..., SqliteBus]


class Notebook:
    """A handler that notes what it got, and fails where it was told to."""

    def __init__(self, name: str = "", shared: list[tuple[Any, ...]] | None = None) -> None:
        self.name = name
        self.notes: list[tuple[Any, ...]] = [] if shared is None else shared
        self.failing: dict[int, int] = {}

    async def __call__(self, message: Envelope, delivery: Delivery) -> None:
        number = message.id.int
        self.notes.append((self.name, number, delivery.attempt) if self.name else (number, delivery.attempt))
        if self.failing.get(number, 0) > 0:
            self.failing[number] -= 1
            raise ValueError(f"no {number}")


def rows(path: Path, sql: str) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


@pytest.mark.asyncio
async def test_a_drain_delivers_by_sequence_then_by_the_groups_order(make_bus: MakeBus, envelope: Make) -> None:
    notes: list[tuple[Any, ...]] = []
    bus = make_bus()
    bus.subscribe("signal", group="zebra", handler=Notebook("zebra", notes))
    bus.subscribe("signal", group="ant", handler=Notebook("ant", notes))
    bus.subscribe("refusal", group="ant", handler=Notebook("ant", notes))
    await bus.open()
    await bus.publish(envelope(3, key="a"))
    await bus.publish(envelope(2, "refusal", key="b"))
    await bus.publish(envelope(1, key="a"))
    assert await bus.drain() == 5
    assert notes == [("zebra", 3, 1), ("ant", 3, 1), ("ant", 2, 1), ("zebra", 1, 1), ("ant", 1, 1)]
    assert await bus.drain() == 0


@pytest.mark.asyncio
async def test_a_handler_gets_what_was_published(make_bus: MakeBus, envelope: Make) -> None:
    got: list[Envelope] = []

    async def keep(message: Envelope, delivery: Delivery) -> None:
        got.append(message)

    bus = make_bus()
    bus.subscribe("signal", group="g", handler=keep)
    await bus.open()
    sent = envelope(1, causation_id=UUID(int=5), payload={"a": [1, {"b": "中"}]})
    await bus.publish(sent)
    await bus.drain()
    assert got == [sent]


@pytest.mark.asyncio
async def test_what_handlers_publish_is_delivered_in_the_same_drain(make_bus: MakeBus, envelope: Make) -> None:
    async def relay(message: Envelope, delivery: Delivery) -> None:
        delivery.publish(envelope(message.id.int + 100, "trade_proposal"))

    last = Notebook()
    bus = make_bus()
    bus.subscribe("signal", group="analyst", handler=relay)
    bus.subscribe("trade_proposal", group="risk", handler=last)
    await bus.open()
    await bus.publish(envelope(1))
    assert await bus.drain() == 2
    assert last.notes == [(101, 1)]


@pytest.mark.asyncio
async def test_outputs_effects_and_acknowledgement_are_one_commit(
    make_bus: MakeBus, envelope: Make, tmp_path: Path
) -> None:
    """The first attempt raises after publishing; the second has an effect that raises: neither leaves a trace."""
    attempts: list[int] = []

    async def work(message: Envelope, delivery: Delivery) -> None:
        attempts.append(delivery.attempt)
        delivery.publish(envelope(10 + delivery.attempt, "refusal"))
        delivery.also(lambda tx: note(tx, delivery.attempt))
        if delivery.attempt == 1:
            raise ValueError("first")

    def note(tx: Transaction, attempt: int) -> None:
        tx.execute("CREATE TABLE IF NOT EXISTS fired(attempt)")
        tx.execute("INSERT INTO fired VALUES (?)", (attempt,))
        if attempt == 2:
            raise KeyError("second")

    bus = make_bus()
    bus.subscribe("signal", group="g", handler=work)
    await bus.open()
    await bus.publish(envelope(1))
    assert await bus.drain() == 1
    assert attempts == [1, 2, 3]
    assert rows(tmp_path / "desk.db", "SELECT attempt FROM fired") == [(3,)]
    assert rows(tmp_path / "desk.db", "SELECT hex(id) FROM bus_message ORDER BY seq") == [
        (UUID(int=1).hex.upper(),),
        (UUID(int=13).hex.upper(),),
    ]
    assert len(rows(tmp_path / "desk.db", "SELECT 1 FROM bus_inbox")) == 1


@pytest.mark.asyncio
async def test_an_output_that_cannot_travel_fails_its_attempt(make_bus: MakeBus, envelope: Make) -> None:
    async def work(message: Envelope, delivery: Delivery) -> None:
        delivery.publish(envelope(2, "refusal", payload={"x": float("nan")}))

    bus = make_bus()
    bus.subscribe("signal", group="g", handler=work, max_attempts=2)
    await bus.open()
    await bus.publish(envelope(1))
    assert await bus.drain() == 0
    (letter,) = await bus.dead("g")
    assert (letter.attempts, "NaN and infinities are refused" in letter.error) == (2, True)


@pytest.mark.asyncio
async def test_a_drain_tries_again_at_once_and_gives_up_after_the_last_attempt(
    make_bus: MakeBus, envelope: Make
) -> None:
    told: list[Dead] = []
    handler = Notebook()
    handler.failing = {1: 2, 2: 99}
    bus = make_bus(on_death=told.append)
    bus.subscribe("signal", group="g", handler=handler, max_attempts=3)
    await bus.open()
    for number in (1, 2, 3):
        await bus.publish(envelope(number))
    assert await bus.drain() == 2
    assert handler.notes == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1)]
    (letter,) = await bus.dead("g")
    assert told == [letter]
    assert (letter.message_id.int, letter.error, letter.attempts, letter.blocks) == (2, "ValueError: no 2", 3, False)
    assert (await bus.lag("g")).dead == 1


@pytest.mark.asyncio
async def test_a_dead_letter_stops_its_key_alone_until_it_is_replayed(make_bus: MakeBus, envelope: Make) -> None:
    told: list[Dead] = []
    handler = Notebook()
    handler.failing = {1: 2}
    bus = make_bus(on_death=told.append)
    bus.subscribe("fill", group="ledger", handler=handler, max_attempts=2, on_dead="block")
    await bus.open()
    for number, key in ((1, "a"), (2, "a"), (3, "b")):
        await bus.publish(envelope(number, "fill", key=key))
    assert await bus.drain() == 1
    assert [death.blocks for death in told] == [True]
    assert (await bus.lag("ledger")).pending == 1
    await bus.replay("ledger", UUID(int=1))
    assert await bus.drain() == 2
    assert handler.notes == [(1, 1), (1, 2), (3, 1), (1, 1), (2, 1)]
    with pytest.raises(NotFound):
        await bus.replay("ledger", UUID(int=1))


@pytest.mark.asyncio
async def test_a_message_commits_with_its_caller_s_transaction(
    make_bus: MakeBus, envelope: Make, tmp_path: Path
) -> None:
    handler = Notebook()
    bus = make_bus()
    await bus.open()
    bus.subscribe("signal", group="g", handler=handler)  # stored by the transaction, not by the bus's own thread
    tx = sqlite3.connect(tmp_path / "desk.db", isolation_level=None)
    tx.execute("CREATE TABLE business(n)")
    for number, end in ((1, "ROLLBACK"), (2, "COMMIT")):
        tx.execute("BEGIN IMMEDIATE")
        tx.execute("INSERT INTO business VALUES (?)", (number,))
        await bus.publish(envelope(number), tx=tx)
        tx.execute(end)
    assert tx.execute("SELECT n FROM business").fetchall() == [(2,)]
    await bus.drain()
    assert handler.notes == [(2, 1)]
    with pytest.raises(InvalidArgument, match="BEGIN IMMEDIATE"):
        await bus.publish(envelope(3), tx=tx)
    tx.close()


@pytest.mark.asyncio
async def test_a_transaction_of_another_database_is_refused(make_bus: MakeBus, envelope: Make) -> None:
    bus = make_bus()
    await bus.open()
    tx = sqlite3.connect(":memory:", isolation_level=None)
    tx.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="no such table: bus_"):
        await bus.publish(envelope(1), tx=tx)
    tx.close()


@pytest.mark.asyncio
async def test_two_writers_wait_for_each_other(make_bus: MakeBus, envelope: Make, tmp_path: Path) -> None:
    """A thread with its own BEGIN IMMEDIATE transactions and the bus: nobody is told that the database is locked."""
    bus = make_bus()
    await bus.open()

    def business() -> None:
        own = sqlite3.connect(tmp_path / "desk.db", isolation_level=None, timeout=5)
        own.execute("PRAGMA synchronous=OFF")
        own.execute("CREATE TABLE business(n)")
        for n in range(200):
            own.execute("BEGIN IMMEDIATE")
            own.execute("INSERT INTO business VALUES (?)", (n,))
            own.execute("COMMIT")
        own.close()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.to_thread(business))
        for number in range(200):
            tasks.create_task(bus.publish(envelope(number)))
    assert rows(tmp_path / "desk.db", "SELECT count(*) FROM business") == [(200,)]
    assert rows(tmp_path / "desk.db", "SELECT count(*) FROM bus_message") == [(200,)]


@pytest.mark.asyncio
async def test_a_full_disk_publishes_nothing_and_says_so_in_a_sentence(
    make_bus: MakeBus, envelope: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = schema.connect

    def small(path: Path) -> sqlite3.Connection:
        connection = whole(path)
        connection.execute("PRAGMA max_page_count=40")
        return connection

    monkeypatch.setattr(schema, "connect", small)
    bus = make_bus()
    bus.subscribe("signal", group="g", handler=Notebook())
    await bus.open()
    outcomes = [
        (await asyncio.gather(bus.publish(envelope(n, payload={"x": "y" * 10_000})), return_exceptions=True))[0]
        for n in range(30)
    ]
    stored, fault = outcomes.count(None), outcomes[-1]
    assert isinstance(fault, StorageUnwritable)
    assert str(fault) == (
        f"the bus cannot write {tmp_path / 'desk.db'}: database or disk is full; "
        "nothing of it was kept, free the disk or file and restart"
    )
    assert 3 < stored < 30
    for table in ("bus_message", "bus_delivery"):
        assert rows(tmp_path / "desk.db", f"SELECT count(*) FROM {table}") == [(stored,)]


@pytest.mark.asyncio
async def test_a_database_that_is_none_is_refused(make_bus: MakeBus, tmp_path: Path) -> None:
    (tmp_path / "desk.db").write_text("dear diary " * 200)
    with pytest.raises(StorageUnwritable, match="not a database"):
        await make_bus().open()


@pytest.mark.asyncio
async def test_what_was_published_waits_for_a_group_that_is_away(make_bus: MakeBus, envelope: Make) -> None:
    first = make_bus()
    first.subscribe("signal", group="g", handler=Notebook())
    await first.open()
    await first.close()
    publisher = make_bus()
    await publisher.open()
    await publisher.publish(envelope(1))
    await publisher.close()
    handler = Notebook()
    second = make_bus()
    second.subscribe("signal", group="g", handler=handler)
    await second.open()
    assert await second.drain() == 1
    assert handler.notes == [(1, 1)]


@pytest.mark.asyncio
async def test_a_message_this_process_cannot_read_dies_and_a_newer_process_replays_it(
    make_bus: MakeBus, envelope: Make
) -> None:
    old = make_bus()
    old.subscribe("signal", group="g", handler=Notebook(), max_attempts=2)
    await old.open()
    newer = make_bus(schemas={"signal": 2})
    await newer.open()
    await newer.publish(envelope(1, schema_version=2))
    assert await old.drain() == 0
    (letter,) = await old.dead("g")
    assert "schema_version 2, readable are 1 to 1" in letter.error
    handler = Notebook()
    newer.subscribe("signal", group="g", handler=handler, max_attempts=2)
    await newer.replay("g", letter.message_id)
    assert await newer.drain() == 1
    assert handler.notes == [(1, 1)]


@pytest.mark.asyncio
async def test_a_topic_nobody_handles_any_more_is_a_dead_letter(make_bus: MakeBus, envelope: Make) -> None:
    before = make_bus()
    before.subscribe("signal", group="g", handler=Notebook())
    before.subscribe("refusal", group="g", handler=Notebook())
    await before.open()
    await before.publish(envelope(1, "refusal"))
    after = make_bus()
    after.subscribe("signal", group="g", handler=Notebook())
    await after.open()
    await after.drain()
    (letter,) = await after.dead("g")
    assert "has no handler for refusal" in letter.error


@pytest.mark.asyncio
async def test_a_cancelled_drain_gives_its_message_back_untried(
    make_bus: MakeBus, envelope: Make, until: Callable[..., Any]
) -> None:
    started: list[int] = []

    async def hang(message: Envelope, delivery: Delivery) -> None:
        started.append(delivery.attempt)
        if len(started) == 1:
            await asyncio.Event().wait()

    bus = make_bus()
    bus.subscribe("signal", group="g", handler=hang, max_attempts=1)
    await bus.open()
    await bus.publish(envelope(1))
    draining = asyncio.create_task(bus.drain())
    await until(lambda: started)
    draining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await draining
    assert await bus.drain() == 1
    assert started == [1, 1]


@pytest.mark.asyncio
async def test_a_drain_cancelled_while_it_claims_leaves_no_lease_behind(make_bus: MakeBus, envelope: Make) -> None:
    handler = Notebook()
    bus = make_bus()
    bus.subscribe("signal", group="g", handler=handler)
    await bus.open()
    await bus.publish(envelope(1))
    draining = asyncio.create_task(bus.drain())
    await asyncio.sleep(0)  # the claim is queued, its answer is not here yet
    draining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await draining
    assert handler.notes == []
    assert await bus.drain() == 1


@pytest.mark.asyncio
async def test_a_handler_that_cancels_itself_has_failed(make_bus: MakeBus, envelope: Make) -> None:
    async def give_up(message: Envelope, delivery: Delivery) -> None:
        raise asyncio.CancelledError

    bus = make_bus()
    bus.subscribe("signal", group="g", handler=give_up, max_attempts=2)
    await bus.open()
    await bus.publish(envelope(1))
    assert await bus.drain() == 0
    assert [letter.attempts for letter in await bus.dead("g")] == [2]


@pytest.mark.asyncio
async def test_an_answer_after_the_lease_was_taken_over_leaves_no_trace(
    make_bus: MakeBus, envelope: Make, clock: Any
) -> None:
    handler = Notebook()
    other = make_bus()
    other.subscribe("signal", group="g", handler=handler)

    async def slow(message: Envelope, delivery: Delivery) -> None:
        delivery.publish(envelope(50, "refusal"))
        clock.advance(31)
        await other.drain()

    bus = make_bus()
    bus.subscribe("signal", group="g", handler=slow)
    bus.subscribe("refusal", group="h", handler=handler)
    await bus.open()
    await other.open()
    await bus.publish(envelope(1))
    assert await bus.drain() == 0
    assert handler.notes == [(1, 2)]


@pytest.mark.asyncio
async def test_a_bus_drains_or_serves_one_at_a_time(make_bus: MakeBus, envelope: Make) -> None:
    bus = make_bus()
    faults: list[Exception] = []

    async def again(message: Envelope, delivery: Delivery) -> None:
        for step in (bus.drain(), bus.serving().__aenter__()):
            with pytest.raises(InvalidArgument) as fault:
                await step
            faults.append(fault.value)

    bus.subscribe("signal", group="g", handler=again)
    await bus.open()
    await bus.publish(envelope(1))
    assert await bus.drain() == 1
    assert [str(fault) for fault in faults] == ["the bus is draining already; it drains or serves, one at a time"] * 2
    async with bus.serving():
        with pytest.raises(InvalidArgument, match="serving"):
            bus.subscribe("refusal", group="g", handler=again)


@pytest.mark.asyncio
async def test_subscriptions_that_contradict_are_refused(make_bus: MakeBus) -> None:
    bus = make_bus()
    bus.subscribe("signal", group="g", handler=Notebook())
    with pytest.raises(InvalidArgument, match="already"):
        bus.subscribe("signal", group="g", handler=Notebook())
    with pytest.raises(InvalidArgument, match="another manner"):
        bus.subscribe("refusal", group="g", handler=Notebook(), max_attempts=9)


@pytest.mark.asyncio
async def test_a_group_nobody_serves_can_be_forgotten(make_bus: MakeBus, envelope: Make, clock: Any) -> None:
    before = make_bus(retention_s=60)
    before.subscribe("signal", group="retired", handler=Notebook())
    await before.open()
    await before.publish(envelope(1))
    with pytest.raises(InvalidArgument, match="subscribed here"):
        await before.forget("retired")
    clock.advance(61)
    assert await before.sweep() == 0
    after = make_bus(retention_s=60)
    await after.open()
    await after.forget("retired")
    assert await after.sweep() == 1


@pytest.mark.asyncio
async def test_retention_sweeps_messages_then_the_inbox(
    make_bus: MakeBus, envelope: Make, clock: Any, tmp_path: Path
) -> None:
    bus = make_bus(retention_s=60)
    bus.subscribe("signal", group="g", handler=Notebook())
    await bus.open()
    await bus.publish(envelope(1))
    await bus.drain()
    clock.advance(60)
    assert await bus.sweep() == 0
    clock.advance(1)
    assert await bus.sweep() == 1
    assert rows(tmp_path / "desk.db", "SELECT count(*) FROM bus_inbox") == [(1,)]
    clock.advance(60)
    await bus.sweep()
    assert rows(tmp_path / "desk.db", "SELECT count(*) FROM bus_inbox") == [(0,)]


@pytest.mark.asyncio
async def test_a_bus_that_is_not_open_says_so(make_bus: MakeBus, envelope: Make) -> None:
    bus = make_bus()
    await bus.close()
    for step in (bus.publish(envelope(1)), bus.drain(), bus.lag("g")):
        with pytest.raises(InvalidArgument, match="open"):
            await step


@pytest.mark.asyncio
async def test_the_same_input_is_drained_in_the_same_order(
    tmp_path: Path, make_bus: MakeBus, envelope: Make, clock: Any
) -> None:
    runs = []
    for run in ("one", "two"):
        notes: list[tuple[Any, ...]] = []
        bus = SqliteBus(tmp_path / f"{run}.db", clock=clock, jitter=Random(1))
        for group in ("b", "a"):
            handler = Notebook(group, notes)
            handler.failing = {number: number % 4 for number in range(20)}
            bus.subscribe("signal", group=group, handler=handler, max_attempts=3)
        await bus.open()
        await asyncio.gather(*(bus.publish(envelope(number, key=f"k{number % 5}")) for number in range(20)))
        await bus.drain()
        await bus.close()
        runs.append(notes)
    assert runs[0] == runs[1]
    assert len(runs[0]) > 80


@pytest.mark.asyncio
async def test_a_drain_costs_one_commit_a_message(
    make_bus: MakeBus, envelope: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message's acknowledgement, what its handler published and the next claim are synced together."""
    commits: list[str] = []

    class Counting(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:  # type: ignore[override]
            if sql == "COMMIT":
                commits.append(sql)
            return super().execute(sql, *parameters)

    async def relay(message: Envelope, delivery: Delivery) -> None:
        if message.id.int < 300:
            delivery.publish(envelope(message.id.int + 1))

    whole = sqlite3.connect
    monkeypatch.setattr(schema.sqlite3, "connect", lambda *a, **o: whole(*a, factory=Counting, **o))
    bus = make_bus()
    bus.subscribe("signal", group="g", handler=relay)
    await bus.open()
    await bus.publish(envelope(1))
    commits.clear()
    assert await bus.drain() == 300
    assert len(commits) == 301
