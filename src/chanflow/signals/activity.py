"""How lively the market is: the figures of the last minute, and the trigger that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

WINSOR_FRAC = 0.95


@dataclass(frozen=True, slots=True)
class Activity:
    """What the last 60 s were like; None where it is not known."""

    trades_per_min: float | None = None
    quotes_per_s: float | None = None
    spread_bps: float | None = None
    volatility_bps: float | None = None
    volume_quote: float | None = None

    @property
    def figures(self) -> tuple[float, float, float, float, float] | None:
        """The five figures in order, or None where one is missing."""
        found = (self.trades_per_min, self.quotes_per_s, self.spread_bps, self.volatility_bps, self.volume_quote)
        known = tuple(value for value in found if value is not None)
        return known if len(known) == 5 else None


@dataclass(frozen=True, slots=True)
class MarketTrigger:
    """Says from samples of `Activity` whether the market is active.

    Stage 1: the newest sample meets every threshold at half strength (the spread at twice its cap). Stage 2, which
    needs `min_samples`: the median of the samples, winsorised at 95 %, meets every threshold in full. Both are asked.
    """

    min_trades_per_min: float = 30.0
    min_quotes_per_s: float = 40.0
    max_spread_bps: float = 5.0
    min_volatility_bps: float = 4.0
    min_volume_quote: float = 200_000.0
    min_samples: int = 3

    def is_active(self, samples: Sequence[tuple[float, ...]]) -> bool:
        """Return the verdict over the `Activity.figures` of the window, oldest first."""
        if not samples or not self._meets(samples[-1], 0.5) or len(samples) < self.min_samples:
            return False
        return self._meets(tuple(_typical(column) for column in zip(*samples, strict=True)), 1.0)

    def _meets(self, figures: Sequence[float], strength: float) -> bool:
        trades, quotes, spread, volatility, volume = figures
        return (
            trades >= self.min_trades_per_min * strength
            and quotes >= self.min_quotes_per_s * strength
            and spread <= self.max_spread_bps / strength
            and volatility >= self.min_volatility_bps * strength
            and volume >= self.min_volume_quote * strength
        )


def _typical(values: Sequence[float]) -> float:
    """Return the median of the values, each first drawn in to the span that holds 95 % of them."""
    ordered = sorted(values)
    cut = (1 - WINSOR_FRAC) / 2
    low, high = _quantile(ordered, cut), _quantile(ordered, 1 - cut)
    return median(min(max(value, low), high) for value in ordered)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of values in ascending order, on the straight line between the two nearest."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
