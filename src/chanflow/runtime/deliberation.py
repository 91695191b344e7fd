"""Decisions by a model: the steps before it is asked, and what is made of its reply. It waits for nobody.

A decision goes the same way each time, and each step leaves its record:

```
decision_started   what woke it
market_state       what market and account looked like, as far as the desk sees markets
                   1 permission, 2 data, 3 change filter: each may end it, and no token is spent
briefing           what is known, as of now, with its hash
memory_used        what memory told; it is an input, so a re-run takes it from the journal
llm_request        the exact prompt and its hash; the question is handed to a `Thinker`, and the desk goes on
llm_response       the reply, an input (`answers.py`)
tool_called        each look-up on the way
trade_proposal     what came of it; everything after is the gate's
```

One decision is out at a time for each symbol. What wakes the analyst meanwhile waits; a newer request of its kind takes
its place, and a position's trigger never waits behind an entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal, Protocol

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.rules import propose
from chanflow.analyst.sections import Memory, Why
from chanflow.domain.canonical import plain, sha256_of
from chanflow.domain.errors import BudgetSpent, ChanflowError
from chanflow.domain.market_state import MarketState
from chanflow.domain.opinion import AbstainReason, TradeProposal
from chanflow.domain.question import Check, Question, Reply, Toolbox
from chanflow.domain.request import AnalysisRequest
from chanflow.domain.signal import Signal
from chanflow.domain.time import NS_PER_MS, NS_PER_S, uuid7_from
from chanflow.monitor.watch import Fired
from chanflow.review.journal import JournalWriter
from chanflow.runtime.codec import decode
from chanflow.runtime.judged import journal_decision
from chanflow.runtime.thinking import content_hash

FAILURES_DEMOTE = 3
"""So many failures of the model in a row, and the rules decide in its place."""

WITHOUT_MEMORY = Decimal("0.5")
"""The share of its size that a decision keeps which was taken while a layer of memory did not answer."""

_OPENS = ("open_long", "open_short")
_ABSTAINS: dict[str, AbstainReason] = {
    "model_error": "model_error", "timeout": "model_error", "invalid_output": "invalid_output", "budget": "budget",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wake:
    """What a decision is asked for: a signal, a trigger that fired, or a request of a person or a schedule."""

    decision_id: str
    at_ns: int
    symbol: str
    why: Why
    signal: Signal | None = None
    fired: Fired | None = None
    request_id: str = ""
    asked_by: str = ""
    position_id: str | None = None

    @property
    def about(self) -> tuple[str, str | None]:
        """What it is about: entries of a symbol, or one position."""
        return self.symbol, self.position_id


class ModelAnalyst(Protocol):
    """How a model is asked and what its reply says: pure functions of the briefing."""

    @property
    def hash(self) -> str:
        """What names model, prompts and tools together."""
        ...

    def question(self, briefing: Briefing) -> tuple[Question, Check]:
        """Return what is asked, and what is wrong with an answer."""
        ...

    def toolbox(self, briefing: Briefing) -> Toolbox:
        """Return what may be looked up on the way."""
        ...

    def proposal(self, briefing: Briefing, question: Question, reply: Reply) -> TradeProposal:
        """Return what a sound reply proposes. Raises OpinionInvalid for one that proposes nothing sound."""
        ...

    def abstention(
        self, briefing: Briefing, reason: AbstainReason, why: str, *, question: Question | None = None,
        reply: Reply | None = None,
    ) -> TradeProposal:  # fmt: skip
        """Return the proposal that abstains, with its reason."""
        ...


class DeskView(Protocol):
    """What a decision needs of its desk."""

    def brief(self, wake: Wake) -> Briefing:
        """Return all that is known now, memory left out."""
        ...

    def unusable(self, wake: Wake) -> str | None:
        """Return why the market's data cannot be decided on now, None where they can."""
        ...

    def journal_state(self, wake: Wake) -> MarketState | None:
        """Journal what the market looked like to the briefing just made; None where that cannot be compared."""
        ...

    async def remember(self, wake: Wake, briefing: Briefing, state: MarketState | None) -> Memory | None:
        """Return what memory tells, None where there is none."""
        ...

    async def alert(self, severity: Literal["warning", "critical"], title: str, body: str, key: str) -> None:
        """Tell people."""
        ...


@dataclass(frozen=True, slots=True)
class _Out:
    """A decision whose question is out."""

    wake: Wake
    briefing: Briefing
    question: Question
    check: Check
    news: str


