"""The journals of a data directory, read as one log."""

from __future__ import annotations

from pathlib import Path

from chanflow.domain.told import Told
from chanflow.review.journal import JournalWriter
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.home import Home
from chanflow.runtime.run_log import RunLog, RunTail


def run(home: Home, name: str) -> JournalWriter:
    """Begin a run."""
    writer = JournalWriter(home.new_run(name).journal_path)
    writer.use_clock(SimulatedClock(1_767_261_620_000_000_000))
    return writer


def all_of(tail: RunTail, most: int = 100) -> list[tuple[int, int]]:
    """Return run and number of all that there is to read."""
    found: list[Told] = []
    for _ in range(20):
        page = tail.read(most)
        assert len(page) <= most
        found += page
    return [(each.run, each.seq) for each in found]


def test_one_run_follows_the_other_and_nothing_comes_twice(tmp_path: Path) -> None:
    home = Home(tmp_path)
    tail = RunLog(home).tail()
    assert all_of(tail) == []
    first = run(home, "a")
    for n in range(5):
        first.append("fill", {"n": n})
    assert all_of(tail, most=2) == [(1, n) for n in range(5)]
    first.append("fill", {"n": 5})
    second = run(home, "b")
    second.append("head", {})
    assert all_of(tail) == [(1, 5), (2, 0)]
    assert all_of(RunLog(home).tail()) == [(2, 0)]


def test_a_record_that_is_being_written_is_left_until_it_is_whole(tmp_path: Path) -> None:
    home = Home(tmp_path)
    writer, tail = run(home, "a"), RunLog(home).tail()
    writer.append("fill", {"n": 0})
    writer.append("fill", {"n": 1})
    path = home.runs()[0].journal_path
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert all_of(tail) == [(1, 0)]
    path.write_bytes(whole)
    assert all_of(tail) == [(1, 1)]
