"""Writes the Parquet lake of one venue: rows wait in memory, and parts are published whole."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chanflow.adapters.storage.layout import checked_name, date_folder, date_of_day
from chanflow.adapters.storage.publish import Publisher, make_folder, place, unwritable
from chanflow.adapters.storage.rows import COLLECTED, SCHEMA_VERSION, Columns, unified_rows
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import MS_PER_DAY, NS_PER_MS

if TYPE_CHECKING:
    import polars as pl

LATE_MS = 60_000
"""How long after midnight a date's part stays open for late rows, in ms of event time."""


@dataclass(slots=True)
class _Part:
    """Rows of one UTC date that wait to be published."""

    day: int
    first_ts_ms: int
    first_known_ms: int
    rows: int = 0
    batches: list[Columns] = field(default_factory=list)
    dq_runs: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def take(self, columns: Columns, start: int, end: int, codes: tuple[str, ...]) -> None:
        # Copied: a view would keep its whole batch alive, and the caller may reuse its buffers.
        self.batches.append({name: columns[name][start:end].copy() for name in COLLECTED})
        self.dq_runs.append((end - start, codes))
        self.rows += end - start

    def frame(self, *, venue: str, symbol: str) -> pl.DataFrame:
        whole = {name: np.concatenate([batch[name] for batch in self.batches]) for name in COLLECTED}
        return unified_rows(whole, venue=venue, symbol=symbol, dq_runs=self.dq_runs)


class LakeWriter:
    """Writes the rows of one symbol.

    A part ends at `rotate_rows` rows, at `rotate_s` of event time, and with its UTC date (which stays open `LATE_MS`
    for late rows); so parts depend on the rows alone, not on how they were batched, and a repeated run writes the
    same bytes under the same names. Such a part is kept as it is. A part that is the beginning of the new one was left
    by an earlier stop and is replaced; one whose beginning is the new one stays. Any other takes the next free `-N`.

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
        """Remove what dead writers left in `_tmp`. Raises InvalidArgument for a name or bound, StorageUnwritable."""
        if rotate_rows < 1 or rotate_s <= 0:
            raise InvalidArgument(f"a part of {rotate_rows} rows, {rotate_s} s: both must be positive", field="rotate")
        self._root = output_dir
        self._venue = checked_name(venue, field="venue")
        self.symbol = self._symbol = checked_name(symbol, field="symbol")
        self._rotate_rows = rotate_rows
        self._rotate_ms = int(rotate_s * 1_000)
        self._open: dict[int, _Part] = {}
        self._publisher = Publisher(output_dir, writer_id)

    def add(self, columns: Columns, *, dq_codes: Sequence[str] = ()) -> None:
        """Take rows in arrival order, with the gate's codes for all of them. Raises StorageUnwritable."""
        days = columns["ts_ms"] // MS_PER_DAY
        edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
        for start, end in itertools.pairwise(edges):
            if start < end:
                self._add_day(int(days[start]), columns, start, end, tuple(dq_codes))

    def tail(self, coming: Sequence[Columns] = ()) -> pl.DataFrame | None:
        """Return the rows that wait to be published and those `coming` next, or None when there are none.

        Not to be called during another call.
        """
        import polars as pl

        of = {"venue": self._venue, "symbol": self._symbol}
        frames = [self._open[day].frame(**of) for day in sorted(self._open)]
        frames += [unified_rows(rows, **of, dq_runs=[(len(rows["ts_ms"]), ())]) for rows in coming]
        return pl.concat(frames) if frames else None

    def close(self) -> None:
        """Publish what waits and give the writer's name back. May be called twice. Raises StorageUnwritable."""
        for day in sorted(self._open):
            self._publish(day)
        self.discard()

    def discard(self) -> None:
        """Give the writer's name back without publishing what waits."""
        self._open.clear()
        self._publisher.close()

    def _add_day(self, day: int, columns: Columns, start: int, end: int, codes: tuple[str, ...]) -> None:
        ts = columns["ts_ms"]
        newest_ms = int(ts[start:end].max())
        while start < end:
            part = self._open.get(day)
            if part is None:
                part = _Part(day, int(ts[start]), int(columns["known_ns"][start]) // NS_PER_MS)
                self._open[day] = part
            stop = min(end, start + self._rotate_rows - part.rows)
            aged = np.flatnonzero(ts[start:stop] >= part.first_ts_ms + self._rotate_ms)
            if aged.size:
                stop = start + int(aged[0])
            if stop > start:
                part.take(columns, start, stop, codes)
            if aged.size or part.rows >= self._rotate_rows:
                self._publish(day)
            start = stop
        for older in sorted(self._open):
            if newest_ms >= (older + 1) * MS_PER_DAY + LATE_MS:
                self._publish(older)

    def _publish(self, day: int) -> None:
        part = self._open[day]
        frame = part.frame(venue=self._venue, symbol=self._symbol)
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd", compression_level=3, row_group_size=250_000)
        data = buffer.getvalue()
        sha256 = hashlib.sha256(data).hexdigest()
        date = date_of_day(day)
        folder = date_folder(self._root, self._symbol, date)
        try:
            make_folder(folder)
            path, fate = place(folder, f"part-{part.first_known_ms}", sha256, frame["row_id"])
            if fate == "write":
                self._publisher.write(path, data)
            if fate != "keep":
                self._publisher.list_part(date, self._entry(path, sha256, len(data), frame))
        except OSError as cause:
            raise unwritable(folder, cause) from cause
        del self._open[day]

    def _entry(self, path: Path, sha256: str, size: int, frame: pl.DataFrame) -> dict[str, Any]:
        return {
            "path": path.relative_to(self._root).as_posix(),
            "layer": "rows",
            "symbol": self._symbol,
            "rows": frame.height,
            "first_ts_ms": frame["ts_ms"].min(),
            "last_ts_ms": frame["ts_ms"].max(),
            "first_seq": frame["seq_last"].min(),
            "last_seq": frame["seq_last"].max(),
            "sha256": sha256,
            "bytes": size,
            "writer": self._publisher.writer,
            "schema_version": SCHEMA_VERSION,
        }
