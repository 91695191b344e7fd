"""Writes the Parquet lake of one venue: whole files only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chanflow.adapters.storage.layout import checked_name
from chanflow.adapters.storage.parts import PartWriter
from chanflow.adapters.storage.publish import Publisher
from chanflow.adapters.storage.rows import Columns, unified_rows
from chanflow.domain.errors import InvalidArgument

if TYPE_CHECKING:
    import polars as pl


class LakeWriter:
    """Writes the rows of one symbol, as `PartWriter` cuts them.

    `writer_id` must be unique among living writers of one `output_dir`. After a StorageUnwritable nothing of the
    failed part is visible; `close` tries it again, `discard` lets it go.
    """

    def __init__(
        self,
        output_dir: Path,
        venue: str,
        symbol: str,
        *,
        writer_id: str,
        rotate_rows: int = 200_000,
        rotate_s: float = 3_600.0,
    ) -> None:
        """Clear what dead writers left in `_tmp`. Raises InvalidArgument for a name or bound, StorageUnwritable."""
        self._venue = checked_name(venue, field="venue")
        self.symbol = self._symbol = checked_name(symbol, field="symbol")
        if rotate_rows < 1 or rotate_s <= 0:
            raise InvalidArgument(f"a part of {rotate_rows} rows, {rotate_s} s: both must be positive", field="rotate")
        self._publisher = Publisher(output_dir, writer_id)
        self._parts = PartWriter(self._publisher, symbol, rotate_rows=rotate_rows, rotate_s=rotate_s)

    def add(self, columns: Columns, *, dq_codes: Sequence[str] = ()) -> None:
        """Take rows in arrival order, with the gate's codes for all of them. Raises StorageUnwritable."""
        if len(columns["ts_ms"]):
            runs = [(len(columns["ts_ms"]), tuple(dq_codes))]
            self._parts.add(unified_rows(columns, venue=self._venue, symbol=self._symbol, dq_runs=runs))

    def tail(self, coming: Sequence[Columns] = ()) -> pl.DataFrame | None:
        """Return the rows that wait to be published and those `coming` next, or None when there are none.

        Not to be called during another call.
        """
        import polars as pl

        frames = self._parts.held()
        for rows in coming:
            runs = [(len(rows["ts_ms"]), ())]
            frames.append(unified_rows(rows, venue=self._venue, symbol=self._symbol, dq_runs=runs))
        return pl.concat(frames) if frames else None

    def close(self) -> None:
        """Publish what waits and give the writer's name back. May be called twice. Raises StorageUnwritable."""
        self._parts.publish_all()
        self.discard()

    def discard(self) -> None:
        """Give the writer's name back without publishing what waits."""
        self._parts.discard()
        self._publisher.release()
