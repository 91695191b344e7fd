"""How far a measured share may be from the true one."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution: a two-sided interval of 95 %."""


class Interval(NamedTuple):
    """A share's bounds, both from 0 to 1."""

    low: float
    high: float


def wilson(hits: int, n: int, z: float = Z_95) -> Interval:
    """Return the score interval of the share hits / n, independent trials assumed.

    Raises ValueError unless 0 <= hits <= n and n > 0. Source: Wilson (1927), "Probable Inference, the Law of
    Succession, and Statistical Inference", Journal of the American Statistical Association 22, 209-212.
    """
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"{hits} hits of {n}: hits must lie between 0 and n, and n above 0")
    share = hits / n
    scale = 1.0 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z * sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n)) / scale
    return Interval(0.0 if hits == 0 else middle - half, 1.0 if hits == n else middle + half)
