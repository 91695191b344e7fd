"""What the desk asks of a market, whether recorded, synthetic or live, and the bar edges all of them share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
