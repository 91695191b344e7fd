"""Operations on structure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal

import anyio.to_thread
from pydantic import ConfigDict, Field, FiniteFloat

from chanflow.domain.market_data import Bar
from chanflow.domain.structure import State
from chanflow.domain.time import NS_PER_MS
from chanflow.operations.answer_cache import OverBars
from chanflow.operations.bars import bars_known, known_ms, stale_ms
from chanflow.operations.fields import Level, Limit200, Symbol, TimeNs, time_of_ms
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.points import PointRow, point_row, point_type
from chanflow.operations.services import Services
from chanflow.operations.structure import Center, Leg, Point, Structure, Trend, Way

Part = Literal["fractals", "strokes", "segments", "centers", "divergences", "points"]
Kind = Literal["trend", "consolidation"]

_KINDS: dict[str, Kind] = {"1": "trend", "1p": "consolidation"}
"""The kind of divergence that each type of point is."""


class AnalyzeStructure(Arguments):
    """What to read: the symbol's bars of a level, as they were known at `as_of`."""

    symbol: Symbol
    level: Level = "30m"
    as_of: TimeNs | None = None
    parts: Annotated[list[Part], Field(max_length=6)] = Field(default=["strokes", "segments", "centers", "points"])
    limit: Limit200 = 20


class End(Answer):
    """Where a stroke or segment starts or ends: the open of its bar, and the price in quote."""

    time: str
    price: FiniteFloat


class FractalRow(Answer):
    """A fractal (分型) at which strokes meet: the start of the first, or the end of one, in whose state it stands."""

    id: str
    kind: Literal["top", "bottom"]
    time: str
    price: FiniteFloat
    state: State


class LegRow(Answer):
    """A stroke (笔) or segment (线段). A confirmed id names the same one while `first_bar` stays the same."""

    id: str
    dir: Way
    start: End
    end: End
    state: State


