"""Commands reach the desk from any thread, or their givers learn that nothing was done."""

from __future__ import annotations

import asyncio
import threading

import pytest

from chanflow.domain.command import CloseAllCommand, CommandAnswer
from chanflow.domain.errors import NotFound
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.command_queue import TAKEN_WITHIN_NS, CommandQueue

DONE = CommandAnswer(replayed=True)


def queue() -> tuple[CommandQueue, SimulatedClock]:
    clock = SimulatedClock(0)
    return CommandQueue(clock, clock.now_ns), clock


@pytest.mark.asyncio
async def test_without_a_desk_nobody_takes_a_command() -> None:
    commands, _ = queue()
    with pytest.raises(NotFound):
        await commands.submit(CloseAllCommand())


@pytest.mark.asyncio
async def test_a_command_is_answered() -> None:
    commands, _ = queue()
    commands.open()
    asked = asyncio.create_task(commands.submit(CloseAllCommand("X")))
    await asyncio.sleep(0)
    taken = commands.next()
    assert taken is not None
    assert taken.command == CloseAllCommand("X")
    taken.tell(DONE)
    taken.tell(CommandAnswer())
    assert await asked == DONE


@pytest.mark.asyncio
async def test_a_command_that_waited_too_long_is_dropped_and_says_so() -> None:
    commands, clock = queue()
    commands.open()
    asked = asyncio.create_task(commands.submit(CloseAllCommand()))
    await asyncio.sleep(0)
    clock.advance_to(TAKEN_WITHIN_NS + 1)
    assert commands.next() is None
    assert (await asked).problem == "not_taken"


@pytest.mark.asyncio
async def test_a_desk_that_stops_leaves_nobody_waiting() -> None:
    commands, _ = queue()
    commands.open()
    asked = asyncio.create_task(commands.submit(CloseAllCommand()))
    await asyncio.sleep(0)
    commands.close()
    assert (await asked).problem == "not_taken"
    with pytest.raises(NotFound):
        await commands.submit(CloseAllCommand())


@pytest.mark.asyncio
async def test_a_sleeping_desk_is_woken_by_a_command_of_another_thread() -> None:
    commands, _ = queue()
    commands.open()
    answers: list[CommandAnswer] = []
    door = threading.Thread(target=lambda: answers.append(asyncio.run(commands.submit(CloseAllCommand()))))
    door.start()
    await commands.sleep(asyncio.sleep(50))
    taken = commands.next()
    assert taken is not None
    taken.tell(DONE)
    await asyncio.to_thread(door.join)
    assert answers == [DONE]


@pytest.mark.asyncio
async def test_a_desk_that_nobody_wakes_sleeps_to_its_time() -> None:
    commands, clock = queue()
    commands.open()
    sleeping = asyncio.create_task(commands.sleep(clock.sleep_until(5)))
    await asyncio.sleep(0)
    assert not sleeping.done()
    clock.advance_to(5)
    await sleeping
