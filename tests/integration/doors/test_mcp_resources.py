"""Resources over MCP: each is an operation's answer to the caller, and a change of it is told to whoever listens."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated
from mcp_types import ResourceUpdatedNotification

from chanflow.interfaces.mcp.server import build_mcp_server

pytestmark = pytest.mark.server
ERAS = ("2026", "2025")
OLDER = pytest.mark.filterwarnings("ignore:resources/.*subscribe is removed")


async def _alert(client: Client) -> str:
    wanted = {"client_alert_id": f"t-{uuid4().hex[:20]}", "symbols": ["ETHUSDT"], "level": "1m"}
    result = await client.call_tool("subscribe_alert", wanted)
    return result.structured_content["alert_id"]


async def _read(client: Client, uri: str) -> dict[str, Any]:
    return json.loads((await client.read_resource(uri)).contents[0].text)


@pytest.mark.parametrize("era", ERAS)
async def test_a_resource_is_the_operations_answer_and_is_charged(keyed_desk: Any, era: str) -> None:
    async with keyed_desk.client("ann", era) as client:
        read = await client.read_resource("position://paper")
        called = await client.call_tool("get_position", {"mode": "paper"})
        status = await _read(client, "desk://status")
    body = json.loads(read.contents[0].text)
    assert {**body, "stale_ms": 0} == {**called.structured_content, "stale_ms": 0}
    assert read.contents[0].mime_type == "application/json"
    assert read.contents[0].meta["chanflow/usage"]["charged"] == {"api_call": 1}
    assert status["desk"]["ladder_level"] == "L3"


@pytest.mark.parametrize("era", ERAS)
async def test_the_events_of_an_alert_are_read_after_a_cursor(keyed_desk: Any, era: str) -> None:
    async with keyed_desk.client("ann", era) as client:
        alert_id = await _alert(client)
        assert (await _read(client, f"alert://{alert_id}"))["events"] == []
        for number in (1, 2):
            await keyed_desk.happen(alert_id, number)
        both = await _read(client, f"alert://{alert_id}")
        rest = await _read(client, f"alert://{alert_id}?after={both['events'][0]['cursor']}")
    assert [event["data"]["number"] for event in both["events"]] == [1, 2]
    assert [event["data"]["number"] for event in rest["events"]] == [2]


@pytest.mark.parametrize("era", ERAS)
async def test_anothers_alert_is_as_unknown_as_none(keyed_desk: Any, era: str) -> None:
    async with keyed_desk.client("ann", era) as client:
        alert_id = await _alert(client)
    refusals = []
    async with keyed_desk.client("bob", era) as client:
        for uri in (
            f"alert://{alert_id}",
            f"alert://al_{'0' * 32}",
            "alert://../etc",
            "position://mine",
            "nothing://x",
        ):
            with pytest.raises(MCPError) as raised:
                await client.read_resource(uri)
            refusals.append((raised.value.error.code, raised.value.error.message))
            assert raised.value.error.data == {"uri": uri}
    assert refusals[0] == refusals[1]
    assert {code for code, _ in refusals} == {-32602}


@pytest.mark.parametrize("era", ERAS)
async def test_without_its_scope_a_resource_is_neither_listed_nor_read(keyed_desk: Any, era: str) -> None:
    async with keyed_desk.client("eve", era) as client:  # an administrator may not run research
        templates = {each.name for each in (await client.list_resource_templates()).resource_templates}
        with pytest.raises(MCPError) as raised:
            await client.read_resource(f"job://{uuid4()}")
    assert templates == {"alert", "position", "tool_schema"}
    assert (raised.value.error.code, raised.value.error.data["code"]) == (-32013, "insufficient_scope")


async def test_a_listener_hears_of_its_alert(keyed_desk: Any) -> None:
    async with keyed_desk.client("ann", "2026") as client:
        uri = f"alert://{await _alert(client)}"
        async with client.listen(resource_subscriptions=[uri]) as listening:
            await keyed_desk.happen(uri.removeprefix("alert://"), 1)
            assert await anext(listening) == ResourceUpdated(uri=uri)
            await keyed_desk.happen(uri.removeprefix("alert://"), 2)
            assert await anext(listening) == ResourceUpdated(uri=uri)


@OLDER
async def test_a_subscriber_of_2025_hears_until_it_unsubscribes(keyed_desk: Any) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            heard.put_nowait(str(message.params.uri))

    async with keyed_desk.client("ann", "2025", message_handler=hear) as client:
        first, second = await _alert(client), await _alert(client)
        for alert_id in (first, second):
            await client.subscribe_resource(f"alert://{alert_id}")
        number = 0
        while heard.empty():  # notices before the client has opened its stream go nowhere
            await keyed_desk.happen(first, number := number + 1)
            await asyncio.sleep(0.1)
        await client.unsubscribe_resource(f"alert://{first}")
        await keyed_desk.happen(first, number + 1)
        await keyed_desk.happen(second, number + 2)
        uris = {await heard.get()}
        while f"alert://{second}" not in uris:
            uris.add(await heard.get())
        assert heard.empty()
    assert uris == {f"alert://{first}", f"alert://{second}"}


@OLDER
async def test_nobody_listens_to_what_is_anothers(keyed_desk: Any) -> None:
    async with keyed_desk.client("ann", "2026") as client:
        uri = f"alert://{await _alert(client)}"
    async with keyed_desk.client("bob", "2026") as client:
        with pytest.raises(MCPError, match="for this caller"):
            async with client.listen(resource_subscriptions=[uri]):
                pass
    async with keyed_desk.client("bob", "2025") as client:
        with pytest.raises(MCPError, match="for this caller"):
            await client.subscribe_resource(uri)


async def test_one_listens_to_a_hundred_resources_at_most(keyed_desk: Any) -> None:
    async with keyed_desk.client("ann", "2026") as client:
        with pytest.raises(MCPError, match="100 resources at once"):
            async with client.listen(resource_subscriptions=[f"alert://al_{n:032x}" for n in range(101)]):
                pass


async def test_a_session_is_for_whoever_opened_it(keyed_desk: Any) -> None:
    import httpx

    opening = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"},
        },
    }  # fmt: skip
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    async with httpx.AsyncClient(base_url=keyed_desk.url, timeout=60) as http:

        async def post(name: str, body: Any, session: str | None = None) -> httpx.Response:
            headers = {
                "Authorization": f"Bearer {keyed_desk.keys[name]}",
                "Accept": "application/json, text/event-stream",
            }
            if session is not None:
                headers |= {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-11-25"}
            return await http.post("/mcp", json=body, headers=headers)

        opened = await post("ann", opening)
        session = opened.headers["mcp-session-id"]
        await post("ann", {"jsonrpc": "2.0", "method": "notifications/initialized"}, session)
        assert (await post("ann", listing, session)).status_code == 200
        assert (await post("bob", listing, session)).status_code == 404


@pytest.mark.parametrize("era", ERAS)
async def test_callers_at_the_same_time_are_not_taken_for_one_another(keyed_desk: Any, era: str) -> None:
    async with keyed_desk.client("ann", era) as ann, keyed_desk.client("eve", era) as eve:
        answers = await asyncio.gather(*(client.list_tools() for client in [ann, eve] * 8))
    names = [frozenset(tool.name for tool in answer.tools) for answer in answers]
    assert len(set(names[::2])) == len(set(names[1::2])) == 1
    assert "execute_trade" in names[0]
    assert "execute_trade" not in names[1]


async def test_the_sdk_still_has_what_the_older_subscriptions_reach_for(doors: Any) -> None:
    server = build_mcp_server(doors._services)
    lowlevel = server._lowlevel_server
    for method in ("resources/subscribe", "resources/unsubscribe"):
        assert lowlevel.get_request_handler(method) is not None
    async with Client(server, mode="legacy") as client:
        assert client.server_capabilities.resources.subscribe
