from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chanflow.adapters.llm.scripted.filling import filled

SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "string", "minLength": 3}}, "required": ["a"]},
    {"type": "object", "properties": {"a": {"enum": ["x", "y"]}, "b": {"const": 4}}, "required": ["a", "b"]},
    {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}, "b": {"type": "number", "maximum": -1},
                                      "c": {"type": "number", "exclusiveMinimum": 0}}, "required": ["a", "b", "c"]},
    {"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/A"}]}}, "required": ["a"],
     "$defs": {"A": {"type": "object", "properties": {"n": {"type": "boolean"}}, "required": ["n"]}}},
    {"type": "object", "properties": {"a": {"type": "array", "minItems": 2, "items": {"type": "null"}}},
     "required": ["a"]},
    {"type": "object", "properties": {"a": {"type": ["null", "string"]}, "b": {"default": 7}}, "required": ["a", "b"]},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_smallest_object_meets_its_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator(schema).validate(filled(schema))


def test_a_wish_is_granted_where_the_schema_has_the_field() -> None:
    schema = {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}, "required": ["a"]}
    assert filled(schema, {"a": "y", "strange": 1}) == {"a": "y"}


def test_a_schema_that_holds_itself_ends() -> None:
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert "next" in filled(schema)
