"""The review of a day and of a week: facts from the journal, a summary in words, lessons to try. It applies nothing.

The day is read back with all decisions, refused and abstained ones too. Lessons are tested once a week, so that all
candidates of a week are counted together. A model may find the words; the figures are code's, and without a model, or
without a sound answer, so are the words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from chanflow.domain.canonical import plain
from chanflow.domain.lesson import MAX_SUMMARY, LearningSummary, Lesson, Scope
from chanflow.domain.market_state import FEATURES
from chanflow.domain.time import NS_PER_DAY, Clock, parse_rfc3339
from chanflow.review.journal_cases import Told
from chanflow.review.lesson_words import fault_in, tokens
from chanflow.review.lessons import Weighed, fault_in_words, lesson_from, own_words, simple_claims, trial_of, weighed
from chanflow.review.lookback import Lookback, lookback, text_of
from chanflow.review.ports import Knowledge
from chanflow.review.wording import Wording

HISTORY_NS = 60 * NS_PER_DAY
MAX_LESSONS = 10
"""So many of a week's lessons become candidates, the surest."""


class Past(Protocol):
    """The journals of the desk."""

    def told(self, from_ns: int, until_ns: int) -> Told:
        """Return the decisions taken and the trades closed in [from, until), and the decisions that opened those."""
        ...


Announce = Callable[[LearningSummary], Awaitable[None]]


class Review:
    """Reviews days and weeks into the knowledge base. `announce` hears each summary, after a crash perhaps again."""

    def __init__(
        self,
        knowledge: Knowledge,
        past: Past,
        clock: Clock,
        *,
        wording: Wording | None = None,
        announce: Announce | None = None,
    ) -> None:
        self._knowledge, self._past, self._clock = knowledge, past, clock
        self._wording, self._announce = wording, announce

    async def day(self, day: str) -> None:
        """Review a UTC day and keep its summary; again for the same day changes nothing."""
        from_ns = parse_rfc3339(f"{day}T00:00:00Z")
        found = await self._look_back(day, from_ns, from_ns + NS_PER_DAY)
        await self._keep(found, found.facts, ())

    async def week(self, week: str, from_ns: int, until_ns: int) -> None:
        """Sum up an ISO week, and test what may be learned of 60 days; again for the same week changes nothing."""
        found = await self._look_back(week, from_ns, until_ns)
        lessons = await self._lessons(week, until_ns)
        trials = await self._trials(until_ns)
        await self._keep(found, {**found.facts, "trials": trials}, lessons)

    async def _look_back(self, period: str, from_ns: int, until_ns: int) -> Lookback:
        """Return the facts of a period, read from the journals."""
        return look_back(period, await asyncio.to_thread(self._past.told, from_ns, until_ns), from_ns, until_ns)

    async def _keep(self, found: Lookback, facts: dict[str, Any], lessons: tuple[Lesson, ...]) -> None:
        text, prompt_hash = text_of(found), ""
        if self._wording is not None and found.decisions:
            words = await self._wording.of(
                "learning_summary", facts, lambda text: fault_in_summary(text, found), name=found.period,
                as_of_ns=self._clock.now_ns(),
            )  # fmt: skip
            if words is not None:
                text, prompt_hash = words.text, words.prompt_hash
        summary = LearningSummary(
            period=found.period, made_ns=self._clock.now_ns(), n=found.decisions, text=text,
            lesson_ids=tuple(lesson.lesson_id for lesson in lessons), stats=plain(facts), prompt_hash=prompt_hash,
        )  # fmt: skip
        await self._knowledge.add_summary(summary)
        if self._announce is not None:
            await self._announce(summary)

    async def _lessons(self, week: str, until_ns: int) -> tuple[Lesson, ...]:
        """Return the lessons of a week, kept as candidates."""
        cases = await self._knowledge.cases_between(until_ns - HISTORY_NS, until_ns)
        known = [case for case in cases if (o := case.decision.outcome) is not None and o.closed_ns < until_ns]
        found = await asyncio.to_thread(
            lambda: [t for t in weighed(known, ((c, Scope()) for c in simple_claims(known))) if t.kept][:MAX_LESSONS]
        )
        lessons = tuple([await self._lesson(each, week) for each in found])
        await self._knowledge.add_lessons(lessons)
        return lessons

    async def _lesson(self, found: Weighed, week: str) -> Lesson:
        now_ns = self._clock.now_ns()
        words = None
        if self._wording is not None:
            words = await self._wording.of(
                "lesson", {"claim": str(found.claim), "in_our_words": own_words(found)},
                lambda text: fault_in_words(text, found, ()), name=f"{week}-{found.claim}", as_of_ns=now_ns,
            )  # fmt: skip
        return lesson_from(
            found, week=week, now_ns=now_ns, words=None if words is None else words.text,
            prompt_hash="" if words is None else words.prompt_hash,
        )  # fmt: skip

    async def _trials(self, until_ns: int) -> list[dict[str, Any]]:
        """Return how each lesson on trial stands."""
        rows = []
        for lesson in await self._knowledge.lessons(until_ns):
            if lesson.status_at(until_ns) == "trial" and lesson.trial_ns is not None:
                cases = await self._knowledge.cases_between(lesson.trial_ns, until_ns)
                rows.append({"lesson_id": lesson.lesson_id, **plain(trial_of(lesson, cases))})
        return rows


def fault_in_summary(text: str, found: Lookback) -> str | None:
    """Return in a sentence why a model's wording of a period may not be kept, or None.

    Numbers are allowed as far as they stand in our own text of it.
    """
    numbers = {token.lstrip("+-") for token in tokens(text_of(found).casefold())}
    names = {*FEATURES, *found.refusals, *found.fates, *_names(found)}
    return fault_in(text, most=MAX_SUMMARY, numbers=numbers, names=names)


def _names(found: Lookback) -> set[str]:
    """Return the names of groups that code gave; what a claim is called may be a model's word."""
    return {str(row["name"]) for row in found.patterns if row["kind"] in ("setup", "level", "regime")}


def look_back(period: str, told: Told, from_ns: int, until_ns: int) -> Lookback:
    """Return the facts of [from, until) of what journals tell, as they were known at its end."""
    known = [case.decision for case in told.cases]
    taken = [d.known_before(until_ns) for d in known if from_ns <= d.at_ns < until_ns]
    return lookback(period, taken, told.trades, known, unread=told.unread)
