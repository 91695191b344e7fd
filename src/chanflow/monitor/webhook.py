"""Where alerts go beyond the log: a webhook gets a body with a stable id, signed, tried again ever later."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Literal

from chanflow.domain.canonical import sha256_of
from chanflow.domain.time import NS_PER_S

Channel = Literal["webhook", "desk"]

MOST_FAILURES = 20
"""After so many failed attempts in a row a webhook is switched off: about nine hours."""
LONGEST_S = 3_600
"""The longest pause between two attempts, before chance is added or taken."""


@dataclass(frozen=True, slots=True)
class Target:
    """A way to reach the owner of an alert. `shown` is what may be said of it; `off_ns` when it was switched off."""

    alert_id: str
    channel: Channel
    shown: str
    sealed: str | None
    failures: int = 0
    off_ns: int | None = None
    off_why: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an alert is sent and the secret it is signed with; neither is ever shown in words."""

    url: str = field(repr=False)
    secret: str = field(repr=False)


def delivery_id(alert_id: str, key: str, channel: str) -> str:
    """Return the id of a delivery: the same for ever for one alert, one happening and one channel."""
    return f"dl_{sha256_of([alert_id, key, channel])[:32]}"


def pause_ns(failures: int, chance: float) -> int:
    """Return how long to wait after so many failures in a row, in ns.

    It is 2, 4, 8 … 3600 s, times 0.5 to 1.5 by `chance` in [0, 1): those that failed together do not return together.
    """
    return int(min(2 ** min(failures, 30), LONGEST_S) * (0.5 + chance) * NS_PER_S)


def signature(secret: str, *, timestamp: int, delivery: str, body: bytes) -> str:
    """Return the signature of an attempt, in hex: HMAC-SHA256 over `<timestamp>.<delivery id>.<body>`."""
    return hmac.new(secret.encode(), f"{timestamp}.{delivery}.".encode() + body, hashlib.sha256).hexdigest()


def headers_of(secret: str, *, timestamp: int, delivery: str, body: bytes) -> dict[str, str]:
    """Return the headers of an attempt; `timestamp` is Unix seconds."""
    signed = signature(secret, timestamp=timestamp, delivery=delivery, body=body)
    return {
        "Content-Type": "application/json", "User-Agent": "chanflow", "X-CF-Delivery": delivery,
        "X-CF-Timestamp": str(timestamp), "X-CF-Signature": signed,
    }  # fmt: skip
