"""Minds and an analyst of few words, and a paper desk on the synthetic market whose decisions they take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from made_commands import PRIOR, _fresh, _Mortal

from chanflow.analyst.briefing import Briefing
from chanflow.domain.command import Command, CommandAnswer
from chanflow.domain.errors import InvalidArgument, OpinionInvalid
from chanflow.domain.opinion import AbstainReason, TradeProposal
from chanflow.domain.question import Check, Exchange, Question, Reply, Toolbox, ToolCall, ToolResult, ToolSpec
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.market.synthetic import START_NS, SyntheticSource
from chanflow.review.journal import Record, read_records
from chanflow.runtime.clock import SystemClock
from chanflow.runtime.command_queue import CommandQueue
from chanflow.runtime.model_parts import ModelParts
from chanflow.runtime.run import Replayed, play, replay
from chanflow.runtime.settings import load_settings
from chanflow.runtime.thinking import Thinker
from chanflow.runtime.wiring import RunSpec

D = Decimal


class NoTools:
    """A toolbox with nothing in it."""

    def specs(self) -> tuple[ToolSpec, ...]:
        return ()

    async def call(self, name: str, args: Mapping[str, Any]) -> ToolResult:
        del args
        raise InvalidArgument(f"there is no tool {name}", field="name")


class PlainAnalyst:
    """Asks in one line, and takes a draft of action, stop and target as it stands."""

    hash = "plain" * 8

    def question(self, briefing: Briefing) -> tuple[Question, Check]:
        text = f"{briefing.symbol} at {briefing.level}: bid {briefing.bid}, ask {briefing.ask}"
        question = Question(
            question_id=briefing.decision_id, agent="analyst", account="paper", model="scripted/one",
            instructions="Propose.", prompt_hash="0" * 64, text=text, output_name="proposal",
            output={"type": "object"}, as_of_ns=briefing.as_of_ns, timeout_s=0.2,
        )  # fmt: skip
        return question, self._check

    @staticmethod
    def _check(draft: Mapping[str, Any], calls: Sequence[ToolCall]) -> Sequence[str]:
        del calls
        known = ("open_long", "open_short", "close", "hold", "abstain")
        return [] if draft.get("action") in known else [f"action is none of {', '.join(known)}"]

    def toolbox(self, briefing: Briefing) -> Toolbox:
        del briefing
        return NoTools()

    def proposal(self, briefing: Briefing, question: Question, reply: Reply) -> TradeProposal:
        draft = reply.draft or {}
        action = str(draft["action"])
        opens = action in ("open_long", "open_short")
        try:
            prices = {name: D(str(draft[name])) if name in draft else None for name in ("entry", "stop", "target")}
        except ArithmeticError as fault:
            raise OpinionInvalid("a price is no number") from fault
        base = self.abstention(briefing, "no_setup", "")
        return replace(
            base, action=action, abstain_reason="no_setup" if action == "abstain" else None,
            side=("buy" if action == "open_long" else "sell") if opens else None,
            size_quote=D(str(draft["size"])) if opens and "size" in draft else None,
            leverage=int(draft.get("leverage", 1)), entry_price=prices["entry"], stop_price=prices["stop"],
            take_profit_price=prices["target"], confidence=draft.get("confidence", 0.9),
            reasoning=str(draft.get("why", "")),
        )  # fmt: skip

    def abstention(
        self, briefing: Briefing, reason: AbstainReason, why: str, *, question: Question | None = None,
        reply: Reply | None = None,
    ) -> TradeProposal:  # fmt: skip
        del question, reply
        return TradeProposal(
            proposal_id=f"proposal-{briefing.decision_id}", decision_id=briefing.decision_id,
            kind="management" if briefing.management else "entry", action="abstain", symbol=briefing.symbol,
            level=briefing.level, setup="other", side=None, size_quote=None, leverage=1, entry_price=None,
            stop_price=None, take_profit_price=None, valid_until_ns=briefing.as_of_ns + briefing.valid_for_ns,
            confidence=None, reasoning=why, invalidation="", abstain_reason=reason, analyst="llm",
            position_id=briefing.position.position_id if briefing.position else None,
        )  # fmt: skip


Draft = Callable[[Question], Mapping[str, Any]]


@dataclass
class ScriptedMind:
    """Answers each question by a function of it; `asked` counts. What is a reply already is given as it is."""

    script: Callable[[Question], Any]
    latency_ms: int = 1_500
    asked: list[Question] = field(default_factory=list)
    moment: Callable[[], int] | None = None
    """The market's time, where the desk keeps one: the answer comes as late in it as its latency says."""

    async def answer(self, question: Question, toolbox: Toolbox, check: Check) -> Reply:
        del toolbox, check
        self.asked.append(question)
        await asyncio.sleep(0)
        while self.moment is not None and self.moment() < question.as_of_ns + self.latency_ms * NS_PER_MS:  # noqa: ASYNC110
            await asyncio.sleep(0)
        said = self.script(question)
        if isinstance(said, BaseException):
            raise said
        if isinstance(said, Reply):
            return said
        exchange = Exchange(question.model, "k" * 64, question.text, str(said), None, 100, 20, D("0.001"), 900)
        return Reply(said, model=question.model, latency_ms=self.latency_ms, exchanges=(exchange,))


