"""The data feed: what is newest of a symbol, and slices of what was recorded, in one order, page by page.

Published rows come from the lake, those not yet published from the memory of whoever writes them, in one schema. The
quality gate judged each row before it was written (`dq_ok`, `dq_codes`); the feed hands its answer on, and adds what
only a reader can see: that there is nothing (`no_data`), or nothing new (`stale`).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from chanflow.domain.errors import InvalidArgument, NotFound
from chanflow.domain.time import NS_PER_MS, Clock
from chanflow.market.ports import SliceSource, Tail
from chanflow.market.quality import CROSSED, NO_DATA, STALE, STALE_MS

PAGE_ROWS = 100_000
MAX_SYMBOLS = 200
ROW_KINDS = ("trade", "book_ticker", "agg_trade", "book", "mark", "liquidation", "kline", "gap")
_KEY = ("ts_ms", "known_ns", "seq_last")

Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was lost: times in Unix ms, update ids where they are known."""

    symbol: str
    from_ms: int
    to_ms: int
    from_u: int | None
    to_u: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Rows or bars in order, the gaps that lie among them, and the cursor to the next page, None at the end."""

    rows: pl.DataFrame
    gaps: tuple[Gap, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest of one symbol. Ages are ms from when a value was known to now; null is not known."""

    symbol: str
    quote: Mapping[str, Any] | None
    trade: Mapping[str, Any] | None
    mark: Mapping[str, Any] | None
    book: Mapping[str, Any] | None
    known_ns: int | None
    age_ms: int | None
    dq_ok: bool
    dq_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SliceQuery:
    """What a slice is of: half-open [start_ms, end_ms), rows of `kinds`, or bars when there is an `interval`."""

    symbols: tuple[str, ...]
    start_ms: int
    end_ms: int
    kinds: tuple[str, ...] | None = None
    interval: str | None = None
    columns: tuple[str, ...] | None = None
    fill: bool = False
    adjust: str = "none"

    def __post_init__(self) -> None:
        if not 1 <= len(self.symbols) <= MAX_SYMBOLS:
            raise InvalidArgument(f"{len(self.symbols)} symbols, allowed are 1 to {MAX_SYMBOLS}", field="symbols")
        if self.end_ms <= self.start_ms:
            raise InvalidArgument(f"end_ts {self.end_ms} must be after start_ts {self.start_ms}", field="end_ts")
        if self.columns is not None and not self.columns:
            raise InvalidArgument("columns is empty: name one, or leave it out", field="columns")
        unknown = next((kind for kind in self.kinds or () if kind not in ROW_KINDS), None)
        if unknown is not None:
            raise InvalidArgument(f"kind {unknown[:32]!r} is none of {', '.join(ROW_KINDS)}", field="kinds")
        if self.interval is not None and self.kinds is not None:
            raise InvalidArgument("kinds goes with rows, interval with bars: give one of them", field="kinds")
        if self.interval is None and (self.fill or self.adjust != "none"):
            raise InvalidArgument("fill and adjust are for bars: give an interval", field="interval")


