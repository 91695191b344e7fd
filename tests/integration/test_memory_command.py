"""`chanflow memory`, `lessons` and `review` as a person gives them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest
from commands import chanflow
from made_cases import DAY, HOUR, T0, made_decision, made_state, made_trade
from made_commands import HandDesk, trade
from made_lessons import made_lesson

from chanflow.review.flows import MemoryFlows
from chanflow.review.memory import Memory
from chanflow.runtime.clock import SimulatedClock, SystemClock
from chanflow.runtime.home import Home
from chanflow.runtime.memory_desk import open_memory

DAYS = 8


def in_memory(home: Path, do: Callable[[Memory], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_memory(Home(home), SimulatedClock(T0 + 10 * DAY), deadline_s=None) as memory:
            await do(memory)

    with Home(home).lock():
        asyncio.run(run())


async def fill(memory: Memory) -> None:
    for i in range(DAYS):
        await memory.remember(made_decision(f"d{i}", at_ns=T0 + i * DAY), made_state(1))
        await memory.closed(made_trade(f"d{i}", closed_ns=T0 + i * DAY + HOUR, net="10" if i % 2 else "-10"))
    await MemoryFlows(memory).tick()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled") / "home"
    in_memory(folder, fill)
    return folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled, tmp_path / "home")
    return tmp_path / "home"


def test_a_fresh_directory_remembers_nothing_and_is_left_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for words in (("memory", "status"), ("memory", "search", "d1"), ("lessons", "list"), ("review",)):
        done = chanflow(home, *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
    assert not home.exists()


def test_status_counts_what_is_kept(home: Path) -> None:
    out = chanflow(home, "memory", "status").stdout
    assert "decisions: 8 kept, 8 with a market_state/1 vector\n" in out
    assert "lessons: none\ntrades: 8 closed\nnewest summary: none\narchive: done for 2026-01-13\n" in out


def test_search_shows_the_past_of_a_decision_only(home: Path) -> None:
    done = chanflow(home, "memory", "search", "d6")
    lines = done.stdout.splitlines()
    assert [line.rsplit("  ", 1)[1] for line in lines[:-1]] == [f"d{i}" for i in range(6)]
    assert lines[-1].startswith("6 comparable cases: mean +0.00 R, with profit 50%")
    assert chanflow(home, "memory", "search", "d2").stdout.splitlines()[-1] == "no comparable cases"
    gone = chanflow(home, "memory", "search", "nobody")
    assert (gone.returncode, "no decision nobody is remembered" in gone.stderr) == (2, True)


def test_damaged_vectors_are_made_again(home: Path) -> None:
    for path in (home / "memory" / "vectors" / "shard").rglob("*"):
        if path.is_file():
            path.write_bytes(b"damage")
    assert chanflow(home, "memory", "rebuild").stdout == "vectors: 8 made again\n"

    async def whole(memory: Memory) -> None:
        assert memory.cases.count() == DAYS

    in_memory(home, whole)


def test_vectors_are_not_made_again_under_a_desk(home: Path) -> None:
    with Home(home).lock():
        refused = chanflow(home, "memory", "rebuild")
    assert (refused.returncode, "owns" in refused.stderr) == (1, True)


def test_a_lesson_goes_on_trial_and_is_not_adopted_before_it_has_passed(home: Path) -> None:
    now_ns = SystemClock().now_ns()

    async def add(memory: Memory) -> None:
        await memory.knowledge.add_lessons([made_lesson("l1", created_ns=now_ns - HOUR)])

    in_memory(home, add)
    assert chanflow(home, "lessons", "list").stdout.startswith("l1  candidate  n=3  Where regime is range")
    assert chanflow(home, "lessons", "adopt", "l1", "--note", "try it").stdout == "l1: candidate → trial\n"
    early = chanflow(home, "lessons", "adopt", "l1", "--note", "now")
    assert (early.returncode, "20 of each are needed" in early.stderr) == (2, True)
    shown = chanflow(home, "lessons", "show", "l1").stdout
    assert "claim: regime is range; scope: anything; avoid\n" in shown
    assert "note: try it\ntrial: 0 decisions were shown it, 0 were not; 20 of each are needed\n" in shown
    assert chanflow(home, "lessons", "revert", "l1", "--note", "enough").stdout == "l1: trial → reverted\n"
    assert chanflow(home, "lessons", "revert", "l1", "--note", "again").returncode == 2


@pytest.mark.parametrize("words", [("show", "l9"), ("adopt", "l9", "--note", "x")])
def test_a_lesson_that_is_not_there_is_said(home: Path, words: tuple[str, ...]) -> None:
    done = chanflow(home, "lessons", *words)
    assert (done.returncode, "no lesson l9" in done.stderr) == (2, True)


def test_a_note_must_say_something(home: Path) -> None:
    async def add(memory: Memory) -> None:
        await memory.knowledge.add_lessons([made_lesson("l1", created_ns=SystemClock().now_ns() - HOUR)])

    in_memory(home, add)
    assert "a note has 1 to 400" in chanflow(home, "lessons", "revert", "l1", "--note", " ").stderr


@pytest.mark.parametrize("day", ["2026-1-5", ""])
def test_a_day_that_is_none_is_refused(home: Path, day: str) -> None:
    done = chanflow(home, "review", "--day", day)
    assert (done.returncode, "write it as 2026-01-05" in done.stderr) == (2, True)


def test_a_day_is_told_and_remembered_from_its_journal(home: Path) -> None:
    bought = trade(stop_price=Decimal("99.95"), take_profit_price=Decimal("100.08"))
    desk = HandDesk(home.parent, [(200.3, bought)], duration_s=800).run()
    shutil.copy(desk.journal, Home(home).new_run("hand-7").journal_path)
    told = chanflow(home, "review", "--day", "2026-01-05").stdout
    assert told.startswith("2026-01-05: 1 decisions (1 approved). 1 trades closed, ")
    assert chanflow(home, "review", "--day", "2026-01-06").stdout == (
        "2026-01-06: no decisions and no closed trades. Nothing to learn.\n"
    )
    assert chanflow(home, "memory", "rebuild", "--journals").stdout == (
        "journals: 1 decisions, 1 closed trades\nvectors: 8 made again\n"
    )
    assert "decisions: 9 kept, 8 with a market_state/1 vector\n" in chanflow(home, "memory", "status").stdout
