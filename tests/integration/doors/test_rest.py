"""The REST door: pages, listings, health, and statuses."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from made_unified import unified_rows

pytestmark = pytest.mark.server
OPERATIONS = [
    "get_klines",
    "analyze_structure",
    "query_buy_sell_points",
    "subscribe_alert",
    "list_alerts",
    "get_alert_events",
    "backtest_strategy",
    "execute_trade",
    "cancel_order",
    "get_position",
    "get_market_status",
    "get_live_snapshot",
    "get_historical_slice",
    "get_signals",
    "compute_features",
    "get_orders",
    "explain_decision",
    "close_all",
    "check_risk",
    "get_risk_state",
    "halt",
    "resume",
    "set_level",
    "approve",
    "lift_wall",
    "request_analysis",
    "get_user_quota",
    "list_keys",
    "create_key",
    "rotate_key",
    "revoke_key",
    "get_audit",
    "create_socket_ticket",
]


def _get(url: str, path: str, **headers: str) -> httpx.Response:
    return httpx.get(url + path, headers=headers)


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
    page = httpx.get(f"{desk_url}/docs", follow_redirects=True)
    assert page.url.path == "/api/v2/docs"
    assert all(name in page.text for name in OPERATIONS)


def test_the_tools_are_listed_with_schema_and_cost(desk_url: str) -> None:
    tools = _get(desk_url, "/api/v2/mcp/tools").json()
    assert [tool["name"] for tool in tools] == OPERATIONS
    assert all(set(tool) == {"name", "description", "inputSchema", "quotaCost"} for tool in tools)
    free = {tool["name"] for tool in tools if tool["quotaCost"] == 0}
    assert free == {
        "cancel_order", "close_all", "halt", "resume", "set_level", "approve", "lift_wall", "get_user_quota",
        "revoke_key",
    }  # fmt: skip


def test_openapi_names_the_operations_and_the_notice(desk_url: str) -> None:
    document = _get(desk_url, "/api/v2/openapi.json").json()
    ids = {route["operationId"] for path in document["paths"].values() for route in path.values()}
    assert document["openapi"] == "3.1.0"
    assert "not investment advice" in document["info"]["description"].lower()
    assert ids == {
        "listTools",
        "callTool",
        "getStatus",
        "getKlines",
        "analyzeStructure",
        "queryBuySellPoints",
        "subscribeAlert",
        "listAlerts",
        "getAlertEvents",
        "getAlert",
        "deleteAlert",
        "getEventsOfAlert",
        "backtestStrategy",
        "explainDecision",
        "requestAnalysis",
        "createSocketTicket",
        "chat",
        "getPosition",
        "getMarketStatus",
        "getLiveSnapshot",
        "getHistoricalSlice",
        "getSignals",
        "computeFeatures",
        "executeTrade",
        "cancelOrder",
        "getOrders",
        "closeAll",
        "checkRisk",
        "getRiskState",
        "halt",
        "resume",
        "setLevel",
        "approve",
        "liftWall",
        "getUserQuota",
        "listKeys",
        "createKey",
        "rotateKey",
        "revokeKey",
        "getAudit",
    }


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


def test_features_are_posted_batch_after_batch(desk_url: str) -> None:
    rows, (price_decimals, qty_decimals) = unified_rows(60)
    given = {"price_decimals": price_decimals, "qty_decimals": qty_decimals}
    route, tool = f"{desk_url}/api/v2/analysis/features", f"{desk_url}/api/v2/mcp/tools/call"
    first = httpx.post(route, json=given | {"rows": rows[:150]})
    assert first.status_code == 200
    second = given | {"rows": rows[150:], "state": first.json()["state"], "finish": True}
    bins = first.json()["bins"] + httpx.post(route, json=second).json()["bins"]
    assert len(bins) == 60
    called = {"name": "compute_features", "arguments": given | {"rows": rows, "finish": True}}
    assert httpx.post(tool, json=called).json()["structuredContent"]["bins"] == bins
    assert httpx.get(route).status_code == 405
    document = _get(desk_url, "/api/v2/openapi.json").json()
    schema = {"$ref": "#/components/schemas/FeaturesComputed", "components": document["components"]}
    Draft202012Validator(schema).validate(first.json())


def test_a_tool_call_answers_like_mcp(desk_url: str) -> None:
    request = {"name": "get_position", "arguments": {}}
    answer = httpx.post(f"{desk_url}/api/v2/mcp/tools/call", json=request).json()
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
    response = httpx.post(f"{desk_url}/api/v2/mcp/tools/call", json={"name": "steal_funds", "arguments": {}})
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
