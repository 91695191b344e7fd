"""The Parquet lake of one venue: a writer that publishes whole files only, and a reader that asks DuckDB."""

from __future__ import annotations

import fcntl
import hashlib
import io
import itertools
import json
import os
import re
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chanflow.adapters.storage.layout import (
    checked_name,
    date_folder,
    date_of_day,
    dates,
    manifest_path,
    parts,
)
from chanflow.adapters.storage.rows import COLLECTED, KINDS, SCHEMA_VERSION, Columns, unified_rows
from chanflow.domain.canonical import canonical_json
from chanflow.domain.errors import Broken, InvalidArgument, NotFound, StorageUnwritable
from chanflow.domain.market_data import Bar
from chanflow.domain.time import MS_PER_DAY, NS_PER_MS
from chanflow.market.ports import bar_open_ms, first_edge_ms

if TYPE_CHECKING:
    import duckdb
    import polars as pl

LATE_MS = 60_000
"""How long after midnight a date's part stays open for late rows, in ms of event time."""


def _unwritable(path: Path, cause: OSError) -> StorageUnwritable:
    return StorageUnwritable(f"cannot write {path}: {cause.strerror or cause}; free space or choose another directory")


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
        self._symbol = checked_name(symbol, field="symbol")
        self._writer = checked_name(writer_id, field="writer_id")
        self._rotate_rows = rotate_rows
        self._rotate_ms = int(rotate_s * 1_000)
        self._open: dict[int, _Part] = {}
        self._lock: int | None = None
        self._tmp = output_dir / "_tmp" / self._writer
        try:
            self._tmp.parent.mkdir(parents=True, exist_ok=True)
            _remove_dead(self._tmp.parent)
            self._tmp.mkdir(exist_ok=True)
            self._lock = _locked(self._tmp)
        except OSError as cause:
            raise _unwritable(self._tmp, cause) from cause
        if self._lock is None:
            raise StorageUnwritable(f"{self._tmp} belongs to a living writer; give this one another id")

    def add(self, columns: Columns, *, dq_codes: Sequence[str] = ()) -> None:
        """Take rows in arrival order, with the gate's codes for all of them. Raises StorageUnwritable."""
        days = columns["ts_ms"] // MS_PER_DAY
        edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
        for start, end in itertools.pairwise(edges):
            if start < end:
                self._add_day(int(days[start]), columns, start, end, tuple(dq_codes))

    def close(self) -> None:
        """Publish what waits and give the writer's name back. May be called twice. Raises StorageUnwritable."""
        for day in sorted(self._open):
            self._publish(day)
        self.discard()

    def discard(self) -> None:
        """Give the writer's name back without publishing what waits."""
        self._open.clear()
        if self._lock is not None:
            shutil.rmtree(self._tmp, ignore_errors=True)
            os.close(self._lock)
            self._lock = None

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
            _make_folder(folder)
            path, fate = _place(folder, f"part-{part.first_known_ms}", sha256, frame)
            if fate == "write":
                self._write(path, data)
            if fate != "keep":
                self._list(date, path, sha256, len(data), frame)
        except OSError as cause:
            raise _unwritable(folder, cause) from cause
        del self._open[day]

    def _write(self, path: Path, data: bytes) -> None:
        staged = self._tmp / f"{path.parent.name}.{path.name}"
        try:
            with staged.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            staged.replace(path)
        except OSError:
            staged.unlink(missing_ok=True)
            raise
        _fsync_folder(path.parent)

    def _list(self, date: str, path: Path, sha256: str, size: int, frame: pl.DataFrame) -> None:
        """Append the part's manifest line, unless a run before this one did."""
        line = canonical_json(
            {
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
                "writer": self._writer,
                "schema_version": SCHEMA_VERSION,
            }
        )
        manifest = manifest_path(self._root, date)
        listed = manifest.read_bytes() if manifest.exists() else b""
        key = (path.relative_to(self._root).as_posix(), sha256)
        if any((entry["path"], entry["sha256"]) == key for entry in manifest_entries(listed)):
            return
        _make_folder(manifest.parent)
        # A torn last line, left by a kill, is closed off; readers skip it.
        torn = listed and not listed.endswith(b"\n")
        with manifest.open("ab", buffering=0) as file:
            file.write((b"\n" if torn else b"") + line.encode() + b"\n")
            os.fsync(file.fileno())
        _fsync_folder(manifest.parent)


