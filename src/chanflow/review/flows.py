"""What memory does by the clock: store vectors, archive the day, review it, and count the week.

Half an hour after a decision its vector is stored; at 00:10 UTC the day before is archived, at 00:15 it is reviewed, on
Monday at 00:30 the week before is counted. Each task notes how far it has come, does the same again harmlessly, and
after a rest does what it missed, up to two weeks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from chanflow.domain.errors import ChanflowError
from chanflow.domain.time import NS_PER_DAY, NS_PER_S, utc_date
from chanflow.review.memory import Memory, stored_cases
from chanflow.review.patterns import patterns_of
from chanflow.review.performance import performance_of
from chanflow.review.ports import Performance
from chanflow.review.state_vector import MAX_MISSING

MINUTE_NS = 60 * NS_PER_S
STORE_AFTER_NS = 30 * MINUTE_NS
ARCHIVE_NS = 10 * MINUTE_NS
REVIEW_NS = 15 * MINUTE_NS
WEEK_NS = 30 * MINUTE_NS
MAX_MISSED = 14
PAGE = 1_000
_MONDAY = 4
"""Days from 1970-01-01, a Thursday, to the first Monday."""


class Reviewer(Protocol):
    """Reviews days and weeks (`review/daily_review.py`)."""

    async def day(self, day: str) -> None:
        """Review a UTC day; again for the same day changes nothing."""
        ...

    async def week(self, week: str, from_ns: int, until_ns: int) -> None:
        """Sum up an ISO week and test lessons; again for the same week changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class _Period:
    name: str
    from_ns: int
    until_ns: int


class MemoryFlows:
    """The regular tasks of one memory. `tick` is called each minute, or by `run`; `on_note` hears what went wrong.

    `write_down` is awaited first in each tick: it hands over what the desk has heard since.
    """

    def __init__(
        self, memory: Memory, reviewer: Reviewer | None = None, *, on_note: Callable[[str], object] = lambda _: None,
        write_down: Callable[[], Awaitable[object]] | None = None,
    ) -> None:  # fmt: skip
        self._memory, self._reviewer, self._on_note = memory, reviewer, on_note
        self._first = () if write_down is None else (write_down,)

    async def run(self) -> None:
        """Do what is due, each minute, until cancelled."""
        await self.mend()
        while True:
            now_ns = self._memory.clock.now_ns()
            await self.tick()
            await self._memory.clock.sleep_until((now_ns // MINUTE_NS + 1) * MINUTE_NS)

    async def tick(self) -> None:
        """Do all that is due; a task that fails is told and tried again with the next tick."""
        for task in (*self._first, self.store_vectors, self.archive_days, self.review_days, self.count_weeks):
            try:
                await task()
            except ChanflowError as fault:
                self._on_note(f"memory: {fault}; tried again in a minute")

    # ── vectors ───────────────────────────────────────────────────────────────

    async def store_vectors(self, at_ns: int | None = None) -> int:
        """Store the decisions that are half an hour old, now or at the moment given; return how many."""
        until_ns, count = (self._memory.clock.now_ns() if at_ns is None else at_ns) - STORE_AFTER_NS, 0
        while cases := await self._memory.in_thread(self._memory.short.unstored, until_ns, PAGE):
            await self._memory.store(cases)
            count += len(cases)
        return count

    async def mend(self) -> bool:
        """Fill the store of vectors again where it lacks what the knowledge base has; return whether it did."""
        known = await self._memory.knowledge.case_count(
            most_missing=MAX_MISSING, from_ns=self._memory.statistics.until_ns
        )
        if await self._memory.in_thread(self._memory.cases.count) >= known:
            return False
        self._on_note("memory: the vectors are not whole; they are made again from the knowledge base")
        await self.rebuild()
        return True

    async def rebuild(self) -> int:
        """Make the store of vectors again from the knowledge base; return how many cases it has."""
        await self._memory.in_thread(self._memory.cases.clear)
        after = ""
        while page := await self._memory.knowledge.cases(after=after, limit=PAGE):
            await self._memory.in_thread(self._memory.cases.put, stored_cases(page, self._memory.statistics))
            after = page[-1].decision.decision_id
        await self._memory.in_thread(self._memory.cases.tend)
        return await self._memory.in_thread(self._memory.cases.count)

    # ── days and weeks ────────────────────────────────────────────────────────

    async def archive_days(self) -> None:
        """Archive each finished day's performance, and let go of what has ended."""
        for day in await self._due("archive", NS_PER_DAY, 0, ARCHIVE_NS):
            trades = await self._memory.knowledge.trades(day.from_ns, day.until_ns)
            made_ns = self._memory.clock.now_ns()
            await self._memory.knowledge.add_performance(Performance(day.name, made_ns, performance_of(trades)))
            await self._memory.in_thread(self._memory.short.purge, made_ns)
            await self._memory.in_thread(self._memory.cases.tend)
            await self._memory.knowledge.mark_done("archive", str(day.from_ns))

    async def review_days(self) -> None:
        """Have each finished day reviewed."""
        if self._reviewer is not None:
            review = self._reviewer.day
            await self._each("review", NS_PER_DAY, 0, REVIEW_NS, lambda day: review(day.name))

    async def count_weeks(self) -> None:
        """Count the patterns of each finished week, and have it summed up."""
        await self._each("week", 7 * NS_PER_DAY, _MONDAY * NS_PER_DAY, WEEK_NS, self._week)

    async def _week(self, week: _Period) -> None:
        cases = await self._memory.knowledge.cases_between(week.from_ns, week.until_ns)
        await self._memory.knowledge.add_patterns(patterns_of(week.name, [case.decision for case in cases]))
        if self._reviewer is not None:
            await self._reviewer.week(week.name, week.from_ns, week.until_ns)

    async def _each(
        self, flow: str, length_ns: int, offset_ns: int, after_ns: int, task: Callable[[_Period], Awaitable[None]]
    ) -> None:
        for period in await self._due(flow, length_ns, offset_ns, after_ns):
            await task(period)
            await self._memory.knowledge.mark_done(flow, str(period.from_ns))

    async def _due(self, flow: str, length_ns: int, offset_ns: int, after_ns: int) -> list[_Period]:
        """Return the finished periods that a flow has not done, oldest first; at its first start only the last one."""
        now_ns = self._memory.clock.now_ns()
        newest = (now_ns - after_ns - offset_ns) // length_ns - 1
        done = await self._memory.knowledge.done(flow)
        first = newest if done is None else (int(done) - offset_ns) // length_ns + 1
        first = max(first, newest + 1 - MAX_MISSED)
        starts = (offset_ns + number * length_ns for number in range(first, newest + 1))
        return [_Period(_name(at, length_ns), at, at + length_ns) for at in starts]


def _name(from_ns: int, length_ns: int) -> str:
    return utc_date(from_ns) if length_ns == NS_PER_DAY else iso_week(from_ns)


def iso_week(at_ns: int) -> str:
    """Return the ISO week of a moment, as 2026-W02."""
    # The week's number is that of its Thursday in the year of that Thursday.
    day = at_ns // NS_PER_DAY
    thursday = day - (day + 3) % 7 + 3
    year = utc_date(thursday * NS_PER_DAY)[:4]
    first = thursday
    while utc_date((first - 7) * NS_PER_DAY)[:4] == year:
        first -= 7
    return f"{year}-W{(thursday - first) // 7 + 1:02}"
