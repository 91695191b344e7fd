"""A Chan structure (缠论) as JSON, in the schema `chanflow.structure/1`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chanflow.features.chan_columns import (
    LEVELS,
    POINT_TYPES,
    STATES,
    Columns,
    Segments,
    Strokes,
    SuperSegments,
    arrays_of,
)

if TYPE_CHECKING:
    from chanflow.features.chan import Structure


def structure_json(structure: Structure, *, elapsed_ms: float | None = None) -> str:
    """Return the structure as one JSON object; `elapsed_ms`, if there is one, is its last key."""
    document: dict[str, Any] = {
        "schema": structure.SCHEMA,
        "bars": structure.bars,
        "merged": structure.merged,
        "strokes": _legs(structure.strokes),
        "segments": _legs(structure.segments),
        "super_segments": _legs(structure.super_segments),
        "centers": [_center(row) for row in _rows(structure.centers)],
        "points": [_point(row) for row in _rows(structure.points)],
        "trends": [_trend(row) for row in _rows(structure.trends)],
        "resets": [asdict(reset) for reset in structure.resets],
    }
    if elapsed_ms is not None:
        document["elapsed_ms"] = elapsed_ms
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def _rows(columns: Columns) -> list[dict[str, Any]]:
    arrays = arrays_of(columns)
    return [
        dict(zip(arrays, row, strict=True))
        for row in zip(*(column.tolist() for column in arrays.values()), strict=True)
    ]


def _legs(columns: Strokes | Segments | SuperSegments) -> list[dict[str, Any]]:
    return [_with_life(row | {"direction": "up" if row["direction"] > 0 else "down"}) for row in _rows(columns)]


def _center(row: dict[str, Any]) -> dict[str, Any]:
    center = row | {"level": LEVELS[row["level"]]}
    for name in ("entry_stroke", "exit_stroke"):
        center[name] = None if row[name] < 0 else row[name]
    return _with_life(center)


def _point(row: dict[str, Any]) -> dict[str, Any]:
    types = [name for bit, name in enumerate(POINT_TYPES) if row["types"] >> bit & 1]
    confirmed = [name for bit, name in enumerate(POINT_TYPES) if row["confirmed_types"] >> bit & 1]
    void = STATES[row["state"]] == "void"
    states = {name: "void" if void else "confirmed" if name in confirmed else "provisional" for name in types}
    divergence = row["divergence"]
    point = row | {
        "level": LEVELS[row["level"]],
        "side": "buy" if row["side"] > 0 else "sell",
        "types": types,
        "type_states": states,
        "divergence": None if divergence != divergence else divergence,  # noqa: PLR0124 (NaN is not itself)
    }
    del point["confirmed_types"]
    return _with_life(point)


def _trend(row: dict[str, Any]) -> dict[str, Any]:
    kind = "trend" if row["kind"] else "consolidation"
    return row | {"level": LEVELS[row["level"]], "kind": kind, "direction": "up" if row["direction"] > 0 else "down"}


def _with_life(row: dict[str, Any]) -> dict[str, Any]:
    row["state"] = STATES[row["state"]]
    for name in ("confirmed_bar", "void_bar"):
        if name in row:
            row[name] = None if row[name] < 0 else row[name]
    return row
