"""Waiting for news, or for the time to look for some."""

from __future__ import annotations

import asyncio

from chanflow.domain.time import Clock


async def woken_or(woken: asyncio.Event, clock: Clock, wait_ns: int) -> None:
    """Return once an event is set, at the latest after `wait_ns`."""
    waits = [
        asyncio.ensure_future(woken.wait()),
        asyncio.ensure_future(clock.sleep_until(clock.now_ns() + wait_ns)),
    ]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
