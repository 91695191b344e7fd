"""Operations on market data."""

from __future__ import annotations

from pydantic import FiniteFloat

from chanflow.domain.market_data import Bar
from chanflow.domain.time import NS_PER_MS
from chanflow.operations.answer_cache import OverBars
from chanflow.operations.bars import known_ms, read_bars, stale_ms
from chanflow.operations.fields import (
    Adjust,
    Cursor,
    Level,
    Limit10000,
    Symbol,
    TimeNs,
    make_cursor,
    read_cursor,
    time_of_ms,
)
from chanflow.operations.operation import Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined

COLUMNS = ("time", "open", "high", "low", "close", "volume", "amount")


_BARS_A_CALL = 1_000
"""So many bars cost one call of the API."""


class GetKlines(Arguments):
    """Which bars: the newest before `end`, or the first from `start` on. `fill` makes bars of empty intervals too."""

    symbol: Symbol
    level: Level = "30m"
    start: TimeNs | None = None
    end: TimeNs | None = None
    limit: Limit10000 = 200
    cursor: Cursor | None = None
    fill: bool = False
    adjust: Adjust = "none"


class Klines(OverBars):
    """Closed bars in ascending order. `last_closed` is when the last row closed; volume in base, amount in quote."""

    symbol: str
    level: Level
    columns: tuple[str, ...]
    rows: list[tuple[str, FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]]
    last_closed: str | None
    next_cursor: str | None
    known_at: str
    stale_ms: int | None


async def get_klines(asked: Asked[GetKlines]) -> Klines:
    """Return a page of closed bars that open in [start, end), and the cursor to the next in the same direction."""
    args, services = asked.args, asked.services
    start_ms, end_ms = _ceil_ms(args.start), _ceil_ms(args.end)
    if start_ms is not None and end_ms is not None and end_ms <= start_ms:
        raise Declined("invalid_argument", "end must be after start", field="end")
    forward = start_ms is not None
    if args.cursor is not None:
        side, at_ms = read_cursor(args.cursor)
        if (side == "from") is not forward:
            raise Declined("invalid_argument", "cursor belongs to a call with other arguments", field="cursor")
        start_ms, end_ms = (at_ms, end_ms) if forward else (None, at_ms)
    bars = await read_bars(
        services.klines, args.symbol, args.level, start_ms=start_ms, end_ms=end_ms, limit=args.limit + 1,
        fill=args.fill, adjust=args.adjust,
    )  # fmt: skip
    page, next_cursor = _page(bars, args.limit, forward=forward)
    return Klines(
        symbol=args.symbol,
        level=args.level,
        columns=COLUMNS,
        rows=[(time_of_ms(b.ts_ms), b.open, b.high, b.low, b.close, b.volume, b.amount) for b in page],
        last_closed=time_of_ms(page[-1].close_ms) if page else None,
        next_cursor=next_cursor,
        known_at=time_of_ms(known_ms(page, services.clock)),
        stale_ms=stale_ms(page, services.clock),
    ).over(page[-1] if page else None)


def _page(bars: list[Bar], limit: int, *, forward: bool) -> tuple[list[Bar], str | None]:
    if len(bars) <= limit:
        return bars, None
    if forward:
        return bars[:limit], make_cursor("from", bars[limit].ts_ms)
    page = bars[-limit:]
    return page, make_cursor("before", page[0].ts_ms)


def _ceil_ms(at_ns: int | None) -> int | None:
    return None if at_ns is None else -(-at_ns // NS_PER_MS)


def _digest(klines: Klines) -> Digest:
    count = len(klines.rows)
    span = f", {klines.rows[0][0]} to {klines.rows[-1][0]}, last close {klines.rows[-1][4]}" if count else ""
    return Digest(
        f"{klines.symbol} {klines.level}: {count} bars{span}", COLUMNS, tuple(klines.rows[-5:]), klines.next_cursor
    )


GET_KLINES = Operation(
    name="get_klines",
    title="Klines",
    doc_en="Closed bars (K线) of a symbol, newest by default; give start to read forward.",
    doc_zh="读取已收盘的K线，默认最新；给出 start 则向后翻页。",
    scope="market:read",
    plans=frozenset({"free", "pro", "developer", "enterprise"}),
    charges={"api_call": 1},
    costs_of=lambda args: {"api_call": -(-args.limit // _BARS_A_CALL)},
    rate_class="read",
    input=GetKlines,
    output=Klines,
    hints=Hints(read_only=True),
    timeout_s=10,
    path="/market/klines",
    handler=get_klines,
    kept_for=lambda args: args.symbol,
    digest=_digest,
)
