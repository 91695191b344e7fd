"""The review proposes: a summary, and lessons on trial. Its words may be a model's, its figures never are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from made_cases import DAY, HOUR, T0, made_decision, made_state, made_trade
from made_lessons import made_lesson
from made_memory import made_memory

from chanflow.domain.lesson import LearningSummary
from chanflow.domain.memory import Case
from chanflow.domain.question import Check, Question, Reply, Toolbox
from chanflow.review.daily_review import Review
from chanflow.review.journal_cases import Told
from chanflow.review.wording import Wording

MONDAY = T0 + 7 * DAY


class Journals:
    """Journals that tell of the same whatever is asked."""

    def __init__(self, cases: Sequence[Case] = (), trades: Sequence[Any] = ()) -> None:
        self._told = Told(tuple(cases), tuple(trades))

    def told(self, from_ns: int, until_ns: int) -> Told:
        return self._told


class Model:
    """A model that answers with set words, and is asked for them again only where its check finds fault."""

    def __init__(self, *answers: Mapping[str, Any] | None) -> None:
        self.answers = list(answers)
        self.asked: list[Question] = []
        self.faults: list[Sequence[str]] = []

    async def answer(self, question: Question, toolbox: Toolbox, check: Check) -> Reply:
        assert toolbox.specs() == ()
        self.asked.append(question)
        draft = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if draft is None:
            return Reply(None, "model_error", "gone")
        self.faults.append(check(draft, ()))
        return Reply(draft)


def made_case(name: str, at_ns: int, **more: Any) -> Case:
    return Case(made_decision(name, at_ns=at_ns, **more), made_state(1))


async def summary_of_day(tmp_path: Path, **more: Any) -> tuple[LearningSummary, list[LearningSummary]]:
    heard: list[LearningSummary] = []

    async def announce(summary: LearningSummary) -> None:
        heard.append(summary)

    case = made_case("d1", T0 + HOUR, closed_ns=T0 + 2 * HOUR)
    journals = Journals([case], [made_trade("d1", closed_ns=T0 + 2 * HOUR)])
    async with made_memory(tmp_path, at_ns=T0 + DAY + HOUR) as memory:
        review = Review(memory.knowledge, journals, memory.clock, announce=announce, **more)
        await review.day("2026-01-05")
        await review.day("2026-01-05")
        kept = await memory.knowledge.summary(T0 + 2 * DAY)
    assert kept is not None
    return kept, heard


async def test_without_a_model_the_words_are_our_own(tmp_path: Path) -> None:
    summary, heard = await summary_of_day(tmp_path)
    assert summary.text.startswith("2026-01-05: 1 decisions (1 proposed). 1 trades closed, 1 with profit")
    assert (summary.n, summary.prompt_hash, summary.made_ns) == (1, "", T0 + DAY + HOUR)
    assert summary.stats["performance"]["n"] == 1
    assert heard[0] == summary


async def test_a_models_words_are_kept_with_the_hash_of_the_prompt(tmp_path: Path) -> None:
    model = Model({"text": "A calm day: 1 trade closed, with profit."})
    summary, _ = await summary_of_day(tmp_path, wording=Wording(model, "m/x"))
    assert summary.text == "A calm day: 1 trade closed, with profit."
    assert (len(summary.prompt_hash), model.asked[0].prompt_hash) == (64, summary.prompt_hash)
    assert (model.asked[0].agent, model.asked[0].max_tool_calls) == ("review", 0)
    assert "you count nothing" in model.asked[0].instructions


@pytest.mark.parametrize(
    "draft",
    [
        None, {}, {"text": 5}, {"text": ""}, {"text": "x" * 1_300}, {"text": "Double the size tomorrow."},
        {"text": "17 trades closed."}, {"text": "Ignore the gate."}, {"text": "可以加大仓位。"},
    ],
    ids=["no answer", "no text", "a number", "nothing", "too long", "a size", "a number of its own", "a rule",
        "a size in Chinese"],
)  # fmt: skip
async def test_words_that_may_not_be_kept_give_way_to_our_own(tmp_path: Path, draft: Mapping[str, Any] | None) -> None:
    model = Model(draft)
    summary, _ = await summary_of_day(tmp_path, wording=Wording(model, "m/x"))
    assert summary.text.startswith("2026-01-05: 1 decisions")
    assert summary.prompt_hash == ""
    assert all(model.faults)


async def test_a_day_counts_what_it_knew_at_its_end(tmp_path: Path) -> None:
    case = made_case("d1", T0 + HOUR, closed_ns=T0 + DAY)
    yesterday = made_case("d0", T0 - HOUR, closed_ns=T0 + HOUR)
    async with made_memory(tmp_path, at_ns=T0 + 2 * DAY) as memory:
        journals = Journals([yesterday, case], [made_trade("d0", closed_ns=T0 + HOUR)])
        await Review(memory.knowledge, journals, memory.clock).day("2026-01-05")
        summary = await memory.knowledge.summary(T0 + 3 * DAY)
    assert summary is not None
    assert (summary.n, [p["closed"] for p in summary.stats["patterns"]]) == (1, [0] * 5)
    assert summary.stats["best"][0]["decision_id"] == "d0"


def planted(count: int = 200) -> list[Case]:
    """Decisions that lose in a range and win in a trend."""
    chance, cases = Random(3), []
    for i in range(count):
        regime = chance.choice(["range", "trend"])
        at = T0 + i * 1_000_000
        r = chance.gauss(-1.0 if regime == "range" else 1.0, 0.7)
        cases.append(Case(made_decision(f"p{i}", at_ns=at, closed_ns=at + 1, r=r, regime=regime), made_state(i)))
    return cases


async def test_a_week_proposes_lessons_and_applies_none(tmp_path: Path) -> None:
    async with made_memory(tmp_path, at_ns=MONDAY + HOUR) as memory:
        await memory.knowledge.add_cases(planted())
        review = Review(memory.knowledge, Journals(), memory.clock)
        await review.week("2026-W02", MONDAY - 7 * DAY, MONDAY)
        first = await memory.knowledge.lessons()
        await review.week("2026-W02", MONDAY - 7 * DAY, MONDAY)
        assert await memory.knowledge.lessons() == first
        summary = await memory.knowledge.summary(MONDAY + DAY)
    assert {str(lesson.claim) for lesson in first} >= {"regime is range", "regime is trend"}
    assert {lesson.status for lesson in first} == {"candidate"}
    assert summary is not None
    assert (summary.period, set(summary.lesson_ids)) == ("2026-W02", {lesson.lesson_id for lesson in first})


async def test_outcomes_that_came_after_the_week_teach_it_nothing(tmp_path: Path) -> None:
    late = [_closed_at(case, MONDAY) for case in planted()]
    async with made_memory(tmp_path, at_ns=MONDAY + HOUR) as memory:
        await memory.knowledge.add_cases(late)
        await Review(memory.knowledge, Journals(), memory.clock).week("2026-W02", MONDAY - 7 * DAY, MONDAY)
        assert await memory.knowledge.lessons() == ()


def _closed_at(case: Case, closed_ns: int) -> Case:
    outcome = case.decision.outcome
    assert outcome is not None
    return replace(case, decision=replace(case.decision, outcome=replace(outcome, closed_ns=closed_ns)))


async def test_a_lesson_may_have_a_models_words_but_never_its_figures(tmp_path: Path) -> None:
    model = Model({"text": "In ranges we lost, so raise the limit."}, {"text": "Trends were kinder to us than ranges."})
    async with made_memory(tmp_path, at_ns=MONDAY + HOUR) as memory:
        await memory.knowledge.add_cases(planted())
        review = Review(memory.knowledge, Journals(), memory.clock, wording=Wording(model, "m/x"))
        await review.week("2026-W02", MONDAY - 7 * DAY, MONDAY)
        lessons = await memory.knowledge.lessons()
    texts = sorted(lesson.text[:30] for lesson in lessons)
    assert "Trends were kinder to us than ranges."[:30] in texts
    assert not any("raise the limit" in lesson.text for lesson in lessons)
    assert all(lesson.n >= 20 for lesson in lessons)


async def test_the_weeks_summary_tells_how_trials_stand(tmp_path: Path) -> None:
    async with made_memory(tmp_path, at_ns=MONDAY + HOUR) as memory:
        await memory.knowledge.add_lessons([made_lesson("l1", status="trial", trial_ns=T0 + 1), made_lesson("l2")])
        await Review(memory.knowledge, Journals(), memory.clock).week("2026-W02", MONDAY - 7 * DAY, MONDAY)
        summary = await memory.knowledge.summary(MONDAY + DAY)
    assert summary is not None
    assert summary.stats["trials"] == [
        {"lesson_id": "l1", "shown": 0, "hidden": 0, "effect_r": None, "ci": None, "passed": None}
    ]
