"""What is kept of people beside their accounts: password, address, second factor, sessions, one-use links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from chanflow.access.keys import User
from chanflow.domain.time import NS_PER_DAY, NS_PER_S

IDLE_NS, LONGEST_NS = 12 * 3_600 * NS_PER_S, 30 * NS_PER_DAY
SECOND_THOUGHTS_NS = 14 * NS_PER_DAY
"""So long a deletion can be withdrawn."""

Purpose = Literal["join", "email", "reset", "invite"]
LIFETIMES_NS: dict[Purpose, int] = {
    "join": NS_PER_DAY,
    "email": NS_PER_DAY,
    "reset": 3_600 * NS_PER_S,
    "invite": 7 * NS_PER_DAY,
}
"""How long a link of each kind holds."""


@dataclass(frozen=True, slots=True)
class Factor:
    """An authenticator; `taken_step` is the step of the last code that was taken."""

    secret: str = field(repr=False)
    confirmed: bool = False
    taken_step: int = -1


@dataclass(frozen=True, slots=True)
class Person:
    """A user with what they log in by. Nothing of it stands in a repr but the user."""

    user: User
    email: str | None = field(default=None, repr=False)
    password_hash: str | None = field(default=None, repr=False)
    factor: Factor | None = None
    deletion_ns: int | None = None
    """When the account will be erased, where that was asked for."""

    @property
    def needs_code(self) -> bool:
        """Whether a login takes a code."""
        return self.factor is not None and self.factor.confirmed


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as it is kept. Times are Unix ns."""

    id: str
    user_id: str
    secret_hmac: str = field(repr=False)
    created_ns: int
    seen_ns: int
    ip: str | None
    client: str | None
    second_factor: bool

    @property
    def ends_ns(self) -> int:
        """When it ends unless it is used before, and in any case after 30 days."""
        return min(self.seen_ns + IDLE_NS, self.created_ns + LONGEST_NS)


@dataclass(frozen=True, slots=True)
class Link:
    """A one-use link: for whom, or for which address, and what a new account will be."""

    purpose: Purpose
    user_id: str | None = None
    email: str | None = field(default=None, repr=False)
    roles: tuple[str, ...] = ("trader",)
    plan: str = "free"
