"""Memory as the desk uses it: look back before a decision, write down what was decided and what came of it.

Three layers are asked at once with one deadline: short-term (the last decisions), similar cases, knowledge (lessons and
the latest summary). One that is slow or fails is left out, and what is returned says so; no fault of memory stops a
decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

from chanflow.domain.errors import ChanflowError, InvalidArgument
from chanflow.domain.lesson import LearningSummary, Lesson
from chanflow.domain.market_state import MarketState
from chanflow.domain.memory import Case, ClosedTrade, Decision, Recall, Recalled, SimilarCases
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.review.lesson_trial import lessons_for
from chanflow.review.performance import KEY as PERFORMANCE
from chanflow.review.performance import performance_of
from chanflow.review.ports import CaseQuery, CaseStore, Knowledge, ShortTerm, StoredCase
from chanflow.review.similar import similar_cases
from chanflow.review.state_vector import VERSION, StateVector, Statistics, check_dated, vector_of, vectors_of

Layer = Literal["short-term", "similar cases", "knowledge"]
T = TypeVar("T")

RECENT = 10
PERFORMANCE_TTL_NS = 60 * NS_PER_S
DEADLINE_S = 0.1
THREADS = 4
"""Two for a look-up, one for a write, and one for tending the index, which may hold up that write for long."""


class Memory:
    """The three layers behind one door. It owns them: `close` closes them.

    `deadline_s` None asks one layer after the other in the caller's own thread: for runs whose time is simulated.
    """

    def __init__(
        self,
        *,
        short: ShortTerm,
        cases: CaseStore,
        knowledge: Knowledge,
        clock: Clock,
        statistics: Statistics,
        deadline_s: float | None = DEADLINE_S,
    ) -> None:
        self.short, self.cases, self.knowledge = short, cases, knowledge
        self.clock, self.statistics = clock, statistics
        self._deadline_s = deadline_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="memory")
        self._writing = asyncio.Lock()
        self._busy: dict[Layer, asyncio.Future[object]] = {}

    # ── before a decision ─────────────────────────────────────────────────────

    async def look_up(self, recall: Recall) -> Recalled:
        """Return what is remembered that bears on a decision; nothing that was not known before `as_of_ns`.

        Raises InvalidArgument without `as_of_ns`. What a layer could not tell is named in `skipped`.
        """
        as_of_ns = recall.as_of_ns
        if as_of_ns is None:
            raise InvalidArgument("memory is asked as of a moment: as_of_ns is missing", field="as_of_ns")
        vector, not_compared = self._vector(recall.state, as_of_ns)
        recent, similar, learned = await asyncio.gather(
            self._ask("short-term", lambda: self.in_thread(self._recent, recall, as_of_ns)),
            self._ask("similar cases", lambda: self.in_thread(self._similar, recall, vector, as_of_ns)),
            self._ask("knowledge", lambda: self._learned(recall, as_of_ns)),
        )
        lessons, summary = learned[0] or ((), None)
        return Recalled(
            as_of_ns=as_of_ns,
            recent=recent[0] or (),
            similar=similar[0] or SimilarCases(),
            lessons=lessons,
            summary=summary,
            skipped=tuple(why for _, why in (recent, similar, learned) if why),
            not_compared=not_compared,
        )

    def _recent(self, recall: Recall, as_of_ns: int) -> tuple[Decision, ...]:
        return self.short.recent(as_of_ns, RECENT, recall.strategy)

    def _vector(self, state: MarketState | None, as_of_ns: int) -> tuple[StateVector | None, str]:
        """Return the vector of a state, or None and why there is none."""
        if state is None:
            return None, "the desk saw too little of its market"
        try:
            check_dated(self.statistics, as_of_ns)
        except InvalidArgument as fault:
            return None, str(fault)
        vector = vector_of(state, self.statistics)
        return vector, "" if vector is not None else "too many figures of the market are missing to compare it"

    def _similar(self, recall: Recall, vector: StateVector | None, as_of_ns: int) -> SimilarCases:
        if vector is None:
            return SimilarCases()
        found = self.cases.search(
            CaseQuery(
                vector=vector.values, as_of_ns=as_of_ns, version=VERSION, position_id=recall.position_id,
                strategy=recall.strategy,
            )
        )  # fmt: skip
        return similar_cases(found)

    async def _learned(self, recall: Recall, as_of_ns: int) -> tuple[tuple[Lesson, ...], LearningSummary | None]:
        lessons = lessons_for(await self.knowledge.lessons(as_of_ns), recall, as_of_ns)
        return lessons, await self.knowledge.summary(as_of_ns)

    # ── after it ──────────────────────────────────────────────────────────────

    async def remember(self, decision: Decision, state: MarketState) -> None:
        """Keep a decision, abstentions and refusals too; again with the same id replaces it. Raises StorageUnwritable.

        Its vector is stored half an hour later (`review/flows.py`).
        """
        async with self._writing:
            await self.in_thread(self.short.remember, Case(decision, state))

    async def closed(self, trade: ClosedTrade) -> None:
        """Write down what came of the decision that opened a trade, in every layer. Raises StorageUnwritable."""
        async with self._writing:
            await self.knowledge.add_trades((trade,))
            await self.knowledge.settle(trade.outcome)
            await self.in_thread(self._closed, trade)

    async def store(self, cases: Sequence[Case]) -> None:
        """Keep decisions for good, and the vectors of those that can be compared. Raises StorageUnwritable."""
        async with self._writing:
            # What was settled while they waited is in the newest version of each.
            newest = [await self.in_thread(self._newest, case) for case in cases]
            await self.knowledge.add_cases(newest)
            await self.in_thread(self.cases.put, stored_cases(newest, self.statistics))
            await self.in_thread(self.short.stored, [case.decision.decision_id for case in newest])

    def _newest(self, case: Case) -> Case:
        decision = self.short.decision(case.decision.decision_id, case.decision.at_ns)
        return case if decision is None else Case(decision, case.state)

    def _closed(self, trade: ClosedTrade) -> None:
        self.short.add_trade(trade)
        self.short.settle(trade.outcome)
        self.cases.settle(trade.outcome)

    async def performance(self, days: Literal[7, 30]) -> dict[str, object]:
        """Return what the trades of the last days came to; computed again at most once a minute."""
        now_ns = self.clock.now_ns()
        key = PERFORMANCE.format(days=days)
        kept = await self.in_thread(self.short.get, key, now_ns)
        if kept is not None:
            return dict(kept)
        figures = performance_of(await self.knowledge.trades(now_ns - days * 86_400 * NS_PER_S, now_ns))
        await self.in_thread(self.short.put, key, figures, now_ns + PERFORMANCE_TTL_NS)
        return figures

    async def close(self) -> None:
        """Let the layers go, when nothing is under way in them any more."""
        await asyncio.gather(*self._busy.values(), return_exceptions=True)
        self._threads.shutdown()
        self.cases.close()
        self.short.close()

    # ── asking ────────────────────────────────────────────────────────────────

    async def in_thread(self, call: Callable[..., T], *args: object) -> T:
        """Return what a blocking call of a layer gives, without holding up the desk."""
        if self._deadline_s is None:
            return call(*args)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)

    async def _ask(self, layer: Layer, ask: Callable[[], Awaitable[T]]) -> tuple[T | None, str]:
        """Return a layer's answer, or None and why there is none. A layer that still works is not asked again."""
        if layer in self._busy:
            return None, f"{layer}: still at work on an earlier question"
        asking = asyncio.ensure_future(ask())
        self._busy[layer] = asking  # type: ignore[assignment]
        asking.add_done_callback(lambda _: self._busy.pop(layer, None))
        done, _ = await asyncio.wait((asking,), timeout=self._deadline_s)
        if not done:
            return None, f"{layer}: no answer within {round((self._deadline_s or 0) * 1000)} ms"
        try:
            return asking.result(), ""
        except ChanflowError as fault:
            return None, f"{layer}: {fault}"


def stored_cases(cases: Sequence[Case], statistics: Statistics) -> list[StoredCase]:
    """Return the cases that can be compared, with their vectors; those from before the fitted data cannot."""
    vectors, masks = vectors_of([case.state for case in cases], statistics)
    return [
        StoredCase(case.decision, vector, mask)
        for case, vector, mask in zip(cases, vectors, masks, strict=True)
        if vector is not None and case.decision.at_ns >= statistics.until_ns
    ]
