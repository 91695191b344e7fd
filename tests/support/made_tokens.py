"""An issuer of tokens, and its key set as others see it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey

from chanflow.access.token_issuers import Issuer
from chanflow.domain.errors import OutsideUnreachable

ISSUER, AUDIENCE, JWKS_URL = "https://login.example/", "https://desk.example/mcp", "https://login.example/jwks"
NOW_S = 1_767_261_620


@dataclass
class Login:
    """Signs tokens with a key; counts how often its set was fetched."""

    key: OKPKey | ECKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519", auto_kid=True))
    algorithm: str = "Ed25519"
    fetched: list[str] = field(default_factory=list)
    down: bool = False

    async def fetch(self, url: str) -> Any:
        self.fetched.append(url)
        if self.down:
            raise OutsideUnreachable("https://login.example did not answer within 5 s")
        return {"keys": [self.key.as_dict(private=False)]}

    def token(self, header: dict[str, Any] | None = None, **changed: Any) -> str:
        """Return a token; a claim of None is left out."""
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": NOW_S + 600, "scope": "market:read"} | changed
        head = {"alg": self.algorithm, "kid": self.key.kid} | (header or {})
        head = {name: value for name, value in head.items() if value is not None}
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(head, kept, self.key, algorithms=[head["alg"]])


def issuer(**changed: Any) -> Issuer:
    """Return the issuer as the settings name it."""
    return Issuer(**{
        "name": ISSUER, "jwks_url": JWKS_URL, "audience": AUDIENCE, "algorithms": ("Ed25519", "ES256"),
    } | changed)  # fmt: skip


def part(value: dict[str, Any]) -> str:
    """Return a part of a token, as text."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