class Feed:
    """Answers from several sources, the first that knows a symbol, and from the tails of their writers.

    Safe to share between threads, as far as sources and tails are.
    """

    def __init__(self, sources: Sequence[SliceSource], clock: Clock, *, tails: Sequence[Tail] = ()) -> None:
        self._sources = tuple(sources)
        self._clock = clock
        self._tails = tuple(tails)

    def symbols(self) -> list[str]:
        """Return the symbols that any source has, sorted."""
        return sorted({symbol for source in self._sources for symbol in source.symbols()})

    def live_snapshot(self, symbols: Sequence[str]) -> list[Snapshot]:
        """Return the newest of each symbol, in the order asked. One without data is there and says `no_data`."""
        if not 1 <= len(symbols) <= MAX_SYMBOLS:
            raise InvalidArgument(f"{len(symbols)} symbols, allowed are 1 to {MAX_SYMBOLS}", field="symbols")
        now_ns = self._clock.now_ns()
        return [self._snapshot(symbol, now_ns) for symbol in symbols]

    def historical_slice(self, query: SliceQuery, *, limit: int | None = None, cursor: str | None = None) -> Page:
        """Return a page of at most `limit` rows or bars from `cursor` on. Raises InvalidArgument, NotFound."""
        wanted = PAGE_ROWS if limit is None else limit
        if not 1 <= wanted <= PAGE_ROWS:
            raise InvalidArgument(f"limit is {wanted}, allowed is 1 to {PAGE_ROWS}", field="limit")
        pages = self.pages(query, page_rows=wanted, cursor=cursor)
        return next(pages)

    def pages(self, query: SliceQuery, *, page_rows: int = PAGE_ROWS, cursor: str | None = None) -> Iterator[Page]:
        """Yield a slice page by page, at least one, without reading anything twice. Raises as `historical_slice`."""
        key, skip = _read_cursor(cursor, query)
        frames = self._bar_frames(query, key) if query.interval is not None else self._row_frames(query, key)
        gaps: list[Gap] = []
        held: pl.DataFrame | None = None
        given, last_key = 0, key
        for frame in frames:
            left = frame if key is None or given else _after(frame, key, skip)
            rows, found = _without_gaps(left, query)
            gaps += found
            held = rows if held is None else held.vstack(rows)
            while held.height > page_rows:
                page, held = held[:page_rows], held[page_rows:]
                last_key, skip = _last_key(page, last_key, skip)
                until_ms = last_key[0]
                told, gaps = [gap for gap in gaps if gap.from_ms <= until_ms], [g for g in gaps if g.to_ms > until_ms]
                given += page.height
                yield Page(_shown(page, query), tuple(told), _cursor(last_key, skip, query))
        if held is None:
            held = _no_rows(query)
        yield Page(_shown(held, query), tuple(gaps), None)

    def _row_frames(self, query: SliceQuery, key: Key | None) -> Iterator[pl.DataFrame]:
        start_ms = query.start_ms if key is None else max(query.start_ms, key[0])
        by_source: dict[int, list[str]] = {}
        for symbol in query.symbols:
            by_source.setdefault(self._source_of(symbol), []).append(symbol)
        # The tails are read first: what is published in between is then seen twice, and told once, never missed.
        tails = {symbol: rows for symbol in query.symbols if (rows := self._tail(symbol)) is not None}
        streams = [
            self._sources[at].frames(
                symbols, start_ms, query.end_ms, kinds=query.kinds, columns=query.columns,
                tails={symbol: tails[symbol] for symbol in symbols if symbol in tails},
            )
            for at, symbols in sorted(by_source.items())
        ]  # fmt: skip
        return streams[0] if len(streams) == 1 else _merged(streams)

    def _bar_frames(self, query: SliceQuery, key: Key | None) -> Iterator[pl.DataFrame]:
        assert query.interval is not None
        start_ms = query.start_ms if key is None else max(query.start_ms, key[0])
        frames = [
            self._sources[self._source_of(symbol)]
            .bars(
                symbol, query.interval, start_ms=start_ms, end_ms=query.end_ms, limit=PAGE_ROWS + 1,
                fill=query.fill, adjust=query.adjust,
            )
            .with_columns(pl.lit(symbol).alias("symbol"))
            for symbol in query.symbols
        ]  # fmt: skip
        # A symbol cut at its limit hides what comes after its last bar, of the others too.
        full = [int(frame["ts_ms"].max()) for frame in frames if frame.height > PAGE_ROWS]  # type: ignore[arg-type]
        both = pl.concat(frames)
        if full:
            both = both.filter(pl.col("ts_ms") <= min(full))
        rows = both.with_columns(
            (pl.col("close_ms") * NS_PER_MS).alias("known_ns"), pl.col("ts_ms").alias("seq_last")
        ).sort("ts_ms", "known_ns", "symbol", maintain_order=True)
        yield rows
        while full:
            again = SliceQuery(
                query.symbols, min(full) + 1, query.end_ms, interval=query.interval, fill=query.fill,
                adjust=query.adjust,
            )  # fmt: skip
            if again.start_ms >= again.end_ms:
                return
            yield from self._bar_frames(again, None)
            return

    def _source_of(self, symbol: str) -> int:
        for at, source in enumerate(self._sources):
            if source.has(symbol):
                return at
        if self._sources and self._tail(symbol) is not None:
            return 0
        known = ", ".join(self.symbols()[:10]) or "none"
        raise NotFound(f"there is no data of {symbol[:32]!r}; known are {known}")

    def _tail(self, symbol: str) -> pl.DataFrame | None:
        return next((rows for tail in self._tails if (rows := tail.tail(symbol)) is not None), None)

    def _snapshot(self, symbol: str, now_ns: int) -> Snapshot:
        found = dict(next((held for source in self._sources if (held := source.newest(symbol)) is not None), {}))
        for tail in self._tails:
            for kind, value in (tail.live(symbol) or {}).items():
                if kind not in found or value["known_ns"] >= found[kind]["known_ns"]:
                    found[kind] = value
        return snapshot_of(symbol, found, now_ns)


