"""The whole market at once: thousands of series through the Chan engine, and the points that matter now.

"All symbols with a second buy point in the last five bars" is `scan(series, types=("2",), side="buy", fresh_bars=5)`.
Threads of this process or a cluster do the work, in chunks of symbols; the answer is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from math import isnan
from typing import TYPE_CHECKING, Any, Literal

import chanflow_native
import numpy as np

from chanflow.domain.errors import WorkLost
from chanflow.domain.structure import State
from chanflow.features.chan_columns import LEVELS, POINT_TYPES
from chanflow.features.pool import InProcess

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chanflow.features.ports import Pool

SIDES: tuple[Literal["buy", "sell"], ...] = ("buy", "sell")
STATES: tuple[State, ...] = ("provisional", "confirmed")

CHUNK_BARS = 200_000
"""A chunk is full at so many bars (8 MB): a tenth of a second of work, small beside the way to another machine."""

CHUNK_SYMBOLS = 1_024
SYMBOLS_PER_THREAD = 8
"""Threads that share a chunk get at least so many series each, however long they are, so that all stay busy."""

NAMED_SYMBOLS = 10


@dataclass(frozen=True, slots=True)
class BarSeries:
    """The bars of one symbol: ts_ms int64 in Unix ms UTC, prices float64 in quote units, contiguous, of one length."""

    ts_ms: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScanPoint:
    """One type of point at the end of one element. `bars_ago` counts from the symbol's last bar."""

    symbol: str
    level: Literal["stroke", "segment"]
    type: str
    side: Literal["buy", "sell"]
    state: State
    bar: int
    bars_ago: int
    ts_ms: int
    price: float
    element: int
    divergence: float | None


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan found, symbol by symbol; `failed` says in a sentence why a series could not be read."""

    points: tuple[ScanPoint, ...]
    scanned: int
    failed: Mapping[str, str]


Params = Mapping[str, str | bool | int | float | None]


def scan(
    series: Mapping[str, BarSeries],
    *,
    preset: str = "default",
    params: Params | None = None,
    level: Literal["stroke", "segment"] | None = None,
    types: Collection[str] = (),
    side: Literal["buy", "sell"] | None = None,
    state: Literal["provisional", "confirmed"] | None = None,
    fresh_bars: int | None = None,
    threads: int = 2,
    pool: Pool | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> Scan:
    """Return the points of every series that pass the filters: level, types (all if empty), side, state, freshness.

    `threads` of this process share the work, without the GIL; a `pool` does it instead where one is given, with the
    same answer. `progress` hears, in the caller's thread, how many symbols of how many are done; what it raises ends
    the scan, and so does Ctrl-C within a moment. A malformed bar fails its own symbol only. Raises ValueError for an
    unknown preset, setting or filter and for columns that differ in length, WorkLost, naming the symbols, where a pool
    could not read them.
    """
    asked = _Question(preset, dict(params or {}), level, tuple(types), side, state, fresh_bars)
    _judge(asked, series)
    if pool is None:
        pool = InProcess(threads)
    chunks = _chunks(series, 1 if pool.threads == 1 else SYMBOLS_PER_THREAD * pool.threads)
    scanned = 0

    def told(index: int) -> None:
        nonlocal scanned
        scanned += len(chunks[index])
        if progress is not None:
            progress(scanned, len(series))

    try:
        answers = pool.map(partial(_read, asked, pool.threads), chunks, done=told)
    except WorkLost as fault:
        raise WorkLost(f"{_named(chunks[fault.chunk])} could not be scanned: {fault}", chunk=fault.chunk) from fault
    points = tuple(point for found, _ in answers for point in found)
    return Scan(points, len(series), {symbol: why for _, failed in answers for symbol, why in failed.items()})


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of every series."""

    preset: str
    params: Mapping[str, str | bool | int | float | None]
    level: str | None
    types: tuple[str, ...]
    side: str | None
    state: str | None
    fresh_bars: int | None


class _Chunk(list[tuple[str, BarSeries]]):
    """Symbols with their bars. It travels as six arrays, however many symbols it has: each array costs a frame."""

    def __reduce__(self) -> tuple[Callable[..., _Chunk], tuple[object, ...]]:
        columns = [np.concatenate([getattr(bars, name) for _, bars in self]) for name in _COLUMNS] if self else []
        return _unpacked, ([symbol for symbol, _ in self], [len(bars.ts_ms) for _, bars in self], columns)


