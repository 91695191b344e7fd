"""What an intake hands out, put into the lake: rows, quarantine, dead letters and the book layer of one symbol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chanflow.adapters.storage.parts import GAP_COLUMN, PartFormat, PartWriter
from chanflow.adapters.storage.publish import Publisher
from chanflow.adapters.storage.rows import COLLECTED, KINDS, unified_rows
from chanflow.domain.time import NS_PER_MS
from chanflow.market.quality import CODE_BITS, PRICE_JUMP, QUARANTINE_BITS, codes_of
from chanflow.market.row_gate import Judged, RowGate

if TYPE_CHECKING:
    import polars as pl

_GAP = KINDS.index("gap")
SLACK_MS = 5_000
"""How much longer a part stays open that no row closes: rows that flow close theirs themselves."""

BYTES_A_ROW = {"parquet": 64, "jsonl": 640}
"""What a row takes on the disk at most, on average; `rotate.max_mb` is turned into rows with it."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a part ends, whichever comes first."""

    max_rows: int
    max_s: float
    max_mb: int

    def rows(self, part_format: PartFormat) -> int:
        """Return the rows at which a part ends, its size considered."""
        return max(1, min(self.max_rows, (self.max_mb << 20) // BYTES_A_ROW[part_format]))


class HarvestStore:
    """A `RowStore` of one symbol in one lake."""

    def __init__(
        self,
        publisher: Publisher,
        venue: str,
        symbol: str,
        *,
        part_format: PartFormat,
        rotation: Rotation,
        rows: bool = True,
        gate: RowGate | None = None,
    ) -> None:
        """`rows` says whether derived rows are kept at all. Raises InvalidArgument for a bound or a name."""
        self._venue = venue
        self._symbol = symbol
        self._gate = gate
        self._keep = rows
        self._max_s = rotation.max_s

        def writer(layer: str, kept_as: PartFormat) -> PartWriter:
            return PartWriter(
                publisher, symbol, layer=layer, part_format=kept_as, rotate_rows=rotation.rows(kept_as),
                rotate_s=rotation.max_s,
            )  # fmt: skip

        self._rows = writer("rows", part_format)
        self._quarantine = writer("quarantine", part_format)
        self._book = writer("book", part_format)
        self._dead = writer("deadletter", "jsonl")
        self._all = (self._rows, self._quarantine, self._book, self._dead)
        self.quarantined = 0
        self._held: tuple[int, pl.DataFrame] | None = None
        """The newest row that is refused for nothing but its price, which the next trade may confirm."""

    def add(self, taken: Mapping[str, Any], *, shed: bool) -> int:
        """Take what an intake handed out; dead letters alone when `shed`. Returns rows. Raises StorageUnwritable."""
        count = len(taken["rows"]["ts_ms"])
        # Rows that are not kept are judged too: they say how good the data was, and the next ones follow them.
        judged = self._gate.judge(taken["rows"]) if self._gate is not None and count else None
        if self._keep and count and not shed:
            self._add_rows(taken, judged)
        if len(taken["book"]["ts_ms"]) and not shed:
            self._book.add(_book_frame(taken["book"]))
        if taken["dead"]:
            self._dead.add(_dead_frame(taken["dead"]))
        return count

    def pace(self, share: float) -> None:
        """Close parts after this share of their usual time."""
        for writer in self._all:
            writer.rotate_s = self._max_s * share

    def rotate(self, layers: str = "") -> None:
        """Publish what is open of these layers, comma-separated; of all without. Raises StorageUnwritable."""
        wanted = layers.split(",") if layers else []
        for writer in self._all:
            if not wanted or writer.layer in wanted:
                writer.publish_all()

    def overdue(self, now_ms: int) -> str:
        """Return the layers whose parts have been open for longer than they should: their rows have dried up."""
        late = [writer.layer for writer in self._all if writer.oldest_ms < now_ms - writer.rotate_s * 1_000 - SLACK_MS]
        return ",".join(late)

    def quality(self) -> dict[str, Any]:
        """Return the gate's report, empty without a gate."""
        return {} if self._gate is None else self._gate.report()

    def _add_rows(self, taken: Mapping[str, Any], judged: Judged | None) -> None:
        import polars as pl

        rows = taken["rows"]
        columns = {name: rows[name] for name in COLLECTED}
        count = len(columns["ts_ms"])
        # A trade that is no market trade (insurance, liquidation by the exchange) is in the raw layer, and no row.
        keep = rows["is_market"] != 0
        masks, refused = np.zeros(count, dtype=np.uint32), np.zeros(count, dtype=np.bool_)
        if judged is not None:
            masks, refused = judged.masks, judged.refused
            columns["lag_ms"] = judged.lag_ms
        frame = unified_rows(columns, venue=self._venue, symbol=self._symbol, dq_runs=_runs(masks), books=rows["books"])
        gaps = np.flatnonzero(rows["kind"] == _GAP)
        texts: list[str | None] = [None] * count
        for at, gap in zip(gaps.tolist(), taken["gaps"], strict=False):
            texts[at] = json.dumps(gap, sort_keys=True)
        frame = frame.with_columns(pl.Series(GAP_COLUMN, texts, dtype=pl.String))
        good = frame.filter(pl.Series(keep & ~refused))
        if judged is not None:
            good = self._with_confirmed(frame, good, np.flatnonzero(keep & ~refused), judged)
        if good.height:
            self._rows.add(good)
        if refused.any():
            aside = frame.filter(pl.Series(refused))
            self.quarantined += aside.height
            self._quarantine.add(aside)

    def _with_confirmed(
        self, frame: pl.DataFrame, good: pl.DataFrame, places: NDArray[np.intp], judged: Judged
    ) -> pl.DataFrame:
        """Return the good rows with the jumps that were confirmed, each right before the trade that did so."""
        import polars as pl

        pieces, done = list[pl.DataFrame](), 0
        for number, by in judged.confirmed:
            at = int(np.searchsorted(places, by))
            pieces += [good.slice(done, at - done)]
            done = at
            here = np.flatnonzero(judged.numbers == number)
            if here.size:
                pieces.append(frame.slice(int(here[0]), 1))
            elif self._held is not None and self._held[0] == number:
                pieces.append(self._held[1])
        jumps = np.flatnonzero((judged.masks & np.uint32(QUARANTINE_BITS)) == CODE_BITS[PRICE_JUMP])
        if jumps.size:
            self._held = (int(judged.numbers[jumps[-1]]), frame.slice(int(jumps[-1]), 1))
        return pl.concat([*pieces, good.slice(done)]) if pieces else good


def _runs(masks: NDArray[np.uint32]) -> list[tuple[int, tuple[str, ...]]]:
    """Return the codes of consecutive rows that share them."""
    edges = np.flatnonzero(np.diff(masks)) + 1
    starts = np.concatenate(([0], edges))
    lengths = np.diff(np.concatenate((starts, [len(masks)])))
    return [
        (int(length), codes_of(int(masks[start])))
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)
    ]


def _book_frame(book: Mapping[str, Any]) -> pl.DataFrame:
    import polars as pl

    names = ("ts_ms", "known_ns", "seq_first", "seq_last", "seq_prev", "side", "price", "qty", "is_snapshot")
    frame = pl.DataFrame({name: book[name] for name in names})
    sequences = [name for name in names if name.startswith("seq_")]
    return frame.with_columns(
        pl.when(pl.col("side") == 1).then(pl.lit("bid")).otherwise(pl.lit("ask")).alias("side"),
        pl.col("is_snapshot") == 1,
        *(pl.when(pl.col(name) >= 0).then(pl.col(name)).alias(name) for name in sequences),
    )


def _dead_frame(dead: list[tuple[int, bytes, str]]) -> pl.DataFrame:
    import polars as pl

    known = [recv_ns for recv_ns, _, _ in dead]
    return pl.DataFrame(
        {
            "ts_ms": [recv_ns // NS_PER_MS for recv_ns in known],
            "known_ns": known,
            "error": [fault for _, _, fault in dead],
            "frame": [frame.decode("utf-8", "backslashreplace") for _, frame, _ in dead],
        },
        schema={"ts_ms": pl.Int64, "known_ns": pl.Int64, "error": pl.String, "frame": pl.String},
    )
