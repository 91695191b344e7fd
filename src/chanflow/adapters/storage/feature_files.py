"""Files of features, JSON lines or Parquet: which there are, in what order, and their rows one by one.

A folder is searched all through, but for names that begin with `_` or `.`. Its files are read in the order of their
dates (`date=YYYY-MM-DD` in the path), then of their names. Rows without a symbol take it from the folder above
the date.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from chanflow.domain.errors import RecordingInvalid
from chanflow.signals.feature_row import NEEDED, OLDER_LAG, OLDER_NAMES, USED, BadRow

MAX_LINE_BYTES = 1 << 20
"""A longer line is no row; it is passed over in pieces, so it takes no memory."""
SLICE_ROWS = 50_000
"""Rows of a Parquet file that are held at once."""

SUFFIXES = (".jsonl", ".parquet")

_DATE = re.compile(r"date=(\d{4}-\d{2}-\d{2})")

Item = Mapping[str, Any] | BadRow


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read: its whole rows, and the bytes that hold them (of Parquet, all or 0)."""

    rows: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class FeatureFile:
    """One file: its path, its name below the folder that was searched, and the symbol that its folder names."""

    path: Path
    key: str
    symbol: str | None = None

    @property
    def size(self) -> int | None:
        """How many bytes it has now, None where it is gone."""
        try:
            return self.path.stat().st_size
        except OSError:
            return None

    def read(self, since: Place, *, growing: bool) -> Iterator[tuple[Item, Place]]:
        """Yield each row after `since`, with the place behind it.

        Of a `growing` file of lines, an unfinished last one is left for later. Raises RecordingInvalid, naming the
        file, where it is none that was meant, and where it lost rows that were read before.
        """
        try:
            yield from (
                self._read_parquet(since)
                if self.path.suffix == ".parquet"
                else self._read_lines(since, growing=growing)
            )
        except OSError as fault:
            reason = (fault.strerror or str(fault)).lower()
            raise RecordingInvalid(f"{self.path} cannot be read: {reason}") from fault

    def _read_lines(self, since: Place, *, growing: bool) -> Iterator[tuple[Item, Place]]:
        size = self.path.stat().st_size
        if size < since.size:
            raise RecordingInvalid(f"{self.path} has {size} bytes, {since.size} were read: it was cut or replaced")
        with self.path.open("rb") as file:
            file.seek(since.size)
            rows, at = since.rows, since.size
            for line, length, whole in _lines(file):
                if not whole and growing:
                    return
                rows, at = rows + 1, at + length
                if line is None or line.strip():
                    yield self.with_symbol(item_of_line(line, rows)), Place(rows, at)

    def _read_parquet(self, since: Place) -> Iterator[tuple[Item, Place]]:
        import polars as pl

        size, rows = self.path.stat().st_size, since.rows
        try:
            lazy = pl.scan_parquet(self.path)
            names = lazy.collect_schema().names()
            total = int(lazy.select(pl.len()).collect().item())
            self._require(names, total, rows)
            lazy = lazy.select([name for name in names if name in USED or name.startswith(OLDER_LAG)])
            while rows < total:
                part = lazy.slice(rows, SLICE_ROWS).collect()
                if part.is_empty():
                    raise RecordingInvalid(f"{self.path} has {total} rows and gives {rows}")
                for row in part.iter_rows(named=True):
                    rows += 1
                    yield self.with_symbol(row), Place(rows, size if rows == total else 0)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as fault:
            reason = str(fault).splitlines()[0][:200] if str(fault) else type(fault).__name__
            raise RecordingInvalid(f"{self.path} is no Parquet file that can be read: {reason}") from fault

    def _require(self, names: Iterable[str], total: int, read: int) -> None:
        have = {OLDER_NAMES.get(name, "lag_sec" if name.startswith(OLDER_LAG) else name) for name in names}
        missing = [name for name in ("ts_ms", *NEEDED) if name not in have]
        if missing:
            raise RecordingInvalid(
                f"{self.path} has no column {', '.join(missing)}: make it with chanflow features --all-columns"
            )
        if total < read:
            raise RecordingInvalid(f"{self.path} has {total} rows, {read} were read: it was cut or replaced")

    def with_symbol(self, item: Item) -> Item:
        """Return a row with its symbol, where only its place names it."""
        if self.symbol is None or isinstance(item, BadRow) or item.get("symbol") is not None:
            return item
        return {**item, "symbol": self.symbol}


def feature_files(root: Path, *, symbol: str | None = None) -> list[FeatureFile]:
    """Return the files of `root`, which may be one itself, in their order.

    `symbol` is that of rows that name none and lie in no folder of a symbol. Raises RecordingInvalid where there is
    nothing at `root`, or it is a file of another kind.
    """
    if root.is_file():
        if root.suffix not in SUFFIXES:
            raise RecordingInvalid(f"{root} is no file of features: its name must end in {' or '.join(SUFFIXES)}")
        return [FeatureFile(root, root.name, _symbol_of(root, root.parent) or symbol)]
    if not root.is_dir():
        raise RecordingInvalid(f"there is nothing at {root}")
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name[0] not in "_.")
        for name in sorted(names):
            path = Path(folder) / name
            if name[0] not in "_." and path.suffix in SUFFIXES and path.is_file():
                found.append(FeatureFile(path, path.relative_to(root).as_posix(), _symbol_of(path, root) or symbol))
    return sorted(found, key=_order)


def item_of_line(line: bytes | None, number: int) -> Item:
    """Return the row that line `number` spells, or what is wrong with it; None stands for one that is too long."""
    if line is None:
        return BadRow((f"line {number} is longer than {MAX_LINE_BYTES} bytes",))
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return BadRow((f"line {number} is no JSON",))
    return row if isinstance(row, dict) else BadRow((f"line {number} is no JSON object",))


def _lines(file: BinaryIO) -> Iterator[tuple[bytes | None, int, bool]]:
    """Yield each line, its length in bytes and whether it has an end; None for one that is too long."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        length, whole = len(line), line.endswith(b"\n")
        if whole or length <= MAX_LINE_BYTES:
            yield line, length, whole
            continue
        while (more := file.readline(MAX_LINE_BYTES)) and not whole:
            length, whole = length + len(more), more.endswith(b"\n")
            if whole:
                break
        yield None, length, whole


def _order(file: FeatureFile) -> tuple[str, str, str]:
    date = _DATE.search(file.key)
    return date[1] if date else "", file.path.name, file.key


def _symbol_of(path: Path, root: Path) -> str | None:
    folder = path.parent
    dated = _DATE.fullmatch(folder.name) is not None and folder != root
    return folder.parent.name if dated and folder.parent.name else None
