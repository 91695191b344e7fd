"""An answer whose every number is a reference to a tool's result, so that none can be made up.

The text is written with places instead of numbers, `{points.points[0].price}` or `{backtest.result.hit_rate|percent}`,
and code puts the values in. A digit that stands in the text itself must have been in the question.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from chanflow.domain.errors import InvalidArgument

MAX_PLACES = 400


@dataclass(frozen=True, slots=True)
class Figure:
    """A value in an answer and where it is from."""

    ref: str
    shown: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said, and every value in it with its source."""

    text: str
    figures: tuple[Figure, ...]


def write(template: str, results: Mapping[str, Any]) -> Answer:
    """Return the text with every place filled from `results`, the JSON bodies of the steps by name.

    Raises InvalidArgument naming a place that leads to nothing, or a brace without its partner.
    """
    parts: list[str] = []
    figures: list[Figure] = []
    rest = template
    while rest:
        before, opened, rest = rest.partition("{")
        if "}" in before:
            raise InvalidArgument("the answer has a } without its {", field="text")
        parts.append(before)
        if not opened:
            break
        place, closed, rest = rest.partition("}")
        if not closed or "{" in place:
            raise InvalidArgument("the answer has a { without its }", field="text")
        if len(figures) == MAX_PLACES:
            raise InvalidArgument(f"the answer has more than {MAX_PLACES} places", field="text")
        ref, _, form = place.partition("|")
        shown = _shown(find(ref, results), form)
        parts.append(shown)
        figures.append(Figure(ref, shown))
    return Answer("".join(parts), tuple(figures))


def loose_numbers(template: str, allowed: Collection[str]) -> tuple[str, ...]:
    """Return the numbers that stand in a template outside of its places and in none of the `allowed` texts."""
    plain, rest = "", template
    while rest:
        before, opened, rest = rest.partition("{")
        plain += before + " "
        rest = rest.partition("}")[2] if opened else ""
    known = {number for text in allowed for number in _numbers(text)}
    return tuple(number for number in _numbers(plain) if number not in known)


def _numbers(text: str) -> list[str]:
    found, current = [], ""
    for letter in unicodedata.normalize("NFKC", text) + " ":
        if letter.isdigit() or (letter in ".,:%" and current):
            current += letter
        elif current:
            found.append(current.strip(".,:%").replace(",", ""))
            current = ""
    return found


def find(ref: str, results: Mapping[str, Any]) -> Any:
    """Return the value that a place leads to. Raises InvalidArgument."""
    value: Any = results
    for part in ref.strip().split("."):
        name, bracket, tail = part.partition("[")
        if not isinstance(value, Mapping) or name not in value:
            raise InvalidArgument(f"{ref[:80]} leads to nothing: no {name[:40]}", field="text")
        value = value[name]
        while bracket:
            index, closed, tail = tail.partition("]")
            if not closed or not index.isdecimal() or not isinstance(value, Sequence) or int(index) >= len(value):
                raise InvalidArgument(f"{ref[:80]} leads to nothing: no row {index[:10]}", field="text")
            value = value[int(index)]
            _, bracket, tail = tail.partition("[")
    if isinstance(value, Mapping | list):
        raise InvalidArgument(f"{ref[:80]} is no single value", field="text")
    return value


def _shown(value: Any, form: str) -> str:
    if value is None:
        return "-"
    match form:
        case "":
            return _plain(value)
        case "percent":
            return f"{_number(value) * 100:.1f} %"
        case "signed_percent":
            return f"{_number(value) * 100:+.2f} %"
        case "money":
            return f"{_number(value):,.2f}"
        case "clock":
            return str(value)[:16].replace("T", " ") + "Z"
    raise InvalidArgument(f"there is no form {form[:20]!r}: percent, signed_percent, money or clock", field="text")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else "".join(c for c in str(value) if c.isprintable())


def _number(value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation as fault:
        raise InvalidArgument("a place with the form of a number leads to none", field="text") from fault
    if not number.is_finite():
        raise InvalidArgument("a place leads to no finite number", field="text")
    return number
