"""The scripted server: `/v1/models` and `/v1/chat/completions` on loopback, streamed or whole."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Self

from aiohttp import web

from chanflow.adapters.llm.estimate import tokens_at_most
from chanflow.adapters.llm.scripted.content import Content, content_of
from chanflow.adapters.llm.scripted.request import request_fault, said
from chanflow.adapters.llm.scripted.script import Fault, Rule, Usage, read_script
from chanflow.domain.time import NS_PER_S, Clock

LOOPBACK = "127.0.0.1"
_MOST_REQUEST_BYTES = 4_000_000
_CHUNK_LETTERS = 4_000
_CREATED = 1_700_000_000
_log = logging.getLogger(__name__)


def default_script() -> tuple[Rule, ...]:
    """Return the rules that come with the program."""
    return read_script(files(__package__).joinpath("default.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Heard:
    """One request: its body, the number of the rule that answered, or why it was refused."""

    body: Any
    rule: int | None
    refused: str | None


class ScriptedServer:
    """Answers by rules, from `async with` to its end, or between `start` and `stop`. `heard` is all that was asked."""

    def __init__(self, rules: Sequence[Rule], *, clock: Clock, models: Sequence[str] = ("scripted",)) -> None:
        self._rules, self._clock, self._models = tuple(rules), clock, tuple(models)
        self._used = [0] * len(self._rules)
        self._runner: web.AppRunner | None = None
        self._replies = 0
        self.heard: list[Heard] = []
        self.port = 0

    @property
    def base_url(self) -> str:
        """The address for a provider of kind openai_compatible."""
        return f"http://{LOOPBACK}:{self.port}/v1"

    async def start(self, port: int = 0) -> int:
        """Listen on loopback and return the port; 0 takes a free one. Raises OSError for one that is taken."""
        app = web.Application(client_max_size=_MOST_REQUEST_BYTES)
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_post("/v1/chat/completions", self._complete)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        try:
            site = web.TCPSite(self._runner, LOOPBACK, port)
            await site.start()
        except OSError:
            await self.stop()
            raise
        self.port = self._runner.addresses[0][1]
        return self.port

    async def stop(self) -> None:
        """Stop listening and end what is still being answered."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *ended: object) -> None:
        await self.stop()

    async def _list_models(self, request: web.Request) -> web.Response:  # noqa: ARG002  (the same answer for all)
        data = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "chanflow"} for name in self._models]
        return web.json_response({"object": "list", "data": data})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            return self._refuse(None, "the body is no JSON")
        refused = request_fault(body)
        if refused is not None:
            return self._refuse(body, refused)
        number = self._matching(body)
        if number is None:
            return self._refuse(body, "no rule of the script fits this request")
        self._used[number] += 1
        self.heard.append(Heard(body, number, None))
        return await self._answer(request, body, self._rules[number])

    def _refuse(self, body: Any, why: str) -> web.Response:
        self.heard.append(Heard(body, None, why))
        _log.warning("refused a request: %s", why)
        return _error(400, why, "invalid_request_error")

    def _matching(self, body: Mapping[str, Any]) -> int | None:
        for number, rule in enumerate(self._rules):
            if (rule.times is None or self._used[number] < rule.times) and _fits(rule, body):
                return number
        return None

    async def _answer(self, request: web.Request, body: Mapping[str, Any], rule: Rule) -> web.StreamResponse:
        fault = rule.fault
        match fault.kind if fault is not None else None:
            case "rate_limit":
                assert fault is not None
                reply = _error(429, "too many requests", "rate_limit_error")
                if fault.retry_after is not None:
                    reply.headers["Retry-After"] = f"{fault.retry_after:g}"
                return reply
            case "server_error":
                return _error(500, "the server failed, as its script says", "server_error")
            case "unauthorized":
                told = request.headers.get("Authorization", "nothing")
                return _error(401, f"not authorized with {told}", "authentication_error")
            case "delay":
                assert fault is not None
                await self._wait(fault.seconds)
        content = content_of(rule, body)
        usage = rule.usage or Usage(tokens_at_most(said(body), len(body["messages"])), _tokens_of(content))
        self._replies += 1
        frame = {"id": f"scripted-{self._replies}", "created": _CREATED, "model": body["model"]}
        shown = None if rule.silent_usage else _usage(usage)
        if body.get("stream"):
            return await self._stream(request, frame, content, shown, fault)
        if fault is not None and fault.kind in {"disconnect", "stall"}:
            return await self._break(request, None, fault)
        message = {"role": "assistant", "content": content.text or None, "tool_calls": _calls(content, self._replies)}
        choice = {"index": 0, "message": {k: v for k, v in message.items() if v != []}, "finish_reason": _end(content)}
        return web.json_response({**frame, "object": "chat.completion", "choices": [choice], "usage": shown})

    async def _stream(
        self, request: web.Request, frame: dict[str, Any], content: Content, usage: Any, fault: Fault | None
    ) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await reply.prepare(request)
        deltas = list(_deltas(content, self._replies))
        if fault is not None and fault.kind in {"disconnect", "stall"}:
            await _send(reply, frame, deltas[0], None)
            return await self._break(request, reply, fault)
        for delta in deltas:
            await _send(reply, frame, delta, None)
        await _send(reply, frame, {}, _end(content))
        if usage is not None:
            await reply.write(_event({**frame, "object": "chat.completion.chunk", "choices": [], "usage": usage}))
        await reply.write(b"data: [DONE]\n\n")
        await reply.write_eof()
        return reply

    async def _break(self, request: web.Request, reply: web.StreamResponse | None, fault: Fault) -> web.StreamResponse:
        """Stay silent for a while, or not, then drop the connection without an end."""
        if fault.kind == "stall":
            await self._wait(fault.seconds)
        if request.transport is not None:
            request.transport.abort()
        return reply or web.Response()

    async def _wait(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.now_ns() + int(seconds * NS_PER_S))


