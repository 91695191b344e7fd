"""Chan structure (缠论) of a series of bars.

The rules live in the compiled core; this module names the columns and writes the result down. `analyze` reads whole
columns, `Engine` reads one bar at a time; both give the same `Structure`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import chanflow_native

from chanflow.domain.structure import State, Stroke

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import ArrayLike, NDArray

STATES: tuple[State, ...] = ("provisional", "confirmed", "void")
"""The word for each code of a `state` column."""

LEVELS: tuple[Level, ...] = ("stroke", "segment")
"""The word for each code of a `level` column."""

POINT_TYPES: tuple[PointType, ...] = ("1", "1p", "2", "2s", "3a", "3b")
"""The type of each bit of a `types` column, the lowest first."""

Level = Literal["stroke", "segment"]
Side = Literal["buy", "sell"]
PointType = Literal["1", "1p", "2", "2s", "3a", "3b"]
EventKind = Literal["new", "revised", "confirmed", "void"]
ResetReason = Literal["gap", "long_stroke"]
Setting = str | bool | int | float | None


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


@dataclass(frozen=True, slots=True)
class ResetEvent:
    """A reset, known after raw bar `bar`: the fields of `Reset`. Void once `replace` takes back what brought it."""

    kind: EventKind
    ts_ms: int
    reason: ResetReason
    from_bar: int
    from_ts_ms: int
    gap_ms: int | None
    bar: int


Event = StrokeEvent | SegmentEvent | CenterEvent | PointEvent | ResetEvent


@dataclass(frozen=True, slots=True)
class Reset:
    """Where a guard ended what could not go on, known after raw bar `bar`.

    `gap`: more than `reset_gap_ms` of open time passed between `from_bar` and `bar`, namely `gap_ms`; with `bar` a new
    era begins, in which everything starts afresh. `long_stroke`: there was no new stroke for `max_stroke_bars` after
    the last one's end at `from_bar`; the next stroke need not end at the peak of its bars.
    """

    bar: int
    ts_ms: int
    reason: ResetReason
    from_bar: int
    from_ts_ms: int
    gap_ms: int | None


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


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """What a series of bars shows after its last bar."""

    SCHEMA: ClassVar[str] = "chanflow.structure/1"

    bars: int
    """Raw bars read."""
    merged: int
    """Merged bars (合并K线) they make."""
    strokes: Strokes
    segments: Segments
    super_segments: SuperSegments
    centers: Centers
    points: Points
    trends: Trends
    resets: tuple[Reset, ...] = ()
    """What the guards did, in order; none without guards."""

    def to_json(self, *, elapsed_ms: float | None = None) -> str:
        """Return the structure as one JSON object of the schema `chanflow.structure/1`.

        `elapsed_ms` is how long it took, if the caller has measured it; without it the text depends on the bars alone.
        """
        document: dict[str, Any] = {
            "schema": self.SCHEMA,
            "bars": self.bars,
            "merged": self.merged,
            "strokes": _legs(self.strokes),
            "segments": _legs(self.segments),
            "super_segments": _legs(self.super_segments),
            "centers": [_center(row) for row in _rows(self.centers)],
            "points": [_point(row) for row in _rows(self.points)],
            "trends": [_trend(row) for row in _rows(self.trends)],
            "resets": [asdict(reset) for reset in self.resets],
        }
        if elapsed_ms is not None:
            document["elapsed_ms"] = elapsed_ms
        return json.dumps(document, separators=(",", ":"), allow_nan=False)

    def to_polars(self) -> dict[str, pl.DataFrame]:
        """Return one polars frame per list, with its columns as they are. Raises ImportError without polars."""
        import polars as pl  # noqa: PLC0415 (it is slow to load, and only this needs it)

        lists: dict[str, Columns] = {
            "strokes": self.strokes,
            "segments": self.segments,
            "super_segments": self.super_segments,
            "centers": self.centers,
            "points": self.points,
            "trends": self.trends,
        }
        return {name: pl.DataFrame(_arrays(columns)) for name, columns in lists.items()}


class Engine:
    """Chan structure of a growing series of bars, one bar at a time.

    `preset` is `default`, `chanpy`, `new_bi`, `totally`, `czsc6`, `czsc7` or `textbook`; `params` sets single
    parameters on top. An unknown name or value raises ValueError, which lists what is allowed. With `history` the
    structure also has since when each object is known, and what was withdrawn. A `recorded` engine keeps its bars, 56
    bytes each, so that `snapshot` can write it down.
    """

    def __init__(
        self,
        preset: str = "default",
        params: Mapping[str, Setting] | None = None,
        *,
        history: bool = False,
        recorded: bool = False,
    ) -> None:
        self._native = chanflow_native.ChanEngine(preset, _as_dict(params), history, recorded)

    @classmethod
    def restore(cls, snapshot: bytes) -> Engine:
        """Return the engine a snapshot was taken of: it shows the same and goes on like it.

        Every bar is read again. Raises ValueError if the snapshot is damaged.
        """
        engine = cls()
        engine._native = chanflow_native.ChanEngine.restore(snapshot)
        return engine

    def snapshot(self) -> bytes:
        """Return the parameters and the bars as bytes. Raises ValueError unless the engine was made `recorded`."""
        return self._native.snapshot()

    def push(
        self,
        ts_ms: int,
        open: float,  # noqa: A002
        high: float,
        low: float,
        close: float,
        volume: float | None = None,
        amount: float | None = None,
        *,
        market_ms: int | None = None,
    ) -> list[Event]:
        """Read a bar and return what it changed.

        Resets come first, then strokes, then segments, centers and points of strokes, then those of segments; of each
        the void ones first, then new and revised ones, then confirmed ones. `market_ms` is the bar's time by the
        market's own clock, which stands still while the market is closed and never falls; `reset_gap_ms` alone reads
        it, and takes `ts_ms` where there is none. Raises ValueError, naming the bar, if a value is
        not finite, open or close lies outside low to high, or `ts_ms` does not rise, and if a metric needs the volume
        or the amount and there is none; the engine is then unchanged.
        """
        return _events(self._native.push(ts_ms, open, high, low, close, volume, amount, market_ms))

    def replace(
        self,
        ts_ms: int,
        open: float,  # noqa: A002
        high: float,
        low: float,
        close: float,
        volume: float | None = None,
        amount: float | None = None,
        *,
        market_ms: int | None = None,
    ) -> list[Event]:
        """Read a correction of the last bar; the engine is then as if the old version had never been pushed.

        Returns the differences from what was shown with the old version. Raises ValueError as `push`, and if there
        is no bar yet.
        """
        return _events(self._native.replace(ts_ms, open, high, low, close, volume, amount, market_ms))

    def clone(self) -> Engine:
        """Return an engine in the same state that goes its own way."""
        other = Engine.__new__(Engine)
        other._native = self._native.clone()  # noqa: SLF001 (its own kind)
        return other

    def structure(self) -> Structure:
        """Return what the bars read so far show."""
        return _structure(self._native)


def analyze(
    open: ArrayLike,  # noqa: A002
    high: ArrayLike,
    low: ArrayLike,
    close: ArrayLike,
    ts_ms: ArrayLike,
    *,
    preset: str = "default",
    volume: ArrayLike | None = None,
    amount: ArrayLike | None = None,
    params: Mapping[str, Setting] | None = None,
    history: bool = False,
    market_ms: ArrayLike | None = None,
) -> Structure:
    """Return the structure of whole columns: what `Engine` shows after the last of them.

    Columns are one-dimensional and of one length; contiguous float64 (int64 for `ts_ms`) is read without a copy.
    With `history` the bars are read one by one, and the structure has since when each object is known and what was
    withdrawn. `market_ms` is `ts_ms` by the market's own clock: see `Engine.push`.

    Raises ValueError for a malformed bar, which it names, for columns of different lengths, for an unknown
    preset or parameter, and if a metric needs the volume or the amount and there is none.
    """
    import numpy as np  # noqa: PLC0415 (the engine alone needs no numpy, and it is slow to load)

    native = chanflow_native.chan_analyze(
        np.ascontiguousarray(ts_ms, dtype=np.int64),
        _floats(open),
        _floats(high),
        _floats(low),
        _floats(close),
        None if volume is None else _floats(volume),
        preset,
        _as_dict(params),
        None if amount is None else _floats(amount),
        history,
        None if market_ms is None else np.ascontiguousarray(market_ms, dtype=np.int64),
    )
    return _structure(native)


def _floats(column: ArrayLike) -> NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 (as above)

    return np.ascontiguousarray(column, dtype=np.float64)


def _as_dict(params: Mapping[str, Setting] | None) -> dict[str, Setting] | None:
    return None if params is None else dict(params)


def _events(rows: list[tuple[Any, ...]]) -> list[Event]:
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
    if what == "reset":
        values = (kind, *rest[0], bar)
        return ResetEvent(*values)
    first, second, third = rest
    if what == "center":
        values = (kind, LEVELS[first[0]], *first[1:], *second, *third, bar)
        return CenterEvent(*values)
    values = (kind, "stroke" if what == "segment" else "segment", *first, *second, *third, bar)
    return SegmentEvent(*values)


def _structure(native: chanflow_native.ChanEngine) -> Structure:
    return Structure(
        bars=native.bars,
        merged=native.merged,
        strokes=Strokes(**native.strokes()),
        segments=Segments(**native.segments()),
        super_segments=SuperSegments(**native.super_segments()),
        centers=Centers(**native.centers()),
        points=Points(**native.points()),
        trends=Trends(**native.trends()),
        resets=tuple(Reset(*row) for row in native.resets()),
    )


def _arrays(columns: Columns) -> dict[str, NDArray[Any]]:
    named = {field.name: getattr(columns, field.name) for field in fields(columns)}
    return {name: column for name, column in named.items() if column is not None}


def _rows(columns: Columns) -> list[dict[str, Any]]:
    arrays = _arrays(columns)
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
