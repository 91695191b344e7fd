"""Reading the parameters of a request, with Binance's refusals for what is missing or is not what it should be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from urllib.parse import parse_qsl

from chanflow.adapters.venues.emulator.codes import fault
from chanflow.adapters.venues.emulator.rules import is_number, whole_units

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")


class Params:
    """The parameters of one request; an empty one counts as not sent."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def text(self, name: str) -> str:
        """Return a parameter; a Fault -1102 where it was not sent."""
        value = self.values.get(name, "")
        if not value:
            raise fault(-1102, name)
        return value

    def optional(self, name: str) -> str | None:
        """Return a parameter, None where it was not sent."""
        return self.values.get(name) or None

    def integer(self, name: str) -> int:
        """Return a whole number; a Fault -1102 where it was not sent or is none."""
        value = self.text(name)
        if not _WHOLE.fullmatch(value):
            raise fault(-1102, name)
        return int(value)

    def optional_integer(self, name: str) -> int | None:
        """Return a whole number, None where it was not sent."""
        return self.integer(name) if self.optional(name) is not None else None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a truth value; a Fault -1130 for another word."""
        value = self.optional(name)
        if value is None:
            return default
        if value.lower() not in ("true", "false"):
            raise fault(-1130, name)
        return value.lower() == "true"

    def units(self, name: str, places: int) -> int:
        """Return a number as an integer of 10^-places; a Fault -1102 or -1130 for none, -1111 for more decimals."""
        value = self.text(name)
        found = whole_units(value, places)
        if found is None:
            raise fault(-1111) if is_number(value) else fault(-1130, name)
        return found

    def decimal(self, name: str) -> Decimal:
        """Return a number; a Fault -1102 or -1130 where there is none."""
        value = self.text(name)
        if not is_number(value):
            raise fault(-1130, name)
        return Decimal(value)

    def word(self, name: str, allowed: Mapping[str, int] | frozenset[str], code: int) -> str:
        """Return one of the allowed words; a Fault of `code` for another."""
        value = self.text(name)
        if value not in allowed:
            raise fault(code)
        return value


def read_params(query: str, body: str) -> dict[str, str]:
    """Return the parameters of query and form body; of a name sent twice the first counts."""
    values: dict[str, str] = {}
    for part in (query, body):
        if part:
            for name, value in _pairs(part):
                values.setdefault(name, value)
    return values


def _pairs(part: str) -> list[tuple[str, str]]:
    """Return what `parse_qsl` does, sooner where nothing is escaped, as in most orders."""
    if "%" in part or "+" in part:
        return parse_qsl(part, keep_blank_values=True)
    cut = (piece.partition("=") for piece in part.split("&") if piece)
    return [(name, value) for name, _, value in cut]
