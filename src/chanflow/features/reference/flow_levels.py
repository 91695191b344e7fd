"""Order flow imbalance of the deeper levels, and their first principal component behind its gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from chanflow.features.reference.flow_book import Levels

BLOCK_MS, BLOCKS = 1_800_000, 12
MIN_BINS, MARGIN, STEPS = 30.0, 0.02, 100


def demand(old: tuple[int, int], new: tuple[int, int]) -> int:
    """Return what a change of a bid adds: a price not below the old brings its size, one not above takes the old's."""
    (old_price, old_qty), (price, qty) = old, new
    return (qty if price >= old_price else 0) - (old_qty if price <= old_price else 0)


def ofi_step(before: tuple[int, int, int, int], after: tuple[int, int, int, int]) -> int:
    """Return the order flow imbalance of one step of bid, bid_qty, ask, ask_qty."""
    old_bid, old_bid_qty, old_ask, old_ask_qty = before
    bid, bid_qty, ask, ask_qty = after
    return demand((old_bid, old_bid_qty), (bid, bid_qty)) - demand((-old_ask, old_ask_qty), (-ask, ask_qty))


def level_steps(before: tuple[Levels, Levels], after: tuple[Levels, Levels], levels: int) -> list[int]:
    """Return the step at each level; a side counts at a level that both books have."""
    steps = [0] * levels
    for at, (old, new) in enumerate(zip(before[0], after[0], strict=False)):
        steps[at] += demand(old, new)
    for at, (old, new) in enumerate(zip(before[1], after[1], strict=False)):
        steps[at] -= demand((-old[0], old[1]), (-new[0], new[1]))
    return steps


def normalised(weights: Sequence[float], count: int) -> list[float]:
    """Return the first `count` weights, negative ones as 0, their sum 1."""
    cut = [max(weight, 0.0) for weight in (*weights, *[0.0] * count)[:count]]
    total = 0.0
    for weight in cut:
        total += weight
    return [weight / total for weight in cut] if total > 0 else cut


@dataclass(slots=True)
class Sums:
    """Sums over bins: their number, of flows, of moves, and of their products."""

    n: float
    x: list[float]
    y: float
    xx: list[list[float]]
    xy: list[float]
    yy: float

    @classmethod
    def empty(cls, levels: int) -> Sums:
        """Return sums of nothing."""
        return cls(0.0, [0.0] * levels, 0.0, [[0.0] * levels for _ in range(levels)], [0.0] * levels, 0.0)

    def add(self, flows: Sequence[float], y: float) -> None:
        """Add a bin."""
        self.n += 1.0
        self.y += y
        self.yy += y * y
        for at, flow in enumerate(flows):
            self.x[at] += flow
            self.xy[at] += flow * y
            for other, second in enumerate(flows):
                self.xx[at][other] += flow * second

    def join(self, other: Sums) -> None:
        """Add the sums of other bins."""
        self.n += other.n
        self.y += other.y
        self.yy += other.yy
        self.x = [a + b for a, b in zip(self.x, other.x, strict=True)]
        self.xy = [a + b for a, b in zip(self.xy, other.xy, strict=True)]
        self.xx = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(self.xx, other.xx, strict=True)]

    def along(self, w: Sequence[float]) -> tuple[float, float, float]:
        """Return Σz, Σz², Σzy of z = w·x."""
        z = zz = zy = 0.0
        for at, weight in enumerate(w):
            z += weight * self.x[at]
            zy += weight * self.xy[at]
            for other, second in enumerate(w):
                zz += weight * second * self.xx[at][other]
        return z, zz, zy


@dataclass(frozen=True, slots=True)
class Line:
    """The move of the mid as a straight line of w·x."""

    w: list[float]
    at_zero: float
    slope: float

    @classmethod
    def fit(cls, sums: Sums, w: list[float]) -> Line:
        """Return the least-squares line."""
        z, zz, zy = sums.along(w)
        spread = zz - z * z / sums.n
        slope = (zy - z * sums.y / sums.n) / spread if spread > 0.0 else 0.0
        return cls(w, (sums.y - slope * z) / sums.n, slope)

    def r_squared(self, block: Sums) -> float:
        """Return the share of a block's variance that the line explains."""
        z, zz, zy = block.along(self.w)
        a, b = self.at_zero, self.slope
        missed = block.yy + block.n * a * a + b * b * zz - 2.0 * a * block.y - 2.0 * b * zy + 2.0 * a * b * z
        total = block.yy - block.y * block.y / block.n
        return 1.0 - missed / total if total > 0.0 else 0.0


class Integrated:
    """Fits every 30 min on the trailing 6 h; shows only while it beat level 1 in the last two half-hours."""

    def __init__(self, levels: int) -> None:
        self.levels = levels
        self.block: int | None = None
        self.sums = Sums.empty(levels)
        self.blocks: list[Sums] = []
        self.lines: tuple[Line, Line] | None = None
        self.passed: list[bool] = []

    def value(self, ts_ms: int, flows: Sequence[float]) -> float | None:
        """Return the value of a bin, None while the gate is shut."""
        block = (ts_ms - 1) // BLOCK_MS
        if self.block is not None and block > self.block:
            self._refit()
        self.block = block
        if self.lines is None or len(self.passed) < 2 or not all(self.passed[-2:]):
            return None
        total = 0.0
        for weight, flow in zip(self.lines[0].w, flows, strict=True):
            total += weight * flow
        return total

    def _refit(self) -> None:
        block, self.sums = self.sums, Sums.empty(self.levels)
        if block.n < MIN_BINS:
            return
        if self.lines is not None:
            component, first = self.lines
            self.passed.append(component.r_squared(block) >= first.r_squared(block) + MARGIN)
        self.blocks.append(block)
        total = Sums.empty(self.levels)
        for part in self.blocks[-BLOCKS:]:
            total.join(part)
        level_1 = [1.0] + [0.0] * (self.levels - 1)
        self.lines = Line.fit(total, principal(total, self.levels)), Line.fit(total, level_1)


def principal(sums: Sums, levels: int) -> list[float]:
    """Return the first principal component, by power iteration, over its L1 norm and with a positive sum."""
    mean = [sum_ / sums.n for sum_ in sums.x]
    matrix = [[sums.xx[a][b] / sums.n - mean[a] * mean[b] for b in range(levels)] for a in range(levels)]
    v = [1.0 / sqrt(levels)] * levels
    for _ in range(STEPS):
        following, squares = [], 0.0
        for row in matrix:
            total = 0.0
            for factor, value in zip(row, v, strict=True):
                total += factor * value
            squares += total * total
            following.append(total)
        length = sqrt(squares)
        if length <= 0.0:
            break
        v = [value / length for value in following]
    total = size = 0.0
    for value in v:
        total += value
        size += abs(value)
    return [value / (-size if total < 0.0 else size) for value in v]
