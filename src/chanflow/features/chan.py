"""Chan structure (缠论) of a series of bars.

The rules live in the compiled core; this module is the door to it. `analyze` reads whole columns, `Engine` reads one
bar at a time; both give the same `Structure`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import chanflow_native

from chanflow.features.chan_arrow import ArrowList
from chanflow.features.chan_columns import (
    LEVELS,
    POINT_TYPES,
    STATES,
    Centers,
    Columns,
    Level,
    Points,
    PointType,
    Segments,
    Strokes,
    SuperSegments,
    Trends,
)
from chanflow.features.chan_events import (
    CenterEvent,
    Event,
    EventKind,
    PointEvent,
    ResetEvent,
    SegmentEvent,
    Side,
    StrokeEvent,
)
from chanflow.features.chan_json import structure_json
from chanflow.features.chan_reset import Reset, ResetReason

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "LEVELS",
    "POINT_TYPES",
    "STATES",
    "ArrowList",
    "CenterEvent",
    "Centers",
    "Columns",
    "Engine",
    "Event",
    "EventKind",
    "Level",
    "PointEvent",
    "PointType",
    "Points",
    "Reset",
    "ResetEvent",
    "ResetReason",
    "SegmentEvent",
    "Segments",
    "Setting",
    "Side",
    "StrokeEvent",
    "Strokes",
    "Structure",
    "SuperSegments",
    "Trends",
    "analyze",
]

Setting = str | bool | int | float | None
"""The value of a parameter; None stands for `none`."""


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
        return structure_json(self, elapsed_ms=elapsed_ms)

    def to_arrow(self) -> dict[str, ArrowList]:
        """Return one object with the Arrow PyCapsule interface per list, by the list's name.

        Nothing is copied: each stands on the memory of the columns and keeps it alive. See `ArrowList`.
        """
        return {name: ArrowList(columns) for name, columns in self._lists().items()}

    def to_polars(self) -> dict[str, pl.DataFrame]:
        """Return one polars frame per list, by the list's name, on the same memory as `to_arrow`."""
        import polars as pl  # noqa: PLC0415 (it is slow to load, and only this needs it)

        return {name: pl.DataFrame(table) for name, table in self.to_arrow().items()}

    def _lists(self) -> dict[str, Columns]:
        return {
            "strokes": self.strokes,
            "segments": self.segments,
            "super_segments": self.super_segments,
            "centers": self.centers,
            "points": self.points,
            "trends": self.trends,
        }


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
        self._stand_on(chanflow_native.ChanEngine(preset, _as_dict(params), history, recorded))

    def _stand_on(self, native: chanflow_native.ChanEngine) -> None:
        self._native = native
        if type(self).push is Engine.push:
            # Going through the method below adds to every bar; this is the same call without it.
            self.push = native.push  # type: ignore[method-assign]

    @classmethod
    def after(
        cls,
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
    ) -> Engine:
        """Return the engine after whole columns, ready to go on bar by bar; arguments and errors are `analyze`'s."""
        ts, opens, highs, lows, closes, volumes, amounts = _columns(ts_ms, open, high, low, close, volume, amount)
        engine = cls()
        engine._stand_on(
            chanflow_native.chan_analyze(
                ts, opens, highs, lows, closes, volumes, preset, _as_dict(params), amounts, history, _clock(market_ms)
            )
        )
        return engine

    @classmethod
    def restore(cls, snapshot: bytes) -> Engine:
        """Return the engine a snapshot was taken of: it shows the same and goes on like it.

        Every bar is read again. Raises ValueError if the snapshot is damaged.
        """
        engine = cls()
        engine._stand_on(chanflow_native.ChanEngine.restore(snapshot))
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
        return self._native.push(ts_ms, open, high, low, close, volume, amount, market_ms)

    def extend(
        self,
        ts_ms: ArrayLike,
        open: ArrayLike,  # noqa: A002
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        volume: ArrayLike | None = None,
        amount: ArrayLike | None = None,
        market_ms: ArrayLike | None = None,
    ) -> list[Event]:
        """Read whole columns of bars and return what each changed, in the order in which `push` would tell it.

        Columns are as those of `analyze`, without a copy where it makes none; the GIL is released. Raises ValueError
        as `push`, and for columns of different lengths; every bar is checked before the first is read, so that the
        engine is then unchanged. An event takes 100 to 200 bytes: a long warm-up is better read in parts. While it
        runs the columns must not be written, and any other call of the engine raises RuntimeError.
        """
        ts, opens, highs, lows, closes, volumes, amounts = _columns(ts_ms, open, high, low, close, volume, amount)
        return self._native.extend(ts, opens, highs, lows, closes, volumes, amounts, _clock(market_ms))

    def replace(
        self,
        ts_ms: int,
        open: float,  # noqa: A002
        high: float,
        low: float,
        close: float,
        volume: float | None = None,
        amount: float | None = None,
        market_ms: int | None = None,
    ) -> list[Event]:
        """Read a correction of the last bar; the engine is then as if the old version had never been pushed.

        Returns the differences from what was shown with the old version. Raises ValueError as `push`, and if there
        is no bar yet.
        """
        return self._native.replace(ts_ms, open, high, low, close, volume, amount, market_ms)

    def clone(self) -> Engine:
        """Return an engine in the same state that goes its own way."""
        other = Engine.__new__(Engine)
        other._stand_on(self._native.clone())  # noqa: SLF001 (its own kind)
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

    Columns are one-dimensional and of one length, prices in quote units, `ts_ms` Unix milliseconds UTC; contiguous
    float64 (int64 for `ts_ms`) is read without a copy and without the GIL, so nothing may write it meanwhile. With
    `history` the bars are read one by one, and the structure has since when each object is known and what was
    withdrawn. `market_ms` is `ts_ms` by the market's own clock: see `Engine.push`.

    Raises ValueError for a malformed bar, which it names, for columns of different lengths, for an unknown preset or
    parameter, and if a metric needs the volume or the amount and there is none.
    """
    return Engine.after(
        open, high, low, close, ts_ms, preset=preset, volume=volume, amount=amount, params=params, history=history,
        market_ms=market_ms,
    ).structure()  # fmt: skip


def _columns(ts_ms: ArrayLike, *columns: ArrayLike | None) -> tuple[Any, ...]:
    """Return the columns as the core reads them; one that already is so is passed on as it is."""
    import numpy as np  # noqa: PLC0415 (the engine alone needs no numpy, and it is slow to load)

    def of(column: ArrayLike | None, dtype: type) -> NDArray[Any] | None:
        return None if column is None else np.require(column, dtype=dtype, requirements=["C", "ALIGNED"])

    return of(ts_ms, np.int64), *(of(column, np.float64) for column in columns)


def _clock(market_ms: ArrayLike | None) -> NDArray[Any] | None:
    clock: NDArray[Any] | None = None if market_ms is None else _columns(market_ms)[0]
    return clock


def _as_dict(params: Mapping[str, Setting] | None) -> dict[str, Setting] | None:
    return None if params is None else dict(params)


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
