from __future__ import annotations

from decimal import Decimal

import pytest

from chanflow.domain.time import NS_PER_S
from chanflow.market.quotes import Quote

D = Decimal
HOUR = 3_600 * NS_PER_S


@pytest.mark.parametrize(
    ("from_h", "to_h", "times"), [(0, 7, 0), (0, 8, 1), (0, 9, 1), (7, 24, 3), (8, 15, 0), (8, 16, 1), (20, 25, 1)]
)
def test_funding_is_paid_at_each_of_its_times_until_the_end(from_h: int, to_h: int, times: int) -> None:
    quote = Quote("BTCUSDT", D(100), 0, (), (), 0, D("0.0001"), 8 * HOUR, 8 * HOUR)
    assert quote.funding_frac(from_h * HOUR, to_h * HOUR) == times * D("0.0001")


def test_what_a_long_receives_is_negative() -> None:
    quote = Quote("BTC", D(100), 0, (), (), 0, D("-0.00002"), HOUR, HOUR)
    assert quote.funding_frac(0, 4 * HOUR) == D("-0.00008")
