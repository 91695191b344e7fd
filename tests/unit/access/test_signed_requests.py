"""The signature of a request, as the documents say it is made."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.access.keys import key_text
from chanflow.access.signed_requests import signature, signed_headers, signing_key

SECRET = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
TEXT = key_text(bytes(range(6)), bytes(range(32)))


def test_the_headers_are_those_of_the_documents() -> None:
    assert SECRET in TEXT
    derived = hmac.new(SECRET.encode(), b"signing", hashlib.sha256).digest()
    body = b'{"a":1}'
    lines = f"1767261620\nnonce-0123456789\nPOST\n/api/v2/orders?x=%2F\n{hashlib.sha256(body).hexdigest()}"
    assert signed_headers(
        TEXT, timestamp="1767261620", nonce="nonce-0123456789", method="POST", target="/api/v2/orders?x=%2F", body=body
    ) == {
        "Authorization": "Bearer cf_000102030405",
        "X-CF-Timestamp": "1767261620",
        "X-CF-Nonce": "nonce-0123456789",
        "X-CF-Signature": hmac.new(derived, lines.encode(), hashlib.sha256).hexdigest(),
    }


parts = st.fixed_dictionaries({
    "timestamp": st.from_regex(r"[0-9]{10}", fullmatch=True),
    "nonce": st.from_regex(r"[A-Za-z0-9_-]{16,20}", fullmatch=True),
    "method": st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    "target": st.from_regex(r"/[a-z/]{0,9}(\?[a-z=&]{1,9})?", fullmatch=True),
    "body": st.binary(max_size=40),
})  # fmt: skip


@given(parts, parts)
def test_no_two_requests_have_one_signature(one: dict[str, str], other: dict[str, str]) -> None:
    key = signing_key(SECRET)
    assert (signature(key, **one) == signature(key, **other)) is (one == other)  # type: ignore[arg-type]


def test_what_is_no_key_signs_nothing() -> None:
    with pytest.raises(ValueError, match="no key of ours") as told:
        signed_headers(TEXT[:-1] + "0", timestamp="1", nonce="n" * 16, method="GET", target="/", body=b"")
    assert SECRET not in str(told.value)
