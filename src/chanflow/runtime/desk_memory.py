"""A running desk's memory: it is told of what the journal says, and asked before a decision.

What it tells is an input of the run (`memory_used`), so a replay needs no memory. What has come since the last decision
is handed over before the next look into it, and each minute. A memory that cannot be opened is one that does not
answer: the desk decides without, and says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.sections import Memory as Section
from chanflow.domain.alert import Alert, compose
from chanflow.domain.errors import ChanflowError
from chanflow.domain.lesson import LearningSummary
from chanflow.domain.market_state import MarketState
from chanflow.domain.memory import Case, ClosedTrade, Recall
from chanflow.domain.time import Clock
from chanflow.review.daily_review import Review
from chanflow.review.flows import MemoryFlows
from chanflow.review.journal_cases import JournalCases
from chanflow.review.memory import DEADLINE_S, Memory
from chanflow.runtime.deliberation import Wake
from chanflow.runtime.home import Home
from chanflow.runtime.memory_desk import JournalPast, open_memory
from chanflow.runtime.memory_section import memory_section

Tell = Callable[[Alert], Awaitable[None]]
Note = Callable[[str], object]


class DeskMemory:
    """One desk's way to memory. `take` listens to its journal."""

    def __init__(self, memory: Memory | None, *, down: str = "") -> None:
        """`down` says why there is no memory."""
        self._memory, self._down = memory, down
        self.on_ask: Callable[[int], Awaitable[object]] | None = None
        """Is awaited before each look-up, with its moment in Unix ns."""
        self._fold = JournalCases()
        self._news: dict[str, Case | ClosedTrade] = {}

    def take(self, kind: str, at: str, _: str, body: Any) -> None:
        """Hear of a record as it is appended, or repeated."""
        if self._memory is None:
            return
        told = self._fold.take(kind, at, body)
        if isinstance(told, Case):
            self._news[told.decision.decision_id] = told
        elif told is not None:
            self._news[f"trade {told.position_id}"] = told

    async def remember(self, wake: Wake, briefing: Briefing, state: MarketState | None) -> Section:
        """Return what memory tells as of the briefing's moment; one that fails is named, and stops no desk."""
        signal = wake.signal
        if self._memory is None:
            return Section(missing=(self._down,))
        try:
            await self.write_down()
            if self.on_ask is not None:
                await self.on_ask(briefing.as_of_ns)
            recalled = await self._memory.look_up(
                Recall(
                    decision_id=wake.decision_id, as_of_ns=briefing.as_of_ns, symbol=briefing.symbol,
                    level=briefing.level, setup=None if signal is None else signal.setup,
                    position_id=wake.position_id, strategy=briefing.strategy, state=state,
                    regime=None if briefing.context is None else briefing.context.regime,
                )
            )  # fmt: skip
        except ChanflowError as fault:
            return Section(missing=(f"memory did not answer: {fault}",))
        return memory_section(recalled)

    async def write_down(self) -> None:
        """Hand over what was heard since this was last done. What cannot be written is kept for the next time."""
        while self._memory is not None and self._news:
            name = next(iter(self._news))
            told = self._news.pop(name)
            try:
                if isinstance(told, Case):
                    await self._memory.remember(told.decision, told.state)
                else:
                    await self._memory.closed(told)
            except ChanflowError:
                self._news.setdefault(name, told)
                raise


async def _untold(alert: Alert) -> None:
    """Tell nobody."""
    del alert


@asynccontextmanager
async def desk_memory(
    home: Home, clock: Clock, *, played: bool = False, tell: Tell = _untold, on_note: Note = lambda _: None
) -> AsyncIterator[DeskMemory]:
    """Give the memory of a desk, its regular tasks at work; the caller holds the data directory's lock.

    A `played` day waits for its memory as long as that takes, stores vectors by its own time, and leaves the rest of
    the tasks to a desk that keeps the time of day. `tell` hears of each review.
    """
    async with AsyncExitStack() as stack:
        try:
            whole = await stack.enter_async_context(open_memory(home, clock, deadline_s=None if played else DEADLINE_S))
        except ChanflowError as fault:
            on_note(f"memory cannot be opened, the desk decides without: {fault}")
            yield DeskMemory(None, down=f"memory cannot be opened: {fault}")
            return

        async def announce(summary: LearningSummary) -> None:
            await tell(alert_of_review(summary))

        review = Review(whole.knowledge, JournalPast(home), clock, announce=announce)
        memory = DeskMemory(whole)
        flows = MemoryFlows(whole, review, on_note=on_note, write_down=memory.write_down)
        if played:
            memory.on_ask = flows.store_vectors
        at_work = None if played else asyncio.create_task(flows.run(), name="memory")
        if at_work is not None:
            at_work.add_done_callback(lambda ended: _ended(ended, on_note))
        try:
            yield memory
        finally:
            if at_work is not None:
                at_work.cancel()
                await asyncio.gather(at_work, return_exceptions=True)
            try:
                await memory.write_down()
                if played:
                    await flows.store_vectors()
            except ChanflowError as fault:
                on_note(f"memory: {fault}; chanflow memory rebuild --journals reads it back")


def _ended(at_work: asyncio.Task[None], on_note: Note) -> None:
    if not at_work.cancelled() and (fault := at_work.exception()) is not None:
        on_note(f"memory: its regular tasks ended ({type(fault).__name__}: {fault}); they begin again with the desk")


def alert_of_review(summary: LearningSummary) -> Alert:
    """Return the alert that tells of a day's review or a week's summary."""
    return compose(
        severity="info", title=f"Review of {summary.period}: {summary.n} decisions", body=summary.text,
        dedupe_key=f"review:{summary.period}", at_ns=summary.made_ns, source="review",
    )  # fmt: skip
