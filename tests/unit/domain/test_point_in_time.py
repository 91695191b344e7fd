from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from chanflow.domain.point_in_time import known_by
from chanflow.domain.time import parse_rfc3339


@dataclass(frozen=True)
class Row:
    ref: str
    known_ns: int


@given(st.lists(st.integers(min_value=0, max_value=20)), st.integers(min_value=0, max_value=20))
def test_rows_part_at_the_moment_in_their_order(known: list[int], as_of: int) -> None:
    rows = [Row(f"r#{at}", moment) for at, moment in enumerate(known)]
    kept, future = known_by(rows, as_of, outlet="memory")
    assert list(kept) == [row for row in rows if row.known_ns <= as_of]
    assert [(each.ref, each.known_ns) for each in future] == [(r.ref, r.known_ns) for r in rows if r.known_ns > as_of]


def test_a_future_row_names_outlet_row_and_both_moments() -> None:
    noon = parse_rfc3339("2026-11-20T12:00:00Z")
    _, (fault,) = known_by([Row("lesson#5", noon + 1_000_000_000)], noon, outlet="lessons")
    assert str(fault) == (
        "lessons gave lesson#5, known at 2026-11-20T12:00:01Z, to a question as of 2026-11-20T12:00:00Z"
    )
