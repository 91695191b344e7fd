from __future__ import annotations

from typing import Any

import pytest

from chanflow.adapters.llm.scripted.request import Wanted
from chanflow.adapters.llm.scripted.script import Call
from chanflow.adapters.llm.scripted.sense import sensible

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        name: {}
        for name in ("action", "symbol", "level", "side", "leverage", "confidence", "strategy_details", "evidence",
                     "abstain_reason", "reasoning", "reasoning_short")
    },
    "required": ["action"],
}  # fmt: skip
FORM = Wanted("tool", "verdict", SCHEMA)
BRIEFING = """## task
entry of BTCUSDT, level 30m, as of 2026-11-20T12:30:00Z
tick 0.1; answer valid until at most 2026-11-20T13:00:00Z
paper L1, may open: yes, leverage up to 3
stroke#4 61900.0>61000.0 11-20 12:00
point:buy2@30m#88 61100.5 11-20 12:00 confirmed, since 11-20 12:30
point:sell1@1h#9 63000 11-20 11:00 confirmed
bid 61249.9 ask 61250
flow@1 (12 of 15 bins): score 0.4, ofi 1"""


def body(text: str, *, looked: bool = True) -> dict[str, Any]:
    look = {"name": "look", "parameters": {"required": ["symbol", "level"]}}
    tools = [{"type": "function", "function": tool} for tool in (look, {"name": "verdict", "parameters": SCHEMA})]
    messages: list[dict[str, Any]] = [{"role": "user", "content": text}]
    return {"messages": messages + ([{"role": "tool", "content": "{}"}] if looked else []), "tools": tools}


def test_it_looks_once_at_what_the_briefing_is_about() -> None:
    step = sensible(body(BRIEFING, looked=False), FORM)
    assert (step.calls, step.answer) == ((Call("look", {"symbol": "BTCUSDT", "level": "30m"}),), None)


def test_it_trades_the_newest_confirmed_point_of_the_level_with_the_flow() -> None:
    answer = sensible(body(BRIEFING), FORM).answer
    assert answer is not None
    assert (answer["action"], answer["side"], answer["symbol"], answer["level"]) == (
        "open_long", "buy", "BTCUSDT", "30m",
    )  # fmt: skip
    assert answer["evidence"][0]["ref"] == "point:buy2@30m#88"
    details = answer["strategy_details"]
    assert details["setup"] == "buy2_flow"
    assert details["entry"] == {"type": "limit", "price": "61250", "valid_until": "2026-11-20T13:00:00Z"}
    assert details["stop_loss"] == {"price": "61100.3"}
    assert details["take_profit"] == [{"price": "61549.4", "fraction": 1}]


def test_a_sell_point_is_traded_the_other_way_round() -> None:
    text = BRIEFING.replace("buy2@30m#88 61100.5", "sell2@30m#88 61400.5").replace("score 0.4", "score -0.4")
    answer = sensible(body(text), FORM).answer
    assert answer is not None
    assert (answer["action"], answer["strategy_details"]["stop_loss"]) == ("open_short", {"price": "61400.7"})


def test_without_a_point_it_trades_the_stroke_of_a_signal() -> None:
    signal = "signal stroke_flow buy, score 0.5, stroke#4 flow@1; trend:30m agrees\n## permission"
    text = BRIEFING.replace("12:00 confirmed", "12:00 provisional").replace("paper L1", f"{signal}\npaper L1")
    answer = sensible(body(text), FORM).answer
    assert answer is not None
    assert (answer["action"], answer["evidence"][0]["ref"]) == ("open_long", "stroke#4")
    details = answer["strategy_details"]
    assert (details["setup"], details["stop_loss"]) == ("stroke_flow", {"price": "60999.8"})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("may open: yes", "may open: no"),
        ("score 0.4", "score -0.4"),
        ("12:00 confirmed", "12:00 provisional"),
        ("buy2@30m", "buy2@5m"),
        ("entry of", "management of"),
        ("61100.5", "61300"),
        ("bid 61249.9 ask 61250", "bid ? ask ?"),
    ],
)
def test_it_abstains_where_any_of_it_is_missing(old: str, new: str) -> None:
    answer = sensible(body(BRIEFING.replace(old, new)), FORM).answer
    assert answer is not None
    assert (answer["action"], answer["abstain_reason"]) == ("abstain", "no_setup")


def test_another_question_gets_the_smallest_answer() -> None:
    form = Wanted("text", "plan", {"type": "object", "properties": {"steps": {"type": "array"}}, "required": ["steps"]})
    assert sensible(body("Which points are there now?"), form).answer == {"steps": []}
