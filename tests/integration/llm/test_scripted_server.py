"""The scripted server by itself, as any client of OpenAI's interface meets it."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from chanflow.adapters.llm.scripted.script import read_script
from chanflow.adapters.llm.scripted.server import ScriptedServer, default_script
from chanflow.runtime.clock import SystemClock

pytestmark = pytest.mark.server

USER = {"role": "user", "content": "hello"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


async def _post(server: ScriptedServer, body: Any) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{server.base_url}/chat/completions"
    async with aiohttp.ClientSession() as session, session.post(url, data=data) as reply:
        return reply.status, json.loads(await reply.read())


def _server(script: str) -> ScriptedServer:
    return ScriptedServer(read_script(script), clock=SystemClock(), models=("a", "b"))


async def test_it_lists_its_models() -> None:
    async with (
        _server("- reply: {text: hi}") as server,
        aiohttp.ClientSession() as session,
        session.get(f"{server.base_url}/models") as reply,
    ):
        listed = await reply.json()
    assert [model["id"] for model in listed["data"]] == ["a", "b"]


async def test_a_whole_reply_says_the_same_as_a_streamed_one() -> None:
    script = "- reply: {text: words, tool_calls: [{name: look, args: {x: 买}}]}\n  usage: {tokens_in: 3, tokens_out: 4}"
    request: dict[str, Any] = {"model": "a", "messages": [USER], "tools": [TOOL]}
    async with _server(script) as server:
        _, whole = await _post(server, request)
        url = f"{server.base_url}/chat/completions"
        streamed = request | {"stream": True}
        async with aiohttp.ClientSession() as session, session.post(url, json=streamed) as reply:
            lines = [line async for line in reply.content if line.startswith(b"data: {")]
    events = [json.loads(line.removeprefix(b"data: ")) for line in lines]
    deltas = [event["choices"][0]["delta"] for event in events if event["choices"]]
    message = whole["choices"][0]["message"]
    assert "".join(delta.get("content", "") for delta in deltas) == message["content"] == "words"
    args = "".join(c["function"]["arguments"] for delta in deltas for c in delta.get("tool_calls", ()))
    assert json.loads(args) == json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"x": "买"}
    assert whole["usage"] == events[-1]["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    assert whole["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "the body is no JSON"),
        (b"[" * 100_000, "the body is no JSON"),
        ([], "the request: [] is not of type 'object'"),
        ({"model": "a", "messages": []}, "messages: [] should be non-empty"),
        ({"model": "a", "messages": [{"role": "boss", "content": "x"}]}, "messages.0.role: 'boss' is not one of"),
        ({"model": "a", "messages": [USER], "temperature": 3}, "temperature: 3 is greater than the maximum of 2"),
        ({"model": "a", "messages": [USER], "tools": []}, "tools: [] should be non-empty"),
        ({"model": "a", "messages": [USER], "tool_choice": "auto"}, "'tools' is a dependency of 'tool_choice'"),
        ({"model": "a", "messages": [USER], "max_tokens": 0}, "max_tokens: 0 is less than the minimum of 1"),
        ({"model": "a", "messages": [USER], "tools": [{"type": "function", "function": {"name": "x y"}}]},
         "does not match"),
        ({"model": "a", "messages": [USER],
          "tools": [{"type": "function", "function": {"name": "x", "parameters": {"type": "thing"}}}]},
         "the parameters of tool x are no JSON schema"),
        ({"model": "a", "messages": [USER], "response_format": {"type": "json_schema"}}, "'json_schema' is a required"),
        ({"model": "a", "messages": [USER, {"role": "tool", "content": "x", "tool_call_id": "c9"}]},
         "the result 'c9' answers no call before it"),
        ({"model": "a", "messages": [USER, {"role": "assistant", "tool_calls": [CALL]}]},
         "the call 'c1' has no result"),
        ({"model": "a", "messages": [{"role": "tool", "content": "x"}]}, "'tool_call_id' is a required property"),
    ],
)  # fmt: skip
async def test_a_request_that_is_none_is_refused_and_logged(
    body: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with _server("- reply: {text: hi}") as server:
        status, told = await _post(server, body)
        assert status == 400
        assert words in told["error"]["message"]
        assert server.heard[0].refused == told["error"]["message"]
        assert server.heard[0].rule is None
    assert words in caplog.text


async def test_rules_are_used_in_order_as_often_as_they_say() -> None:
    script = """
- {when: {contains: hello, turn: 2}, reply: {text: second}}
- {when: {model: b}, reply: {text: for b}}
- {times: 1, when: {turn: 1}, reply: {text: once}}
- {when: {contains: bye}, reply: {text: bye}}
"""
    again = [USER, {"role": "assistant", "content": "once"}, USER]
    async with _server(script) as server:
        said = [
            await _post(server, {"model": model, "messages": messages})
            for model, messages in (("a", [USER]), ("a", again), ("b", [USER]), ("a", [USER]))
        ]
    assert [(status, told.get("choices", [{}])[0].get("message", {}).get("content")) for status, told in said] == [
        (200, "once"), (200, "second"), (200, "for b"), (400, None),
    ]  # fmt: skip
    assert [heard.rule for heard in server.heard] == [2, 0, 1, None]


async def test_the_default_script_answers_by_the_schema_it_is_given() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 2}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    async with ScriptedServer(default_script(), clock=SystemClock()) as server:
        _, told = await _post(server, {"model": "a", "messages": [USER], "response_format": form})
        status, _ = await _post(server, {"model": "a", "messages": [{"role": "user", "content": "[[server_error]]"}]})
    assert json.loads(told["choices"][0]["message"]["content"]) == {"n": 2}
    assert status == 500
