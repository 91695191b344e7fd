"""What the desk asks of a market, whether recorded, synthetic or live, and the bar edges all of them share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import polars as pl
    from chanflow_native import EventBatch

    from chanflow.domain.instrument import Instrument

WEEK_MS = 604_800_000
FIRST_MONDAY_MS = 345_600_000
"""1970-01-05, the first Monday after the epoch, in Unix ms."""


def first_edge_ms(interval_ms: int) -> int:
    """Return one bar edge of an interval on the crypto calendar, in Unix ms: a Monday for whole weeks, else the epoch.

    Raises ValueError when the interval is not positive.
    """
    if interval_ms <= 0:
        raise ValueError(f"interval is {interval_ms} ms, it must be positive")
    return FIRST_MONDAY_MS if interval_ms % WEEK_MS == 0 else 0


def bar_open_ms(ts_ms: int, interval_ms: int) -> int:
    """Return the open of the bar that covers `ts_ms`, in Unix ms."""
    return ts_ms - (ts_ms - first_edge_ms(interval_ms)) % interval_ms


class MarketSource(Protocol):
    """One symbol's events in arrival order. Times are Unix ns of event time."""

    @property
    def instrument(self) -> Instrument:
        """What is traded, with the venue's rules and fees."""
        ...

    @property
    def venue(self) -> str:
        """The venue's name, as rows and files carry it."""
        ...

    @property
    def start_ns(self) -> int:
        """The earliest event time."""
        ...

    @property
    def end_ns(self) -> int:
        """The first ns after the last event time."""
        ...

    @property
    def price_decimals(self) -> int:
        """p: prices in batches are integers of 10^-p."""
        ...

    @property
    def qty_decimals(self) -> int:
        """q: quantities in batches are integers of 10^-q."""
        ...

    @property
    def exhausted(self) -> bool:
        """Whether every event has been given out."""
        ...

    def next(self, until_ns: int) -> EventBatch:
        """Return the events not yet given out that come before `until_ns`, in arrival order; the batch may be empty."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what a journal's head says of this source: enough to find the same events again, no absolute path."""
        ...