def snapshot_of(symbol: str, found: Mapping[str, Mapping[str, Any]], now_ns: int) -> Snapshot:
    """Return the snapshot that the newest of each kind make at `now_ns`."""
    codes: list[str] = []
    aged = {kind: {**value, "age_ms": max(now_ns - value["known_ns"], 0) // NS_PER_MS} for kind, value in found.items()}
    quote = aged.get("quote")
    if not aged:
        codes.append(NO_DATA)
    for value in aged.values():
        codes += [code for code in value.get("dq_codes", ()) if code not in codes]
    if quote is not None:
        if not quote["bid"] < quote["ask"] and CROSSED not in codes:
            codes.append(CROSSED)
        if quote["age_ms"] > STALE_MS and STALE not in codes:
            codes.append(STALE)
    known_ns = max((value["known_ns"] for value in aged.values()), default=None)
    age_ms = None if known_ns is None else max(now_ns - known_ns, 0) // NS_PER_MS
    return Snapshot(
        symbol, quote, aged.get("trade"), aged.get("mark"), aged.get("book"), known_ns, age_ms, not codes, tuple(codes)
    )


def _merged(streams: Sequence[Iterator[pl.DataFrame]]) -> Iterator[pl.DataFrame]:
    """Yield the rows of several ordered streams in one order."""
    heads = [(next(stream, None), stream) for stream in streams]
    while live := [(head, stream) for head, stream in heads if head is not None]:
        until_ms = min(int(head["ts_ms"][-1]) for head, _ in live)
        ready = [head.filter(pl.col("ts_ms") <= until_ms) for head, _ in live]
        yield pl.concat(ready).sort(list(_KEY), nulls_last=False, maintain_order=True)
        heads = [_rest(head, stream, until_ms) for head, stream in live]


def _rest(
    head: pl.DataFrame, stream: Iterator[pl.DataFrame], until_ms: int
) -> tuple[pl.DataFrame | None, Iterator[pl.DataFrame]]:
    left = head.filter(pl.col("ts_ms") > until_ms)
    while left.height == 0:
        following = next(stream, None)
        if following is None:
            return None, stream
        left = following
    return left, stream


def _without_gaps(frame: pl.DataFrame, query: SliceQuery) -> tuple[pl.DataFrame, list[Gap]]:
    """Return the rows asked for, and the gaps among them."""
    if query.interval is not None:
        return frame, []
    is_gap = frame["kind"] == "gap"
    if not is_gap.any():
        return frame, []
    told = frame.filter(is_gap).select("symbol", "event_ms", "ts_ms", "seq_first", "seq_last").rows()
    gaps = [Gap(name, to_ms if from_ms is None else from_ms, to_ms, *ids) for name, from_ms, to_ms, *ids in told]
    keep = query.kinds is None or "gap" in query.kinds
    return frame if keep else frame.filter(pl.col("kind") != "gap"), gaps


def _shown(rows: pl.DataFrame, query: SliceQuery) -> pl.DataFrame:
    return rows if query.columns is None else rows.select([name for name in query.columns if name in rows.columns])


def _no_rows(query: SliceQuery) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys(query.columns or _KEY, pl.Null))


def _last_key(page: pl.DataFrame, before: Key | None, skip: int) -> tuple[Key, int]:
    """Return the key of a page's last row, and how many rows of that key were given so far."""
    keys = page.select(_KEY).fill_null(-1)
    last: Key = keys.row(-1)
    same = 0
    for at in range(keys.height - 1, -1, -1):
        if keys.row(at) != last:
            break
        same += 1
    return last, same + (skip if same == keys.height and last == before else 0)


def _after(frame: pl.DataFrame, key: Key, skip: int) -> pl.DataFrame:
    """Return the rows after the first `skip` rows of `key`."""
    ts, known, seq = (pl.col(name).fill_null(-1) for name in _KEY)
    before = (ts < key[0]) | ((ts == key[0]) & ((known < key[1]) | ((known == key[1]) & (seq < key[2]))))
    left = frame.filter(~before)
    ties = left.filter((ts == key[0]) & (known == key[1]) & (seq == key[2])).height
    return left[min(skip, ties) :]


def _mark(query: SliceQuery) -> str:
    """Return what binds a cursor to the slice it was made for."""
    text = json.dumps([sorted(query.symbols), query.end_ms, query.kinds, query.interval, query.fill, query.adjust])
    return f"{binascii.crc32(text.encode()):08x}"


def _cursor(key: Key, skip: int, query: SliceQuery) -> str:
    return base64.urlsafe_b64encode(json.dumps([*key, skip, _mark(query)]).encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None, query: SliceQuery) -> tuple[Key | None, int]:
    if cursor is None:
        return None, 0
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor[:256] + "=" * (-len(cursor[:256]) % 4)))
        ts, known, seq, skip, mark = found
        whole = all(type(value) is int and abs(value) < 1 << 63 for value in (ts, known, seq, skip))
    except (binascii.Error, ValueError, TypeError):
        whole, mark = False, None
    if not whole:
        raise InvalidArgument("cursor is none of ours: pass next_cursor as it is", field="cursor")
    if mark != _mark(query):
        raise InvalidArgument("cursor belongs to a slice with other arguments", field="cursor")
    return (ts, known, seq), skip
