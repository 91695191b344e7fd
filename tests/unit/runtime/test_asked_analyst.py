"""The whole loop with a scripted model: every answer ends in a vetted order, a refusal or a typed abstention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import settings
from made_briefing import full
from made_desk import MARKET, NOW, SIM, account
from made_drafts import abstains, goes_long, lies_about_prices, max_long, obeys_the_text, scrambled
from made_model import ModelDesk, NoTools, ScriptedMind

from chanflow.analyst.config import AgentConfig, Quota
from chanflow.domain.command import AnalysisCommand
from chanflow.domain.order import ApprovedOrder
from chanflow.domain.question import Question, Reply
from chanflow.review.decision import cards, ended, lines_of
from chanflow.review.explain import explain
from chanflow.risk.gate import Gate
from chanflow.risk.limits import Limits
from chanflow.runtime.asked_analyst import AskedAnalyst
from chanflow.runtime.reply_record import reply_of, response_body

D = Decimal
MADE_UP = {"ref": "stroke#999", "claim": "made_up", "direction": "for"}


def analyst(**changes: Any) -> AskedAnalyst:
    return AskedAnalyst(
        AgentConfig(**{"model": "scripted/one", **changes}), "paper", (), lambda _briefing, _future: NoTools()
    )


def desk(folder: Path, script: Callable[[Question], Any], **more: Any) -> ModelDesk:
    return ModelDesk(folder, ScriptedMind(script), analyst=analyst(), **more)


def asks(at_s: float, number: int = 0) -> tuple[float, AnalysisCommand]:
    return at_s, AnalysisCommand(f"ask-{number}", "SIMUSDT", "tester")


def never_unvetted(run: ModelDesk) -> None:
    """Every order that was sent has an approval, and no loss at a stop is beyond the gate's bound."""
    approved = {r.body["approved_id"] for r in run.records("approved_order")}
    for intent in run.records("order_intent"):
        assert intent.body["approved_id"] in approved
    for record in run.records("approved_order"):
        terms = record.body["terms"]
        if terms["reduce_only"]:
            continue
        price = D(terms["limit_price"] or run.pipeline.last_price)
        loss = abs(price - D(terms["stop_price"])) * D(terms["qty_base"])
        assert loss <= D("0.03") * D(10_000)
        assert terms["leverage"] <= 3
        assert D(terms["qty_base"]) * price <= D("0.30") * D(10_000) * D("1.01")


def test_a_sound_answer_becomes_an_order_with_a_card(tmp_path: Path) -> None:
    run = desk(tmp_path, goes_long).run()
    assert run.records("fill")
    never_unvetted(run)
    decision = run.records("approved_order")[0].correlation_id
    [card] = cards(run.records(), (decision,))
    words = "\n".join(lines_of(card))
    assert "You are the analyst of a trading desk" in words
    assert "## task\nentry of SIMUSDT, level 5s" in words
    assert "for      flow_confirms: flow@" in words
    assert "cost: 0.001 USD, 100 tokens in, 20 out, 1 calls, 1500 ms" in words
    assert "gate: approved: buy" in words
    assert "  limit: quantity" in words
    assert run.replayed().records == len(run.records())


def test_a_masked_model_trades_the_true_market_without_seeing_it(tmp_path: Path) -> None:
    hidden = analyst(masked=True, tools=())
    run = ModelDesk(tmp_path, ScriptedMind(goes_long), analyst=hidden).run()
    texts = [question.text for question in run.mind.asked]
    assert texts
    assert not any("SIMUSDT" in text or "2026" in text for text in texts)
    opened = [p for p in run.proposals() if p["action"] == "open_long"]
    assert opened
    marks = {r.body["symbol"] for r in run.records("trade_proposal")}
    assert marks == {"SIMUSDT"}
    assert run.records("fill")
    never_unvetted(run)
    assert run.replayed().records == len(run.records())
    assert hidden.hash != analyst(tools=()).hash


def test_explain_leads_from_data_to_fill(tmp_path: Path) -> None:
    run = desk(tmp_path, goes_long).run()
    decision = run.records("approved_order")[0].correlation_id
    kinds = [link.kind for link in explain(run.records(), decision)]
    way = ["stroke", "signal", "decision_started", "briefing", "memory_used", "llm_request", "llm_response",
           "trade_proposal", "judged", "approved_order", "order_intent", "fill"]  # fmt: skip
    assert sorted(way, key=kinds.index) == way


