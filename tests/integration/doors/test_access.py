"""A desk that asks for keys, at its HTTP doors."""

from __future__ import annotations

import importlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from made_access import START_NS, AccessDesk, access_desk, bearer, http_desk

from chanflow.adapters.storage import audit_chain, usage_ledger
from chanflow.adapters.storage.database.database import Database
from chanflow.domain.time import NS_PER_MS, NS_PER_S

KLINES = "/api/v2/market/klines?symbol=BTCUSDT&level=1m&limit=1"
POINTS = "/api/v2/analysis/points?symbol=BTCUSDT&level=1m"
QUOTA = "/api/v2/user/quota"


@pytest.fixture
def desk(tmp_path: Path) -> AccessDesk:
    return access_desk(tmp_path, importlib.import_module("memory_desk").memory_services())


def _mcp(method: str, params: dict[str, Any]) -> dict[str, Any]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}


MCP_HEADERS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28"}


def _answer(text: str) -> Any:
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    return json.loads(lines[-1] if lines else text)["result"]


@pytest.mark.parametrize("path", [KLINES, QUOTA, "/api/v2/mcp/tools", "/api/v2/status", "/api/v2/audit", "/nothing"])
async def test_nothing_of_the_desk_is_told_without_a_key(desk: AccessDesk, path: str) -> None:
    async with http_desk(desk) as http:
        refused = await http.get(path)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert refused.json()["code"] == "unauthenticated"
        assert (await http.post("/mcp", json=_mcp("tools/list", {}), headers=MCP_HEADERS)).status_code == 401


async def test_pages_and_health_are_for_everyone(desk: AccessDesk) -> None:
    async with http_desk(desk) as http:
        for path in ("/", "/api/v2/docs", "/api/v2/openapi.json", "/healthz", "/readyz"):
            assert (await http.get(path)).status_code == 200


async def test_only_one_whole_header_lets_in(desk: AccessDesk) -> None:
    async with http_desk(desk) as http:
        key = await desk.key(await desk.user("ann"))
        good = f"Bearer {key.text}"
        assert (await http.get(KLINES, headers=bearer(key))).status_code == 200
        wrong = key.text[:20] + ("A" if key.text[20] != "A" else "B") + key.text[21:]
        for headers in (
            [("Authorization", good), ("Authorization", good)],
            [("Authorization", f"Basic {key.text}")],
            [("Authorization", f"Bearer {wrong}")],
            [("Authorization", "Bearer desk_" + "0" * 64)],
            [("Authorization", "Bearer " + "é".encode().decode("latin-1"))],
        ):
            encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
            assert (await http.get(KLINES, headers=encoded)).status_code == 401
        assert (await http.get(f"{KLINES}&api_key={key.text}")).status_code == 401


async def test_strangers_are_slowed_by_address_and_owners_are_not(desk: AccessDesk) -> None:
    async with http_desk(desk) as http:
        key = await desk.key(await desk.user("ann", plan="enterprise"))
        codes = [(await http.get(KLINES)).status_code for _ in range(19)]
        assert set(codes) == {401}
        assert [(await http.get(KLINES, headers=bearer(key))).status_code for _ in range(30)] == [200] * 30
        assert (await http.get(KLINES)).status_code == 401
        slowed = await http.get(KLINES)
        assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "1")


async def test_a_revoked_key_is_refused_within_a_second(desk: AccessDesk, tmp_path: Path) -> None:
    async with http_desk(desk) as http:
        key = await desk.key(await desk.user("ann", plan="enterprise"))
        assert (await http.get(KLINES, headers=bearer(key))).status_code == 200
        elsewhere = access_desk(tmp_path, desk.services)  # as another process does: this one is not told
        async with elsewhere.books.serving():
            await elsewhere.books.keyring.revoke(key.record.id)
        desk.clock.at_ns += NS_PER_S - 1
        assert (await http.get(KLINES, headers=bearer(key))).status_code == 401


async def test_a_disabled_user_an_expired_key_and_a_foreign_address_are_refused(desk: AccessDesk) -> None:
    async with http_desk(desk) as http:
        user = await desk.user("ann", plan="enterprise")
        brief = await desk.key(user, expires_ns=START_NS + NS_PER_S)
        afar = await desk.key(user, allow_ips=["203.0.113.0/24"])
        near = await desk.key(user, allow_ips=["127.0.0.0/8"])
        refused = await http.get(KLINES, headers=bearer(afar))
        assert (refused.status_code, refused.json()["code"]) == (403, "ip_not_allowed")
        assert [(await http.get(KLINES, headers=bearer(key))).status_code for key in (brief, near)] == [200, 200]
        desk.clock.at_ns += NS_PER_S
        assert (await http.get(KLINES, headers=bearer(brief))).status_code == 401
        await desk.shelf.change_user(user.id, disabled_at=desk.clock.now_ns())
        desk.clock.at_ns += NS_PER_S
        assert (await http.get(KLINES, headers=bearer(near))).status_code == 401


