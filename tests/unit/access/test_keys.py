"""Keys: their text, what is stored of them, and secrets that are none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.access.keys import (
    KeyRecord,
    PresentedKey,
    User,
    key_text,
    networks,
    opens,
    parse_key,
    principal_of,
    secret_hmac,
    sound_pepper,
)
from chanflow.domain.errors import InvalidArgument, SettingsInvalid

PEPPER = bytes(range(64))


def _record(**changed: object) -> KeyRecord:
    fields: dict[str, object] = {
        "id": "0" * 12, "user_id": "u", "name": "k", "secret_hmac": secret_hmac(PEPPER, "s"),
        "scopes": frozenset({"market:read", "trade:paper"}), "allow_ips": (), "created_ns": 0,
    }  # fmt: skip
    return KeyRecord(**{**fields, **changed})  # type: ignore[arg-type]


@given(st.binary(min_size=6, max_size=6), st.binary(min_size=32, max_size=32), st.integers(0, 67), st.characters())
def test_a_key_reads_back_and_one_wrong_letter_is_none(key_id: bytes, secret: bytes, at: int, letter: str) -> None:
    text = key_text(key_id, secret)
    assert re.fullmatch(r"cf_[0-9a-f]{12}_[A-Za-z0-9_-]{43}_[0-9a-f]{8}", text)
    presented = parse_key(text)
    assert presented is not None
    assert presented.id == key_id.hex()
    wrong = text[:at] + letter + text[at + 1 :]
    assert wrong == text or parse_key(wrong) is None


def test_only_its_secret_under_its_pepper_opens_a_key() -> None:
    assert opens(_record(), PresentedKey("0" * 12, "s"), PEPPER)
    assert not opens(_record(), PresentedKey("0" * 12, "t"), PEPPER)
    assert not opens(_record(), PresentedKey("0" * 12, "s"), PEPPER[::-1])


def test_secrets_stand_in_no_repr() -> None:
    assert "hidden" not in repr(PresentedKey("0" * 12, "hidden"))
    assert secret_hmac(PEPPER, "s") not in repr(_record())


def test_a_key_never_may_more_than_its_owner_now() -> None:
    user = User("u", "ann", ("viewer",), "free", 0)
    principal = principal_of(_record(), user, "127.0.0.1")
    assert principal.scopes == {"market:read"}
    assert (principal.account, principal.plan, principal.ip) == ("u", "free", "127.0.0.1")


@pytest.mark.parametrize(
    ("ip", "admitted"),
    [("203.0.113.9", True), ("203.0.114.9", False), ("2001:db8::1", True), (None, False), ("nonsense", False)],
)
def test_a_key_is_held_to_its_networks(ip: str | None, admitted: bool) -> None:
    assert _record(allow_ips=networks(["203.0.113.0/24", "2001:db8::/32"])).admits(ip) is admitted


@pytest.mark.parametrize("text", ["203.0.113.1/24", "localhost", "", "300.1.1.1"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="no network"):
        networks([text])


@pytest.mark.parametrize("found", [b"", b"short", b"a" * 64, b"changeme" * 8, b"your-secret-goes-here-abcdefghijkl"])
def test_a_secret_that_others_know_is_refused_and_not_repeated(found: bytes) -> None:
    with pytest.raises(SettingsInvalid, match="chanflow init") as raised:
        sound_pepper(found, "the secret x")
    assert not found or found.decode() not in str(raised.value)
