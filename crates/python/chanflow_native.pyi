"""Signatures of the compiled core. A test compares them with the module."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

__version__: str
__source_digest__: str
"""SHA-256 of the Rust sources this module was built from, hex."""

# batches

def join_batches(batches: Sequence[EventBatch]) -> EventBatch:
    """Return the events of all batches in order, as one batch; the decimals are the last one's.

    Raises ValueError for no batch, or when batches with events differ in decimals.
    """

# events

def batch_events(batch: EventBatch) -> list[tuple[Any, ...]]:
    """Return the events as tuples: kind, event_ms, known_ns, then the kind's own fields in integers.

    quote: update_id, bid, bid_qty, ask, ask_qty · trade: trade_id, price, qty, buyer_is_maker, is_market · depth:
    first_id, final_id, prev_final_id, bids, asks · snapshot, book: id, bids, asks · reset. Levels are (price, qty).
    """

def batch_of_events(events: Sequence[tuple[Any, ...]], price_decimals: int, qty_decimals: int) -> EventBatch:
    """Return a batch of events given as `batch_events` gives them; raise ValueError for one that is none."""

def batch_columns(batch: EventBatch) -> tuple[tuple[NDArray[Any], ...], tuple[NDArray[Any], ...]]:
    """Return quotes and market trades as columns of integers, as `FlowEngine.run_arrays` takes them."""

@final
class RowEvents:
    """Turns unified rows of one symbol into events, batch after batch."""

    def __init__(self, price_decimals: int, qty_decimals: int) -> None: ...
    def take(self, rows: dict[str, Any], books: dict[str, NDArray[Any]] | None = None) -> EventBatch:
        """Return the events of the next rows, in order.

        `rows` has the columns of `RowCollector.take`, and `is_market` (0 where a trade does not count) where it is
        there; `is_maker` -1 means that the feed does not say, which Lee-Ready then judges. Of trades and aggregate
        trades the first kind to come is used. `books`, or `rows["books"]` as in `Intake.take`, has row (index),
        bid_price, bid_qty, ask_price and ask_qty of the rows of kind book, five entries a row, NaN where there are
        fewer. Raises ValueError for columns of different lengths and values that no such row has.
        """
    def save(self) -> bytes:
        """Return what one batch hands to the next."""
    def load(self, state: bytes) -> None:
        """Take up a saved state; raise ValueError when it is damaged."""

# lake

def row_ids(
    venue: str,
    symbol: str,
    kinds: list[str],
    kind: NDArray[np.uint8],
    seq_last: NDArray[np.int64],
    ts_ms: NDArray[np.int64],
) -> bytes:
    """Return 32 hex characters a row: the first 16 bytes of SHA-256 of `venue:symbol:kind:seq_last:ts_ms`.

    `kind` holds positions in `kinds`; a negative `seq_last` is absent and leaves its place empty. Raises ValueError
    when the columns differ in length or a kind has no name.
    """

# chan

@final
class StrokeEvent:
    """One change of one stroke, known after raw bar `bar`; the stroke as it is now, or as it was if void.

    `direction` is 1 or -1, times are Unix ms UTC, prices quote units.
    """

    @property
    def kind(self) -> Literal["new", "revised", "confirmed", "void"]: ...
    @property
    def index(self) -> int: ...
    @property
    def start_bar(self) -> int: ...
    @property
    def end_bar(self) -> int: ...
    @property
    def start_ts_ms(self) -> int: ...
    @property
    def end_ts_ms(self) -> int: ...
    @property
    def start_price(self) -> float: ...
    @property
    def end_price(self) -> float: ...
    @property
    def direction(self) -> int: ...
    @property
    def bar(self) -> int: ...
    def __init__(
        self,
        kind: Literal["new", "revised", "confirmed", "void"],
        index: int,
        start_bar: int,
        end_bar: int,
        start_ts_ms: int,
        end_ts_ms: int,
        start_price: float,
        end_price: float,
        direction: int,
        bar: int,
    ) -> None: ...
    __match_args__ = (
        "kind",
        "index",
        "start_bar",
        "end_bar",
        "start_ts_ms",
        "end_ts_ms",
        "start_price",
        "end_price",
        "direction",
        "bar",
    )

@final
class SegmentEvent:
    """One change of one segment of strokes, or of one super-segment of segments (`level` `segment`)."""

    @property
    def kind(self) -> Literal["new", "revised", "confirmed", "void"]: ...
    @property
    def level(self) -> Literal["stroke", "segment"]: ...
    @property
    def index(self) -> int: ...
    @property
    def start_element(self) -> int: ...
    @property
    def end_element(self) -> int: ...
    @property
    def start_bar(self) -> int: ...
    @property
    def end_bar(self) -> int: ...
    @property
    def start_ts_ms(self) -> int: ...
    @property
    def end_ts_ms(self) -> int: ...
    @property
    def start_price(self) -> float: ...
    @property
    def end_price(self) -> float: ...
    @property
    def direction(self) -> int: ...
    @property
    def bar(self) -> int: ...
    def __init__(
        self,
        kind: Literal["new", "revised", "confirmed", "void"],
        level: Literal["stroke", "segment"],
        index: int,
        start_element: int,
        end_element: int,
        start_bar: int,
        end_bar: int,
        start_ts_ms: int,
        end_ts_ms: int,
        start_price: float,
        end_price: float,
        direction: int,
        bar: int,
    ) -> None: ...
    __match_args__ = (
        "kind",
        "level",
        "index",
        "start_element",
        "end_element",
        "start_bar",
        "end_bar",
        "start_ts_ms",
        "end_ts_ms",
        "start_price",
        "end_price",
        "direction",
        "bar",
    )

@final
class CenterEvent:
    """One change of one center; `entry` and `exit` are None while there is none."""

    @property
    def kind(self) -> Literal["new", "revised", "confirmed", "void"]: ...
    @property
    def level(self) -> Literal["stroke", "segment"]: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def entry(self) -> int | None: ...
    @property
    def exit(self) -> int | None: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def peak_low(self) -> float: ...
    @property
    def peak_high(self) -> float: ...
    @property
    def start_ts_ms(self) -> int: ...
    @property
    def end_ts_ms(self) -> int: ...
    @property
    def grade(self) -> int: ...
    @property
    def bar(self) -> int: ...
    def __init__(
        self,
        kind: Literal["new", "revised", "confirmed", "void"],
        level: Literal["stroke", "segment"],
        start: int,
        end: int,
        entry: int | None,
        exit: int | None,
        low: float,
        high: float,
        peak_low: float,
        peak_high: float,
        start_ts_ms: int,
        end_ts_ms: int,
        grade: int,
        bar: int,
    ) -> None: ...
    __match_args__ = (
        "kind",
        "level",
        "start",
        "end",
        "entry",
        "exit",
        "low",
        "high",
        "peak_low",
        "peak_high",
        "start_ts_ms",
        "end_ts_ms",
        "grade",
        "bar",
    )

@final
class PointEvent:
    """One change of one type of point; `point_bar` is where it lies, `bar` the bar after which it is known.

    `divergence` is the force of the exit by that of the entry of a point 1 or 1p.
    """

    @property
    def kind(self) -> Literal["new", "revised", "confirmed", "void"]: ...
    @property
    def level(self) -> Literal["stroke", "segment"]: ...
    @property
    def element(self) -> int: ...
    @property
    def type(self) -> Literal["1", "1p", "2", "2s", "3a", "3b"]: ...
    @property
    def side(self) -> Literal["buy", "sell"]: ...
    @property
    def point_bar(self) -> int: ...
    @property
    def ts_ms(self) -> int: ...
    @property
    def price(self) -> float: ...
    @property
    def divergence(self) -> float | None: ...
    @property
    def bar(self) -> int: ...
    def __init__(
        self,
        kind: Literal["new", "revised", "confirmed", "void"],
        level: Literal["stroke", "segment"],
        element: int,
        type: Literal["1", "1p", "2", "2s", "3a", "3b"],
        side: Literal["buy", "sell"],
        point_bar: int,
        ts_ms: int,
        price: float,
        divergence: float | None,
        bar: int,
    ) -> None: ...
    __match_args__ = ("kind", "level", "element", "type", "side", "point_bar", "ts_ms", "price", "divergence", "bar")

class ResetEvent:
    """A reset, known after raw bar `bar`: void once `replace` takes back what brought it.

    `from_bar` is the last bar before a gap of `gap_ms`, or where the last stroke ended before an overdue one.
    """

    @property
    def kind(self) -> Literal["new", "revised", "confirmed", "void"]: ...
    @property
    def ts_ms(self) -> int: ...
    @property
    def reason(self) -> Literal["gap", "long_stroke"]: ...
    @property
    def from_bar(self) -> int: ...
    @property
    def from_ts_ms(self) -> int: ...
    @property
    def gap_ms(self) -> int | None: ...
    @property
    def bar(self) -> int: ...
    def __init__(
        self,
        kind: Literal["new", "revised", "confirmed", "void"],
        ts_ms: int,
        reason: Literal["gap", "long_stroke"],
        from_bar: int,
        from_ts_ms: int,
        gap_ms: int | None,
        bar: int,
    ) -> None: ...
    __match_args__ = ("kind", "ts_ms", "reason", "from_bar", "from_ts_ms", "gap_ms", "bar")

class ChanEngine:
    """Chan structure of a growing series of bars.

    `preset` is `default`, `chanpy`, `new_bi`, `totally`, `czsc6`, `czsc7` or `textbook`; `params` sets single
    parameters on top. An unknown preset, key or value raises ValueError, which names it and what is allowed. With
    `history` the lists also have first_seen_bar, confirmed_bar and void_bar (int64, -1 = not yet) and, at the end of
    each level, what was withdrawn.
    """

    def __init__(
        self,
        preset: str = "default",
        params: dict[str, str | bool | int | float | None] | None = None,
        history: bool = False,
        recorded: bool = False,
    ) -> None: ...
    def snapshot(self) -> bytes:
        """Return the parameters and the bars as bytes. Raises ValueError unless the engine was made `recorded`."""

    @staticmethod
    def restore(snapshot: bytes) -> ChanEngine:
        """Return the engine a snapshot was taken of; every bar is read again. Raises ValueError if it is damaged."""

    def push(
        self,
        ts_ms: int,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float | None = None,
        amount: float | None = None,
        market_ms: int | None = None,
    ) -> list[StrokeEvent | SegmentEvent | CenterEvent | PointEvent | ResetEvent]:
        """Read a bar and return what it changed. `market_ms` is `ts_ms` by the market's own clock, which never falls.

        Raises ValueError for a malformed bar, which it names, and for a missing volume or amount that a metric needs.
        """

    def extend(
        self,
        ts_ms: NDArray[np.int64],
        open: NDArray[np.float64],
        high: NDArray[np.float64],
        low: NDArray[np.float64],
        close: NDArray[np.float64],
        volume: NDArray[np.float64] | None = None,
        amount: NDArray[np.float64] | None = None,
        market_ms: NDArray[np.int64] | None = None,
    ) -> list[StrokeEvent | SegmentEvent | CenterEvent | PointEvent | ResetEvent]:
        """Read contiguous columns of one length, without the GIL, and return what each bar changed, in order.

        Raises ValueError as `push`, and for columns of different lengths: every bar is checked before the first is
        read, and the engine is then unchanged.
        """

    def replace(
        self,
        ts_ms: int,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float | None = None,
        amount: float | None = None,
        market_ms: int | None = None,
    ) -> list[StrokeEvent | SegmentEvent | CenterEvent | PointEvent | ResetEvent]:
        """Read a correction of the last bar and return the differences from what was shown with the old version.

        Raises ValueError as `push`, and if there is no bar.
        """

    def clone(self) -> ChanEngine:
        """Return an engine in the same state that goes its own way."""

    def strokes(self) -> dict[str, NDArray[Any]]:
        """Return the strokes shown after the last bar, one array per column.

        start_bar, end_bar, start_ts_ms, end_ts_ms int64, start_price, end_price float64, direction int8 (1 or -1),
        state uint8 (0 provisional, 1 confirmed, 2 void), first_seen_bar, confirmed_bar int64 (-1 = not confirmed).
        """

    def segments(self) -> dict[str, NDArray[Any]]:
        """Return the segments shown after the last bar, one array per column.

        The first eight columns of `strokes`, start_stroke and end_stroke int32.
        """

    def super_segments(self) -> dict[str, NDArray[Any]]:
        """Return the super-segments shown after the last bar, one array per column.

        The first eight columns of `strokes`, start_segment and end_segment int32.
        """

    def centers(self) -> dict[str, NDArray[Any]]:
        """Return the centers of both levels, one array per column.

        level uint8 (0 stroke, 1 segment), start_stroke, end_stroke, entry_stroke, exit_stroke int32 (-1 = none), low,
        high, peak_low, peak_high float64, start_ts_ms, end_ts_ms int64, grade uint8, state uint8.
        """

    def points(self) -> dict[str, NDArray[Any]]:
        """Return the points of both levels, one array per column.

        level uint8, element int32, bar, ts_ms int64, price float64, side int8 (1 buy, -1 sell), types uint8 (a bit per
        type, in the order 1, 1p, 2, 2s, 3a, 3b), state uint8, confirmed_types uint8, divergence float64 (NaN = none).
        """

    def trends(self) -> dict[str, NDArray[Any]]:
        """Return the trend types of both levels, one array per column.

        level uint8, kind uint8 (1 trend, 0 consolidation), direction int8, first_center, last_center, start_element,
        end_element int32.
        """

    def resets(self) -> list[tuple[int, int, Literal["gap", "long_stroke"], int, int, int | None]]:
        """Return where a guard ended what could not go on.

        bar, ts_ms, reason, from_bar, from_ts_ms and the milliseconds of a gap.
        """

    @property
    def merged(self) -> int:
        """How many merged bars the raw bars make."""

    @property
    def bars(self) -> int:
        """How many raw bars were read."""

def chan_analyze(
    ts_ms: NDArray[np.int64],
    open: NDArray[np.float64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    volume: NDArray[np.float64] | None = None,
    preset: str = "default",
    params: dict[str, str | bool | int | float | None] | None = None,
    amount: NDArray[np.float64] | None = None,
    history: bool = False,
    market_ms: NDArray[np.int64] | None = None,
) -> ChanEngine:
    """Read contiguous columns of one length, without the GIL, and return the engine after the last bar.

    With `history` the bars are pushed one by one. Raises ValueError as `ChanEngine` and `push`, and for columns of
    different lengths.
    """

# scan

def chan_scan(
    series: list[
        tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    ],
    preset: str = "default",
    params: dict[str, str | bool | int | float | None] | None = None,
    fresh_bars: int | None = None,
    threads: int = 1,
) -> dict[str, Any]:
    """Read every series (ts_ms, open, high, low, close) in threads, without the GIL, and return their points.

    Columns, one row an element with points: series (index), bars_ago, level (0 stroke, 1 segment), element, bar, ts_ms,
    price, side (1 buy, -1 sell), types and confirmed_types (a bit per type in the order 1 1p 2 2s 3a 3b), divergence
    (NaN = none); `fresh_bars` keeps those in so many last bars. `failed` lists (index, reason) of malformed series.
    Ctrl-C ends it within milliseconds. Raises ValueError for an unknown preset or setting and for columns that differ
    in length.
    """

# orderflow

@final
class EventBatch:
    """Events of one symbol in arrival order, made by `WireParser` or `SyntheticMarket` and opaque here."""

    price_decimals: int
    qty_decimals: int
    def __len__(self) -> int: ...
    @property
    def first_event_ns(self) -> int | None:
        """Venue time of the first event, Unix ns; None when empty."""
    @property
    def last_event_ns(self) -> int | None:
        """Highest venue time, Unix ns."""
    @property
    def last_known_ns(self) -> int | None:
        """Highest receive time, Unix ns."""
    @property
    def trade_low(self) -> float | None:
        """Lowest market trade price, quote units; None without a trade."""
    @property
    def trade_high(self) -> float | None:
        """Highest market trade price."""
    @property
    def last_price(self) -> float | None:
        """Last market trade price."""
    @property
    def bid(self) -> float | None:
        """Best bid of the last quote; None without one."""
    @property
    def ask(self) -> float | None:
        """Best ask of the last quote."""

@final
class WireParser:
    """Parse `<recv_ns> <json>` lines of one symbol on Binance (USD-M, COIN-M, spot) or Hyperliquid.

    Also cryptofeed's `<recv s>: <json>`. Lines that start with `#` are skipped. What comes before the first bookTicker
    (l2Book on Hyperliquid) waits, since its strings set the decimals. The first fault raises ValueError with line,
    value and bound, and every later call raises it again. A stream without times has the receive time on the venue's
    clock. Without `venue` the first telling frame decides; with it, another's frame is a fault.
    """

    def __init__(self, symbol: str | None = None, venue: str | None = None, *, skip_others: bool = False) -> None:
        """`skip_others` passes over frames of other symbols than `symbol`, for recordings of many; else they are faults."""
    def feed(self, data: bytes) -> None:
        """Append raw bytes and parse the lines they complete."""
    def finish(self) -> None:
        """Parse the last line; raise when it is cut short or no bookTicker came."""
    def take(self, until_ns: int | None = None) -> EventBatch:
        """Take events from the front, up to the first at which the running maximum of venue time is >= `until_ns`."""
    @property
    def symbol(self) -> str | None: ...
    @property
    def venue(self) -> str | None:
        """Venue shown by the frames so far: binance-usdm, binance-spot, binance-coinm or hyperliquid."""
    @property
    def price_decimals(self) -> int | None: ...
    @property
    def qty_decimals(self) -> int | None: ...
    @property
    def next_event_ns(self) -> int | None:
        """Venue time of the next event to be taken, Unix ns."""
    @property
    def lines(self) -> int:
        """Lines parsed so far."""

@final
class Intake:
    """Everything that a venue's frames become, for many symbols over several sockets. A bad frame raises nothing.

    One thread may feed while another asks: calls wait for one another, without the GIL.

    `venue` is binance-usdm, binance-spot, binance-coinm, hyperliquid or okx; `instruments` gives each symbol's decimals
    of price and quantity (spot's are widened, since its books hold quantities off the step). Raises ValueError for a setting outside its bounds, no symbol, or an unknown venue.
    """

    def __init__(
        self,
        venue: str,
        instruments: Mapping[str, tuple[int, int]],
        *,
        keep_levels: int | None = 1_000,
        book_layer: bool = False,
        max_buffered: int = 20_000,
        max_buffer_ms: int = 30_000,
    ) -> None: ...
    @property
    def symbols(self) -> list[str]:
        """The symbols, sorted, at the codes of the column `symbol`."""
    def feed(self, lines: bytes, socket: int = 0) -> None:
        """Take complete lines `<recv_ns> <frame>` of one socket; `#` lines are remarks.

        Each stream is led by one socket: what another repeats is dropped, and what it brings ahead waits for the leader
        up to 250 ms. REST snapshots come as frames, `{"stream": "btcusdt@depthSnapshot", "data": {...}}` or bare.
        """
    def close(self, socket: int) -> None:
        """End one of several sockets: the others carry its streams on, without a gap."""
    def reset(self, symbol: str | None = None) -> None:
        """Lose the books of all symbols or of one, since no socket carries them; `events` get a reset too."""
    def take(self) -> dict[str, Any]:
        """Take everything since the last call: symbols, rows, dead, gaps, book.

        `rows`: the columns of `RowCollector.take` and `symbol` (code of `symbols`), `socket` (low byte of its number), `kind` (0 trade, 1 book_ticker,
        2 agg_trade, 3 book, 4 mark, 5 liquidation, 6 kline, 7 gap), `is_market` (0 where a trade does not count),
        `closed` (candle final 1, forming 0), -1 for other kinds. Beside them, with `row` as position: `books`
        (bid_price, bid_qty, ask_price, ask_qty of shape (n, 5), NaN where there are fewer), `klines` (open_ms, open,
        high, low, close, volume, amount, trades, interval), `marks` (index_price, funding_frac, next_funding_ms).
        A kline row's price is its close and its seq_last its open_ms; a gap row spans seq_first to seq_last.
        `dead`: (recv_ns, frame, fault). `gaps`: symbol, from_u, to_u, from_ms, to_ms, reason (chain, crossed, reset,
        checksum, trade_ids, agg_trade_ids). `book`: with `book_layer` one row a level of every diff and snapshot:
        symbol, ts_ms, known_ns, seq_first, seq_last, seq_prev, side (1 bid, 2 ask), price, qty, is_snapshot.
        """
    def wanted(self) -> list[tuple[str, int]]:
        """Return symbols whose book waits for a snapshot (on OKX a new subscription) and recv_ns since when, longest first."""
    def events(self, symbol: str) -> EventBatch:
        """Return a symbol's events since the last call; the first call begins the watch. Raises ValueError for another symbol."""
    def live(self, symbol: str, levels: int = 5) -> dict[str, Any]:
        """Return the newest values: quote, trade, mark (None before the first) and book, each with event_ms and known_ns.

        `book` has state (buffering, snapshot_wait, synced) and the best `levels` as bids and asks of (price, qty).
        """
    def stats(self) -> dict[str, Any]:
        """Return counters: frames, bytes, remarks, dead, repeats, waited, unused, rows, syncs, gaps; lag_p50_ms and
        lag_p99_ms of receive - E - offset over the last 4,096 messages, clock_ns, offsets_ms by socket, and symbols:
        state, unsynced_ns (0 while it is not due), syncs, gaps, applied.
        """

@final
class Preflight:
    """Check a whole recording, chunk by chunk. `skip_others` is as in `WireParser`."""

    def __init__(self, symbol: str | None = None, *, skip_others: bool = False) -> None: ...
    def feed(self, data: bytes) -> None:
        """Append raw bytes; raise ValueError on the first line that cannot be used."""
    def finish(self) -> dict[str, Any]:
        """Return the report; raise ValueError when the last line is cut short or there are no events.

        Keys: symbol, venue (None where only trades came), price_decimals, qty_decimals, lines, frames (counts of depth, snapshot, book_ticker, trade,
        agg_trade, unused, remark), depth_gaps, trade_gaps (counts), gaps (the first 100 as {line, kind, from_id,
        to_id}), repeats (frames with the id before them), book (`synced`, `lost` by a gap or crossing and not
        brought back, `never_synced`, `no_depth`), syncs, synced_line, lost_lines, first_event_ms, last_event_ms.
        """

@final
class FlowEngine:
    """Order-flow features of one symbol, one row for every bin of event time.

    A bin closes when an event `watermark_ms` past its end is seen; quotes and trades later still are counted as
    `late`, not applied. Rows reach from the bin of the first quote or trade to that of the last, none missing.
    Columns: ts_ms (bin end, exclusive), mid, ofi, cvd, tfi, z_ofi, z_cvd, fusion, signal (strong_buy, buy, neutral,
    sell, strong_sell), book_ok (int8: 1, 0, -1 where there is no depth stream), bid, ask, spread_bps, consistency,
    reasons (a tuple of names), buy_qty, sell_qty, trades, quotes, last_price, late (closed by timeout). Quantities are
    base units, prices quote units, absent floats NaN. With `all_columns` also queue_imbalance, weighted_mid,
    micro_price (NaN until fitted), kyle_lambda, kyle_t, vpin, cvd_day, cvd_rolling, buy_ratio, tfi_quote, lag_sec,
    mlofi_1 to mlofi_`levels`, ofi_weighted, ofi_integrated, ofi_integrated_reason (gate, book_not_ok or None),
    depth_bid, depth_ask (within 10 bps), sigma_bps, trades_per_min, quotes_per_s, volume_quote (over the last minute),
    move_5m_bps, ofi_cvd_conflict, divergences (a tuple of {type, channel, score, grade, pivot_ts, detected_ts}).
    """

    def __init__(
        self,
        price_decimals: int,
        qty_decimals: int,
        bin_ms: int = 1_000,
        window_ms: int = 300_000,
        warmup_ms: int = 60_000,
        *,
        watermark_ms: int = 250,
        keep_levels: int | None = 1_000,
        z: Literal["robust", "ew"] = "robust",
        half_life_ms: int = 300_000,
        ofi_source: Literal["book_ticker", "depth", "bbo"] = "book_ticker",
        sockets: int = 1,
        late_after_ms: int = 1_000,
        all_columns: bool = False,
        levels: int = 5,
        level_weights: Sequence[float] | None = None,
        cvd_window_ms: int = 300_000,
        pivot_bins: int = 12,
        tick: int | None = None,
        vpin_bucket: int | None = None,
        fusion: dict[str, float] | None = None,
    ) -> None:
        """Raise ValueError when a setting is outside its bounds; `keep_levels=None` keeps the whole book.

        With two `sockets` (quotes and books on one, trades on the other) a bin closes when both have shown its end and
        the watermark, or one has gone `late_after_ms` past it. `tick` (10^-p) and `vpin_bucket` (lots) are learnt from
        the past when None. `fusion` names settings of the score: w_ofi, w_cvd, clip, strong_score,
        strong_consistency, enter_score, enter_consistency, boost_score, boost_consistency, exit_score, flip_factor,
        max_lag_ms, max_spread_bps, cooldown_ms, min_consecutive.
        """
    def push(self, batch: EventBatch) -> dict[str, Any]:
        """Return the columns of the bins that the batch closes; raise ValueError when its decimals differ."""
    def advance(self, clock_ms: int) -> dict[str, Any]:
        """Return the columns of the bins that a clock closes: every event before it has been pushed."""
    def seen(self, market_socket: bool, event_ms: int) -> dict[str, Any]:
        """Note a venue time that a socket showed in a frame that is no event; return the columns of the bins it closes."""
    @property
    def open_from_ms(self) -> int | None:
        """Where the first bin begins that has not closed, Unix ms; None before the first quote or trade."""
    def spoil(self, event_ms: int) -> None:
        """Note that a row of this venue time was quarantined: the book of its bin is not ok."""
    def finish(self) -> dict[str, Any]:
        """Return the columns of the bins still open."""
    def run_arrays(
        self, quotes: tuple[NDArray[Any], ...], trades: tuple[NDArray[Any], ...]
    ) -> dict[str, Any]:
        """Return all columns of quotes and trades given as arrays, under this engine's settings and without its past.

        `quotes` are ts_ms (int64), bid, bid_qty, ask, ask_qty; `trades` ts_ms, price, qty, is_maker (int8: 1, 0, -1 where
        unknown, which Lee-Ready then judges). Amounts are all int64 (10^-p, 10^-q) or all float64; times never fall.
        Raises ValueError for the first row that cannot be used.
        """
    def save(self) -> bytes:
        """Return everything the engine remembers: a restart from it equals an unbroken run."""
    def load(self, state: bytes) -> None:
        """Take up a saved state; raise ValueError when it is damaged or of other settings."""
    def last(self) -> dict[str, Any] | None:
        """Return the newest row as scalars, None where absent."""
    def book(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return the best (price, quantity) of bids and asks, best first, as integers of the engine's decimals."""
    def stats(self) -> dict[str, Any]:
        """Return counters.

        events, quotes, repeated_quotes, trades, repeated_trades, ignored_trades, ignored_quotes, trade_gaps, late
        (events after their bin had closed), late_bins, resets, too_far, ofi_source, diffs, snapshots, applied, dropped (older than the snapshot), repeated_diffs, syncs, gaps, crossed, book_checks and book_matches
        (diffs after which best bid and ask, price and size, were compared with the venue's, and those equal),
        bid_levels, ask_levels, synced (bool), gap_list (the first 1,024 as {from_u, to_u, from_ms, to_ms}).
        """

@final
class BarBuilder:
    """Bars from trades: (ts_ms of the open, open, high, low, close, volume, amount, trades, buy_qty).

    A bar closes on the first trade at or past its end, or on any event `watermark_ms` past it. An interval without
    trades has no bar. Volumes are base units, amount quote units.
    """

    def __init__(
        self, interval_ms: int, price_decimals: int, qty_decimals: int, *, watermark_ms: int = 250
    ) -> None: ...
    def push(self, batch: EventBatch) -> list[tuple[int, float, float, float, float, float, float, int, float]]:
        """Return the bars that the batch closes."""
    def advance(self, clock_ms: int) -> list[tuple[int, float, float, float, float, float, float, int, float]]:
        """Return the bar that a clock closes: every event before it has been pushed, and the watermark has passed."""
    def forming(self) -> tuple[int, float, float, float, float, float, float, int, float] | None:
        """Return the open bar; its values are not final."""
    @property
    def late(self) -> int:
        """Trades that came after their bar had closed; they are in no bar."""

@final
class QualityGate:
    """Judge rows against their streams, a stream being the rows of one kind of one symbol.

    `venue` is one of `Intake`'s; `instruments` gives each symbol's decimals of price and quantity, or its tick and step
    (text or floats, 0 where unknown), or None. Raises ValueError for another venue, no symbol or a rule that is no grid.
    """

    ROW_CODES: ClassVar[int]
    """The bits that condemn the row itself; `stale` condemns only its window."""

    def __init__(
        self, venue: str, instruments: Mapping[str, tuple[int, int] | tuple[float, float] | tuple[str, str] | None]
    ) -> None: ...
    @staticmethod
    def codes() -> list[str]:
        """Return the names of the codes, at their bits."""
    @property
    def symbols(self) -> list[str]:
        """The symbols, sorted, at the codes of the column `symbol`."""
    def check(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.uint32]:
        """Return a mask of codes for each row; rows come in order, however they are cut into batches.

        Columns are those of `Intake.take()["rows"]` (others are ignored): kind, symbol (uint16; without it all are the
        first symbol's), ts_ms, event_ms, known_ns, price, qty, side, is_maker, is_market, bid, ask, bid_qty, ask_qty,
        seq_first, seq_last, seq_prev, and socket (uint8). One that is absent and that the kind needs is `missing_field`.
        Kinds 8 and 9 are single levels of a diff and of a snapshot (side 1 bid, 2 ask). Absent is NaN, a negative
        sequence, 0 in side, event_ms and known_ns, the least int64 in ts_ms. Raises ValueError for columns of different
        lengths or another type.
        """
    def excess_ms(self) -> NDArray[np.float64]:
        """Return how late each row of the last `check` came beyond its socket's offset, in ms; NaN where unknown."""
    def take_amendments(self) -> dict[str, Any]:
        """Take what was learnt of earlier rows, by row number from 0 since the gate began.

        confirmed (these were confirmed by the trades of confirmed_by, their `price_jump` falls), unjoined ((first, last)
        row of events whose successor does not join them), not_market (trades that do not count and were not judged).
        """
    def report(self) -> dict[str, Any]:
        """Return rows, not_market, counts by code, amendments_lost, sockets and days.

        A socket has offset_ms, max_excess_ms, clock_steps (count), steps (at_ms, from_ms, to_ms), minutes, slow_minutes
        and slow (from_ms, p99_ms). A UTC day has day (since the epoch), rows, duplicates, quarantined, seconds (a symbol's
        first to its last good row, summed) and empty_seconds.
        """

@final
class RowCollector:
    """Unified rows of quotes and market trades for the lake."""

    def __init__(self, price_decimals: int, qty_decimals: int) -> None: ...
    def push(self, batch: EventBatch) -> None:
        """Append a row for each quote and each market trade."""
    def take(self) -> dict[str, NDArray[Any]]:
        """Take the rows as columns.

        ts_ms, kind (uint8: 0 trade, 1 book_ticker), price (of a quote its mid), qty, side (uint8: 0 none, 1 buy,
        2 sell), is_maker (int8: 1, 0, -1 absent), bid, ask, bid_qty, ask_qty, spread_bps, event_ms, known_ns,
        seq_first, seq_last (trade id or `u`), seq_prev. Absent floats are NaN, absent ids -1.
        """
    @property
    def pending(self) -> int:
        """Rows collected and not taken."""

# simulator

@final
class SyntheticMarket:
    """A seeded order-driven market that never ends; the same seed gives the same events on every platform.

    Prices are integers of 10^-price_decimals, quantities of 10^-qty_decimals. Moves scale with the tick: with the
    defaults (price 100.00, tick 0.01) a day ranges over a few percent. Raises ValueError for a `start_price`, `tick`,
    `step` or `typical_qty` below 1.
    """

    def __init__(
        self,
        seed: int,
        start_ns: int,
        *,
        symbol: str = "SIMUSDT",
        start_price: int = 10_000,
        tick: int = 1,
        step: int = 1,
        typical_qty: int = 1_000,
        price_decimals: int = 2,
        qty_decimals: int = 3,
    ) -> None: ...
    def advance(self, until_ns: int) -> EventBatch:
        """Return the events not given before whose venue time is before `until_ns`, without the GIL.

        The stream does not depend on how time is cut into calls.
        """
    @property
    def symbol(self) -> str: ...
    @property
    def price_decimals(self) -> int: ...
    @property
    def qty_decimals(self) -> int: ...

_Ints = NDArray[np.int64]
_Ticks = tuple[_Ints, NDArray[np.uint8], _Ints, _Ints]
_Fill = tuple[int, int, int, bool, int, int]
_ExchangeEvent = tuple[int, int, int, str, str, int, _Fill | None, tuple[int, str] | None, tuple[int, int, int] | None]
_ExchangeOrder = tuple[int, int, str, str, str, int, int, int | None, int | None, str, str, int | None]

@final
class SyntheticFlow:
    """A seeded market like `SyntheticMarket`, told level by level, with a mark price each second and funding.

    Its market lives `pace` times as fast as the clock it is told on; symbols of one seed differ. Raises ValueError for a
    number below 1.
    """

    def __init__(
        self,
        seed: int,
        start_ns: int,
        *,
        symbol: str,
        start_price: int,
        tick: int = 1,
        step: int = 1,
        typical_qty: int = 1_000,
        pace: int = 1,
        funding_interval_h: int = 8,
    ) -> None: ...
    def advance(self, until_ns: int) -> _Ticks:
        """Return the ticks not given before whose time is before `until_ns`, as `SimulatedExchange.push_ticks` takes them."""

@final
class Leveller:
    """Tells events level by level: the ticks leave a venue with the book that the events would."""

    def __init__(self) -> None: ...
    def take(self, batch: EventBatch) -> _Ticks:
        """Return the ticks of the next events, as `SimulatedExchange.push_ticks` takes them.

        Before a snapshot and after a gap they tell the best quotes only.
        """

@final
class Premium:
    """The premium of a mark price over its index, and the funding rate of the interval, from one mark a second."""

    def __init__(self) -> None: ...
    def take(self, mark: int) -> None:
        """Take the mark of one second. Raises ValueError for a mark below 1."""
    def settle(self) -> None:
        """Begin the next funding interval."""
    @property
    def index(self) -> int:
        """The index price: the mark smoothed over 512 s, 0 before the first mark."""
    @property
    def rate_ppb(self) -> int:
        """The rate that funding would have now, in ppb."""

@final
class SimulatedExchange:
    """Matches the orders of any number of accounts on one book, inside the market events of one instrument.

    Prices are integers of 10^-price_decimals, quantities of 10^-qty_decimals, notionals of 10^-(their sum), money
    (`_nano`) of 10^-(their sum + 9) quote units, rates (`_ppb`) of 10^-9. A latency is ns, a list of measured ns to draw
    from, or (median_ns, sigma) of a lognormal. `queue` is `risk_adverse`, `log` or `power n`. `fees` is (from_notional,
    maker_ppb, taker_ppb) by traded notional; `brackets` (to_notional, max_leverage, maintenance_ppb), without which nobody
    is margined or liquidated. `unique_ids` is `while_live`, as at Binance, or `ever`. With `idle_exits_stay`, conditional
    reduce-only orders wait on without a position, as at Binance, and expire where they trigger without one. An account exists from its first use.

    An event is (venue_ns, known_ns, account, client_id, kind, leaves_qty, fill, reject, money): `fill` is (trade_id, price,
    qty, maker, fee_nano, realized_nano), `reject` (code, message). `money` is (rate_ppb, 0, amount_nano) with kind
    `funding`, (price, qty, fee_nano) with `liquidated`, (0, 0, amount_nano) with `insurance`; the other kinds are those of
    `SimulatedVenue`. Raises ValueError for settings out of bounds.
    """

    def __init__(
        self,
        *,
        order_latency: int | list[int] | tuple[int, float] = 2_000_000,
        response_latency: int | list[int] | tuple[int, float] = 2_000_000,
        seed: int = 0,
        queue: str = "risk_adverse",
        impact: Literal["consume", "none"] = "consume",
        price_decimals: int = 2,
        qty_decimals: int = 3,
        tick: int = 1,
        step: int = 1,
        min_qty: int = 1,
        min_notional: int = 500_000,
        trade_spread: int = 1,
        unique_ids: Literal["while_live", "ever"] = "while_live",
        idle_exits_stay: bool = False,
        fees: list[tuple[int, int, int]] = ...,
        brackets: list[tuple[int, int, int]] | None = None,
        liquidation_fee_ppb: int = 0,
    ) -> None: ...
    def submit(
        self,
        now_ns: int,
        account: int,
        client_id: str,
        side: Literal["buy", "sell"],
        kind: Literal[
            "market", "limit", "stop_market", "stop_limit", "take_profit_market", "take_profit_limit", "trailing"
        ],
        qty: int,
        *,
        price: int | None = None,
        trigger: int | None = None,
        callback_bps: int | None = None,
        activation: int | None = None,
        tif: Literal["gtc", "ioc", "fok", "gtx", "gtd"] = "gtc",
        until_ns: int | None = None,
        reduce_only: bool = False,
        trigger_on: Literal["mark", "last"] = "mark",
        self_trade: Literal["expire_maker", "expire_taker", "expire_both"] = "expire_maker",
        stop_trigger: int | None = None,
        take_profit_trigger: int | None = None,
    ) -> tuple[int, str] | None:
        """Send an order; return None, or (code, message) when its terms are refused at once and it leaves no trace.

        Stops and take-profits open or close as they are told; a close-position order is a reduce-only one with more lots
        than the position. Raises ValueError for an unknown word, or terms that do not belong to the kind.
        """
    def cancel(self, now_ns: int, account: int, client_id: str) -> tuple[int, str] | None:
        """Ask to cancel; return (-2011, message) if no order is known by this id. A late cancel is refused by an event."""
    def cancel_all(self, now_ns: int, account: int) -> None:
        """Ask to cancel every order of the account that is live on arrival."""
    def amend(
        self,
        now_ns: int,
        account: int,
        client_id: str,
        *,
        trigger: int | None = None,
        price: int | None = None,
        qty: int | None = None,
    ) -> tuple[int, str] | None:
        """Ask to change trigger, price or whole quantity; return a refusal at once, or None and an event follows.

        An order keeps its place in the queue only when it becomes smaller at its price. One whose new quantity is filled
        already, and a post-only one that would take, end with it.
        """
    def push(self, batch: EventBatch) -> list[_ExchangeEvent]:
        """Read market events, without the GIL, and return what they and the arrivals between them brought about."""
    def push_ticks(self, event_ns: _Ints, kind: NDArray[np.uint8], price: _Ints, qty: _Ints) -> list[_ExchangeEvent]:
        """As `push`, for columns in order of time, without the GIL.

        `kind` is 0 a new book, 1 bid level, 2 ask level (absolute quantity), 3 trade by a buyer, 4 by a seller, 5 best bid,
        6 best ask, 7 mark price, 8 funding with `qty` as its rate in ppb. Raises ValueError naming the first wrong row.
        """
    def advance(self, now_ns: int) -> list[_ExchangeEvent]:
        """Let requests arrive that do before `now_ns`; all market events before it have been pushed."""
    def set_mark(self, now_ns: int, price: int) -> list[_ExchangeEvent]:
        """Take the mark price from now on (before the first one it is the mid) and return what it triggers or liquidates."""
    def fund(self, now_ns: int, rate_ppb: int) -> list[_ExchangeEvent]:
        """Settle funding at the mark: longs pay the rate, shorts receive it."""
    def deposit(self, account: int, amount_nano: int) -> None:
        """Pay into an account, or out of it with a negative amount."""
    def set_leverage(self, account: int, leverage: int) -> tuple[int, str] | None:
        """Set an account's leverage (20 at first); return a refusal or None."""
    def set_margin_mode(self, account: int, mode: Literal["cross", "isolated"]) -> tuple[int, str] | None:
        """Set what stands behind an account's position; refused while it has one."""
    def add_isolated_margin(self, account: int, amount_nano: int) -> tuple[int, str] | None:
        """Move money to an isolated position, or back with a negative amount; return a refusal or None."""
    def adopt(self, account: int, position: int, cost_nano: int, isolated_nano: int) -> tuple[int, str] | None:
        """Take over a position as it stood elsewhere, its cost with the position's sign; refused while there is one."""
    def set_elsewhere(self, account: int, equity_nano: int, maintenance_nano: int) -> None:
        """Tell what a cross account has and needs in other instruments."""
    def account(self, account: int) -> dict[str, Any]:
        """Return the books of an account.

        Keys: wallet_nano, position, cost_nano, unrealized_nano, deposits_nano, realized_nano, fees_nano, funding_nano,
        seized_nano, isolated_nano, maintenance_nano, traded_notional, leverage, margin_mode.
        """
    def accounts(self) -> list[int]:
        """Return the accounts that were ever used, in order."""
    def open_orders(self, account: int | None = None) -> list[_ExchangeOrder]:
        """Return (account, number, client_id, side, kind, qty, leaves, price, trigger, state, stage, ahead), oldest first.

        `state` is accepted, triggered or partially_filled, `stage` resting, armed or working; `ahead` is the displayed lots
        that trade first, None while unknown.
        """
    def order(self, account: int, client_id: str) -> _ExchangeOrder | None:
        """Return a live order as `open_orders` does, None if it is not live."""
    def book(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Return (price, qty) of the displayed bids and asks, best first, less what our takers ate; our orders are not in it."""
    def imbalance(self) -> tuple[int, int]:
        """Return what is missing from the books, (0, 0) always: money in nano units, lots."""
    @property
    def insurance_nano(self) -> int:
        """Money of the insurance fund."""
    @property
    def mark2(self) -> int | None:
        """Twice the mark price."""
    @property
    def last_price(self) -> int | None:
        """Price of the last trade."""
    @property
    def next_wake_ns(self) -> int | None:
        """Earliest time to `advance` to that lets the next request arrive or order expire."""
    @property
    def has_live_orders(self) -> bool:
        """Whether any order is live or any request on its way."""

def run_bars(
    open: _Ints,
    high: _Ints,
    low: _Ints,
    close: _Ints,
    position: _Ints,
    *,
    volume: _Ints | None = None,
    day: _Ints | None = None,
    funding_ppb: _Ints | None = None,
    stop: _Ints | None = None,
    target: _Ints | None = None,
    deposit_nano: int = 0,
    with_equity: bool = False,
    market: Literal["plain", "a_share"] = "plain",
    **rules: int | bool | None,
) -> dict[str, Any]:
    """Play bars with the position wanted at each close, through the order state machine, without the GIL.

    Columns are contiguous int64 of one length: prices in ticks of 10^-p, quantities in lots. A change of `position` is a
    market order for the next open; the lowest int64 means as it is. `stop` and `target` are the exits of the entry decided
    at that close, 0 for none. Without `volume` nothing is capped or suspended; without `day` every bar is a day. Rules by
    name: maker_ppb, taker_ppb, min_fee_nano, stamp_duty_ppb, slippage, volume_cap_ppb (a tenth), lot, allow_short,
    sells_next_day, price_limit_ppb, tick; `market` says what they are at first.

    Returns wallet_nano, cost_nano, realized_nano, fees_nano, funding_nano, position, orders, ended (filled, canceled,
    expired, rejected), columns fill_bar, fill_order, fill_price, fill_qty (signed), fill_cause (0 market, 1 limit, 2 stop,
    3 target, 4 trailing), fill_fee_nano, fill_realized_nano, and equity_nano (empty unless asked for). Raises ValueError
    naming the first wrong row or rule.
    """

def run_ticks(
    exchange: SimulatedExchange,
    event_ns: _Ints,
    kind: NDArray[np.uint8],
    price: _Ints,
    qty: _Ints,
    ask_ns: _Ints,
    ask_order: _Ints,
    ask_price: _Ints,
    ask_qty: _Ints,
) -> list[_ExchangeEvent]:
    """Play ticks with a script of account 0's requests, without the GIL, and return every event.

    A row of the script sends, at `ask_ns`, order number `ask_order`: `ask_qty` lots (negative sells) at `ask_price`, 0 for
    market; 0 lots cancel it. Ticks are those of `push_ticks`.
    """

def feed_known_ns(event_ns: _Ints, latency: int | list[int] | tuple[int, float], seed: int) -> _Ints:
    """Return when each event of a feed is known behind a latency; messages keep their order."""

@final
class SimulatedVenue:
    """Matches the orders of one account inside the market events of one symbol.

    Prices are integers of 10^-price_decimals, quantities of 10^-qty_decimals, `min_notional` of 10^-(their sum).
    `impact` is `consume` (what our takers ate is gone until the feed next tells that level) or `none`. Push market
    events up to the present before sending: no request arrives before what the venue has seen.

    A venue event is (venue_ns, known_ns, client_id, kind, leaves_qty, fill, reject). `fill` is (trade_id, price, qty,
    maker) with kind `fill`, else None; `reject` is (code, message) with the three kinds of refusal, else None. An
    entry's attached exits are called `<client_id>-sl` and `<client_id>-tp`. Raises ValueError for settings out of bounds.
    """

    def __init__(
        self,
        *,
        order_latency_ns: int = 2_000_000,
        response_latency_ns: int = 2_000_000,
        impact: Literal["consume", "none"] = "consume",
        price_decimals: int = 2,
        qty_decimals: int = 3,
        tick: int = 1,
        step: int = 1,
        min_qty: int = 1,
        min_notional: int = 500_000,
    ) -> None: ...
    def submit(
        self,
        now_ns: int,
        client_id: str,
        side: Literal["buy", "sell"],
        kind: Literal["market", "limit", "stop_market", "take_profit_market"],
        qty: int,
        *,
        price: int | None = None,
        trigger: int | None = None,
        tif: Literal["gtc", "ioc", "gtx"] = "gtc",
        reduce_only: bool = False,
        stop_trigger: int | None = None,
        take_profit_trigger: int | None = None,
    ) -> tuple[int, str] | None:
        """Send an order; return None, or (code, message) when its terms are refused at once and it leaves no trace.

        What depends on the moment of arrival is told by an event. Stops and take-profits are always reduce-only, trigger
        on the mid of the best quotes and execute at market. `stop_trigger` and `take_profit_trigger` are exits that the
        venue places with the entry's first fill. Raises ValueError for an unknown word, or a price or trigger that does
        not belong to the kind.
        """
    def cancel(self, now_ns: int, client_id: str) -> tuple[int, str] | None:
        """Ask to cancel; return (-2011, message) if no order ever had this id. A late cancel is refused by an event."""
    def amend_trigger(self, now_ns: int, client_id: str, trigger: int) -> tuple[int, str] | None:
        """Ask to move a trigger; return (code, message) for an id never used or a price out of bounds or off the tick."""
    def push(
        self, batch: EventBatch
    ) -> list[
        tuple[
            int,
            int,
            str,
            Literal[
                "accepted",
                "fill",
                "triggered",
                "amended",
                "canceled",
                "expired",
                "rejected",
                "cancel_rejected",
                "amend_rejected",
            ],
            int,
            tuple[int, int, int, bool] | None,
            tuple[int, str] | None,
        ]
    ]:
        """Read market events, without the GIL, and return what they and the arrivals between them brought about.

        Raises ValueError when the batch has other decimals than the venue.
        """
    def advance(
        self, now_ns: int
    ) -> list[
        tuple[
            int,
            int,
            str,
            Literal[
                "accepted",
                "fill",
                "triggered",
                "amended",
                "canceled",
                "expired",
                "rejected",
                "cancel_rejected",
                "amend_rejected",
            ],
            int,
            tuple[int, int, int, bool] | None,
            tuple[int, str] | None,
        ]
    ]:
        """Let requests arrive that do before `now_ns`; all market events before it have been pushed."""
    def position(self) -> int:
        """Return the net position in lots, negative when short."""
    def open_orders(
        self,
    ) -> list[
        tuple[
            str,
            Literal["buy", "sell"],
            Literal["market", "limit", "stop_market", "take_profit_market"],
            int,
            int,
            int | None,
            int | None,
            Literal["resting", "armed", "working"],
        ]
    ]:
        """Return (client_id, side, kind, qty, leaves_qty, price, trigger, stage) of each live order, oldest first."""
    def best(self) -> tuple[int | None, int | None]:
        """Return best bid and best ask prices, less what our takers ate; None where nothing is known."""
    @property
    def next_wake_ns(self) -> int | None:
        """Earliest time to `advance` to that lets the next request arrive, Unix ns; None without requests on their way."""
    @property
    def has_live_orders(self) -> bool:
        """Whether any order is live or any request on its way."""
    @property
    def price_decimals(self) -> int: ...
    @property
    def qty_decimals(self) -> int: ...
