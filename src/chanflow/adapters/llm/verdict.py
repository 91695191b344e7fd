"""What is wrong with the form of an answer: its JSON schema, and numbers and letters that nothing can keep."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

_MOST_SENTENCES = 8
_SENTENCE = 240


class FormJudge:
    """Judges answers by one JSON schema (draft 2020-12, formats not looked at)."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Raises ValueError for a schema that is none."""
        from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
        from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]

        try:
            Draft202012Validator.check_schema(dict(schema))
        except SchemaError as fault:
            raise ValueError(f"the schema of the answer is none: {fault.message[:_SENTENCE]}") from fault
        self._validator = Draft202012Validator(dict(schema))

    def problems(self, draft: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what is wrong with an answer, a sentence each, at most eight; nothing where its form is good."""
        told = list(_unkeepable(draft, "answer"))
        if not told:
            faults = sorted(self._validator.iter_errors(draft), key=lambda fault: list(map(str, fault.absolute_path)))
            told = [f"{_place(fault.absolute_path)}: {_short(fault.message)}" for fault in faults]
        return tuple(told[:_MOST_SENTENCES])


def _place(path: Any) -> str:
    return ".".join(["answer", *map(str, path)])[:_SENTENCE]


def _short(text: str) -> str:
    return text if len(text) <= _SENTENCE else f"{text[: _SENTENCE // 2]} … {text[-_SENTENCE // 2 :]}"


def _unkeepable(value: Any, place: str) -> Iterator[str]:
    match value:
        case float() if not math.isfinite(value):
            yield f"{place}: {value} is no number"
        case str() if any("\ud800" <= letter <= "\udfff" for letter in value):
            yield f"{place}: the text has half a character"
        case Mapping():
            for name, item in value.items():
                yield from _unkeepable(name, place)
                yield from _unkeepable(item, f"{place}.{name}"[:_SENTENCE])
        case list():
            for index, item in enumerate(value):
                yield from _unkeepable(item, f"{place}.{index}"[:_SENTENCE])
