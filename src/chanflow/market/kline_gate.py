"""The gate of bars that come from outside: whether a bar can be one at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

BAD_VALUE = "bad_value"
NULL_FIELD = "null_field"
TIME_BACK = "time_back"
DUPLICATE = "duplicate"

_PRICES = ("open", "high", "low", "close")


class PlainKlineGate:
    """A bar needs positive finite prices, bounded by its high and low, no negative volume, and a later open."""

    def codes(self, columns: Mapping[str, Any]) -> list[list[str]]:
        """Return the codes of each bar, none for a good one."""
        prices = {name: np.asarray(columns[name], dtype=np.float64) for name in _PRICES}
        open_ms = np.asarray(columns["open_ms"], dtype=np.int64)
        missing = np.zeros(open_ms.size, dtype=bool)
        for values in prices.values():
            missing |= np.isnan(values)
        with np.errstate(invalid="ignore"):
            top = np.maximum.reduce(list(prices.values()))
            bottom = np.minimum.reduce(list(prices.values()))
            bad = ~missing & ~((bottom > 0) & np.isfinite(top) & (top <= prices["high"]) & (bottom >= prices["low"]))
            for name in ("volume", "amount"):
                if name in columns:
                    bad |= np.asarray(columns[name], dtype=np.float64) < 0
        before = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(open_ms)[:-1]])
        flags = {NULL_FIELD: missing, BAD_VALUE: bad, DUPLICATE: open_ms == before, TIME_BACK: open_ms < before}
        found: list[list[str]] = [[] for _ in range(open_ms.size)]
        for code, flagged in flags.items():
            for at in np.flatnonzero(flagged):
                found[at].append(code)
        return found
