"""Operations on structure."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import anyio.to_thread
from pydantic import Field, FiniteFloat

from chanflow.domain.market_data import Bar
from chanflow.domain.structure import State, Stroke
from chanflow.domain.time import NS_PER_MS
from chanflow.operations.bars import known_ms, read_bars, stale_ms
from chanflow.operations.fields import Level, Limit200, Symbol, TimeNs, interval_ms, time_of_ms
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation

Part = Literal["fractals", "strokes", "segments", "centers", "divergences", "points"]
_MISSING: tuple[Part, ...] = ("fractals", "segments", "centers", "divergences", "points")


class AnalyzeStructure(Arguments):
    """What to read: the symbol's bars of a level, as they were known at `as_of`."""

    symbol: Symbol
    level: Level = "30m"
    as_of: TimeNs | None = None
    parts: Annotated[list[Part], Field(max_length=6)] = Field(default=["strokes", "segments", "centers", "points"])
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

    `strokes` is null when not asked for; an empty list means that there is none. `not_computed` names what the engine
    cannot read yet: the parts asked for, and the trend, which rests on centers. Such parts have no field at all.
    """

    symbol: str
    level: Level
    bars: int
    first_bar: str | None
    truncated: bool
    strokes: list[StrokeRow] | None
    not_computed: list[str]
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
        not_computed=[*(part for part in _MISSING if part in args.parts), "trend"],
        summary=_summary(args.symbol, args.level, len(bars), strokes),
        known_at=time_of_ms(known_ms(bars, services.clock)),
        stale_ms=stale_ms(bars, services.clock),
    )


def read_strokes(bars: list[Bar]) -> list[Stroke]:
    """Return the strokes of `bars`, oldest first."""
    from chanflow.features import chan  # noqa: PLC0415  # the compiled core and numpy wait for the first structure

    columns = ([getattr(bar, name) for bar in bars] for name in ("open", "high", "low", "close", "ts_ms"))
    return list(chan.analyze(*columns).strokes)


def _row(stroke: Stroke) -> StrokeRow:
    return StrokeRow(
        id=stroke.ref,
        dir=stroke.direction,
        start=End(time=time_of_ms(stroke.start_ts_ms), price=stroke.start_price),
        end=End(time=time_of_ms(stroke.end_ts_ms), price=stroke.end_price),
        state=stroke.state,
    )


def _summary(symbol: str, level: Level, bars: int, strokes: list[Stroke] | None) -> str:
    head = f"{symbol} {level}: {bars} bars"
    if strokes is None:
        return head
    if not strokes:
        return f"{head}, no stroke yet"
    last = strokes[-1]
    return (
        f"{head}, {len(strokes)} strokes; the last goes {last.direction} from {last.start_price} to {last.end_price} "
        f"and is {last.state}"
    )


def _digest(read: StructureRead) -> Digest:
    return Digest(
        read.summary,
        ("id", "dir", "start", "start_price", "end", "end_price", "state"),
        tuple(
            (s.id, s.dir, s.start.time, s.start.price, s.end.time, s.end.price, s.state)
            for s in (read.strokes or [])[-5:]
        ),
    )


ANALYZE_STRUCTURE = Operation(
    name="analyze_structure",
    title="Chan structure",
    doc_en="Chan structure (缠论) of a symbol: strokes (笔) with their states. not_computed names parts not available.",
    doc_zh="缠论结构：笔及其状态；尚不能计算的部分列在 not_computed。",
    scope="analysis:read",
    plans=frozenset({"free", "pro", "developer", "enterprise"}),
    charges={"api_call": 1},
    rate_class="read",
    input=AnalyzeStructure,
    output=StructureRead,
    hints=Hints(read_only=True),
    timeout_s=10,
    path="/analysis/structure",
    handler=analyze_structure,
    digest=_digest,
)
