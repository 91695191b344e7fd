"""The lists of a Chan structure (缠论), one array per column, and what the codes in them mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from chanflow.domain.structure import State, Stroke

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Level = Literal["stroke", "segment"]
PointType = Literal["1", "1p", "2", "2s", "3a", "3b"]

STATES: tuple[State, ...] = ("provisional", "confirmed", "void")
"""The word for each code of a `state` column."""

LEVELS: tuple[Level, ...] = ("stroke", "segment")
"""The word for each code of a `level` column."""

POINT_TYPES: tuple[PointType, ...] = ("1", "1p", "2", "2s", "3a", "3b")
"""The type of each bit of a `types` column, the lowest first."""


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """The strokes (笔) in order, one array per column.

    Bars are raw bar indices, times their open times in Unix milliseconds UTC, prices in quote units as given.
    `direction` is 1 or -1, `state` a code of `STATES`, `first_seen_bar` the bar after which the stroke was first
    shown, `confirmed_bar` the bar after which it became unchangeable, -1 before. With history, void strokes follow,
    and `void_bar` is the bar after which a stroke was withdrawn, -1 if it was not.
    """

    start_bar: NDArray[np.int64]
    end_bar: NDArray[np.int64]
    start_ts_ms: NDArray[np.int64]
    end_ts_ms: NDArray[np.int64]
    start_price: NDArray[np.float64]
    end_price: NDArray[np.float64]
    direction: NDArray[np.int8]
    state: NDArray[np.uint8]
    first_seen_bar: NDArray[np.int64]
    confirmed_bar: NDArray[np.int64]
    void_bar: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.start_bar)

    def __getitem__(self, index: int) -> Stroke:
        """Return stroke number `index`, counted from the end if negative. Raises IndexError if there is none."""
        at = range(len(self))[index]
        return Stroke(
            index=at,
            start_bar=int(self.start_bar[at]),
            end_bar=int(self.end_bar[at]),
            start_ts_ms=int(self.start_ts_ms[at]),
            end_ts_ms=int(self.end_ts_ms[at]),
            start_price=float(self.start_price[at]),
            end_price=float(self.end_price[at]),
            direction="up" if self.direction[at] > 0 else "down",
            state=STATES[self.state[at]],
        )

    def __iter__(self) -> Iterator[Stroke]:
        return (self[at] for at in range(len(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """The segments (线段) in order, one array per column.

    The columns of `Strokes`; `start_stroke` and `end_stroke` are indices of strokes. The bars after which they were
    first seen, confirmed and withdrawn are known with history only.
    """

    start_bar: NDArray[np.int64]
    end_bar: NDArray[np.int64]
    start_ts_ms: NDArray[np.int64]
    end_ts_ms: NDArray[np.int64]
    start_price: NDArray[np.float64]
    end_price: NDArray[np.float64]
    direction: NDArray[np.int8]
    state: NDArray[np.uint8]
    start_stroke: NDArray[np.int32]
    end_stroke: NDArray[np.int32]
    first_seen_bar: NDArray[np.int64] | None = None
    confirmed_bar: NDArray[np.int64] | None = None
    void_bar: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.start_bar)


@dataclass(frozen=True, slots=True, eq=False)
class SuperSegments:
    """The segments of segments (线段的线段) in order, one array per column.

    As `Segments`; `start_segment` and `end_segment` are indices of segments.
    """

    start_bar: NDArray[np.int64]
    end_bar: NDArray[np.int64]
    start_ts_ms: NDArray[np.int64]
    end_ts_ms: NDArray[np.int64]
    start_price: NDArray[np.float64]
    end_price: NDArray[np.float64]
    direction: NDArray[np.int8]
    state: NDArray[np.uint8]
    start_segment: NDArray[np.int32]
    end_segment: NDArray[np.int32]
    first_seen_bar: NDArray[np.int64] | None = None
    confirmed_bar: NDArray[np.int64] | None = None
    void_bar: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.start_bar)


@dataclass(frozen=True, slots=True, eq=False)
class Centers:
    """The centers (中枢) of both levels, those of strokes first, one array per column.

    `level` is a code of `LEVELS`; `*_stroke` are indices of strokes, on level `segment` of segments, -1 for none.
    `low` and `high` are the range (ZD, ZG), `peak_low` and `peak_high` the extremes (DD, GG); `grade` is 1, from 9
    elements 2 and from 27 elements 3.
    """

    level: NDArray[np.uint8]
    start_stroke: NDArray[np.int32]
    end_stroke: NDArray[np.int32]
    entry_stroke: NDArray[np.int32]
    exit_stroke: NDArray[np.int32]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    peak_low: NDArray[np.float64]
    peak_high: NDArray[np.float64]
    start_ts_ms: NDArray[np.int64]
    end_ts_ms: NDArray[np.int64]
    grade: NDArray[np.uint8]
    state: NDArray[np.uint8]
    first_seen_bar: NDArray[np.int64] | None = None
    confirmed_bar: NDArray[np.int64] | None = None
    void_bar: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.level)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The points (买卖点) of both levels, those of strokes first, one array per column.

    `element` is the stroke or segment that ends there, `side` 1 for buy and -1 for sell. `types` has one bit per type
    of `POINT_TYPES`, `confirmed_types` those that will never change; a point is confirmed when all of its types are.
    `divergence` is the force of the exit by that of the entry of a point 1 or 1p, NaN for others.
    """

    level: NDArray[np.uint8]
    element: NDArray[np.int32]
    bar: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    price: NDArray[np.float64]
    side: NDArray[np.int8]
    types: NDArray[np.uint8]
    confirmed_types: NDArray[np.uint8]
    state: NDArray[np.uint8]
    divergence: NDArray[np.float64]
    first_seen_bar: NDArray[np.int64] | None = None
    confirmed_bar: NDArray[np.int64] | None = None
    void_bar: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.level)


@dataclass(frozen=True, slots=True, eq=False)
class Trends:
    """The trend types (走势类型) of both levels, those of strokes first, one array per column.

    `kind` is 1 for a trend (趋势) and 0 for a consolidation (盘整); centers are numbered within their level.
    """

    level: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    direction: NDArray[np.int8]
    first_center: NDArray[np.int32]
    last_center: NDArray[np.int32]
    start_element: NDArray[np.int32]
    end_element: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.level)


Columns = Strokes | Segments | SuperSegments | Centers | Points | Trends


def arrays_of(columns: Columns) -> dict[str, NDArray[Any]]:
    """Return the columns that are there by name, in order; those known with history only may be missing."""
    named = {field.name: getattr(columns, field.name) for field in fields(columns)}
    return {name: column for name, column in named.items() if column is not None}
