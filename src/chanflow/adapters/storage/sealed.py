"""Small secrets in rows of the database: AES-256-GCM, bound to their row.

The key comes of the desk's pepper, so a copy of the database alone opens none. A sealed text is `v1.` and the base64 of
nonce and box; the version names how the key is made. The row's name is sealed with it: moved to another row, it does
not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from chanflow.domain.errors import StorageUnwritable

_VERSION, _NONCE = "v1", 12


class Seal:
    """Seals and opens. `random_bytes` has to be the system's: a nonce used twice gives the secrets away."""

    def __init__(self, pepper: bytes, random_bytes: Callable[[int], bytes]) -> None:
        self._key = hmac.new(pepper, f"chanflow seal {_VERSION}".encode(), hashlib.sha256).digest()
        self._random_bytes = random_bytes

    def sealed(self, plain: bytes, row: str) -> str:
        """Return a secret as it may be stored in the row of that name."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = self._random_bytes(_NONCE)
        box = AESGCM(self._key).encrypt(nonce, plain, f"{_VERSION} {row}".encode())
        return f"{_VERSION}.{base64.b64encode(nonce + box).decode()}"

    def opened(self, text: str, row: str) -> bytes:
        """Return the secret of a row. Raises StorageUnwritable for one that was changed, moved, or sealed otherwise."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        version, _, body = text.partition(".")
        try:
            if version != _VERSION:
                raise ValueError("another version")
            sealed = base64.b64decode(body, validate=True)
            return AESGCM(self._key).decrypt(sealed[:_NONCE], sealed[_NONCE:], f"{version} {row}".encode())
        except (InvalidTag, ValueError):
            raise StorageUnwritable(
                f"the secret of {row} does not open: the pepper is another one, or the row was changed"
            ) from None
