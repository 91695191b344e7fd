"""Signs tokens with Ed25519 keys that lie sealed in the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chanflow.access.own_tokens import ALGORITHM, SigningKey
from chanflow.adapters.storage.sealed import Seal


class EdSigner:
    """Implements `access.own_tokens.TokenSigner`. `random_bytes` has to be the system's."""

    def __init__(self, seal: Seal, random_bytes: Callable[[int], bytes]) -> None:
        self._seal, self._random_bytes = seal, random_bytes
        self._opened: tuple[str, Any] | None = None

    def new_key(self, now_ns: int) -> SigningKey:
        """Return a new key, named by its thumbprint (RFC 7638)."""
        secret = self._random_bytes(32)
        key = _key(secret)
        kid = key.thumbprint()
        public = {**key.as_dict(private=False), "kid": kid, "alg": ALGORITHM, "use": "sig"}
        return SigningKey(kid, public, self._seal.sealed(secret, _row(kid)), now_ns)

    def signed(self, claims: Mapping[str, Any], key: SigningKey) -> str:
        """Return the token of some claims. Raises StorageUnwritable for a key that does not open."""
        from joserfc import jwt

        if self._opened is None or self._opened[0] != key.kid:
            self._opened = (key.kid, _key(self._seal.opened(key.sealed, _row(key.kid))))
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": "at+jwt"}
        return jwt.encode(header, dict(claims), self._opened[1], algorithms=[ALGORITHM])


def _key(secret: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from joserfc.jwk import OKPKey

    private = Ed25519PrivateKey.from_private_bytes(secret)
    return OKPKey(private, private)


def _row(kid: str) -> str:
    return f"signing_key {kid}"