def _unpacked(symbols: list[str], lengths: list[int], columns: list[NDArray[Any]]) -> _Chunk:
    """Return the chunk whose columns lie end to end."""
    made, start = _Chunk(), 0
    columns = [_lying(column) for column in columns]
    for symbol, length in zip(symbols, lengths, strict=True):
        made.append((symbol, BarSeries(*(column[start : start + length] for column in columns))))
        start += length
    return made


_COLUMNS = tuple(column.name for column in fields(BarSeries))
_Answer = tuple[list[ScanPoint], dict[str, str]]


def _judge(asked: _Question, series: Mapping[str, BarSeries]) -> None:
    """Raise ValueError for what no series could answer, before anything is sent anywhere."""
    chosen: tuple[tuple[str, Sequence[str | None], Sequence[str]], ...] = (
        ("point type", asked.types, POINT_TYPES), ("level", (asked.level,), LEVELS), ("side", (asked.side,), SIDES),
        ("state", (asked.state,), STATES),
    )  # fmt: skip
    for what, values, known in chosen:
        unknown = next((value for value in values if value is not None and value not in known), None)
        if unknown is not None:
            raise ValueError(f"{what} {unknown!r} is unknown; known are {', '.join(known)}")
    if asked.fresh_bars is not None and asked.fresh_bars < 1:
        raise ValueError(f"fresh_bars is {asked.fresh_bars}, at least 1 is needed")
    chanflow_native.chan_scan([], asked.preset, dict(asked.params))
    for symbol, bars in series.items():
        if len({len(getattr(bars, name)) for name in _COLUMNS}) > 1:
            raise ValueError(f"{symbol}: columns differ in length")


def _chunks(series: Mapping[str, BarSeries], at_least: int) -> list[_Chunk]:
    """Cut the market into chunks of some `CHUNK_BARS`, but not of fewer symbols than `at_least`."""
    chunks: list[_Chunk] = []
    chunk = _Chunk()
    bars = 0
    for item in series.items():
        chunk.append(item)
        bars += len(item[1].ts_ms)
        if len(chunk) >= at_least and (bars >= CHUNK_BARS or len(chunk) >= CHUNK_SYMBOLS):
            chunks.append(chunk)
            chunk, bars = _Chunk(), 0
    return [*chunks, chunk] if chunk else chunks


def _named(chunk: _Chunk) -> str:
    names = ", ".join(symbol for symbol, _ in chunk[:NAMED_SYMBOLS])
    return names if len(chunk) <= NAMED_SYMBOLS else f"{names} and {len(chunk) - NAMED_SYMBOLS} more symbols"


def _read(asked: _Question, threads: int, chunk: _Chunk) -> _Answer:
    """Return the points of a chunk that are asked for, and why each series that could not be read was not."""
    found = chanflow_native.chan_scan(
        [(bars.ts_ms, bars.open, bars.high, bars.low, bars.close) for _, bars in chunk],
        asked.preset,
        dict(asked.params),
        asked.fresh_bars,
        threads,
    )
    wanted = [(bit, name) for bit, name in enumerate(POINT_TYPES) if not asked.types or name in asked.types]
    points = []
    rows = zip(
        found["series"].tolist(), found["bars_ago"].tolist(), found["level"].tolist(), found["element"].tolist(),
        found["bar"].tolist(), found["ts_ms"].tolist(), found["price"].tolist(), found["side"].tolist(),
        found["types"].tolist(), found["confirmed_types"].tolist(), found["divergence"].tolist(), strict=True,
    )  # fmt: skip
    for at, ago, kind, element, bar, ts_ms, price, sign, bits, sure, ratio in rows:
        symbol, level, side = chunk[at][0], LEVELS[kind], SIDES[0 if sign > 0 else 1]
        if asked.level not in (None, level) or asked.side not in (None, side):
            continue
        for bit, name in wanted:
            state = STATES[sure >> bit & 1]
            if bits >> bit & 1 and asked.state in (None, state):
                divergence = ratio if name in ("1", "1p") and not isnan(ratio) else None
                points.append(ScanPoint(symbol, level, name, side, state, bar, ago, ts_ms, price, element, divergence))
    return points, {chunk[at][0]: why for at, why in found["failed"]}


def _lying(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column as the core reads it: bytes that came over a wire may lie askew."""
    return np.require(column, requirements=("C", "ALIGNED"))
