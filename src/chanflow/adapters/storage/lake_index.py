"""Which parts of a lake are true: the files of the tree, read beside the manifest that lists them.

A compaction names in its manifest lines the parts it `replaces` and the files that come `together`. It is in force once
all of them are there; until then its files, from then on the parts it replaces, are passed over. So a reader sees each
row once, whenever a compaction was killed.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chanflow.adapters.storage.layout import (
    checked_name,
    date_folder,
    date_of_day,
    dates,
    manifest_path,
    part_names,
    parts,
)
from chanflow.adapters.storage.publish import manifest_entries
from chanflow.domain.time import MS_PER_DAY

_LAST_DAY = 2_932_896
"""9999-12-31, the last date that four digits of a year can spell."""
_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class Part:
    """One published file of rows; `first_ts_ms` and `last_ts_ms` bound its event times."""

    path: Path
    first_ts_ms: int
    last_ts_ms: int
    rows: int
    entry: Mapping[str, Any]


class LakeIndex:
    """Lists the parts of one venue's lake. Safe to share between threads."""

    def __init__(self, root: Path) -> None:
        """`root` is the `output_dir` of a writer; it need not exist yet."""
        self.root = root.absolute()
        self._manifests: dict[Path, tuple[tuple[int, int], dict[str, dict[str, Any]]]] = {}
        self._bounds: dict[Path, Part] = {}
        self._lock = threading.Lock()

    def symbols(self, layer: str = "rows") -> list[str]:
        """Return the symbols that have parts in a layer, sorted."""
        base = self._base(layer)
        if not base.is_dir():
            return []
        names = (entry.name for entry in base.iterdir() if entry.is_dir() and entry.name[0] not in "._")
        return sorted(name for name in names if any(parts(base, name, date) for date in dates(base, name)))

    def dates(self, symbol: str, layer: str = "rows") -> list[str]:
        """Return the dates, oldest first, that have a folder for `symbol`. Raises InvalidArgument for a bad name."""
        return dates(self._base(layer), checked_name(symbol, field="symbol"))

    def files(self, symbol: str, date: str, layer: str = "rows") -> list[Path]:
        """Return the true parts of a symbol and date, by name."""
        folder = date_folder(self._base(layer), symbol, date)
        names = part_names(folder)
        hidden = self._hidden(date, symbol, layer, names)
        return [folder / name for name in names if name not in hidden]

    def parts(
        self, symbol: str, start_ms: int | None = None, end_ms: int | None = None, *, layer: str = "rows"
    ) -> list[Part]:
        """Return the parts that may hold rows of [start_ms, end_ms), by (first_ts_ms, path).

        A-share dates are the exchange's, eight hours ahead of UTC, so a date either side is looked at too.
        """
        first = None if start_ms is None else date_of_ms(start_ms - MS_PER_DAY)
        last = None if end_ms is None else date_of_ms(end_ms - 1 + MS_PER_DAY)
        found = [
            part
            for date in self.dates(symbol, layer)
            if (first is None or date >= first) and (last is None or date <= last)
            for part in self._of_date(symbol, date, layer)
        ]
        wanted = (
            part
            for part in found
            if (start_ms is None or part.last_ts_ms >= start_ms) and (end_ms is None or part.first_ts_ms < end_ms)
        )
        return sorted(wanted, key=lambda part: (part.first_ts_ms, part.path))

    def span(self, symbol: str, layer: str = "rows") -> tuple[int, int] | None:
        """Return the first and the last `ts_ms` of a symbol's rows in a layer, or None without any."""
        known = self.dates(symbol, layer)
        first = next((found for date in known if (found := self._of_date(symbol, date, layer))), None)
        if first is None:
            return None
        last = next(found for date in reversed(known) if (found := self._of_date(symbol, date, layer)))
        return min(part.first_ts_ms for part in first), max(part.last_ts_ms for part in last)

    def newest_files(self, symbol: str, count: int) -> list[Path]:
        """Return at most `count` parts of a symbol's last date with rows, the newest first, as their names tell."""
        for date in reversed(self.dates(symbol)):
            folder = date_folder(self._base("rows"), symbol, date)
            names = part_names(folder)
            if names:
                hidden = self._hidden(date, symbol, "rows", names)
                newest = sorted((name for name in names if name not in hidden), key=_stamp, reverse=True)
                return [folder / name for name in newest[:count]]
        return []

    def version(self, symbol: str) -> Hashable:
        """Return what changes whenever rows of a symbol are published or compacted: folders and manifests."""
        folder = self.root / checked_name(symbol, field="symbol")
        try:
            with os.scandir(folder) as found:
                dated = sorted((entry.name, entry.stat().st_mtime_ns) for entry in found)
        except OSError:
            return ()
        return tuple((name, at_ns, self._stamp_of(name.removeprefix("date="))) for name, at_ns in dated)

    def _stamp_of(self, date: str) -> tuple[int, int]:
        try:
            state = manifest_path(self.root, date).stat()
        except OSError:
            return (0, 0)
        return (state.st_mtime_ns, state.st_size)

    def _of_date(self, symbol: str, date: str, layer: str) -> list[Part]:
        prefix = f"{self._prefix(layer)}{symbol}/date={date}/"
        return [self._part(path, date, prefix + path.name) for path in self.files(symbol, date, layer)]

    def entries(self, date: str) -> dict[str, dict[str, Any]]:
        """Return the manifest lines of a date by path, the newest of each."""
        path = manifest_path(self.root, date)
        try:
            state = path.stat()
        except OSError:
            return {}
        stamp = (state.st_mtime_ns, state.st_size)
        with self._lock:
            known = self._manifests.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        listed = {entry["path"]: entry for entry in manifest_entries(path.read_bytes())}
        with self._lock:
            if len(self._manifests) >= _KEPT:
                self._manifests.clear()
            self._manifests[path] = (stamp, listed)
        return listed

    def _base(self, layer: str) -> Path:
        return self.root if layer == "rows" else self.root / f"_{layer}"

    def _hidden(self, date: str, symbol: str, layer: str, names: list[str]) -> set[str]:
        """Return the names of parts in one folder that are not true."""
        entries = self.entries(date)
        compactions = [entry for entry in entries.values() if entry.get("replaces")]
        if not compactions:
            return set()
        prefix = f"{self._prefix(layer)}{symbol}/date={date}/"
        there = {prefix + name for name in names}
        hidden: set[str] = set()
        for entry in compactions:
            # A file that was written anew under a replaced name, with other bytes, is no longer the one replaced.
            replaced = {
                name
                for name, sha256 in entry["replaces"].items()
                if name in there and entries.get(name, {}).get("sha256", sha256) == sha256
            }
            if not replaced:
                continue
            if there.issuperset(entry.get("together", (entry["path"],))):
                hidden |= replaced
            else:
                hidden |= there & {entry["path"]}
        return {name.removeprefix(prefix) for name in hidden}

    def _part(self, path: Path, date: str, name: str) -> Part:
        entry = self.entries(date).get(name, {})
        with self._lock:
            known = self._bounds.get(path)
        if known is not None and known.entry is entry:
            return known
        if {"first_ts_ms", "last_ts_ms", "rows"} <= entry.keys():
            part = Part(path, int(entry["first_ts_ms"]), int(entry["last_ts_ms"]), int(entry["rows"]), entry)
        else:
            part = _measured(path, entry)
        with self._lock:
            if len(self._bounds) >= _KEPT:
                self._bounds.clear()
            self._bounds[path] = part
        return part

    def _prefix(self, layer: str) -> str:
        return "" if layer == "rows" else f"_{layer}/"


def _stamp(name: str) -> tuple[int, str]:
    """Return what orders parts by age: the number in their name."""
    found = re.match(r"part-(\d+)", name)
    return (int(found[1]) if found else -1, name)


def _measured(path: Path, entry: Mapping[str, Any]) -> Part:
    """Return a part that no manifest line bounds: a kill came between its rename and its line."""
    import polars as pl

    ts_ms = pl.col("ts_ms")
    row = pl.scan_parquet(path, glob=False).select(ts_ms.min().alias("a"), ts_ms.max().alias("b"), pl.len()).collect()
    first, last, rows = row.row(0)
    return Part(path, first if first is not None else 0, last if last is not None else -1, rows, entry)


def date_of_ms(ts_ms: int) -> str:
    """Return the UTC date of a time, held to the dates that a four-digit year can spell."""
    return date_of_day(min(max(ts_ms, 0) // MS_PER_DAY, _LAST_DAY))
