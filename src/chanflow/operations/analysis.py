"""Operations on structure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import anyio.to_thread
from pydantic import Field, FiniteFloat

from chanflow.domain.market_data import Bar
from chanflow.domain.structure import State, Stroke
from chanflow.domain.time import NS_PER_MS
from chanflow.operations.bars import known_ms, read_bars, stale_ms
from chanflow.operations.fields import Level, Limit200, Symbol, TimeNs, interval_ms, time_of_ms
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation

if TYPE_CHECKING:
    from chanflow.features.chan import Structure

Part = Literal["fractals", "strokes", "segments", "centers", "divergences", "points"]
COMPUTED: frozenset[str] = frozenset({"strokes"})
"""The parts that the engine can compute."""


class AnalyzeStructure(Arguments):
    """What to read: the symbol's bars of a level, as they were known at `as_of`."""

    symbol: Symbol
    level: Level = "30m"
    as_of: TimeNs | None = None
    parts: Annotated[list[Part], Field(max_length=6)] = ["strokes", "segments", "centers", "points"]
    limit: Limit200 = 20


class End(Answer):
    """Where a stroke starts or ends."""

    time: str
    price: FiniteFloat


class StrokeRow(Answer):
    """A stroke (笔). A confirmed id names the same stroke while `first_bar` stays the same."""

    id: str
    dir: Literal["up", "down"]
    start: End
    end: End
    state: State


class StructureRead(Answer):
    """The structure of `bars` bars, the first of which opened at `first_bar`; older ones were left out if `truncated`.

    A part is null when it was not asked for or stands in `not_computed`; an empty list means that there is none.
    """

    symbol: str
    level: Level
    bars: int
    first_bar: str | None
    truncated: bool
    strokes: list[StrokeRow] | None
    not_computed: list[Part]
    summary: str
    known_at: str
    stale_ms: int | None


async def analyze_structure(asked: Asked[AnalyzeStructure]) -> StructureRead:
    """Return the newest `limit` elements of each asked part, naming the asked parts that cannot be computed."""
    args, services = asked.args, asked.services
    end_ms = None if args.as_of is None else args.as_of // NS_PER_MS - interval_ms(args.level) + 1
    most = services.structure_bars
    bars = await read_bars(services.klines, args.symbol, args.level, start_ms=None, end_ms=end_ms, limit=most + 1)
    truncated, bars = len(bars) > most, bars[-most:]
    strokes: list[Stroke] | None = None
    if "strokes" in args.parts:
        strokes = await anyio.to_thread.run_sync(partial(read_strokes, bars), abandon_on_cancel=True)
    return StructureRead(
        symbol=args.symbol,
        level=args.level,
        bars=len(bars),
        first_bar=time_of_ms(bars[0].ts_ms) if bars else None,
        truncated=truncated,
        strokes=None if strokes is None else [_row(stroke) for stroke in strokes[-args.limit :]],
        not_computed=sorted(set(args.parts) - COMPUTED),
        summary=_summary(args, len(bars), strokes),
        known_at=time_of_ms(known_ms(bars, services.clock)),
        stale_ms=stale_ms(bars, services.clock),
    )


def read_strokes(bars: list[Bar]) -> list[Stroke]:
    """Return the strokes of `bars`, oldest first."""
    import numpy as np

    from chanflow.features import chan

    columns = (np.array([getattr(bar, name) for bar in bars]) for name in ("open", "high", "low", "close", "ts_ms"))
    return _strokes(chan.analyze(*columns))
