"""Operations on the data feed: what is newest, and slices of what was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

import anyio.to_thread
from pydantic import BeforeValidator, Field, FiniteFloat, StringConstraints

from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.time import NS_PER_MS
from chanflow.market.feed import PAGE_ROWS, Page, SliceQuery, Snapshot
from chanflow.operations.fields import Adjust, Symbol, time_of_ms, whole
from chanflow.operations.operation import Answer, Arguments, Asked, Digest, Hints, Operation
from chanflow.operations.outcome import Declined
from chanflow.operations.principal import Door

DOORS: frozenset[Door] = frozenset({"cli", "rest", "ws"})
"""Not among the tools of an agent: their answers are for programs."""

Kind = Literal["trade", "agg_trade", "book_ticker", "book", "mark", "liquidation", "kline", "gap"]
Interval = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,4}[smhdwM]$")]
ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,31}$")]
UnixMs = Annotated[int, Field(ge=0, le=253_402_300_799_999), BeforeValidator(whole)]
PageLimit = Annotated[int, Field(ge=1, le=PAGE_ROWS), BeforeValidator(whole)]
PageCursor = Annotated[str, StringConstraints(max_length=256)]

_SENTENCES = {
    "cursor": "cursor belongs to a call with other arguments, or is none of ours",
    "columns": "a column is unknown; leave columns out to see all",
    "kinds": "kinds goes with rows, interval with bars: give one of them",
    "interval": "fill and adjust are for bars: give an interval",
    "level": "the symbol's calendar has no bars of this interval",
    "end_ts": "end_ts must be after start_ts",
}


class GetLiveSnapshot(Arguments):
    """Of which symbols."""

    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=200)]


class QuoteNow(Answer):
    """The best quotes."""

    bid: FiniteFloat
    ask: FiniteFloat
    bid_qty: FiniteFloat | None
    ask_qty: FiniteFloat | None
    event_ms: int
    known_ns: int
    age_ms: int


class TradeNow(Answer):
    """The last trade; `side` is the taker's."""

    price: FiniteFloat
    qty: FiniteFloat | None
    side: str | None
    event_ms: int
    known_ns: int
    age_ms: int


class MarkNow(Answer):
    """The mark price."""

    price: FiniteFloat
    event_ms: int
    known_ns: int
    age_ms: int


class BookNow(Answer):
    """The state of the book."""

    state: str
    event_ms: int
    known_ns: int
    age_ms: int


class SnapshotRow(Answer):
    """One symbol. `age_ms` counts from when a value was known; without data `dq_codes` says no_data."""

    symbol: str
    quote: QuoteNow | None
    trade: TradeNow | None
    mark: MarkNow | None
    book: BookNow | None
    known_ns: int | None
    age_ms: int | None
    dq_ok: bool
    dq_codes: list[str]


class LiveSnapshot(Answer):
    """One row a symbol, in the order asked."""

    rows: list[SnapshotRow]
    known_at: str


class GetHistoricalSlice(Arguments):
    """Rows of `kinds`, or bars of `interval`, in [start_ts, end_ts), Unix ms."""

    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=200)]
    start_ts: UnixMs
    end_ts: UnixMs
    kinds: list[Kind] | None = None
    interval: Interval | None = None
    columns: Annotated[list[ColumnName], Field(min_length=1, max_length=64)] | None = None
    limit: PageLimit | None = None
    cursor: PageCursor | None = None
    fill: bool = False
    adjust: Adjust = "none"


class GapRow(Answer):
    """Something that was lost, times in Unix ms."""

    symbol: str
    from_ms: int
    to_ms: int
    from_u: int | None
    to_u: int | None


class HistoricalSlice(Answer):
    """A page by (ts_ms, known_ns, seq_last), and the gaps that it covers."""

    columns: list[str]
    rows: list[list[Any]]
    gaps: list[GapRow]
    next_cursor: str | None
    known_at: str


async def get_live_snapshot(asked: Asked[GetLiveSnapshot]) -> LiveSnapshot:
    """Return the newest quote, trade, mark and book of each symbol."""
    found = await anyio.to_thread.run_sync(partial(asked.services.feed.live_snapshot, asked.args.symbols))
    now_ms = asked.services.clock.now_ns() // NS_PER_MS
    return LiveSnapshot(rows=[snapshot_row(each) for each in found], known_at=time_of_ms(now_ms))


