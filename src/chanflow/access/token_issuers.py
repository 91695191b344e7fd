"""Tokens of others: who may issue them, and as whom their bearer acts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from chanflow.access.principals import Principal
from chanflow.access.scopes import ROLES, SCOPES, scopes_of
from chanflow.domain.canonical import sha256_of
from chanflow.domain.time import NS_PER_S

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA",
)  # fmt: skip
"""Signatures by public keys. None by a shared secret, as which a public key could be passed off; nor `none`."""

_BY_ROLE_ALONE = ROLES["admin"] - ROLES["operator"]
"""What no scope claim gives: to administer takes a role."""
_MOST_WORDS = 200


@dataclass(frozen=True, slots=True)
class Issuer:
    """Someone whose tokens are taken.

    `audience` is what a token must name, so that none made for another service passes. The claims say what a token
    may: `scope_claim` scopes, `role_claim` roles, and where both are named no more than both allow. `plan_claim` is its
    plan, `free` unless it names one of ours. `words` turns the issuer's words for roles, scopes and plans into ours;
    those that are still unknown count for nothing.
    """

    name: str
    jwks_url: str
    audience: str
    algorithms: tuple[str, ...]
    scope_claim: str = "scope"
    role_claim: str = ""
    plan_claim: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


def principal_of_claims(issuer: Issuer, claims: Mapping[str, Any], plans: Collection[str], ip: str | None) -> Principal:
    """Return as whom the bearer of a sound token acts. Its quotas are its own: one account per issuer and subject."""
    roles: tuple[str, ...] = ()
    scopes = frozenset(SCOPES) - (frozenset() if issuer.role_claim else _BY_ROLE_ALONE)
    if issuer.scope_claim:
        scopes &= frozenset(_words(issuer, claims.get(issuer.scope_claim)))
    if issuer.role_claim:
        roles = tuple(dict.fromkeys(word for word in _words(issuer, claims.get(issuer.role_claim)) if word in ROLES))
        scopes &= scopes_of(roles)
    plan = next((word for word in _words(issuer, claims.get(issuer.plan_claim)) if word in plans), "free")
    client = claims.get("azp", claims.get("client_id"))
    return Principal(
        kind="user", id=f"token:{sha256_of([issuer.name, claims['sub']])[:40]}", user_id=None, plan=plan, roles=roles,
        scopes=scopes, issuer=issuer.name, client=client if isinstance(client, str) else None, ip=ip,
        expires_ns=int(claims["exp"]) * NS_PER_S,
    )  # fmt: skip


def _words(issuer: Issuer, claim: object) -> list[str]:
    """Return the words of a claim, text being words between spaces, each as ours where the issuer's map has it."""
    parts = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    return [issuer.words.get(part, part) for part in parts[:_MOST_WORDS] if isinstance(part, str)]
