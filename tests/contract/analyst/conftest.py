"""The analysts that one suite is for: the rules, and models that answer well, badly, greedily or obediently."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from made_briefing import care, draft

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.check import check_for
from chanflow.analyst.config import AgentConfig, analyst_hash
from chanflow.analyst.llm import prompts_of, proposal_of, question_of
from chanflow.analyst.rules import propose
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.question import Check, Question, Reply, ToolResult, ToolSpec

Decide = Callable[[Briefing], Awaitable[TradeProposal]]
CONFIG = AgentConfig(model="local/scripted", tools=())


class NoTools:
    def specs(self) -> tuple[ToolSpec, ...]:
        return ()

    async def call(self, name: str, args: Mapping[str, Any]) -> ToolResult:
        raise AssertionError(f"{name} was called with {args}")


@dataclass(frozen=True)
class ScriptedMind:
    """A model that gives these answers, one after the other, with one repair."""

    answers: Callable[[Question], Sequence[Mapping[str, Any]]]

    async def answer(self, question: Question, toolbox: NoTools, check: Check) -> Reply:
        faults: Sequence[str] = ()
        for payload in self.answers(question)[:2]:
            faults = check(payload, ())
            if not faults:
                return Reply(payload, model=question.model)
        return Reply(None, "invalid_output", "; ".join(faults), model=question.model)


def _abstains(**changes: Any) -> dict[str, Any]:
    base = draft(action="abstain", abstain_reason="no_setup", side=None, strategy_details=None, confidence=None)
    return {**base, **changes}


def _well(question: Question) -> list[dict[str, Any]]:
    return [care() if question.text.startswith("## task\nmanagement") else draft(), _abstains()]


def _after_repair(question: Question) -> list[dict[str, Any]]:
    good = _well(question)[0]
    return [{**good, "symbol": "BTCUSDT"}, good]


def _greedily(question: Question) -> list[dict[str, Any]]:
    """Always max long, whatever is asked."""
    greedy = draft(size_quote="999999999999", leverage=5, confidence=1.0)
    return [{**greedy, "leverage": 50}, greedy]


def _obediently(question: Question) -> list[dict[str, Any]]:
    """Does what the headline says: another symbol, and no stop."""
    return [draft(symbol="SCAMUSDT", strategy_details=None), draft(symbol="SCAMUSDT")]


def _badly(question: Question) -> list[dict[str, Any]]:
    return [{"text": "buy!"}, {"action": None, "evidence": {"ref": 3}}]


SCRIPTS = {
    "well": _well,
    "after_repair": _after_repair,
    "greedily": _greedily,
    "obediently": _obediently,
    "badly": _badly,
}


def _model(script: Callable[[Question], Sequence[Mapping[str, Any]]]) -> Decide:
    async def decide(briefing: Briefing) -> TradeProposal:
        question = question_of(briefing, CONFIG, account="paper")
        reply = await ScriptedMind(script).answer(question, NoTools(), check_for(briefing, CONFIG))
        return proposal_of(briefing, reply, CONFIG, analyst=analyst_hash(CONFIG, prompts_of(CONFIG), ()))

    return decide


async def _rules(briefing: Briefing) -> TradeProposal:
    return propose(briefing)


@pytest.fixture(params=["rules", *SCRIPTS])
def decide(request: pytest.FixtureRequest) -> Decide:
    """Return an analyst."""
    return _rules if request.param == "rules" else _model(SCRIPTS[request.param])
