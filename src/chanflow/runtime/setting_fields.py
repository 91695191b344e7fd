"""The kinds of values that settings are made of, and the node that all sections are."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def no_bool(value: object) -> object:
    """Return a value that is no truth value. Raises ValueError: pydantic would count it as 0 or 1."""
    if isinstance(value, bool):
        raise ValueError(f"is {value}, a number is needed")
    return value


def exact(value: object) -> object:
    """Return a value that is no float. Raises ValueError: what is meant by 0.1 is not what a float holds."""
    if isinstance(value, bool | float):
        raise ValueError(f'is the {type(value).__name__} {value}, and money is exact: write it as text, like "0.1"')
    return value


def distinct(symbols: tuple[str, ...]) -> tuple[str, ...]:
    """Return symbols that are named once each. Raises ValueError."""
    if len(set(symbols)) < len(symbols):
        raise ValueError(f"is {', '.join(symbols)}: each symbol may be named once")
    return symbols


def split(value: object) -> object:
    """Return the parts of a text between its commas; anything else as it is."""
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def split_or_none(value: object) -> object:
    """Return what `split` does, and no part of a text that is empty."""
    return () if isinstance(value, str) and not value.strip() else split(value)


def of_json(value: object, empty: object, how: str) -> object:
    """Return what a text of JSON says, `empty` for none; anything else as it is. Raises ValueError, which says how."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else empty
    except (ValueError, RecursionError):
        raise ValueError(f"is no JSON, {how}") from None


Whole = Annotated[int, BeforeValidator(no_bool)]
Share = Annotated[float, BeforeValidator(no_bool), Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, BeforeValidator(no_bool), Field(gt=0, allow_inf_nan=False)]
Money = Annotated[Decimal, BeforeValidator(exact), Field(gt=0, allow_inf_nan=False)]
Symbol = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,31}$")]
Texts = Annotated[tuple[str, ...], BeforeValidator(split_or_none)]


class Section(BaseModel):
    """A node of the tree: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
