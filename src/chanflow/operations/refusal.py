"""Turns the validation of arguments into sentences that name the argument and its bound, never its value."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chanflow.operations.operation import Arguments
from chanflow.operations.outcome import Failed, failure

_SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,31}")

_SENTENCES = {
    "missing": "{name} is required",
    "int_type": "{name} must be a whole number",
    "int_from_float": "{name} must be a whole number",
    "string_type": "{name} must be text",
    "list_type": "{name} must be a list",
    "tuple_type": "{name} must be a list",
    "greater_than_equal": "{name} must be at least {ge}",
    "less_than_equal": "{name} must be at most {le}",
    "string_pattern_mismatch": "{name} must match {pattern}",
    "string_too_long": "{name} may have {max_length} characters",
    "too_long": "{name} may have {max_length} entries",
    "too_short": "{name} must have at least {min_length} entries",
    "literal_error": "{name} must be one of {expected}",
    "value_error": "{name} {error}",
}


def invalid_arguments(fault: ValidationError, model: type[Arguments], request_id: str) -> Failed:
    """Return the failure for the first thing wrong with the arguments of `model`."""
    errors = fault.errors(include_url=False, include_input=False)
    first = errors[0]
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][0])
        known = ", ".join(model.model_fields) or "none"
        field = name if _SAFE_NAME.fullmatch(name) else None
        return failure(
            "invalid_argument", request_id, "there is no argument of that name", field=field, suggestion=f"use: {known}"
        )
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return failure("invalid_argument", request_id, _sentence(first) + more, field=_field(first) or None)


def _field(error: ErrorDetails) -> str:
    return ".".join(str(part) for part in error["loc"])


def _sentence(error: ErrorDetails) -> str:
    pattern = _SENTENCES.get(error["type"], "{name} is not valid")
    context: dict[str, Any] = error.get("ctx", {})
    # What is wrong with the arguments as a whole has no name.
    return pattern.format(name=_field(error), **context).strip()
