"""Roles and the scopes they carry. How far the desk may act alone is another ladder: `risk/ladder.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chanflow.domain.errors import InvalidArgument

_READ = ("market:read", "analysis:read", "account:read", "journal:read")
_USE = ("alert:write", "research:run", "chat:use")
_OWN = ("key:write", "billing:write")

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": frozenset(_READ),
    "trader": frozenset((*_READ, *_USE, *_OWN, "trade:paper", "desk:halt")),
    "agent": frozenset((*_READ, *_USE, "trade:paper")),
    "operator": frozenset((*_READ, *_USE, *_OWN, "trade:paper", "desk:halt", "desk:control")),
    "admin": frozenset((*_READ, *_OWN, "user:admin", "plan:admin", "audit:read")),
}
"""What each role may. An admin does not trade, and an agent stops, approves and pays for nothing."""

SCOPES = tuple(sorted(frozenset().union(*ROLES.values())))
"""Every scope there is."""


def scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """Return the scopes of all `roles` together. Raises InvalidArgument for a role that is none."""
    found: set[str] = set()
    for role in roles:
        if role not in ROLES:
            raise InvalidArgument(f"role is {role!r}, allowed are {', '.join(ROLES)}", field="role")
        found |= ROLES[role]
    return frozenset(found)


def trades(scopes: frozenset[str]) -> bool:
    """Return whether who has these scopes may open or close positions."""
    return any(scope.startswith("trade:") or scope == "desk:control" for scope in sorted(scopes))


def narrowed(asked: Iterable[str], owned: frozenset[str]) -> frozenset[str]:
    """Return the scopes that were asked for. Raises InvalidArgument for one that is none, or is not owned."""
    wanted = frozenset(asked)
    for scope in sorted(wanted):
        if scope not in SCOPES:
            raise InvalidArgument(f"scope is {scope!r}, allowed are {', '.join(SCOPES)}", field="scopes")
        if scope not in owned:
            raise InvalidArgument(f"scope {scope} is not the owner's: leave it out, or change the role", field="scopes")
    return wanted
