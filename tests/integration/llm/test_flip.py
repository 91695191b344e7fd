"""A run's questions put to their model again, at the scripted server."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from made_drafts import goes_long
from made_minds import desk as served
from made_model import ModelDesk, NoTools, ScriptedMind

from chanflow.analyst.config import AgentConfig
from chanflow.domain.errors import InvalidArgument
from chanflow.review.flips import flip_rate
from chanflow.runtime.asked_analyst import AskedAnalyst
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.flip import ask_again, likely_cost, sampled
from chanflow.runtime.price_file import load_prices

pytestmark = [pytest.mark.server, pytest.mark.slow]
MODEL = (
    'providers={"local": {"kind": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "free": true}}',
    "agents.analyst.model=local/scripted",
)  # fmt: skip
IDS = Uuid7Ids(SystemClock(), SystemRandomness())


def run_of(folder: Path, script: Any) -> ModelDesk:
    config = AgentConfig(model="local/scripted")
    analyst = AskedAnalyst(config, "paper", (), lambda _briefing, _future: NoTools())
    return ModelDesk(folder, ScriptedMind(script), overrides=MODEL, analyst=analyst).run()


async def test_a_model_that_answers_otherwise_now_flips_and_each_time_is_paid(tmp_path: Path) -> None:
    run = await asyncio.to_thread(run_of, tmp_path, goes_long)
    drawn = sampled(run.records(), run.parts, count=2, seed=1)
    assert len(drawn) == 2
    assert {each.recorded for each in drawn} == {"open_long"}
    async with served("- reply: {sense: true}") as desk:
        shares: list[float] = []
        found = flip_rate(await ask_again(drawn, desk.mind, again=2, ids=IDS, on_share=shares.append))
        claims = desk.purse.claims
    assert found.answers + sum(found.unanswered.values()) == 4
    assert found.answers >= 2
    assert len({claim.question_id for claim in claims}) == 4
    assert shares[-1] == 1.0
    assert {each.decision_id for each in found.asked} <= {r.body["decision_id"] for r in run.records("llm_request")}


async def test_the_same_seed_draws_the_same_sample_and_another_one_another(tmp_path: Path) -> None:
    run = await asyncio.to_thread(run_of, tmp_path, goes_long)
    drawn = [sampled(run.records(), run.parts, count=1, seed=n)[0].question.question_id for n in (1, 1, *range(2, 12))]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1
    free = load_prices(None, kinds={"local": "openai_compatible"}, free=("local",))
    assert likely_cost(sampled(run.records(), run.parts, count=4, seed=1), 5, free) == Decimal(0)


async def test_a_run_that_nobody_answered_and_another_wording_are_refused(tmp_path: Path) -> None:
    run = await asyncio.to_thread(run_of, tmp_path, goes_long)
    rules = [record for record in run.records() if record.kind != "llm_response"]
    with pytest.raises(InvalidArgument, match="no model answered"):
        sampled(rules, run.parts, count=1, seed=1)
    run.analyst = AskedAnalyst(
        AgentConfig(model="local/scripted", temperature=1.0), "paper", (), lambda _briefing, _future: NoTools()
    )
    with pytest.raises(InvalidArgument, match="in other words"):
        sampled(run.records(), run.parts, count=1, seed=1)
    with pytest.raises(InvalidArgument, match="--sample is 0"):
        sampled(run.records(), run.parts, count=0, seed=1)
