"""From event batches to the Parquet lake: rows are collected in the compiled core and handed over in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chanflow.adapters.storage.lake import LakeWriter
from chanflow.domain.time import NS_PER_S

if TYPE_CHECKING:
    from chanflow_native import EventBatch

HAND_OVER_ROWS = 50_000
"""Rows are handed over in bulk, at the latest when so many wait or the writer would close a part."""


class LakeSink:
    """A `RowSink` that writes to the lake."""

    def __init__(self, writer: LakeWriter, *, rotate_s: float, price_decimals: int, qty_decimals: int) -> None:
        import chanflow_native

        self._writer = writer
        self._rotate_ns = int(rotate_s * NS_PER_S)
        self._handed_ns = 0
        self._rows = chanflow_native.RowCollector(price_decimals, qty_decimals)

    def add(self, batch: EventBatch) -> None:
        """Take the rows of a batch. Raises StorageUnwritable."""
        self._rows.push(batch)
        now_ns = batch.last_event_ns or self._handed_ns
        if self._rows.pending >= HAND_OVER_ROWS or now_ns - self._handed_ns >= self._rotate_ns:
            self._handed_ns = now_ns
            self._writer.add(self._rows.take())

    def close(self) -> None:
        """Publish what is still open. Raises StorageUnwritable."""
        if self._rows.pending:
            self._writer.add(self._rows.take())
        self._writer.close()

    def discard(self) -> None:
        """Let go of what is still open."""
        self._writer.discard()