def _fits(rule: Rule, body: Mapping[str, Any]) -> bool:
    when, messages = rule.when, body["messages"]
    if when.contains is not None and when.contains not in said(body):
        return False
    if when.turn is not None and when.turn != 1 + sum(message["role"] == "assistant" for message in messages):
        return False
    if when.tool_result is not None and when.tool_result != _last_result(messages):
        return False
    return when.model is None or when.model == body["model"]


def _last_result(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the name of the tool whose result is the newest message."""
    if messages[-1]["role"] != "tool":
        return None
    names = {call["id"]: call["function"]["name"] for m in messages for call in m.get("tool_calls", ())}
    return names.get(messages[-1]["tool_call_id"])


def _error(status: int, message: str, kind: str) -> web.Response:
    return web.json_response({"error": {"message": message, "type": kind, "code": None}}, status=status)


def _end(content: Content) -> str:
    return "tool_calls" if content.calls else "stop"


def _usage(usage: Usage) -> dict[str, int]:
    total = usage.tokens_in + usage.tokens_out
    return {"prompt_tokens": usage.tokens_in, "completion_tokens": usage.tokens_out, "total_tokens": total}


def _tokens_of(content: Content) -> int:
    said_by_model = content.thinking + content.text + "".join(name + args for name, args in content.calls)
    return tokens_at_most(said_by_model, 0)


def _calls(content: Content, reply: int) -> list[dict[str, Any]]:
    return [
        {"id": f"call-{reply}-{at}", "type": "function", "function": {"name": name, "arguments": args}}
        for at, (name, args) in enumerate(content.calls)
    ]


def _deltas(content: Content, reply: int) -> list[dict[str, Any]]:
    """Return a reply in the pieces it is streamed in, the first with the role."""
    pieces: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for name, text in (("reasoning_content", content.thinking), ("content", content.text)):
        pieces += [{name: text[at : at + _CHUNK_LETTERS]} for at in range(0, len(text), _CHUNK_LETTERS)]
    for at, call in enumerate(_calls(content, reply)):
        args = call["function"]["arguments"]
        half = len(args) // 2
        head = {**call, "index": at, "function": {"name": call["function"]["name"], "arguments": args[:half]}}
        pieces += [{"tool_calls": [head]}, {"tool_calls": [{"index": at, "function": {"arguments": args[half:]}}]}]
    return pieces


async def _send(reply: web.StreamResponse, frame: dict[str, Any], delta: dict[str, Any], end: str | None) -> None:
    choice = {"index": 0, "delta": delta, "finish_reason": end}
    await reply.write(_event({**frame, "object": "chat.completion.chunk", "choices": [choice]}))


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"
