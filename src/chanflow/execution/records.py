"""Journal records back into execution's values: each field by its declared type, and nothing unknown."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Literal, Protocol, TypeVar

from chanflow.domain.errors import JournalCorrupt

T = TypeVar("T")


class Recorded(Protocol):
    """A journal record as far as execution reads it. `at` is RFC 3339 UTC."""

    @property
    def at(self) -> str:
        """When it was appended."""
        ...

    @property
    def kind(self) -> str:
        """What it is."""
        ...

    @property
    def body(self) -> Any:
        """What it says, as JSON knows it."""
        ...


def read(kind: type[T], body: Any) -> T:
    """Return the `kind` that a record's body spells. Raises JournalCorrupt naming the field."""
    if not isinstance(body, Mapping):
        raise JournalCorrupt(f"a {kind.__name__} was expected, the journal has {type(body).__name__}")
    types_of = typing.get_type_hints(kind)
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(body.keys() - known):
        raise JournalCorrupt(f"{kind.__name__} has no field {unknown[0]!r}")
    try:
        return kind(**{name: _value(types_of[name], value, f"{kind.__name__}.{name}") for name, value in body.items()})
    except TypeError as error:
        raise JournalCorrupt(f"a {kind.__name__} in the journal is not whole: {error}") from error


def _value(kind: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        (inner,) = [one for one in args if one is not type(None)]
        return None if value is None else _value(inner, value, where)
    if origin is Literal:
        if value in args:
            return value
    elif kind is Decimal or (isinstance(kind, type) and issubclass(kind, Enum)):
        try:
            return kind(value)
        except (InvalidOperation, ValueError, TypeError):
            pass
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        return {str(k): _value(args[1], v, where) for k, v in value.items()}
    elif is_dataclass(kind):
        return read(typing.cast("type[Any]", kind), value)
    elif isinstance(value, kind):
        return value
    raise JournalCorrupt(f"{where} is {value!r} in the journal")
