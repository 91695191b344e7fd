"""What an analyst proposes: a trade, its reasons, and what should wake it again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from chanflow.domain.errors import OpinionInvalid

Side = Literal["buy", "sell"]
Action = Literal["open_long", "open_short", "close", "hold", "abstain"]
TriggerKind = Literal["price_cross", "time_at"]
TimeInForce = Literal["gtc", "ioc"]
"""What becomes of what a priced order cannot take at once: it rests until cancelled, or it is let go."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A claim and the structure, feature or case it rests on."""

    ref: str
    claim: str
    direction: Literal["for", "against"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A one-shot condition that code watches. `price_cross` takes price and direction, `time_at` takes at_ns."""

    trigger_id: str
    kind: TriggerKind
    expires_ns: int
    note: str
    price: Decimal | None = None
    direction: Literal["up", "down", "either"] | None = None
    at_ns: int | None = None

    def __post_init__(self) -> None:
        if self.kind == "price_cross" and (self.price is None or self.price <= 0 or self.direction is None):
            raise OpinionInvalid(f"trigger {self.trigger_id}: price_cross needs a positive price and a direction")
        if self.kind == "time_at" and self.at_ns is None:
            raise OpinionInvalid(f"trigger {self.trigger_id}: time_at needs at_ns")


@dataclass(frozen=True, slots=True)
class TradeProposal:
    """An analyst's wish. Size and leverage are wishes: sizing and gate decide. Prices in quote units.

    `size_quote` None leaves the size to the gate; `entry_price` None asks for a market order.
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
    abstain_reason: str | None = None
    analyst: str = "rules"
    strategy: str = "default"
    time_in_force: TimeInForce = "ioc"
