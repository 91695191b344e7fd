"""From a briefing to a question to a model, and from its reply to a proposal. Whoever runs it asks a `Mind` in between.

```
question = question_of(briefing, config, account=…)           raises BudgetSpent
reply = await mind.answer(question, toolbox, check_for(briefing, config))
proposal = proposal_of(briefing, reply, config, analyst=analyst_hash(…))
```
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from chanflow.analyst.answers import abstention, answer
from chanflow.analyst.briefing import Briefing
from chanflow.analyst.check import triggers_of
from chanflow.analyst.config import AgentConfig
from chanflow.analyst.draft import EvidenceDraft, ProposalDraft, StrategyDraft, TakeProfitDraft, draft_of, draft_schema
from chanflow.analyst.rendering import rendered, tokens_of
from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import BudgetSpent, OpinionInvalid, SettingsInvalid
from chanflow.domain.opinion import AbstainReason, Changes, Evidence, Meta, TakeProfit, TradeProposal
from chanflow.domain.prompt import Prompt, filled, load_prompt
from chanflow.domain.question import Problem, Question, Reply
from chanflow.domain.time import NS_PER_S, parse_rfc3339

ROOM = "chanflow.analyst"
PROMPTS = ("entry", "management")
"""The analyst's prompts: both are part of what makes it the analyst it is."""

_REASONS: dict[Problem, AbstainReason] = {
    "model_error": "model_error", "timeout": "model_error", "invalid_output": "invalid_output", "budget": "budget",
}  # fmt: skip


def prompts_of(config: AgentConfig) -> tuple[Prompt, ...]:
    """Return the prompts an analyst works by, for `analyst_hash`; none where rules decide."""
    return tuple(load_prompt(ROOM, name, config.language) for name in PROMPTS) if config.models else ()


def prompt_for(briefing: Briefing, config: AgentConfig) -> Prompt:
    """Return the prompt of a briefing's kind."""
    return load_prompt(ROOM, "management" if briefing.management else "entry", config.language)


def question_of(briefing: Briefing, config: AgentConfig, *, account: str) -> Question:
    """Return what to ask, with the time that is left until the task is due.

    Raises BudgetSpent where the text alone would pass the tokens of a run, SettingsInvalid where rules decide.
    """
    if not config.models:
        raise SettingsInvalid("the analyst's model is rules: there is nobody to ask")
    prompt, shown = prompt_for(briefing, config), rendered(briefing)
    instructions = filled(prompt, {"tools": ", ".join(config.tools) or "none"})
    output = draft_schema()
    tokens, most = tokens_of(instructions) + shown.tokens + tokens_of(canonical_json(output)), config.quota
    if tokens > most.max_tokens_per_run:
        raise BudgetSpent(f"the question may have {tokens} tokens, a run may have {most.max_tokens_per_run}")
    return Question(
        question_id=briefing.decision_id,
        agent="analyst",
        account=account,
        model=config.models[0],
        instructions=instructions,
        prompt_hash=prompt.hash,
        text=shown.text,
        output_name=prompt.output,
        output=output,
        as_of_ns=briefing.as_of_ns,
        timeout_s=_time_left_s(briefing, config),
        fallback=config.models[1:],
        temperature=config.temperature,
        max_tokens=most.max_tokens_per_run,
    )


def proposal_of(briefing: Briefing, reply: Reply, config: AgentConfig, *, analyst: str) -> TradeProposal:
    """Return what a reply comes to: a proposal, or why there is none. `analyst` is its `analyst_hash`.

    Raises OpinionInvalid for a draft that has not passed `check_for`.
    """
    meta = meta_of(briefing, reply, config, analyst=analyst)
    if reply.draft is None:
        reason: AbstainReason = "model_error" if reply.problem is None else _REASONS[reply.problem]
        return abstention(briefing, reason, reply.detail, meta=meta)
    draft = draft_of(reply.draft)
    if not isinstance(draft, ProposalDraft):
        raise OpinionInvalid(f"the draft of {briefing.decision_id} is none: {draft[0]}")
    return replace(
        _with_strategy(_told(briefing, draft), draft.strategy_details),
        changes=_changes(draft),
        triggers=triggers_of(draft, briefing),
        analyst="llm",
        meta=meta,
    )


def meta_of(briefing: Briefing, reply: Reply, config: AgentConfig, *, analyst: str) -> Meta:
    """Return how a reply came about."""
    return Meta(
        model=reply.model or (config.models[0] if config.models else config.model),
        analyst_hash=analyst,
        prompt_hash=prompt_for(briefing, config).hash,
        briefing_hash=rendered(briefing).hash,
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
        cost_usd=reply.cost_usd,
        latency_ms=reply.latency_ms,
        turns=len(reply.exchanges),
        cassette_keys=tuple(exchange.key for exchange in reply.exchanges),
    )


def _time_left_s(briefing: Briefing, config: AgentConfig) -> float:
    due_ns = None if briefing.task is None else briefing.task.deadline_ns
    if due_ns is None:
        return config.timeout_s
    return min(config.timeout_s, max(0.001, (due_ns - briefing.as_of_ns) / NS_PER_S))


def _told(briefing: Briefing, draft: ProposalDraft) -> TradeProposal:
    """Return what every action has."""
    return replace(
        answer(briefing, draft.action, reasoning=draft.reasoning),
        side=draft.side,
        size_quote=None if draft.size_quote is None else Decimal(draft.size_quote),
        leverage=draft.leverage,
        confidence=draft.confidence,
        evidence=_evidence(draft.evidence),
        counter_evidence=_evidence(draft.counter_evidence),
        reasoning_short=draft.reasoning_short,
        abstain_reason=draft.abstain_reason,
    )


def _with_strategy(proposal: TradeProposal, details: StrategyDraft | None) -> TradeProposal:
    if details is None:
        return proposal
    profits = _profits(details.take_profit)
    return replace(
        proposal,
        setup=details.setup,
        entry_price=None if details.entry.price is None else Decimal(details.entry.price),
        stop_price=Decimal(details.stop_loss.price),
        take_profit_price=profits[0].price,
        take_profits=profits,
        valid_until_ns=parse_rfc3339(details.entry.valid_until),
        invalidation=details.invalidation,
    )


def _evidence(drafts: list[EvidenceDraft]) -> tuple[Evidence, ...]:
    return tuple(Evidence(each.ref, each.claim, each.direction) for each in drafts)


def _profits(drafts: list[TakeProfitDraft]) -> tuple[TakeProfit, ...]:
    return tuple(TakeProfit(Decimal(each.price), Decimal(repr(each.fraction))) for each in drafts)


def _changes(draft: ProposalDraft) -> Changes | None:
    changes = draft.changes
    if changes is None:
        return None
    return Changes(
        None if changes.stop_price is None else Decimal(changes.stop_price),
        _profits(changes.take_profit),
        None if changes.size_quote is None else Decimal(changes.size_quote),
    )
