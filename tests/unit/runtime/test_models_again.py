"""Runs of a model asked again: at the paper broker's desk, and under another policy with its answers frozen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from made_model import ModelDesk, PlainAnalyst, ScriptedMind, long_at_market
from made_signals import AT_MS, setup_line

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.question import Question
from chanflow.domain.time import NS_PER_MS
from chanflow.review.journal import JournalWriter, Record, read_records
from chanflow.review.what_if import RunDiff
from chanflow.runtime.broker_run import BrokerRun, repeat_journal
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.home import Home
from chanflow.runtime.model_parts import ModelParts
from chanflow.runtime.rerun import compare_again, run_by_rules
from chanflow.runtime.settings import load_settings
from chanflow.runtime.what_if import Policy, settings_of

MODEL = (
    'providers={"local": {"kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "free": true}}',
    "agents.analyst.model=local/one", "risk.sizing.sigma_prior=1",
)  # fmt: skip


def compared(path: Path, make_model: Any, **supposed: Any) -> RunDiff:
    records = list(read_records(path))
    settings = settings_of(records[0])
    policy = Policy(settings, settings, **supposed)
    return asyncio.run(compare_again(path, records, policy, data=None, make_model=make_model))


def test_the_same_policy_with_frozen_answers_gives_the_same_run(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market), overrides=MODEL[:2]).run()
    asked = len(desk.mind.asked)
    diff = compared(desk.journal, desk.parts)
    assert diff.empty
    assert (diff.stopped, diff.before.orders > 0) == ("", True)
    assert len(desk.mind.asked) == asked


def test_under_another_level_it_stops_at_the_first_prompt_that_differs_and_says_so(tmp_path: Path) -> None:
    class Told(PlainAnalyst):
        def question(self, briefing: Any) -> Any:
            question, check = super().question(briefing)
            level = briefing.permission.ladder_level
            return replace(question, instructions=f"You stand at {level}."), check

    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market), overrides=MODEL[:2], analyst=Told()).run()
    diff = compared(desk.journal, desk.parts, level="L2")
    first = desk.records("llm_request")[0]
    assert "would have been asked something else" in diff.stopped
    assert first.body["question_id"] in diff.stopped or first.at in diff.stopped
    assert diff.before.orders == diff.after.orders == 0


def test_the_same_market_by_the_rules_asks_nobody_and_is_another_run(tmp_path: Path) -> None:
    desk = ModelDesk(tmp_path, ScriptedMind(long_at_market), overrides=MODEL[:2]).run()
    asked, heard = len(desk.mind.asked), list[float]()
    rules = asyncio.run(run_by_rules(desk.journal, desk.records(), data=None, on_share=heard.append))
    assert len(desk.mind.asked) == asked
    assert heard[-1] == pytest.approx(1.0, abs=0.01)
    assert rules[-1].kind == "end"
    assert {r.body["analyst"] for r in rules if r.kind == "trade_proposal"} == {"rules"}
    marks = [[r.at for r in run if r.kind == "mark"] for run in (desk.records(), rules)]
    assert marks[0] == marks[1]
    with pytest.raises(InvalidArgument, match="decided by the rules already"):
        asyncio.run(run_by_rules(desk.journal, rules, data=None))


# ── the paper broker ──────────────────────────────────────────────────────────


def buys(question: Question) -> Mapping[str, Any]:
    ask = float(question.text.rpartition(" ")[2])
    exits = {"stop": str(int(ask * 0.99)), "target": str(int(ask * 1.03))}
    return {"action": "open_long", "entry": str(int(ask) + 1), **exits}


class Paper:
    """A broker run once over a folder of signals, its model scripted."""

    def __init__(self, base: Path, script: Callable[[Question], Any]) -> None:
        self.base, self.mind = base, ScriptedMind(script)
        self.signals = base / "signals"
        self.signals.mkdir(parents=True)
        lines = (setup_line(0), setup_line(1, price="50300", stop="49900"))
        (self.signals / "signals_r1.jsonl").write_bytes(b"".join(lines))

    def made(self, _settings: Any, _symbol: str) -> ModelParts:
        return ModelParts(PlainAnalyst(), self.mind)

    def run(self) -> list[Record]:
        settings = load_settings(config=None, overrides=MODEL, environ={"HOME": "/"}).settings

        @asynccontextmanager
        async def models() -> Any:
            yield self.made

        run = BrokerRun(
            settings,
            Home(self.base / "home"),
            self.signals,
            venue=None,
            clock=SimulatedClock(AT_MS * NS_PER_MS + 10**12),
        )
        run.models = models
        run.run(once=True, poll_s=0.1, stop=Event())
        return list(read_records(self.path))

    @property
    def path(self) -> Path:
        [path] = (self.base / "home").rglob("journal-*.jsonl")
        return path


def test_a_model_decides_at_the_paper_broker_s_desk(tmp_path: Path) -> None:
    paper = Paper(tmp_path, buys)
    kinds = [r.kind for r in paper.run()]
    way = ["signal", "decision_started", "briefing", "llm_request", "llm_response", "trade_proposal", "approved_order"]
    assert sorted(way, key=kinds.index) == way


def test_its_journal_is_repeated_without_asking(tmp_path: Path) -> None:
    paper = Paper(tmp_path, buys)
    records = paper.run()
    asked = len(paper.mind.asked)
    again = asyncio.run(repeat_journal(paper.path, records, paper.made))
    assert (again.records, len(paper.mind.asked)) == (len(records), asked)
    assert compared(paper.path, paper.made).empty


def test_killed_before_its_answer_it_asks_again_and_comes_to_the_same_end(tmp_path: Path) -> None:
    paper = Paper(tmp_path, buys)
    records = paper.run()
    whole = paper.path.read_bytes()
    cut = next(r.seq for r in records if r.kind == "llm_request") + 1
    with closing(JournalWriter(paper.path, standing=records[:cut])):
        pass
    assert paper.run() == records
    assert paper.path.read_bytes() == whole


@pytest.mark.parametrize("said", [{"action": "sell the farm"}, {"action": "open_long", "stop": "101", "target": "102"}])
def test_nonsense_opens_nothing_at_the_paper_broker_s_desk(tmp_path: Path, said: Mapping[str, Any]) -> None:
    records = Paper(tmp_path, lambda _: said).run()
    assert [r for r in records if r.kind == "order_intent"] == []
    assert [r for r in records if r.kind == "trade_proposal"]
