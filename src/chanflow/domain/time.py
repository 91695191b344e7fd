"""Time, names and chance: the three things a deterministic core must be given.

Every event carries two times: `event_ns`, when it happened, and `known_ns`, when we could have known.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import Protocol
from uuid import UUID

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
MS_PER_DAY = 86_400_000
NS_PER_DAY = MS_PER_DAY * NS_PER_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where time comes from."""

    def now_ns(self) -> int:
        """Return Unix time in ns, UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Return ns that never go back; only differences mean anything."""
        ...

    async def sleep_until(self, at_ns: int) -> None:
        """Return once `now_ns() >= at_ns`."""
        ...


class Ids(Protocol):
    """Where names come from."""

    def uuid7(self) -> UUID:
        """Return a new time-ordered UUID (RFC 9562, version 7)."""
        ...


class Randomness(Protocol):
    """Where chance comes from."""

    def stream(self, name: str) -> Random:
        """Return the generator called `name`; one consumer's draws never shift another's."""
        ...


def uuid7_from(unix_ms: int, random_bits: int) -> UUID:
    """Return the version 7 UUID of a Unix time in ms (48 bits) and 74 random bits.

    Source: RFC 9562, section 5.7.
    """
    if not 0 <= unix_ms < 1 << 48:
        raise ValueError(f"uuid7 time is {unix_ms} ms, allowed is 0 to 2^48 - 1")
    if not 0 <= random_bits < 1 << 74:
        raise ValueError("uuid7 takes 74 random bits")
    rand_a, rand_b = random_bits >> 62, random_bits & ((1 << 62) - 1)
    return UUID(int=(unix_ms << 80) | (0x7 << 76) | (rand_a << 64) | (0b10 << 62) | rand_b)


def rfc3339(at_ns: int) -> str:
    """Return a Unix time in ns as RFC 3339 UTC with nine decimals."""
    seconds, ns = divmod(at_ns, NS_PER_S)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{ns:09d}Z"


def parse_rfc3339(text: str) -> int:
    """Return the Unix ns of an RFC 3339 time with a zone; up to nine decimals are kept. Raises ValueError."""
    head, dot, tail = text.partition(".")
    digits = 0
    if dot:
        digits = next((i for i, c in enumerate(tail) if not c.isdigit()), len(tail))
        if not 1 <= digits <= 9:
            raise ValueError(f"time {text!r} has {digits} decimals, allowed are 1 to 9")
    moment = datetime.fromisoformat(head + tail[digits:] if dot else text)
    if moment.tzinfo is None:
        raise ValueError(f"time {text!r} names no zone; add Z or an offset")
    whole = moment.astimezone(UTC) - _EPOCH
    return (
        (whole.days * 86_400 + whole.seconds) * NS_PER_S
        + whole.microseconds * 1_000
        + (int(tail[:digits].ljust(9, "0")) if dot else 0)
    )


def utc_date(at_ns: int) -> str:
    """Return the UTC date of a Unix time in ns, as YYYY-MM-DD."""
    return _date_of_day(at_ns // NS_PER_DAY)


@lru_cache(maxsize=64)
def _date_of_day(day: int) -> str:
    return f"{_EPOCH + timedelta(days=day):%Y-%m-%d}"
