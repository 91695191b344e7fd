from __future__ import annotations

import asyncio

import pytest

from chanflow.access.bearers import Bearers, NoEntry
from chanflow.access.principals import LOCAL_OPERATOR, Principal
from chanflow.domain.errors import StorageBusy


class Reader:
    def __init__(self) -> None:
        self.reads = 0
        self.go = asyncio.Event()
        self.fault: Exception | None = None

    def known_shape(self, text: str) -> bool:
        return text.startswith("good")

    async def principal(self, text: str, ip: str | None) -> Principal | NoEntry:
        self.reads += 1
        await self.go.wait()
        if self.fault is not None:
            raise self.fault
        return LOCAL_OPERATOR


async def test_many_who_show_the_same_at_once_are_read_once() -> None:
    reader = Reader()
    bearers = Bearers([reader])
    asking = [asyncio.create_task(bearers.principal("good", "::1")) for _ in range(50)]
    await asyncio.sleep(0)
    assert bearers.under_way("good", "::1")
    assert not bearers.under_way("good", "::2")
    reader.go.set()
    assert await asyncio.gather(*asking) == [LOCAL_OPERATOR] * 50
    assert (reader.reads, bearers.under_way("good", "::1")) == (1, False)


async def test_what_no_reader_knows_is_nobody() -> None:
    assert await Bearers([Reader()]).principal("bad", None) == "unauthenticated"


async def test_a_fault_is_everybody_s() -> None:
    reader = Reader()
    reader.fault = StorageBusy("busy")
    bearers = Bearers([reader])
    asking = [asyncio.create_task(bearers.principal("good", None)) for _ in range(3)]
    reader.go.set()
    assert [type(found) for found in await asyncio.gather(*asking, return_exceptions=True)] == [StorageBusy] * 3


async def test_a_caller_that_leaves_takes_nobody_along_but_says_busy() -> None:
    reader = Reader()
    bearers = Bearers([reader])
    first = asyncio.create_task(bearers.principal("good", None))
    await asyncio.sleep(0)
    second = asyncio.create_task(bearers.principal("good", None))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(StorageBusy):
        await second
    reader.go.set()
    assert await bearers.principal("good", None) is LOCAL_OPERATOR
