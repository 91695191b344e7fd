"""Student's t: how surprising a difference of two means is, and how far it may be from the true one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, lgamma, log, sqrt
from statistics import fmean, variance

from chanflow.domain.interval import Interval

_TINY = 1e-300
_STEPS = 300
_CLOSE = 1e-14


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean of one sample less that of another, its standard error, degrees of freedom and two-sided p."""

    effect: float
    error: float
    freedom: float
    p: float

    def interval(self, alpha: float) -> Interval:
        """Return the two-sided interval that misses the true difference with chance `alpha`."""
        half = self.error * t_quantile(1.0 - alpha / 2.0, self.freedom) if self.error > 0.0 else 0.0
        return Interval(self.effect - half, self.effect + half)


def difference(a: Sequence[float], b: Sequence[float]) -> Difference | None:
    """Return mean(a) - mean(b) by Welch's test, independent draws assumed; None for fewer than two of either.

    Where neither varies nothing can be told of chance: p is 1. Source: Welch (1947), "The Generalization of
    'Student's' Problem when Several Different Population Variances are Involved", Biometrika 34, 28-35.
    """
    if len(a) < 2 or len(b) < 2:
        return None
    effect = fmean(a) - fmean(b)
    of_a, of_b = variance(a) / len(a), variance(b) / len(b)
    if of_a + of_b <= 0.0:
        return Difference(effect, 0.0, inf, 1.0)
    error = sqrt(of_a + of_b)
    freedom = (of_a + of_b) ** 2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
    return Difference(effect, error, freedom, t_two_sided(effect / error, freedom))


def t_two_sided(t: float, freedom: float) -> float:
    """Return the chance of a t at least this far from 0 on either side."""
    return _incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))


def t_quantile(share: float, freedom: float) -> float:
    """Return the t below which `share` (over a half) lies."""
    low, high = 0.0, 2.0
    while 1.0 - t_two_sided(high, freedom) / 2.0 < share and high < 1e12:
        high *= 2.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if 1.0 - t_two_sided(middle, freedom) / 2.0 < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function.

    Source: Press et al. (2007), "Numerical Recipes", third edition, section 6.4 (the continued fraction of Lentz).
    """
    if x <= 0.0 or x >= 1.0:
        return 0.0 if x <= 0.0 else 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1.0 - x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1.0 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, _kept(1.0 - (a + b) * x / (a + 1.0))
    d = 1.0 / d
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d, c = 1.0 / _kept(1.0 + even * d), _kept(1.0 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d, c = 1.0 / _kept(1.0 + odd * d), _kept(1.0 + odd / c)
        value *= d * c
        if abs(d * c - 1.0) < _CLOSE:
            break
    return value


def _kept(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
