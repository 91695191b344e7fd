"""A call that blocks, in a thread of its own, waited for only so long.

A thread cannot be ended from outside. One that goes on after its time keeps its caller from beginning another, so a
channel that hangs costs one thread, and a daemon thread does not keep the process alive.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

from chanflow.domain.errors import DeliveryFailed
from chanflow.domain.time import NS_PER_S, Clock


class CappedCall:
    """One caller's place for a call at a time."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._name, self._clock = name, clock
        self._thread: Thread | None = None

    async def run(self, call: Callable[[], None], *, cap_s: float) -> None:
        """Return once `call` has. Raises DeliveryFailed as it does, or after `cap_s`, or while the one before runs."""
        if self._thread is not None and self._thread.is_alive():
            raise DeliveryFailed("is still busy with the message before")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[DeliveryFailed | None] = loop.create_future()

        def settle(fault: DeliveryFailed | None) -> None:
            if not answer.done():
                answer.set_result(fault)

        def work() -> None:
            fault: DeliveryFailed | None = None
            try:
                call()
            except DeliveryFailed as told:
                fault = told
            except Exception as other:  # noqa: BLE001  (its words may hold an address)
                fault = DeliveryFailed(f"failed: {type(other).__name__}")
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, fault)

        self._thread = Thread(target=work, name=f"chanflow-alerts-{self._name}", daemon=True)
        self._thread.start()
        over = asyncio.ensure_future(self._clock.sleep_until(self._clock.now_ns() + int(cap_s * NS_PER_S)))
        waits: list[asyncio.Future[Any]] = [answer, over]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
        if not answer.done():
            answer.cancel()
            raise DeliveryFailed(f"did not answer within {cap_s:g} s")
        fault = answer.result()
        if fault is not None:
            raise fault
