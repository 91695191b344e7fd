"""Chan structure (缠论) of a series of bars.

The rules live in the compiled core; this module names the columns and writes the result down. `analyze` reads whole
columns, `Engine` reads one bar at a time; both give the same `Structure`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import chanflow_native

from chanflow.domain.structure import State, Stroke

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

STATES: tuple[State, ...] = ("provisional", "confirmed", "void")
"""The word for each code of a `state` column."""

EventKind = Literal["new", "revised", "confirmed", "void"]
Setting = str | bool | int | float


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


@dataclass(frozen=True, slots=True, eq=False)
class Strokes:
    """The strokes (笔) in order, one array per column.

    Bars are raw bar indices, times their open times in Unix milliseconds UTC, prices in quote units as given.
    `direction` is 1 or -1, `state` a code of `STATES`, `first_seen_bar` the bar after which the stroke was first
    shown, `confirmed_bar` the bar after which it became unchangeable, -1 before.
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
class Structure:
    """What a series of bars shows after its last bar.

    It holds the first stages of the schema `chanflow.structure/1`: merged bars, counted, and strokes. Segments,
    centers and points are not computed, and their keys are absent rather than empty.
    """

    bars: int
    """Raw bars read."""
    merged: int
    """Merged bars (合并K线) they make."""
    strokes: Strokes

    def to_json(self) -> str:
        """Return the structure as one JSON object of the schema `chanflow.structure/1`."""
        strokes = [
            {
                "start_bar": stroke.start_bar,
                "end_bar": stroke.end_bar,
                "start_ts_ms": stroke.start_ts_ms,
                "end_ts_ms": stroke.end_ts_ms,
                "start_price": stroke.start_price,
                "end_price": stroke.end_price,
                "direction": stroke.direction,
                "state": stroke.state,
            }
            for stroke in self.strokes
        ]
        document = {"schema": "chanflow.structure/1", "bars": self.bars, "merged": self.merged, "strokes": strokes}
        return json.dumps(document, separators=(",", ":"), allow_nan=False)


class Engine:
    """Chan structure of a growing series of bars, one bar at a time.

    `preset` is `default`, `chanpy`, `new_bi` or `totally`; `params` sets single parameters on top. An unknown name
    or value raises ValueError, which lists what is allowed.
    """

    def __init__(self, preset: str = "default", params: Mapping[str, Setting] | None = None) -> None:
        self._native = chanflow_native.ChanEngine(preset, _as_dict(params))

    def push(
        self,
        ts_ms: int,
        open: float,  # noqa: A002
        high: float,
        low: float,
        close: float,
        volume: float = 0.0,
    ) -> list[StrokeEvent]:
        """Read a bar and return what it changed: void strokes first, then new and revised ones, then confirmed ones.

        Raises ValueError, naming the bar, if a value is not finite, open or close lies outside low to high, or
        `ts_ms` does not rise; the engine is then unchanged.
        """
        return _events(self._native.push(ts_ms, open, high, low, close, volume))

    def replace(
        self,
        ts_ms: int,
        open: float,  # noqa: A002
        high: float,
        low: float,
        close: float,
        volume: float = 0.0,
    ) -> list[StrokeEvent]:
        """Read a correction of the last bar; the engine is then as if the old version had never been pushed.

        Returns the differences from what was shown with the old version. Raises ValueError as `push`, and if there
        is no bar yet.
        """
        return _events(self._native.replace(ts_ms, open, high, low, close, volume))

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
    params: Mapping[str, Setting] | None = None,
) -> Structure:
    """Return the structure of whole columns: what `Engine` shows after the last of them.

    Columns are one-dimensional and of one length; contiguous float64 (int64 for `ts_ms`) is read without a copy.
    Raises ValueError for a malformed bar, which it names, for columns of different lengths, and for an unknown
    preset or parameter.
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
    )
    return _structure(native)


def _floats(column: ArrayLike) -> NDArray[np.float64]:
    import numpy as np  # noqa: PLC0415 (as above)

    return np.ascontiguousarray(column, dtype=np.float64)


def _as_dict(params: Mapping[str, Setting] | None) -> dict[str, Setting] | None:
    return None if params is None else dict(params)


def _events(rows: list[tuple[EventKind, int, int, int, int, int, float, float, int, int]]) -> list[StrokeEvent]:
    return [StrokeEvent(*row) for row in rows]


def _structure(native: chanflow_native.ChanEngine) -> Structure:
    return Structure(bars=native.bars, merged=native.merged, strokes=Strokes(**native.strokes()))