class CenterRow(Answer):
    """A center (中枢) of strokes or, with `-seg` in its id, of segments: its range zd to zg, its peaks dd and gg.

    `from` and `to` are the opens of the bars at which its first element starts and its last one ends.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    id: str
    zg: FiniteFloat
    zd: FiniteFloat
    gg: FiniteFloat
    dd: FiniteFloat
    from_: str = Field(serialization_alias="from")
    to: str
    state: State


class DivergenceRow(Answer):
    """A divergence (背驰): the force of the last leg was `ratio` times that of an earlier one.

    It is of a trend where a center lies between the two (point 1), else of a consolidation (1p). `strokes` are the ids
    of the earlier leg and of the last one, both segments where `-seg` stands in the id.
    """

    id: str
    kind: Kind
    ratio: FiniteFloat | None
    strokes: tuple[str | None, str]
    time: str
    price: FiniteFloat
    state: State


class StructureRead(OverBars):
    """The structure of `bars` bars, the first of which opened at `first_bar`; older ones were left out if `truncated`.

    Parts are null when not asked for, oldest first, and an empty list means that there is none. `trend` is null
    without a center.
    """

    symbol: str
    level: Level
    bars: int
    first_bar: str | None
    truncated: bool
    trend: Trend | None
    fractals: list[FractalRow] | None
    strokes: list[LegRow] | None
    segments: list[LegRow] | None
    centers: list[CenterRow] | None
    divergences: list[DivergenceRow] | None
    points: list[PointRow] | None
    summary: str
    known_at: str
    stale_ms: int | None


async def analyze_structure(asked: Asked[AnalyzeStructure]) -> StructureRead:
    """Return the newest `limit` elements of each asked part, and the trend."""
    args, services = asked.args, asked.services
    as_of_ms = None if args.as_of is None else args.as_of // NS_PER_MS
    most = services.structure_bars
    bars = await bars_known(services.klines, args.symbol, args.level, as_of_ms=as_of_ms, limit=most + 1)
    truncated, bars = len(bars) > most, bars[-most:]
    read = partial(_read, services, args, bars, truncated=truncated)
    return await anyio.to_thread.run_sync(read, abandon_on_cancel=True)


def _read(services: Services, args: AnalyzeStructure, bars: Sequence[Bar], *, truncated: bool) -> StructureRead:
    as_of_ms = None if args.as_of is None else args.as_of // NS_PER_MS
    shown, asked, newest = Structure(services.chan_columns(bars), bars), args.parts, slice(-args.limit, None)
    points = [point for point in shown.points if point.state != "void"]
    divergences = [point for point in points if point.type in _KINDS]
    return StructureRead(
        symbol=args.symbol,
        level=args.level,
        bars=len(bars),
        first_bar=time_of_ms(bars[0].ts_ms) if bars else None,
        truncated=truncated,
        trend=shown.trend,
        fractals=_fractal_rows(shown.strokes)[newest] if "fractals" in asked else None,
        strokes=[_leg_row(stroke) for stroke in shown.strokes[newest]] if "strokes" in asked else None,
        segments=[_leg_row(segment) for segment in shown.segments[newest]] if "segments" in asked else None,
        centers=[_center_row(center) for center in shown.centers[newest]] if "centers" in asked else None,
        divergences=[_divergence_row(shown, each) for each in divergences[newest]] if "divergences" in asked else None,
        points=[_point_row(services, args, shown, point) for point in points[newest]] if "points" in asked else None,
        summary=_summary(args, len(bars), shown, points),
        known_at=time_of_ms(known_ms(list(bars), services.clock, as_of_ms=as_of_ms)),
        stale_ms=stale_ms(list(bars), services.clock),
    ).over(bars[-1] if bars else None)


def _fractal_rows(strokes: Sequence[Leg]) -> list[FractalRow]:
    first = [(leg.start_ms, leg.start_price, leg.way == "down", leg.state) for leg in strokes[:1]]
    ends = first + [(leg.end_ms, leg.end_price, leg.way == "up", leg.state) for leg in strokes]
    return [
        FractalRow(
            id=f"fractal#{index}",
            kind="top" if is_top else "bottom",
            time=time_of_ms(at_ms),
            price=price,
            state=state,
        )
        for index, (at_ms, price, is_top, state) in enumerate(ends)
    ]


def _leg_row(leg: Leg) -> LegRow:
    return LegRow(
        id=leg.ref,
        dir=leg.way,
        start=End(time=time_of_ms(leg.start_ms), price=leg.start_price),
        end=End(time=time_of_ms(leg.end_ms), price=leg.end_price),
        state=leg.state,
    )


def _center_row(center: Center) -> CenterRow:
    return CenterRow(
        id=center.ref,
        zg=center.high,
        zd=center.low,
        gg=center.peak_high,
        dd=center.peak_low,
        from_=time_of_ms(center.start_ms),
        to=time_of_ms(center.end_ms),
        state=center.state,
    )


def _divergence_row(shown: Structure, point: Point) -> DivergenceRow:
    legs, entry = shown.legs(point.of), shown.entry_of(point)
    return DivergenceRow(
        id=f"divergence{'-seg' if point.of == 'segment' else ''}#{point.element}",
        kind=_KINDS[point.type],
        ratio=point.ratio,
        strokes=(None if entry is None else legs[entry].ref, legs[point.element].ref),
        time=time_of_ms(point.at_ms),
        price=point.price,
        state=point.state,
    )


def _point_row(services: Services, args: AnalyzeStructure, shown: Structure, point: Point) -> PointRow:
    center = shown.center_of(point)
    return point_row(services, args.symbol, args.level, point, center.ref if center else None)


def _summary(args: AnalyzeStructure, bars: int, shown: Structure, points: Sequence[Point]) -> str:
    head = f"{args.symbol} {args.level}: {bars} bars"
    if not shown.strokes:
        return f"{head}, no stroke yet"
    last = shown.strokes[-1]
    parts = [
        f"{head}, trend {shown.trend or 'unknown'}",
        f"{len(shown.strokes)} strokes, {len(shown.segments)} segments, {len(shown.centers)} centers",
        f"the last stroke goes {last.way} from {last.start_price} to {last.end_price} and is {last.state}",
    ]
    if points:
        newest = points[-1]
        parts.append(f"the newest point is {point_type(newest)} ({newest.subtype}) at {newest.price}, {newest.state}")
    return "; ".join(parts)


def _digest(read: StructureRead) -> Digest:
    """Return the newest strokes, or without them the newest points."""
    if read.strokes is None and read.points:
        columns = ("type", "subtype", "price", "time", "state", "first_seen", "confirmed_at")
        rows = tuple(tuple(getattr(row, name) for name in columns) for row in read.points[-5:])
        return Digest(read.summary, columns, rows)
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
    doc_en="Chan structure (缠论) of a symbol: strokes, segments, centers (中枢), divergences, points and the trend.",
    doc_zh="缠论结构：分型、笔、线段、中枢、背驰、买卖点与走势。",
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
    kept_for=lambda args: args.symbol,
    digest=_digest,
)
