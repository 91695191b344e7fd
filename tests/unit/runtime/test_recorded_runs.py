"""A run found by what a person calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chanflow.domain.errors import JournalCorrupt, NotFound
from chanflow.domain.time import NS_PER_S
from chanflow.review.journal import JournalWriter
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.home import Home
from chanflow.runtime.recorded_runs import find_run

DAY_NS = 86_400 * NS_PER_S


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two runs: of 1970-01-01 with the order one, and of 1970-01-02 with the order two."""
    home = Home(tmp_path)
    for number, order in enumerate(("one", "two")):
        journal = JournalWriter(home.new_run(f"run-{order}").journal_path)
        journal.use_clock(SimulatedClock(number * DAY_NS))
        journal.append("head", {"run_id": f"run-{order}"})
        journal.append("order_event", {"client_order_id": order})
        journal.close()
    return home


@pytest.mark.parametrize("name", ["1", "0001", "run-one", "0001-run-one"])
def test_a_run_has_a_number_and_an_id(home: Home, name: str) -> None:
    found = find_run(home, name)
    assert (found.scope, found.records[0].body["run_id"]) == ("run", "run-one")


def test_a_run_is_found_by_its_folder(home: Home) -> None:
    assert find_run(home, str(home.runs()[1].path)).records[0].body["run_id"] == "run-two"


def test_a_day_is_of_the_run_that_saw_it(home: Home) -> None:
    found = find_run(home, "1970-01-01")
    assert (found.scope, found.records[0].body["run_id"]) == ("day", "run-one")


def test_an_id_is_of_the_run_that_has_it(home: Home) -> None:
    found = find_run(home, "one")
    assert (found.scope, found.records[0].body["run_id"]) == ("id", "run-one")


def test_what_nothing_is_called_is_not_found(home: Home) -> None:
    with pytest.raises(NotFound, match="no run, no day and no id in the 2 runs"):
        find_run(home, "1999-09-09")


def test_an_altered_journal_is_refused(home: Home) -> None:
    path = home.runs()[0].journal_path
    path.write_bytes(path.read_bytes().replace(b'"one"', b'"uno"'))
    with pytest.raises(JournalCorrupt):
        find_run(home, "1")
