"""Checks JSON Web Tokens with joserfc. Its `decode` judges the signature alone, so the claims are judged after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from chanflow.access.key_sets import Jwk
from chanflow.access.token_issuers import ALGORITHMS

_MOST_NUMBER = 1 << 53


class JoseTokenCheck:
    """Implements `access.token_reader.TokenCheck`."""

    def claims(
        self, text: str, key: Jwk, *, algorithms: Collection[str], issuer: str, audience: str, now_s: int, leeway_s: int
    ) -> Mapping[str, Any] | None:
        """Return the claims of a sound token, None for any other.

        Raises ValueError for an algorithm that is no signature by a public key: the caller's settings are wrong.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import JWKRegistry

        if wrong := sorted(set(algorithms) - set(ALGORITHMS)):
            raise ValueError(f"algorithm {wrong[0]} is no signature by a public key")
        if key.get("kty") not in ("RSA", "EC", "OKP"):
            return None
        told = jwt.JWTClaimsRegistry(
            now=now_s, leeway=leeway_s, iss={"essential": True, "values": [issuer]},
            aud={"essential": True, "values": [audience]}, exp={"essential": True}, sub={"essential": True},
        )  # fmt: skip
        try:
            token = jwt.decode(text, JWKRegistry.import_key(dict(key)), algorithms=list(algorithms))
            told.validate(token.claims)
        # An issuer's key set is its own text: whatever it breaks in the library refuses this token, and no other.
        except (JoseError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None
        found: dict[str, Any] = token.claims
        return found if 0 < found["exp"] < _MOST_NUMBER and len(found["sub"]) <= 255 else None
