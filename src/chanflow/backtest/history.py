"""Everything a structure ever showed: its points and elements with the bars at which they came, held and went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chanflow.features.chan_columns import POINT_TYPES

ELEMENT_KINDS = ("stroke", "segment", "super_segment")
CONFIRMED, VOID = 1, 2
NONE = -1

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PointHistory:
    """Every point ever shown, one row for each end and type, void ones too; bars are raw bar indices, -1 is none.

    `level` is a code of `LEVELS`, `type` a place in `POINT_TYPES`, `side` 1 for buy and -1 for sell, `state`
    0 provisional, 1 confirmed, 2 void.
    """

    level: Indices
    type: Indices
    side: Indices
    bar: Indices
    state: Indices
    first_seen_bar: Indices
    confirmed_bar: Indices

    def __len__(self) -> int:
        return len(self.bar)

    def keys(self) -> Indices:
        """Return one number for each row's identity: level, side, type and bar."""
        return ((self.bar * len(POINT_TYPES) + self.type) * 2 + self.level) * 2 + (self.side > 0)


@dataclass(frozen=True, slots=True, eq=False)
class ElementHistory:
    """Every stroke (笔), segment (线段) or super-segment ever shown, void ones too; codes as in `PointHistory`.

    `start` is what it begins with: a bar for a stroke, a stroke for a segment, a segment for a super-segment.
    """

    kind: str
    start: Indices
    end_bar: Indices
    direction: Indices
    state: Indices
    first_seen_bar: Indices
    confirmed_bar: Indices

    def keys(self) -> Indices:
        """Return one number for each row's identity: what it begins with. Its end may move."""
        return self.start


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What was ever shown, each identity once, one row for each.

    A thing that went and came back is one: first seen when it first came, in the final structure if it is there now.
    `row` is one of its rows in the history. `withdrawn` says that it went after it had been confirmed.
    """

    row: Indices
    first_seen_bar: Indices
    confirmed_bar: Indices
    in_final: NDArray[np.bool_]
    withdrawn: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def confirmed(self) -> NDArray[np.bool_]:
        """Which of them were ever confirmed."""
        return np.asarray(self.confirmed_bar != NONE)


def history_of(structure: Any) -> PointHistory:
    """Return the points of a structure analysed with its history; an end of several types has a row for each.

    `structure` is what `features.chan.analyze(..., history=True)` gives.
    """
    points = structure.points
    types = _column(points.types)
    row, kind = np.nonzero((types[:, None] >> np.arange(len(POINT_TYPES))) & 1)
    return PointHistory(
        level=_column(points.level)[row],
        type=kind.astype(np.int64),
        side=_column(points.side)[row],
        bar=_column(points.bar)[row],
        state=_column(points.state)[row],
        first_seen_bar=_column(points.first_seen_bar)[row],
        confirmed_bar=_column(points.confirmed_bar)[row],
    )


def elements_of(structure: Any) -> tuple[ElementHistory, ...]:
    """Return the elements of a structure analysed with its history, by `ELEMENT_KINDS`."""
    lists = (
        (structure.strokes, structure.strokes.start_bar),
        (structure.segments, structure.segments.start_stroke),
        (structure.super_segments, structure.super_segments.start_segment),
    )
    return tuple(
        ElementHistory(
            kind=kind,
            start=_column(start),
            end_bar=_column(spans.end_bar),
            direction=_column(spans.direction),
            state=_column(spans.state),
            first_seen_bar=_column(spans.first_seen_bar),
            confirmed_bar=_column(spans.confirmed_bar),
        )
        for kind, (spans, start) in zip(ELEMENT_KINDS, lists, strict=True)
    )


def _column(values: Any) -> Indices:
    return np.asarray(values, dtype=np.int64)


def ever_shown(history: PointHistory | ElementHistory) -> Shown:
    """Return what a history shows, each identity once, in the order of the keys."""
    keys = history.keys()
    if not keys.size:
        none, never = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)
        return Shown(none, none, none, never, never)
    order = np.lexsort((history.first_seen_bar, keys))
    starts = np.flatnonzero(np.diff(keys[order], prepend=keys[order[0]] - 1))
    void = history.state == VOID
    never_bar = np.iinfo(np.int64).max
    confirmed = np.where(history.confirmed_bar == NONE, never_bar, history.confirmed_bar)
    confirmed = np.minimum.reduceat(confirmed[order], starts)
    return Shown(
        row=order[starts].astype(np.int64),
        first_seen_bar=history.first_seen_bar[order[starts]],
        confirmed_bar=np.where(confirmed == never_bar, NONE, confirmed),
        in_final=np.logical_or.reduceat(~void[order], starts),
        withdrawn=np.logical_or.reduceat((void & (history.confirmed_bar != NONE))[order], starts),
    )
