"""Daily returns read from a journal."""

from __future__ import annotations

from typing import Any

import pytest

from chanflow.review.journal import Record
from chanflow.review.returns import daily_returns


def record(kind: str, day: int, body: dict[str, Any]) -> Record:
    return Record(0, f"2026-01-{day:02d}T12:00:00.000000000Z", kind, "", body, "", "")


def mark(day: int, equity: str) -> Record:
    return record("mark", day, {"equity_quote": equity, "price": "1"})


CAPITAL = record("ledger", 5, {"kind": "capital", "amount_quote": "1000"})


def test_the_last_mark_of_a_day_is_its_end() -> None:
    found = daily_returns([CAPITAL, mark(5, "900"), mark(5, "1100"), mark(6, "990")])
    assert list(found) == pytest.approx([0.1, -0.1])


def test_money_brought_is_no_gain() -> None:
    moved = record("ledger", 6, {"kind": "transfer", "amount_quote": "500"})
    assert list(daily_returns([CAPITAL, mark(5, "1000"), moved, mark(6, "1500")])) == pytest.approx([0.0, 0.0])


def test_a_journal_without_marks_has_none() -> None:
    assert len(daily_returns([CAPITAL])) == 0
