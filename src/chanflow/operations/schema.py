"""What the doors publish about an operation: its schemas, trimmed of what costs tokens and says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from weakref import WeakKeyDictionary

from chanflow.operations.operation import AnyOperation, Arguments

_NULL = {"type": "null"}
_SHARED: WeakKeyDictionary[type[Arguments], dict[str, Any]] = WeakKeyDictionary()
_FAR = 10**12
"""A bound beyond this says nothing to a caller; it holds all the same."""


def input_schema(operation: AnyOperation) -> dict[str, Any]:
    """Return the JSON Schema of the arguments, without titles, null unions and null defaults."""
    return deepcopy(shared_input_schema(operation))


def shared_input_schema(operation: AnyOperation) -> dict[str, Any]:
    """Return what `input_schema` does, made once for all who only read it."""
    model: type[Arguments] = operation.input
    if (known := _SHARED.get(model)) is None:
        known = _SHARED[model] = _published(model)
    return known


def _published(model: type[Arguments]) -> dict[str, Any]:
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    properties = {name: _argument(part, definitions) for name, part in schema.get("properties", {}).items()}
    published: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": properties}
    if required := schema.get("required"):
        published["required"] = required
    if choices := schema.get("anyOf"):
        published["anyOf"] = choices
    return published


def output_schema(operation: AnyOperation) -> dict[str, Any]:
    """Return the JSON Schema of the answer, one level deep; `full_output_schema` has the rest.

    Every field is always present, but only the first and `known_at` are listed as required, and only where they are
    never null: each name costs tokens. A field that may be null has no type here: some clients refuse unions of types.
    """
    schema = full_output_schema(operation)
    properties = {name: _one_level(part, schema.get("$defs", {})) for name, part in schema["properties"].items()}
    listed = (name for number, name in enumerate(properties) if number == 0 or name == "known_at")
    required = [name for name in listed if properties[name]]
    return {"type": "object", "properties": properties, "required": required}


def full_output_schema(operation: AnyOperation) -> dict[str, Any]:
    """Return the whole JSON Schema of the answer."""
    schema: dict[str, Any] = operation.output.model_json_schema(mode="serialization")
    return schema


def quota_cost(operation: AnyOperation) -> int:
    """Return the cost in the operation's leading quota, 0 for a free one."""
    return next(iter(operation.charges.values()), 0)


def _argument(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what says nothing: the title, an empty default, an optional argument's null, the type of given values."""
    resolved = _resolve(part, definitions)
    choices = [choice for choice in resolved.pop("anyOf", ()) if choice != _NULL]
    if len(choices) == 1:
        resolved |= _resolve(choices[0], definitions)
    elif choices:
        resolved["anyOf"] = choices
    if ("default" in resolved and resolved["default"] in (None, [], {})) or resolved.get("default") is False:
        del resolved["default"]
    resolved.pop("title", None)
    if "enum" in resolved or "const" in resolved:
        resolved.pop("type", None)
    for bound in ("maximum", "exclusiveMaximum"):
        if resolved.get(bound, 0) > _FAR:
            del resolved[bound]
    if "items" in resolved:
        resolved["items"] = _argument(resolved["items"], definitions)
    return resolved


def _one_level(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    resolved = _resolve(part, definitions)
    if "anyOf" in resolved:
        return {}
    kind = resolved["type"]
    if kind == "array" and "items" in resolved:
        return {"type": "array", "items": {"type": _resolve(resolved["items"], definitions)["type"]}}
    return {"type": kind}


def _resolve(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref")
    return dict(definitions[reference.rsplit("/", 1)[-1]]) if reference else dict(part)
