"""Buying and selling points (买卖点): of one symbol or of the whole market, with what was measured of their type."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal, TypeVar, cast

import anyio.to_thread
from pydantic import BeforeValidator, Field, FiniteFloat

from chanflow.domain.market_data import Bar
from chanflow.domain.structure import State
from chanflow.domain.time import NS_PER_MS
from chanflow.features.chan_columns import POINT_TYPES
from chanflow.operations.answer_cache import OverBars
from chanflow.operations.bars import bars_known, known_ms, known_symbols, stale_ms
from chanflow.operations.fields import Cursor, Level, Symbol, TimeNs, time_of_ms, whole
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined, compact_json
from chanflow.operations.services import Services
from chanflow.operations.structure import PRESET, Point, Structure

PointType = Literal["buy1", "buy2", "buy3", "sell1", "sell2", "sell3"]
Limit500 = Annotated[int, Field(ge=1, le=500), BeforeValidator(whole)]

T = TypeVar("T")

_CURSOR = re.compile(r"points:([0-9]{1,15}):([0-9]{1,9}):([0-9a-f]{8})")


_MARKET_CALLS = 10
"""So many calls of the API a scan of the whole market costs."""


class QueryPoints(Arguments):
    """Which points: of one symbol, or without one of every symbol that has bars of the level."""

    symbol: Symbol | None = None
    level: Level = "30m"
    type: Annotated[list[PointType], Field(max_length=6)] = Field(default=[])
    state: Literal["confirmed", "provisional", "any"] = "confirmed"
    since: TimeNs | None = None
    as_of: TimeNs | None = None
    limit: Limit500 = 50
    cursor: Cursor | None = None


class PointStats(Answer):
    """What a certificate measured of a point's type, side and level; all null without one. Shares are 0 to 1.

    `n` entries were made after points of the same state; `hit_rate` of them reached the target before the stop,
    `ci_low` to `ci_high` with 95 % confidence. `retract_rate` is the share of all ever shown that was withdrawn.
    """

    n: int | None
    hit_rate: FiniteFloat | None
    ci_low: FiniteFloat | None
    ci_high: FiniteFloat | None
    retract_rate: FiniteFloat | None
    lag_bars_p50: int | None


class PointRow(Answer):
    """A point. `time` is the open of the bar at whose extreme it lies, `price` that extreme in quote.

    `first_seen`, `confirmed_at` and `void_at` are the closes of the bars that told it. `center_id` is the center that
    the type's rule looks at: null for types without one, and for what was withdrawn.
    """

    id: str
    symbol: str
    level: Level
    type: PointType
    subtype: str
    price: FiniteFloat
    time: str
    confirmed: bool
    state: State
    first_seen: str
    confirmed_at: str | None
    void_at: str | None
    center_id: str | None
    stats: PointStats


class PointsFound(OverBars):
    """Points, newest first. `scanned` counts the symbols that had bars."""

    points: list[PointRow]
    scanned: int
    next_cursor: str | None
    known_at: str
    stale_ms: int | None


@dataclass(frozen=True, slots=True)
class _Found:
    """A point of a symbol, with the id of its center."""

    symbol: str
    point: Point
    center_id: str | None

    @property
    def newest_first(self) -> tuple[int, str, str, int]:
        return -self.point.at_ms, self.symbol, self.point.of, POINT_TYPES.index(self.point.type)


def point_type(point: Point) -> PointType:
    """Return the word a point is asked for by: its side and the first sign of the engine's type."""
    return cast("PointType", point.side + point.type[0])


def point_row(services: Services, symbol: str, level: Level, point: Point, center_id: str | None) -> PointRow:
    """Return a point as answers show it."""
    return PointRow(
        id=f"{symbol}:{level}:{point.side}:{point.subtype}:{time_of_ms(point.at_ms)}",
        symbol=symbol,
        level=level,
        type=point_type(point),
        subtype=point.subtype,
        price=point.price,
        time=time_of_ms(point.at_ms),
        confirmed=point.state == "confirmed",
        state=point.state,
        first_seen=time_of_ms(point.first_seen_ms),
        confirmed_at=None if point.confirmed_ms is None else time_of_ms(point.confirmed_ms),
        void_at=None if point.void_ms is None else time_of_ms(point.void_ms),
        center_id=center_id,
        stats=_stats(services, symbol, level, point),
    )


def _stats(services: Services, symbol: str, level: Level, point: Point) -> PointStats:
    cell = services.certificates.cell(symbol, level, of=point.of, point_type=point.type, side=point.side, preset=PRESET)
    if cell is None:
        return PointStats(n=None, hit_rate=None, ci_low=None, ci_high=None, retract_rate=None, lag_bars_p50=None)
    entries = cell["from_confirmed" if point.state == "confirmed" else "from_first_seen"]
    survival = cell["permanence"]["survival"]
    return PointStats(
        n=entries["n"],
        hit_rate=entries["hit_rate"],
        ci_low=entries["hit_low"],
        ci_high=entries["hit_high"],
        retract_rate=None if survival is None else round(1 - survival, 6),
        lag_bars_p50=cell["permanence"]["lag_p50_bars"],
    )


