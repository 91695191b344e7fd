from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from chanflow.domain.message import Envelope
from chanflow.runtime.bus import SqliteBus

START_NS = 1_800_000_000_000_000_000


class HandClock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self._now_ns = START_NS
        self._sleepers: list[tuple[int, asyncio.Event]] = []

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic_ns(self) -> int:
        return self._now_ns

    async def sleep_until(self, at_ns: int) -> None:
        if at_ns > self._now_ns:
            woken = asyncio.Event()
            self._sleepers.append((at_ns, woken))
            await woken.wait()

    def sleeps_within(self, seconds: float) -> bool:
        """Return whether somebody waits to be woken within so many seconds."""
        return any(at_ns <= self._now_ns + int(seconds * 1e9) for at_ns, _ in self._sleepers)

    def advance(self, seconds: float) -> None:
        self._now_ns += int(seconds * 1e9)
        for at_ns, woken in self._sleepers:
            if at_ns <= self._now_ns:
                woken.set()
        self._sleepers = [each for each in self._sleepers if not each[1].is_set()]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def envelope() -> Callable[..., Envelope]:
    def make(number: int, topic: Any = "signal", *, key: str = "BTCUSDT", **changes: Any) -> Envelope:
        values: dict[str, Any] = {
            "id": UUID(int=number),
            "topic": topic,
            "schema_version": 1,
            "ts_ns": START_NS,
            "known_ns": START_NS + 1,
            "correlation_id": "run-1",
            "causation_id": None,
            "producer": "test",
            "key": key,
            "payload": {"n": number},
        }
        return Envelope(**(values | changes))

    return make


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Awaitable[None]]:
    """Wait until a condition, plain or awaitable, holds; 40 s at most."""

    async def wait(condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(40):
            while True:
                holds = condition()
                if await holds if asyncio.iscoroutine(holds) else holds:
                    return
                await asyncio.sleep(0.001)

    return wait


@pytest.fixture
async def make_bus(tmp_path: Path, clock: HandClock) -> AsyncIterator[Callable[..., SqliteBus]]:
    """Return a maker of buses on one file, not yet open; closed at the end."""
    made: list[SqliteBus] = []

    def make(**options: Any) -> SqliteBus:
        settings: dict[str, Any] = {"clock": clock, "jitter": Random(7), "poll_s": 0.005}
        made.append(SqliteBus(tmp_path / "desk.db", **(settings | options)))
        return made[-1]

    yield make
    for bus in made:
        await bus.close()