def test_an_abstention_has_a_card_too(tmp_path: Path) -> None:
    run = desk(tmp_path, abstains, given=[asks(200.0)], duration_s=300).run()
    [request] = run.records("analysis_request")
    [card] = cards(run.records(), (request.correlation_id,))
    assert any(line.startswith("llm answers: abstain (no_setup)") for line in lines_of(card))
    assert ended(run.records(), request.correlation_id)
    assert explain(run.records(), request.correlation_id)[0].kind == "analysis_request"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (lies_about_prices, "invalid_output"),
        (obeys_the_text, "invalid_output"),
        (lambda q: goes_long(q, evidence=[MADE_UP]), "invalid_output"),
        (lambda q: goes_long(q, leverage=50), "invalid_output"),
        (lambda q: goes_long(q, tool="execute_trade"), "invalid_output"),
        (lambda q: Reply(None, "budget", "spent"), "budget"),
    ],
)
def test_an_answer_that_is_not_sound_opens_nothing(tmp_path: Path, script: Any, reason: str) -> None:
    run = desk(tmp_path, script).run()
    assert {(p["action"], p["abstain_reason"]) for p in run.proposals()} == {("abstain", reason)}
    assert run.records("order_intent") == []
    assert run.replayed().records == len(run.records())


def test_whoever_is_always_max_long_is_bounded_by_the_gate(tmp_path: Path) -> None:
    run = desk(tmp_path, max_long, duration_s=1_800).run()
    assert run.records("approved_order")
    never_unvetted(run)
    assert D(run.records("account")[-1].body["equity_quote"]) > D(9_500)


def test_a_question_that_is_too_long_is_not_asked(tmp_path: Path) -> None:
    poor = analyst(quota=Quota(max_tokens_per_run=500))
    run = ModelDesk(tmp_path, ScriptedMind(goes_long), analyst=poor, given=[asks(200.0)], duration_s=300).run()
    assert [p["abstain_reason"] for p in run.proposals()] == ["budget"]
    assert run.mind.asked == []


def test_a_desk_that_is_told_nonsense_stays_within_its_bound(tmp_path: Path) -> None:
    chance = Random(11)
    given = [asks(100.0 + n, n) for n in range(60)]
    run = desk(tmp_path, lambda q: scrambled(q, chance), given=given, duration_s=180).run()
    never_unvetted(run)
    assert D(run.records("account")[-1].body["equity_quote"]) > D(9_400)


def fuzz(drafts: int, seed: int) -> int:
    """Put scrambled drafts to check and gate, one after the other; returns how many were approved."""
    chance, asker, approved = Random(seed), analyst(), 0
    told = full(bid=D("99.99"), ask=D("100.01"))
    question, check = asker.question(told)
    for number in range(drafts):
        body = response_body("q", "d", Reply(scrambled(question, chance), model="scripted/one"), NOW)
        reply = reply_of(body)
        if reply.draft is None or check(reply.draft, ()):
            continue
        proposal = replace(asker.proposal(told, question, reply), proposal_id=f"p{number}")
        gate = Gate(instruments={"SIMUSDT": SIM}, limits=Limits(), key=b"k" * 32, level="L3")
        verdict = gate.judge(proposal, account(), MARKET, now_ns=NOW)
        if isinstance(verdict, ApprovedOrder):
            approved += 1
            within_bound(verdict)
    return approved


def within_bound(order: ApprovedOrder) -> None:
    terms, equity = order.terms, account().equity_quote
    assert terms.stop_price is not None
    price = max(terms.limit_price or D(0), D("100.01")) if terms.side == "buy" else D("99.99")
    assert abs(price - terms.stop_price) * terms.qty_base <= D("0.03") * equity
    assert terms.qty_base * price <= D("0.30") * equity
    assert terms.leverage <= 3


def test_scrambled_drafts_never_pass_the_gate_s_bound() -> None:
    assert fuzz(1_500, seed=5) > 20


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_many_scrambled_drafts_never_pass_the_gate_s_bound() -> None:
    """A hundred thousand with `make properties`."""
    drafts = max(5_000, 10 * settings().max_examples)
    assert fuzz(drafts, seed=6) > drafts // 100
