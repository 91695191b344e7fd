from __future__ import annotations

from decimal import Decimal

import pytest

from chanflow.domain.equity import MIDNIGHT_REACH_NS, EquityMarks
from chanflow.domain.time import NS_PER_DAY

D = Decimal
MIDNIGHT = 20_000 * NS_PER_DAY


def test_the_high_water_mark_only_rises() -> None:
    marks = EquityMarks(D(100), D(100))
    for equity, high in ((90, 100), (120, 120), (110, 120)):
        marks = marks.read(D(equity), MIDNIGHT)
        assert marks.high_water_quote == high


def test_the_first_reading_of_a_day_is_its_start() -> None:
    marks = EquityMarks(D(100), D(100)).read(D(90), MIDNIGHT + 5).read(D(80), MIDNIGHT + 6)
    assert marks.day_start_quote == 90
    assert marks.read(D(85), MIDNIGHT + NS_PER_DAY + MIDNIGHT_REACH_NS).day_start_quote == 85


def test_a_missed_midnight_takes_the_last_reading_before_it() -> None:
    marks = EquityMarks(D(100), D(100)).read(D(90), MIDNIGHT).read(D(80), MIDNIGHT + 6)
    assert marks.read(D(70), MIDNIGHT + NS_PER_DAY + MIDNIGHT_REACH_NS + 1).day_start_quote == 80
    assert EquityMarks(D(100), D(100)).read(D(70), MIDNIGHT + NS_PER_DAY // 2).day_start_quote == 70


@pytest.mark.parametrize("moved", ["500", "-40"])
def test_a_transfer_moves_no_drawdown(moved: str) -> None:
    before = EquityMarks(D(125), D(100), 1, D(100))
    after = before.transferred(D(100), D(100) + D(moved))
    assert 1 - (100 + D(moved)) / after.high_water_quote == 1 - D(100) / before.high_water_quote
    assert after.last_quote == 100 + D(moved)


@pytest.mark.parametrize(("before", "after"), [("0", "1"), ("1", "0")])
def test_a_transfer_from_or_to_nothing_is_refused(before: str, after: str) -> None:
    with pytest.raises(ValueError, match="leaves no drawdown"):
        EquityMarks(D(1), D(1)).transferred(D(before), D(after))
