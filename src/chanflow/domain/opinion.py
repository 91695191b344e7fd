"""What an analyst proposes: a trade, its reasons, and what should wake it again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from chanflow.domain.trigger import Trigger

Side = Literal["buy", "sell"]
Action = Literal["open_long", "open_short", "close", "reduce", "adjust", "hold", "abstain"]
AbstainReason = Literal[
    "no_setup", "stale_data", "conflict", "budget", "model_error", "invalid_output", "injection_suspected"
]
Analyst = Literal["llm", "rules", "manual"]
TimeInForce = Literal["gtc", "ioc"]
"""What becomes of what a priced order cannot take at once: it rests until cancelled, or it is let go."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A claim and the structure, feature or case it rests on."""

    ref: str
    claim: str
    direction: Literal["for", "against"]


@dataclass(frozen=True, slots=True)
class TakeProfit:
    """Where a share of a position is to leave with profit; `fraction` is of the position as opened, 0 to 1."""

    price: Decimal
    fraction: Decimal


@dataclass(frozen=True, slots=True)
class Changes:
    """What an `adjust` or `reduce` wants otherwise. A stop may only tighten; `size_quote` is what is to leave."""

    stop_price: Decimal | None = None
    take_profits: tuple[TakeProfit, ...] = ()
    size_quote: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Meta:
    """How a model came to a proposal; written by code. `analyst_hash` names model, prompt and tools together."""

    model: str
    analyst_hash: str
    prompt_hash: str
    briefing_hash: str
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: Decimal = Decimal(0)
    latency_ms: int = 0
    turns: int = 0
    cassette_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TradeProposal:
    """An analyst's wish. Size and leverage are wishes: sizing and gate decide. Prices in quote units.

    `size_quote` None leaves the size to the gate; `entry_price` None asks for a market order. Where `take_profits` is
    empty, all leaves at `take_profit_price`, which is else the first of them. `changes` belong to `adjust` and
    `reduce`; `meta` is there where a model answered. `size_share`, at most 1, is the part that is
    taken of the size the gate finds; code sets it where the decision was taken without memory.
    """

    proposal_id: str
    decision_id: str
    kind: Literal["entry", "management"]
    action: Action
    symbol: str
    level: str
    setup: str
    side: Side | None
    size_quote: Decimal | None
    leverage: int
    entry_price: Decimal | None
    stop_price: Decimal | None
    take_profit_price: Decimal | None
    valid_until_ns: int
    confidence: float | None
    reasoning: str
    invalidation: str
    evidence: tuple[Evidence, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    position_id: str | None = None
    abstain_reason: AbstainReason | None = None
    analyst: Analyst = "rules"
    strategy: str = "default"
    time_in_force: TimeInForce = "ioc"
    take_profits: tuple[TakeProfit, ...] = ()
    changes: Changes | None = None
    counter_evidence: tuple[Evidence, ...] = ()
    reasoning_short: str = ""
    meta: Meta | None = None
    size_share: Decimal = Decimal(1)
