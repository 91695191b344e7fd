"""Journals of all runs, read back as the review reads them; and a memory that is opened once."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from made_cases import DAY, HOUR, T0
from made_commands import HandDesk, trade

from chanflow.domain.errors import DeskBusy, SettingsInvalid
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.home import Home
from chanflow.runtime.memory_desk import JournalPast, open_memory, vectors_dir


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with a trade that closes at its target, on 2026-01-05."""
    bought = trade(stop_price=Decimal("99.95"), take_profit_price=Decimal("100.08"))
    return HandDesk(tmp_path_factory.mktemp("run"), [(200.3, bought)], duration_s=800).run().journal


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "home")
    found.prepare()
    return found


def add_run(home: Home, journal: Path, name: str = "hand-7") -> Path:
    run = home.new_run(name)
    shutil.copy(journal, run.journal_path)
    return run.journal_path


def test_a_days_decisions_and_trades_are_told(home: Home, journal: Path) -> None:
    add_run(home, journal)
    told = JournalPast(home).told(T0, T0 + DAY)
    assert (len(told.cases), len(told.trades), told.unread) == (1, 1, ())


@pytest.mark.parametrize(("from_ns", "until_ns"), [(T0 - DAY, T0), (T0 + DAY, T0 + 2 * DAY)])
def test_other_days_are_empty(home: Home, journal: Path, from_ns: int, until_ns: int) -> None:
    add_run(home, journal)
    told = JournalPast(home).told(from_ns, until_ns)
    assert (told.cases, told.trades) == ((), ())


def test_a_trade_brings_the_earlier_decision_that_opened_it(home: Home, journal: Path) -> None:
    add_run(home, journal)
    closed_ns = JournalPast(home).told(T0, T0 + DAY).trades[0].closed_ns
    told = JournalPast(home).told(closed_ns, T0 + DAY)
    assert len(told.trades) == 1
    assert told.cases[0].decision.at_ns < closed_ns


def test_a_run_that_was_made_twice_is_told_once(home: Home, journal: Path) -> None:
    add_run(home, journal)
    add_run(home, journal)
    told = JournalPast(home).told(T0, T0 + DAY)
    assert (len(told.cases), len(told.trades)) == (1, 1)


def test_a_damaged_journal_is_named_and_the_others_are_told(home: Home, journal: Path) -> None:
    add_run(home, journal)
    damaged = add_run(home, journal, "broken")
    lines = damaged.read_bytes().splitlines(keepends=True)
    damaged.write_bytes(b"".join([*lines[:5], lines[5].replace(b'"seq":5', b'"seq":6'), *lines[6:]]))
    told = JournalPast(home).told(T0, T0 + DAY)
    assert (len(told.cases), told.unread) == (1, ("0002-broken",))


@pytest.mark.parametrize("content", [b"", b"no journal", b'{"at": 5}\n'])
def test_a_file_that_is_no_journal_is_named_or_empty(home: Home, content: bytes) -> None:
    home.new_run("odd").journal_path.write_bytes(content)
    told = JournalPast(home).told(T0, T0 + DAY)
    assert told.cases == ()
    assert told.unread in ((), ("0001-odd",))


def test_a_torn_last_line_is_no_damage(home: Home, journal: Path) -> None:
    path = add_run(home, journal)
    path.write_bytes(path.read_bytes() + b'{"at":"2026-01-05T0')
    told = JournalPast(home).told(T0, T0 + DAY)
    assert (len(told.cases), told.unread) == (1, ())


async def test_a_memory_is_open_in_one_process(home: Home) -> None:
    async with open_memory(home, SimulatedClock(T0 + HOUR)) as memory:
        assert memory.cases.count() == 0
        with pytest.raises(DeskBusy, match="stop it first"):
            async with open_memory(home, SimulatedClock(T0)):
                pass
    async with open_memory(home, SimulatedClock(T0)):
        pass


async def test_vectors_of_another_version_are_not_opened(home: Home) -> None:
    vectors_dir(home).mkdir(parents=True)
    (vectors_dir(home) / "note.json").write_text('{"format": 1, "version": "market_state/0", "dimension": 48}')
    with pytest.raises(SettingsInvalid, match="chanflow memory rebuild"):
        async with open_memory(home, SimulatedClock(T0)):
            pass


async def test_a_short_term_file_that_is_none_lets_the_vectors_go_again(home: Home) -> None:
    from chanflow.domain.errors import StorageUnwritable

    home.memory_dir.mkdir()
    (home.memory_dir / "short_term.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageUnwritable, match="short_term"):
        async with open_memory(home, SimulatedClock(T0)):
            pass
    (home.memory_dir / "short_term.db").unlink()
    async with open_memory(home, SimulatedClock(T0)):
        pass
