"""What memory keeps its layers in. Adapters implement these; `review/memory.py` asks them.

`CaseStore` and `ShortTerm` block, and may be called from any thread, one write at a time; `Knowledge` waits. All raise
StorageUnwritable where they cannot be read or written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chanflow.domain.lesson import LearningSummary, Lesson
from chanflow.domain.memory import Case, ClosedTrade, Decision, Outcome, SimilarCase


@dataclass(frozen=True, slots=True)
class Pattern:
    """What decisions of one kind came to in a period: a row of the statistics of patterns.

    `kind` says by what they were grouped (setup, claim, level, hour, model, regime), `name` which group.
    """

    period: str
    kind: str
    name: str
    n: int
    closed: int
    hits: int
    mean_r: float | None
    sum_r: float
    strategy: str = "default"


@dataclass(frozen=True, slots=True)
class Performance:
    """A day's figures as they are archived, under the names that the daily review gives them."""

    day: str
    made_ns: int
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredCase:
    """A decision with its vector, as the store of cases takes it."""

    decision: Decision
    vector: tuple[float, ...]
    mask: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseQuery:
    """What similar cases are asked by. Only cases closed strictly before `as_of_ns` may be found."""

    vector: tuple[float, ...]
    as_of_ns: int | None
    version: str
    position_id: str | None = None
    strategy: str | None = None
    limit: int = 10


@dataclass(frozen=True, slots=True)
class Found:
    """The most similar first. `exact` is False where an index was asked, which may miss some."""

    cases: tuple[SimilarCase, ...]
    exact: bool


class CaseStore(Protocol):
    """Vectors with their decisions. All of one version and dimension: anything else is refused."""

    def put(self, cases: Sequence[StoredCase]) -> None:
        """Keep cases; one that is there already is replaced. Raises InvalidArgument for another dimension."""
        ...

    def settle(self, outcome: Outcome) -> bool:
        """Write a decision's outcome into its payload; return whether the decision is there."""
        ...

    def search(self, query: CaseQuery) -> Found:
        """Return the cases most like the query's, at most two of one UTC day and symbol.

        Filters apply before ranking. Raises InvalidArgument without `as_of_ns`, for another version or dimension.
        """
        ...

    def count(self) -> int:
        """Return how many cases are kept."""
        ...

    def clear(self) -> None:
        """Forget all."""
        ...

    def tend(self) -> None:
        """Do what keeps searches fast; it may take long."""
        ...

    def close(self) -> None:
        """Make everything durable and let go of it."""
        ...


class ShortTerm(Protocol):
    """The last decisions and what is asked often. Each entry ends with its time to live."""

    def remember(self, case: Case) -> None:
        """Keep a decision for 30 days, and its state until its vector is stored; the same id again replaces it."""
        ...

    def settle(self, outcome: Outcome) -> Decision | None:
        """Write down what came of a decision; return it, or None where it is not kept any more."""
        ...

    def recent(self, as_of_ns: int, limit: int, strategy: str | None) -> tuple[Decision, ...]:
        """Return the newest decisions before a moment, of at most 100, with the outcomes that were known then."""
        ...

    def decision(self, decision_id: str, now_ns: int) -> Decision | None:
        """Return a decision by its id, or None."""
        ...

    def unstored(self, until_ns: int, limit: int) -> tuple[Case, ...]:
        """Return decisions up to a moment whose vectors are not stored yet, oldest first."""
        ...

    def stored(self, decision_ids: Sequence[str]) -> None:
        """Note that these need no storing any more."""
        ...

    def add_trade(self, trade: ClosedTrade) -> None:
        """Keep a closed trade for 48 hours, under its UTC day; the same position again replaces it."""
        ...

    def trades(self, day: str, now_ns: int) -> tuple[ClosedTrade, ...]:
        """Return the trades closed on a UTC day, in order, as far as they are kept."""
        ...

    def put(self, key: str, value: Mapping[str, Any], until_ns: int) -> None:
        """Keep a value until a moment: such as `performance:7d`."""
        ...

    def get(self, key: str, now_ns: int) -> Mapping[str, Any] | None:
        """Return the value of a key, or None."""
        ...

    def purge(self, now_ns: int) -> None:
        """Let go of what has ended."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class Knowledge(Protocol):
    """What was learned and measured: kept for good, read as of a moment."""

    async def add_lessons(self, lessons: Sequence[Lesson]) -> None:
        """Keep new lessons; one whose id is there already is left as it is."""
        ...

    async def lesson(self, lesson_id: str) -> Lesson | None:
        """Return a lesson, or None."""
        ...

    async def lessons(self, as_of_ns: int | None = None) -> tuple[Lesson, ...]:
        """Return lessons, the oldest first: all, or those made before a moment that had not expired by then."""
        ...

    async def save_lesson(self, lesson: Lesson) -> None:
        """Write the new status of a lesson that is there. Raises NotFound where it is not."""
        ...

    async def add_summary(self, summary: LearningSummary) -> None:
        """Keep a summary; one of the same period is left as it is."""
        ...

    async def summary(self, as_of_ns: int) -> LearningSummary | None:
        """Return the newest summary made strictly before a moment, or None."""
        ...

    async def add_patterns(self, patterns: Sequence[Pattern]) -> None:
        """Keep statistics of setups and of patterns in place of all of the same periods."""
        ...

    async def patterns(self, period: str) -> tuple[Pattern, ...]:
        """Return the statistics of a period: of setups first, then by kind and name."""
        ...

    async def add_performance(self, performance: Performance) -> None:
        """Keep a day's figures in place of older ones of the same day."""
        ...

    async def performance(self, limit: int) -> tuple[Performance, ...]:
        """Return the newest days, the newest first."""
        ...

    async def add_cases(self, cases: Sequence[Case]) -> None:
        """Keep decisions with their states: what the store of vectors is rebuilt from. Known ones are replaced."""
        ...

    async def settle(self, outcome: Outcome) -> None:
        """Write a decision's outcome down with its case."""
        ...

    async def cases(self, *, after: str = "", limit: int = 1_000) -> tuple[Case, ...]:
        """Return decisions with their states by id, those after an id; a page at a time."""
        ...

    async def case_count(self, *, most_missing: int, from_ns: int) -> int:
        """Return how many decisions from a moment on are kept with at most so many figures missing."""
        ...

    async def cases_between(self, from_ns: int, until_ns: int) -> tuple[Case, ...]:
        """Return the decisions taken in [from, until), the oldest first; the newest 20,000 of them."""
        ...

    async def add_trades(self, trades: Sequence[ClosedTrade]) -> None:
        """Keep closed trades; known positions are replaced."""
        ...

    async def trades(self, from_ns: int, until_ns: int) -> tuple[ClosedTrade, ...]:
        """Return the trades closed in [from, until), the oldest first."""
        ...

    async def done(self, flow: str) -> str | None:
        """Return how far a flow has come: the last period it finished, or None."""
        ...

    async def mark_done(self, flow: str, period: str) -> None:
        """Note that a flow has finished a period."""
        ...
