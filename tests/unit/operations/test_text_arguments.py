"""Text of a flag or a query is read as JSON would be, or left for the check to refuse."""

from __future__ import annotations

from typing import Any

import pytest

from chanflow.operations.analysis import ANALYZE_STRUCTURE
from chanflow.operations.features import COMPUTE_FEATURES
from chanflow.operations.market import GET_KLINES
from chanflow.operations.text_arguments import arguments_from_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("5.0", 5.0),
        ("five", "five"),
        ("nan", "nan"),
        ("1e999", "1e999"),
        ("", ""),
        ("٣", "٣"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_numbers(text: str, value: Any) -> None:
    assert arguments_from_text(GET_KLINES, [("limit", text)]) == {"limit": value}


def test_text_that_looks_like_a_number_stays_text_where_text_is_wanted() -> None:
    assert arguments_from_text(GET_KLINES, [("symbol", "600000")]) == {"symbol": "600000"}


def test_lists_take_commas_and_repeats() -> None:
    pairs = [("parts", "strokes,points"), ("parts", "centers")]
    assert arguments_from_text(ANALYZE_STRUCTURE, pairs) == {"parts": ["strokes", "points", "centers"]}
    assert arguments_from_text(ANALYZE_STRUCTURE, [("parts", "")]) == {"parts": []}


def test_a_repeated_single_argument_becomes_a_list() -> None:
    pairs = [("symbol", "A"), ("symbol", "B"), ("symbol", "C")]
    assert arguments_from_text(GET_KLINES, pairs) == {"symbol": ["A", "B", "C"]}


def test_a_list_of_objects_is_one_json_text_or_stays_text() -> None:
    assert arguments_from_text(COMPUTE_FEATURES, [("rows", '[{"a": [1, 2]}]')]) == {"rows": [{"a": [1, 2]}]}
    assert arguments_from_text(COMPUTE_FEATURES, [("rows", "[" * 100_000)]) == {"rows": "[" * 100_000}
    assert arguments_from_text(COMPUTE_FEATURES, [("rows", "one,two")]) == {"rows": "one,two"}
