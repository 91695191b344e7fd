"""How every analyst's answer is made: the ids follow from the decision, the symbol and level from the briefing."""

from __future__ import annotations

from dataclasses import replace
from uuid import NAMESPACE_OID, uuid5

from chanflow.analyst.briefing import Briefing
from chanflow.domain.opinion import AbstainReason, Action, Meta, TradeProposal

MAX_REASONING = 600
"""Characters of the words for people."""


def answer(briefing: Briefing, action: Action, *, reasoning: str) -> TradeProposal:
    """Return an answer that asks for no order yet."""
    return TradeProposal(
        proposal_id=str(uuid5(NAMESPACE_OID, f"proposal:{briefing.decision_id}")),
        decision_id=briefing.decision_id,
        kind="management" if briefing.management else "entry",
        action=action,
        symbol=briefing.symbol,
        level=briefing.level,
        setup=(briefing.signal.setup or "flow") if briefing.signal else "management" if briefing.management else "none",
        side=None,
        size_quote=None,
        leverage=1,
        entry_price=None,
        stop_price=None,
        take_profit_price=None,
        valid_until_ns=briefing.as_of_ns + briefing.valid_for_ns,
        confidence=None,
        reasoning=reasoning[:MAX_REASONING],
        invalidation="",
        position_id=briefing.position.position_id if briefing.position else None,
        strategy=briefing.strategy,
    )


def abstention(briefing: Briefing, reason: AbstainReason, detail: str, *, meta: Meta | None = None) -> TradeProposal:
    """Return that nothing is proposed, and why; with `meta` it is a model's or its failure's, else the rules'."""
    made = answer(briefing, "abstain", reasoning=detail)
    return replace(made, abstain_reason=reason, analyst="rules" if meta is None else "llm", meta=meta)
