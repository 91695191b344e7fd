"""MCP over the socket: the same dispatcher as over HTTP, in both eras, for whoever the socket was opened as."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from made_socket import MESSAGE_S, SocketDesk, heard, served
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

pytestmark = pytest.mark.server
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
MCP: dict[str, Any] = {"subprotocols": ["mcp"]}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketDesk]:
    with served(tmp_path_factory.mktemp("desk"), keys=True) as desk:
        yield desk


async def ask(client: ClientConnection, method: str, params: dict[str, Any], call_id: int = 1) -> dict[str, Any]:
    await client.send(json.dumps({"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}))
    found = await heard(client)
    assert found["id"] == call_id
    return found


async def test_both_eras_give_the_callers_own_answers(desk: SocketDesk) -> None:
    trader, viewer = await desk.key("both-trader"), await desk.key("both-viewer", role="viewer", plan="pro")
    async with desk.connected(trader, **MCP) as modern, desk.connected(viewer, **MCP) as legacy:
        assert (modern.subprotocol, legacy.subprotocol) == ("mcp", "mcp")
        hello = await ask(legacy, "initialize", HELLO)
        assert hello["result"]["protocolVersion"] == "2025-11-25"
        await legacy.send('{"jsonrpc":"2.0","method":"notifications/initialized"}')
        quota = {"name": "get_user_quota", "arguments": {}}
        asked = [ask(modern, "tools/call", {**quota, "_meta": MODERN}), ask(legacy, "tools/call", quota, 2)]
        plans = [each["result"]["structuredContent"]["plan"] for each in await asyncio.gather(*asked)]
        assert plans == ["enterprise", "pro"]
        tools = [
            {tool["name"] for tool in each["result"]["tools"]}
            for each in (await ask(modern, "tools/list", {"_meta": MODERN}), await ask(legacy, "tools/list", {}, 3))
        ]
        assert tools[0] - tools[1] == {"subscribe_alert", "backtest_strategy", "execute_trade", "cancel_order"}
        wrong = await ask(modern, "tools/call", {"name": "get_klines", "arguments": {"no": 1}, "_meta": MODERN})
        assert wrong["result"]["structuredContent"]["code"] == "invalid_argument"


async def test_mcp_is_spoken_only_where_it_is_offered_and_its_caller_known(desk: SocketDesk) -> None:
    key = await desk.key("offered")
    async with desk.connected(key) as client:
        assert client.subprotocol is None
        assert "result" in await ask(client, "ping", {})
        assert (await ask(client, "initialize", HELLO))["error"]["code"] == -32601
    with pytest.raises(InvalidStatus) as caught:
        async with desk.connected(**MCP):
            pass
    assert caught.value.response.status_code == 401


@pytest.mark.parametrize("frame", ["nothing", "[]", '{"jsonrpc":"2.0"}', '{"jsonrpc":"2.0","id":1,"method":5}'])
async def test_a_frame_that_is_no_message_is_answered_and_the_socket_goes_on(desk: SocketDesk, frame: str) -> None:
    key = await desk.key(f"frame-{len(frame)}")
    async with desk.connected(key, **MCP) as client:
        await client.send(frame)
        assert (await heard(client))["error"]["code"] == -32700
        assert "result" in await ask(client, "tools/list", {"_meta": MODERN})


async def test_what_a_key_loses_counts_at_the_next_call_and_its_end_closes(desk: SocketDesk) -> None:
    key = await desk.key("loses")
    call = {"name": "cancel_order", "arguments": {"client_order_id": "none-such-1"}, "_meta": MODERN}
    async with desk.connected(key, **MCP) as client:
        before = await ask(client, "tools/call", call)
        assert before["result"]["structuredContent"]["code"] != "insufficient_scope"
        async with desk.elsewhere() as books:
            await books.shelf.change_user("user-loses", roles=["viewer"])
            code = ""
            while code != "insufficient_scope":
                code = (await ask(client, "tools/call", call))["result"]["structuredContent"]["code"]
            await books.books.keyring.revoke(key.record.id)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), MESSAGE_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
