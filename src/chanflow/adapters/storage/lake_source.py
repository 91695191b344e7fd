"""A lake as the feed asks it: slices, bars and the newest of each kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from chanflow.adapters.storage.lake_bars import LakeBars
from chanflow.adapters.storage.lake_index import LakeIndex
from chanflow.adapters.storage.lake_reader import LakeReader
from chanflow.adapters.storage.lake_slices import LakeSlices
from chanflow.domain.errors import Broken, InvalidArgument
from chanflow.domain.market_data import Bar
from chanflow.market.adjust import Adjust

if TYPE_CHECKING:
    import polars as pl

_NEWEST_PARTS = 8
"""A kind that none of so many newest parts has is not known."""

_OF_KIND = {
    "trade": "trade",
    "agg_trade": "trade",
    "book_ticker": "quote",
    "mark": "mark",
    "book": "book",
}
_VALUES = {
    "quote": ("bid", "ask", "bid_qty", "ask_qty"),
    "trade": ("price", "qty", "side"),
    "mark": ("price",),
    "book": ("bids", "asks"),
}
_READ = ("kind", "ts_ms", "known_ns", "event_ms", "dq_codes", *(name for names in _VALUES.values() for name in names))

Newest = dict[str, dict[str, Any]]


class LakeSource:
    """One venue's lake. Safe to share between threads; it never writes."""

    def __init__(self, root: Path, *, trading_days: Path | None = None) -> None:
        """`root` is the `output_dir` of a writer; it need not exist yet. `trading_days` is a table for A-shares."""
        self.index = LakeIndex(root)
        self.reader = LakeReader(self.index)
        self.bar_reader = LakeBars(self.index, self.reader, trading_days=trading_days)
        self._slices = LakeSlices(self.index)
        self._newest: dict[Path, Newest] = {}

    def symbols(self) -> list[str]:
        """Return the symbols that have rows, sorted."""
        return self.index.symbols()

    def has(self, symbol: str) -> bool:
        """Return whether a symbol has rows; a name that no file can have has none."""
        try:
            return bool(self.index.dates(symbol))
        except InvalidArgument:
            return False

    def frames(
        self,
        symbols: Sequence[str],
        start_ms: int,
        end_ms: int,
        *,
        kinds: Sequence[str] | None,
        columns: Sequence[str] | None,
        tails: Mapping[str, pl.DataFrame],
    ) -> Iterator[pl.DataFrame]:
        """Yield rows as `LakeSlices.frames` does."""
        return self._slices.frames(symbols, start_ms, end_ms, kinds=kinds, columns=columns, tails=tails)

    def klines(
        self,
        symbol: str,
        level: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 1_000,
        fill: bool = False,
        adjust: Adjust = "none",
    ) -> list[Bar]:
        """Return bars as `LakeBars.klines` does."""
        return self.bar_reader.klines(
            symbol, level, start_ms=start_ms, end_ms=end_ms, limit=limit, fill=fill, adjust=adjust
        )

    def bars(
        self, symbol: str, interval: str, *, start_ms: int, end_ms: int, limit: int, fill: bool, adjust: str
    ) -> pl.DataFrame:
        """Return the first closed bars of [start_ms, end_ms) as a table."""
        import polars as pl

        if adjust not in ("none", "forward", "backward"):
            raise InvalidArgument(f"adjust is {adjust[:32]!r}, it can be none, forward or backward", field="adjust")
        found = self.bar_reader.columns(
            symbol, interval, start_ms=start_ms, end_ms=end_ms, limit=limit, fill=fill, adjust=cast("Adjust", adjust)
        )
        names = ("ts_ms", "close_ms", "open", "high", "low", "close", "volume", "amount", "trades", "buy_qty", "filled")
        return pl.DataFrame({name: found[name] for name in names}).with_columns(pl.lit(True).alias("closed"))

    def newest(self, symbol: str) -> Newest | None:
        """Return the newest published of each kind, or None for a symbol without rows."""
        if not self.has(symbol):
            return None
        found: Newest = {}
        for path in self.index.newest_files(symbol, _NEWEST_PARTS):
            for kind, value in self._newest_of(path).items():
                if kind not in found or value["known_ns"] > found[kind]["known_ns"]:
                    found[kind] = value
            if {"quote", "trade"} <= found.keys():
                break
        return found

    def _newest_of(self, path: Path) -> Newest:
        known = self._newest.get(path)
        if known is None:
            if len(self._newest) >= 1_024:
                self._newest.clear()
            known = self._newest[path] = newest_of(path)
        return known


def newest_of(rows: Path | pl.DataFrame) -> Newest:
    """Return the newest quote, trade, mark and book among rows in arrival order.

    Raises Broken for an unreadable file.
    """
    import polars as pl

    try:
        lazy = pl.scan_parquet(rows, glob=False) if isinstance(rows, Path) else rows.lazy()
        last = lazy.select(list(dict.fromkeys(_READ))).group_by("kind").last().collect()
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise Broken(f"{rows} cannot be read: {str(fault).splitlines()[0]}") from fault
    found: Newest = {}
    for row in last.sort("known_ns").iter_rows(named=True):
        kind = _OF_KIND.get(row["kind"])
        if kind is None:
            continue
        event_ms = row["ts_ms"] if row["event_ms"] is None else row["event_ms"]
        held = {"event_ms": event_ms, "known_ns": row["known_ns"], "dq_codes": row["dq_codes"] or []}
        found[kind] = (
            held | {name: row[name] for name in _VALUES[kind]} | ({"state": "synced"} if kind == "book" else {})
        )
    return found


def lakes_below(root: Path) -> list[Path]:
    """Return the lakes that `root` holds: itself, if it has a manifest, else the folders in it that have one."""
    if (root / "_manifest").is_dir() or not root.is_dir():
        return [root]
    found = sorted(entry for entry in root.iterdir() if entry.is_dir() and (entry / "_manifest").is_dir())
    return found or [root]
