"""The blocks of docs/clients.md run against a desk that asks for keys; so do the first document's three snippets."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from first_document_desk import document_point, keyed_desk
from made_client import ServedDesk
from mcp import Client as McpClient
from mcp import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from websockets.asyncio.client import connect

from chanflow.operations.alert_cursor import cursor_of

pytestmark = pytest.mark.server

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "clients.md").read_text("utf-8")
PLAIN = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Keyed:
    """A desk that asks for keys, and one of them."""

    running: ServedDesk
    key: str

    def here(self, text: str) -> str:
        """Return a snippet with this desk's host and key."""
        return text.replace("127.0.0.1:8000", f"127.0.0.1:{self.running.port}").replace("cf_…", self.key)


@pytest.fixture
async def keyed(tmp_path: Path) -> AsyncIterator[Keyed]:
    desk = keyed_desk(tmp_path)
    async with desk.books.serving():
        key = await desk.key(await desk.user("ann"))
    running = ServedDesk(desk.home, desk.services)
    await running.start()
    yield Keyed(running, key.text)
    await running.kill()


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found


def first_document() -> str:
    """Return the platform's first document, or skip."""
    root = Path(os.environ.get("CHANFLOW_TEST_DATA", ROOT.parent / "shared"))
    found = sorted((root / "seeds").glob("000_*.txt"))
    if not found:
        pytest.skip(f"no first document under {root}: set CHANFLOW_TEST_DATA")
    return found[0].read_text("utf-8")


