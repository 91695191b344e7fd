"""Seals personal texts: AES-256-GCM under a key of each user's, which is itself sealed under the desk's.

A sealed text is `v1.<whose key>.<nonce>.<ciphertext>`, and holds only in its place: what it is, whose and which is
sealed with it. The desk's own key is made from the pepper (HKDF-SHA256), so there is no further secret to keep.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import cached_property
from typing import Final

from chanflow.domain.errors import StorageUnwritable

DESK: Final = "desk"
_VERSION: Final = "v1"
_KEY_BYTES, _NONCE_BYTES = 32, 12
_PURPOSE: Final = b"chanflow personal texts 1"


class Vault:
    """Keys, and what they seal. `random_bytes` has to be the system's: a nonce used twice gives the texts away."""

    def __init__(self, pepper: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self._pepper, self._random_bytes = pepper, random_bytes

    def new_key(self, user_id: str) -> tuple[bytes, str]:
        """Return a new key of a user, and how it is kept."""
        key = self._random_bytes(_KEY_BYTES)
        return key, self.seal(self.desk_key, DESK, base64.b64encode(key).decode(), f"key:{user_id}")

    def key(self, sealed: str, user_id: str) -> bytes:
        """Return the key of a user as it was. Raises StorageUnwritable where it was changed or the pepper is new."""
        return base64.b64decode(self.open(self.desk_key, sealed, f"key:{user_id}"))

    def seal(self, key: bytes, owner: str, plain: str, place: str) -> str:
        """Return a text sealed into its place."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = self._random_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, plain.encode(), place.encode())
        return f"{_VERSION}.{owner}.{_text(nonce)}.{_text(sealed)}"

    def open(self, key: bytes, sealed: str, place: str) -> str:
        """Return what was sealed. Raises StorageUnwritable for what was changed, moved or sealed under another key."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            version, _, nonce, body = sealed.split(".")
            if version != _VERSION:
                raise ValueError(version)
            return AESGCM(key).decrypt(_bytes(nonce), _bytes(body), place.encode()).decode()
        except (ValueError, binascii.Error, InvalidTag):
            raise StorageUnwritable(
                "a sealed text does not open: it was changed, or secrets/key_pepper is another; restore the backup"
            ) from None

    @cached_property
    def desk_key(self) -> bytes:
        """The desk's own key."""
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE).derive(self._pepper)


def owner_of(text: str | None) -> str | None:
    """Return whose key sealed a text; None for one that is not sealed."""
    parts = (text or "").split(".")
    return parts[1] if len(parts) == 4 and parts[0] == _VERSION else None


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
