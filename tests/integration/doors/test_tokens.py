"""Tokens, signed requests and proxies at the HTTP doors of a desk that asks who calls."""

from __future__ import annotations

import importlib
import ipaddress
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from made_access import AccessDesk, access_desk, bearer, http_desk
from made_tokens import AUDIENCE, ISSUER, Login, issuer

from chanflow.access.keyring import KeyMarks, NewKey
from chanflow.access.own_tokens import ACCESS_S
from chanflow.access.signed_requests import AGE_S, NONCE_S, signed_headers
from chanflow.domain.time import NS_PER_S
from chanflow.interfaces.rest.edge import HSTS
from chanflow.interfaces.rest.frontage import LOOPBACK_NAMES, Frontage
from chanflow.interfaces.rest.oauth import FIRST_SCOPES, ProtectedResource

KLINES = "/api/v2/market/klines?symbol=BTCUSDT&level=1m&limit=1"
REFRESH = "/api/v2/auth/refresh"
PROXY, STRANGER = "10.0.0.2", "198.51.100.7"
FRONT = Frontage(
    allowed_hosts=LOOPBACK_NAMES | {"desk.example"},
    trusted_proxies=(ipaddress.ip_network("10.0.0.0/24"),),
    resource=ProtectedResource(AUDIENCE, (ISSUER,)),
)
METADATA = "https://desk.example/.well-known/oauth-protected-resource/mcp"


def _desk(root: Path, **given: Any) -> AccessDesk:
    return access_desk(root, importlib.import_module("memory_desk").memory_services(), **given)


@asynccontextmanager
async def open_desk(desk: AccessDesk, peer: str = STRANGER) -> AsyncIterator[httpx.AsyncClient]:
    async with http_desk(desk, FRONT, peer=peer) as http:
        yield http


def _call(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a tool call of the 2026 era, and its headers."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": name, "arguments": {"symbol": "BTCUSDT"}, "_meta": meta}
    headers = {
        "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call", "Mcp-Name": name,
    }  # fmt: skip
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, headers


# ── OAuth ────────────────────────────────────────────────────────────────────


async def test_who_comes_without_a_token_learns_where_to_get_one(tmp_path: Path) -> None:
    async with open_desk(_desk(tmp_path)) as http:
        body, headers = _call("get_klines")
        for answer in (await http.get(KLINES), await http.post("/mcp", json=body, headers=headers)):
            assert answer.status_code == 401
            assert (
                answer.headers["www-authenticate"] == f'Bearer resource_metadata="{METADATA}", scope="{FIRST_SCOPES}"'
            )
        for path in ("", "/mcp"):
            said = await http.get(f"/.well-known/oauth-protected-resource{path}")
            assert said.status_code == 200
            assert (said.json()["resource"], said.json()["authorization_servers"]) == (AUDIENCE, [ISSUER])
            assert said.json()["bearer_methods_supported"] == ["header"]
            assert set(FIRST_SCOPES.split()) < set(said.json()["scopes_supported"])


async def test_a_token_of_an_issuer_acts_in_its_scopes_and_steps_up(tmp_path: Path) -> None:
    login = Login()
    async with open_desk(_desk(tmp_path, issuers=[issuer()], fetch=login.fetch)) as http:
        headers = {"Authorization": f"Bearer {login.token()}"}
        assert (await http.get(KLINES, headers=headers)).status_code == 200
        lacking = await http.post("/api/v2/risk/halt", json={"reason": "x"}, headers=headers)
        assert lacking.status_code == 403
        assert lacking.headers["www-authenticate"] == (
            f'Bearer error="insufficient_scope", scope="desk:halt", resource_metadata="{METADATA}"'
        )
        body, names = _call("execute_trade")
        refused = await http.post("/mcp", json=body, headers=headers | names)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
        assert 'error="insufficient_scope", scope="trade:paper"' in refused.headers["www-authenticate"]
        encoded = names | {"Mcp-Name": "=?base64?ZXhlY3V0ZV90cmFkZQ==?="}
        assert (await http.post("/mcp", json=body, headers=headers | encoded)).status_code == 403


async def test_the_name_in_a_header_lets_nobody_call_another_tool(tmp_path: Path) -> None:
    login = Login()
    async with open_desk(_desk(tmp_path, issuers=[issuer()], fetch=login.fetch)) as http:
        body, _ = _call("execute_trade")
        _, names = _call("get_klines")
        answer = await http.post("/mcp", json=body, headers=names | {"Authorization": f"Bearer {login.token()}"})
        assert "error" in answer.json()
        assert "structuredContent" not in answer.text


