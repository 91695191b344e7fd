"""z of a flow: robust over a trailing window, or exponentially weighted. Flows are integers of 10^-q."""

from __future__ import annotations

import math
from math import isqrt, sqrt

MAX_Z = 5.0
MIN_SCALE = 1_024.0


def signed_root(flow: int) -> int:
    """Return sign(x) · floor(sqrt(|x| · 2^20))."""
    root = isqrt(min(abs(flow), 1 << 100) << 20)
    return -root if flow < 0 else root


def middles(values: list[int]) -> int:
    """Return the sum of the two middle order statistics: twice the median."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]


def clipped(z: float) -> float:
    """Return z within ±5."""
    return max(-MAX_Z, min(MAX_Z, z))


class RobustZ:
    """Median and spread of the signed roots of the last `window` bins, this one left out."""

    def __init__(self, window: int, warmup: int) -> None:
        self.window = window
        self.warmup = max(warmup, 1)
        self.past: list[int | None] = []

    def step(self, flow: int, *, usable: bool) -> float | None:
        """Return the z of a bin against its past, then add it; a bin that is not usable does neither."""
        y = signed_root(flow) if usable else None
        z = self._score(y) if y is not None else None
        self.past.append(y)
        return z

    def clear(self) -> None:
        """Forget all bins."""
        self.past = []

    def _score(self, y: int) -> float | None:
        ys = [old for old in self.past[-self.window :] if old is not None]
        n = len(ys)
        if n < self.warmup:
            return None
        med2 = middles(ys)
        mad4 = middles([abs(2 * old - med2) for old in ys])
        sd = sqrt(float(n * sum(old * old for old in ys) - sum(ys) ** 2)) / n
        scale = max(1.4826 * (mad4 / 4.0), sd, MIN_SCALE)
        return clipped((2 * y - med2) / (2.0 * scale))


def half_to_the(x: float) -> float:
    """Return 2^-x by halving and squaring around a Taylor series, so that no library's last digit matters."""
    small = -math.log(2) * x
    halvings = 0
    while small < -0.5:
        small /= 2.0
        halvings += 1
    total = term = 1.0
    for step in range(1, 19):
        term = term * small / step
        total += term
    for _ in range(halvings):
        total *= total
    return total


class EwZ:
    """Exponentially weighted mean and variance of the signed roots; weights halve every `half_life_ms`."""

    def __init__(self, bin_ms: int, half_life_ms: int, warmup: int) -> None:
        self.decay = half_to_the(bin_ms / half_life_ms)
        self.warmup = max(warmup, 1)
        self.clear()

    def clear(self) -> None:
        """Forget all bins."""
        self.seen = 0
        self.weight = self.mean = self.squares = 0.0

    def step(self, flow: int, *, usable: bool) -> float | None:
        """Return the z of a bin against its past, then add it; a bin that is not usable only lets the past fade."""
        y = signed_root(flow)
        z = None
        if usable and self.seen >= self.warmup:
            scale = max(sqrt(self.squares / self.weight), MIN_SCALE)
            z = clipped((y - self.mean) / scale)
        self.weight *= self.decay
        self.squares *= self.decay
        if usable:
            self.seen += 1
            self.weight += 1.0
            before = y - self.mean
            self.mean += before / self.weight
            self.squares += before * (y - self.mean)
        return z
