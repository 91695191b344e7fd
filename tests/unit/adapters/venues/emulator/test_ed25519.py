"""Keys whose public half alone the exchange knows."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from made_door import START_MS, made_door

from chanflow.adapters.venues.emulator.ed25519 import is_ed25519
from chanflow.adapters.venues.emulator.rest import Request
from chanflow.adapters.venues.emulator.signing import signature

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
QUERY = f"symbol=BTCUSDT&timestamp={START_MS}"
SIGNED = base64.b64encode(PRIVATE.sign(QUERY.encode())).decode()


def asked(given: str) -> int:
    request = Request(
        "GET", "/fapi/v1/openOrders", f"{QUERY}&signature={quote(given, safe='')}", "", {"x-mbx-apikey": "ed"}
    )
    told = json.loads(made_door(ed=PEM).answer(request).body)
    return int(told["code"]) if isinstance(told, dict) else 0


def test_a_rest_request_is_signed_with_the_private_half() -> None:
    assert asked(SIGNED) == 0


@pytest.mark.parametrize("given", ["AAAA", "é", SIGNED[:-4] + "AAA=", signature(PEM, QUERY)])
def test_another_signature_is_refused(given: str) -> None:
    assert asked(given) == -1022


def test_what_is_no_ed25519_key_is_known() -> None:
    other = X25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
    assert is_ed25519(PEM)
    assert not is_ed25519(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    assert not is_ed25519("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")
