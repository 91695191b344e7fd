from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_exchange import BTC

from chanflow.adapters.venues.emulator.rules import SymbolRules, fixed, is_number, money, whole_units


@pytest.mark.parametrize(
    ("text", "places", "value"),
    [
        ("60000.10", 2, 6_000_010),
        ("60000.100", 2, 6_000_010),
        ("-1.5", 1, -15),
        (".5", 1, 5),
        ("7", 0, 7),
        ("1.", 2, 100),
        ("60000.123", 2, None),
        ("1e5", 2, None),
        ("", 2, None),
        (".", 2, None),
        ("NaN", 2, None),
        ("1 ", 2, None),
        ("٣", 2, None),
    ],
)
def test_a_number_is_read_whole_or_not_at_all(text: str, places: int, value: int | None) -> None:
    assert whole_units(text, places) == value


def test_a_number_with_too_many_decimals_is_still_a_number() -> None:
    assert is_number("60000.123")
    assert not is_number("1e5")


def test_numbers_have_the_decimals_of_their_symbol() -> None:
    assert BTC.price_text(6_000_010) == "60000.10"
    assert BTC.qty_text(-5) == "-0.005"
    assert BTC.quote_text(6_000_010) == "60.00010"
    assert fixed(7, 0) == "7"


@given(st.integers(-(10**29), 10**29), st.integers(0, 20))
def test_a_number_is_written_as_it_is_read(value: int, places: int) -> None:
    assert whole_units(fixed(value, places), places) == value


def test_a_number_below_one_keeps_its_zeros() -> None:
    assert [fixed(value, 3) for value in (0, 5, -50, 999, -1000)] == ["0.000", "0.005", "-0.050", "0.999", "-1.000"]


def test_an_average_is_rounded_to_five_decimals() -> None:
    assert BTC.average_text(3 * 6_000_000 + 2, 3) == "60000.00667"
    assert BTC.average_text(0, 0) == "0.00000"


def test_money_shows_every_digit_it_has() -> None:
    assert money(15 * 10**17) == "1.50000000"
    assert money(1_200_004 * 10**9) == "0.001200004"
    assert money(-(10**18)) == "-1.00000000"
    assert money(0) == "0.00000000"


def test_decimals_whose_money_would_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="is 10, at most 9"):
        SymbolRules("XUSDT", "X", price_decimals=7, qty_decimals=3)


def test_a_leverage_carries_the_brackets_that_allow_it() -> None:
    assert BTC.cap(125) == Decimal(50_000)
    assert BTC.cap(60) == Decimal(3_000_000)
    assert BTC.cap(1) == Decimal(1_800_000_000)
    assert BTC.cap(126) == 0
