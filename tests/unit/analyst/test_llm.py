from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

import pytest
from made_briefing import care, draft, full, managed, short_of_time
from made_desk import NOW, D

from chanflow.analyst.answers import abstention
from chanflow.analyst.check import check_for
from chanflow.analyst.config import AgentConfig, Quota
from chanflow.analyst.draft import draft_schema
from chanflow.analyst.llm import meta_of, prompt_for, prompts_of, proposal_of, question_of
from chanflow.analyst.rendering import rendered
from chanflow.domain.errors import BudgetSpent, OpinionInvalid, SettingsInvalid
from chanflow.domain.opinion import Changes, Evidence, TakeProfit
from chanflow.domain.prompt import load_prompt
from chanflow.domain.question import Exchange, Reply
from chanflow.domain.trigger import PriceCross

CONFIG = AgentConfig(model="local/qwen", fallback=("far/other", "rules"), tools=("get_klines",), language="zh")
EXCHANGES = (
    Exchange("local/qwen", "k1", "{}", "{}", None, 900, 90, Decimal("0.001"), 700),
    Exchange("local/qwen", "k2", "{}", "{}", None, 1_000, 100, Decimal("0.002"), 800),
)


def reply(**changes: object) -> Reply:
    return replace(Reply(draft(), model="local/qwen", latency_ms=1_500, exchanges=EXCHANGES), **changes)


# ── the question ──────────────────────────────────────────────────────────────


def test_a_question_carries_briefing_prompt_and_schema() -> None:
    asked = question_of(full(), CONFIG, account="paper")
    assert (asked.question_id, asked.agent, asked.account, asked.as_of_ns) == ("d1", "analyst", "paper", NOW)
    assert (asked.model, asked.fallback) == ("local/qwen", ("far/other",))
    assert asked.text == rendered(full()).text
    assert asked.prompt_hash == load_prompt("chanflow.analyst", "entry", "zh").hash
    assert "get_klines" in asked.instructions
    assert "{{" not in asked.instructions
    assert (asked.output_name, asked.output) == ("ProposalDraft", draft_schema())


def test_a_standing_position_has_a_prompt_of_its_own() -> None:
    assert prompt_for(managed(), CONFIG).name == "management"
    assert prompt_for(full(), CONFIG).name == "entry"
    assert [prompt.name for prompt in prompts_of(CONFIG)] == ["entry", "management"]
    assert prompts_of(AgentConfig()) == ()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_without_tools_the_prompt_says_none(language: str) -> None:
    asked = question_of(full(), replace(CONFIG, tools=(), language=language), account="paper")
    assert "none" in asked.instructions


def test_a_question_too_long_for_its_run_costs_nothing() -> None:
    with pytest.raises(BudgetSpent, match=r"the question may have \d+ tokens, a run may have 2000"):
        question_of(full(), replace(CONFIG, quota=Quota(max_tokens_per_run=2_000)), account="paper")


def test_the_fullest_question_fits_the_default_run() -> None:
    config = AgentConfig(model="local/qwen")
    for made in (full(), managed()):
        asked = question_of(made, config, account="paper")
        size = sum(len(text.encode()) for text in (asked.instructions, json.dumps(asked.output)))
        assert size + 6_000 < config.quota.max_tokens_per_run


def test_rules_are_not_asked() -> None:
    with pytest.raises(SettingsInvalid, match="nobody to ask"):
        question_of(full(), AgentConfig(), account="paper")


def test_a_question_is_given_up_when_its_task_is_due() -> None:
    assert question_of(full(), CONFIG, account="paper").timeout_s == 60
    assert question_of(short_of_time(7), CONFIG, account="paper").timeout_s == 7
    assert question_of(full(task=None), CONFIG, account="paper").timeout_s == 60


# ── the proposal ──────────────────────────────────────────────────────────────


