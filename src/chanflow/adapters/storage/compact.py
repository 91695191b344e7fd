"""Compaction and retention: the parts of a closed day become one file a kind, and old days go.

A day is compacted in steps that a kill may part anywhere: the new files are staged, their manifest lines written with
the parts they replace, then the files appear, then the old parts go. Readers (`lake_index`) pass over the new files
until all are there, and over the old ones from then on. Compacting again finishes what was begun, and a day that is
compact stays as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from chanflow.adapters.storage.day_store import part_of
from chanflow.adapters.storage.lake_index import LakeIndex
from chanflow.adapters.storage.layout import date_folder, dates, part_names
from chanflow.adapters.storage.publish import Publisher, unwritable
from chanflow.adapters.storage.rows import row_schema
from chanflow.domain.errors import Broken
from chanflow.domain.time import NS_PER_MS

ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Compacted:
    """What one run did: days rewritten, parts before and after, and days that retention removed."""

    days: int
    parts_before: int
    parts_after: int
    removed_days: int


class Compactor:
    """Compacts one venue's lake. It is a writer: one at a time."""

    def __init__(self, root: Path) -> None:
        """Raise StorageUnwritable."""
        self._root = root
        self._publisher = Publisher(root, "compact")

    def close(self) -> None:
        """Give the writer's name back."""
        self._publisher.release()

    def compact(self, *, before_date: str) -> Compacted:
        """Compact every day before `before_date` (YYYY-MM-DD). Raises StorageUnwritable, Broken."""
        days = before = after = 0
        for symbol in LakeIndex(self._root).symbols():
            for date in dates(self._root, symbol):
                if date < before_date:
                    counts = self._day(symbol, date)
                    if counts is not None:
                        days, before, after = days + 1, before + counts[0], after + counts[1]
        return Compacted(days, before, after, 0)

    def retain(self, keep_from: Mapping[str, str]) -> int:
        """Remove the days before the date given for a layer (`rows`, `raw`, …); returns how many. Raises OSError."""
        removed = 0
        for layer, first in sorted(keep_from.items()):
            base = self._root if layer == ROWS else self._root / f"_{layer}"
            if not base.is_dir():
                continue
            for folder in sorted(base.iterdir()):
                if folder.name[0] in "._" or not folder.is_dir():
                    continue
                for date in dates(base, folder.name):
                    if date < first:
                        removed += _remove_folder(date_folder(base, folder.name, date))
        return removed

    def _day(self, symbol: str, date: str) -> tuple[int, int] | None:
        """Compact one day; returns the counts of parts before and after, None when there was nothing to do."""
        index = LakeIndex(self._root)
        folder = date_folder(self._root, symbol, date)
        true = index.files(symbol, date)
        self._sweep(folder, {path.name for path in true}, index, date)
        try:
            frames = {path: pl.read_parquet(path, glob=False) for path in true}
        except pl.exceptions.PolarsError as fault:
            raise Broken(f"{folder} has a part that cannot be read: {str(fault).splitlines()[0]}") from fault
        kinds = {path: set(_unit_of(frame).unique().to_list()) for path, frame in frames.items()}
        crowded = {unit for unit in set().union(*kinds.values()) if sum(unit in each for each in kinds.values()) > 1}
        # A file left alone while another of its kind is rewritten would leave two of that kind.
        mixed = [path for path, each in kinds.items() if len(each) > 1 or each & crowded]
        if not mixed:
            return None
        joined = pl.concat([frames[path] for path in mixed], how="diagonal").sort("known_ns", maintain_order=True)
        groups = [_trimmed(rows) for _, rows in joined.group_by(_unit_of(joined), maintain_order=True)]
        self._replace(symbol, date, groups, mixed, index)
        return len(true), len(true) - len(mixed) + len(groups)

    def _replace(self, symbol: str, date: str, groups: list[pl.DataFrame], old: list[Path], index: LakeIndex) -> None:
        folder, listed = date_folder(self._root, symbol, date), index.entries(date)
        replaced = {}
        for path in old:
            name = path.relative_to(self._root).as_posix()
            replaced[name] = listed[name]["sha256"] if name in listed else hashlib.sha256(path.read_bytes()).hexdigest()
        whole = all(listed.get(name, {}).get("complete") is True for name in replaced)
        made: list[tuple[Path, bytes, dict[str, Any]]] = []
        taken = set(part_names(folder))
        for rows in groups:
            data, entry = part_of(rows, layer=ROWS, symbol=symbol)
            name = _free_name(f"part-{int(rows['known_ns'][0]) // NS_PER_MS}", taken)
            taken.add(name)
            interval = rows["interval"][0] if "interval" in rows.columns else None
            about = {"kind": rows["kind"][0], "interval": interval, "complete": whole}
            made.append((folder / name, data, {**entry, **about}))
        together = [path.relative_to(self._root).as_posix() for path, _, _ in made]
        try:
            told = {"replaces": replaced, "together": together}
            for path, _, entry in made:
                self._publisher.list_again(path, {**entry, **told})
            for path, data, entry in made:
                self._publisher.write(path, data, {**entry, **told})
            for path in old:
                path.unlink(missing_ok=True)
        except OSError as cause:
            raise unwritable(folder, cause) from cause

    def _sweep(self, folder: Path, true: set[str], index: LakeIndex, date: str) -> None:
        """Remove what a killed compaction left: parts that are not true, and are told of in a compaction's line."""
        told = {
            name for path, entry in index.entries(date).items() if entry.get("replaces")
            for name in (path, *entry["replaces"])
        }  # fmt: skip
        for name in part_names(folder):
            if name not in true and (folder / name).relative_to(self._root).as_posix() in told:
                (folder / name).unlink(missing_ok=True)


def _unit_of(rows: pl.DataFrame) -> pl.Series:
    """Return what each row's file holds alone: its kind, and of klines the interval too."""
    if "interval" not in rows.columns:
        return rows["kind"].alias("unit")
    told = pl.when(pl.col("kind") == "kline").then(pl.concat_str("kind", "interval", ignore_nulls=True))
    return rows.select(told.otherwise(pl.col("kind")).alias("unit"))["unit"]


def _trimmed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of one kind without the columns that only another kind has."""
    if rows["kind"][0] == "kline":
        return rows.unique("row_id", keep="last", maintain_order=True)
    return rows.select([name for name in row_schema() if name in rows.columns])


def _free_name(stem: str, taken: set[str]) -> str:
    at = 0
    while (name := f"{stem}-{at}.parquet" if at else f"{stem}.parquet") in taken:
        at += 1
    return name


def _remove_folder(folder: Path) -> int:
    for path in sorted(folder.iterdir()):
        path.unlink()
    folder.rmdir()
    return 1
