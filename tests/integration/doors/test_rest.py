"""The REST door: pages, listings, health, and statuses."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import httpx
import polars as pl
import pytest
from jsonschema import Draft202012Validator
from made_unified import unified_rows

from chanflow.operations.offered import OPERATIONS as OFFERED

pytestmark = pytest.mark.server
OPERATIONS = [each.name for each in OFFERED if "rest" in each.doors]
"""Which they are, and who may call them, stands in `access_matrix.md`, whose test compares."""


def _get(url: str, path: str, **headers: str) -> httpx.Response:
    return httpx.get(url + path, headers=headers, timeout=300)


def test_the_front_page_says_that_there_is_no_dashboard(desk_url: str) -> None:
    page = _get(desk_url, "/")
    assert page.status_code == 200
    assert "dashboard not built: make web" in page.text
    assert 'href="/api/v2/docs"' in page.text


@pytest.mark.parametrize("path", ["/", "/api/v2/docs"])
def test_a_page_loads_nothing_from_elsewhere(desk_url: str, path: str) -> None:
    page = _get(desk_url, path)
    assert not re.findall(r"https?://|<script|<link|<img|src=", page.text)
    assert page.headers["content-security-policy"] == "default-src 'self'; frame-ancestors 'none'"


def test_docs_lead_to_the_api_page_which_names_every_operation(desk_url: str) -> None:
    page = httpx.get(f"{desk_url}/docs", follow_redirects=True, timeout=300)
    assert page.url.path == "/api/v2/docs"
    assert all(name in page.text for name in OPERATIONS)


def test_the_tools_are_listed_with_schema_and_cost(desk_url: str) -> None:
    tools = _get(desk_url, "/api/v2/mcp/tools").json()
    assert [tool["name"] for tool in tools] == OPERATIONS
    assert all(set(tool) == {"name", "description", "inputSchema", "quotaCost"} for tool in tools)
    costs = {tool["name"]: tool["quotaCost"] for tool in tools}
    assert all(costs[name] == 0 for name in ("cancel_order", "close_all", "halt", "get_user_quota", "revoke_key"))
    assert all(costs[name] == 1 for name in ("get_klines", "query_buy_sell_points", "backtest_strategy", "get_audit"))


def test_openapi_names_the_operations_and_the_notice(desk_url: str) -> None:
    document = _get(desk_url, "/api/v2/openapi.json").json()
    ids = {route["operationId"] for path in document["paths"].values() for route in path.values()}
    assert document["openapi"] == "3.1.0"
    assert "not investment advice" in document["info"]["description"].lower()
    ways = {route.name for each in OFFERED if "rest" in each.doors for route in each.routes}
    assert ids == ways | {
        "listTools", "callTool", "getStatus", "chat", "refreshTokens", "logIn", "logOut", "register", "verify",
        "forgot", "reset", "getExport",
    }  # fmt: skip
    assert {"getKlines", "deleteAlert", "getUserQuota"} <= ids


def test_answers_fit_the_schemas_that_openapi_publishes(desk_url: str) -> None:
    document = _get(desk_url, "/api/v2/openapi.json").json()
    asked = {
        "Klines": "/api/v2/market/klines?symbol=BTCUSDT&level=1m",
        "StructureRead": "/api/v2/analysis/structure?symbol=ETHUSDT&level=1m",
        "PointsFound": "/api/v2/analysis/points?symbol=ETHUSDT&level=1m&state=any",
        "Positions": "/api/v2/positions",
        "OrdersFound": "/api/v2/orders",
        "ErrorBody": "/api/v2/market/klines",
    }
    for name, path in asked.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        Draft202012Validator(schema).validate(_get(desk_url, path).json())


def test_a_job_is_followed_read_and_fetched_as_parquet(desk_url: str) -> None:
    asked = {"symbols": ["ETHUSDT"], "level": "1m", "taker_bps": 3, "wait_s": 20}
    found = httpx.post(f"{desk_url}/api/v2/research/backtest", json=asked, timeout=60).json()
    while found["status"] in ("queued", "running"):
        found = httpx.post(f"{desk_url}/api/v2/research/backtest", json=asked, timeout=60).json()
    assert found["status"] == "succeeded"
    path = f"{desk_url}/api/v2/jobs/{found['job_id']}"
    row = httpx.get(path).json()
    assert (row["status"], row["operation"], row["attempts"]) == ("succeeded", "backtest_strategy", 1)
    assert row["resource"] == found["resource"] == f"job://{found['job_id']}"
    assert row in httpx.get(f"{desk_url}/api/v2/jobs?status=succeeded").json()["jobs"]
    rows: list[list[Any]] = []
    query: dict[str, Any] = {"limit": 3}
    while query:
        page = httpx.get(f"{path}/result", params=query).json()
        rows += page["rows"]
        query = {"limit": 3, "cursor": page["next_cursor"]} if page["next_cursor"] else {}
    assert len(rows) == page["total"] == found["result"]["trades"]
    net = page["columns"].index("net")
    assert sum(row[net] for row in rows) == pytest.approx(found["result"]["net"])
    file = httpx.get(f"{path}/result", headers={"Accept": "application/vnd.apache.parquet"})
    assert file.headers["content-type"] == "application/vnd.apache.parquet"
    frame = pl.read_parquet(io.BytesIO(file.content))
    assert frame.columns == page["columns"]
    assert [list(row) for row in frame.iter_rows()] == rows
    by_symbol = httpx.get(f"{path}/result?part=by_symbol").json()
    assert [row[0] for row in by_symbol["rows"]] == ["ETHUSDT"]
    assert httpx.delete(path).json() == row, "what has ended stays as it ended"


@pytest.mark.parametrize(
    ("method", "path", "code", "field"),
    [
        ("GET", "/jobs/5e86eb5b-8a49-58c5-996d-0852113c9803", "not_found", "job_id"),
        ("DELETE", "/jobs/5e86eb5b-8a49-58c5-996d-0852113c9803", "not_found", "job_id"),
        ("GET", "/jobs/5e86eb5b-8a49-58c5-996d-0852113c9803/result", "not_found", "job_id"),
        ("GET", "/jobs/..%2Fsecret", "not_found", None),
        ("GET", "/jobs/secret", "invalid_argument", "job_id"),
        ("GET", "/jobs?cursor=AAAA", "invalid_argument", "cursor"),
        ("GET", "/jobs?status=asleep", "invalid_argument", "status"),
    ],
)
def test_a_job_that_is_none_is_said_so(desk_url: str, method: str, path: str, code: str, field: str | None) -> None:
    body = httpx.request(method, f"{desk_url}/api/v2{path}").json()
    assert (body["code"], body["field"]) == (code, field)


def test_features_are_posted_batch_after_batch(desk_url: str) -> None:
    rows, (price_decimals, qty_decimals) = unified_rows(60)
    given = {"price_decimals": price_decimals, "qty_decimals": qty_decimals}
    route, tool = f"{desk_url}/api/v2/analysis/features", f"{desk_url}/api/v2/mcp/tools/call"
    first = httpx.post(route, json=given | {"rows": rows[:150]}, timeout=300)
    assert first.status_code == 200
    second = given | {"rows": rows[150:], "state": first.json()["state"], "finish": True}
    bins = first.json()["bins"] + httpx.post(route, json=second, timeout=300).json()["bins"]
    assert len(bins) == 60
    called = {"name": "compute_features", "arguments": given | {"rows": rows, "finish": True}}
    assert httpx.post(tool, json=called, timeout=300).json()["structuredContent"]["bins"] == bins
    assert httpx.get(route, timeout=300).status_code == 405
    document = _get(desk_url, "/api/v2/openapi.json").json()
    schema = {"$ref": "#/components/schemas/FeaturesComputed", "components": document["components"]}
    Draft202012Validator(schema).validate(first.json())


def test_a_tool_call_answers_like_mcp(desk_url: str) -> None:
    request = {"name": "get_position", "arguments": {}}
    answer = httpx.post(f"{desk_url}/api/v2/mcp/tools/call", json=request, timeout=300).json()
    assert set(answer) == {"content", "structuredContent", "isError", "usage"}
    assert answer["isError"] is False
    assert json.loads(answer["content"][0]["text"]) == answer["structuredContent"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v2/market/klines", 422, "invalid_argument"),
        ("/api/v2/market/klines?symbol=NONE", 404, "not_found"),
        ("/api/v2/nothing", 404, "not_found"),
        ("/api/v2/mcp/tools/call", 405, "invalid_argument"),
    ],
)
def test_a_failure_has_its_status_and_the_one_body(desk_url: str, path: str, status: int, code: str) -> None:
    response = _get(desk_url, path)
    assert response.status_code == status
    assert response.json()["code"] == code
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_an_unknown_tool_is_not_found_and_is_told_the_others(desk_url: str) -> None:
    response = httpx.post(
        f"{desk_url}/api/v2/mcp/tools/call", json={"name": "steal_funds", "arguments": {}}, timeout=300
    )
    assert response.status_code == 404
    assert response.json()["field"] == "name"
    assert "get_klines" in response.json()["suggestion"]
    assert "steal_funds" not in response.text


def test_health_and_readiness(desk_url: str, failing_url: str) -> None:
    assert _get(desk_url, "/healthz").json() == {"status": "ok"}
    assert _get(desk_url, "/readyz").json() == {"status": "ready"}
    unready = _get(failing_url, "/readyz")
    assert (unready.status_code, unready.json()["status"]) == (503, "not_ready")
    assert "hunter2" not in unready.text


def test_status_says_who_acts_and_what_there_is(desk_url: str, failing_url: str) -> None:
    status: dict[str, Any] = _get(desk_url, "/api/v2/status").json()
    assert status["acting_as"] == "local"
    assert status["symbols"] == ["BTCUSDT", "EMPTY", "ETHUSDT"]
    assert status["account"]["mode"] == "paper"
    failed = _get(failing_url, "/api/v2/status")
    assert (failed.status_code, failed.json()["code"]) == (500, "internal")
    assert "hunter2" not in failed.text


def test_a_new_desk_is_ready_and_empty(new_url: str) -> None:
    assert _get(new_url, "/readyz").status_code == 200
    status = _get(new_url, "/api/v2/status").json()
    assert (status["symbols"], status["account"]) == ([], None)
