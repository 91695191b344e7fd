"""What the market showed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One closed bar, stamped at its open; it covers [ts_ms, ts_ms + interval_ms). Volume in base, amount in quote."""

    ts_ms: int
    interval_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    amount: float
    trades: int
    buy_qty: float

    @property
    def close_ms(self) -> int:
        """The first moment after the bar, when it may be known."""
        return self.ts_ms + self.interval_ms


@dataclass(frozen=True, slots=True)
class Touch:
    """What one stretch of market data did to the price; all None before the first trade or quote."""

    at_ns: int
    low: float | None
    high: float | None
    last: float | None
    bid: float | None
    ask: float | None

    @property
    def mid(self) -> float | None:
        """The middle of the best quotes in quote units, or None."""
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2


LEVEL_MS = {
    "1s": 1_000,
    "5s": 5_000,
    "15s": 15_000,
    "1m": 60_000,
    "5m": 300_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "1d": 86_400_000,
}
"""Interval of each bar level in ms."""

LEVEL_UP = {"1s": "15s", "5s": "1m", "15s": "1m", "1m": "5m", "5m": "30m", "30m": "1d", "1h": "1d"}
"""The level whose trend a decision level looks up to."""
