"""The way from the doors to the desk that runs in the same process. Doors may ask from any thread and any loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from chanflow.domain.command import Command, CommandAnswer
from chanflow.domain.errors import NotFound
from chanflow.domain.time import NS_PER_S, Clock

TAKEN_WITHIN_NS = 8 * NS_PER_S
"""A command that the desk has not begun by then is dropped: nobody wants it any more."""
ANSWERED_WITHIN_S = 12.0
"""So long a door waits for an answer, so what it then says of a command that was not begun stays true."""


@dataclass(slots=True)
class Asked:
    """A command that waits for the desk. `begun` from the moment at which the desk has it for good."""

    command: Command
    until_ns: int
    answer: Future[CommandAnswer] = field(default_factory=Future)
    begun: bool = False

    def tell(self, answer: CommandAnswer) -> None:
        """Give the answer, if nobody has given one yet."""
        if not self.answer.done():
            self.answer.set_result(answer)


class CommandQueue:
    """Commands for one running desk; `market_ns` tells what time its market has.

    Before `from_ns` of the market nothing is taken: those are hours that the desk only catches up with. `sentinel`
    returns what the halt file says, None where there is none.
    """

    def __init__(
        self, clock: Clock, market_ns: Callable[[], int], *, from_ns: int = 0,
        sentinel: Callable[[], str | None] = lambda: None,
    ) -> None:  # fmt: skip
        self._clock = clock
        self.market_ns = market_ns
        self.from_ns = from_ns
        self.sentinel = sentinel
        self._waiting: deque[Asked] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived = asyncio.Event()

    # ── the doors' side ───────────────────────────────────────────────────────

    async def submit(self, command: Command) -> CommandAnswer:
        """Return what a command came to. Raises NotFound while no desk runs.

        A caller who leaves takes nothing back: the desk goes on with what it was told.
        """
        loop = self._loop
        if loop is None:
            raise NotFound("no desk runs behind this queue")
        asked = Asked(command, self._clock.monotonic_ns() + TAKEN_WITHIN_NS)
        self._waiting.append(asked)
        try:
            loop.call_soon_threadsafe(self._arrived.set)
        except RuntimeError as fault:
            raise NotFound("the desk has just stopped") from fault
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                return await asyncio.shield(asyncio.wrap_future(asked.answer))
        except TimeoutError:
            return CommandAnswer(problem="unknown" if asked.begun else "not_taken")

    # ── the desk's side ───────────────────────────────────────────────────────

    def open(self) -> None:
        """Take commands from now on, for the desk of the running loop."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Take no more, and tell those who wait that nothing was done."""
        self._loop = None
        while self._waiting:
            self._waiting.popleft().tell(CommandAnswer(problem="not_taken"))

    def next(self) -> Asked | None:
        """Return the command that waits longest, dropping those that have waited too long; None without one."""
        while self._waiting:
            asked = self._waiting.popleft()
            if self._clock.monotonic_ns() <= asked.until_ns:
                return asked
            asked.tell(CommandAnswer(problem="not_taken"))
        self._arrived.clear()
        return None

    def wake(self) -> None:
        """Let the desk look at once, as if a command had come."""
        self._arrived.set()

    def rest(self) -> None:
        """Let the desk sleep again, unless a command waits."""
        if not self._waiting:
            self._arrived.clear()

    async def sleep(self, until: Coroutine[Any, Any, None]) -> None:
        """Return when `until` returns, or as soon as a command waits."""
        sleeper, arrival = asyncio.ensure_future(until), asyncio.ensure_future(self._arrived.wait())
        try:
            await asyncio.wait({sleeper, arrival}, return_when=asyncio.FIRST_COMPLETED)
            if sleeper.done():
                sleeper.result()
        finally:
            sleeper.cancel()
            arrival.cancel()
