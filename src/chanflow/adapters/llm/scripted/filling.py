"""The smallest value that a JSON schema takes, with some of its fields as wished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEEPEST = 12


def filled(schema: Mapping[str, Any], wishes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return an object of a schema: every required field, and every wish that the schema knows a field for."""
    value = _value(schema, schema, wishes or {}, 0)
    return value if isinstance(value, dict) else {}


def _value(schema: Mapping[str, Any], root: Mapping[str, Any], wishes: Mapping[str, Any], depth: int) -> Any:
    schema = resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "default" in schema:
        return schema["default"]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = next((each for each in kind if each != "null"), "null") if isinstance(kind, list) else kind
    match kind:
        case "object":
            return _object(schema, root, wishes, depth)
        case "array":
            if depth >= _DEEPEST:
                return []
            return [_value(schema.get("items", {}), root, {}, depth + 1) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return False
        case "null":
            return None
    return "x" * max(schema.get("minLength", 1), 1)


def _object(schema: Mapping[str, Any], root: Mapping[str, Any], wishes: Mapping[str, Any], depth: int) -> Any:
    fields = schema.get("properties", {})
    made = {name: wish for name, wish in wishes.items() if name in fields}
    if depth < _DEEPEST:
        for name in schema.get("required", ()):
            if name not in made:
                made[name] = _value(fields.get(name, {}), root, {}, depth + 1)
    return made


def _number(schema: Mapping[str, Any]) -> float:
    if "minimum" in schema:
        least: float = schema["minimum"]
    elif "exclusiveMinimum" in schema:
        least = schema["exclusiveMinimum"] + 1
    else:
        least = min(0, schema.get("maximum", 0))
    return least


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema with its reference and its first choice that is not null followed."""
    for _ in range(_DEEPEST):
        if "$ref" in schema:
            place: Any = root
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                place = place.get(step, {}) if isinstance(place, Mapping) else {}
            schema = place
        elif "anyOf" in schema or "oneOf" in schema:
            choices = schema.get("anyOf") or schema["oneOf"]
            schema = next((each for each in choices if each.get("type") != "null"), choices[0])
        else:
            break
    return schema
