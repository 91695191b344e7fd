"""Whose request it is: the peer's word, or a trusted proxy's, and never the caller's own."""

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_outside import certificate

from chanflow.domain.errors import SettingsInvalid
from chanflow.interfaces.rest.edge import caller_address
from chanflow.interfaces.rest.frontage import LOOPBACK_NAMES, Frontage, frontage_of, is_loopback
from chanflow.runtime.settings import load_settings

FRONT = Frontage(trusted_proxies=(ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("fd00::/64")))


@pytest.mark.parametrize(("peer", "forwarded", "caller"), [
    ("203.0.113.9", ["198.51.100.7"], "203.0.113.9"),
    ("10.0.0.2", ["198.51.100.7"], "198.51.100.7"),
    ("10.0.0.2", ["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
    ("10.0.0.2", ["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
    ("10.0.0.2", ["203.0.113.9, 198.51.100.7, 10.0.0.9"], "198.51.100.7"),
    ("10.0.0.2", ["10.0.0.7, 10.0.0.9"], "10.0.0.7"),
    ("10.0.0.2", [], "10.0.0.2"),
    ("10.0.0.2", [""], "10.0.0.2"),
    ("10.0.0.2", ["198.51.100.7, unknown"], "10.0.0.2"),
    ("10.0.0.2", ["198.51.100.7:8080"], "198.51.100.7"),
    ("fd00::2", ["[2001:db8::7]:8080"], "2001:db8::7"),
    ("fd00::2", ["2001:db8::7"], "2001:db8::7"),
    ("::ffff:10.0.0.2", ["::ffff:198.51.100.7"], "198.51.100.7"),
    ("testclient", ["198.51.100.7"], "testclient"),
])  # fmt: skip
def test_the_right_most_address_that_is_no_proxy_is_the_callers(peer: str, forwarded: list[str], caller: str) -> None:
    assert caller_address(peer, forwarded, FRONT) == caller


@given(st.lists(st.ip_addresses().map(str) | st.text(max_size=20)), st.ip_addresses(v=4))
def test_what_a_caller_writes_before_the_proxy_never_counts(written: list[str], caller: ipaddress.IPv4Address) -> None:
    if FRONT.trusts(str(caller)):
        return
    assert caller_address("10.0.0.2", [*written, str(caller)], FRONT) == str(caller)
    assert caller_address(str(caller), written, FRONT) == str(caller)


def _front(*overrides: str, host: str | None = None) -> Frontage:
    settings = load_settings(config=None, overrides=overrides, environ={"HOME": "/home/me"}).settings
    return frontage_of(settings, host)


WIDE, KEYS, NAMES, PROXY = (
    "http.host=0.0.0.0", "access.required=true", "http.allowed_hosts=desk.example", "http.trusted_proxies=10.0.0.2",
)  # fmt: skip


@pytest.mark.parametrize(("overrides", "words"), [
    ((WIDE,), r"set http\.tls_cert and http\.tls_key, or http\.trusted_proxies"),
    ((WIDE, KEYS, NAMES), r"set http\.tls_cert and http\.tls_key, or http\.trusted_proxies"),
    ((WIDE, PROXY, NAMES), r"set access\.required=true"),
    ((WIDE, PROXY, KEYS), r"name in http\.allowed_hosts"),
    ((PROXY,), r"http\.trusted_proxies are named, so strangers reach the desk.*set access\.required=true"),
    (("http.host=desk.example",), r"beyond loopback"),
    (("http.host=127.0.0.1.attacker.example",), r"beyond loopback"),
    (("http.host=::",), r"beyond loopback"),
])  # fmt: skip
def test_a_desk_that_strangers_reach_is_refused_without_its_guards(overrides: tuple[str, ...], words: str) -> None:
    with pytest.raises(SettingsInvalid, match=words) as told:
        _front(*overrides)
    assert "\n" not in str(told.value)


def test_beyond_loopback_it_serves_with_keys_names_and_a_proxy_or_tls(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    key.chmod(0o600)
    proxied = _front(WIDE, KEYS, NAMES, PROXY, "http.public_url=https://Desk.example/mcp")
    assert (proxied.url(8000), proxied.local) == ("http://0.0.0.0:8000", False)
    assert proxied.allowed_hosts == LOOPBACK_NAMES | {"desk.example"}
    assert proxied.resource is not None
    assert proxied.resource.url == "https://Desk.example/mcp"
    assert proxied.resource.metadata_url == "https://Desk.example/.well-known/oauth-protected-resource/mcp"
    tls = _front(KEYS, NAMES, f"http.tls_cert={cert}", f"http.tls_key={key}", host="::")
    assert (tls.tls, tls.url(443), tls.trusted_proxies) == ((str(cert), str(key)), "https://[::]:443", ())
    key.chmod(0o644)
    with pytest.raises(SettingsInvalid, match="everyone can read it"):
        _front(f"http.tls_cert={cert}", f"http.tls_key={key}")
    key.chmod(0o600)
    key.write_text("no key")
    with pytest.raises(SettingsInvalid, match="no certificate and its key"):
        _front(f"http.tls_cert={cert}", f"http.tls_key={key}")
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        _front(f"http.tls_cert={cert}", f"http.tls_key={tmp_path / 'none'}")


@pytest.mark.parametrize(("host", "local"), [
    ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("", False), ("0.0.0.0", False),
    ("::", False), ("localhost.example", False), ("2130706433", False),
])  # fmt: skip
def test_loopback_is_known_by_address_and_one_name(host: str, *, local: bool) -> None:
    assert is_loopback(host) is local