async def run(source: str, **names: Any) -> dict[str, Any]:
    """Run Python that awaits at its top level, as a notebook does."""
    code = compile(source, "snippet", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    made = eval(code, names)  # as a notebook runs a cell
    if inspect.isawaitable(made):
        await made
    return names


# ── the page ──────────────────────────────────────────────────────────────────


async def test_the_python_of_the_page_calls(keyed: Keyed, capsys: pytest.CaptureFixture[str]) -> None:
    calls, _, plain = blocks("py")
    await run(keyed.here(calls))
    points, rows = capsys.readouterr().out.split(" ", 1)
    assert int(points) >= 0
    assert len(ast.literal_eval(rows)) == 3
    await asyncio.to_thread(lambda: exec(keyed.here(plain), {}))
    assert capsys.readouterr().out == "free\n"


async def test_the_python_of_the_page_subscribes(keyed: Keyed, capsys: pytest.CaptureFixture[str]) -> None:
    await keyed.running.log(document_point(1))
    _, events, _ = blocks("py")
    await run(f"from chanflow.client import Client\n{keyed.here(events)}", last=cursor_of(0))
    assert capsys.readouterr().out == f"{cursor_of(1)} new buy2\n"


async def test_the_curl_lines_of_the_page_answer(keyed: Keyed) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl here")
    lines = keyed.here(blocks("bash")[0]).splitlines()
    assert len(lines) == 2
    for line in lines:
        process = await asyncio.create_subprocess_exec(*shlex.split(line), stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        body = json.loads(out)
        assert process.returncode == 0
        assert "points" in body or body["structuredContent"]["plan"] == "free"


async def test_the_programs_configurations_reach_the_desk(keyed: Keyed, tmp_path: Path) -> None:
    stdio, http = (json.loads(keyed.here(each))["mcpServers"]["chanflow"] for each in blocks("json"))
    line = re.search(r"^claude mcp add (.*)$", keyed.here(PAGE), re.MULTILINE)
    assert line is not None
    words = shlex.split(line[1])
    name, value = words[words.index("--header") + 1].split(": ")
    assert (words[:4], {name: value}) == (["--transport", "http", "chanflow", http["url"]], http["headers"])
    assert "get_klines" in await _tools_over_http(http["url"], http["headers"])
    program = str(Path(sys.executable).with_name(stdio["command"]))
    environment = {**os.environ, "CHANFLOW_HOME": str(tmp_path / "home")}
    async with McpClient(StdioServerParameters(command=program, args=stdio["args"], env=environment)) as client:
        assert "get_klines" in {tool.name for tool in (await client.list_tools()).tools}


async def _tools_over_http(url: str, headers: Mapping[str, str]) -> set[str]:
    import httpx2

    async with (
        httpx2.AsyncClient(headers=headers) as http,
        McpClient(streamable_http_client(url, http_client=http)) as c,
    ):
        return {tool.name for tool in (await c.list_tools()).tools}


# ── the first document ────────────────────────────────────────────────────────


def test_the_sockets_snippet_is_the_first_documents_but_for_host_and_key() -> None:
    ours = next(each for each in blocks("ts") if "WebSocket 连接" in each)
    [theirs] = re.findall(r"^```typescript\n(// WebSocket 连接\n.*?)^```$", first_document(), re.MULTILINE | re.DOTALL)
    head, _, rest = ours.partition("\n\n")
    assert head == 'import { DeskSocket as WebSocket } from "@chanflow/client";'
    mine = rest.replace('"ws://127.0.0.1:8000/mcp", { apiKey: "cf_…" }', '"wss://api.chanlun-invester.com/mcp"')
    assert mine == theirs


async def test_the_python_snippet_of_the_first_document_runs(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    [snippet] = re.findall(r"^```python\n(from mcp_client .*?)^```$", first_document(), re.MULTILINE | re.DOTALL)
    monkeypatch.setenv("CHANFLOW_URL", keyed.running.url)
    monkeypatch.setenv("CHANFLOW_API_KEY", keyed.key)
    names = await run(snippet)
    assert names["bsp"]["isError"] is False
    points = names["bsp"]["structuredContent"]["points"]
    assert points
    assert {row["symbol"] for row in points} == {"000001.SZ"}
    assert {row["type"] for row in points} <= {"buy1", "buy2", "buy3"}
    await names["client"].aclose()


def tools_call() -> dict[str, Any]:
    """Return the request that the first document shows."""
    [shown] = re.findall(r"^// 请求\n(\{.*?^\})$", first_document(), re.MULTILINE | re.DOTALL)
    found: dict[str, Any] = json.loads(shown)
    return found


def check_tools_call(answer: dict[str, Any]) -> None:
    """Check an answer to it: its rows are structured, since MCP allows only typed blocks in `content`."""
    assert (answer["jsonrpc"], answer["id"], answer["result"]["isError"]) == ("2.0", "req-001", False)
    row = answer["result"]["structuredContent"]["points"][0]
    assert {"type", "price", "time", "confirmed"} <= set(row)


async def test_the_tools_call_of_the_first_document_is_answered_over_http(keyed: Keyed) -> None:
    headers = {"Authorization": f"Bearer {keyed.key}", "Accept": "application/json, text/event-stream"}
    async with httpx.AsyncClient(headers=headers) as http:
        response = await http.post(f"{keyed.running.url}/mcp", json=tools_call())
        assert (
            await http.post(f"{keyed.running.url}/mcp", json=tools_call(), headers={"Authorization": ""})
        ).status_code == 401
    assert response.status_code == 200
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: {")]
    check_tools_call(json.loads(lines[-1] if lines else response.text))


async def test_the_tools_call_of_the_first_document_is_answered_over_a_socket(keyed: Keyed) -> None:
    headers = {"Authorization": f"Bearer {keyed.key}"}
    url = f"ws://127.0.0.1:{keyed.running.port}/mcp"
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        await socket.send(json.dumps(tools_call()))
        check_tools_call(json.loads(await socket.recv()))


async def test_the_rest_api_of_the_first_document_is_there(keyed: Keyed) -> None:
    [shown] = re.findall(r"^```yaml\n(openapi: .*?)^```$", first_document(), re.MULTILINE | re.DOTALL)
    theirs = yaml.safe_load(shown)
    arguments = {"call": tools_call()["params"]}
    async with httpx.AsyncClient(base_url=keyed.running.url) as http:
        ours = (await http.get("/api/v2/openapi.json")).json()
        assert "BearerAuth" in ours["components"]["securitySchemes"]
        for path, ways in theirs["paths"].items():
            for method, way in ways.items():
                assert ours["paths"][path][method]["operationId"] == way["operationId"]
                assert set(map(str, way["responses"])) <= set(ours["paths"][path][method]["responses"])
                body = arguments["call"] if method == "post" else None
                assert (await http.request(method, path, json=body)).status_code == 401
                headers = {"Authorization": f"Bearer {keyed.key}"}
                answer = await http.request(method, path, json=body, headers=headers)
                assert answer.status_code == 200
                described = way["responses"][200].get("content", {}).get("application/json", {}).get("schema", {})
                assert isinstance(answer.json(), list) == (described.get("type") == "array")
        for _ in range(3):
            spent = await http.post("/api/v2/mcp/tools/call", json=arguments["call"], headers=headers)
    assert (spent.status_code, spent.json()["error"]) == (429, "quota_exceeded")
