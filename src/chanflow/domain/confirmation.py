"""What a caller has confirmed, ordered and asked for under names of its own, as a desk keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Ticket:
    """A trade that was shown and may be confirmed once, until `expires_ns` (Unix ns).

    `token_sha256` is all that is kept of its token. `binding` is the hash of who asks for what and of what was shown.
    `mark_quote` is the price it was shown at, `drift_frac` how far that may have moved by then.
    """

    token_sha256: str
    binding: str
    created_ns: int
    expires_ns: int
    worst_loss_quote: Decimal
    notional_quote: Decimal
    mark_quote: Decimal
    drift_frac: Decimal
    policy_version: str
    used_ns: int | None = None


@dataclass(frozen=True, slots=True)
class TradeRequest:
    """A trade that was confirmed, written down before it is sent: its id is used up for ever.

    `account` is the desk's, `owner` who ordered, `args_sha256` the hash of what. `answer` is what it came to, as JSON
    data, None while nobody knows.
    """

    account: str
    client_order_id: str
    owner: str
    args_sha256: str
    token_sha256: str
    created_ns: int
    answer: Mapping[str, Any] | None = None


Confirmed = Literal["confirmed", "used", "conflict"]
"""What confirming came to: this call did it; the ticket was used before; the id stands for another trade."""


@dataclass(frozen=True, slots=True)
class KeyedCall:
    """A call under an idempotency key; `key_sha256` is all that is kept of the key.

    `answer` is what it came to, as JSON data: None while it is at work, or where it may not be kept (`withheld`).
    """

    account: str
    operation: str
    key_sha256: str
    args_sha256: str
    begun_ns: int
    answer: Mapping[str, Any] | None = None
    withheld: bool = False
