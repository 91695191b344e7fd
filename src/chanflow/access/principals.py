"""Who is asking, and through which door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chanflow.access.scopes import scopes_of

Door = Literal["cli", "rest", "mcp", "ws"]
Kind = Literal["user", "key", "service", "local"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Someone who may ask. `plan`, `roles` and `scopes` are what policy judges by; `expires_ns` is Unix ns."""

    kind: Kind
    id: str
    user_id: str | None
    plan: str
    roles: tuple[str, ...]
    scopes: frozenset[str]
    issuer: str | None = None
    client: str | None = None
    ip: str | None = None
    expires_ns: int | None = None
    elicitation_trusted: bool = False
    """Whether the client may be believed to have asked its person."""
    second_factor: bool = False
    """Whether a code of an authenticator came with the login. What trades real money must ask for it."""
    notice_due: bool = False
    """Whether the notice is yet to be accepted: until then nearly nothing may be called."""

    @property
    def account(self) -> str:
        """Whose quotas the calls draw from: all keys of a user share them."""
        return self.user_id or self.id


_LOCAL_ROLES = ("operator", "admin")

LOCAL_OPERATOR = Principal(
    kind="local", id="local", user_id=None, plan="enterprise", roles=_LOCAL_ROLES, scopes=scopes_of(_LOCAL_ROLES)
)
"""The owner of the machine, as whom the command line and stdio act, and every loopback caller of a desk that asks for
no key. Whoever may read the data directory needs no scope to administer it."""
