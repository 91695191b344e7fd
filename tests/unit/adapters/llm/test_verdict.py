from __future__ import annotations

from typing import Any

import pytest

from chanflow.adapters.llm.verdict import FormJudge

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "side": {"enum": ["buy", "sell"]},
        "points": {"type": "array", "items": {"$ref": "#/$defs/Point"}, "maxItems": 2},
    },
    "required": ["side"],
    "additionalProperties": False,
    "$defs": {"Point": {"type": "object", "properties": {"price": {"type": "number", "exclusiveMinimum": 0}}}},
}


@pytest.mark.parametrize(
    ("draft", "problems"),
    [
        ({"side": "buy"}, ()),
        ({"side": "buy", "points": [{"price": 1}]}, ()),
        ({"side": "up"}, ("answer.side: 'up' is not one of ['buy', 'sell']",)),
        ({}, ("answer: 'side' is a required property",)),
        ({"side": "buy", "points": [{"price": 0}]},
         ("answer.points.0.price: 0 is less than or equal to the minimum of 0",)),
        ({"side": "buy", "points": [{"price": float("inf")}]}, ("answer.points.0.price: inf is no number",)),
        ({"side": "\ud800"}, ("answer.side: the text has half a character",)),
    ],
)  # fmt: skip
def test_each_fault_is_told_by_its_place(draft: dict[str, Any], problems: tuple[str, ...]) -> None:
    assert FormJudge(SCHEMA).problems(draft) == problems


def test_a_long_value_is_not_told_in_full_and_not_more_than_eight_faults() -> None:
    judge = FormJudge({"type": "object", "additionalProperties": {"type": "integer"}})
    told = judge.problems({f"f{n}": "x" * 100_000 for n in range(20)})
    assert len(told) == 8
    assert max(map(len, told)) < 300


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="the schema of the answer is none"):
        FormJudge({"type": "thing"})
