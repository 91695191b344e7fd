"""Who is asking, and through which door."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal

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


LOCAL_OPERATOR = Principal(
    kind="local",
    id="local",
    user_id=None,
    plan="enterprise",
    roles=("operator",),
    scopes=frozenset({"market:read", "analysis:read", "account:read", "trade:paper"}),
)
"""The operator of a self-hosted desk, as whom the command line, stdio and every loopback caller act."""

caller: ContextVar[Principal] = ContextVar("caller")
"""The principal of the request being served. A door sets it; unset means that nobody was authenticated."""