def manifest_entries(data: bytes) -> list[dict[str, Any]]:
    """Return a manifest's whole lines, oldest first; where two name one path, the later one is true."""
    entries = []
    for line in data.split(b"\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and {"path", "sha256"} <= entry.keys():
            entries.append(entry)
    return entries


def _place(folder: Path, stem: str, sha256: str, frame: pl.DataFrame) -> tuple[Path, Literal["write", "same", "keep"]]:
    """Return where a part belongs, and whether to write it, or that the same or a longer one is there already."""
    ours = frame["row_id"]
    for clash in itertools.count():
        path = folder / (f"{stem}-{clash}.parquet" if clash else f"{stem}.parquet")
        if not path.exists():
            break
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                return path, "same"
        theirs = _row_ids_of(path)
        if theirs is None or theirs.len() == ours.len():
            continue
        common = min(theirs.len(), ours.len())
        if theirs.head(common).equals(ours.head(common)):
            return path, "write" if theirs.len() < ours.len() else "keep"
    return path, "write"


def _row_ids_of(path: Path) -> pl.Series | None:
    """Return the row ids of a part, or None when it is no readable part: another part then takes another name."""
    import polars as pl

    try:
        return pl.read_parquet(path, columns=["row_id"])["row_id"]
    except pl.exceptions.PolarsError:
        return None


def _remove_dead(tmp: Path) -> None:
    """Remove the folders below `_tmp` whose writer no longer holds its lock."""
    for folder in sorted(entry for entry in tmp.iterdir() if entry.is_dir()):
        lock = _locked(folder)
        if lock is not None:
            shutil.rmtree(folder)
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """Return the descriptor that holds a writer's folder, or None while another writer does.

    The lock goes with the process, however it ends, so a held lock means a living writer.
    """
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _make_folder(folder: Path) -> None:
    missing = [folder, *folder.parents][: sum(not parent.exists() for parent in [folder, *folder.parents])]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _fsync_folder(made.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_BARS = """
SELECT ts_ms - (ts_ms - $edge) % $interval AS open_ms,
       arg_min(price, seq_last), max(price), min(price), arg_max(price, seq_last),
       fsum(qty), fsum(price * qty), count(*), coalesce(fsum(qty) FILTER (side = 'buy'), 0.0)
FROM read_parquet($files, hive_partitioning = false)
WHERE kind = 'trade' AND ts_ms >= $start AND ts_ms < $end
GROUP BY open_ms ORDER BY open_ms
"""


class LakeReader:
    """Reads one venue's rows. Safe to share between threads; it never writes, and sees nothing outside its root."""

    def __init__(self, root: Path) -> None:
        """`root` is the `output_dir` of a writer; it need not exist yet."""
        self._root = root.absolute()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._connecting = threading.Lock()

    def symbols(self) -> list[str]:
        """Return the symbols that have rows, sorted."""
        if not self._root.is_dir():
            return []
        names = (entry.name for entry in self._root.iterdir() if entry.is_dir() and entry.name[0] not in "._")
        return sorted(name for name in names if any(parts(self._root, name, date) for date in dates(self._root, name)))

    def klines(
        self,
        symbol: str,
        interval_ms: int,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 1_000,
    ) -> list[Bar]:
        """Return closed bars that open in [start_ms, end_ms), oldest first, made of the symbol's `trade` rows.

        With a start, the first `limit` of them, else the last `limit`. A bar is stamped at its open, and is closed
        once the lake has a row of any kind at or after its end; bars without trades are left out; the first bar of a
        recording holds what the recording holds of it. Raises InvalidArgument, NotFound for an unknown symbol.
        """
        if interval_ms < 1:
            raise InvalidArgument(f"interval is {interval_ms} ms, it must be positive", field="interval_ms")
        _check_limit(limit)
        newest_ms = self._newest_ms(symbol)
        # The first moment that belongs to no closed bar; a bound within a bar moves to the bar's end.
        stop_ms = bar_open_ms(newest_ms, interval_ms)
        if end_ms is not None:
            stop_ms = min(stop_ms, bar_open_ms(end_ms - 1, interval_ms) + interval_ms)
        # Most markets trade in most intervals, so the nearest `limit` intervals usually hold enough bars.
        if start_ms is not None:
            first_ms = bar_open_ms(start_ms - 1, interval_ms) + interval_ms
            near_ms = min(stop_ms, first_ms + limit * interval_ms)
            bars = self._bars(symbol, interval_ms, first_ms, near_ms)
            if len(bars) < limit and near_ms < stop_ms:
                bars = self._bars(symbol, interval_ms, first_ms, stop_ms)
            return bars[:limit]
        near_ms = stop_ms - limit * interval_ms
        bars = self._bars(symbol, interval_ms, near_ms, stop_ms)
        if len(bars) < limit and self._dates(symbol)[0] <= _date_of(near_ms):
            bars = self._bars(symbol, interval_ms, 0, stop_ms)
        return bars[-limit:]

    def rows(
        self,
        symbol: str,
        start_ms: int,
        end_ms: int,
        *,
        kinds: Sequence[str] | None = None,
        limit: int = 100_000,
    ) -> list[dict[str, Any]]:
        """Return the first `limit` unified rows of [start_ms, end_ms), by (ts_ms, known_ns, seq_last).

        `kinds` names the kinds wanted, None means all. Raises InvalidArgument, NotFound for an unknown symbol.
        """
        _check_limit(limit)
        wanted = KINDS if kinds is None else tuple(kinds)
        unknown = [kind for kind in wanted if kind not in KINDS]
        if unknown:
            raise InvalidArgument(f"kind {unknown[0][:32]!r} is none of {', '.join(KINDS)}", field="kinds")
        files = self._files(symbol, start_ms, end_ms)
        if not files:
            return []
        query = """
            SELECT * FROM read_parquet($files, hive_partitioning = false)
            WHERE list_contains($kinds, kind) AND ts_ms >= $start AND ts_ms < $end
            ORDER BY ts_ms, known_ns, seq_last LIMIT $limit"""
        names, found = self._ask(
            query, {"files": files, "kinds": list(wanted), "start": start_ms, "end": end_ms, "limit": limit}
        )
        return [dict(zip(names, row, strict=True)) for row in found]

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        with self._connecting:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _bars(self, symbol: str, interval_ms: int, start_ms: int, stop_ms: int) -> list[Bar]:
        files = self._files(symbol, start_ms, stop_ms)
        if not files:
            return []
        bounds = {"files": files, "edge": first_edge_ms(interval_ms), "interval": interval_ms}
        _, found = self._ask(_BARS, {**bounds, "start": start_ms, "end": stop_ms})
        return [
            Bar(open_ms, interval_ms, first, high, low, last, volume, amount, trades, buy_qty)
            for open_ms, first, high, low, last, volume, amount, trades, buy_qty in found
        ]

    def _newest_ms(self, symbol: str) -> int:
        """Return the newest `ts_ms` of any kind. Raises NotFound when the symbol has no rows."""
        for date in reversed(self._dates(symbol)):
            files = [_escaped(path) for path in parts(self._root, symbol, date)]
            if files:
                query = "SELECT max(ts_ms) FROM read_parquet($files, hive_partitioning = false)"
                return int(self._ask(query, {"files": files})[1][0][0])
        raise self._unknown(symbol)

    def _unknown(self, symbol: str) -> NotFound:
        return NotFound(f"the lake has no rows of {symbol}; it has {', '.join(self.symbols()[:10]) or 'none at all'}")

    def _dates(self, symbol: str) -> list[str]:
        return dates(self._root, checked_name(symbol, field="symbol"))

    def _files(self, symbol: str, start_ms: int, end_ms: int) -> list[str]:
        """Return the parts that may hold rows of [start_ms, end_ms). Raises NotFound for an unknown symbol."""
        known = self._dates(symbol)
        if not known:
            raise self._unknown(symbol)
        first, last = _date_of(start_ms), _date_of(end_ms - 1)
        wanted = (date for date in known if first <= date <= last)
        return [_escaped(path) for date in wanted for path in parts(self._root, symbol, date)]

    def _ask(self, query: str, values: dict[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        import duckdb

        try:
            cursor = self._connected().cursor()
            answer = cursor.execute(query, values)
            return [column[0] for column in answer.description or ()], answer.fetchall()
        except duckdb.Error as cause:
            raise Broken(f"the lake at {self._root} cannot be read: {cause}") from cause

    def _connected(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        with self._connecting:
            if self._connection is None:
                # One thread, so that sums of floats come in one order and give one result.
                connection = duckdb.connect(":memory:", config={"threads": 1})
                connection.execute("SET allowed_directories = [?, ?]", [f"{self._root}/", f"{_escaped(self._root)}/"])
                connection.execute("SET enable_external_access = false")
                connection.execute("SET lock_configuration = true")
                self._connection = connection
            return self._connection


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise InvalidArgument(f"limit is {limit}, it must be at least 1", field="limit")


def _date_of(ts_ms: int) -> str:
    """Return the UTC date of a time, held to the dates that a four-digit year can spell."""
    return date_of_day(min(max(ts_ms, 0) // MS_PER_DAY, 2_932_896))


def _escaped(path: Path) -> str:
    """Return a path that DuckDB takes as it is spelt: it would read `*`, `?` and `[` as patterns."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
