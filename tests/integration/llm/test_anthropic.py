"""The other wire: Anthropic's messages, streamed as its documentation shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web
from made_minds import KEY, Box, CountingPurse, ask, good, mind_at

from chanflow.adapters.llm.providers import Provider

pytestmark = pytest.mark.server


Block = tuple[dict[str, Any], list[dict[str, Any]]]


def _turn(number: int, blocks: Sequence[Block], stop: str) -> list[dict[str, Any]]:
    usage = {"input_tokens": 500, "output_tokens": 1}
    message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": "claude-sonnet-5",
               "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}  # fmt: skip
    events: list[dict[str, Any]] = [{"type": "message_start", "message": message}, {"type": "ping"}]
    for at, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": at, "content_block": block})
        events += [{"type": "content_block_delta", "index": at, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": at})
    delta = {"stop_reason": stop, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 40}})
    return [*events, {"type": "message_stop"}]


def _use(name: str, args: str, number: int) -> Block:
    half = len(args) // 2
    return (
        {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {}},
        [{"type": "input_json_delta", "partial_json": part} for part in ("", args[:half], args[half:])],
    )


WORDS: Block = ({"type": "text", "text": ""}, [{"type": "text_delta", "text": "I will look."}])
TALK = [
    _turn(1, [WORDS, _use("look", '{"symbol": "BTCUSDT"}', 1)], "tool_use"),
    _turn(2, [_use("verdict", '{"action": "open_long", "leverage": 9}', 2)], "tool_use"),
    _turn(3, [_use("verdict", '{"action": "open_long", "leverage": 2}', 3)], "tool_use"),
]


async def test_a_look_a_wrong_answer_and_its_repair_go_over_anthropics_wire() -> None:
    asked: list[tuple[dict[str, str], dict[str, Any]]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append((dict(request.headers), await request.json()))
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await reply.prepare(request)
        for event in TALK[len(asked) - 1]:
            await reply.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        await reply.write_eof()
        return reply

    app = web.Application()
    app.router.add_post("/v1/messages", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    purse = CountingPurse()
    mind = mind_at(Provider("local", "anthropic", api_key=KEY, base_url=url), purse=purse)
    try:
        reply = await mind.answer(ask(model="local/claude-sonnet-5"), Box(), good)
    finally:
        await mind.close()
        await runner.cleanup()
    assert (reply.draft, reply.problem, reply.detail) == ({"action": "open_long", "leverage": 2}, None, "")
    assert (reply.tokens_in, reply.tokens_out) == (1500, 120)
    assert [call.name for call in reply.tool_calls] == ["look"]
    assert asked[0][0]["Authorization"] == f"Bearer {KEY}"
    assert (asked[0][1]["stream"], asked[0][1]["max_tokens"]) == (True, 4096)
    assert [tool["name"] for tool in asked[0][1]["tools"]] == ["look", "verdict"]
    assert "9 is greater than the maximum of 5" in json.dumps(asked[2][1]["messages"][-1])
    assert purse.held == {}


async def test_an_overloaded_server_is_tried_again() -> None:
    answers = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal answers
        answers += 1
        if answers == 1:
            body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
            return web.json_response(body, status=529)
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await reply.prepare(request)
        for event in TALK[2]:
            await reply.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
        await reply.write_eof()
        return reply

    app = web.Application()
    app.router.add_post("/v1/messages", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider = Provider("local", "anthropic", api_key=KEY, base_url=f"http://127.0.0.1:{runner.addresses[0][1]}")
    mind = mind_at(provider, purse=CountingPurse())
    try:
        reply = await mind.answer(ask(model="local/claude-sonnet-5"), Box(), good)
    finally:
        await mind.close()
        await runner.cleanup()
    assert (reply.draft, answers) == ({"action": "open_long", "leverage": 2}, 2)
