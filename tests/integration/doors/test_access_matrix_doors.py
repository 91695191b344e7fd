"""The table of who may call what, asked for at the real doors with real keys: the verdicts are those of the table."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest
from made_access import SystemBytes
from made_socket import SocketDesk, say, served

from chanflow.access.plans import PLANS
from chanflow.access.scopes import ROLES
from chanflow.interfaces.cli.call import call
from chanflow.operations.offered import OPERATIONS
from chanflow.runtime.access_desk import open_books

pytestmark = pytest.mark.server

TABLE = Path(__file__).parents[2] / "unit" / "operations" / "access_matrix.md"
LINES = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in TABLE.read_text().splitlines()
    if line.startswith("| ") and "---" not in line
]
ROWS = {line[0]: dict(zip(LINES[0][1:], line[1:], strict=True)) for line in LINES[1:]}
CALLERS = [*((role, "enterprise") for role in ROLES), *(("trader", plan) for plan in PLANS if plan != "enterprise")]
"""Every role under the widest plan, and every plan under the role that trades."""

WRONG = {"no_such": 1}
"""An argument that no operation has: a call that was let in is refused for it, before it costs or does anything."""

FAST = "".join(f"{plan}: {{rate_per_s: 100000, burst: 100000}}\n" for plan in PLANS)
Ask = Callable[[str], Awaitable[str]]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketDesk]:
    root = tmp_path_factory.mktemp("matrix")
    (root / "plans.yaml").write_text(FAST)
    with served(root, keys=True) as desk:
        yield desk


def _expected(name: str, role: str, plan: str, door: str) -> str:
    row = ROWS[name]
    if row[door] == ".":
        return "not_found"
    if row[role] == ".":
        return "insufficient_scope"
    return "invalid_argument" if row[plan] == "x" else "plan_required"


def _code(body: dict[str, Any]) -> str:
    """Return the code of an answer of any door."""
    if "code" in body and isinstance(body["code"], str):
        return body["code"]
    if "error" in body:
        error = body["error"]
        unknown = error["code"] == -32602 and error["message"].startswith("Unknown tool")
        return "not_found" if unknown else str((error.get("data") or {}).get("code", error))
    return str(body["result"]["structuredContent"]["code"])


def _message(text: str) -> dict[str, Any]:
    events = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    found: dict[str, Any] = json.loads(events[-1] if events else text)
    return found


async def _agrees(ask: Ask, role: str, plan: str, door: str, names: list[str]) -> None:
    found = {name: await ask(name) for name in names}
    assert found == {name: _expected(name, role, plan, door) for name in names}


@pytest.mark.parametrize(("role", "plan"), CALLERS)
async def test_the_doors_decide_as_the_table_says(desk: SocketDesk, role: str, plan: str) -> None:
    key = await desk.key(f"{role}-{plan}", role=role, plan=plan)
    bearer, names = {"Authorization": f"Bearer {key.text}"}, [operation.name for operation in OPERATIONS]
    async with httpx.AsyncClient(base_url=desk.http, headers=bearer, timeout=300) as http:

        async def over_rest(name: str) -> str:
            answer = await http.post("/api/v2/mcp/tools/call", json={"name": name, "arguments": WRONG})
            return _code(answer.json())

        await _agrees(over_rest, role, plan, "rest", names)
        await _agrees(_over_mcp(http), role, plan, "mcp", names)
        await _agrees(await _over_session(http), role, plan, "mcp", names)
    async with desk.connected(key) as client:

        async def over_socket(name: str) -> str:
            return _code(await say(client, "tools/call", {"name": name, "arguments": WRONG}))

        await _agrees(over_socket, role, plan, "ws", names)


def _over_mcp(http: httpx.AsyncClient) -> Ask:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }

    async def ask(name: str) -> str:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": name, "arguments": WRONG, "_meta": meta}}  # fmt: skip
        headers = {
            "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call", "Mcp-Name": name,
        }  # fmt: skip
        return _code(_message((await http.post("/mcp", json=body, headers=headers)).text))

    return ask


async def _over_session(http: httpx.AsyncClient) -> Ask:
    headers = {"Accept": "application/json, text/event-stream"}
    opening = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": opening}
    opened = await http.post("/mcp", json=body, headers=headers)
    headers |= {"Mcp-Session-Id": opened.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
    await http.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers)

    async def ask(name: str) -> str:
        calling = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": name, "arguments": WRONG}}
        return _code(_message((await http.post("/mcp", json=calling, headers=headers)).text))

    return ask


@pytest.mark.parametrize(("role", "plan"), CALLERS)
async def test_a_key_at_the_command_line_is_judged_by_the_table(desk: SocketDesk, role: str, plan: str) -> None:
    from dataclasses import replace

    key = await desk.key(f"cli-{role}-{plan}", role=role, plan=plan)
    services = importlib.import_module("memory_desk").memory_services()

    def ask(name: str) -> str:
        books = open_books(desk.home, desk.clock, SystemBytes())
        out = io.StringIO()
        call(name, ["--no-such", "1"], lambda: replace(services, access=books), out=out, key=key.text)
        return _code(json.loads(out.getvalue()))

    names = ["get_klines", "execute_trade", "backtest_strategy", "halt", "resume", "create_key", "get_audit"]
    found = {name: await anyio.to_thread.run_sync(ask, name) for name in names}
    assert found == {name: _expected(name, role, plan, "cli") for name in names}
