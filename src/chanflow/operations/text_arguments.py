"""Arguments that arrive as text, from a query string or a command line, as the JSON they stand for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from chanflow.operations.operation import AnyOperation
from chanflow.operations.schema import shared_input_schema

_INTEGER = re.compile(r"-?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def arguments_from_text(operation: AnyOperation | None, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the arguments that `pairs` of name and text stand for.

    Lists take commas or repeated names, lists of objects one JSON text. What does not read as its type stays text, and
    a repeated single argument becomes a list, so that the same check refuses it in the same words as from a JSON door.
    """
    properties = shared_input_schema(operation)["properties"] if operation else {}
    arguments: dict[str, Any] = {}
    for name, text in pairs:
        schema = properties.get(name, {})
        if schema.get("items", {}).get("type") == "object":
            arguments[name] = _json(text)
        elif schema.get("type") == "array":
            arguments.setdefault(name, []).extend(text.split(",") if text else [])
        elif name in arguments:
            before = arguments[name]
            arguments[name] = [*(before if isinstance(before, list) else [before]), text]
        else:
            arguments[name] = _value(schema.get("type", "string"), text)
    return arguments


def _value(kind: str, text: str) -> Any:
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in ("integer", "number"):
        return _number(text)
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _number(text: str) -> int | float | str:
    if _INTEGER.fullmatch(text):
        try:
            return int(text)
        except ValueError:  # more digits than Python reads
            return text
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    return number if math.isfinite(number) else text
