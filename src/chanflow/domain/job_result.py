"""What a job came to: figures, and tables of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of a result. `columns` say by name what stands in them; any of them may be null."""

    columns: Mapping[str, Literal["text", "number", "whole"]]
    rows: Sequence[Sequence[Any]] = ()


@dataclass(frozen=True, slots=True)
class Worked:
    """What work came to: figures as JSON data, and its tables by name."""

    result: Mapping[str, Any]
    tables: Mapping[str, Table] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TablePage:
    """Part of a table, and how many rows the whole has."""

    columns: tuple[str, ...]
    rows: list[list[Any]]
    total: int
