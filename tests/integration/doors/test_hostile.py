"""What a hostile or broken client sends, and what it gets."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from chanflow.domain.json_depth import json_depth_exceeds

pytestmark = pytest.mark.server
JSON = {"Content-Type": "application/json"}


def _call(url: str, content: bytes | str, headers: dict[str, str] = JSON) -> httpx.Response:
    return httpx.post(f"{url}/api/v2/mcp/tools/call", content=content, headers=headers, timeout=300)


def _klines(**arguments: Any) -> str:
    return json.dumps({"name": "get_klines", "arguments": {"symbol": "BTCUSDT", **arguments}})


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (_klines(symbol="A" * 1_000_000), "symbol"),
        (_klines(limit=10**300), "limit"),
        (_klines(limit=float("nan")), "limit"),
        (_klines(limit=float("inf")), "limit"),
        (_klines(limit=True), "limit"),
        (_klines(limit=None), "limit"),
        (_klines(limit={"$gt": 0}), "limit"),
        (_klines(symbol=["BTCUSDT"]), "symbol"),
        (_klines(symbol="BTCUSDT\n"), "symbol"),
        (_klines(symbol="../../etc/passwd"), "symbol"),
        (_klines(start="9999-12-31T23:59:59-23:59"), "start"),
        (_klines(**{"x" * 100_000: 1}), None),
        ("[" * 100_000, None),
        ('{"a":' * 33 + "1" + "}" * 33, None),
        ('["' * 1000 + '\\"' * 400_000, None),
        ("1" * 5000, "body"),
        ("{", "body"),
        ("\xff\xfe", "body"),
        ("[]", "body"),
        ("null", "body"),
        ('{"name": 1}', "name"),
        ('{"name": "get_klines", "arguments": []}', "arguments"),
        ('{"name": "get_klines", "extra": 1}', "body"),
    ],
    ids=range(23),
)
def test_a_bad_call_is_invalid_and_short(desk_url: str, content: str, field: str | None) -> None:
    response = _call(desk_url, content.encode("latin-1"))
    assert response.status_code == 422
    assert response.json()["code"] == "invalid_argument"
    assert response.json()["field"] == field
    assert len(response.content) < 600


def test_a_repeated_query_argument_is_refused(desk_url: str) -> None:
    response = httpx.get(f"{desk_url}/api/v2/market/klines?symbol=BTCUSDT&symbol=EMPTY", timeout=300)
    assert (response.status_code, response.json()["field"]) == (422, "symbol")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_of_another_kind_is_refused(desk_url: str, kind: str) -> None:
    response = _call(desk_url, _klines(level="1m"), {"Content-Type": kind} if kind else {})
    assert response.status_code == 422
    assert response.json()["field"] == "Content-Type"


@pytest.mark.parametrize("path", ["/api/v2/mcp/tools/call", "/mcp"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_one_mebibyte_is_too_large(desk_url: str, path: str, chunked: bool) -> None:
    body = b" " * (1 << 20) + b"{}"
    response = httpx.post(desk_url + path, content=iter([body]) if chunked else body, headers=JSON, timeout=300)
    assert response.status_code == 413
    assert response.json()["code"] == "payload_too_large"


def test_a_body_of_one_mebibyte_is_read(desk_url: str) -> None:
    body = _klines(level="1m", limit=1).encode()
    assert _call(desk_url, body + b" " * ((1 << 20) - len(body))).status_code == 200


@pytest.mark.parametrize("path", ["/api/v2/positions", "/mcp", "/"])
def test_a_foreign_host_name_is_refused(desk_url: str, path: str) -> None:
    response = httpx.get(desk_url + path, headers={"Host": "attacker.example"}, timeout=300)
    assert (response.status_code, response.json()["code"]) == (421, "host_not_allowed")


@pytest.mark.parametrize("origin", ["https://attacker.example", "null", "http://localhost.attacker.example"])
def test_a_page_of_a_foreign_origin_is_refused(desk_url: str, origin: str) -> None:
    response = httpx.get(f"{desk_url}/api/v2/positions", headers={"Origin": origin}, timeout=300)
    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")
    assert "attacker" not in response.text


def test_a_page_of_the_desk_may_call_it(desk_url: str) -> None:
    port = desk_url.rsplit(":", 1)[1]
    headers = {"Origin": f"http://localhost:{port}", "Host": f"localhost:{port}"}
    assert httpx.get(f"{desk_url}/api/v2/positions", headers=headers, timeout=300).status_code == 200


def test_depth_is_counted_outside_of_strings() -> None:
    assert json_depth_exceeds(b"[" * 33, 32)
    assert not json_depth_exceeds(b"[" * 32 + b"]" * 32 + b"[]" * 40, 32)
    assert not json_depth_exceeds(b'["' + b'[\\"' * 100 + b'"]', 32)
    assert json_depth_exceeds(b'["\\\\"' + b"[" * 40, 32)


@pytest.mark.asyncio
async def test_a_hundred_concurrent_calls_give_one_answer(desk_url: str, doors: Any) -> None:
    query = {"symbol": "BTCUSDT", "level": "1m"}
    limits = httpx.Limits(max_connections=100)
    async with (
        httpx.AsyncClient(base_url=desk_url, limits=limits, timeout=300) as http,
        doors.client("mcp-2026") as mcp,
    ):
        began = time.perf_counter()
        over_rest = [http.get("/api/v2/market/klines", params=query) for _ in range(100)]
        over_mcp = [mcp.call_tool("get_klines", query) for _ in range(100)]
        answers = await asyncio.gather(*over_rest, *over_mcp)
        took_s = time.perf_counter() - began
    bodies = {response.text for response in answers[:100]}
    assert len(bodies) == 1
    assert all(result.structured_content == json.loads(*bodies) for result in answers[100:])
    assert took_s < 120
