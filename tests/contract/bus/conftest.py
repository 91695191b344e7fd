from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from chanflow.domain.message import Envelope
from chanflow.runtime.bus import Carrier, SqliteBus


class WallClock:
    """The machine's time."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    async def sleep_until(self, at_ns: int) -> None:
        await asyncio.sleep(max(0, at_ns - time.time_ns()) / 1e9)


@pytest.fixture(params=["sqlite"])
def carrier(request: pytest.FixtureRequest) -> str:
    """The carrier under test; one that joins adds its name here and its constructor to `make_bus`."""
    return str(request.param)


@pytest.fixture
async def make_bus(carrier: str, tmp_path: Path) -> AsyncIterator[Callable[..., Carrier]]:
    """Return a maker of buses on the same log, not yet open; closed at the end."""
    assert carrier == "sqlite"
    made: list[Carrier] = []

    def make(**options: Any) -> Carrier:
        settings: dict[str, Any] = {"clock": WallClock(), "jitter": Random(1), "backoff_s": 0.01, "poll_s": 0.02}
        made.append(SqliteBus(tmp_path / "bus.db", **(settings | options)))
        return made[-1]

    yield make
    for bus in made:
        await bus.close()


@pytest.fixture
def envelope() -> Callable[..., Envelope]:
    def make(number: int, topic: Any = "signal", *, key: str = "BTCUSDT", **changes: Any) -> Envelope:
        values: dict[str, Any] = {
            "id": UUID(int=number),
            "topic": topic,
            "schema_version": 1,
            "ts_ns": 1,
            "known_ns": 2,
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
    """Wait until a condition, plain or awaitable, holds; five minutes at most."""

    async def wait(condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(300):
            while True:
                holds = condition()
                if await holds if asyncio.iscoroutine(holds) else holds:
                    return
                await asyncio.sleep(0.005)

    return wait
