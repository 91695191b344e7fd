from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from made_cases import DAY, HOUR, T0, made_decision, made_state, made_trade
from made_lessons import made_lesson

from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.knowledge import SqlKnowledge
from chanflow.domain.errors import NotFound
from chanflow.domain.lesson import LearningSummary
from chanflow.domain.market_state import FEATURES, MarketState
from chanflow.domain.memory import Case
from chanflow.review.ports import Pattern, Performance


@pytest.fixture
async def base(tmp_path: Path) -> AsyncIterator[SqlKnowledge]:
    async with await Database.open(tmp_path / "chanflow.db") as database:
        yield SqlKnowledge(database)


async def test_a_lesson_comes_back_whole_and_is_added_once(base: SqlKnowledge) -> None:
    lesson = made_lesson("l1", status="adopted", trial_ns=T0 + 1, adopted_ns=T0 + 2)
    await base.add_lessons([lesson])
    await base.add_lessons([replace(lesson, text="Other words."), made_lesson("l2", created_ns=T0 + 5)])
    assert await base.lesson("l1") == lesson
    assert [each.lesson_id for each in await base.lessons()] == ["l1", "l2"]
    assert await base.lesson("l3") is None


async def test_lessons_of_a_moment_were_made_before_it_and_had_not_expired(base: SqlKnowledge) -> None:
    await base.add_lessons([made_lesson("l1"), made_lesson("l2", created_ns=T0 + DAY, expires_ns=T0 + 2 * DAY)])
    told = {at: [each.lesson_id for each in await base.lessons(T0 + at)] for at in (0, 1, DAY + 1, 2 * DAY)}
    assert told == {0: [], 1: ["l1"], DAY + 1: ["l1", "l2"], 2 * DAY: ["l1"]}


async def test_a_lesson_that_moves_is_written(base: SqlKnowledge) -> None:
    await base.add_lessons([made_lesson("l1")])
    moved = made_lesson("l1").moved("trial", T0 + 9, "try it")
    await base.save_lesson(moved)
    assert await base.lesson("l1") == moved
    with pytest.raises(NotFound, match="no lesson l9"):
        await base.save_lesson(made_lesson("l9"))


async def test_the_first_summary_of_a_period_stands_and_the_newest_before_a_moment_is_told(base: SqlKnowledge) -> None:
    first = LearningSummary(period="2026-01-05", made_ns=T0 + DAY, n=3, text="One.", lesson_ids=("l1",), stats={"a": 1})
    await base.add_summary(first)
    await base.add_summary(replace(first, text="Two."))
    await base.add_summary(LearningSummary(period="2026-01-06", made_ns=T0 + 2 * DAY, n=0, text="None."))
    assert await base.summary(T0 + DAY) is None
    assert await base.summary(T0 + 2 * DAY) == first
    newest = await base.summary(T0 + 3 * DAY)
    assert newest is not None
    assert newest.period == "2026-01-06"


async def test_statistics_of_a_period_are_replaced_whole(base: SqlKnowledge) -> None:
    old = Pattern("2026-W02", "setup", "buy2", 5, 4, 3, 0.5, 2.0)
    await base.add_patterns([old, Pattern("2026-W02", "hour", "07", 1, 0, 0, None, 0.0)])
    new = [replace(old, n=6), Pattern("2026-W02", "claim", "divergence", 2, 1, 1, 1.0, 1.0)]
    await base.add_patterns(new)
    assert list(await base.patterns("2026-W02")) == new
    assert await base.patterns("2026-W03") == ()


async def test_a_day_is_archived_once(base: SqlKnowledge) -> None:
    await base.add_performance(Performance("2026-01-05", T0, {"n": 1}))
    await base.add_performance(Performance("2026-01-05", T0 + 1, {"n": 2}))
    await base.add_performance(Performance("2026-01-06", T0 + 2, {"n": 3}))
    assert [(p.day, p.figures["n"]) for p in await base.performance(5)] == [("2026-01-06", 3), ("2026-01-05", 2)]


async def test_trades_come_back_whole_by_the_time_they_closed(base: SqlKnowledge) -> None:
    trades = [made_trade(f"t{i}", closed_ns=T0 + i * HOUR, risk=None if i else "7.5") for i in range(4)]
    await base.add_trades(trades)
    await base.add_trades([replace(trades[0], exit_leg="stop")])
    assert await base.trades(T0, T0 + 2 * HOUR) == (replace(trades[0], exit_leg="stop"), trades[1])


async def test_cases_come_in_pages_and_by_time(base: SqlKnowledge) -> None:
    cases = [Case(made_decision(f"d{i}", at_ns=T0 - i * HOUR), made_state(i)) for i in range(5)]
    await base.add_cases(cases)
    assert await base.cases(limit=2) == tuple(cases[:2])
    assert await base.cases(after="d1", limit=2) == tuple(cases[2:4])
    assert await base.cases_between(T0 - 2 * HOUR, T0) == (cases[2], cases[1])


async def test_only_cases_that_can_be_compared_are_counted(base: SqlKnowledge) -> None:
    sparse = MarketState(**dict.fromkeys(FEATURES[:35], 1.0))
    await base.add_cases([Case(made_decision("full"), made_state(1)), Case(made_decision("sparse"), sparse)])
    assert await base.case_count(most_missing=12, from_ns=T0) == 1
    assert await base.case_count(most_missing=13, from_ns=T0) == 2
    assert await base.case_count(most_missing=13, from_ns=T0 + 1) == 0


async def test_an_outcome_is_written_into_its_case(base: SqlKnowledge) -> None:
    await base.add_cases([Case(made_decision("d1"), made_state(1))])
    trade = made_trade("d1")
    await base.settle(trade.outcome)
    await base.settle(made_trade("unknown").outcome)
    (case,) = await base.cases()
    assert case.decision.outcome == trade.outcome


async def test_a_flow_remembers_how_far_it_came(base: SqlKnowledge) -> None:
    assert await base.done("week") is None
    await base.mark_done("week", "1")
    await base.mark_done("week", "2")
    assert await base.done("week") == "2"
