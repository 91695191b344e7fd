"""From event batches to the Parquet lake: rows are collected in the compiled core and handed over in bulk."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from chanflow.adapters.storage.lake import LakeWriter
from chanflow.adapters.storage.rows import SIDES
from chanflow.domain.time import NS_PER_S

if TYPE_CHECKING:
    import polars as pl
    from chanflow_native import EventBatch

    from chanflow.adapters.storage.rows import Columns

HAND_OVER_ROWS = 50_000
"""Rows are handed over in bulk, at the latest when so many wait or the writer would close a part."""

_KINDS = ((0, "trade"), (1, "quote"))
_VALUES = {"trade": ("price", "qty"), "quote": ("bid", "ask", "bid_qty", "ask_qty")}


class LakeSink:
    """A `RowSink` that writes to the lake, and a `Tail` that shows from any thread what it has not yet published.

    Parts depend on the rows alone, so being looked at changes no file.
    """

    def __init__(self, writer: LakeWriter, *, rotate_s: float, price_decimals: int, qty_decimals: int) -> None:
        import chanflow_native

        self._writer = writer
        self._rotate_ns = int(rotate_s * NS_PER_S)
        self._handed_ns = 0
        self._rows = chanflow_native.RowCollector(price_decimals, qty_decimals)
        self._lock = threading.Lock()
        self._taken: list[Columns] = []
        self._newest: dict[str, dict[str, Any]] = {}

    def add(self, batch: EventBatch) -> None:
        """Take the rows of a batch. Raises StorageUnwritable."""
        with self._lock:
            self._rows.push(batch)
            now_ns = batch.last_event_ns or self._handed_ns
            if self._rows.pending >= HAND_OVER_ROWS or now_ns - self._handed_ns >= self._rotate_ns:
                self._handed_ns = now_ns
                self._hand_over()

    def close(self) -> None:
        """Publish what is still open. Raises StorageUnwritable."""
        with self._lock:
            self._hand_over()
            self._writer.close()

    def discard(self) -> None:
        """Let go of what is still open."""
        with self._lock:
            self._taken.clear()
            self._writer.discard()

    def tail(self, symbol: str) -> pl.DataFrame | None:
        """Return the rows that wait to be published, or None for another symbol or when none do."""
        if symbol != self._writer.symbol:
            return None
        with self._lock:
            self._take()
            return self._writer.tail(self._taken)

    def live(self, symbol: str) -> dict[str, dict[str, Any]] | None:
        """Return the newest quote and trade, as far as seen, or None for another symbol."""
        if symbol != self._writer.symbol:
            return None
        with self._lock:
            self._take()
            return dict(self._newest)

    def _take(self) -> None:
        """Take what the core collected: the newest of each kind is noted, the rest waits for the writer."""
        if not self._rows.pending:
            return
        rows = self._rows.take()
        self._taken.append(rows)
        for code, kind in _KINDS:
            of_kind = np.flatnonzero(rows["kind"] == code)
            if of_kind.size:
                self._newest[kind] = _row(rows, int(of_kind[-1]), kind)

    def _hand_over(self) -> None:
        self._take()
        while self._taken:
            self._writer.add(self._taken[0])
            del self._taken[0]


def _row(rows: Columns, at: int, kind: str) -> dict[str, Any]:
    event_ms = int(rows["event_ms"][at]) or int(rows["ts_ms"][at])
    held: dict[str, Any] = {"event_ms": event_ms, "known_ns": int(rows["known_ns"][at]), "dq_codes": []}
    held |= {name: float(rows[name][at]) for name in _VALUES[kind]}
    return held | {"side": SIDES[int(rows["side"][at])]} if kind == "trade" else held