def test_a_draft_becomes_a_proposal_with_what_code_adds() -> None:
    made = proposal_of(full(), reply(), CONFIG, analyst="a" * 64)
    assert check_for(full(), CONFIG)(draft(), ()) == ()
    assert (made.proposal_id, made.decision_id) == (str(uuid5(NAMESPACE_OID, "proposal:d1")), "d1")
    assert (made.kind, made.action, made.side, made.setup) == ("entry", "open_long", "buy", "buy2_flow")
    assert (made.size_quote, made.leverage, made.confidence) == (D(1500), 2, 0.66)
    assert (made.entry_price, made.stop_price, made.take_profit_price) == (D("100.05"), D("98.90"), D("102.2"))
    assert made.take_profits == (TakeProfit(D("102.2"), D("0.6")), TakeProfit(D(103), D("0.4")))
    assert made.valid_until_ns == NOW + 8 * 10**9
    assert made.evidence == (Evidence("point:buy2@5s#4", "second_buy_confirmed", "for"),)
    assert made.counter_evidence[0].direction == "against"
    assert [(t.kind, t.params) for t in made.triggers] == [("price_cross", PriceCross(D("101.15"), "up"))]
    assert (made.analyst, made.strategy, made.position_id) == ("llm", "default", None)


def test_what_it_took_is_written_by_code() -> None:
    made = proposal_of(full(), reply(), CONFIG, analyst="a" * 64).meta
    assert made is not None
    assert made == meta_of(full(), reply(), CONFIG, analyst="a" * 64)
    assert (made.model, made.analyst_hash, made.turns, made.cassette_keys) == ("local/qwen", "a" * 64, 2, ("k1", "k2"))
    assert (made.tokens_in, made.tokens_out, made.cost_usd, made.latency_ms) == (1_900, 190, Decimal("0.003"), 1_500)
    assert made.briefing_hash == rendered(full()).hash
    assert made.prompt_hash == load_prompt("chanflow.analyst", "entry", "zh").hash


def test_a_change_names_its_position() -> None:
    made = proposal_of(managed(), reply(draft=care()), CONFIG, analyst="a")
    assert (made.kind, made.action, made.position_id) == ("management", "adjust", "position-1")
    assert made.changes == Changes(stop_price=D("99.5"))
    smaller = care(action="reduce", changes={"size_quote": "500", "take_profit": []})
    assert proposal_of(managed(), reply(draft=smaller), CONFIG, analyst="a").changes == Changes(size_quote=D(500))


@pytest.mark.parametrize(
    ("problem", "reason"),
    [("model_error", "model_error"), ("timeout", "model_error"), ("invalid_output", "invalid_output"),
     ("budget", "budget")],
)  # fmt: skip
def test_without_a_draft_the_analyst_abstains_and_says_why(problem: str, reason: str) -> None:
    made = proposal_of(full(), reply(draft=None, problem=problem, detail="no luck"), CONFIG, analyst="a")
    assert (made.action, made.abstain_reason, made.reasoning) == ("abstain", reason, "no luck")
    assert (made.analyst, made.entry_price, made.triggers) == ("llm", None, ())
    assert made.meta is not None
    assert made.meta.tokens_in == 1_900


def test_a_draft_that_was_not_checked_is_refused() -> None:
    with pytest.raises(OpinionInvalid, match="leverage"):
        proposal_of(full(), reply(draft=draft(leverage=50)), CONFIG, analyst="a")


def test_an_abstention_of_code_is_short_and_free() -> None:
    made = abstention(full(), "stale_data", "x" * 900)
    assert (made.action, made.abstain_reason, made.analyst, made.meta) == ("abstain", "stale_data", "rules", None)
    assert len(made.reasoning) == 600


# ── the schema ────────────────────────────────────────────────────────────────


def test_the_schema_has_no_field_that_code_writes_and_no_titles() -> None:
    schema = draft_schema()
    names = set(schema["properties"])
    assert not names & {"proposal_id", "decision_id", "kind", "analyst", "meta", "strategy", "position_id", "venue"}
    assert schema["additionalProperties"] is False
    assert '"title"' not in json.dumps(schema)


def test_the_schema_tells_the_params_of_every_trigger() -> None:
    words = draft_schema()["$defs"]["TriggerDraft"]["properties"]["params"]["description"]
    assert "price_cross: price above" in words or "price_cross: price from" in words
    assert "time_at: at (RFC 3339)" in words
