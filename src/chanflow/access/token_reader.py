"""Reads tokens of the issuers that the settings name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from chanflow.access.bearers import NoEntry
from chanflow.access.key_sets import Jwk, KeySets
from chanflow.access.principals import Principal
from chanflow.access.token_issuers import Issuer, principal_of_claims
from chanflow.access.token_text import claimed
from chanflow.domain.time import NS_PER_S, Clock

LEEWAY_S = 30


class TokenCheck(Protocol):
    """Checks a token by one public key: its signature, then its claims."""

    def claims(
        self, text: str, key: Jwk, *, algorithms: Collection[str], issuer: str, audience: str, now_s: int, leeway_s: int
    ) -> Mapping[str, Any] | None:
        """Return the claims of a token that the key signed by one of the algorithms, for the audience, in its time.

        None otherwise. Issuer, audience, subject and expiry must be there.
        """
        ...


class TokenReader:
    """Implements `BearerReader` for tokens of others. What a token says of itself only chooses whom to ask."""

    def __init__(
        self, issuers: Sequence[Issuer], key_sets: KeySets, check: TokenCheck, plans: Collection[str], clock: Clock
    ) -> None:
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._key_sets, self._check, self._plans, self._clock = key_sets, check, plans, clock

    def known_shape(self, text: str) -> bool:
        """Return whether a text claims to be a token of an issuer that is known."""
        told = claimed(text)
        return told is not None and told.issuer in self._issuers

    async def principal(self, text: str, ip: str | None) -> Principal | NoEntry:
        """Return as whom the bearer acts, or why not."""
        told = claimed(text)
        issuer = None if told is None else self._issuers.get(told.issuer)
        if told is None or issuer is None or told.algorithm not in issuer.algorithms:
            return "unauthenticated"
        key = await self._key_sets.key(issuer.jwks_url, told.kid)
        if key is None:
            return "unauthenticated"
        claims = self._check.claims(
            text, key, algorithms=issuer.algorithms, issuer=issuer.name, audience=issuer.audience,
            now_s=self._clock.now_ns() // NS_PER_S, leeway_s=LEEWAY_S,
        )  # fmt: skip
        return "unauthenticated" if claims is None else principal_of_claims(issuer, claims, self._plans, ip)