async def test_a_token_for_another_audience_or_in_the_url_opens_nothing(tmp_path: Path) -> None:
    login = Login()
    desk = _desk(tmp_path, issuers=[issuer()], fetch=login.fetch)
    async with open_desk(desk) as http:
        wrong = {"Authorization": f"Bearer {login.token(aud='https://other.example/')}"}
        assert (await http.get(KLINES, headers=wrong)).status_code == 401
        for name in ("access_token", "token", "api_key", "key"):
            assert (await http.get(f"{KLINES}&{name}={login.token()}")).status_code == 401


# ── our own tokens ───────────────────────────────────────────────────────────


async def test_tokens_are_refreshed_over_http_and_verified_by_anyone(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    async with open_desk(desk) as http:
        assert desk.books.tokens is not None
        pair = await desk.books.tokens.issue(await desk.user("ann"))
        new = await http.post(REFRESH, json={"refresh_token": pair.refresh_token})
        assert (new.status_code, new.headers["cache-control"]) == (200, "no-store")
        body = new.json()
        assert (body["token_type"], body["expires_in"]) == ("Bearer", ACCESS_S)
        headers = {"Authorization": f"Bearer {body['access_token']}"}
        assert (await http.get(KLINES, headers=headers)).status_code == 200
        (key,) = (await http.get("/.well-known/jwks.json")).json()["keys"]
        assert (key["kty"], key["crv"], "d" in key) == ("OKP", "Ed25519", False)
        again = await http.post(REFRESH, json={"refresh_token": pair.refresh_token})
        assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")
        assert pair.refresh_token not in again.text
        assert (await http.post(REFRESH, json={"refresh_token": body["refresh_token"]})).status_code == 401
        assert (await http.get(KLINES, headers=headers)).status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"refresh_token":7}', b'{"refresh_token":"a","more":1}', b"{}"])
async def test_a_body_without_a_refresh_token_is_refused(tmp_path: Path, body: bytes) -> None:
    async with open_desk(_desk(tmp_path)) as http:
        assert (await http.post(REFRESH, content=body)).status_code == 422


async def test_who_guesses_refresh_tokens_is_slowed(tmp_path: Path) -> None:
    async with open_desk(_desk(tmp_path)) as http:
        found = [(await http.post(REFRESH, json={"refresh_token": "cfr_" + "a" * 43})).status_code for _ in range(21)]
        assert found == [401] * 20 + [429]


# ── signed requests ──────────────────────────────────────────────────────────


@asynccontextmanager
async def signer(root: Path) -> AsyncIterator[tuple[AccessDesk, httpx.AsyncClient, NewKey]]:
    """Give a desk, a client of it, and a key that signs."""
    desk = _desk(root)
    async with open_desk(desk) as http:
        user = await desk.user("ann", plan="enterprise")
        yield desk, http, await desk.key(user, marks=KeyMarks(signing=True))