class Deliberation:
    """The decisions of one strategy."""

    def __init__(
        self, *, analyst: ModelAnalyst, desk: DeskView, journal: JournalWriter, now_ns: Callable[[], int],
        ask: Callable[[Question, Toolbox, Check], None], fallback_rules: bool, memory_down_halves: bool = True,
        strategy: str = "default",
        on_dropped: Callable[[Wake], None] = lambda _: None, catching_up: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        """`on_dropped` hears of what woke the analyst and came to no decision.

        While the desk is `catching_up` with hours that are over, nobody is asked about them.
        """
        self.analyst = analyst
        self.demoted = False
        """Whether the rules decide, the model having failed too often."""
        self._desk, self._journal, self._now_ns, self._ask = desk, journal, now_ns, ask
        self._fallback_rules, self._strategy, self._on_dropped = fallback_rules, strategy, on_dropped
        self._catching_up, self._memory_down_halves = catching_up, memory_down_halves
        self._out: dict[str, _Out] = {}
        """By question."""
        self._queued: dict[tuple[str, str | None], Wake] = {}
        self._told: dict[tuple[str, str | None], tuple[str, str]] = {}
        """By what it was about: the hash of the news of the last briefing that was answered, and its decision."""
        self._failures = 0

    # ── in ────────────────────────────────────────────────────────────────────

    async def take(self, wake: Wake) -> TradeProposal | None:
        """Begin a decision. Returns its proposal where no model was asked, None where one is, or where it waits."""
        if any(out.wake.symbol == wake.symbol for out in self._out.values()):
            self._queue(wake)
            return None
        return await self._begin(wake)

    def _queue(self, wake: Wake) -> None:
        before = self._queued.pop(wake.about, None)
        self._queued[wake.about] = wake
        if before is not None:
            self._journal.append(
                "analysis_superseded",
                {"decision_id": before.decision_id, "by": wake.decision_id, "why": before.why,
                 "signal_id": None if before.signal is None else before.signal.signal_id},
                correlation_id=before.decision_id,
            )  # fmt: skip
            self._on_dropped(before)

    def next(self) -> Wake | None:
        """Return the request that waits, positions first, if its symbol is free; it waits no longer."""
        free = [about for about in self._queued if not any(o.wake.symbol == about[0] for o in self._out.values())]
        if not free:
            return None
        wake = self._queued.pop(min(free, key=lambda about: about[1] is None))
        return replace(wake, at_ns=self._now_ns())

    async def _begin(self, wake: Wake) -> TradeProposal | None:
        now_ns, signal = self._now_ns(), wake.signal
        if self._is_past():
            body = {"decision_id": wake.decision_id, "why": "these hours are over, the desk only catches up with them"}
            self._journal.append("decision_skipped", body, correlation_id=wake.decision_id)
            self._on_dropped(wake)
            return None
        if signal is not None and now_ns > (signal.known_ms + signal.expiry_ms) * NS_PER_MS:
            self._journal.append("signal_expired", {"signal_id": signal.signal_id})
            self._on_dropped(wake)
            return None
        journal_decision(
            self._journal, wake.decision_id, signal=signal, fired=wake.fired, at_ns=now_ns,
            more={"strategy": self._strategy, "why": wake.why, "request_id": wake.request_id or None,
                  "asked_by": wake.asked_by or None, "analyst_hash": self.analyst.hash},
        )  # fmt: skip
        briefing = self._desk.brief(wake)
        state = self._desk.journal_state(wake)
        if self.demoted:
            return self._named(propose(briefing))
        news = news_hash(briefing, wake)
        ended = self._ended_early(wake, briefing, news)
        return await self._put(wake, briefing, news, state) if ended is None else ended

    def _is_past(self) -> bool:
        """Return whether nobody is asked now; the journal knows what an earlier process found."""
        standing = self._journal.expected
        return self._catching_up() if standing is None else standing.kind == "decision_skipped"

    def _ended_early(self, wake: Wake, briefing: Briefing, news: str) -> TradeProposal | None:
        """Return the proposal of a decision that ends before anything is spent, None where it goes on."""
        permission = briefing.permission
        if not briefing.management and permission is not None and not permission.may_open:
            why = f"the desk opens nothing: mode {permission.mode}, level {permission.ladder_level}"
            return self._abstain(briefing, "conflict", why)
        unusable = self._desk.unusable(wake)
        if unusable is not None:
            return self._abstain(briefing, "stale_data", unusable)
        told = self._told.get(wake.about)
        if wake.signal is None and wake.fired is None and told is not None and told[0] == news:
            held = self._abstain(briefing, "no_setup", f"unchanged since decision {told[1]}: nobody was asked")
            return replace(held, action="hold", abstain_reason=None)
        return None

    async def _put(
        self, wake: Wake, briefing: Briefing, news: str, state: MarketState | None
    ) -> TradeProposal | None:  # fmt: skip
        """Write down all that the model is told, and hand its question over; one that is too long is not asked."""
        decision_id = briefing.decision_id
        known = plain(briefing)
        self._journal.append(
            "briefing", {"decision_id": decision_id, "hash": sha256_of(known), "news_hash": news, "body": known},
            correlation_id=decision_id,
        )  # fmt: skip
        memory = await self._memory(wake, briefing, state)
        briefing = replace(briefing, memory=memory)
        try:
            question, check = self.analyst.question(briefing)
        except BudgetSpent as fault:
            return self._abstain(briefing, "budget", str(fault))
        toolbox = self.analyst.toolbox(briefing)
        self._journal.append("llm_request", request_body(question, toolbox, decision_id, self.analyst.hash),
                             correlation_id=decision_id, durable=True)  # fmt: skip
        self._out[question.question_id] = _Out(wake, briefing, question, check, news)
        self._ask(question, toolbox, check)
        return None

    async def _memory(self, wake: Wake, briefing: Briefing, state: MarketState | None) -> Memory | None:
        standing = self._journal.expected
        if standing is not None and standing.kind == "memory_used":
            told = standing.body["memory"]
            memory = None if told is None else decode(Memory, told)
        else:
            memory = await self._desk.remember(wake, briefing, state)
        self._journal.append(
            "memory_used", {"decision_id": briefing.decision_id, "memory": memory},
            correlation_id=briefing.decision_id,
        )  # fmt: skip
        return memory

    # ── out ───────────────────────────────────────────────────────────────────

    def decision_of(self, question_id: str) -> str | None:
        """Return the decision that waits for a question's answer, None where none does."""
        out = self._out.get(question_id)
        return None if out is None else out.wake.decision_id

    def abandon(self, question_id: str) -> None:
        """Let a decision go that nobody will answer: it is never taken up again."""
        out = self._out.pop(question_id, None)
        if out is not None:
            self._on_dropped(out.wake)

    async def answer(self, question_id: str, reply: Reply) -> TradeProposal:
        """Return what a reply comes to. Raises KeyError for a question that is not out."""
        out = self._out.pop(question_id)
        for number, call in enumerate(reply.tool_calls):
            self._journal.append(
                "tool_called",
                {"decision_id": out.wake.decision_id, "number": number, "name": call.name, "args": call.args,
                 "failed": call.result.failed, "refs": call.result.refs, "known_ns": call.result.known_ns,
                 "result_sha256": sha256(call.result.text.encode()).hexdigest()},
                correlation_id=out.wake.decision_id,
            )  # fmt: skip
        proposal, problem = self._judged(out, reply)
        if problem is not None:
            await self._failed(problem)
            return self._sized(out, self._instead(out, reply, problem))
        self._failures = 0
        self._told[out.wake.about] = (out.news, out.wake.decision_id)
        return self._sized(out, self._in_time(out, reply, self._named(proposal)))

    def _judged(self, out: _Out, reply: Reply) -> tuple[TradeProposal, str | None]:
        """Return the reply's proposal, and what is wrong with the reply where something is."""
        if reply.draft is None:
            return self._abstain(out.briefing, "model_error", reply.detail), reply.problem or "model_error"
        wrong = list(out.check(reply.draft, reply.tool_calls))
        if not wrong:
            try:
                return self.analyst.proposal(out.briefing, out.question, reply), None
            except ChanflowError as fault:
                wrong = [str(fault)]
        return self._abstain(out.briefing, "invalid_output", wrong[0]), "invalid_output"

    def _in_time(self, out: _Out, reply: Reply, proposal: TradeProposal) -> TradeProposal:
        """Return the proposal, or that the desk abstains, where it came too late to open on."""
        late_ns = self._now_ns() - out.briefing.as_of_ns - out.briefing.valid_for_ns
        if proposal.action not in _OPENS or late_ns <= 0:
            return proposal
        why = (
            f"the answer came {late_ns / NS_PER_S:.1f} s after its window of {out.briefing.valid_for_ns // NS_PER_S} s"
        )
        return self._abstain(out.briefing, "stale_data", why, question=out.question, reply=reply)

    def _sized(self, out: _Out, proposal: TradeProposal) -> TradeProposal:
        """Return the proposal, at half its size where it opens and a layer of memory did not answer."""
        memory = out.briefing.memory
        down = memory is not None and bool(memory.missing)
        if not (down and self._memory_down_halves and proposal.action in _OPENS):
            return proposal
        return replace(proposal, size_share=WITHOUT_MEMORY)

    def _instead(self, out: _Out, reply: Reply, problem: str) -> TradeProposal:
        """Return what is proposed where the model gave nothing: what the rules say, or that the desk abstains."""
        if self._fallback_rules:
            return self._named(propose(self._desk.brief(out.wake)))
        return self._abstain(
            out.briefing, _ABSTAINS[problem], f"{problem}: {reply.detail}"[:600], question=out.question, reply=reply
        )

    async def _failed(self, problem: str) -> None:
        self._failures += 1
        if self._failures < FAILURES_DEMOTE or self.demoted:
            return
        self.demoted = True
        cause = f"{self._failures} failures of the model in a row, the last: {problem}"
        self._journal.append("analyst", {"strategy": self._strategy, "analyst": "rules", "cause": cause}, durable=True)
        await self._desk.alert(
            "critical", "analyst: the rules decide now", f"{self._strategy}: {cause}", f"analyst:{self._strategy}"
        )

    def _abstain(self, briefing: Briefing, reason: AbstainReason, why: str, **of: Any) -> TradeProposal:
        return self._named(self.analyst.abstention(briefing, reason, why, **of))

    def _named(self, proposal: TradeProposal) -> TradeProposal:
        return replace(proposal, strategy=self._strategy)


def wake_of(
    run_id: str, symbol: str, now_ns: int, signal: Signal | None, fired: Fired | None, request: AnalysisRequest | None
) -> Wake:
    """Return what wakes the analyst; exactly one of signal, trigger and request is given."""
    if request is not None:
        return Wake(
            request.decision_id, now_ns, symbol, request.reason, request_id=request.request_id,
            asked_by=request.requested_by, position_id=request.position_id,
        )  # fmt: skip
    if fired is not None:
        decision_id = decision_id_of(run_id, f"{fired.position_id}:{fired.trigger_id}", now_ns)
        return Wake(decision_id, now_ns, symbol, "trigger", fired=fired, position_id=fired.position_id)
    assert signal is not None
    return Wake(decision_id_of(run_id, signal.signal_id, now_ns), now_ns, symbol, "signal", signal=signal)


def decision_id_of(run_id: str, what: str, at_ns: int) -> str:
    """Return the id of a decision: a UUID of version 7 that follows from the run, what woke it and when."""
    digest = sha256(f"decision:{run_id}:{what}:{at_ns}".encode()).digest()
    return str(uuid7_from(at_ns // NS_PER_MS, int.from_bytes(digest[:10]) >> 6))


def news_hash(briefing: Briefing, wake: Wake) -> str:
    """Return the hash of what would be news to whoever decided last.

    Structure, divergences, regime, permission, position and lessons are; the price of the moment alone is not, nor is
    the time.
    """
    permission, position = briefing.permission, briefing.position
    rows = [
        [[row.ref, row.state] for row in rows]
        for view in briefing.levels
        for rows in (view.strokes, view.segments, view.centers, view.points)
    ]
    return sha256_of(
        {
            "rows": rows,
            "trends": [[view.level, view.trend] for view in briefing.levels],
            "divergences": [d.ref for d in briefing.flow_view.divergences] if briefing.flow_view else [],
            "regime": briefing.context.regime if briefing.context else None,
            "may": None if permission is None else [permission.mode, permission.ladder_level, permission.may_open],
            "position": None if position is None else [position.position_id, position.qty_base, position.stop_price],
            "signal": None if wake.signal is None else wake.signal.signal_id,
            "trigger": None if wake.fired is None else wake.fired.trigger_id,
        }
    )


def request_body(question: Question, toolbox: Toolbox, decision_id: str, analyst_hash: str) -> dict[str, Any]:
    """Return the body of an `llm_request` record: the exact prompt, and the hash of all that a model sees."""
    return {
        "question_id": question.question_id,
        "decision_id": decision_id,
        "agent": question.agent,
        "analyst_hash": analyst_hash,
        "prompt_hash": question.prompt_hash,
        "content_hash": content_hash(question, toolbox),
        "as_of_ns": question.as_of_ns,
        "timeout_s": question.timeout_s,
        "max_tokens": question.max_tokens,
        "model": question.model,
        "fallback": question.fallback,
        "temperature": question.temperature,
        "tools": [tool.name for tool in toolbox.specs()],
        "instructions": question.instructions,
        "text": question.text,
    }