async def test_a_spent_quota_has_the_documents_body_and_costs_nothing(desk: AccessDesk) -> None:
    async with http_desk(desk) as http:
        headers = bearer(await desk.key(await desk.user("ann")))
        first = await http.get(POINTS, headers=headers)
        assert (first.status_code, first.headers["x-quota-bsp_query"]) == (200, "1/3")
        assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("10", "9")
        for _ in range(2):
            assert (await http.get(POINTS, headers=headers)).status_code == 200
        over = await http.get(POINTS, headers=headers)
        assert (over.status_code, over.headers["x-quota-bsp_query"]) == (429, "3/3")
        body = over.json()
        fields = ("error", "tool", "used", "limit", "period", "upgrade_url", "resets_at")
        assert {name: body[name] for name in fields} == {
            "error": "quota_exceeded", "tool": "query_buy_sell_points", "used": 3, "limit": 3, "period": "month",
            "upgrade_url": "/billing/upgrade", "resets_at": "2026-02-01T00:00:00.000000000Z",
        }  # fmt: skip
        assert (body["code"], body["retryable"]) == ("quota_exceeded", False)
        quotas = {row["name"]: row for row in (await http.get(QUOTA, headers=headers)).json()["quotas"]}
        assert (quotas["bsp_query"]["used"], quotas["api_call"]["used"]) == (3, 3)
        assert quotas["api_call"]["remaining"] == 997


async def test_two_keys_of_a_user_share_quota_and_bucket(desk: AccessDesk) -> None:
    async with http_desk(desk) as http:
        user = await desk.user("ann")
        keys = [bearer(await desk.key(user)) for _ in range(2)]
        codes = [(await http.get(KLINES, headers=keys[at % 2])).status_code for at in range(11)]
        assert codes == [200] * 10 + [429]
        refused = await http.get(KLINES, headers=keys[0])
        assert refused.json()["code"] == "rate_limited"
        assert refused.json()["retry_after_ms"] == 500
        assert (await http.get(QUOTA, headers=keys[0])).status_code == 200  # a bucket of its own
        desk.clock.at_ns += 500 * NS_PER_MS
        assert (await http.get(KLINES, headers=keys[0])).status_code == 200


async def test_scope_and_plan_are_refused_with_their_code(desk: AccessDesk) -> None:
    async with http_desk(desk) as http:
        viewer = bearer(await desk.key(await desk.user("vic", roles=["viewer"], plan="enterprise")))
        trader = bearer(await desk.key(await desk.user("tom")))
        order = {"client_order_id": "order-0001"}
        lacking = await http.post("/api/v2/orders", json=order, headers=viewer)
        assert (lacking.status_code, lacking.json()["code"]) == (403, "insufficient_scope")
        assert lacking.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="trade:paper"'
        poor = await http.post("/api/v2/orders", json=order, headers=trader)
        assert (poor.status_code, poor.json()["code"]) == (403, "plan_required")
        assert (await http.post("/api/v2/chat", json={"text": "BTCUSDT"}, headers=viewer)).status_code == 403
        assert (await http.get("/api/v2/audit", headers=trader)).status_code == 403


async def test_mcp_acts_as_the_bearer_and_tells_the_usage(desk: AccessDesk) -> None:
    async with http_desk(desk) as http:
        key = await desk.key(await desk.user("vic", roles=["viewer"]))
        headers = {**bearer(key), **MCP_HEADERS}
        call = {"name": "get_klines", "arguments": {"symbol": "BTCUSDT", "level": "1m", "limit": 1}}
        names = {"Mcp-Method": "tools/call", "Mcp-Name": "get_klines"}
        done = _answer((await http.post("/mcp", json=_mcp("tools/call", call), headers=headers | names)).text)
        assert done["_meta"]["chanflow/usage"]["charged"] == {"api_call": 1}
        assert done["_meta"]["chanflow/usage"]["quotas"] == {"api_call": {"used": 1, "limit": 1000}}
        listed = await http.post("/mcp", json=_mcp("tools/list", {}), headers=headers | {"Mcp-Method": "tools/list"})
        tools = {tool["name"] for tool in _answer(listed.text)["tools"]}
        assert "get_klines" in tools
        assert not tools & {"execute_trade", "backtest_strategy", "cancel_order"}
        hidden = {"name": "cancel_order", "arguments": {"client_order_id": "order-0001"}}
        names = {"Mcp-Method": "tools/call", "Mcp-Name": "cancel_order"}
        refused = await http.post("/mcp", json=_mcp("tools/call", hidden), headers=headers | names)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")


