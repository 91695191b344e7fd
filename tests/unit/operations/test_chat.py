"""The chat over a catalogue: plans carried out as the one who asks, and answered by reference."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chanflow.analyst.plan import Plan, Step
from chanflow.domain.prompt import Language
from chanflow.operations.chat import Chat, Planner, Said
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import Declined
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.home import Home

pytestmark = pytest.mark.asyncio


async def ask(desk: Any, text: str, *, confirm: str | None = None, planner: Planner | None = None) -> list[Said]:
    chat = Chat(build_catalogue(desk.memory_services()), planner)
    return [said async for said in chat.ask(text, LOCAL_OPERATOR, door="cli", confirm=confirm)]


def of(events: Sequence[Said], kind: str) -> list[Mapping[str, Any]]:
    return [said.body for said in events if said.kind == kind]


async def test_points_are_answered_with_their_sources(desk: Any) -> None:
    events = await ask(desk, "ETHUSDT 1分钟 有什么买卖点")
    (answer,) = of(events, "answer")
    assert "级别第" in answer["text"]
    assert "不构成投资建议" in answer["text"]
    assert {figure["ref"] for figure in answer["figures"]} >= {"points.points[0].price", "points.points[0].time"}
    assert answer["failed"] == {}


async def test_the_users_flow_ends_with_an_alert(desk: Any, tmp_path: Path) -> None:
    services = replace(desk.memory_services(), alerts=AlertBook(Home(tmp_path), desk.StillClock()))
    chat = Chat(build_catalogue(services))

    async def said(confirm: str | None) -> list[Said]:
        question = "找到所有 1 分钟级别第二类买点，并回测，设置提醒"
        return [each async for each in chat.ask(question, LOCAL_OPERATOR, door="cli", confirm=confirm)]

    events = await said(None)
    (plan,) = of(events, "plan")
    assert plan["cost"] == {"bsp_query": 1, "api_call": 3, "backtest": 1, "alert_subscription": 1}
    assert {body["id"] for body in of(events, "done")} == {"points", "backtest"}
    (asked,) = of(events, "confirm")
    events = await said(asked["token"])
    assert [body["id"] for body in of(events, "started")] == ["points", "backtest", "alert"]
    (answer,) = of(events, "answer")
    assert answer["failed"] == {}
    assert re.search(r"提醒已设置：al_[0-9a-f]{32}", answer["text"])
    (again,) = of(await said(asked["token"]), "answer")
    assert again["text"] == answer["text"], "a yes said twice sets one alert"


async def test_what_the_desk_does_not_keep_is_named(desk: Any) -> None:
    events = await ask(desk, "find all 1m second buys, set alerts")
    (asked,) = of(events, "confirm")
    (answer,) = of(await ask(desk, "find all 1m second buys, set alerts", confirm=asked["token"]), "answer")
    assert "subscribe_alert was not done: what was asked for does not exist" in answer["text"]


async def test_what_changes_something_waits_for_a_yes_that_names_the_plan(desk: Any) -> None:
    events = await ask(desk, "halt")
    assert [said.kind for said in events] == ["plan", "confirm"]
    (asked,) = of(events, "confirm")
    wrong = await ask(desk, "halt", confirm="0" * 32)
    assert of(wrong, "started") == []
    done = await ask(desk, "halt", confirm=asked["token"])
    assert [body["operation"] for body in of(done, "started")] == ["halt"]


async def test_a_yes_of_another_principal_is_none(desk: Any) -> None:
    (asked,) = of(await ask(desk, "halt"), "confirm")
    chat = Chat(build_catalogue(desk.memory_services()))
    other = replace(LOCAL_OPERATOR, id="other")
    events = [said async for said in chat.ask("halt", other, door="cli", confirm=asked["token"])]
    assert of(events, "started") == []


async def test_what_is_not_understood_is_said(desk: Any) -> None:
    events = await ask(desk, "hello there")
    assert [said.kind for said in events] == ["unclear"]


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
async def test_a_question_has_bounds(desk: Any, text: str) -> None:
    with pytest.raises(Declined, match="allowed are 1 to 2000"):
        await ask(desk, text)


class Scripted:
    """A planner with a plan and an answer of its own."""

    def __init__(self, plan: Plan | None, template: str | None = None) -> None:
        self._plan, self._template = plan, template

    async def plan(self, text: str, language: Language, known: Sequence[str]) -> Plan | None:
        del text, language, known
        return self._plan

    async def template(
        self, text: str, plan: Plan, results: Mapping[str, Any], failed: Mapping[str, str]
    ) -> str | None:
        del text, plan, results, failed
        return self._template


async def test_a_models_plan_runs_and_its_text_is_filled_by_code(desk: Any) -> None:
    plan = Plan("free", "en", (Step("k", "analysis", "get_klines", {"symbol": "BTCUSDT", "level": "1m", "limit": 2}),))
    events = await ask(desk, "the last close?", planner=Scripted(plan, "closed at {k.rows[1][4]}"))
    (answer,) = of(events, "answer")
    assert answer["figures"][0]["ref"] == "k.rows[1][4]"
    assert answer["text"].startswith("closed at 4")


async def test_a_model_that_gives_nothing_leaves_the_grammar(desk: Any) -> None:
    events = await ask(desk, "ETHUSDT 1m points", planner=Scripted(None))
    assert of(events, "answer")


async def test_a_step_that_needs_a_failed_one_fails_with_the_reason(desk: Any) -> None:
    plan = Plan("free", "en", (
        Step("a", "analysis", "get_klines", {"symbol": "NONE", "level": "1m"}),
        Step("b", "analysis", "get_klines", {"symbol": "$a.symbol", "level": "1m"}),
    ))  # fmt: skip
    events = await ask(desk, "x", planner=Scripted(plan, "sorry"))
    assert [body["id"] for body in of(events, "failed")] == ["a", "b"]
    assert "step a gave no result" in of(events, "failed")[1]["message"]


async def test_leaving_early_stops_what_runs(desk: Any) -> None:
    chat = Chat(build_catalogue(desk.memory_services()))
    events = chat.ask("find all 1m second buys, backtest them", LOCAL_OPERATOR, door="cli")
    assert (await anext(events)).kind == "plan"
    await events.aclose()  # type: ignore[attr-defined]
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