def _signed(desk: AccessDesk, key: NewKey, **changed: Any) -> dict[str, str]:
    said = {
        "timestamp": str(desk.clock.now_ns() // NS_PER_S), "nonce": "nonce-0123456789", "method": "GET",
        "target": KLINES, "body": b"",
    }  # fmt: skip
    return signed_headers(key.text, **said | changed)  # type: ignore[arg-type]


async def test_a_signed_request_is_good_once(tmp_path: Path) -> None:
    async with signer(tmp_path) as (desk, http, key):
        headers = _signed(desk, key)
        assert key.text not in str(headers)
        assert (await http.get(KLINES, headers=headers)).status_code == 200
        replayed = await http.get(KLINES, headers=headers)
        assert (replayed.status_code, replayed.json()["field"]) == (401, "x-cf-signature")
        assert (await http.get(KLINES, headers=_signed(desk, key, nonce="another-nonce-16"))).status_code == 200


async def test_a_nonce_is_remembered_by_every_process_and_forgotten_after_five_minutes(tmp_path: Path) -> None:
    async with signer(tmp_path) as (desk, http, key):
        assert (await http.get(KLINES, headers=_signed(desk, key))).status_code == 200
        for seconds, status in ((NONCE_S, 401), (1, 200)):
            desk.clock.at_ns += seconds * NS_PER_S
            assert (await http.get(KLINES, headers=_signed(desk, key))).status_code == status


@pytest.mark.parametrize("seconds", [-AGE_S - 1, AGE_S + 1])
async def test_a_signed_request_is_good_for_half_a_minute(tmp_path: Path, seconds: int) -> None:
    async with signer(tmp_path) as (desk, http, key):
        now_s = desk.clock.now_ns() // NS_PER_S
        late = _signed(desk, key, timestamp=str(now_s + seconds))
        assert (await http.get(KLINES, headers=late)).status_code == 401
        just = _signed(desk, key, timestamp=str(now_s + seconds // abs(seconds) * AGE_S))
        assert (await http.get(KLINES, headers=just)).status_code == 200


async def test_whatever_was_changed_of_a_signed_request_refuses_it(tmp_path: Path) -> None:
    async with signer(tmp_path) as (desk, http, key):
        body = b'{"name":"get_klines","arguments":{"symbol":"BTCUSDT","level":"1m"}}'
        target = "/api/v2/mcp/tools/call"
        good = _signed(desk, key, method="POST", target=target, body=body)
        kind = {"Content-Type": "application/json"}
        assert (await http.post(target, content=body.replace(b"BTC", b"ETH"), headers=good | kind)).status_code == 401
        assert (await http.post(f"{target}?a=b", content=body, headers=good | kind)).status_code == 401
        assert (await http.put(target, content=body, headers=good | kind)).status_code == 401
        other = {"X-CF-Nonce": "another-nonce-16", "X-CF-Timestamp": str(int(good["X-CF-Timestamp"]) + 1)}
        for name, value in other.items():
            assert (await http.post(target, content=body, headers=good | kind | {name: value})).status_code == 401
        doubled = [*good.items(), *kind.items(), ("X-CF-Nonce", good["X-CF-Nonce"])]
        assert (await http.post(target, content=body, headers=doubled)).status_code == 401
        assert (await http.post(target, content=body, headers=good | kind)).status_code == 200


async def test_a_key_that_signs_is_good_for_nothing_without_its_signature(tmp_path: Path) -> None:
    async with signer(tmp_path) as (desk, http, key):
        assert (await http.get(KLINES, headers=bearer(key))).status_code == 401
        assert (await http.get(KLINES, headers={"Authorization": f"Bearer cf_{key.record.id}"})).status_code == 401
        plain = await desk.key((await desk.shelf.users())[0])
        assert (await http.get(KLINES, headers=_signed(desk, plain))).status_code == 401


async def test_a_signing_key_that_was_revoked_or_is_held_to_another_address_signs_nothing(tmp_path: Path) -> None:
    async with signer(tmp_path) as (desk, http, key):
        await desk.books.keyring.revoke(key.record.id)
        assert (await http.get(KLINES, headers=_signed(desk, key))).status_code == 401
        user = (await desk.shelf.users())[0]
        held = await desk.key(user, marks=KeyMarks(signing=True), allow_ips=["192.0.2.0/24"])
        assert (await http.get(KLINES, headers=_signed(desk, held))).status_code == 403


async def test_a_rotated_signing_key_signs_too(tmp_path: Path) -> None:
    async with signer(tmp_path) as (desk, http, key):
        new = await desk.books.keyring.rotate(key.record.id, grace_s=0)
        assert new.record.signing
        assert (await http.get(KLINES, headers=_signed(desk, new))).status_code == 200


# ── where a request comes from ───────────────────────────────────────────────


@pytest.mark.parametrize(("peer", "status"), [(PROXY, 200), ("203.0.113.9", 403)])
async def test_only_a_trusted_proxy_says_where_a_request_comes_from(tmp_path: Path, peer: str, status: int) -> None:
    desk = _desk(tmp_path)
    async with open_desk(desk, peer) as http:
        key = await desk.key(await desk.user("ann"), allow_ips=[STRANGER])
        headers = bearer(key) | {"X-Forwarded-For": f"192.0.2.1, {STRANGER}"}
        assert (await http.get(KLINES, headers=headers)).status_code == status


async def test_plain_http_through_the_proxy_is_sent_to_https(tmp_path: Path) -> None:
    async with open_desk(_desk(tmp_path), PROXY) as http:
        plain = {"X-Forwarded-Proto": "http", "Host": "desk.example"}
        sent = await http.post("/api/v2/orders?a=%2F", headers=plain)
        assert (sent.status_code, sent.headers["location"]) == (308, "https://desk.example/api/v2/orders?a=%2F")
        rebound = await http.get("/", headers=plain | {"Host": "evil.example"})
        assert rebound.status_code == 421
        safe = await http.get("/", headers=plain | {"X-Forwarded-Proto": "https"})
        assert (safe.status_code, safe.headers["strict-transport-security"]) == (200, HSTS)
        assert "strict-transport-security" not in (await http.get("/")).headers


async def test_a_stranger_who_claims_to_be_a_proxy_is_not_redirected_and_gets_no_hsts(tmp_path: Path) -> None:
    async with open_desk(_desk(tmp_path)) as http:
        for proto in ("http", "https"):
            answer = await http.get("/", headers={"X-Forwarded-Proto": proto, "Host": "desk.example"})
            assert answer.status_code == 200
            assert "strict-transport-security" not in answer.headers


async def test_a_page_that_rebound_its_name_is_refused_with_a_good_key_too(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    async with open_desk(desk) as http:
        key = bearer(await desk.key(await desk.user("ann")))
        assert (await http.get(KLINES, headers=key | {"Host": "evil.example"})).status_code == 421
        assert (await http.get(KLINES, headers=key | {"X-Forwarded-Host": "evil.example"})).status_code == 200
        assert (await http.get(KLINES, headers=key | {"Origin": "https://evil.example"})).status_code == 403
        assert json.loads((await http.get(KLINES, headers=key | {"Host": "desk.example"})).text)


# ── keys ─────────────────────────────────────────────────────────────────────


async def test_a_key_is_changed_rotated_and_deleted_at_its_own_path(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    async with open_desk(desk) as http:
        headers = bearer(await desk.key(await desk.user("ann", plan="enterprise")))
        terms = {"name": "bot", "paper_only": True, "allow_ips": ["198.51.100.0/24"]}
        made = (await http.post("/api/v2/keys", json=terms, headers=headers)).json()
        path = f"/api/v2/keys/{made['made']['id']}"
        narrowed = {"name": "robot", "scopes": ["market:read"], "allow_ips": ["198.51.100.7/32"]}
        changed = (await http.patch(path, json=narrowed, headers=headers)).json()["changed"]
        assert {name: changed[name] for name in narrowed} == narrowed
        assert (changed["paper_only"], changed["signing"], changed["last_used_at"]) == (True, "none", None)
        for wider in (
            {"scopes": ["trade:paper"]}, {"allow_ips": ["198.51.100.0/24"]}, {"allow_ips": []}, {"allow_ips": ["::/0"]},
        ):  # fmt: skip
            assert (await http.patch(path, json=wider, headers=headers)).status_code == 422
        assert (await http.patch(path, json={"paper_only": False}, headers=headers)).status_code == 422
        turned = (await http.post(f"{path}/rotate", json={"grace_s": 0}, headers=headers)).json()
        assert turned["made"]["allow_ips"] == ["198.51.100.7/32"]
        new = {"Authorization": f"Bearer {turned['key']}"}
        assert (await http.get(KLINES, headers=new)).status_code == 200
        assert (await http.delete(f"/api/v2/keys/{turned['made']['id']}", headers=headers)).status_code == 200
        assert (await http.get(KLINES, headers=new)).status_code == 401
        assert (await http.patch(path, json={"name": "x"}, headers=headers)).status_code == 409


async def test_nobody_changes_a_key_of_another_or_one_that_may_more(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    async with open_desk(desk) as http:
        ann = await desk.user("ann", plan="enterprise")
        strong = await desk.key(ann)
        weak = bearer(await desk.key(ann, scopes=["key:write"]))
        theirs = await desk.key(await desk.user("eve"))
        for key, status in ((theirs, 404), (strong, 403)):
            path = f"/api/v2/keys/{key.record.id}"
            assert (await http.patch(path, json={"name": "mine"}, headers=weak)).status_code == status
            assert (await http.post(f"{path}/rotate", json={}, headers=weak)).status_code == status
        assert (await http.delete(f"/api/v2/keys/{theirs.record.id}", headers=weak)).status_code == 404


async def test_the_use_of_a_key_is_noted_once_a_minute(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    async with open_desk(desk) as http:
        key = await desk.key(await desk.user("ann", plan="enterprise"))
        used = []
        for seconds in (0, 59, 1):
            desk.clock.at_ns += seconds * NS_PER_S
            await http.get(KLINES, headers=bearer(key))
            (record,) = await desk.books.keyring.keys()
            used.append(record.last_used_ns)
        assert used == [desk.clock.now_ns() - 60 * NS_PER_S] * 2 + [desk.clock.now_ns()]


async def test_the_bearer_of_a_token_makes_keys_too(tmp_path: Path) -> None:
    desk = _desk(tmp_path)
    async with open_desk(desk) as http:
        assert desk.books.tokens is not None
        pair = await desk.books.tokens.issue(await desk.user("ann"))
        headers = {"Authorization": f"Bearer {pair.access_token}"}
        made = await http.post("/api/v2/keys", json={"name": "laptop", "signing": "required"}, headers=headers)
        assert (made.status_code, made.json()["made"]["signing"]) == (200, "required")
        signed = signed_headers(
            made.json()["key"], timestamp=str(desk.clock.now_ns() // NS_PER_S), nonce="nonce-0123456789",
            method="GET", target=KLINES, body=b"",
        )  # fmt: skip
        assert (await http.get(KLINES, headers=signed)).status_code == 200
