"""Measures over trailing bins: Kyle's λ, VPIN, and what the market was like over the last minute."""

from __future__ import annotations

from math import sqrt

KYLE_MIN_BINS, KYLE_MAX_SIZE = 30, 1 << 40
VPIN_BUCKETS, VPIN_LEARNT_BUCKETS = 50, 10
RATE_MS, MOVE_MS = 60_000, 300_000


def kyle(pairs: list[tuple[int, int] | None]) -> tuple[float | None, float | None]:
    """Return the least-squares slope of move on flow, and its t-value."""

    def cut(value: int) -> int:
        return max(-KYLE_MAX_SIZE, min(KYLE_MAX_SIZE, value))

    known = [(cut(pair[0]), cut(pair[1])) for pair in pairs if pair is not None]
    n = len(known)
    x, y = sum(a for a, _ in known), sum(b for _, b in known)
    sxx = float(n * sum(a * a for a, _ in known) - x * x)
    sxy = float(n * sum(a * b for a, b in known) - x * y)
    syy = float(n * sum(b * b for _, b in known) - y * y)
    if n < KYLE_MIN_BINS or sxx <= 0.0:
        return None, None
    rest = sxx * syy - sxy * sxy
    return sxy / sxx, sxy * sqrt(float(n - 2)) / sqrt(rest) if rest > 0.0 else None


class Vpin:
    """The one-sided share of 50 equal-volume buckets, by the venue's own taker flags."""

    def __init__(self, bucket: int | None) -> None:
        self.bucket = bucket
        self.bought = self.sold = 0
        self.learning: list[int] = []
        self.full: list[int] = []

    def push(self, signed: int) -> None:
        """Take a trade: signed lots, positive where the taker bought."""
        left = abs(signed)
        if self.bucket is None:
            self.learning.append(signed)
            return
        while left > 0 or self.bought + self.sold == self.bucket:
            part = min(left, self.bucket - self.bought - self.sold)
            left -= part
            if signed > 0:
                self.bought += part
            else:
                self.sold += part
            if self.bought + self.sold == self.bucket:
                self.full.append(abs(self.bought - self.sold))
                self.bought = self.sold = 0

    def learnt(self) -> None:
        """End the learning of the bucket size, a tenth of the volume so far, and fill buckets with it."""
        if self.bucket is None and self.learning:
            self.bucket = max(sum(map(abs, self.learning)) // VPIN_LEARNT_BUCKETS, 1)
            for signed in self.learning:
                self.push(signed)

    def value(self) -> float | None:
        """Return Σ|bought - sold| / (50 V)."""
        if self.bucket is None or len(self.full) < VPIN_BUCKETS:
            return None
        return float(sum(self.full[-VPIN_BUCKETS:])) / float(VPIN_BUCKETS * self.bucket)


class Regime:
    """Trades, quotes, value and squared moves of each bin, and the mid at its end."""

    def __init__(self, bin_ms: int) -> None:
        self.bin_ms = bin_ms
        self.parts: list[tuple[int, int, int, int]] = []
        self.mids: list[int | None] = []

    def rates(self) -> tuple[float, float, float, float] | None:
        """Return trades a minute, quotes a second, value a minute, and the root of the squared moves, over a minute."""
        full = max(RATE_MS // self.bin_ms, 1)
        if len(self.parts) < full:
            return None
        trades, quotes, amount, squares = (sum(column) for column in zip(*self.parts[-full:], strict=True))
        span_ms = float(full * self.bin_ms)
        return (
            float(trades) * 60_000.0 / span_ms,
            float(quotes) * 1_000.0 / span_ms,
            float(amount) * 60_000.0 / span_ms,
            sqrt(float(squares)),
        )

    def move_bps(self) -> float | None:
        """Return the move of the mid over five minutes."""
        span = max(MOVE_MS // self.bin_ms, 1)
        if len(self.mids) <= span:
            return None
        old, new = self.mids[-span - 1], self.mids[-1]
        return None if old is None or new is None else 1e4 * float(new - old) / float(old)
