"""The next model is asked when one fails, within one deadline; an answer that is wrong is not handed on."""

from __future__ import annotations

import pytest
from made_minds import KEY, Box, CountingPurse, Empty, ask, desk, good, mind_at

from chanflow.adapters.llm.providers import Provider

HOLD = "- reply: {json: {action: hold}}"
MODELS = """
- when: {model: broken}
  fault: server_error
- when: {model: barred}
  fault: unauthorized
- when: {model: chatty}
  reply: {text: no idea}
- reply: {json: {action: hold}}
"""
pytestmark = pytest.mark.server


async def test_the_next_model_answers_where_one_fails() -> None:
    async with desk(MODELS) as d:
        question = ask(model="local/broken", fallback=("local/barred", "nobody/x", "none", "local/fine"))
        reply = await d.mind.answer(question, Empty(), good)
    assert (reply.draft, reply.model) == ({"action": "hold"}, "local/fine")
    assert [e.model for e in reply.exchanges] == ["local/broken", "local/barred", "local/fine"]
    assert [heard.body["model"] for heard in d.server.heard] == ["broken"] * 3 + ["barred", "fine"]


async def test_an_answer_that_is_wrong_is_not_handed_to_another_model() -> None:
    async with desk(MODELS) as d:
        reply = await d.mind.answer(ask(model="local/chatty", fallback=("local/fine",)), Empty(), good)
    assert (reply.problem, reply.model) == ("invalid_output", "local/chatty")
    assert {heard.body["model"] for heard in d.server.heard} == {"chatty"}


async def test_rules_ends_the_chain() -> None:
    async with desk(MODELS) as d:
        reply = await d.mind.answer(ask(model="local/barred", fallback=("rules", "local/fine")), Empty(), good)
        assert (reply.problem, len(d.server.heard)) == ("model_error", 1)
        reply = await d.mind.answer(ask(model="rules"), Empty(), good)
        assert (reply.problem, reply.detail, reply.exchanges) == ("model_error", "no model is named", ())


async def test_the_limit_of_requests_counts_over_all_models() -> None:
    script = """
- when: {model: first, turn: 1}
  reply: {tool_calls: [{name: look, args: {symbol: BTCUSDT}}]}
- when: {model: first}
  fault: unauthorized
- reply: {tool_calls: [{name: look, args: {symbol: BTCUSDT}}]}
"""
    async with desk(script) as d:
        question = ask(model="local/first", fallback=("local/second",), max_requests=3)
        reply = await d.mind.answer(question, Box(), good)
    assert (reply.problem, reply.model) == ("invalid_output", "local/second")
    assert [e.model for e in reply.exchanges if e.response] == ["local/first", "local/second", "local/second"]


async def test_the_desks_own_environment_is_not_sent_to_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    from aiohttp import web

    seen: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.json_response({"error": {"message": "no"}}, status=400)

    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "planted-in-the-environment")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    mind = mind_at(Provider("local", "openai_compatible", api_key=KEY, base_url=url), purse=CountingPurse())
    try:
        reply = await mind.answer(ask(), Empty(), good)
    finally:
        await mind.close()
        await runner.cleanup()
    assert reply.detail == "local/scripted: HTTP 400: no"
    assert seen[0]["Authorization"] == f"Bearer {KEY}"
    assert "planted-in-the-environment" not in str(seen)
    assert seen[0]["Accept-Encoding"] == "identity"


async def test_neither_a_packed_reply_nor_a_redirect_is_followed() -> None:
    from aiohttp import web

    async def answer(request: web.Request) -> web.StreamResponse:
        if (await request.json())["model"] == "packed":
            return web.Response(body=b"x", headers={"Content-Encoding": "gzip", "Content-Type": "text/event-stream"})
        raise web.HTTPTemporaryRedirect("/elsewhere")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    mind = mind_at(Provider("local", "openai_compatible", api_key=KEY, base_url=url), purse=CountingPurse())
    try:
        packed = await mind.answer(ask(model="local/packed"), Empty(), good)
        moved = await mind.answer(ask(model="local/moved"), Empty(), good)
    finally:
        await mind.close()
        await runner.cleanup()
    assert packed.problem == "invalid_output"
    assert "packed" in packed.detail
    assert moved.problem == "model_error"
    assert "elsewhere" not in moved.detail
