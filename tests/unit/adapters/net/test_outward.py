"""Requests to named addresses go to the public internet alone, over TLS, and end soon."""

import ssl
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_outside import NAME, certificate, outside

from chanflow.adapters.net import outward
from chanflow.adapters.net.outward import MAX_BYTES, Outward, outward_url
from chanflow.adapters.net.public_address import is_public
from chanflow.domain.errors import InvalidArgument, OutsideUnreachable


class Names:
    """A resolver that gives each answer once, in order, and then the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def plain(port: int) -> Outward:
    return Outward(allowed_origins=frozenset({f"http://127.0.0.1:{port}"}))


@pytest.mark.parametrize("url", [
    "http://hook.example/", "ftp://hook.example/", "//hook.example/", "hook.example", "https://", "https://:443/",
    "https://user@hook.example/", "https://user:word@hook.example/", "https://hook.example/#part", "https://[::1",
    "https://hook.example:99999/", "https://hook.example:0/", "https://hook.example\\@127.0.0.1/", "https://a b/",
    "https://hook.example/\r\nX: 1", "https://höök.example/", "https://hook.example/" + "a" * 2048, "file:///etc/passwd",
])  # fmt: skip
async def test_a_url_of_another_kind_is_refused_before_anything_is_resolved(url: str) -> None:
    names = Names(["1.1.1.1"])
    with pytest.raises(InvalidArgument):
        await Outward(resolve=names).get_json(url)
    assert names.asked == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"]
)
async def test_no_spelling_of_loopback_is_asked(host: str) -> None:
    async with outside() as server:
        with pytest.raises((InvalidArgument, OutsideUnreachable)):
            await Outward().post(f"https://{host}:{server.port}/", b"{}", {})
        assert server.asked == []


@given(st.lists(st.ip_addresses().map(str), min_size=1, max_size=4))
async def test_one_private_address_among_them_refuses_the_name(addresses: list[str]) -> None:
    asked = Outward(resolve=Names(addresses))
    if all(is_public(address) for address in addresses):
        assert await asked._checked(httpx.URL("https://hook.example/"), "https://hook.example") == addresses
    else:
        with pytest.raises(InvalidArgument, match="not of the public internet"):
            await asked._checked(httpx.URL("https://hook.example/"), "https://hook.example")


async def test_the_connection_goes_to_the_checked_address_and_keeps_the_name(tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(tls[0]))
    names = Names(["127.0.0.1"], ["192.0.2.1"])
    async with outside(tls) as server:
        server.says(b'{"keys": []}')
        origin = f"https://{NAME}:{server.port}"
        asked = Outward(allowed_origins=frozenset({origin}), trust=trust, resolve=names)
        assert await asked.get_json(f"{origin}/jwks?x=1") == {"keys": []}
        assert names.asked == 1
        assert server.names == [NAME]
        assert server.asked[0].startswith(b"GET /jwks?x=1 HTTP/1.1\r\n")
        assert f"host: {NAME}:{server.port}\r\n".encode() in server.asked[0].lower()


async def test_a_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    tls = certificate(tmp_path, "other.example")
    async with outside(tls) as server:
        origin = f"https://{NAME}:{server.port}"
        asked = Outward(
            allowed_origins=frozenset({origin}), trust=ssl.create_default_context(cafile=str(tls[0])),
            resolve=Names(["127.0.0.1"]),
        )  # fmt: skip
        with pytest.raises(OutsideUnreachable):
            await asked.get_json(f"{origin}/jwks")
        assert server.asked == []


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with outside() as server:
        server.says(b"", "302 Found", f"Location: http://127.0.0.1:{server.port}/inside")
        assert await plain(server.port).post(f"http://127.0.0.1:{server.port}/hook", b"{}", {"X-A": "1"}) == 302
        with pytest.raises(OutsideUnreachable, match="answered 302"):
            await plain(server.port).get_json(f"http://127.0.0.1:{server.port}/jwks")
        assert len(server.asked) == 2
        assert server.asked[0].endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize(("body", "headers", "why"), [
    (b'"' + b"a" * MAX_BYTES + b'"', (), "more than 65536 bytes"),
    (b"[" * 33 + b"]" * 33, (), "deeper than 32"),
    (b"{", (), "no JSON"),
    (b"\x1f\x8b", ("Content-Encoding: gzip",), "encoding"),
])  # fmt: skip
async def test_an_answer_out_of_bounds_is_no_answer(body: bytes, headers: tuple[str, ...], why: str) -> None:
    async with outside() as server:
        server.says(body, "200 OK", *headers)
        with pytest.raises(OutsideUnreachable, match=why):
            await plain(server.port).get_json(f"http://127.0.0.1:{server.port}/jwks")


async def test_a_server_that_stays_silent_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outward, "TIMEOUT_S", 0.05)
    async with outside() as server:
        server.answer = None
        with pytest.raises(OutsideUnreachable, match="did not answer"):
            await plain(server.port).get_json(f"http://127.0.0.1:{server.port}/jwks")


async def test_words_about_a_fault_hold_no_path() -> None:
    async with outside() as server:
        server.says(b"", "500 No")
        with pytest.raises(OutsideUnreachable) as told:
            await plain(server.port).get_json(f"http://127.0.0.1:{server.port}/secret-path?token=x")
        assert "secret-path" not in str(told.value)


async def test_a_longer_body_is_not_sent() -> None:
    async with outside() as server:
        with pytest.raises(InvalidArgument, match="65537 bytes"):
            await plain(server.port).post(f"http://127.0.0.1:{server.port}/", b"a" * (MAX_BYTES + 1), {})
        assert server.asked == []


def test_the_origin_of_a_url_is_in_small_letters() -> None:
    assert outward_url("https://Hook.Example:8443/a/b?c=d") == "https://hook.example:8443"
