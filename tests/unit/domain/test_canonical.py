from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.domain.canonical import canonical_json, decimal_text, plain, sha256_of


class Side(Enum):
    BUY = "buy"


@dataclass(frozen=True, slots=True)
class Quote:
    price: Decimal
    side: Side


@pytest.mark.parametrize(
    ("value", "text"),
    [("1.50", "1.5"), ("1E+3", "1000"), ("1E-9", "0.000000001"), ("-0.00", "0"), ("0E+5", "0"), ("100", "100")],
)
def test_a_decimal_has_one_text(value: str, text: str) -> None:
    assert decimal_text(Decimal(value)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_the_text_of_a_decimal_keeps_its_value(value: Decimal) -> None:
    assert Decimal(decimal_text(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12))
def test_equal_decimals_have_equal_texts(value: Decimal) -> None:
    assert decimal_text(value) == decimal_text(value.quantize(Decimal("1e-9"))) == decimal_text(value.normalize())


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_no_amount_is_infinite_or_undefined(value: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        decimal_text(Decimal(value))


def test_values_become_plain_json() -> None:
    quote = Quote(Decimal("2.50"), Side.BUY)
    name = UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    assert plain({"q": quote, "ids": (name,), 3: None}) == {
        "q": {"price": "2.5", "side": "buy"},
        "ids": ["017f22e2-79b0-7cc3-98c4-dc0c0c07398f"],
        "3": None,
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"deep": [float("-inf")]}])
def test_floats_without_a_spelling_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="canonical form"):
        canonical_json(value)


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes", Quote])
def test_what_has_no_one_spelling_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="canonical form"):
        canonical_json(value)


def test_canonical_json_sorts_keys_and_keeps_chinese() -> None:
    assert canonical_json({"b": 1, "a": "缠论", "c": [True, 0.1]}) == '{"a":"缠论","b":1,"c":[true,0.1]}'


def test_the_hash_does_not_see_the_order_of_keys() -> None:
    assert sha256_of({"a": 1, "b": 2}) == sha256_of({"b": 2, "a": 1})


def test_the_hash_is_sha256_of_the_text() -> None:
    # printf '{}' | sha256sum
    assert sha256_of({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
