"""The regular tasks: on time, once, and caught up after a rest."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from made_cases import DAY, HOUR, T0, made_decision, made_state, made_trade
from made_memory import made_memory

from chanflow.domain.errors import StorageUnwritable
from chanflow.domain.memory import Case, Recall
from chanflow.review.flows import MINUTE_NS, MemoryFlows, iso_week
from chanflow.review.memory import Memory

NOW = T0 + 10 * DAY


class Heard:
    """Notes what is to be reviewed."""

    def __init__(self, *, fails: int = 0) -> None:
        self.days: list[str] = []
        self.weeks: list[str] = []
        self.fails = fails

    async def day(self, day: str) -> None:
        if self.fails:
            self.fails -= 1
            raise StorageUnwritable("the disk is full")
        self.days.append(day)

    async def week(self, week: str, from_ns: int, until_ns: int) -> None:
        assert until_ns - from_ns == 7 * DAY
        self.weeks.append(week)


def at(memory: Memory, ns: int) -> None:
    memory.clock.advance_to(ns)  # type: ignore[attr-defined]


async def test_a_vector_is_stored_half_an_hour_after_its_decision_and_once(tmp_path: Path) -> None:
    async with made_memory(tmp_path, at_ns=T0) as memory:
        flows = MemoryFlows(memory)
        await memory.remember(made_decision("d1", at_ns=T0), made_state(1))
        at(memory, T0 + 30 * MINUTE_NS - 1)
        assert await flows.store_vectors() == 0
        at(memory, T0 + 30 * MINUTE_NS)
        assert await flows.store_vectors() == 1
        assert (memory.cases.count(), await flows.store_vectors()) == (1, 0)


async def test_decisions_that_waited_through_a_rest_are_all_stored(tmp_path: Path) -> None:
    async with made_memory(tmp_path, at_ns=T0) as memory:
        for i in range(1_003):
            memory.short.remember(Case(made_decision(f"d{i}", at_ns=T0 + i), made_state(i)))
    async with made_memory(tmp_path, at_ns=NOW) as memory:
        assert await MemoryFlows(memory).store_vectors() == 1_003
        assert memory.cases.count() == 1_003


async def test_days_are_archived_and_reviewed_after_their_minute(tmp_path: Path) -> None:
    heard = Heard()
    async with made_memory(tmp_path, at_ns=NOW + 10 * MINUTE_NS - 1) as memory:
        flows = MemoryFlows(memory, heard)
        await memory.closed(made_trade("d1", closed_ns=NOW - HOUR))
        await flows.tick()
        assert [p.day for p in await memory.knowledge.performance(9)] == ["2026-01-13"]
        at(memory, NOW + 10 * MINUTE_NS)
        await flows.tick()
        assert [(p.day, p.figures["n"]) for p in await memory.knowledge.performance(1)] == [("2026-01-14", 1)]
        assert heard.days == ["2026-01-13"]
        at(memory, NOW + 15 * MINUTE_NS)
        await flows.tick()
        await flows.tick()
        assert heard.days == ["2026-01-13", "2026-01-14"]


async def test_missed_days_are_caught_up_oldest_first_and_at_most_two_weeks(tmp_path: Path) -> None:
    heard = Heard()
    async with made_memory(tmp_path, at_ns=NOW + HOUR) as memory:
        await MemoryFlows(memory, heard).tick()
    async with made_memory(tmp_path, at_ns=NOW + 3 * DAY + HOUR) as memory:
        await MemoryFlows(memory, heard).tick()
        assert heard.days == ["2026-01-14", "2026-01-15", "2026-01-16", "2026-01-17"]
        at(memory, NOW + 40 * DAY + HOUR)
        await MemoryFlows(memory, heard).tick()
    assert (len(heard.days), heard.days[4], heard.days[-1]) == (18, "2026-02-10", "2026-02-23")


async def test_a_week_is_counted_on_monday_at_half_past_midnight(tmp_path: Path) -> None:
    heard, monday = Heard(), T0 + 14 * DAY
    async with made_memory(tmp_path, at_ns=monday + 30 * MINUTE_NS - 1) as memory:
        flows = MemoryFlows(memory, heard)
        for i in range(3):
            await memory.remember(made_decision(f"d{i}", at_ns=monday - DAY + i, setup="buy2"), made_state(i))
        await flows.tick()
        assert heard.weeks == ["2026-W02"]
        at(memory, monday + 30 * MINUTE_NS)
        await flows.tick()
        assert heard.weeks == ["2026-W02", "2026-W03"]
        patterns = {(p.kind, p.name): p.n for p in await memory.knowledge.patterns("2026-W03")}
    assert patterns == {
        ("setup", "buy2"): 3, ("level", "30m"): 3, ("hour", "00"): 3, ("model", "rules"): 3, ("regime", "unknown"): 3,
    }  # fmt: skip


async def test_a_task_that_fails_is_told_and_tried_again_and_holds_up_no_other(tmp_path: Path) -> None:
    heard, notes = Heard(fails=1), []
    async with made_memory(tmp_path, at_ns=NOW + HOUR) as memory:
        flows = MemoryFlows(memory, heard, on_note=notes.append)
        await flows.tick()
        assert (heard.days, heard.weeks) == ([], ["2026-W02"])
        await flows.tick()
    assert heard.days == ["2026-01-14"]
    assert notes == ["memory: the disk is full; tried again in a minute"]


async def test_lost_vectors_are_made_again_from_the_knowledge_base(tmp_path: Path) -> None:
    notes: list[str] = []
    async with made_memory(tmp_path, at_ns=NOW) as memory:
        for i in range(8):
            await memory.remember(made_decision(f"d{i}", at_ns=T0 + i * DAY), made_state(1))
            await memory.closed(made_trade(f"d{i}", closed_ns=T0 + i * DAY + 1))
        await MemoryFlows(memory).store_vectors()
        recall = Recall(decision_id="x", as_of_ns=NOW, symbol="BTCUSDT", level="30m", state=made_state(1))
        before = (await memory.look_up(recall)).similar
    shutil.rmtree(tmp_path / "vectors" / "shard")
    async with made_memory(tmp_path, at_ns=NOW) as memory:
        assert memory.cases.count() == 0
        assert await MemoryFlows(memory, on_note=notes.append).mend()
        assert (await memory.look_up(recall)).similar == before
        assert not await MemoryFlows(memory, on_note=notes.append).mend()
    assert len(notes) == 1


async def test_the_tasks_run_each_minute_until_stopped(tmp_path: Path) -> None:
    async with made_memory(tmp_path, at_ns=T0) as memory:
        await memory.remember(made_decision("d1", at_ns=T0), made_state(1))
        running = asyncio.create_task(MemoryFlows(memory).run())
        while memory.cases.count() == 0 and memory.clock.now_ns() < T0 + 40 * MINUTE_NS:
            await asyncio.wait((running,), timeout=0.02)
            at(memory, memory.clock.now_ns() + MINUTE_NS)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert memory.cases.count() == 1


def test_iso_weeks_at_the_turn_of_years() -> None:
    from datetime import UTC, datetime, timedelta

    for day in range(0, 9_000, 3):
        moment = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(days=day)
        year, week, _ = moment.isocalendar()
        assert iso_week(int(moment.timestamp()) * 10**9) == f"{year}-W{week:02}"
