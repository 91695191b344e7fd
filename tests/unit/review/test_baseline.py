"""A run beside the rules: what it earned more, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from chanflow.domain.time import NS_PER_S
from chanflow.review.baseline import beside, difference
from chanflow.review.journal import JournalWriter, Record, read_records
from chanflow.runtime.clock import SimulatedClock

START = 1_767_571_200 * NS_PER_S
HOUR = 3_600 * NS_PER_S


def journal(path: Path, changes: Sequence[float], *, step_ns: int = HOUR) -> list[Record]:
    """Return the records of an account that began with 1000 and changed so in each step."""
    writer, clock, equity = JournalWriter(path), SimulatedClock(START), 1000.0
    writer.use_clock(clock)
    writer.append("head", {"run_id": path.stem})
    writer.append("ledger", {"kind": "capital", "amount_quote": "1000"})
    for at, change in enumerate(changes):
        clock.advance_to(START + at * step_ns + 1)
        equity += change
        writer.append("mark", {"price": "1", "equity_quote": f"{equity:.6f}", "wallet_quote": "1000"})
    writer.close()
    return list(read_records(path))


def test_a_run_against_itself_differs_by_nothing(tmp_path: Path) -> None:
    run = journal(tmp_path / "a.jsonl", list(np.random.default_rng(1).normal(size=48)))
    found = difference(run, run, seed=1)
    assert (found.net_quote, found.n, found.period) == (0.0, 48, "hour")
    assert found.bounds is not None
    assert found.bounds.low == found.bounds.high == 0.0


def test_what_both_share_does_not_widen_the_interval(tmp_path: Path) -> None:
    shared = np.random.default_rng(2).normal(scale=50.0, size=60)
    found = difference(
        journal(tmp_path / "a.jsonl", list(shared + 1.0)), journal(tmp_path / "b.jsonl", list(shared)), seed=1
    )
    assert found.bounds is not None
    assert 59.9 < found.bounds.low <= found.net_quote <= found.bounds.high < 60.1


def test_equal_luck_covers_zero_and_days_are_the_unit_where_there_are_enough(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    runs = [journal(tmp_path / f"{name}.jsonl", list(chance.normal(size=40)), step_ns=24 * HOUR) for name in "ab"]
    found = difference(*runs, seed=1)
    assert (found.period, found.n) == ("day", 40)
    assert found.bounds is not None
    assert found.bounds.low < 0.0 < found.bounds.high


def test_too_few_hours_have_no_interval(tmp_path: Path) -> None:
    run = journal(tmp_path / "a.jsonl", [1.0] * 5)
    assert beside(run, run, seed=1).difference.bounds is None
