"""The MCP door, through the unmodified client."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import memory_desk
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from chanflow.interfaces.mcp.server import build_mcp_server

pytestmark = pytest.mark.server
ERAS = ("mcp-2026", "mcp-legacy", "stdio")


def _minified(tools: list[Any]) -> bytes:
    listed = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    return json.dumps({"tools": listed}, ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.asyncio
@pytest.mark.parametrize("door", ERAS)
async def test_the_list_of_tools_is_small(doors: Any, door: str) -> None:
    async with doors.client(door) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == [
        "get_klines",
        "analyze_structure",
        "query_buy_sell_points",
        "subscribe_alert",
        "backtest_strategy",
        "execute_trade",
        "cancel_order",
        "get_position",
        "get_market_status",
        "get_performance",
        "get_user_quota",
        "list_tools",
    ]
    assert len(_minified(tools)) <= 11_000


@pytest.mark.asyncio
async def test_tools_say_whether_they_only_read(doors: Any) -> None:
    async with doors.client("mcp-2026") as client:
        listed = await client.list_tools()
    hints = {
        tool.name: (
            tool.annotations.read_only_hint,
            tool.annotations.destructive_hint,
            tool.annotations.idempotent_hint,
        )
        for tool in listed.tools
    }
    trading = {"execute_trade", "cancel_order"}
    assert {hints.pop(name) for name in trading} == {(None, True, True)}
    assert {hints.pop(name) for name in ("backtest_strategy", "subscribe_alert")} == {(None, None, True)}
    assert set(hints.values()) == {(True, None, None)}
    assert (listed.ttl_ms, listed.cache_scope) == (60_000, "private")


@pytest.mark.asyncio
async def test_published_schemas_carry_no_titles_and_no_null_defaults(doors: Any) -> None:
    async with doors.client("mcp-2026") as client:
        published = _minified((await client.list_tools()).tools).decode()
    for noise in ('"title"', '"default":null', '{"type":"null"}', "$ref"):
        assert noise not in published


@pytest.mark.asyncio
@pytest.mark.parametrize("door", ERAS)
async def test_an_unknown_tool_is_an_error_of_the_protocol(doors: Any, door: str) -> None:
    async with doors.client(door) as client:
        with pytest.raises(MCPError) as raised:
            await client.call_tool("steal_funds", {})
    assert raised.value.error.code == -32602
    assert "steal_funds" not in raised.value.error.message


@pytest.mark.asyncio
@pytest.mark.parametrize("door", ERAS)
async def test_the_text_of_an_error_is_its_body(doors: Any, door: str) -> None:
    async with doors.client(door) as client:
        result = await client.call_tool("get_klines", {"symbol": "BTCUSDT", "sneaky": 1})
    assert result.is_error
    assert json.loads(result.content[0].text) == result.structured_content
    assert result.content[0].text == json.dumps(result.structured_content, separators=(",", ":"))


@pytest.mark.asyncio
async def test_a_long_answer_is_told_in_short(doors: Any) -> None:
    async with doors.client("mcp-2026") as client:
        result = await client.call_tool("get_klines", {"symbol": "BTCUSDT", "level": "1m", "limit": 100})
    text = result.content[0].text
    lines = text.splitlines()
    assert len(text) < 1000
    assert lines[0].startswith("BTCUSDT 1m: 100 bars, ")
    assert lines[1] == "time,open,high,low,close,volume,amount"
    assert lines[-2].split(",")[0] == result.structured_content["rows"][-1][0]
    assert lines[-1] == f"next_cursor: {result.structured_content['next_cursor']}"


@pytest.mark.asyncio
@pytest.mark.parametrize("door", ERAS)
async def test_the_full_schema_of_an_answer_is_a_resource(doors: Any, door: str) -> None:
    async with doors.client(door) as client:
        found = await client.read_resource("schema://tools/get_position")
        with pytest.raises(MCPError):
            await client.read_resource("schema://tools/steal_funds")
    assert "PositionRow" in json.loads(found.contents[0].text)["$defs"]


@pytest.mark.asyncio
@pytest.mark.parametrize("door", ERAS)
async def test_prompts_and_resources_are_the_products_alone(doors: Any, door: str) -> None:
    async with doors.client(door) as client:
        prompts = {prompt.name for prompt in (await client.list_prompts()).prompts}
        found = {str(each.uri) for each in (await client.list_resources()).resources}
        templates = {each.uri_template for each in (await client.list_resource_templates()).resource_templates}
    assert prompts == {"morning_review", "explain_point", "find_and_backtest"}
    assert found == {"desk://status"}
    assert templates == {
        "alert://{alert_id}{?after}", "job://{job_id}", "position://{account}", "schema://tools/{name}",
    }  # fmt: skip


@pytest.mark.asyncio
async def test_a_call_without_a_caller_is_unauthenticated(doors: Any) -> None:
    async with Client(build_mcp_server(doors._services)) as client:
        result = await client.call_tool("get_position", {})
    assert result.is_error
    assert result.structured_content["code"] == "unauthenticated"


@pytest.mark.asyncio
async def test_the_toolset_desk_adds_the_desks_own_services(doors_to: Any) -> None:
    services = replace(memory_desk.memory_services(), toolsets=("read", "desk"))
    with doors_to(services) as opened:
        async with opened.client("mcp-2026") as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            found = await client.call_tool("get_live_snapshot", {"symbols": ["BTCUSDT"]})
            listed = await client.call_tool("list_tools", {})
            with pytest.raises(MCPError):
                await client.call_tool("execute_trade", {})
    assert {"get_live_snapshot", "get_historical_slice", "compute_features", "get_signals", "check_risk"} < set(names)
    assert not {"execute_trade", "cancel_order", "subscribe_alert", "backtest_strategy"} & set(names)
    assert not found.is_error
    assert [row["name"] for row in listed.structured_content["tools"]] == names
