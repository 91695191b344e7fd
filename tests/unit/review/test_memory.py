"""The one door: three layers at once, one deadline, and nothing from the future."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_cases import DAY, HOUR, T0, made_decision, made_state, made_trade
from made_lessons import made_lesson
from made_memory import made_memory

from chanflow.adapters.vectors.exact import ExactCases
from chanflow.domain.errors import InvalidArgument, StorageUnwritable
from chanflow.domain.lesson import LearningSummary, Scope
from chanflow.domain.market_state import MarketState
from chanflow.domain.memory import Case, Recall, Recalled
from chanflow.review.memory import Memory, stored_cases
from chanflow.review.state_vector import DIMENSION, VERSION, default_statistics

NOW = T0 + 10 * DAY


def recall(**more: Any) -> Recall:
    return Recall(
        **{"decision_id": "new", "as_of_ns": NOW, "symbol": "BTCUSDT", "level": "30m", "state": made_state(1)} | more
    )


async def with_past(memory: Memory, count: int = 6) -> None:
    """Decisions in the same market, one a day, each closed an hour later with +1 R or -1 R."""
    for i in range(count):
        at = T0 + i * DAY
        await memory.remember(made_decision(f"d{i}", at_ns=at), made_state(1))
        await memory.closed(made_trade(f"d{i}", closed_ns=at + HOUR, net="10" if i % 3 else "-10"))
        await memory.store(await memory.in_thread(memory.short.unstored, NOW, 100))


async def test_an_empty_memory_answers_and_says_that_it_is_empty(tmp_path: Path) -> None:
    async with made_memory(tmp_path) as memory:
        recalled = await memory.look_up(recall())
    assert recalled == Recalled(as_of_ns=NOW)
    assert recalled.empty


async def test_all_three_layers_answer(tmp_path: Path) -> None:
    async with made_memory(tmp_path) as memory:
        await with_past(memory)
        await memory.knowledge.add_lessons([made_lesson("l1", status="adopted", adopted_ns=T0 + 1)])
        await memory.knowledge.add_summary(LearningSummary(period="2026-01-05", made_ns=T0 + DAY, n=1, text="One."))
        recalled = await memory.look_up(recall())
    assert [d.decision_id for d in recalled.recent] == ["d5", "d4", "d3", "d2", "d1", "d0"]
    assert {c.decision.decision_id for c in recalled.similar.cases} == {f"d{i}" for i in range(6)}
    assert (recalled.similar.comparable, recalled.similar.n, recalled.similar.mean_r) == (True, 6, pytest.approx(1 / 3))
    assert (recalled.similar.hit_rate, recalled.similar.exact) == (pytest.approx(2 / 3), True)
    assert [lesson.lesson_id for lesson in recalled.lessons] == ["l1"]
    assert recalled.summary is not None
    assert not recalled.empty
    assert recalled.skipped == ()


async def test_nothing_of_the_future_is_told_by_any_layer(tmp_path: Path) -> None:
    async with made_memory(tmp_path) as memory:
        await with_past(memory)
        await memory.knowledge.add_lessons(
            [
                made_lesson("later", created_ns=T0 + 4 * DAY, status="adopted", adopted_ns=T0 + 5 * DAY),
                made_lesson("not yet", status="adopted", adopted_ns=T0 + 3 * DAY),
            ]
        )
        await memory.knowledge.add_summary(LearningSummary(period="2026-01-08", made_ns=T0 + 3 * DAY, n=1, text="One."))
        recalled = await memory.look_up(recall(as_of_ns=T0 + 2 * DAY + HOUR))
    assert [(d.decision_id, d.result) for d in recalled.recent] == [
        ("d2", "pending"), ("d1", "success"), ("d0", "failure"),
    ]  # fmt: skip
    assert {c.decision.decision_id for c in recalled.similar.cases} == {"d0", "d1"}
    assert (recalled.similar.comparable, recalled.similar.mean_r) == (False, None)
    assert (recalled.lessons, recalled.summary) == ((), None)


async def test_a_question_without_a_moment_is_refused(tmp_path: Path) -> None:
    async with made_memory(tmp_path) as memory:
        with pytest.raises(InvalidArgument, match="as_of_ns is missing"):
            await memory.look_up(recall(as_of_ns=None))


class Stuck(ExactCases):
    """A store that does not answer until it is let go."""

    def __init__(self) -> None:
        super().__init__(version=VERSION, dimension=DIMENSION)
        self.go = threading.Event()
        self.asked = 0

    def search(self, query: Any) -> Any:
        self.asked += 1
        assert self.go.wait(300)
        return super().search(query)


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    store = Stuck()
    yield store
    store.go.set()


async def test_a_slow_layer_is_left_out_and_said_and_not_asked_again_while_it_works(
    tmp_path: Path, stuck: Stuck
) -> None:
    async with made_memory(tmp_path, cases=stuck, deadline_s=2.0) as memory:
        await memory.remember(made_decision("d1", at_ns=T0), made_state(1))
        loop = asyncio.get_running_loop()
        began = loop.time()
        first = await memory.look_up(recall())
        assert loop.time() - began < 60
        second = await memory.look_up(recall())
        assert [d.decision_id for d in first.recent] == ["d1"]
        assert first.skipped == ("similar cases: no answer within 2000 ms",)
        assert second.skipped == ("similar cases: still at work on an earlier question",)
        assert not first.empty
        stuck.go.set()
        await asyncio.gather(*memory._busy.values())
        assert (await memory.look_up(recall())).skipped == ()
    assert stuck.asked == 2


async def test_a_layer_that_fails_is_left_out_with_its_reason(tmp_path: Path) -> None:
    class Broken(ExactCases):
        def search(self, query: Any) -> Any:
            raise StorageUnwritable("the disk is gone")

    async with made_memory(tmp_path, cases=Broken(version=VERSION, dimension=DIMENSION)) as memory:
        recalled = await memory.look_up(recall())
    assert recalled.skipped == ("similar cases: the disk is gone",)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"state": MarketState(z_ofi=1.0)}, "too many figures"),
        ({"as_of_ns": 1_700_000_000 * 10**9}, "would look ahead"),
    ],
)
async def test_a_market_that_cannot_be_compared_is_said(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    async with made_memory(tmp_path) as memory:
        recalled = await memory.look_up(recall(**more))
    assert words in recalled.not_compared
    assert recalled.skipped == ()


async def test_without_a_state_no_similar_cases_are_asked_for(tmp_path: Path) -> None:
    async with made_memory(tmp_path) as memory:
        await with_past(memory)
        recalled = await memory.look_up(recall(state=None))
    assert (recalled.similar.cases, recalled.skipped) == ((), ())


async def test_lessons_are_of_the_scope_and_at_most_seven(tmp_path: Path) -> None:
    async with made_memory(tmp_path) as memory:
        await memory.knowledge.add_lessons(
            [
                *(made_lesson(f"l{i}", status="adopted", adopted_ns=T0 + 1, p_adjusted=i / 100) for i in range(9)),
                made_lesson("eth", status="adopted", adopted_ns=T0 + 1, scope=Scope(symbol="ETHUSDT"), p_adjusted=0.0),
                made_lesson("candidate", p_adjusted=0.0),
            ]
        )
        recalled = await memory.look_up(recall())
    assert [lesson.lesson_id for lesson in recalled.lessons] == [f"l{i}" for i in range(7)]


async def test_an_outcome_reaches_every_layer(tmp_path: Path) -> None:
    async with made_memory(tmp_path) as memory:
        await memory.remember(made_decision("d1", at_ns=T0), made_state(1))
        await memory.store(await memory.in_thread(memory.short.unstored, NOW, 100))
        await memory.closed(made_trade("d1", closed_ns=T0 + HOUR, net="-5"))
        recalled = await memory.look_up(recall())
        (case,) = await memory.knowledge.cases()
        trades = await memory.knowledge.trades(0, NOW)
        today = memory.short.trades("2026-01-05", T0 + 2 * HOUR)
    found = (recalled.recent[0], recalled.similar.cases[0].decision, case.decision)
    assert {d.outcome.r_multiple for d in found if d.outcome is not None} == {-0.5}
    assert trades == today == (made_trade("d1", closed_ns=T0 + HOUR, net="-5"),)


async def test_a_trade_that_closes_before_its_vector_is_stored_is_not_forgotten(tmp_path: Path) -> None:
    async with made_memory(tmp_path) as memory:
        await memory.remember(made_decision("d1", at_ns=T0), made_state(1))
        waiting = await memory.in_thread(memory.short.unstored, NOW, 100)
        await memory.closed(made_trade("d1", closed_ns=T0 + 60))
        await memory.store(waiting)
        assert (await memory.look_up(recall())).similar.cases[0].decision.result == "success"


async def test_performance_is_of_the_last_days_and_kept_a_minute(tmp_path: Path) -> None:
    async with made_memory(tmp_path) as memory:
        await memory.closed(made_trade("old", closed_ns=NOW - 8 * DAY, net="-50"))
        await memory.closed(made_trade("new", closed_ns=NOW - 1))
        week, month = await memory.performance(7), await memory.performance(30)
        assert (week["n"], week["net_quote"], month["n"], month["net_quote"]) == (1, "10", 2, "-40")
        await memory.closed(made_trade("newer", closed_ns=NOW - 1))
        assert (await memory.performance(7))["n"] == 1
        memory.clock.advance_to(NOW + 60 * 10**9)  # type: ignore[attr-defined]
        assert (await memory.performance(7))["n"] == 2


def test_decisions_from_before_the_fitted_data_have_no_vector() -> None:
    statistics = default_statistics()
    early = Case(made_decision("early", at_ns=statistics.until_ns - 1), made_state(1))
    first = Case(made_decision("first", at_ns=statistics.until_ns), made_state(1))
    assert [c.decision.decision_id for c in stored_cases([early, first], statistics)] == ["first"]
