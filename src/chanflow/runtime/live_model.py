"""A model that decides at a desk at a real venue: it is asked beside everything else, and nothing waits for it.

A question of an earlier process is abandoned, and never asked again. A reply is judged on a market quoted anew.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal, Protocol

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.sections import Memory
from chanflow.domain.instrument import Instrument
from chanflow.domain.market_state import MarketState
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.question import Reply
from chanflow.domain.time import Clock
from chanflow.market.quotes import Quote
from chanflow.review.journal import JournalWriter
from chanflow.runtime.answers import AnswerDesk
from chanflow.runtime.briefings import Figures, MarketNow, StandingNow, briefing_of
from chanflow.runtime.deliberation import Deliberation, Wake
from chanflow.runtime.model_parts import ModelParts
from chanflow.runtime.thinking import NoThinking, Thinker, Thinking

QUOTE_GOOD_NS = 10_000_000_000
"""An older quote is no market to ask a model about."""


class Hands(Protocol):
    """What the desk does for its model."""

    def instrument(self, symbol: str) -> Instrument:
        """Return a symbol's instrument."""
        ...

    def standing(self) -> StandingNow:
        """Return where the desk stands now."""
        ...

    async def quoted(self, symbol: str, correlation_id: str) -> Quote | None:
        """Ask the venue for a quote, journal it and mark by it; None where none was given."""
        ...

    async def proposed(self, quote: Quote, proposal: TradeProposal) -> None:
        """Journal a proposal and let the gate judge it."""
        ...

    async def tell(self, severity: Literal["warning", "critical"], title: str, body: str, key: str) -> None:
        """Tell people."""
        ...

    def over(self, wake: Wake) -> None:
        """Hear that nothing more comes of what woke the analyst."""
        ...


@dataclass(slots=True)
class _Seen:
    quote: Quote
    figures: Figures


class LiveModel:
    """One strategy's model."""

    def __init__(self, parts: ModelParts, *, hands: Hands, venue: str, journal: JournalWriter, clock: Clock) -> None:
        self._hands, self._venue, self._clock, self._parts = hands, venue, clock, parts
        self._come = asyncio.Event()
        self._seen: dict[str, _Seen] = {}
        self._wakes: dict[str, Wake] = {}
        thinker: Thinker = NoThinking() if parts.mind is None else Thinking(parts.mind, on_reply=self._come.set)
        self._answers = AnswerDesk(self, journal, thinker, market_ns=clock.now_ns)
        self._deliberation = Deliberation(
            analyst=parts.analyst, desk=self, journal=journal, now_ns=clock.now_ns, ask=self._answers.ask,
            fallback_rules=parts.fallback_rules, memory_down_halves=parts.memory_down_halves,
            strategy=parts.strategy, on_dropped=self._dropped,
        )  # fmt: skip

    @property
    def thinks(self) -> bool:
        """Whether a decision is out or waits."""
        return bool(self._wakes)

    async def wake(self, wake: Wake, quote: Quote, figures: Figures) -> None:
        """Begin a decision, or let it wait for the one before it; returns before any model has answered."""
        self._seen[wake.symbol] = _Seen(quote, figures)
        self._wakes[wake.decision_id] = wake
        await self._take(wake)

    async def run(self) -> None:
        """Take replies as they come, until cancelled."""
        try:
            while True:
                await self._come.wait()
                self._come.clear()
                while await self._answers.take(self._clock.now_ns()):
                    pass
        finally:
            await self._answers.close()

    # ── the replies' way ──────────────────────────────────────────────────────

    def now_ns(self) -> int:
        """Return the desk's time, Unix ns."""
        return self._clock.now_ns()

    async def step(self, until_ns: int) -> None:
        """Do nothing: this market goes on by itself."""

    def decision_of(self, question_id: str) -> str | None:
        """Return the decision that waits for a question's answer, None where none does."""
        return self._deliberation.decision_of(question_id)

    async def answered(self, question_id: str, reply: Reply) -> None:
        """Propose what a reply comes to on the market as it is now, and begin what has waited for it."""
        wake = self._wakes[self._deliberation.decision_of(question_id) or ""]
        quote = await self._hands.quoted(wake.symbol, wake.decision_id)
        if quote is not None:
            self._seen[wake.symbol].quote = quote
        await self._propose(wake, await self._deliberation.answer(question_id, reply))
        await self._go_on()

    async def abandon(self, question_id: str) -> None:
        """Let a decision go that nobody will answer."""
        self._deliberation.abandon(question_id)
        await self._go_on()

    async def _go_on(self) -> None:
        while (wake := self._deliberation.next()) is not None:
            quote = await self._hands.quoted(wake.symbol, wake.decision_id)
            if quote is not None:
                self._seen[wake.symbol].quote = quote
            await self._take(wake)

    async def _take(self, wake: Wake) -> None:
        proposal = await self._deliberation.take(wake)
        if proposal is not None:
            await self._propose(wake, proposal)

    async def _propose(self, wake: Wake, proposal: TradeProposal) -> None:
        await self._hands.proposed(self._seen[wake.symbol].quote, proposal)
        self._dropped(wake)

    def _dropped(self, wake: Wake) -> None:
        del self._wakes[wake.decision_id]
        self._hands.over(wake)

    # ── what a decision needs ─────────────────────────────────────────────────

    def brief(self, wake: Wake) -> Briefing:
        """Return what is known now: quote, flow of nobody, standing; a desk that trades signals reads no bars."""
        seen, now_ns = self._seen[wake.symbol], self._clock.now_ns()
        quote = seen.quote
        market = MarketNow(
            now_ns=now_ns, venue=self._venue, instrument=self._hands.instrument(wake.symbol),
            bid=quote.bids[0][0] if quote.bids else None, ask=quote.asks[0][0] if quote.asks else None,
            funding_frac=quote.funding_rate_frac,
        )  # fmt: skip
        briefing, _ = briefing_of(wake, seen.figures, market, self._hands.standing())
        return briefing

    def unusable(self, wake: Wake) -> str | None:
        """Return why the market cannot be decided on now, None where it can."""
        quote, now_ns = self._seen[wake.symbol].quote, self._clock.now_ns()
        if not quote.bids or not quote.asks:
            return "the venue's book is empty on one side"
        age_ns = now_ns - quote.mark_ns
        if age_ns > QUOTE_GOOD_NS:
            return f"the quote is {age_ns / 1e9:.1f} s old, allowed is up to {QUOTE_GOOD_NS // 1_000_000_000} s"
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
        await self._hands.tell(severity, title, body, key)
