"""Settings of issuers and of the doors: one sentence for what cannot be."""

import json
from typing import Any

import pytest

from chanflow.domain.errors import SettingsInvalid
from chanflow.runtime.settings import Settings, load_settings

ISSUER = {"issuer": "https://login.example/", "jwks_url": "https://login.example/jwks", "audience": "https://d.example"}


def _settings(*overrides: str) -> Settings:
    return load_settings(config=None, overrides=overrides, environ={"HOME": "/home/me"}).settings


def _issuers(*given: dict[str, Any]) -> str:
    return f"access.issuers={json.dumps(given)}"


def test_an_issuer_is_read_with_its_claims() -> None:
    (found,) = _settings(_issuers(ISSUER | {"role_claim": "roles", "map": {"desk": "trader"}})).access.issuers
    made = found.as_issuer()
    assert (made.name, made.algorithms, made.role_claim, made.words) == (
        "https://login.example/", ("RS256", "ES256", "Ed25519"), "roles", {"desk": "trader"},
    )  # fmt: skip


@pytest.mark.parametrize(("changed", "words"), [
    ({"algorithms": ["HS256"]}, "names HS256"),
    ({"algorithms": ["RS256", "HS256"]}, "names HS256"),
    ({"algorithms": ["none"]}, "names none"),
    ({"algorithms": []}, "algorithms"),
    ({"audience": ""}, "audience"),
    ({"jwks_url": "http://login.example/jwks"}, "must begin with https://"),
    ({"jwks_url": "https://me:word@login.example/jwks"}, "a user, a password"),
    ({"scope_claim": ""}, "neither scope_claim nor role_claim"),
    ({"secret": "x"}, "secret"),
])  # fmt: skip
def test_an_issuer_that_cannot_be_is_refused_in_a_sentence(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"access\.issuers") as told:
        _settings(_issuers(ISSUER | changed))
    assert words in str(told.value)


def test_an_issuer_stands_once() -> None:
    with pytest.raises(SettingsInvalid, match="names an issuer twice"):
        _settings(_issuers(ISSUER, ISSUER))


@pytest.mark.parametrize(("override", "words"), [
    ("access.issuers={", "is no JSON"),
    ("access.issuers={}", "is no list of issuers"),
    ("http.trusted_proxies=10.0.0.1/8", "which is no network"),
    ("http.trusted_proxies=0.0.0.0/0", "which is everyone"),
    ("http.trusted_proxies=::/0", "which is everyone"),
    ("http.allowed_hosts=*", "which is no host name"),
    ("http.allowed_hosts=https://desk.example", "which is no host name"),
    ("http.allowed_hosts=desk.example:443", "which is no host name"),
    ("http.public_url=http://desk.example/mcp", "must begin with https://"),
    ("http.public_url=https://desk.example/mcp?a=b", "is no plain URL"),
    ("http.public_url=https://me@desk.example/mcp", "is no plain URL"),
    ("http.tls_cert=/desk.crt", "tls_key is empty"),
    ("http.tls_key=/desk.key", "tls_cert is empty"),
])  # fmt: skip
def test_a_setting_of_the_doors_that_cannot_be_is_refused(override: str, words: str) -> None:
    with pytest.raises(SettingsInvalid) as told:
        _settings(override)
    assert words in str(told.value)


def test_the_public_url_is_kept_byte_for_byte() -> None:
    assert _settings("http.public_url=https://Desk.example:443/mcp/").http.public_url == "https://Desk.example:443/mcp/"
