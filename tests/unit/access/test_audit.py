"""The audit's chain."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chanflow.access.audit import FIRST_HASH, AuditRow, SealedRow, broken_at, sealed


def _chain(length: int) -> list[SealedRow]:
    rows, prev = list[SealedRow](), FIRST_HASH
    for seq in range(1, length + 1):
        row = AuditRow(seq, f"r-{seq}", "key:a", None, "rest", "get_klines", "0" * 64, "done", None, 3)
        rows.append(sealed(row, seq, prev))
        prev = rows[-1].hash
    return rows


def test_a_chain_as_it_was_written_holds() -> None:
    assert broken_at(_chain(9)) is None
    assert broken_at(_chain(9)[4:], _chain(4)[-1].hash, 5) is None


@given(at=st.integers(0, 8), field=st.sampled_from(["principal", "operation", "outcome", "args_sha256", "request_id"]))
def test_a_changed_row_is_found_where_it_is(at: int, field: str) -> None:
    rows = _chain(9)
    rows[at] = replace(rows[at], row=replace(rows[at].row, **{field: "x"}))
    assert broken_at(rows) == at + 1


@given(at=st.integers(0, 7))
def test_a_missing_row_and_two_that_changed_places_are_found(at: int) -> None:
    rows = _chain(9)
    assert broken_at(rows[:at] + rows[at + 1 :]) == at + 1
    rows[at], rows[at + 1] = rows[at + 1], rows[at]
    assert broken_at(rows) == at + 1
