"""How much livelier a market is now than a while ago: fast by slow volatility, from one-minute closes."""

from __future__ import annotations

from math import sqrt

MINUTE_MS = 60_000
WARM_MINUTES = 64
# 2 to the power of -1/16 and -1/64, written out: the same digits on every machine.
_FAST_KEEP = 0.9576032806985737
_SLOW_KEEP = 0.9892280131939755


class FastSlow:
    """Roots of exponentially weighted means of squared returns, with half-lives of 16 and 64 minutes."""

    def __init__(self) -> None:
        self._last: tuple[int, float] | None = None
        self._minutes = 0
        self._fast = self._fast_weight = self._slow = self._slow_weight = 0.0

    def push(self, open_ms: int, close: float) -> float | None:
        """Take the close of a one-minute bar; returns the ratio, None before 64 returns or in a market that stands.

        A return across minutes without a bar is left out.
        """
        before, self._last = self._last, (open_ms, close)
        if before is not None and open_ms - before[0] == MINUTE_MS:
            square = (close / before[1] - 1) ** 2
            self._fast = self._fast * _FAST_KEEP + square
            self._slow = self._slow * _SLOW_KEEP + square
            self._fast_weight = self._fast_weight * _FAST_KEEP + 1
            self._slow_weight = self._slow_weight * _SLOW_KEEP + 1
            self._minutes += 1
        if self._minutes < WARM_MINUTES or self._slow == 0:
            return None
        return sqrt((self._fast / self._fast_weight) / (self._slow / self._slow_weight))
