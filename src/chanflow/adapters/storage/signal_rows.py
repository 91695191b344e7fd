"""A signal as the sinks keep it: one JSON line, or one row of a table, the same values either way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Protocol

from chanflow.domain.canonical import plain
from chanflow.domain.signal import Signal

Row = dict[str, Any]
"""A signal's fields in their declared order, as JSON knows them."""

COLUMNS = tuple(field.name for field in fields(Signal))
LISTS = ("reasons", "refs")
FLAGS = ("confirm", "gating_blocked", "trend_agrees", "flow_strong")
WHOLE = ("schema_version", "ts_ms", "known_ms", "expiry_ms")
FIGURES = ("score", "z_ofi", "z_cvd", "consistency")


class RowStore(Protocol):
    """Where rows are kept, in order. Faults of the system rise as they are: OSError or sqlite3.Error."""

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        ...

    def append(self, rows: Sequence[Row]) -> None:
        """Keep all of the rows, durably, or none."""
        ...

    def read(self, start: int) -> Sequence[Row]:
        """Return at most a thousand rows from number `start`, the first being 0; none at the end."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


READ_ROWS = 1_000


def row_of(signal: Signal) -> Row:
    """Return the row of a signal. Zero has one sign: a table cannot keep the other."""
    row: Row = plain(signal)
    for name in FIGURES:
        if row[name] is not None:
            row[name] = float(row[name]) + 0.0
    return row


def line_of(row: Row) -> bytes:
    """Return a row as a line of JSON, its end included."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def row_of_line(line: bytes) -> Row:
    """Return the row that a line spells. Raises ValueError for anything else."""
    row = json.loads(line)
    if not isinstance(row, dict) or tuple(row) != COLUMNS:
        raise ValueError("the line is no signal of this version")
    return row


def cells_of(row: Row) -> tuple[Any, ...]:
    """Return a row as a table keeps it: lists as JSON text."""
    return tuple(json.dumps(row[name], ensure_ascii=False) if name in LISTS else row[name] for name in COLUMNS)


def row_of_cells(cells: Sequence[Any]) -> Row:
    """Return the row that `cells_of` gave."""
    row: Row = dict(zip(COLUMNS, cells, strict=True))
    for name in LISTS:
        row[name] = json.loads(row[name])
    for name in FLAGS:
        row[name] = bool(row[name])
    return row
