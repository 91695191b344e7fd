"""Where one part of a layer ends and the next begins: by rows, by event time, and by UTC date."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chanflow.adapters.storage.layout import checked_name, date_of_day, layer_folder
from chanflow.adapters.storage.publish import Publisher, make_folder, sha256_of_file, unwritable
from chanflow.adapters.storage.rows import SCHEMA_VERSION
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import MS_PER_DAY, NS_PER_MS

if TYPE_CHECKING:
    import polars as pl

LATE_MS = 60_000
"""How long after midnight a date's part stays open for late rows, in ms of event time."""

GAP_COLUMN = "_gap"
"""A gap's account as JSON, where a row tells of one; it goes to the manifest, not into the file."""

PartFormat = Literal["parquet", "jsonl"]


@dataclass(slots=True)
class _Part:
    """Rows of one UTC date that wait to be published."""

    day: int
    first_ts_ms: int
    first_known_ms: int
    rows: int = 0
    frames: list[pl.DataFrame] = field(default_factory=list)


class PartWriter:
    """Writes one layer of one symbol.

    A part ends at `rotate_rows` rows, at `rotate_s` of event time, and with its UTC date (which stays open `LATE_MS`
    for late rows); so parts depend on the rows alone, not on how they were batched, and a repeated run writes the
    same bytes under the same names. Such a part is kept as it is. A part that is the beginning of the new one was left
    by an earlier stop and is replaced; one whose beginning is the new one stays. Any other takes the next free `-N`.

    After a StorageUnwritable nothing of the failed part is visible; `close` tries it again.
    """

    def __init__(
        self,
        publisher: Publisher,
        symbol: str,
        *,
        layer: str = "rows",
        part_format: PartFormat = "parquet",
        rotate_rows: int = 200_000,
        rotate_s: float = 3_600.0,
    ) -> None:
        """Raises InvalidArgument for a name or a bound."""
        if rotate_rows < 1 or rotate_s <= 0:
            raise InvalidArgument(f"a part of {rotate_rows} rows, {rotate_s} s: both must be positive", field="rotate")
        self._publisher = publisher
        self._symbol = checked_name(symbol, field="symbol")
        self.layer = layer
        self._format: PartFormat = part_format
        self._rotate_rows = rotate_rows
        self.rotate_s = rotate_s
        self._open: dict[int, _Part] = {}

    @property
    def waiting(self) -> int:
        """Rows that are not yet published."""
        return sum(part.rows for part in self._open.values())

    @property
    def oldest_ms(self) -> float:
        """When the first row that waits was known, Unix ms; infinite where none waits."""
        return min((part.first_known_ms for part in self._open.values()), default=float("inf"))

    def add(self, frame: pl.DataFrame) -> None:
        """Take rows in arrival order; they have `ts_ms` and `known_ns`. Raises StorageUnwritable."""
        days = frame["ts_ms"].to_numpy() // MS_PER_DAY
        edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
        for start, end in itertools.pairwise(edges):
            if start < end:
                self._add_day(int(days[start]), frame.slice(start, end - start))

    def publish_all(self) -> None:
        """Publish what waits; the next row begins a part. Raises StorageUnwritable."""
        for day in sorted(self._open):
            self._publish(day)

    def held(self) -> list[pl.DataFrame]:
        """Return the rows that wait, by day."""
        return [frame for day in sorted(self._open) for frame in self._open[day].frames]

    def discard(self) -> None:
        """Let go of what waits."""
        self._open.clear()

    def _add_day(self, day: int, frame: pl.DataFrame) -> None:
        ts, known = frame["ts_ms"].to_numpy(), frame["known_ns"].to_numpy()
        start, end = 0, len(ts)
        rotate_ms = int(self.rotate_s * 1_000)
        while start < end:
            part = self._open.get(day)
            if part is None:
                part = _Part(day, int(ts[start]), int(known[start]) // NS_PER_MS)
                self._open[day] = part
            stop = min(end, start + self._rotate_rows - part.rows)
            aged = np.flatnonzero(ts[start:stop] >= part.first_ts_ms + rotate_ms)
            if aged.size:
                stop = start + int(aged[0])
            if stop > start:
                part.frames.append(frame.slice(start, stop - start))
                part.rows += stop - start
            if aged.size or part.rows >= self._rotate_rows:
                self._publish(day)
            start = stop
        for older in sorted(self._open):
            if int(ts.max()) >= (older + 1) * MS_PER_DAY + LATE_MS:
                self._publish(older)

    def _publish(self, day: int) -> None:
        import polars as pl

        part = self._open[day]
        whole = pl.concat(part.frames, rechunk=True)
        shown = whole.select(name for name in whole.columns if not name.startswith("_"))
        data = _packed(shown, self._format)
        sha256 = hashlib.sha256(data).hexdigest()
        folder = layer_folder(self._publisher.root, self.layer, self._symbol, date_of_day(day))
        entry = self._entry(whole)
        try:
            make_folder(folder)
            path, fate = self._place(folder, f"part-{part.first_known_ms}", sha256, shown)
            if fate == "write":
                self._publisher.write(path, data, entry)
            elif fate == "same":
                self._publisher.list_again(path, {**entry, "sha256": sha256, "bytes": len(data)})
        except OSError as cause:
            raise unwritable(folder, cause) from cause
        del self._open[day]

    def _entry(self, whole: pl.DataFrame) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "layer": self.layer,
            "symbol": self._symbol,
            "rows": whole.height,
            "first_ts_ms": whole["ts_ms"].min(),
            "last_ts_ms": whole["ts_ms"].max(),
            "schema_version": SCHEMA_VERSION,
        }
        if "seq_last" in whole.columns:
            entry |= {"first_seq": whole["seq_last"].min(), "last_seq": whole["seq_last"].max()}
        if "dq_codes" in whole.columns:
            found = whole["dq_codes"].explode().drop_nulls().value_counts(sort=False).sort("dq_codes")
            codes = dict(zip(found["dq_codes"].to_list(), found["count"].to_list(), strict=True))
            entry["dq"] = {"ok": int(whole["dq_ok"].sum()), "codes": codes}
        if GAP_COLUMN in whole.columns:
            entry["gaps"] = [json.loads(text) for text in whole[GAP_COLUMN].drop_nulls()]
        return entry

    def _place(
        self, folder: Path, stem: str, sha256: str, frame: pl.DataFrame
    ) -> tuple[Path, Literal["write", "same", "keep"]]:
        """Return where a part belongs, and whether to write it, or that the same or a longer one is there already."""
        for clash in itertools.count():
            path = folder / (f"{stem}-{clash}.{self._format}" if clash else f"{stem}.{self._format}")
            if not path.exists():
                break
            if sha256_of_file(path) == sha256:
                return path, "same"
            if "row_id" not in frame.columns:
                continue
            ours, theirs = frame["row_id"], _row_ids_of(path)
            if theirs is None or theirs.len() == ours.len():
                continue
            common = min(theirs.len(), ours.len())
            if theirs.head(common).equals(ours.head(common)):
                return path, "write" if theirs.len() < ours.len() else "keep"
        return path, "write"


def _packed(frame: pl.DataFrame, part_format: PartFormat) -> bytes:
    buffer = io.BytesIO()
    if part_format == "jsonl":
        frame.write_ndjson(buffer)
    else:
        frame.write_parquet(buffer, compression="zstd", compression_level=3, row_group_size=250_000)
    return buffer.getvalue()


def _row_ids_of(path: Path) -> pl.Series | None:
    """Return the row ids of a part, or None when it is no readable part: another part then takes another name."""
    import polars as pl

    try:
        if path.suffix == ".jsonl":
            return pl.read_ndjson(path, schema_overrides={"row_id": pl.String})["row_id"]
        return pl.read_parquet(path, columns=["row_id"])["row_id"]
    except pl.exceptions.PolarsError:
        return None
