"""What a JSON Web Token says of itself. Nothing here is believed: it only says which key has to be asked."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

MAX_TOKEN = 8192
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class TokenClaim:
    """Whose token a text claims to be, and with which key and algorithm it claims to be signed."""

    issuer: str
    algorithm: str
    kid: str | None


def claimed(text: str) -> TokenClaim | None:
    """Return what a signed token claims, None for a text that is none or names no issuer and algorithm."""
    if len(text) > MAX_TOKEN or _TOKEN.fullmatch(text) is None:
        return None
    head, body, _ = text.split(".")
    header, claims = _object(head), _object(body)
    if header is None or claims is None:
        return None
    algorithm, kid, issuer = header.get("alg"), header.get("kid"), claims.get("iss")
    if not isinstance(algorithm, str) or not isinstance(issuer, str) or not (kid is None or isinstance(kid, str)):
        return None
    return TokenClaim(issuer, algorithm, kid)


def _object(part: str) -> dict[str, Any] | None:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
