"""Bytes that no honest server sends: each ends in a typed problem, none in an exception."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from made_minds import KEY, CountingPurse, Empty, ask, good, mind_at

from chanflow.adapters.llm.providers import Provider

pytestmark = pytest.mark.server


def _chunk(delta: Any, finish: Any = None, **more: Any) -> bytes:
    value = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
             "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}  # fmt: skip
    return f"data: {json.dumps(value)}\n\n".encode()


def _verdict(args: str) -> bytes:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "verdict", "arguments": args}}
    return _chunk({"role": "assistant", "tool_calls": [call]}) + _chunk({}, "tool_calls") + b"data: [DONE]\n\n"


BODIES = {
    "no stream at all": b"<html>busy</html>",
    "nothing": b"",
    "broken json": b'data: {"id": \n\n',
    "a list": b"data: []\n\n",
    "a number": b"data: 1e999\n\n",
    "choices of text": b'data: {"id":"x","choices":"none"}\n\n',
    "choices of nothing": b'data: {"id":"x","choices":[null]}\n\n',
    "text of numbers": _chunk({"content": 12}),
    "calls of text": _chunk({"tool_calls": "none"}),
    "a call without a name": _chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"arguments": "{}"}}]}),
    "an error in the stream": b'data: {"error": {"message": "overloaded", "type": "server_error"}}\n\n',
    "not utf-8": b'data: {"id": "\xff\xfe"}\n\n',
    "an unknown end": _chunk({"content": "x"}, "because"),
    "a refusal": _chunk({"refusal": "I cannot help with that."}) + _chunk({}, "stop"),
    "cut by length": _chunk({"content": "wor"}, "length"),
    "usage of text": _chunk({"content": "x"}, "stop", usage={"prompt_tokens": "many"}),
    "usage below nothing": _chunk({"content": "x"}, "stop", usage={"prompt_tokens": -5, "completion_tokens": -5}),
    "deep arguments": _verdict('{"action":' + "[" * 50_000 + "]" * 50_000 + "}"),
    "arguments of a list": _verdict("[1]"),
    "arguments of nothing": _verdict("null"),
    "half a character": _verdict('{"action": "\\ud800"}'),
    "two names": _verdict('{"action": "hold", "action": "fly"}'),
    "too much number": _verdict('{"action": "hold", "leverage": ' + "9" * 5_000 + "}"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_strange_reply_is_a_typed_problem(name: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=BODIES[name], headers={"Content-Type": "text/event-stream"})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    purse = CountingPurse()
    mind = mind_at(Provider("local", "openai_compatible", api_key=KEY, base_url=url), purse=purse)
    try:
        reply = await mind.answer(ask(), Empty(), good)
    finally:
        await mind.close()
        await runner.cleanup()
    assert reply.draft is None
    assert reply.problem in {"model_error", "invalid_output"}
    assert reply.detail
    assert purse.held == {}
    assert purse.spent == reply.cost_usd > 0
