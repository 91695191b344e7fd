"""When a running account asks its venue what, and waiting for whichever comes first: a moment or some news."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal

from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock

Check = Literal["in_flight", "orders", "figures", "full"]

EVERY_NS: dict[Check, int] = {
    "in_flight": 2 * NS_PER_S, "orders": 10 * NS_PER_S, "figures": 30 * NS_PER_S, "full": 3_600 * NS_PER_S,
}  # fmt: skip
SETTLED_NS = 5 * NS_PER_S
"""An order that was touched later than this ago is left to the user stream."""
FIRST_WORD_NS = NS_PER_S
"""An order that may fill now is asked for after so long without a word: what it has filled wants its stop, or none."""
AFTER_FILL_NS = 3 * NS_PER_S
QUERIES = 10
"""Targeted queries in one cycle at most."""
APART_NS = 100 * NS_PER_MS


@dataclass(slots=True)
class Cadence:
    """Which check is due when."""

    due_ns: dict[Check, int] = field(default_factory=dict)
    again_ns: int = 0

    def start(self, now_ns: int) -> None:
        """Count from now, as after a full run."""
        self.due_ns = {check: now_ns + every_ns for check, every_ns in EVERY_NS.items()}

    def take(self, now_ns: int) -> list[Check]:
        """Return what is due now, and set when it is due again."""
        due = [check for check, at_ns in self.due_ns.items() if now_ns >= at_ns]
        for check in due:
            self.due_ns[check] = now_ns + EVERY_NS[check]
        if "full" in due and self.again_ns > now_ns:
            self.due_ns["full"] = self.again_ns
        return due

    def hasten(self, check: Check, at_ns: int) -> None:
        """Let a check come at `at_ns` where it would be later."""
        self.due_ns[check] = min(self.due_ns.get(check, at_ns), at_ns)

    def afterwards(self, at_ns: int) -> None:
        """Let the full run that comes next be followed by one more at `at_ns`."""
        self.again_ns = max(self.again_ns, at_ns)

    @property
    def next_ns(self) -> int:
        """When the next check is due."""
        return min(self.due_ns.values())


class News:
    """Something that one task tells and another waits for, though not longer than until a given moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told = asyncio.Event()

    def tell(self) -> None:
        """Wake who waits; who is not waiting yet will not wait at all."""
        self._told.set()

    async def wait(self, until_ns: int | None) -> None:
        """Return once something was told, or at `until_ns`."""
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(self._told.wait())]
        if until_ns is not None:
            tasks.append(asyncio.create_task(_until(self._clock, until_ns)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._told.clear()


async def _until(clock: Clock, at_ns: int) -> None:
    await clock.sleep_until(at_ns)
