"""Volatility and volume of one symbol from its one-minute bars, as sizing needs them.

Sigma is the root of an exponentially weighted mean of squared log returns of one minute (half-life one day), times
the root of the minutes in a year. A return across minutes without a bar counts as that many equal returns. Computed in
decimals throughout, so that every machine finds the same digits.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal

MINUTES_A_YEAR = 525_600
MINUTE_MS = 60_000
MIN_MINUTES = 360
"""Six hours; before that there is no sigma."""
VOLUME_MINUTES = 1_440
_DIGITS = Context(prec=28)
_HALF_LIFE_MIN = 1_440
_KEEP = _DIGITS.power(Decimal("0.5"), _DIGITS.divide(Decimal(1), Decimal(_HALF_LIFE_MIN)))
"""What one minute leaves of the weight of all before it."""
_GIVEN = Decimal("0.000001")
MAX_GAP_MIN = 60
"""A longer hole is not bridged: the next return begins after it."""


@dataclass(slots=True)
class MinuteStats:
    """An incremental estimator; `push` each closed one-minute bar in order."""

    prior_frac: Decimal | None = None
    """What stands in for sigma until it can be measured; None refuses."""
    minutes: int = 0
    """How many minutes of returns have been seen."""
    _weighted: Decimal = Decimal(0)
    _weight: Decimal = Decimal(0)
    _last: tuple[int, Decimal] | None = None
    _volumes: deque[Decimal] = field(default_factory=deque)
    _ordered: list[Decimal] = field(default_factory=list)

    def push(self, open_ms: int, close: Decimal, volume_quote: Decimal) -> None:
        """Take a closed bar. Raises ValueError for a price that is not positive or a bar that is not newer."""
        if not close.is_finite() or close <= 0:
            raise ValueError(f"close is {close}, it must be positive")
        if self._last is not None:
            gap = (open_ms - self._last[0]) // MINUTE_MS
            if gap < 1:
                raise ValueError(f"bar {open_ms} is not after {self._last[0]}")
            if gap <= MAX_GAP_MIN:
                self._learn(_DIGITS.ln(_DIGITS.divide(close, self._last[1])), gap)
        self._last = (open_ms, close)
        self._volumes.append(volume_quote)
        insort(self._ordered, volume_quote)
        if len(self._volumes) > VOLUME_MINUTES:
            del self._ordered[bisect_left(self._ordered, self._volumes.popleft())]

    @property
    def last_ms(self) -> int | None:
        """When the newest bar opened; None before the first."""
        return None if self._last is None else self._last[0]

    def _learn(self, log_return: Decimal, minutes: int) -> None:
        each = _DIGITS.divide(_DIGITS.multiply(log_return, log_return), Decimal(minutes))
        for _ in range(minutes):
            self._weighted = _DIGITS.fma(self._weighted, _KEEP, each)
            self._weight = _DIGITS.fma(self._weight, _KEEP, Decimal(1))
        self.minutes += minutes

    @property
    def sigma_frac(self) -> Decimal | None:
        """Annual volatility, rounded to six digits; before six hours of minutes the prior, where there is one."""
        if self.minutes < MIN_MINUTES:
            return self.prior_frac
        variance = _DIGITS.divide(self._weighted, self._weight)
        return _DIGITS.sqrt(_DIGITS.multiply(variance, Decimal(MINUTES_A_YEAR))).quantize(_GIVEN, ROUND_HALF_EVEN)

    @property
    def volume_1m_quote(self) -> Decimal | None:
        """Median volume of a minute over the last day of bars, the lower of two middles; None before the first bar."""
        return self._ordered[(len(self._ordered) - 1) // 2] if self._ordered else None
