from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from random import Random

import pytest

from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock, Randomness
from chanflow.runtime.clock import SeededRandomness, SimulatedClock, SystemClock, SystemRandomness, Uuid7Ids


class Hands:
    """A machine's two clocks, set by hand."""

    def __init__(self) -> None:
        self.wall_ns = 1_700_000_000 * NS_PER_S
        self.steady_ns = 50

    def pass_ns(self, ns: int) -> None:
        self.wall_ns += ns
        self.steady_ns += ns

    def clock(self) -> SystemClock:
        return SystemClock(wall_ns=lambda: self.wall_ns, steady_ns=lambda: self.steady_ns)


def test_the_system_clock_starts_at_the_wall_and_runs_with_the_steady_clock() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.pass_ns(7)
    assert clock.now_ns() == 1_700_000_000 * NS_PER_S + 7
    assert clock.monotonic_ns() == 57


def test_a_wall_clock_set_back_does_not_take_time_back() -> None:
    hands = Hands()
    clock = hands.clock()
    before_ns = clock.now_ns()
    hands.pass_ns(10)
    hands.wall_ns -= 3600 * NS_PER_S
    assert clock.now_ns() == before_ns + 10


def test_a_machine_that_slept_is_followed_forward() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall_ns += 3600 * NS_PER_S
    assert clock.now_ns() == hands.wall_ns


def test_a_small_lead_of_the_wall_clock_changes_nothing() -> None:
    hands = Hands()
    clock = hands.clock()
    before_ns = clock.now_ns()
    hands.wall_ns += NS_PER_S
    assert clock.now_ns() == before_ns


async def test_the_system_clock_sleeps_no_shorter_than_asked() -> None:
    clock = SystemClock()
    at_ns = clock.now_ns() + 5 * NS_PER_MS
    await clock.sleep_until(at_ns)
    assert clock.now_ns() >= at_ns


async def _note(clock: Clock, at_ns: int, name: str, seen: list[tuple[str, int]]) -> None:
    await clock.sleep_until(at_ns)
    seen.append((name, clock.now_ns()))


async def test_waiters_wake_in_the_order_of_their_times_then_of_asking() -> None:
    clock, seen = SimulatedClock(0), list[tuple[str, int]]()
    async with asyncio.TaskGroup() as group:
        for name, at_ns in (("late", 30), ("tie 1", 20), ("early", 10), ("tie 2", 20)):
            group.create_task(_note(clock, at_ns, name, seen))
        await asyncio.sleep(0)
        clock.advance_to(40)
    assert seen == [("early", 40), ("tie 1", 40), ("tie 2", 40), ("late", 40)]


async def test_simulated_time_stands_until_it_is_moved() -> None:
    clock, seen = SimulatedClock(100), list[tuple[str, int]]()
    task = asyncio.create_task(_note(clock, 101, "sleeper", seen))
    for _ in range(50):
        await asyncio.sleep(0)
    assert (clock.now_ns(), clock.monotonic_ns(), seen) == (100, 0, [])
    clock.advance_to(101)
    await task
    assert (clock.monotonic_ns(), seen) == (1, [("sleeper", 101)])


def test_simulated_time_never_goes_back() -> None:
    clock = SimulatedClock(100)
    with pytest.raises(ValueError, match=r"100 ns and never goes back; 99 ns"):
        clock.advance_to(99)


async def test_run_until_idle_shows_each_waiter_its_own_time() -> None:
    clock, seen = SimulatedClock(0), list[tuple[str, int]]()
    tasks = [asyncio.create_task(_note(clock, at_ns, str(at_ns), seen)) for at_ns in (30, 10, 20)]
    await clock.run_until_idle()
    assert seen == [("10", 10), ("20", 20), ("30", 30)]
    assert all(task.done() for task in tasks)


async def test_time_moves_only_after_everyone_who_was_woken_has_finished() -> None:
    """The sleeper at 10 hands work through a long chain of tasks; nobody may see a later time before it is done."""
    clock, queue, seen = SimulatedClock(0), asyncio.Queue[int](), list[int]()

    async def produce() -> None:
        await clock.sleep_until(10)
        for n in range(20):
            await asyncio.sleep(0)
            await queue.put(n)

    async def consume() -> None:
        for _ in range(20):
            await queue.get()
            await asyncio.sleep(0)
            seen.append(clock.now_ns())

    tasks = [asyncio.create_task(job) for job in (produce(), consume(), clock.sleep_until(11))]
    await clock.run_until_idle()
    assert seen == [10] * 20
    assert clock.now_ns() == 11
    assert all(task.done() for task in tasks)


