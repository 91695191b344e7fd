"""The last minutes of one symbol's rows: what a row does not say of them itself is counted here."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from chanflow.signals.activity import Activity
from chanflow.signals.feature_row import FeatureRow

MINUTE_MS = 60_000
MOVE_MS = 300_000
MAX_MOVE_AGE_MS = 360_000
"""A mid older than this is no start of a 5 min move: rows are missing between."""
MAX_ROWS = 8_192


@dataclass(frozen=True, slots=True)
class _Past:
    ts_ms: int
    trades: float | None
    quotes: float | None
    volume_quote: float | None
    mid: float | None


class Trailing:
    """The rows of the last minutes, in the order of their times; the newest `MAX_ROWS` at most."""

    def __init__(self) -> None:
        self._rows: deque[_Past] = deque(maxlen=MAX_ROWS)

    def add(self, row: FeatureRow) -> None:
        """Take a row that is later than all before."""
        self._rows.append(_Past(row.ts_ms, row.trades, row.quotes, row.volume_quote, row.mid))
        while self._rows[0].ts_ms < row.ts_ms - MAX_MOVE_AGE_MS:
            self._rows.popleft()

    def move_bps(self, row: FeatureRow) -> float | None:
        """Return the move of the mid in the 5 min before the newest row, its own figure first, None if not known."""
        if row.move_bps is not None or row.mid is None:
            return row.move_bps
        start = None
        for past in self._rows:
            if past.ts_ms > row.ts_ms - MOVE_MS:
                break
            start = past.mid
        return None if start is None else 1e4 * (row.mid - start) / start

    @property
    def span_ms(self) -> int:
        """How far back the rows reach."""
        return self._rows[-1].ts_ms - self._rows[0].ts_ms if self._rows else 0

    def activity(self, row: FeatureRow) -> Activity:
        """Return what the minute before the newest row was like, its own figures first."""
        said = row.activity
        if None not in (said.trades_per_min, said.quotes_per_s, said.volatility_bps, said.volume_quote):
            return said
        minute = self._minute(row.ts_ms)
        if minute is None:
            return said
        quotes = _total([past.quotes for past in minute[1:]])
        return replace(
            said,
            trades_per_min=_either(said.trades_per_min, _total([past.trades for past in minute[1:]])),
            quotes_per_s=_either(said.quotes_per_s, None if quotes is None else quotes / 60),
            volatility_bps=_either(said.volatility_bps, _swing_bps([past.mid for past in minute])),
            volume_quote=_either(said.volume_quote, _total([past.volume_quote for past in minute[1:]])),
        )

    def _minute(self, now_ms: int) -> list[_Past] | None:
        """Return the rows of the last minute with the one before them, or None where they do not reach back so far."""
        found: list[_Past] = []
        for past in reversed(self._rows):
            found.append(past)
            if past.ts_ms <= now_ms - MINUTE_MS:
                return found[::-1]
        return None

    def save(self) -> list[list[float | None]]:
        """Return the rows as JSON knows them."""
        return [[row.ts_ms, row.trades, row.quotes, row.volume_quote, row.mid] for row in self._rows]

    def load(self, state: list[Any]) -> None:
        """Take up what `save` gave. Raises TypeError or ValueError for anything else."""
        self._rows = deque((_Past(int(ts), *rest) for ts, *rest in state), maxlen=MAX_ROWS)


def _either(said: float | None, counted: float | None) -> float | None:
    return counted if said is None else said


def _total(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None


def _swing_bps(mids: list[float | None]) -> float | None:
    """Return the root of the summed squares of the moves, in bps of the last mid."""
    known = [mid for mid in mids if mid is not None]
    if len(known) < len(mids) or not known:
        return None
    moves = (new - old for old, new in pairwise(known))
    return 1e4 * math.sqrt(math.fsum(move * move for move in moves)) / known[-1]