def long_at_market(question: Question) -> Mapping[str, Any]:
    """A long with exits about 2 % away, whatever the briefing says."""
    ask = D(question.text.rpartition(" ")[2])
    return {"action": "open_long", "stop": str(round(ask * D("0.98"), 2)), "target": str(round(ask * D("1.03"), 2))}


@dataclass
class ModelDesk:
    """One run of a desk whose decisions a mind takes. `given` are commands by the second of the market."""

    folder: Path
    mind: ScriptedMind
    given: Sequence[tuple[float, Command]] = ()
    seed: int = 7
    duration_s: int = 1_200
    level: str = "5s"
    kill_after: int | None = None
    overrides: tuple[str, ...] = ()
    fallback_rules: bool = False
    real_time: bool = False
    from_s: float = 0.0
    """The hours before are over: the desk only catches up with them."""
    thinker: Thinker | None = None
    analyst: Any = field(default_factory=PlainAnalyst)
    answers: list[CommandAnswer | BaseException] = field(default_factory=list)
    pipeline: Any = None

    @property
    def journal(self) -> Path:
        return self.folder / "journal.jsonl"

    def records(self, kind: str | None = None) -> list[Record]:
        return [r for r in read_records(self.journal, torn_tail=True) if kind in (None, r.kind)]

    def kinds(self) -> list[str]:
        return [record.kind for record in self.records()]

    def proposals(self) -> list[Any]:
        return [record.body for record in self.records("trade_proposal")]

    def parts(self, settings: Any, symbol: str) -> ModelParts:
        del settings, symbol
        return ModelParts(self.analyst, self.mind, fallback_rules=self.fallback_rules)

    def run(self) -> ModelDesk:
        """Run to the end; a journal that stands is gone on with."""
        asyncio.run(self._run())
        return self

    def replayed(self) -> Replayed:
        """Run the journal again, nobody being asked."""
        return asyncio.run(replay(self.journal, data=None, make_model=self.parts))

    async def _run(self) -> None:
        settings = load_settings(config=None, overrides=(PRIOR, *self.overrides), environ={"HOME": "/"}).settings
        spec = RunSpec(f"model-{self.seed}", self.seed, self.level, settings)
        standing = self.records() if self.journal.exists() else []
        journal = _Mortal(self.journal, standing=standing, dies_after=self.kill_after)
        moment = START_NS
        from_ns = START_NS + int(self.from_s * NS_PER_S)
        live = bool(self.given) or self.real_time
        queue = CommandQueue(SystemClock(), lambda: moment, from_ns=from_ns) if live else None
        self.mind.moment = None if queue is None else lambda: moment
        waiting = [(START_NS + int(at_s * NS_PER_S), command) for at_s, command in self.given]
        asked: list[asyncio.Task[CommandAnswer]] = []

        async def pace(until_ns: int) -> None:
            nonlocal moment
            moment = until_ns
            if queue is None:
                return
            while waiting and waiting[0][0] <= until_ns and not journal.behind:
                moment, command = waiting.pop(0)
                asked.append(asyncio.create_task(queue.submit(command)))
                await asyncio.sleep(0)
                if not waiting or waiting[0][0] != moment:
                    return
            for _ in range(4):
                await asyncio.sleep(0)

        try:
            self.pipeline, _ = await play(
                spec, SyntheticSource(self.seed, duration_s=self.duration_s), journal,
                bus_path=_fresh(self.folder / "bus.db"), lake=None, on_progress=lambda _: None, pace=pace, queue=queue,
                make_model=self.parts, thinker=self.thinker,
            )  # fmt: skip
        finally:
            journal.close()
            self.answers = list(await asyncio.gather(*asked, return_exceptions=True))
