"""A model that decides at the paper broker's desk. Its market stands still between two signals, so the desk waits.

A reply is an input as a signal is: journaled before it has any effect, and met again when the journal is run again.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Literal

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.sections import Memory
from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import JournalDiverged
from chanflow.domain.instrument import Instrument
from chanflow.domain.market_state import MarketState
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.question import Check, Question, Reply, Toolbox
from chanflow.domain.time import Clock
from chanflow.review.journal import JournalWriter
from chanflow.runtime import reply_record
from chanflow.runtime.briefings import Figures, MarketNow, StandingNow, briefing_of
from chanflow.runtime.deliberation import Deliberation, Wake
from chanflow.runtime.model_parts import ModelParts
from chanflow.runtime.thinking import NoThinking, Thinker, Thinking

Tell = Callable[[str, str, str, str], Awaitable[None]]
"""Tells people: severity, title, words, and what is one with what."""


class BrokerModel:
    """One strategy's model."""

    def __init__(
        self, parts: ModelParts, *, venue: str, journal: JournalWriter, clock: Clock,
        standing: Callable[[], StandingNow], tell: Tell, thinker: Thinker | None = None,
    ) -> None:  # fmt: skip
        self._parts, self._venue, self._journal, self._clock = parts, venue, journal, clock
        self._standing, self._tell = standing, tell
        self._thinker: Thinker = thinker or (NoThinking() if parts.mind is None else Thinking(parts.mind))
        self._out: list[Question] = []
        """The question that was just put, or none."""
        self._deliberation = Deliberation(
            analyst=parts.analyst, desk=self, journal=journal, now_ns=clock.now_ns, ask=self._ask,
            fallback_rules=parts.fallback_rules, memory_down_halves=parts.memory_down_halves, strategy=parts.strategy,
        )  # fmt: skip

    async def decide(
        self, wake: Wake, figures: Figures, instrument: Instrument, bid: Decimal, ask: Decimal
    ) -> TradeProposal | None:
        """Return what is proposed, None where the signal has expired.

        Raises JournalDiverged where the journal has something else than a reply here.
        """
        self._figures, self._instrument, self._touch = figures, instrument, (bid, ask)
        self._out.clear()
        proposal = await self._deliberation.take(wake)
        for question in self._out:
            return await self._deliberation.answer(question.question_id, await self._reply(question, wake))
        return proposal

    async def close(self) -> None:
        """Ask nobody any more."""
        await self._thinker.close()

    def _ask(self, question: Question, toolbox: Toolbox, check: Check) -> None:
        self._out.append(question)
        if self._journal.expected is None:
            self._thinker.ask(question, toolbox, check)

    async def _reply(self, question: Question, wake: Wake) -> Reply:
        standing = self._journal.expected
        if standing is None:
            await self._thinker.settle()
            self._thinker.due_ns()
            thought = self._thinker.next()
            reply = Reply(None, "model_error", "nobody is asked here") if thought is None else thought.reply
            future = () if thought is None else thought.future
            body = reply_record.response_body(
                question.question_id, wake.decision_id, reply, self._clock.now_ns(), future=future
            )
        elif standing.kind == reply_record.KIND:
            body = standing.body
        else:
            raise JournalDiverged(f"record {standing.seq} is a {standing.kind}, a model's reply is expected there")
        self._journal.append(reply_record.KIND, body, correlation_id=wake.decision_id, durable=True)
        return reply_record.reply_of(json.loads(canonical_json(body)))

    # ── what a decision needs ─────────────────────────────────────────────────

    def brief(self, wake: Wake) -> Briefing:
        """Return what is known now; a desk that trades signals reads no bars and no flow."""
        market = MarketNow(
            now_ns=self._clock.now_ns(), venue=self._venue, instrument=self._instrument, bid=self._touch[0],
            ask=self._touch[1],
        )  # fmt: skip
        return briefing_of(wake, self._figures, market, self._standing())[0]

    def unusable(self, wake: Wake) -> str | None:
        """Return None: a signal tells the market it was made on."""
        del wake
        return None

    def journal_state(self, wake: Wake) -> MarketState | None:
        """Return None: this desk reads no bars, so its market is not compared with others."""
        del wake
        return None

    async def remember(self, wake: Wake, briefing: Briefing, state: MarketState | None) -> Memory | None:
        """Return what memory tells."""
        return await self._parts.remember(wake, briefing, state)

    async def alert(self, severity: Literal["warning", "critical"], title: str, body: str, key: str) -> None:
        """Tell people."""
        await self._tell(severity, title, body, key)
