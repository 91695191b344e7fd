"""Time, names and chance, real and simulated: the only home of `time`, `asyncio.sleep` and system entropy."""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import random
import threading
import time
from collections.abc import Callable
from random import Random
from uuid import UUID

from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock, Randomness, uuid7_from

_RANDOM_BITS = 74
_REANCHOR_NS = NS_PER_S


class SystemClock:
    """The machine's time: its wall clock, read once and carried on by its monotonic clock, so `now_ns` never goes back.

    A wall clock set back is not followed. One that runs ahead by more than a second is: the machine slept.
    """

    def __init__(
        self, *, wall_ns: Callable[[], int] = time.time_ns, steady_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._offset_ns = wall_ns() - steady_ns()

    def now_ns(self) -> int:
        """Return Unix time in ns, UTC."""
        steady_ns = self._steady_ns()
        offset_ns = self._wall_ns() - steady_ns
        if offset_ns - self._offset_ns > _REANCHOR_NS:
            self._offset_ns = offset_ns
        return steady_ns + self._offset_ns

    def monotonic_ns(self) -> int:
        """Return ns that never go back; only differences mean anything."""
        return self._steady_ns()

    async def sleep_until(self, at_ns: int) -> None:
        """Return once `now_ns() >= at_ns`, others having had a turn; looks at the clock each second, as it may jump."""
        await asyncio.sleep(0)
        while (left_ns := at_ns - self.now_ns()) > 0:  # noqa: ASYNC110  (time is no event)
            await asyncio.sleep(min(left_ns, NS_PER_S) / NS_PER_S)


class SimulatedClock:
    """Time that moves only when told to. Waiters wake in order of their times, then in the order they asked."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._now_ns = start_ns
        self._asked = 0
        self._waiters: list[tuple[int, int, asyncio.Future[None]]] = []

    def now_ns(self) -> int:
        """Return the simulated Unix time in ns, UTC."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Return the simulated ns since the start."""
        return self._now_ns - self._start_ns

    async def sleep_until(self, at_ns: int) -> None:
        """Return once the clock was moved to `at_ns` or beyond; others get a turn even if that is already so."""
        if at_ns <= self._now_ns:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        self._asked += 1
        heapq.heappush(self._waiters, (at_ns, self._asked, woken))
        await woken

    def advance_to(self, at_ns: int) -> None:
        """Move to `at_ns` in one step and wake all who are due; they run at the caller's next `await`.

        Raises ValueError if `at_ns` lies in the past.
        """
        if at_ns < self._now_ns:
            raise ValueError(f"simulated time is {self._now_ns} ns and never goes back; {at_ns} ns was asked")
        self._now_ns = at_ns
        while self._waiters and self._waiters[0][0] <= at_ns:
            _, _, woken = heapq.heappop(self._waiters)
            if not woken.done():
                woken.set_result(None)

    async def run_until_idle(self, until_ns: int | None = None) -> None:
        """Move from waiter to waiter, each time only when every task sleeps or waits, until nobody sleeps any more.

        With `until_ns` the clock ends there; a task that sleeps again and again needs it.
        Work in threads is not seen: a simulated run has none.
        """
        await _settle()
        while (due_ns := self._next_ns()) is not None and (until_ns is None or due_ns <= until_ns):
            self.advance_to(due_ns)
            await _settle()
        if until_ns is not None and until_ns > self._now_ns:
            self.advance_to(until_ns)

    def _next_ns(self) -> int | None:
        while self._waiters and self._waiters[0][2].done():  # cancelled while it slept
            heapq.heappop(self._waiters)
        return self._waiters[0][0] if self._waiters else None


async def _settle() -> None:
    """Return once no other task of this loop can run.

    asyncio offers no such question, so the loop's own queue is read: while this task runs, the queue is empty exactly
    when nobody else is ready.
    """
    ready = vars(asyncio.get_running_loop())["_ready"]
    while ready:  # noqa: ASYNC110  (a queue tells nobody that it is empty)
        await asyncio.sleep(0)


class SeededRandomness:
    """Chance from a seed: `stream(name)` begins at SHA-256(seed as 8 bytes, big-endian ‖ name in UTF-8).

    The same name gives the same generator, which goes on where it stood. Raises ValueError unless 0 <= seed < 2^64.
    """

    def __init__(self, seed: int) -> None:
        if not 0 <= seed < 1 << 64:
            raise ValueError(f"seed is {seed}, allowed is 0 to 2^64 - 1")
        self._seed = seed.to_bytes(8, "big")
        self._streams: dict[str, Random] = {}

    def stream(self, name: str) -> Random:
        """Return the generator called `name`."""
        if name not in self._streams:
            digest = hashlib.sha256(self._seed + name.encode()).digest()
            self._streams[name] = Random(int.from_bytes(digest, "big"))
        return self._streams[name]


class SystemRandomness:
    """Chance from the operating system; nothing can repeat it."""

    def stream(self, name: str) -> Random:  # noqa: ARG002  (the protocol's)
        """Return a generator of system entropy; the name changes nothing."""
        return random.SystemRandom()


class Uuid7Ids:
    """Version 7 UUIDs that only grow, from one clock and the stream `uuid7` of one randomness. Safe across threads.

    A new millisecond starts at 73 random bits; within one, and while the clock stands or goes back, each id adds a
    random step of 1 to 2^32. Source: RFC 9562, section 6.2, method 2 (monotonic random), its guard bit included.
    """

    def __init__(self, clock: Clock, randomness: Randomness) -> None:
        self._clock = clock
        self._random = randomness.stream("uuid7")
        self._lock = threading.Lock()
        self._unix_ms = -1
        self._bits = 0

    def uuid7(self) -> UUID:
        """Return a UUID greater than all before it."""
        with self._lock:
            now_ms = self._clock.now_ns() // NS_PER_MS
            bits = self._bits + 1 + self._random.getrandbits(32)
            if now_ms > self._unix_ms or bits >= 1 << _RANDOM_BITS:
                self._unix_ms = max(now_ms, self._unix_ms + 1)
                bits = self._random.getrandbits(_RANDOM_BITS - 1)
            self._bits = bits
            return uuid7_from(self._unix_ms, bits)
