"""What callers write reaches no log and no row of the audit as they wrote it."""

from __future__ import annotations

import importlib
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from made_access import access_desk, bearer, http_desk

FORGED = "FORGED"
LINE = f"x\r\n2026-01-01 {FORGED} admin logged in\x1b[2J\u2028{FORGED}"
OURS = ("chanflow", "uvicorn", "mcp", "starlette", "fastapi")


def _mcp(name: str, era: str) -> tuple[dict[str, Any], dict[str, str]]:
    meta = {
        "io.modelcontextprotocol/protocolVersion": era,
        "io.modelcontextprotocol/clientInfo": {"name": LINE, "version": LINE},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": name, "arguments": {LINE: LINE}, "_meta": meta}
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28"}
    return {"jsonrpc": "2.0", "id": LINE, "method": "tools/call", "params": params}, headers


async def test_no_line_of_a_callers_own_stands_in_a_log_or_in_the_audit(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    desk = access_desk(tmp_path, importlib.import_module("memory_desk").memory_services())
    async with http_desk(desk) as http:
        headers = bearer(await desk.key(await desk.user("ann", plan="enterprise")))
        admin = bearer(await desk.key(await desk.user("ada", roles=["admin"])))
        raw = [(b"user-agent", LINE.encode().replace(b"\r\n", b"\n")), (b"x-request-id", LINE.encode())]
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        escaped = "%0d%0a" + FORGED
        for path in (f"/{escaped}", f"/api/v2/market/klines?symbol={escaped}", f"/api/v2/alerts/{escaped}"):
            assert (await http.get(path, headers=[*named, *raw])).status_code in (404, 422)
        for name in (LINE, "get_klines"):
            arguments = {"name": name, "arguments": {"symbol": LINE, LINE: LINE}}
            answer = await http.post("/api/v2/mcp/tools/call", json=arguments, headers=headers)
            assert answer.status_code in (404, 422)
            assert FORGED not in answer.text
            for era in ("2026-07-28", LINE):
                body, more = _mcp(name, era)
                assert (await http.post("/mcp", json=body, headers=headers | more)).status_code < 500
        assert (await http.get("/api/v2/status", headers={"Authorization": f"Bearer {FORGED}"})).status_code == 401
        posted = {"client_order_id": LINE, "symbol": LINE}
        assert (await http.post("/api/v2/orders", json=posted, headers=headers)).status_code == 422
        audit = (await http.get("/api/v2/audit?limit=200", headers=admin)).text
    written = [record.getMessage() for record in caplog.records if record.name.startswith(OURS)]
    assert not [line for line in written if FORGED in line or "\x1b" in line]
    assert FORGED not in audit
    assert len(json.loads(audit)["rows"]) >= 4
