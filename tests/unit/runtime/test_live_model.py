"""A model at a real venue: asked beside everything else, judged on a market quoted anew, never asked twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_live import LiveLife
from made_model import PlainAnalyst

from chanflow.domain.question import Check, Question, Reply, Toolbox
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.runtime.model_parts import ModelParts

D = Decimal
MODEL = (
    'providers={"local": {"kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "free": true}}',
    "agents.analyst.model=local/one",
)


@dataclass
class SlowMind:
    """Answers after so many seconds of the desk's time."""

    clock: Clock
    after_s: float
    script: Callable[[Question], Any]
    asked: list[Question] = field(default_factory=list)

    async def answer(self, question: Question, toolbox: Toolbox, check: Check) -> Reply:
        self.asked.append(question)
        await self.clock.sleep_until(self.clock.now_ns() + int(self.after_s * NS_PER_S))
        said = self.script(question)
        return said if isinstance(said, Reply) else Reply(said, model="local/one")


class PatientAnalyst(PlainAnalyst):
    """Asks with a deadline of wall time that no test reaches."""

    def question(self, briefing: Any) -> tuple[Question, Check]:
        question, check = super().question(briefing)
        return replace(question, timeout_s=30.0), check


def opens(question: Question) -> Mapping[str, Any]:
    ask = D(re.findall(r"ask ([0-9.]+)", question.text)[0])
    return {"action": "open_long", "stop": str(round(ask * D("0.99"), 2)), "target": str(round(ask * D("1.02"), 2))}


class ModelLife(LiveLife):
    """An account whose decisions a mind takes."""

    mind: SlowMind


def life_of(tmp_path: Path, script: Callable[[Question], Any] = opens, *, after_s: float = 3) -> ModelLife:
    life = ModelLife(tmp_path, overrides=MODEL)
    life.mind = SlowMind(life.clock, after_s, script)
    life.make_model = lambda _settings, _symbol: ModelParts(PatientAnalyst(), life.mind)
    return life


def test_a_model_decides_at_a_venue_and_a_person_approves(tmp_path: Path) -> None:
    life = life_of(tmp_path)

    async def script() -> None:
        signal_id = await life.signal(1)
        assert life.records("signal_done") == []
        assert life.waiting == []
        await life.wait(4)
        assert len(life.waiting) == 1
        [done] = life.records("signal_done")
        assert done.body["signal_id"] == signal_id

    life.live(script)
    kinds = [r.kind for r in life.records()]
    way = [
        "signal", "quote", "decision_started", "briefing", "memory_used", "llm_request", "llm_response",
        "trade_proposal", "approval_wanted", "signal_done",
    ]  # fmt: skip
    assert sorted(way, key=kinds.index) == way
    assert kinds[kinds.index("llm_response") : kinds.index("trade_proposal")].count("quote") == 1


def test_guardian_and_stops_do_not_wait_for_a_model(tmp_path: Path) -> None:
    life = life_of(tmp_path, after_s=50)

    async def script() -> None:
        await life.signal(1)
        await life.signal(2)
        await life.wait(20)
        assert life.running.router.unwatched is None

    life.live(script)
    assert len(life.records("llm_request")) == 1
    assert life.records("llm_response") == []


def test_killed_in_mid_decision_the_question_is_abandoned_and_never_asked_again(tmp_path: Path) -> None:
    life = life_of(tmp_path, after_s=50)

    async def first() -> None:
        await life.signal(1)
        await life.wait(1)

    async def second() -> None:
        await life.wait(60)

    life.live(first)
    life.live(second)
    [abandoned] = life.records("decision_abandoned")
    [request] = life.records("llm_request")
    assert abandoned.body["question_id"] == request.body["question_id"]
    assert len(life.mind.asked) == 1
    assert len(life.records("signal_done")) == 1
    assert life.records("trade_proposal") == []


@pytest.mark.parametrize(("away_s", "judged"), [(0, True), (3_600, False)])
def test_a_proposal_without_a_verdict_is_judged_if_it_is_still_fresh(
    tmp_path: Path, away_s: int, judged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = life_of(tmp_path)

    class Gone(BaseException):
        pass

    async def first() -> None:
        async def dies(*_: object, **__: object) -> None:
            raise Gone

        monkeypatch.setattr(life.desk, "_judge", dies)
        await life.signal(1)
        await life.wait(10)

    async def second() -> None:
        await life.wait(1)

    with pytest.raises(Gone):
        life.live(first)
    assert [r.body["action"] for r in life.records("trade_proposal")] == ["open_long"]
    life.clock.advance_to(life.clock.now_ns() + away_s * NS_PER_S)
    life.live(second)
    assert bool(life.records("approval_wanted")) == judged
    assert bool(life.records("proposal_lapsed")) == (not judged)
    assert len(life.records("signal_done")) == 1
    assert len(life.mind.asked) == 1


def test_a_reply_after_its_window_opens_nothing_at_a_venue(tmp_path: Path) -> None:
    life = life_of(tmp_path, after_s=2_000)

    async def script() -> None:
        await life.signal(1)
        await life.wait(2_100)

    life.live(script)
    [proposal] = life.records("trade_proposal")
    assert (proposal.body["action"], proposal.body["abstain_reason"]) == ("abstain", "stale_data")


def test_another_analyst_than_before_leads_down_to_l1_and_is_noted_once(tmp_path: Path) -> None:
    life = life_of(tmp_path)

    async def nothing() -> None:
        await life.wait(1)

    life.live(nothing)
    life.live(nothing)

    class Other(PatientAnalyst):
        hash = "other" * 8

    life.make_model = lambda _settings, _symbol: ModelParts(Other(), life.mind)
    life.live(nothing)
    noted = [r.body["state"]["analyst_hash"] for r in life.records("ladder")]
    assert noted == [None, PlainAnalyst.hash, Other.hash]