@dataclass(frozen=True, slots=True)
class RestRequest:
    """One question to a venue: a GET, or a POST where it has a body of JSON."""

    url: str
    params: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class RestReply:
    """What a venue answered: status 0 where it did not."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class SocketPlan:
    """One socket to keep open: whose streams it carries and what is said to it after it opened."""

    name: str
    url: str
    symbols: tuple[str, ...]
    kinds: tuple[str, ...]
    """Row kinds that come over it; a socket with `book` among them carries the book."""
    subscribe: tuple[bytes, ...] = ()
    streams: int = 0


class MarketVenue(Protocol):
    """How market data is had from one venue: addresses, words and limits, no connection."""

    @property
    def name(self) -> str:
        """The venue's name, as rows and the intake carry it."""
        ...

    @property
    def ping(self) -> bytes | None:
        """The text that asks a venue for a sign of life, None where the protocol's own ping does."""
        ...

    @property
    def pong(self) -> bytes | None:
        """The venue's answer to `ping`, which is no market data."""
        ...

    def sockets(self, symbols: Sequence[str]) -> tuple[SocketPlan, ...]:
        """Return the sockets that carry these symbols. Raises InvalidArgument for more than the venue allows."""
        ...

    def symbol_of(self, frame: bytes) -> str | None:
        """Return the symbol of a frame, None where it names none."""
        ...

    def stream_of(self, frame: bytes) -> bytes | None:
        """Return which stream a frame belongs to, None for a control message."""
        ...

    def resubscribe(self, symbol: str) -> tuple[bytes, ...]:
        """Return the messages after which the venue sends a whole book again; none where REST has it."""
        ...

    def snapshot(self, symbol: str) -> RestRequest | None:
        """Return the request of a whole book, None where the socket brings it."""
        ...

    def snapshot_frame(self, symbol: str, body: bytes) -> bytes:
        """Return a reply's body as the frame that the intake takes."""
        ...

    def missed_trades(self, symbol: str, from_id: int) -> RestRequest | None:
        """Return the request of aggregate trades from an id on, None where they cannot be had."""
        ...

    def trade_frames(self, symbol: str, body: bytes) -> tuple[tuple[int, bytes], ...]:
        """Return id and frame of each aggregate trade of such a reply. Raises ValueError for a broken one."""
        ...

    def probe(self, symbol: str) -> RestRequest | None:
        """Return the request of the newest best quotes, None where there is none."""
        ...

    def probe_ms(self, body: bytes) -> int | None:
        """Return the venue's time of the quotes in a probe's reply, Unix ms, None where it has none."""
        ...

    def rules_request(self) -> tuple[RestRequest, ...]:
        """Return the requests whose replies hold the rules of all symbols."""
        ...

    def decimals(self, bodies: Sequence[bytes], symbols: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return price and quantity decimals by symbol. Raises InvalidArgument for a symbol that is not traded."""
        ...


class FrameSink(Protocol):
    """Takes what one connection brings."""

    def frame(self, payload: bytes, recv_ns: int) -> None:
        """Take one text frame."""
        ...

    def pong(self) -> None:
        """Take a sign of life."""
        ...

    def closed(self, reason: str) -> None:
        """Learn that the connection has ended."""
        ...


class Connection(Protocol):
    """An open socket."""

    def send(self, message: bytes) -> None:
        """Send a text message; nothing happens on a closed socket."""
        ...

    def ping(self) -> None:
        """Send the protocol's ping; the answer comes as `FrameSink.pong`."""
        ...

    def pause(self) -> None:
        """Read nothing more until `resume`."""
        ...

    def resume(self) -> None:
        """Read on."""
        ...

    def close(self) -> None:
        """End the connection at once."""
        ...


class Connector(Protocol):
    """Opens sockets."""

    async def open(self, url: str, sink: FrameSink) -> Connection:
        """Return an open connection that feeds `sink`. Raises VenueBusy where it cannot be had."""
        ...


class RestClient(Protocol):
    """Asks a venue."""

    async def ask(self, request: RestRequest) -> RestReply:
        """Return the answer, with status 0 and the cause as body where there was none."""
        ...


class RawStore(Protocol):
    """Where one symbol's frames are written first."""

    def write(self, text: bytes, *, first_ns: int, last_ns: int, frames: int, standing: bytes) -> None:
        """Take whole lines; `standing` is what a new file must begin with. Raises StorageUnwritable."""
        ...

    def tick(self, now_ns: int) -> None:
        """Let what was written survive a kill. Raises StorageUnwritable."""
        ...

    def close(self) -> None:
        """Publish what is open. Raises StorageUnwritable."""
        ...


class RowStore(Protocol):
    """Where one symbol's rows and what stands beside them are written."""

    @property
    def quarantined(self) -> int:
        """Rows that the gate has kept out so far."""
        ...

    def add(self, taken: Mapping[str, Any], *, shed: bool) -> int:
        """Take what an intake handed out; dead letters alone when `shed`. Returns rows. Raises StorageUnwritable."""
        ...

    def quality(self) -> dict[str, Any]:
        """Return what the gate has found so far."""
        ...

    def pace(self, share: float) -> None:
        """Close parts after this share of their usual time."""
        ...

    def rotate(self, layers: str = "") -> None:
        """Publish what is open of these layers, comma-separated; of all without. Raises StorageUnwritable."""
        ...

    def overdue(self, now_ms: int) -> str:
        """Return the layers, comma-separated, whose parts have been open for longer than they should."""
        ...


class Tail(Protocol):
    """Rows that a writer holds in memory, not yet published. Asked from other threads than the writer's."""

    def tail(self, symbol: str) -> pl.DataFrame | None:
        """Return the unified rows that wait, in arrival order, or None for a symbol that it does not write."""
        ...

    def live(self, symbol: str) -> Mapping[str, Mapping[str, Any]] | None:
        """Return the newest of each kind, or None for a symbol that it does not write.

        Keys are `quote` (bid, ask, bid_qty, ask_qty), `trade` (price, qty, side), `mark` (price) and `book` (state), as
        far as known; each has `event_ms`, `known_ns` and `dq_codes`.
        """
        ...


class SliceSource(Protocol):
    """Where published rows and bars come from. Readers are called from several threads at once."""

    def symbols(self) -> list[str]:
        """Return the symbols that have rows, sorted."""
        ...

    def has(self, symbol: str) -> bool:
        """Return whether a symbol has rows."""
        ...

    def frames(
        self,
        symbols: Sequence[str],
        start_ms: int,
        end_ms: int,
        *,
        kinds: Sequence[str] | None,
        columns: Sequence[str] | None,
        tails: Mapping[str, pl.DataFrame],
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of [start_ms, end_ms), those of `tails` among them, by (ts_ms, known_ns, seq_last).

        Gap rows always come along, and so do the columns that order and gaps need. Raises InvalidArgument for an
        unknown column.
        """
        ...

    def bars(
        self, symbol: str, interval: str, *, start_ms: int, end_ms: int, limit: int, fill: bool, adjust: str
    ) -> pl.DataFrame:
        """Return the first `limit` closed bars that open in [start_ms, end_ms). Raises InvalidArgument, NotFound."""
        ...

    def newest(self, symbol: str) -> Mapping[str, Mapping[str, Any]] | None:
        """Return the newest published of each kind as `Tail.live` does, or None for a symbol without rows."""
        ...


class KlineGate(Protocol):
    """Judges bars before they are stored."""

    def codes(self, columns: Mapping[str, Any]) -> list[list[str]]:
        """Return the codes of each bar, none for a good one. `columns` is as for `kline_rows`."""
        ...


class HistorySource(Protocol):
    """A venue or vendor that tells its history. One source, one file."""

    @property
    def venue(self) -> str:
        """The venue's name, as rows and files carry it."""
        ...

    @property
    def kinds(self) -> frozenset[str]:
        """What it can tell: klines, aggTrades, funding, openInterest, factors."""
        ...

    async def fetch(
        self, kind: str, symbol: str, interval: str | None, start_ms: int, end_ms: int
    ) -> Mapping[str, Sequence[Any]]:
        """Return what lies in [start_ms, end_ms) as columns, oldest first; of klines only closed ones.

        klines: open_ms, close_ms (first ms after), open, high, low, close, and where told volume, amount, trades,
        buy_qty. aggTrades: ts_ms, price, qty, is_maker, agg_id, first_id. funding: ts_ms, rate, mark_price.
        openInterest: ts_ms, open_interest, value_quote. factors: ts_ms, factor. Raises VenueBusy, VenueRejected.
        """
        ...
