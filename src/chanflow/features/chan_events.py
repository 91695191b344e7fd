"""What a bar changes in a Chan structure (缠论): one event for each change of each object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from chanflow.features.chan_columns import LEVELS, Level, PointType

EventKind = Literal["new", "revised", "confirmed", "void"]
Side = Literal["buy", "sell"]


@dataclass(frozen=True, slots=True)
class StrokeEvent:
    """One change of one stroke, known after raw bar `bar`; the stroke as it is now, or as it was if void."""

    kind: EventKind
    index: int
    start_bar: int
    end_bar: int
    start_ts_ms: int
    end_ts_ms: int
    start_price: float
    end_price: float
    direction: int
    bar: int


@dataclass(frozen=True, slots=True)
class SegmentEvent:
    """One change of one segment of strokes, or of one super-segment of segments (`level` `segment`)."""

    kind: EventKind
    level: Level
    index: int
    start_element: int
    end_element: int
    start_bar: int
    end_bar: int
    start_ts_ms: int
    end_ts_ms: int
    start_price: float
    end_price: float
    direction: int
    bar: int


@dataclass(frozen=True, slots=True)
class CenterEvent:
    """One change of one center; `entry` and `exit` are None while there is none."""

    kind: EventKind
    level: Level
    start: int
    end: int
    entry: int | None
    exit: int | None
    low: float
    high: float
    peak_low: float
    peak_high: float
    start_ts_ms: int
    end_ts_ms: int
    grade: int
    bar: int


@dataclass(frozen=True, slots=True)
class PointEvent:
    """One change of one type of point; `point_bar` is where it lies, `bar` the bar after which it is known."""

    kind: EventKind
    level: Level
    element: int
    type: PointType
    side: Side
    point_bar: int
    ts_ms: int
    price: float
    divergence: float | None
    bar: int


Event = StrokeEvent | SegmentEvent | CenterEvent | PointEvent


def read_events(rows: list[tuple[Any, ...]]) -> list[Event]:
    """Return the events of the tuples that the compiled core gives."""
    return [_event(row) for row in rows]


def _event(row: tuple[Any, ...]) -> Event:
    what, kind, *rest, bar = row
    values: tuple[Any, ...]
    if what == "stroke":
        return StrokeEvent(*row[1:])
    if what == "point":
        (level, element, point_type, side), place = rest
        values = (kind, LEVELS[level], element, point_type, "buy" if side > 0 else "sell", *place, bar)
        return PointEvent(*values)
    first, second, third = rest
    if what == "center":
        values = (kind, LEVELS[first[0]], *first[1:], *second, *third, bar)
        return CenterEvent(*values)
    values = (kind, "stroke" if what == "segment" else "segment", *first, *second, *third, bar)
    return SegmentEvent(*values)
