"""What execution needs of a venue. Every command ends in exactly one of three outcomes: accepted, refused, unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Protocol

from chanflow.domain.opinion import Side


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue gets it. `stop_price` and `take_profit_price` are attached: the venue places them."""

    client_order_id: str
    symbol: str
    side: Side
    qty_base: Decimal
    reduce_only: bool
    limit_price: Decimal | None
    stop_price: Decimal | None
    take_profit_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue has the command."""


@dataclass(frozen=True, slots=True)
class VenueRefused:
    """The venue said no; nothing happened."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows. It is a question to ask, never an error to retry."""

    cause: str


Outcome = Accepted | VenueRefused | Unknown

VenueEventKind = Literal[
    "accepted", "fill", "triggered", "canceled", "expired", "rejected", "amended", "cancel_rejected"
]


@dataclass(frozen=True, slots=True)
class VenueEvent:
    """One line of the venue's user stream. Fill figures are set for fills only; fee in quote units, positive = paid."""

    kind: VenueEventKind
    client_order_id: str
    event_ns: int
    known_ns: int
    leaves_base: Decimal
    trade_id: str = ""
    price: Decimal = Decimal(0)
    qty_base: Decimal = Decimal(0)
    fee_quote: Decimal = Decimal(0)
    maker: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class VenuePosition:
    """What the venue says we hold. `qty_base` is signed."""

    symbol: str
    qty_base: Decimal


class Venue(Protocol):
    """One account at one venue."""

    @property
    def name(self) -> str:
        """The venue's name in ids, journal and ledger."""
        ...

    async def submit(self, order: VenueOrder) -> Outcome:
        """Send one order."""
        ...

    async def cancel(self, symbol: str, client_order_id: str) -> Outcome:
        """Ask for an order to be cancelled; whether it was is told by the events."""
        ...

    async def positions(self) -> Sequence[VenuePosition]:
        """Return what the venue says we hold; flat symbols may be left out."""
        ...
