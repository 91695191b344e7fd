"""The part of a trade proposal that a model may write; code adds ids, level and how it came about.

A field that is not here cannot be written, and nothing is longer than it may be.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from chanflow.domain.evidence import REF_PATTERN
from chanflow.domain.opinion import AbstainReason, Action, Side
from chanflow.domain.trigger import MAX_DRAFTED, MAX_NOTE_CHARS, MAX_PRIORITY
from chanflow.domain.trigger_bounds import BOUNDS, TriggerKind

Setup = Literal[
    "buy1_flow", "buy2_flow", "buy3_flow", "sell1_flow", "sell2_flow", "sell3_flow", "buy3_break", "sell3_break",
    "stroke_flow", "management", "other",
]  # fmt: skip
"""The catalogue of setups: statistics are kept by them."""

Amount = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?$"),
    Field(description="a decimal number as text, such as 61250.5"),
]
Moment = Annotated[str, StringConstraints(max_length=40), Field(description="RFC 3339, such as 2026-11-21T12:00:00Z")]
Share = Annotated[float, Field(gt=0, le=1)]
Ref = Annotated[str, StringConstraints(pattern=f"^{REF_PATTERN}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,47}$")]

MAX_SENTENCES = 8
"""So many faults are told at once."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class EntryDraft(_Part):
    """How to get in; a limit has a price, a market order none."""

    type: Literal["market", "limit"]
    price: Amount | None = None
    valid_until: Moment


class StopDraft(_Part):
    """Where the position is given up."""

    price: Amount


class TakeProfitDraft(_Part):
    """Where a share of it leaves with profit."""

    price: Amount
    fraction: Share


TakeProfits = Annotated[list[TakeProfitDraft], Field(max_length=4)]


class StrategyDraft(_Part):
    """How an opening is meant."""

    setup: Setup
    entry: EntryDraft
    stop_loss: StopDraft
    take_profit: Annotated[TakeProfits, Field(min_length=1)]
    invalidation: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class EvidenceDraft(_Part):
    """A claim and the id it rests on."""

    ref: Ref
    claim: Word
    direction: Literal["for", "against"]


class TriggerDraft(_Part):
    """What should wake the desk again."""

    kind: TriggerKind
    params: dict[str, str | int | float | None]
    expires_at: Moment
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE_CHARS)]
    priority: Annotated[int, Field(ge=0, le=MAX_PRIORITY)] = 1


class ChangesDraft(_Part):
    """What an adjust or reduce wants otherwise."""

    stop_price: Amount | None = None
    take_profit: TakeProfits = Field(default=[])
    size_quote: Amount | None = None


class ProposalDraft(_Part):
    """A model's answer."""

    action: Action
    symbol: Annotated[str, StringConstraints(max_length=32)]
    level: Annotated[str, StringConstraints(max_length=8)]
    side: Side | None = None
    size_quote: Amount | None = None
    leverage: Annotated[int, Field(ge=1, le=5)] = 1
    strategy_details: StrategyDraft | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    reasoning: Annotated[str, StringConstraints(max_length=600)]
    reasoning_short: Annotated[str, StringConstraints(max_length=100)]
    evidence: Annotated[list[EvidenceDraft], Field(max_length=12)] = Field(default=[])
    counter_evidence: Annotated[list[EvidenceDraft], Field(max_length=6)] = Field(default=[])
    monitoring_triggers: Annotated[list[TriggerDraft], Field(max_length=MAX_DRAFTED)] = Field(default=[])
    changes: ChangesDraft | None = None
    abstain_reason: AbstainReason | None = None


def draft_schema() -> dict[str, Any]:
    """Return the JSON schema of a draft, without titles; of each kind of trigger it tells the params."""
    schema: dict[str, Any] = _untitled(ProposalDraft.model_json_schema())
    schema["$defs"]["TriggerDraft"]["properties"]["params"]["description"] = _params_words()
    return schema


def draft_of(payload: Mapping[str, Any]) -> ProposalDraft | tuple[str, ...]:
    """Return the draft, or what is wrong with its form, a sentence each; values are not repeated."""
    try:
        return ProposalDraft.model_validate(dict(payload))
    except ValidationError as fault:
        errors = fault.errors(include_url=False, include_input=False, include_context=False)
        return tuple(f"{'.'.join(map(str, e['loc'])) or 'the answer'}: {e['msg']}" for e in errors[:MAX_SENTENCES])


def _untitled(part: Any) -> Any:
    if isinstance(part, dict):
        # A property may itself be called title; a title of the schema is text.
        return {k: _untitled(v) for k, v in part.items() if k != "title" or not isinstance(v, str)}
    return [_untitled(each) for each in part] if isinstance(part, list) else part


def _params_words() -> str:
    """Return what the params of each kind are, from their bounds."""
    kinds = []
    for kind, bounds in BOUNDS.items():
        words = [f"{name}{'?' if bound.optional else ''} {bound}" for name, bound in bounds.items()]
        kinds.append(f"{kind}: {'at (RFC 3339)' if kind == 'time_at' else ', '.join(words) or 'none'}")
    return "; ".join(kinds)
