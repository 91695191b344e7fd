"""Whether a confidence means what it says: how often what was called 70 % came true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chanflow.domain.interval import Interval, wilson

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Forecasts between two confidences: how many, their mean, how many came true, and the share's 95 % interval."""

    low: float
    high: float
    n: int
    mean_confidence: float | None
    hits: int
    share: Interval | None

    @property
    def honest(self) -> bool | None:
        """Whether the mean confidence lies in the interval of what came true; None where nothing was forecast."""
        if self.share is None or self.mean_confidence is None:
            return None
        return self.share.low <= self.mean_confidence <= self.share.high


@dataclass(frozen=True, slots=True)
class Calibration:
    """Brier score and expected calibration error (both 0 is best), and the ten bins; None where nothing was forecast.

    `base_rate` is how often it came true at all: a forecast of that alone has the Brier score `naive`.
    """

    n: int
    brier: float | None
    naive: float | None
    error: float | None
    base_rate: float | None
    bins: tuple[Bin, ...]


def calibration(forecasts: Sequence[tuple[float, bool]]) -> Calibration:
    """Return how confidences (0 to 1) compare with what came true. Raises ValueError for one that is no share.

    Sources: Brier (1950), "Verification of Forecasts Expressed in Terms of Probability", Monthly Weather Review 78;
    Naeini, Cooper & Hauskrecht (2015), "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI.
    """
    for confidence, _ in forecasts:
        if not 0.0 <= confidence <= 1.0:
            raise ValueError(f"confidence is {confidence}, it must lie between 0 and 1")
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for forecast in forecasts:
        groups[min(BINS - 1, int(forecast[0] * BINS))].append(forecast)
    bins = tuple(_bin(at, group) for at, group in enumerate(groups))
    n = len(forecasts)
    if n == 0:
        return Calibration(0, None, None, None, None, bins)
    rate = sum(hit for _, hit in forecasts) / n
    brier = sum((confidence - hit) ** 2 for confidence, hit in forecasts) / n
    error = sum(
        b.n / n * abs(b.hits / b.n - b.mean_confidence) for b in bins if b.n and b.mean_confidence is not None
    )  # fmt: skip
    return Calibration(n, brier, rate * (1.0 - rate), error, rate, bins)


def _bin(at: int, group: Sequence[tuple[float, bool]]) -> Bin:
    low, high, n = at / BINS, (at + 1) / BINS, len(group)
    if n == 0:
        return Bin(low, high, 0, None, 0, None)
    hits = sum(hit for _, hit in group)
    return Bin(low, high, n, sum(confidence for confidence, _ in group) / n, hits, wilson(hits, n))