async def test_keys_are_made_rotated_and_revoked_over_rest(desk: AccessDesk) -> None:
    async with http_desk(desk) as http:
        trader = await desk.user("tom", plan="enterprise")
        narrow = await desk.key(trader, scopes=["key:write", "market:read"])
        headers = bearer(narrow)
        wide = await http.post("/api/v2/keys", json={"name": "x", "scopes": ["trade:paper"]}, headers=headers)
        assert wide.status_code == 422
        made = (await http.post("/api/v2/keys", json={"name": "x"}, headers=headers)).json()
        assert made["made"]["scopes"] == ["key:write", "market:read"]
        other = await desk.key(await desk.user("eve"))
        for path in ("revoke", "rotate"):
            foreign = await http.post(f"/api/v2/keys/{path}", json={"id": other.record.id}, headers=headers)
            assert foreign.status_code == 404
        turned = await http.post("/api/v2/keys/rotate", json={"id": made["made"]["id"], "grace_s": 5}, headers=headers)
        new, old = ({"Authorization": f"Bearer {text}"} for text in (turned.json()["key"], made["key"]))
        assert [(await http.get(KLINES, headers=h)).status_code for h in (new, old)] == [200, 200]
        desk.clock.at_ns += 5 * NS_PER_S
        assert [(await http.get(KLINES, headers=h)).status_code for h in (new, old)] == [200, 401]
        listed = (await http.get("/api/v2/keys", headers=headers)).text
        assert made["key"] not in listed
        assert len(json.loads(listed)["keys"]) == 3
        assert (
            await http.post("/api/v2/keys/revoke", json={"id": narrow.record.id}, headers=headers)
        ).status_code == 200
        assert (await http.get(KLINES, headers=headers)).status_code == 401


async def test_the_operator_of_the_machine_is_let_in_by_the_desks_own_token(desk: AccessDesk) -> None:
    async with http_desk(desk) as http:
        token = {"Authorization": f"Bearer {desk.books.keyring.desk_token}"}
        assert (await http.get("/api/v2/status", headers=token)).json()["acting_as"] == "local"


async def test_the_audit_tells_each_call_and_holds(desk: AccessDesk, tmp_path: Path) -> None:
    async with http_desk(desk) as http:
        key = await desk.key(await desk.user("ann"))
        admin = bearer(await desk.key(await desk.user("ada", roles=["admin"])))
        await http.get(KLINES, headers=bearer(key))
        await http.get("/api/v2/market/klines?symbol=NOSUCH&level=1m", headers=bearer(key))
        await http.get("/api/v2/audit", headers=bearer(key))
        rows = (await http.get("/api/v2/audit?limit=6", headers=admin)).json()["rows"]
    told = [
        (row["operation"], row["outcome"], row["code"])
        for row in reversed(rows)
        if row["principal"] == f"key:{key.record.id}"
    ]
    assert told == [
        ("get_klines", "started", None), ("get_klines", "done", None),
        ("get_klines", "started", None), ("get_klines", "failed", "not_found"),
        ("get_audit", "refused", "insufficient_scope"),
    ]  # fmt: skip
    assert {(row["door"], row["ip"]) for row in rows} == {("rest", "127.0.0.1")}
    async with await Database.open(tmp_path / "chanflow.db") as database, database.read() as connection:
        count, broken = await connection.run_sync(audit_chain.verify)
        assert (count, broken) == (7, None)
        assert await connection.run_sync(usage_ledger.disagreeing) == ()


async def test_what_we_failed_is_given_back_and_what_the_caller_got_wrong_is_not(tmp_path: Path) -> None:
    memory_desk = importlib.import_module("memory_desk")
    desk = access_desk(tmp_path, memory_desk.failing_services())
    async with http_desk(desk) as http:
        headers = bearer(await desk.key(await desk.user("ann")))
        assert (await http.get(KLINES, headers=headers)).status_code == 500
        assert (await http.get("/api/v2/positions", headers=headers)).status_code == 404
        used = {row["name"]: row["used"] for row in (await http.get(QUOTA, headers=headers)).json()["quotas"]}
    assert used["api_call"] == 1
    async with await Database.open(tmp_path / "chanflow.db") as database, database.read() as connection:
        assert await connection.run_sync(usage_ledger.disagreeing) == ()


def _bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("chanflow.db*")))


async def test_no_secret_reaches_a_log_an_error_or_the_database(
    desk: AccessDesk, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bodies = []
    async with http_desk(desk) as http:
        key = await desk.key(await desk.user("ann"))
        wrong = key.text[:-1] + ("0" if key.text[-1] != "0" else "1")
        for text in (key.text, wrong):
            for path in (KLINES, QUOTA, "/api/v2/audit", "/nothing", f"{KLINES}&key={text}"):
                answer = await http.get(path, headers={"Authorization": f"Bearer {text}"})
                bodies.append(answer.text + repr(answer.headers))
        await desk.books.keyring.revoke(key.record.id)
        await http.get(KLINES, headers=bearer(key))
    secret = key.text.split("_", 2)[2][:43]
    pepper = desk.home.pepper_path.read_text().strip()
    kept = _bytes_of(tmp_path)
    # The client logs the addresses that it was given: that the test itself put the key there is no fault of the desk.
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("chanflow")]
    for found in (secret, pepper):
        assert found not in "".join(bodies) + "".join(ours) + repr(key)
        assert found.encode() not in kept
