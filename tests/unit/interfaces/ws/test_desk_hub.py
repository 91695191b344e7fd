"""The hub of the desk's journal: what it keeps, and that the seam between what was and what comes is whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_socket import until

from chanflow.domain.errors import JournalCorrupt
from chanflow.domain.time import NS_PER_DAY, rfc3339
from chanflow.domain.told import Told
from chanflow.interfaces.ws import desk_hub
from chanflow.interfaces.ws.cursor import CursorExpired, desk_cursor, desk_place, place_of
from chanflow.interfaces.ws.desk_hub import DeskHub
from chanflow.interfaces.ws.listening import Listening
from chanflow.interfaces.ws.outbox import Mark, Outbox
from chanflow.operations.desk_log import DeskTail
from chanflow.runtime.clock import SimulatedClock

START_NS = 1_767_261_620_000_000_000


class ListLog:
    """A journal in a list: the second half of it is another run's."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.at, self.broken = 0, False
        self.listeners: list[Callable[[], None]] = []

    def tail(self) -> DeskTail:
        return self

    def listen(self, listener: Callable[[], None]) -> None:
        self.listeners.append(listener)

    def unlisten(self, listener: Callable[[], None]) -> None:
        self.listeners.remove(listener)

    def write(self, count: int = 1, *, kind: str = "fill", run: int = 1, at_ns: int = START_NS, size: int = 0) -> None:
        for _ in range(count):
            seq = sum(each.run == run for each in self.told)
            self.told.append(Told(run, seq, rfc3339(at_ns), kind, "c", {"n": len(self.told), "pad": "x" * size}))

    def read(self, most: int) -> Sequence[Told]:
        if self.broken:
            raise JournalCorrupt("journal record 3 is not a record")
        found = self.told[self.at : self.at + most]
        self.at += len(found)
        return found


def listening(hub_place: int, outbox: Outbox) -> Listening:
    return Listening("s", "orders", "ann", outbox, hub_place, Mark(""))


async def sent(outbox: Outbox) -> list[int]:
    """Return the numbers of the events that an outbox holds."""
    texts: list[str] = []

    async def send(text: str) -> None:
        texts.append(text)

    sending = asyncio.create_task(outbox.drain(send))
    for _ in range(5):
        await asyncio.sleep(0)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    return [json.loads(text)["params"]["data"]["body"]["n"] for text in texts]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=6), st.integers(0, 40))
def test_after_any_cursor_comes_exactly_what_follows_it(steps: list[tuple[int, bool]], at: int) -> None:
    async def run() -> None:
        log, number = ListLog(), 1
        hub = DeskHub(log, SimulatedClock(START_NS))
        log.write(1, kind="quote")
        await hub.carry()
        for count, begins in steps:
            number += begins
            log.write(count, run=number)
            await hub.carry()
        begin = log.told[min(at, len(log.told) - 1)]
        place = place_of(begin.run, begin.seq)
        to = listening(await hub.start_at(place), Outbox())
        await hub.join(to)
        log.write(3, run=number)
        await hub.carry()
        expected = [each.body["n"] for each in log.told if each.kind == "fill" and place_of(each.run, each.seq) > place]
        assert await sent(to.outbox) == expected

    asyncio.run(run())


async def test_what_is_older_than_a_day_or_too_much_is_forgotten_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_hub, "MAX_KEPT", 50)
    log = ListLog()
    hub = DeskHub(log, SimulatedClock(START_NS))
    log.write(80)
    await hub.carry()
    with pytest.raises(CursorExpired):
        await hub.start_at(place_of(1, 28))
    assert await hub.start_at(place_of(1, 29)) == place_of(1, 29)
    log.write(1, at_ns=START_NS + NS_PER_DAY + 1)
    await hub.carry()
    with pytest.raises(CursorExpired):
        await hub.start_at(place_of(1, 78))
    assert await hub.start_at(place_of(1, 79)) == place_of(1, 79)
    with pytest.raises(ValueError, match="beyond"):
        await hub.start_at(place_of(2, 0))


async def test_who_waited_for_the_first_run_of_all_misses_nothing_of_it() -> None:
    nothing = await DeskHub(ListLog(), SimulatedClock(START_NS)).start_at(None)
    for run, expired in ((1, False), (2, True)):
        log = ListLog()
        log.write(3, run=run)
        hub, to = DeskHub(log, SimulatedClock(START_NS)), listening(nothing, Outbox())
        if expired:
            with pytest.raises(CursorExpired):
                await hub.start_at(nothing)
            continue
        assert await hub.start_at(nothing) == nothing
        await hub.join(to)
        assert await sent(to.outbox) == [0, 1, 2]


async def test_the_events_kept_have_a_bound_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_hub, "MAX_KEPT_BYTES", 100_000)
    log = ListLog()
    hub = DeskHub(log, SimulatedClock(START_NS))
    log.write(30, size=10_000)
    await hub.carry()
    with pytest.raises(CursorExpired):
        await hub.start_at(place_of(1, 19))
    assert await hub.start_at(place_of(1, 20))


async def test_a_journal_that_was_altered_says_so_to_who_asks() -> None:
    log = ListLog()
    hub = DeskHub(log, SimulatedClock(START_NS))
    log.broken = True
    with pytest.raises(JournalCorrupt):
        await hub.start_at(None)


@given(st.integers(0, 999_999), st.integers(0, 10**9))
def test_cursors_grow_with_their_places(run: int, seq: int) -> None:
    place = place_of(run, seq)
    assert desk_place(desk_cursor(place)) == place
    assert desk_cursor(place) < desk_cursor(place + 1)
    assert len(desk_cursor(place)) == 17


async def test_what_a_desk_of_this_process_writes_is_carried_without_waiting() -> None:
    """The clock stands still, so that only the call can wake the hub."""
    log = ListLog()
    hub = DeskHub(log, SimulatedClock(START_NS))
    to = listening(await hub.start_at(None), Outbox())
    await hub.join(to)
    running = asyncio.create_task(hub.run())
    await until(lambda: bool(log.listeners))
    log.write(2)
    for each in log.listeners:
        each()
    await until(lambda: hub.place == place_of(1, 1))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert log.listeners == []
    assert await sent(to.outbox) == [0, 1]
