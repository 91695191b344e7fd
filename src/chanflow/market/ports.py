"""What the desk asks of a market, whether recorded, synthetic or live, and the bar edges all of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
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
