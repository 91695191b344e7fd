"""What every carrier keeps. Written against the port alone."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.message import Envelope
from chanflow.runtime.bus import Carrier, Delivery

Make = Callable[..., Envelope]
MakeBus = Callable[..., Carrier]
Until = Callable[..., Any]


class Ledger:
    """A handler that notes numbers by key, and how many of a key it saw at once."""

    def __init__(self) -> None:
        self.by_key: dict[str, list[int]] = defaultdict(list)
        self.at_once: dict[str, int] = defaultdict(int)
        self.most_at_once = 0

    @property
    def count(self) -> int:
        return sum(len(numbers) for numbers in self.by_key.values())

    async def __call__(self, message: Envelope, delivery: Delivery) -> None:
        self.at_once[message.key] += 1
        self.most_at_once = max(self.most_at_once, self.at_once[message.key])
        await asyncio.sleep(0)
        self.by_key[message.key].append(message.id.int)
        self.at_once[message.key] -= 1


@pytest.mark.asyncio
async def test_a_key_is_delivered_in_order_one_at_a_time(make_bus: MakeBus, envelope: Make, until: Until) -> None:
    ledger = Ledger()
    bus = make_bus()
    bus.subscribe("signal", group="g", handler=ledger, concurrency=8)
    await bus.open()
    async with bus.serving():
        for number in range(200):
            await bus.publish(envelope(number, key=f"k{number % 7}"))
        await until(lambda: ledger.count == 200)
    assert ledger.most_at_once == 1
    assert ledger.by_key == {f"k{k}": list(range(k, 200, 7)) for k in range(7)}


@pytest.mark.asyncio
async def test_each_group_gets_each_message_and_a_group_shares_its_work(
    make_bus: MakeBus, envelope: Make, until: Until
) -> None:
    one, two, shared = Ledger(), Ledger(), Ledger()
    first, second = make_bus(), make_bus()
    first.subscribe("signal", group="one", handler=one)
    first.subscribe("signal", group="two", handler=two)
    for bus in (first, second):
        bus.subscribe("signal", group="shared", handler=shared, ordered=False)
        await bus.open()
    async with first.serving(), second.serving():
        for number in range(100):
            await first.publish(envelope(number))
        await until(lambda: (one.count, two.count, shared.count) == (100, 100, 100))
    assert one.by_key == two.by_key == {"BTCUSDT": list(range(100))}
    assert sorted(shared.by_key["BTCUSDT"]) == list(range(100))


@pytest.mark.asyncio
async def test_a_failed_message_comes_again_before_the_next_of_its_key(
    make_bus: MakeBus, envelope: Make, until: Until
) -> None:
    seen: list[tuple[int, int]] = []

    async def fail_twice(message: Envelope, delivery: Delivery) -> None:
        seen.append((message.id.int, delivery.attempt))
        if message.id.int == 1 and delivery.attempt < 3:
            raise ValueError("not yet")

    bus = make_bus()
    bus.subscribe("signal", group="g", handler=fail_twice)
    await bus.open()
    async with bus.serving():
        await bus.publish(envelope(1))
        await bus.publish(envelope(2))
        await until(lambda: len(seen) == 4)
    assert seen == [(1, 1), (1, 2), (1, 3), (2, 1)]


@pytest.mark.asyncio
async def test_an_id_published_again_is_delivered_once(make_bus: MakeBus, envelope: Make, until: Until) -> None:
    ledger = Ledger()
    bus, other = make_bus(), make_bus()
    bus.subscribe("signal", group="g", handler=ledger)
    await bus.open()
    await other.open()
    async with bus.serving():
        for _ in range(3):
            await bus.publish(envelope(1))
            await other.publish(envelope(1))
        await bus.publish(envelope(2))
        await until(lambda: ledger.by_key["BTCUSDT"] == [1, 2])
        await bus.publish(envelope(1))
        await bus.publish(envelope(3))
        await until(lambda: ledger.by_key["BTCUSDT"] == [1, 2, 3])


@pytest.mark.asyncio
async def test_a_handler_of_three_leases_keeps_its_message(make_bus: MakeBus, envelope: Make, until: Until) -> None:
    ended: list[str] = []

    def working(name: str) -> Callable[[Envelope, Delivery], Any]:
        async def work(message: Envelope, delivery: Delivery) -> None:
            await asyncio.sleep(3)
            ended.append(name)

        return work

    bus, rival = make_bus(), make_bus()
    bus.subscribe("signal", group="g", handler=working("first"), lease_s=1.0)
    rival.subscribe("signal", group="g", handler=working("rival"), lease_s=1.0)
    await bus.open()
    await rival.open()
    async with bus.serving(), rival.serving():
        await bus.publish(envelope(1))

        async def idle() -> bool:
            return (await bus.lag("g")).pending == 0

        await until(idle)
    assert len(ended) == 1


@pytest.mark.asyncio
async def test_what_a_handler_publishes_comes_once_and_only_if_it_succeeds(
    make_bus: MakeBus, envelope: Make, until: Until
) -> None:
    ledger = Ledger()

    async def relay(message: Envelope, delivery: Delivery) -> None:
        delivery.publish(envelope(100 * delivery.attempt + message.id.int, "refusal"))
        if delivery.attempt < 3:
            raise ValueError("not yet")

    bus = make_bus()
    bus.subscribe("signal", group="first", handler=relay)
    bus.subscribe("refusal", group="second", handler=ledger)
    await bus.open()
    async with bus.serving():
        await bus.publish(envelope(1))
        await bus.publish(envelope(2))
        await until(lambda: ledger.count >= 2)
    assert ledger.by_key == {"BTCUSDT": [301, 302]}


@pytest.mark.asyncio
async def test_a_dead_letter_is_kept_with_its_reason_and_can_be_replayed(
    make_bus: MakeBus, envelope: Make, until: Until
) -> None:
    cured = [False]
    handled: list[int] = []

    async def picky(message: Envelope, delivery: Delivery) -> None:
        if message.id.int == 1 and not cured[0]:
            raise ValueError("no ones")
        handled.append(message.id.int)

    bus = make_bus()
    bus.subscribe("signal", group="g", handler=picky, max_attempts=2)
    await bus.open()
    async with bus.serving():
        await bus.publish(envelope(1))
        await bus.publish(envelope(2))
        await until(lambda: handled == [2])
        (letter,) = await bus.dead("g")
        assert (letter.message_id, letter.attempts, letter.blocks) == (UUID(int=1), 2, False)
        assert "no ones" in letter.error
        with pytest.raises(NotFound):
            await bus.replay("g", UUID(int=2))
        cured[0] = True
        await bus.replay("g", UUID(int=1))
        await until(lambda: handled == [2, 1])
        await until(lambda: nothing_left(bus))


async def nothing_left(bus: Carrier) -> bool:
    lag = await bus.lag("g")
    return (lag.pending, lag.dead) == (0, 0)


@pytest.mark.asyncio
async def test_a_blocking_dead_letter_stops_its_key_until_it_is_replayed(
    make_bus: MakeBus, envelope: Make, until: Until
) -> None:
    cured = [False]
    handled: list[int] = []

    async def picky(message: Envelope, delivery: Delivery) -> None:
        if message.id.int == 1 and not cured[0]:
            raise ValueError("no ones")
        handled.append(message.id.int)

    bus = make_bus()
    bus.subscribe("fill", group="g", handler=picky, max_attempts=2, on_dead="block")
    await bus.open()
    async with bus.serving():
        await bus.publish(envelope(1, "fill", key="a"))
        await bus.publish(envelope(2, "fill", key="a"))
        await until(lambda: bus.dead("g"))
        await bus.publish(envelope(3, "fill", key="a"))
        await bus.publish(envelope(4, "fill", key="b"))
        await until(lambda: handled == [4])
        assert [letter.blocks for letter in await bus.dead("g")] == [True]
        assert (await bus.lag("g")).pending == 2
        cured[0] = True
        await bus.replay("g", UUID(int=1))
        await until(lambda: handled == [4, 1, 2, 3])


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_burst_of_ten_thousand_arrives_whole_and_in_order(
    make_bus: MakeBus, envelope: Make, until: Until
) -> None:
    ledger = Ledger()
    bus = make_bus()
    bus.subscribe("signal", group="g", handler=ledger, concurrency=32)
    await bus.open()
    async with bus.serving():
        await asyncio.gather(*(bus.publish(envelope(number, key=f"k{number % 100}")) for number in range(10_000)))
        await until(lambda: ledger.count >= 10_000)
        await until(lambda: nothing_left(bus))
    assert ledger.by_key == {f"k{k}": list(range(k, 10_000, 100)) for k in range(100)}


@pytest.mark.asyncio
async def test_a_body_over_one_mebibyte_is_refused(make_bus: MakeBus, envelope: Make, until: Until) -> None:
    ledger = Ledger()
    bus = make_bus()
    bus.subscribe("signal", group="g", handler=ledger)
    await bus.open()
    async with bus.serving():
        with pytest.raises(InvalidArgument, match="limit is 1048576"):
            await bus.publish(envelope(1, payload={"x": "y" * (1 << 20)}))
        await bus.publish(envelope(2, payload={"x": "y" * ((1 << 20) - 1_000)}))
        await until(lambda: ledger.by_key["BTCUSDT"] == [2])


@pytest.mark.asyncio
@pytest.mark.parametrize(("reader", "readable"), [(1, False), (2, True), (3, True), (4, False)])
async def test_a_reader_takes_its_schema_version_and_the_one_before(
    make_bus: MakeBus, envelope: Make, until: Until, *, reader: int, readable: bool
) -> None:
    ledger = Ledger()
    consumer = make_bus(schemas={"signal": reader})
    consumer.subscribe("signal", group="g", handler=ledger, max_attempts=2)
    await consumer.open()
    publisher = make_bus(schemas={"signal": 2})
    await publisher.open()
    await publisher.publish(envelope(1, schema_version=2))
    async with consumer.serving():
        if readable:
            await until(lambda: ledger.count == 1)
            await until(lambda: nothing_left(consumer))
        else:
            await until(lambda: consumer.dead("g"))
            assert "schema_version 2" in (await consumer.dead("g"))[0].error
    assert ledger.count == (1 if readable else 0)


@pytest.mark.asyncio
async def test_lag_counts_what_waits_and_for_how_long(make_bus: MakeBus, envelope: Make) -> None:
    bus = make_bus()
    bus.subscribe("signal", group="g", handler=Ledger())
    await bus.open()
    assert await nothing_left(bus)
    for number in range(3):
        await bus.publish(envelope(number))
    await asyncio.sleep(0.02)
    lag = await bus.lag("g")
    assert (lag.pending, lag.dead) == (3, 0)
    assert 0.02 <= lag.oldest_s < 30
