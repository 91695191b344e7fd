"""Orders, from what the gate let through to what the venue did with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from chanflow.domain.opinion import Side, TimeInForce
from chanflow.domain.trigger import Trigger


@dataclass(frozen=True, slots=True, init=False)
class Check:
    """One question the gate asked: its name, the value found, the bound, and whether it held.

    A judgement makes some thirty of them. Filled through its slots, which is as frozen and takes half the time.
    """

    name: str
    value: str
    bound: str
    ok: bool

    def __init__(self, name: str, value: str, bound: str, ok: bool) -> None:
        _set_name(self, name)
        _set_value(self, value)
        _set_bound(self, bound)
        _set_ok(self, ok)


_set_name, _set_value, _set_bound, _set_ok = (getattr(Check, slot).__set__ for slot in ("name", "value", "bound", "ok"))


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was refused: a stable code and a sentence naming value and bound."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The gate's no, with every reason."""

    proposal_id: str
    decision_id: str
    symbol: str
    at_ns: int
    reasons: tuple[Reason, ...]
    checks: tuple[Check, ...]
    limits_hash: str = ""


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What may be sent, and nothing more."""

    symbol: str
    side: Side
    qty_base: Decimal
    leverage: int
    reduce_only: bool
    limit_price: Decimal | None
    stop_price: Decimal | None
    take_profit_price: Decimal | None
    time_in_force: TimeInForce = "ioc"

    @property
    def protects(self) -> bool:
        """Whether they are no order but what a position is to stand under; None leaves the price that stands."""
        return self.reduce_only and (self.stop_price is not None or self.take_profit_price is not None)


@dataclass(frozen=True, slots=True)
class ProtectionMoved:
    """What became of an approval to protect a position otherwise. `denied` says why nothing was moved, blank if it was.

    Prices in quote; None left the price that stood.
    """

    approved_id: str
    proposal_id: str
    symbol: str
    position_id: str
    stop_price: Decimal | None
    take_profit_price: Decimal | None
    how: Literal["replace", "amend"]
    """Whether the new exits are placed before the old ones go, or the venue changes those that stand."""
    denied: str = ""


class ApprovedOrder:
    """The gate's yes. Only `risk/gate.py` makes one: the constructor wants the seal that the gate claimed at import.

    It is single-use, expires, is for one account at one venue, and names its protective stop. Of a position that stands
    it may name new protection instead of an order (`terms.protects`).
    `signature` lets it travel as a message: the gate that
    made it, and no one else, can turn the message back into an `ApprovedOrder`.
    """

    __slots__ = ("account", "approved_id", "at_ns", "checks", "clips", "decision_id", "expires_ns", "limits_hash",
                 "proposal_id", "signature", "strategy", "terms", "triggers", "venue")  # fmt: skip

    def __init__(
        self,
        *,
        seal: ApprovalSeal,
        approved_id: str,
        proposal_id: str,
        decision_id: str,
        strategy: str,
        account: str,
        venue: str,
        terms: OrderTerms,
        triggers: tuple[Trigger, ...],
        checks: tuple[Check, ...],
        clips: tuple[str, ...],
        limits_hash: str,
        at_ns: int,
        expires_ns: int,
        signature: str,
    ) -> None:
        if seal is not _claimed_seal:
            raise TypeError("an ApprovedOrder is made by the risk gate alone")
        if not terms.reduce_only and terms.stop_price is None:
            raise ValueError("an opening order without a protective stop cannot be approved")
        self.approved_id = approved_id
        self.proposal_id = proposal_id
        self.decision_id = decision_id
        self.strategy = strategy
        self.account = account
        self.venue = venue
        self.terms = terms
        self.triggers = triggers
        self.checks = checks
        self.clips = clips
        self.limits_hash = limits_hash
        self.at_ns = at_ns
        self.expires_ns = expires_ns
        self.signature = signature


class ApprovalSeal:
    """Proof of being the gate. The first claim gets it; there is no second."""


_claimed_seal: ApprovalSeal | None = None


def claim_approval_seal() -> ApprovalSeal:
    """Return the seal that makes `ApprovedOrder`s; raises TypeError for everyone after the gate."""
    global _claimed_seal  # noqa: PLW0603 - claimed once, for the life of the process
    if _claimed_seal is not None:
        raise TypeError("the approval seal is taken: only the risk gate approves orders")
    _claimed_seal = ApprovalSeal()
    return _claimed_seal


class OrderState(StrEnum):
    """Where an order is in its life."""

    INITIALIZED = "initialized"
    DENIED = "denied"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_AMEND = "pending_amend"
    TRIGGERED = "triggered"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def terminal(self) -> bool:
        """Whether nothing more is expected (late fills aside)."""
        return self in _TERMINAL


_TERMINAL = frozenset(
    {OrderState.DENIED, OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED}
)

Leg = Literal["entry", "stop", "take_profit", "exit"]


@dataclass(frozen=True, slots=True)
class Fill:
    """One fill, as the venue told it. Identity is (venue, symbol, trade_id). Fee in quote units, positive = paid.

    `fee_asset` is what the venue took it in, `fee_rate_quote` what one unit of that asset was worth at the fill; blank
    and 1 where the fee is in the account's own currency.
    """

    venue: str
    symbol: str
    trade_id: str
    client_order_id: str
    side: Side
    price: Decimal
    qty_base: Decimal
    fee_quote: Decimal
    maker: bool
    event_ns: int
    known_ns: int
    fee_asset: str = ""
    fee_rate_quote: Decimal = Decimal(1)

    @property
    def key(self) -> FillKey:
        """What tells one fill from another: venue, symbol and trade id."""
        return (self.venue, self.symbol, self.trade_id)


FillKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """A step in an order's life, with what is left to fill."""

    client_order_id: str
    symbol: str
    leg: Leg
    state: OrderState
    filled_base: Decimal
    leaves_base: Decimal
    at_ns: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FillView:
    """One fill of an order. Price in quote, quantity in base units, fee in quote, positive = paid."""

    trade_id: str
    price: Decimal
    qty_base: Decimal
    fee_quote: Decimal
    maker: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order and all that became of it, as a journal tells it.

    `command_id` is the id that whoever ordered it by hand gave it, `proposal_id` what the gate judged: of an exit that
    the venue placed with an entry, the entry's. `state` is
    INITIALIZED while nothing is known of it. `sent_ns` and `updated_ns` are Unix ns of the market's time.
    """

    client_order_id: str
    command_id: str | None
    proposal_id: str
    symbol: str
    side: Side
    leg: Leg
    qty_base: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    take_profit_price: Decimal | None
    reduce_only: bool
    state: OrderState
    filled_base: Decimal
    leaves_base: Decimal
    detail: str
    sent_ns: int
    updated_ns: int
    fills: tuple[FillView, ...] = ()

    @property
    def average_price(self) -> Decimal | None:
        """What one unit cost or brought on average, in quote; None before the first fill."""
        filled = sum((fill.qty_base for fill in self.fills), Decimal(0))
        return sum((fill.price * fill.qty_base for fill in self.fills), Decimal(0)) / filled if filled else None


def approved_payload(order: ApprovedOrder) -> Mapping[str, Any]:
    """Return the message form of an approval."""
    return {name: getattr(order, name) for name in ApprovedOrder.__slots__}