async def query_buy_sell_points(asked: Asked[QueryPoints]) -> PointsFound:
    """Return a page of the points that were known at `as_of`, newest first, and the cursor to older ones."""
    args, services = asked.args, asked.services
    at_ms, offset = None if args.as_of is None else args.as_of // NS_PER_MS, 0
    if args.cursor is not None:
        at_ms, offset = _read_cursor(args.cursor, args)
    found: list[_Found] = []
    newest: list[Bar] = []
    scanned = 0
    for symbol in await _symbols(services, args):
        bars = await _bars(services, args, symbol, at_ms)
        if not bars:
            continue
        scanned += 1
        if not newest or bars[-1].close_ms > newest[-1].close_ms:
            newest = bars[-1:]
        found += await _in_thread(partial(_matching, services, args, symbol, bars))
    found.sort(key=lambda each: each.newest_first)
    page, more = found[offset : offset + args.limit], offset + args.limit < len(found)
    known_at_ms = known_ms(newest, services.clock, as_of_ms=at_ms)
    return PointsFound(
        points=await _in_thread(partial(_rows, services, args.level, page)),
        scanned=scanned,
        next_cursor=_make_cursor(known_at_ms, offset + args.limit, args) if more else None,
        known_at=time_of_ms(known_at_ms),
        stale_ms=stale_ms(newest, services.clock),
    ).over(newest[-1] if newest else None)


async def _symbols(services: Services, args: QueryPoints) -> list[str]:
    return [args.symbol] if args.symbol else await _in_thread(partial(known_symbols, services.klines))


async def _bars(services: Services, args: QueryPoints, symbol: str, at_ms: int | None) -> list[Bar]:
    """Return the bars to read; of the whole market, symbols without bars of the level have none."""
    read = partial(bars_known, services.klines, symbol, args.level, as_of_ms=at_ms, limit=services.structure_bars)
    try:
        return await read()
    except Declined as fault:
        if args.symbol or fault.code != "not_found":
            raise
        return []


async def _in_thread(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


def _matching(services: Services, args: QueryPoints, symbol: str, bars: Sequence[Bar]) -> list[_Found]:
    structure = Structure(services.chan_columns(bars), bars)
    found = []
    for point in structure.points:
        if args.type and point_type(point) not in args.type:
            continue
        if args.state not in (point.state, "any") or (args.since is not None and point.at_ms * NS_PER_MS < args.since):
            continue
        center = structure.center_of(point)
        found.append(_Found(symbol, point, center.ref if center else None))
    return found


def _rows(services: Services, level: Level, page: Sequence[_Found]) -> list[PointRow]:
    return [point_row(services, each.symbol, level, each.point, each.center_id) for each in page]


def _make_cursor(known_at_ms: int, offset: int, args: QueryPoints) -> str:
    """Return the opaque cursor of the points after the first `offset`, as they were known at `known_at_ms`."""
    text = f"points:{known_at_ms}:{offset}:{_digest_of(args)}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str, args: QueryPoints) -> tuple[int, int]:
    """Return what `_make_cursor` put in. Raises Declined for anything else, and for a cursor of another call."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise Declined(
            "invalid_argument", "cursor is none of ours", field="cursor", suggestion="pass next_cursor as it is"
        )
    if match[3] != _digest_of(args):
        raise Declined("invalid_argument", "cursor belongs to a call with other arguments", field="cursor")
    return int(match[1]), int(match[2])


def _digest_of(args: QueryPoints) -> str:
    """Return 8 hex characters of what the arguments ask for, whatever the size of the page."""
    asked = compact_json(args.model_dump(mode="json", exclude={"limit", "cursor"}))
    return hashlib.sha256(asked.encode()).hexdigest()[:8]


def _digest(found: PointsFound) -> Digest:
    columns = ("symbol", "level", "type", "subtype", "price", "time", "state", "first_seen", "confirmed_at")
    return Digest(
        f"{len(found.points)} points, newest first; {found.scanned} symbols scanned",
        columns,
        tuple(tuple(getattr(row, name) for name in columns) for row in found.points[:5]),
        found.next_cursor,
    )


QUERY_BUY_SELL_POINTS = Operation(
    name="query_buy_sell_points",
    title="Buy/sell points",
    doc_en="Buy/sell points (买卖点). Omit symbol to scan the market. Carries state and measured hit rate.",
    doc_zh="查询买卖点；不给 symbol 则扫描全市场。附状态与实测胜率。",
    scope="analysis:read",
    plans=frozenset({"free", "pro", "developer", "enterprise"}),
    charges={"bsp_query": 1, "api_call": 1},
    costs_of=lambda args: {"bsp_query": 1, "api_call": 1 if args.symbol is not None else _MARKET_CALLS},
    rate_class="read",
    input=QueryPoints,
    output=PointsFound,
    hints=Hints(read_only=True),
    timeout_s=20,
    path="/analysis/points",
    handler=query_buy_sell_points,
    kept_for=lambda args: args.symbol,
    digest=_digest,
)
