"""The proof behind a certificate: what a structure's history says is compared with what each prefix really shows.

A prefix is analysed on its own, so nothing in it can come from a later bar. Compared are what it confirms with the
whole series' structure (what is confirmed may not change) and what it shows with the whole series' history (a point
was not seen before the prefix that first shows it, and was seen in that one).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chanflow.adapters.storage.bars_file import BarColumns
from chanflow.backtest.history import CONFIRMED, VOID, ElementHistory, Indices, PointHistory, elements_of, history_of

Analyse = Callable[[BarColumns], Any]
"""Gives the structure of bars, with its history, as `features.chan.analyze(..., history=True)` does."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How much was compared, and how much differed; the two last must be 0."""

    prefixes: int = 0
    confirmed_compared: int = 0
    """Confirmed points and elements of all prefixes."""
    shown_compared: int = 0
    """Points and elements shown in all prefixes, confirmed or not."""
    confirmed_changed: int = 0
    """Confirmed in a prefix, and another or absent in the whole."""
    history_differs: int = 0
    """Shown in a prefix before its `first_seen_bar`, not shown at it, or confirmed otherwise than `confirmed_bar`."""

    @property
    def holds(self) -> bool:
        """Whether nothing differed."""
        return self.confirmed_changed == 0 and self.history_differs == 0

    def plus(self, other: Proof) -> Proof:
        """Return both proofs as one."""
        return Proof(
            self.prefixes + other.prefixes,
            self.confirmed_compared + other.confirmed_compared,
            self.shown_compared + other.shown_compared,
            self.confirmed_changed + other.confirmed_changed,
            self.history_differs + other.history_differs,
        )


def prove(bars: BarColumns, whole: Any, analyse: Analyse, prefixes: int) -> Proof:
    """Return the proof for one series by at most `prefixes` prefixes, `whole` being the structure of all bars.

    Half of them end at bars at which something was first seen or confirmed, evenly chosen from all of these, the other
    half at bars spread over the series: what the history forgot has no bar of its own.
    """
    if not len(bars) or prefixes < 1:
        return Proof()
    parts: list[PointHistory | ElementHistory] = [history_of(whole), *elements_of(whole)]
    columns = [column for part in parts for column in (part.first_seen_bar, part.confirmed_bar)]
    events = np.unique(np.concatenate(columns))
    at_events = _spread(events[events >= 0], (prefixes + 1) // 2)
    chosen = np.union1d(at_events, _spread(np.arange(len(bars), dtype=np.int64), prefixes // 2))
    proof = Proof()
    for bar in chosen.tolist():
        then = analyse(first_bars(bars, bar + 1))
        shown: list[PointHistory | ElementHistory] = [history_of(then), *elements_of(then)]
        for part, seen in zip(parts, shown, strict=True):
            proof = proof.plus(_compared(part, seen, bar))
        proof = proof.plus(Proof(prefixes=1))
    return proof


def _spread(values: Indices, most: int) -> Indices:
    """Return at most `most` of rising values, evenly chosen, the first and the last among them."""
    if not values.size or most < 1:
        return values[:0]
    picked: Indices = np.linspace(0, values.size - 1, min(most, values.size)).round().astype(np.int64)
    return values[picked]


def first_bars(bars: BarColumns, count: int) -> BarColumns:
    """Return the first `count` bars."""
    return BarColumns(
        ts_ms=bars.ts_ms[:count],
        open=bars.open[:count],
        high=bars.high[:count],
        low=bars.low[:count],
        close=bars.close[:count],
        volume=None if bars.volume is None else bars.volume[:count],
        amount=None if bars.amount is None else bars.amount[:count],
    )


def _compared(whole: PointHistory | ElementHistory, then: PointHistory | ElementHistory, bar: int) -> Proof:
    """Compare what is shown after `bar` with what the whole series says of that time."""
    shown, confirmed = then.keys()[then.state != VOID], _facts(then)[then.state == CONFIRMED]
    final = _facts(whole)[whole.state == CONFIRMED]
    keys = whole.keys()
    seen_by_then = keys[whole.first_seen_bar <= bar]
    seen_now = np.setdiff1d(keys[whole.first_seen_bar == bar], keys[whole.first_seen_bar < bar])
    held_by_then = keys[(whole.confirmed_bar >= 0) & (whole.confirmed_bar <= bar)]
    differs = (
        np.count_nonzero(~np.isin(shown, seen_by_then))
        + np.count_nonzero(~np.isin(seen_now, shown))
        + np.setxor1d(then.keys()[then.state == CONFIRMED], held_by_then).size
    )
    return Proof(
        confirmed_compared=len(confirmed),
        shown_compared=len(shown),
        confirmed_changed=int(np.count_nonzero(~np.isin(confirmed, final))),
        history_differs=int(differs),
    )


def _facts(history: PointHistory | ElementHistory) -> Indices:
    """Return one number for all of a row that may not change once it is confirmed.

    Of elements that is the identity, the direction and the end. A point's price, time and element follow from its key
    and the bars.
    """
    keys = history.keys()
    if isinstance(history, PointHistory):
        return keys
    return (keys << 32) + (history.end_bar << 1) + (history.direction > 0)