async def test_run_until_idle_stops_at_its_bound() -> None:
    clock, beats = SimulatedClock(0), list[int]()

    async def beat() -> None:
        while True:
            await clock.sleep_until(clock.now_ns() + 10)
            beats.append(clock.now_ns())

    task = asyncio.create_task(beat())
    await clock.run_until_idle(until_ns=35)
    assert (beats, clock.now_ns()) == ([10, 20, 30], 35)
    task.cancel()


async def test_a_cancelled_sleeper_holds_no_time() -> None:
    clock = SimulatedClock(0)
    task = asyncio.create_task(clock.sleep_until(10))
    await asyncio.sleep(0)
    task.cancel()
    await clock.run_until_idle()
    assert (task.cancelled(), clock.now_ns()) == (True, 0)


async def test_the_clock_moves_past_a_cancelled_sleeper() -> None:
    clock = SimulatedClock(0)
    task = asyncio.create_task(clock.sleep_until(10))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    clock.advance_to(20)
    assert (task.cancelled(), clock.now_ns()) == (True, 20)


async def test_sleeping_into_the_past_still_gives_others_a_turn() -> None:
    clock, turns = SimulatedClock(5), list[str]()
    other = asyncio.create_task(_note(clock, 0, "other", []))
    other.add_done_callback(lambda _: turns.append("other"))
    for _ in range(5):
        await clock.sleep_until(5)
    assert turns == ["other"]


def test_a_stream_is_seeded_by_sha256_of_seed_and_name() -> None:
    digest = hashlib.sha256((7).to_bytes(8, "big") + b"venue").digest()
    expected = Random(int.from_bytes(digest, "big"))
    assert SeededRandomness(7).stream("venue").random() == expected.random()


def test_a_new_consumer_shifts_nobody() -> None:
    alone, shared = SeededRandomness(1), SeededRandomness(1)
    shared.stream("newcomer").random()
    assert [alone.stream("venue").random() for _ in range(3)] == [shared.stream("venue").random() for _ in range(3)]


def test_names_and_seeds_give_different_streams() -> None:
    drawn = {SeededRandomness(seed).stream(name).random() for seed in (1, 2) for name in ("a", "b")}
    assert len(drawn) == 4


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_a_seed_that_does_not_fit_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        SeededRandomness(seed)


@pytest.mark.parametrize("make", [lambda: SeededRandomness(3), SystemRandomness])
def test_ids_of_one_millisecond_only_grow(make: Callable[[], Randomness]) -> None:
    ids = Uuid7Ids(SimulatedClock(5 * NS_PER_MS), make())
    names = [ids.uuid7() for _ in range(1000)]
    assert names == sorted(set(names))
    assert {name.int >> 80 for name in names} == {5}


def test_ids_grow_even_if_the_clock_goes_back() -> None:
    hands = Hands()

    class Wall(SimulatedClock):
        def now_ns(self) -> int:
            return hands.wall_ns

    ids = Uuid7Ids(Wall(0), SeededRandomness(3))
    first = ids.uuid7()
    hands.wall_ns -= 3600 * NS_PER_S
    assert ids.uuid7() > first


def test_ids_of_a_spent_millisecond_borrow_the_next() -> None:
    class Brim(Random):
        def getrandbits(self, k: int, /) -> int:
            return (1 << k) - 1

    class Full:
        def stream(self, name: str) -> Random:
            return Brim()

    ids = Uuid7Ids(SimulatedClock(0), Full())
    ids._bits = (1 << 74) - 2
    ids._unix_ms = 0
    assert ids.uuid7().int >> 80 == 1


def test_the_same_seed_and_clock_give_the_same_ids() -> None:
    twice = [Uuid7Ids(SimulatedClock(9 * NS_PER_MS), SeededRandomness(4)) for _ in range(2)]
    first, second = ([ids.uuid7() for _ in range(5)] for ids in twice)
    assert first == second
