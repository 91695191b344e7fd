"""The room of one paper desk where a model decides: what the desk knows for it, and the way of its replies back.

The pipeline tells it what wakes the analyst and hears at once, or later, what is proposed. Nothing here waits for a
model: questions go out through an `AnswerDesk`, and its replies come between two steps.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import chanflow_native

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.sections import Memory, OrderLine
from chanflow.analyst.structure import Role
from chanflow.domain.market_data import LEVEL_MS, Bar
from chanflow.domain.market_state import MarketState
from chanflow.domain.question import Check, Question, Reply, Toolbox
from chanflow.domain.time import NS_PER_MS
from chanflow.market.quality import window_quality
from chanflow.review.journal import JournalWriter
from chanflow.runtime.briefings import Figures, MarketNow, StandingNow, briefing_of
from chanflow.runtime.deliberation import Deliberation, ModelAnalyst, Wake
from chanflow.runtime.level_views import LevelFollower, levels_around
from chanflow.runtime.market_reader import SeenMarket, journal_state

if TYPE_CHECKING:
    from chanflow_native import BarBuilder, EventBatch

    from chanflow.runtime.pipeline import Pipeline

Remember = Callable[[Wake, Briefing, MarketState | None], Awaitable[Memory | None]]


async def no_memory(_wake: Wake, _briefing: Briefing, _state: MarketState | None) -> Memory | None:
    """Return None: this desk remembers nothing."""
    return None


class ModelRoom:
    """One strategy's model at one pipeline. `ask` is set by who takes its replies."""

    def __init__(
        self, pipeline: Pipeline, journal: JournalWriter, analyst: ModelAnalyst, figures: Figures, *,
        fallback_rules: bool, memory_down_halves: bool = True, remember: Remember = no_memory,
    ) -> None:  # fmt: skip
        self.ask: Callable[[Question, Toolbox, Check], None] = _nobody
        self.from_ns = 0
        """Before this moment the desk only catches up, and asks nobody."""
        self._pipeline, self._journal, self._figures, self._remember = pipeline, journal, figures, remember
        self._seen: SeenMarket | None = None
        """What the newest briefing was made of."""
        decimals = pipeline.s.source.price_decimals, pipeline.s.source.qty_decimals
        self._levels: list[tuple[Role, BarBuilder, LevelFollower]] = [
            (role, chanflow_native.BarBuilder(LEVEL_MS[level], *decimals), LevelFollower(level))
            for role, level in levels_around(figures.level)
        ]
        self.deliberation = Deliberation(
            analyst=analyst, desk=self, journal=journal, now_ns=self.now_ns, ask=self._put,
            fallback_rules=fallback_rules, memory_down_halves=memory_down_halves, strategy=figures.strategy,
            catching_up=lambda: self.now_ns() < self.from_ns,
        )  # fmt: skip

    # ── what the pipeline tells ───────────────────────────────────────────────

    def read(self, batch: EventBatch, until_ms: int) -> None:
        """Read a stretch of the market."""
        for _, builder, follower in self._levels:
            for row in builder.push(batch) + builder.advance(until_ms):
                follower.push(Bar(row[0], LEVEL_MS[follower.level], *row[1:]))

    # ── the replies' way ──────────────────────────────────────────────────────

    def now_ns(self) -> int:
        """Return the desk's time, Unix ns."""
        return self._pipeline.s.clock.now_ns()

    async def step(self, until_ns: int) -> None:
        """Take the market up to a moment."""
        await self._pipeline.step(until_ns)

    def decision_of(self, question_id: str) -> str | None:
        """Return the decision that waits for a question's answer, None where none does."""
        return self.deliberation.decision_of(question_id)

    async def answered(self, question_id: str, reply: Reply) -> None:
        """Propose what a reply comes to, and begin what has waited for it."""
        await self._pipeline.order(await self.deliberation.answer(question_id, reply))
        await self._go_on()

    async def abandon(self, question_id: str) -> None:
        """Let a decision go that nobody will answer, and begin what has waited for it."""
        self.deliberation.abandon(question_id)
        await self._go_on()

    async def _go_on(self) -> None:
        while (wake := self.deliberation.next()) is not None:
            proposal = await self.deliberation.take(wake)
            if proposal is not None:
                await self._pipeline.order(proposal)

    def _put(self, question: Question, toolbox: Toolbox, check: Check) -> None:
        self.ask(question, toolbox, check)

    # ── what a decision needs ─────────────────────────────────────────────────

    def brief(self, wake: Wake) -> Briefing:
        """Return all that is known now, memory left out; rows from the future are journaled as the faults they are."""
        self._seen = seen = self._pipeline.seen()
        briefing, future = briefing_of(wake, self._figures, self._market(seen), self._standing())
        for fault in future:
            self._journal.append("future_row", fault, correlation_id=wake.decision_id)
        return briefing

    def unusable(self, wake: Wake) -> str | None:
        """Return why the market's data cannot be decided on now, None where they can."""
        del wake  # a desk of one symbol
        touch, now_ns = self._pipeline.touch, self.now_ns()
        quality = window_quality(
            at_ns=now_ns, last_quote_ns=self._pipeline.quote_ns, bid=touch.bid, ask=touch.ask,
            book_ok=self._pipeline.s.flow.book_ok,
        )  # fmt: skip
        return None if quality.ok else f"the market's data are not to be used: {', '.join(quality.codes)}"

    def journal_state(self, wake: Wake) -> MarketState | None:
        """Journal what the market looked like to the briefing just made; None where that cannot be compared."""
        return journal_state(self._journal, wake.decision_id, self._seen or self._pipeline.seen())

    async def remember(self, wake: Wake, briefing: Briefing, state: MarketState | None) -> Memory | None:
        """Return what memory tells."""
        return await self._remember(wake, briefing, state)

    async def alert(self, severity: Literal["warning", "critical"], title: str, body: str, key: str) -> None:
        """Tell people, through the bus."""
        await self._pipeline.alert(severity, title, body, key)

    def _market(self, seen: SeenMarket) -> MarketNow:
        pipeline = self._pipeline
        now_ns, touch, flow = self.now_ns(), pipeline.touch, pipeline.s.flow
        now_ms = now_ns // NS_PER_MS
        views = (follower.view(role, decision=self._figures.level) for role, _, follower in self._levels)
        return MarketNow(
            now_ns=now_ns, venue=pipeline.s.venue.name, instrument=pipeline.s.source.instrument,
            bid=_decimal(touch.bid), ask=_decimal(touch.ask), flow=flow.window(now_ms, pipeline.plan.flow_bins),
            flow_now=flow.now(now_ms), levels=tuple(
                replace(view, figures=pipeline.measures.get(view.level, ())) for view in views if view is not None
            ),
            regime=seen.regime, volatility=seen.volatility, divergences=flow.diverged(now_ms),
        )  # fmt: skip

    def _standing(self) -> StandingNow:
        s, symbol = self._pipeline.s, self._pipeline.symbol
        orders = tuple(
            OrderLine(o.client_order_id, o.leg, o.side, o.trigger_price, o.leaves_base)
            for o in s.router.living()
            if o.symbol == symbol
        )
        return StandingNow(s.router.snapshot(), s.gate.state, s.gate.limits, s.gate.rules.run_mode, orders)


def _nobody(_question: Question, _toolbox: Toolbox, _check: Check) -> None:
    """Ask nobody: whoever runs the desk has not said who takes the replies."""
    raise RuntimeError("nobody takes the replies of this desk's model yet")


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value))
