"""Ed25519 API keys: the exchange has the public half, in PEM, where an HMAC key has its secret."""

from __future__ import annotations

import base64


def is_public_key(secret: str) -> bool:
    """Return whether what stands for a secret is a public key."""
    return "-----BEGIN PUBLIC KEY-----" in secret


def is_ed25519(pem: str) -> bool:
    """Return whether a PEM is an Ed25519 public key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        return isinstance(load_pem_public_key(pem.encode()), Ed25519PublicKey)
    except (ValueError, UnsupportedAlgorithm):
        return False


def holds(pem: str, payload: str, signature: str) -> bool:
    """Return whether a base64 signature of a payload is the key's. Raises ValueError for a PEM that is no key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(pem.encode())
    if not isinstance(key, Ed25519PublicKey):
        return False
    try:
        given = base64.b64decode(signature, validate=True)
    except ValueError:
        return False
    try:
        key.verify(given, payload.encode())
    except InvalidSignature:
        return False
    return True
