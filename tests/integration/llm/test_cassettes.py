"""A tape makes a run repeatable without its models: byte for byte, without a request, without a budget."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from made_minds import KEY, Box, CountingPurse, Empty, ask, desk, good, mind_at
from pydantic_ai.models import ModelRequestParameters

from chanflow.adapters.llm.asked import AskedModel, Journey
from chanflow.adapters.llm.cassette import Tape, TapeMode
from chanflow.adapters.llm.providers import Provider
from chanflow.domain.errors import BudgetSpent, CassetteMiss, StorageUnwritable
from chanflow.domain.question import Claim, Question, Reply

NOWHERE = Provider("local", "openai_compatible", api_key=KEY, base_url="http://127.0.0.1:9/v1")
TALK = """
- when: {turn: 1}
  reply: {thinking: hm, tool_calls: [{name: look, args: {symbol: BTCUSDT}}]}
- reply: {json: {action: hold}}
"""


class NoPurse(CountingPurse):
    async def reserve(self, claim: Claim) -> str:
        raise AssertionError("a replay reserves nothing")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "models.jsonl.zst"


async def _recorded(path: Path, script: str, question: Question, mode: TapeMode = "record", **more: object) -> Reply:
    async with desk(script, tape=Tape(path, mode), **more) as d:  # type: ignore[arg-type]
        return await d.mind.answer(question, Box(), good)


async def _replayed(path: Path, question: Question) -> Reply:
    mind = mind_at(NOWHERE, purse=NoPurse(), tape=Tape(path, "replay"))
    try:
        return await mind.answer(question, Box(), good)
    finally:
        await mind.close()


@pytest.mark.server
async def test_a_replay_gives_the_same_reply_without_a_request(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = await _recorded(path, TALK, ask())
    before = Tape(path, "replay").sha256()
    monkeypatch.setattr("pydantic_ai.models.ALLOW_MODEL_REQUESTS", False)
    assert await _replayed(path, ask()) == recorded
    assert recorded.draft == {"action": "hold"}
    assert Tape(path, "replay").sha256() == before


@pytest.mark.server
@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("- fault: server_error", "model_error"),
        ("- fault: {kind: delay, seconds: 60}", "timeout"),
        ("- reply: {text: I pass}", "invalid_output"),
        ("- fault: giant", "invalid_output"),
    ],
)
async def test_a_problem_is_replayed_too(path: Path, script: str, problem: str) -> None:
    question = ask(timeout_s=2.0) if problem == "timeout" else ask()
    recorded = await _recorded(path, script, question)
    assert recorded.problem == problem
    assert await _replayed(path, question) == recorded


@pytest.mark.server
async def test_a_budget_that_was_spent_is_spent_in_the_replay(path: Path) -> None:
    class Spent(CountingPurse):
        async def reserve(self, claim: Claim) -> str:
            raise BudgetSpent("the day's limit of 2.00 is reached")

    recorded = await _recorded(path, TALK, ask(), purse=Spent())
    assert (recorded.problem, recorded.detail) == ("budget", "the day's limit of 2.00 is reached")
    assert await _replayed(path, ask()) == recorded


@pytest.mark.server
async def test_another_question_is_a_miss_that_shows_the_difference(path: Path) -> None:
    await _recorded(path, TALK, ask())
    with pytest.raises(CassetteMiss) as told:
        await _replayed(path, ask(text="What about ETHUSDT?"))
    lines = str(told.value).splitlines()
    assert [line.strip() for line in lines if line.startswith("-") and "user" in line] == [
        '-     "user": "What about BTCUSDT?"'
    ]
    assert [line.strip() for line in lines if line.startswith("+") and "user" in line] == [
        '+     "user": "What about ETHUSDT?"'
    ]


@pytest.mark.server
async def test_recording_again_asks_only_for_what_is_not_there_or_was_a_fault(path: Path) -> None:
    await _recorded(path, TALK, ask())
    async with desk("- fault: server_error", tape=Tape(path, "record")) as d:
        assert (await d.mind.answer(ask(), Box(), good)).draft == {"action": "hold"}
        assert (d.server.heard, d.purse.claims) == ([], [])
        assert (await d.mind.answer(ask(text="else"), Box(), good)).problem == "model_error"
    again = await _recorded(path, TALK, ask(text="else"))
    assert again.draft == {"action": "hold"}
    assert await _replayed(path, ask(text="else")) == again


@pytest.mark.server
async def test_a_refresh_asks_again_and_the_newest_answer_counts(path: Path) -> None:
    await _recorded(path, "- reply: {json: {action: hold}}", ask())
    await _recorded(path, "- reply: {json: {action: open_long}}", ask(), "refresh")
    assert (await _replayed(path, ask())).draft == {"action": "open_long"}


@pytest.mark.server
async def test_one_question_asked_twice_at_once_is_asked_once(path: Path) -> None:
    async with desk("- times: 1\n  reply: {json: {action: hold}}", tape=Tape(path, "record")) as d:
        both = await asyncio.gather(*(d.mind.answer(ask(), Empty(), good) for _ in range(2)))
    assert both[0] == both[1]
    assert len(d.server.heard) == 1


@pytest.mark.server
async def test_no_key_is_on_the_tape_in_either_direction(path: Path) -> None:
    other = "sk-abcdefghijklmnopqrstuvwxyz"
    said = f"my key is {KEY} and {other}"
    question = ask(text=said, instructions=f"Authorization: Bearer {other}")
    recorded = await _recorded(path, f"- reply: {{json: {{action: hold, ref: '{said}'}}}}", question)
    assert recorded.draft == {"action": "hold", "ref": "my key is [secret] and [secret]"}
    kept = str(list(Tape(path, "replay")._rows.values()))
    assert "[secret]" in kept
    assert KEY not in kept
    assert other not in kept
    assert await _replayed(path, question) == recorded


@pytest.mark.server
async def test_a_tape_that_cannot_be_written_stops_the_answer(path: Path) -> None:
    tape = Tape(path, "record")
    await asyncio.to_thread(path.mkdir)
    async with desk(TALK, tape=tape) as d:
        with pytest.raises(StorageUnwritable):
            await d.mind.answer(ask(), Box(), good)


async def test_a_stream_is_answered_from_the_tape_as_well(path: Path) -> None:
    await asyncio.to_thread(path.write_bytes, b"")
    mind = mind_at(NOWHERE, purse=NoPurse(), tape=Tape(path, "replay"))
    caller, recorder = mind._at_desk()
    from chanflow.adapters.llm.models import library_model

    inner = library_model(NOWHERE, "scripted", mind._client(NOWHERE))
    asked = AskedModel(
        inner, model="local/scripted", free=True, caller=caller, recorder=recorder, scrubber=mind._scrubber,
        bounds=mind._bounds, journey=Journey(ask(), 0.0),
    )  # fmt: skip
    with pytest.raises(CassetteMiss, match="holds no answer at all"):
        async with asked.request_stream([], None, ModelRequestParameters()):
            raise AssertionError("nothing was recorded")
    await mind.close()