def snapshot_row(found: Snapshot) -> SnapshotRow:
    """Return a snapshot as the doors show it."""
    return SnapshotRow(
        symbol=found.symbol,
        quote=None if found.quote is None else QuoteNow(**_only(found.quote, QuoteNow)),
        trade=None if found.trade is None else TradeNow(**_only(found.trade, TradeNow)),
        mark=None if found.mark is None else MarkNow(**_only(found.mark, MarkNow)),
        book=None if found.book is None else BookNow(**_only(found.book, BookNow)),
        known_ns=found.known_ns,
        age_ms=found.age_ms,
        dq_ok=found.dq_ok,
        dq_codes=list(found.dq_codes),
    )


def _only(value: Mapping[str, Any], model: type[Answer]) -> dict[str, Any]:
    return {name: value.get(name) for name in model.model_fields}


async def get_historical_slice(asked: Asked[GetHistoricalSlice]) -> HistoricalSlice:
    """Return a page of a slice."""
    args = asked.args
    try:
        query = slice_query(args)
        read = partial(asked.services.feed.historical_slice, query, limit=args.limit, cursor=args.cursor)
        page = await anyio.to_thread.run_sync(read, abandon_on_cancel=True)
        return await anyio.to_thread.run_sync(
            partial(slice_page, page, known_ms=asked.services.clock.now_ns() // NS_PER_MS), abandon_on_cancel=True
        )
    except InvalidArgument as fault:
        sentence = _SENTENCES.get(fault.field or "", "an argument is outside its bounds")
        raise Declined("invalid_argument", sentence, field=fault.field) from fault
    except NotFound as fault:
        raise Declined("not_found", "there is no such data of one of the symbols", field="symbols") from fault


def slice_query(args: GetHistoricalSlice) -> SliceQuery:
    """Return what the arguments ask for. Raises InvalidArgument."""
    return SliceQuery(
        symbols=tuple(dict.fromkeys(args.symbols)),
        start_ms=args.start_ts,
        end_ms=args.end_ts,
        kinds=None if args.kinds is None else tuple(args.kinds),
        interval=args.interval,
        columns=None if args.columns is None else tuple(args.columns),
        fill=args.fill,
        adjust=args.adjust,
    )


def slice_page(page: Page, *, known_ms: int) -> HistoricalSlice:
    """Return a page as the doors show it."""
    return HistoricalSlice(
        columns=page.rows.columns,
        rows=[list(row) for row in page.rows.rows()],
        gaps=[
            GapRow(symbol=gap.symbol, from_ms=gap.from_ms, to_ms=gap.to_ms, from_u=gap.from_u, to_u=gap.to_u)
            for gap in page.gaps
        ],
        next_cursor=page.next_cursor,
        known_at=time_of_ms(known_ms),
    )


def _snapshot_digest(found: LiveSnapshot) -> Digest:
    rows = tuple((row.symbol, row.trade and row.trade.price, row.age_ms, row.dq_ok) for row in found.rows[-5:])
    return Digest(f"{len(found.rows)} symbols at {found.known_at}", ("symbol", "last", "age_ms", "dq_ok"), rows)


def _slice_digest(page: HistoricalSlice) -> Digest:
    line = f"{len(page.rows)} rows, {len(page.gaps)} gaps"
    return Digest(line, tuple(page.columns), tuple(tuple(row) for row in page.rows[-5:]), page.next_cursor)


_EVERYONE = frozenset({"free", "pro", "developer", "enterprise"})

GET_LIVE_SNAPSHOT = Operation(
    name="get_live_snapshot",
    title="Live snapshot",
    doc_en="Newest quote, trade, mark and book state of each symbol, with ages and data quality (数据质量).",
    doc_zh="每个标的最新的报价、成交、标记价与盘口状态，附时效与数据质量。",
    scope="market:read",
    plans=_EVERYONE,
    charges={"api_call": 1},
    rate_class="read",
    input=GetLiveSnapshot,
    output=LiveSnapshot,
    hints=Hints(read_only=True),
    timeout_s=5,
    path="/market/snapshot",
    handler=get_live_snapshot,
    digest=_snapshot_digest,
    doors=DOORS,
)

GET_HISTORICAL_SLICE = Operation(
    name="get_historical_slice",
    title="Historical slice",
    doc_en="Recorded rows, or bars of an interval, in [start_ts, end_ts) Unix ms, page by page, with the gaps.",
    doc_zh="读取 [start_ts, end_ts)（Unix 毫秒）内的原始行或K线，分页，并列出缺口。",
    scope="market:read",
    plans=_EVERYONE,
    charges={"api_call": 1},
    rate_class="read",
    input=GetHistoricalSlice,
    output=HistoricalSlice,
    hints=Hints(read_only=True),
    timeout_s=30,
    path="/market/slice",
    handler=get_historical_slice,
    digest=_slice_digest,
    doors=DOORS,
)
