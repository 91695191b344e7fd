"""The micro-price (Stoikov 2018): what queue imbalance and spread expect of the mid, by a finite Markov chain."""

from __future__ import annotations

from math import gcd, isfinite

BUCKETS, SPREADS = 10, 4
STATES = BUCKETS * SPREADS
FIT_MS = 300_000
TICK_QUOTES, MIN_STEPS, MAX_STEPS = 1_000, 1_000, 4_000_000
MAX_TERMS, LAST_TERM, MIN_PIVOT = 100, 1e-9, 1e-12

Matrix = list[list[float]]


class MicroPrice:
    """Counts the steps of the quotes; fits at every 5 min of venue time on the steps before it."""

    def __init__(self, tick: int | None) -> None:
        self.tick = tick or 0
        self.learnt = 0 if tick is None else TICK_QUOTES
        self.next_fit_ms: int | None = None
        self.fits: list[tuple[int, list[float]]] = []
        self.before: tuple[int, int] | None = None
        self._forget()

    def on_quote(self, event_ms: int, bid: int, bid_qty: int, ask: int, ask_qty: int) -> None:
        """Take the next quotes."""
        boundary = event_ms // FIT_MS * FIT_MS
        if self.next_fit_ms is not None and event_ms >= self.next_fit_ms:
            self._fit(boundary)
            self.next_fit_ms = boundary + FIT_MS
        elif self.next_fit_ms is None:
            self.next_fit_ms = boundary + FIT_MS
        if self.tick <= 0 or bid % self.tick or ask % self.tick:
            self.tick = gcd(gcd(self.tick, bid), ask)
            self._forget()
        self.learnt += 1
        if self.learnt <= TICK_QUOTES:
            self.before = None
            return
        state, mid2 = self._state(bid, bid_qty, ask, ask_qty), bid + ask
        if self.before and state is not None:
            old_state, old_mid2 = self.before
            table = self.stayed if mid2 == old_mid2 else self.moved
            table[old_state][state] += 1
            self.gains[old_state] += mid2 - old_mid2
            self.steps += 1
        self.before = None if state is None else (state, mid2)

    def break_off(self) -> None:
        """Forget the last quotes: the next step is not known to be one."""
        self.before = None

    def adjustment(self, ts_ms: int, bid: int, bid_qty: int, ask: int, ask_qty: int) -> float | None:
        """Return what to add to bid + ask for a bin that ends at `ts_ms`."""
        past = [table for boundary, table in self.fits if boundary < ts_ms]
        state = self._state(bid, bid_qty, ask, ask_qty)
        return past[-1][state] if past and state is not None else None

    def _forget(self) -> None:
        self.stayed = [[0] * STATES for _ in range(STATES)]
        self.moved = [[0] * STATES for _ in range(STATES)]
        self.gains = [0] * STATES
        self.steps = 0
        self.before = None

    def _state(self, bid: int, bid_qty: int, ask: int, ask_qty: int) -> int | None:
        spread = (ask - bid) // max(self.tick, 1)
        if not 1 <= spread <= SPREADS or bid_qty + ask_qty == 0:
            return None
        return (spread - 1) * BUCKETS + min(BUCKETS * bid_qty // (bid_qty + ask_qty), BUCKETS - 1)

    def _fit(self, boundary: int) -> None:
        if self.steps < MIN_STEPS:
            return
        table = adjustments(self.stayed, self.moved, self.gains)
        if table is not None:
            self.fits.append((boundary, table))
        if self.steps > MAX_STEPS:
            self.stayed = [[count >> 1 for count in row] for row in self.stayed]
            self.moved = [[count >> 1 for count in row] for row in self.moved]
            self.gains = [gain >> 1 for gain in self.gains]
            self.steps >>= 1


def mirror(state: int) -> int:
    """Return the state with the queues exchanged."""
    return state // BUCKETS * BUCKETS + BUCKETS - 1 - state % BUCKETS


def adjustments(stayed: list[list[int]], moved: list[list[int]], gains: list[int]) -> list[float] | None:
    """Return G = Σ B^i (I - Q)^-1 r for each state, every step counted with its mirror image."""
    every = range(STATES)

    def both(table: list[list[int]], old: int, new: int) -> int:
        return table[old][new] + table[mirror(old)][mirror(new)]

    totals = [float(max(sum(both(stayed, old, new) + both(moved, old, new) for new in every), 1)) for old in every]
    rest = [[float(old == new) - float(both(stayed, old, new)) / totals[old] for new in every] for old in every]
    moves = [[float(both(moved, old, new)) / totals[old] for new in every] for old in every]
    first = [float(gains[old] - gains[mirror(old)]) / totals[old] for old in every]
    inverted = inverse(rest)
    if inverted is None:
        return None
    term = product(inverted, first)
    total = list(term)
    for _ in range(MAX_TERMS):
        term = product(inverted, product(moves, term))
        total = [sum_ + part for sum_, part in zip(total, term, strict=True)]
        if max(map(abs, term)) < LAST_TERM:
            break
    return total if all(map(isfinite, total)) else None


def product(matrix: Matrix, vector: list[float]) -> list[float]:
    """Return matrix times vector, each sum from left to right."""
    found = []
    for row in matrix:
        total = 0.0
        for factor, value in zip(row, vector, strict=True):
            total += factor * value
        found.append(total)
    return found


def inverse(matrix: Matrix) -> Matrix | None:
    """Invert by Gauss-Jordan elimination with partial pivoting; None where a pivot vanishes."""
    n = len(matrix)
    rows = [[*row, *(float(at == column) for column in range(n))] for at, row in enumerate(matrix)]
    for column in range(n):
        pivot = max(range(column, n), key=lambda row: (abs(rows[row][column]), -row))
        if abs(rows[pivot][column]) < MIN_PIVOT:
            return None
        rows[column], rows[pivot] = rows[pivot], rows[column]
        divisor = rows[column][column]
        own = rows[column] = [value / divisor for value in rows[column]]
        for at in range(n):
            factor = rows[at][column]
            if at != column and factor != 0.0:
                rows[at] = [value - factor * part for value, part in zip(rows[at], own, strict=True)]
    return [row[n:] for row in rows]
