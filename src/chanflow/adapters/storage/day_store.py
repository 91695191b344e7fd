"""Whole days into a lake: klines, trades and series that were fetched or imported, one part a symbol, kind and date.

What is stored depends on what the exchange says alone, never on when it was fetched: the same day stored again gives
the same bytes under the same name. The manifest says which days are whole, so an interrupted pull goes on behind them.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from chanflow.adapters.storage.kline_rows import kline_rows
from chanflow.adapters.storage.lake_index import LakeIndex
from chanflow.adapters.storage.layout import checked_name, date_folder
from chanflow.adapters.storage.publish import Publisher, make_folder, sha256_of_file, unwritable
from chanflow.adapters.storage.rows import KINDS, SCHEMA_VERSION, unified_rows
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.time import MS_PER_DAY, NS_PER_MS, utc_date
from chanflow.market.markets import SHANGHAI_MS, market_of
from chanflow.market.ports import KlineGate

SERIES = {
    "funding": {"rate": pl.Float64, "mark_price": pl.Float64},
    "open_interest": {"open_interest": pl.Float64, "value_quote": pl.Float64},
    "factors": {"factor": pl.Float64},
}
"""Layers that are no rows, with the columns of each beside `ts_ms`, `known_ns`, `symbol` and `venue`."""


class DayStore:
    """Writes whole days of one venue's lake."""

    def __init__(self, root: Path, venue: str, *, writer_id: str, gate: KlineGate) -> None:
        """Raise InvalidArgument for a name, StorageUnwritable."""
        self._venue = checked_name(venue, field="venue")
        self._root = root
        self._gate = gate
        self._index = LakeIndex(root)
        self._publisher = Publisher(root, writer_id)

    def close(self) -> None:
        """Give the writer's name back."""
        self._publisher.release()

    def has_day(self, symbol: str, kind: str, interval: str | None, date: str) -> bool:
        """Return whether a whole day is stored: listed as complete, and its file there."""
        prefix = "" if kind in KINDS else f"_{kind}/"
        return any(
            entry.get("complete") is True
            and entry.get("kind") == kind
            and entry.get("interval") == interval
            and entry.get("symbol") == symbol
            and path.startswith(prefix + symbol)
            and (self._root / path).exists()
            for path, entry in self._index.entries(date).items()
        )

    def put_klines(
        self, symbol: str, interval: str, columns: Mapping[str, Any], *, complete: bool, source: str
    ) -> tuple[int, int]:
        """Store bars with rising `open_ms`; returns how many passed the gate, and how many went to quarantine.

        Raises InvalidArgument, StorageUnwritable.
        """
        codes = self._gate.codes(columns)
        frame = kline_rows(columns, venue=self._venue, symbol=symbol, interval=interval, dq_codes=codes)
        about = {"kind": "kline", "interval": interval, "complete": complete, "source": source}
        good, bad = frame.filter(pl.col("dq_ok")), frame.filter(~pl.col("dq_ok"))
        self._put("rows", symbol, good, about)
        self._put("quarantine", symbol, bad, {**about, "complete": False})
        return good.height, bad.height

    def put_agg_trades(self, symbol: str, columns: Mapping[str, Any], *, complete: bool, source: str) -> int:
        """Store aggregate trades: `ts_ms`, `price`, `qty`, `is_maker`, `agg_id`, `first_id`. Returns how many."""
        count = len(columns["ts_ms"])
        ts_ms = np.asarray(columns["ts_ms"], dtype=np.int64)
        maker = np.asarray(columns["is_maker"], dtype=bool)
        nothing = np.full(count, np.nan)
        rows: dict[str, Any] = {
            "ts_ms": ts_ms,
            "kind": np.full(count, KINDS.index("agg_trade"), dtype=np.uint8),
            "side": np.where(maker, 2, 1).astype(np.uint8),
            "is_maker": maker.astype(np.int8),
            "event_ms": ts_ms,
            "known_ns": ts_ms * NS_PER_MS,
            "price": np.asarray(columns["price"], dtype=np.float64),
            "qty": np.asarray(columns["qty"], dtype=np.float64),
            **dict.fromkeys(("bid", "ask", "bid_qty", "ask_qty", "spread_bps"), nothing),
            "seq_first": np.asarray(columns["first_id"], dtype=np.int64),
            "seq_last": np.asarray(columns["agg_id"], dtype=np.int64),
            "seq_prev": np.full(count, -1, dtype=np.int64),
        }
        frame = unified_rows(rows, venue=self._venue, symbol=symbol, dq_runs=[(count, ())])
        about = {"kind": "agg_trade", "interval": None, "complete": complete, "source": source}
        self._put("rows", symbol, frame, about)
        return count

    def put_series(
        self, layer: str, symbol: str, columns: Mapping[str, Any], *, interval: str | None, complete: bool, source: str
    ) -> int:
        """Store a layer of `SERIES`; `known_ns` is the time itself where absent. Returns how many rows."""
        ts_ms = np.asarray(columns["ts_ms"], dtype=np.int64)
        frame = pl.DataFrame(
            {
                "ts_ms": ts_ms,
                "known_ns": np.asarray(columns.get("known_ns", ts_ms * NS_PER_MS), dtype=np.int64),
                "symbol": pl.repeat(symbol, ts_ms.size, dtype=pl.String, eager=True),
                "venue": pl.repeat(self._venue, ts_ms.size, dtype=pl.String, eager=True),
                **{
                    name: pl.Series(np.asarray(columns.get(name, np.full(ts_ms.size, np.nan)), np.float64)).fill_nan(
                        None
                    )
                    for name in SERIES[layer]
                },
            }
        ).with_columns(pl.format("{}:{}:{}:{}", "venue", "symbol", pl.lit(layer), "ts_ms").alias("row_id"))
        self._put(layer, symbol, frame, {"kind": layer, "interval": interval, "complete": complete, "source": source})
        return frame.height

    def _put(self, layer: str, symbol: str, frame: pl.DataFrame, about: Mapping[str, Any]) -> None:
        shift_ms = SHANGHAI_MS if market_of(symbol) == "cn" else 0
        days = frame.group_by((pl.col("ts_ms") + shift_ms) // MS_PER_DAY, maintain_order=True)
        for (day,), rows in days:
            self._publish(layer, symbol, utc_date(int(day) * MS_PER_DAY * NS_PER_MS), rows, about)

    def _publish(self, layer: str, symbol: str, date: str, rows: pl.DataFrame, about: Mapping[str, Any]) -> None:
        base = self._root if layer == "rows" else self._root / f"_{layer}"
        folder = date_folder(base, checked_name(symbol, field="symbol"), date)
        data, entry = part_of(rows, layer=layer, symbol=symbol)
        try:
            make_folder(folder)
            stem = f"part-{int(rows['known_ns'][0]) // NS_PER_MS}"
            path, fate = place(folder, stem, str(entry["sha256"]), rows["row_id"])
            if fate == "keep":
                return
            if fate == "write":
                self._publisher.write(path, data, {**entry, **about})
            else:
                self._publisher.list_again(path, {**entry, **about})
        except OSError as cause:
            raise unwritable(folder, cause) from cause


def part_of(rows: pl.DataFrame, *, layer: str, symbol: str) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of a part and what its manifest line says of them."""
    if not rows.height:
        raise InvalidArgument("a part needs a row")
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", compression_level=3, row_group_size=250_000)
    data = buffer.getvalue()
    sequence = rows["seq_last"] if "seq_last" in rows.columns else rows["ts_ms"]
    entry = {
        "layer": layer,
        "symbol": symbol,
        "rows": rows.height,
        "first_ts_ms": rows["ts_ms"].min(),
        "last_ts_ms": rows["ts_ms"].max(),
        "first_seq": sequence.min(),
        "last_seq": sequence.max(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "schema_version": SCHEMA_VERSION,
    }
    return data, entry


def place(folder: Path, stem: str, sha256: str, ours: pl.Series) -> tuple[Path, Literal["write", "same", "keep"]]:
    """Return where a part of row ids `ours` belongs, and whether to write it, or that it is there already.

    `same`: a file of these bytes is there. `keep`: one that has these rows and more is. A part that is the beginning of
    this one is written over; any other takes the next free `-N`.
    """
    for clash in itertools.count():
        path = folder / (f"{stem}-{clash}.parquet" if clash else f"{stem}.parquet")
        if not path.exists():
            break
        if sha256_of_file(path) == sha256:
            return path, "same"
        try:
            theirs = pl.read_parquet(path, columns=["row_id"])["row_id"]
        except pl.exceptions.PolarsError:
            continue
        common = min(theirs.len(), ours.len())
        if theirs.len() != ours.len() and theirs.head(common).equals(ours.head(common)):
            return path, "write" if theirs.len() < ours.len() else "keep"
    return path, "write"
