"""Ed25519 API keys: the exchange has the public half, in PEM, where an HMAC key has its secret."""

from __future__ import annotations

import base64
import binascii


def is_public_key(secret: str) -> bool:
    """Return whether what stands for a secret is a public key."""
    return "-----BEGIN PUBLIC KEY-----" in secret


def holds(pem: str, payload: str, signature: str) -> bool:
    """Return whether a base64 signature of a payload is the key's. Raises ValueError for a PEM that is no key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        return False
    try:
        key.verify(base64.b64decode(signature, validate=True), payload.encode())
    except (InvalidSignature, binascii.Error):
        return False
    return True
