"""Unified rows as the events that features are made of: from the parts of a lake, and from JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import chanflow_native
import numpy as np
from numpy.typing import NDArray

from chanflow.adapters.storage.layout import checked_name, dates, parts
from chanflow.adapters.storage.rows import KINDS
from chanflow.domain.errors import NotFound, RecordingInvalid
from chanflow.market.flow_events import Piece

if TYPE_CHECKING:
    import polars as pl
    from chanflow_native import EventBatch, RowEvents

MOST_DECIMALS = 12
MAX_LINE_BYTES = 1 << 20
"""A longer line is no row."""

_READ_BYTES = 1 << 20
_CARRYING = tuple(KINDS.index(kind) for kind in ("trade", "agg_trade", "book_ticker", "book", "gap"))
_FLOATS = ("price", "qty", "bid", "ask", "bid_qty", "ask_qty")
_WHOLES = ("seq_first", "seq_last", "known_ns")
_LEVELS = 5
_NEEDED = ("ts_ms", "kind")

Decimals = tuple[int, int]
Columns = dict[str, NDArray[Any]]


class LakeEvents:
    """A `FlowEvents` over the parts of one symbol below the `output_dir` of a lake."""

    ofi_source: Literal["book_ticker", "depth", "bbo"] = "book_ticker"

    def __init__(
        self,
        root: Path,
        symbol: str,
        *,
        decimals: Decimals | None = None,
        watch: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`decimals` of prices and quantities are read off the rows where they are not given.

        Raises NotFound where the symbol has no rows, RecordingInvalid for a part that cannot be read.
        """
        self.symbol = checked_name(symbol, field="symbol")
        self._files = [path for date in dates(root, symbol) for path in parts(root, symbol, date)]
        if not self._files:
            have = (
                ", ".join(lake_symbols(root)[:10]) or "none; is it the folder that holds SYMBOL/date=…/part-….parquet?"
            )
            raise NotFound(f"{root} has no rows of {symbol}; the symbols it has: {have}")
        self._watch = watch
        self.price_decimals, self.qty_decimals = decimals or self._seen_decimals()

    def pieces(self) -> Iterator[Piece]:
        """Yield the rows of each part as events."""
        read, reader = 0, chanflow_native.RowEvents(self.price_decimals, self.qty_decimals)
        for path in self._files:
            columns, books, usable = _part(path)
            read += len(usable)
            self._watch(read)
            try:
                yield from _pieces(columns, books, usable, reader)
            except ValueError as fault:
                raise RecordingInvalid(f"{path}: {fault}") from fault

    def _seen_decimals(self) -> Decimals:
        price = qty = 0
        for path in self._files:
            columns, books, _ = _part(path)
            try:
                price, qty = _finer(columns, books, price, qty)
            except ValueError as fault:
                raise RecordingInvalid(f"{path}: {fault}") from fault
        return price, qty


class LineEvents:
    """A `FlowEvents` over JSON lines of unified rows, as they come. The first lines that come tell the decimals."""

    ofi_source: Literal["book_ticker", "depth", "bbo"] = "book_ticker"

    def __init__(
        self,
        source: BinaryIO,
        name: str,
        columns_of: ColumnsOf,
        symbol: str | None,
        *,
        decimals: Decimals | None = None,
    ) -> None:
        """Read until there are rows. `columns_of` turns rows into columns and raises ValueError, naming the row.

        Raises RecordingInvalid for lines that are no rows, and for none at all.
        """
        self._name, self._columns_of, self._wanted = name, columns_of, symbol
        self._batches = self._rows(source)
        self._first = next(self._batches, None)
        if self._first is None:
            raise RecordingInvalid(f"{name} has no row" + (f" of {symbol}" if symbol else ""))
        number, rows = self._first
        self.symbol = str(rows[0].get("symbol"))
        columns, books = self._columns(number, rows)
        try:
            self.price_decimals, self.qty_decimals = decimals or _finer(columns, books, 0, 0)
        except ValueError as fault:
            raise RecordingInvalid(f"{name}: {fault}") from fault

    def pieces(self) -> Iterator[Piece]:
        """Yield rows as events, as soon as they have come."""
        pending, self._first = self._first, None
        reader = chanflow_native.RowEvents(self.price_decimals, self.qty_decimals)
        while pending is not None:
            number, rows = pending
            if any(row.get("symbol") != self.symbol for row in rows):
                found = sorted({str(row.get("symbol"))[:32] for row in rows} | {self.symbol})
                raise RecordingInvalid(f"{self._name} has rows of {', '.join(found[:4])}: name one with --symbol")
            columns, books = self._columns(number, rows)
            usable = np.array([row.get("dq_ok") is not False for row in rows], dtype=np.bool_)
            try:
                yield from _pieces(columns, books, usable, reader)
            except ValueError as fault:
                raise RecordingInvalid(
                    f"{self._name}, rows from line {number} on: {fault} (decimals of prices and quantities are taken "
                    f"to be {self.price_decimals} and {self.qty_decimals}; --decimals sets them)"
                ) from fault
            pending = next(self._batches, None)

    def _columns(self, number: int, rows: Sequence[Mapping[str, Any]]) -> tuple[Columns, Columns]:
        try:
            return self._columns_of(rows)
        except ValueError as fault:
            words = re.sub(r"^row (\d+)", lambda match: f"row {number + int(match[1])}", str(fault))
            raise RecordingInvalid(f"{self._name}: {words}") from fault
        except (TypeError, KeyError, AttributeError, OverflowError) as fault:
            raise RecordingInvalid(f"{self._name}, rows from {number} on: a value is none of a unified row") from fault

    def _rows(self, source: BinaryIO) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """Yield what has come as whole rows, with the number of the first, counted from 1."""
        rest, number, rows = b"", 0, 1
        while True:
            text = source.read1(_READ_BYTES) if hasattr(source, "read1") else source.read(_READ_BYTES)
            *lines, rest = (rest + text).split(b"\n")
            if not text:
                lines, rest = [rest], b""
            if len(rest) > MAX_LINE_BYTES:
                raise RecordingInvalid(
                    f"{self._name}: line {number + len(lines) + 1} is longer than {MAX_LINE_BYTES} bytes"
                )
            found = []
            for line in lines:
                number += 1
                if line.strip():
                    row = self._row(line, number)
                    if self._wanted is None or row.get("symbol") == self._wanted:
                        found.append(row)
            if found:
                yield rows, found
                rows += len(found)
            if not text:
                return

    def _row(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as fault:
            raise RecordingInvalid(f"{self._name}: line {number} is no JSON") from fault
        if not isinstance(row, dict):
            raise RecordingInvalid(f"{self._name}: line {number} is no JSON object, a row is one")
        return row


ColumnsOf = Callable[[Sequence[Mapping[str, Any]]], tuple[Columns, Columns]]


def lake_symbols(root: Path) -> list[str]:
    """Return the symbols with a folder of rows, sorted; none where there is no lake."""
    if not root.is_dir():
        return []
    names = (entry.name for entry in root.iterdir() if entry.is_dir() and entry.name[0] not in "._")
    return sorted(name for name in names if any((root / name).glob("date=*")))


def _part(path: Path) -> tuple[Columns, Columns, NDArray[np.bool_]]:
    """Return a part as `_columns_of_frame` does. Raises RecordingInvalid where it cannot be read or holds no rows."""
    import polars as pl

    faults = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
    try:
        frame = pl.read_parquet(path, hive_partitioning=False)
    except faults as fault:
        raise RecordingInvalid(f"{path} is no Parquet file that can be read: {_first_line(fault)}") from fault
    missing = [name for name in _NEEDED if name not in frame.columns]
    if missing:
        raise RecordingInvalid(f"{path} has no column {', '.join(missing)}: it holds no unified rows")
    try:
        return _columns_of_frame(frame)
    except (*faults, TypeError, ValueError, AttributeError) as fault:
        raise RecordingInvalid(f"{path} holds no unified rows: {_first_line(fault)}") from fault


def _first_line(fault: BaseException) -> str:
    return str(fault).splitlines()[0][:200] if str(fault) else type(fault).__name__


def _columns_of_frame(frame: pl.DataFrame) -> tuple[Columns, Columns, NDArray[np.bool_]]:
    """Return the columns that the core takes, the levels of book rows, and which rows the gate let pass."""
    import polars as pl

    def whole(name: str, absent: int) -> NDArray[np.int64]:
        if name not in frame.columns:
            return np.full(frame.height, absent, dtype=np.int64)
        return np.ascontiguousarray(frame[name].cast(pl.Int64).fill_null(absent).to_numpy(), dtype=np.int64)

    kinds = frame["kind"].cast(pl.String).replace_strict(list(KINDS), list(range(len(KINDS))), default=255)
    columns: Columns = {
        "ts_ms": whole("ts_ms", 0),
        "kind": np.ascontiguousarray(kinds.fill_null(255).to_numpy(), dtype=np.uint8),
        "is_maker": whole("is_maker", -1).astype(np.int8),
        **{name: whole(name, 0 if name == "known_ns" else -1) for name in _WHOLES},
    }
    for name in _FLOATS:
        column = frame[name].cast(pl.Float64).to_numpy() if name in frame.columns else np.full(frame.height, np.nan)
        columns[name] = np.ascontiguousarray(column, dtype=np.float64)
    at = np.flatnonzero(columns["kind"] == KINDS.index("book"))
    books: Columns = {"row": at.astype(np.int64)}
    for side, name in (("bid", "bids"), ("ask", "asks")):
        lists = frame[name].gather(at) if name in frame.columns else None
        for field, key in (("price", "p"), ("qty", "q")):
            levels = np.full((len(at), _LEVELS), np.nan)
            for level in range(_LEVELS if lists is not None and len(at) else 0):
                assert lists is not None
                levels[:, level] = lists.list.get(level, null_on_oob=True).struct.field(key).to_numpy()
            books[f"{side}_{field}"] = np.ascontiguousarray(levels.reshape(-1))
    usable = np.ones(frame.height, dtype=np.bool_)
    if "dq_ok" in frame.columns:
        usable = np.asarray(frame["dq_ok"].fill_null(value=True).to_numpy(), dtype=np.bool_)
    return columns, books, usable


def _pieces(columns: Columns, books: Columns, usable: NDArray[np.bool_], reader: RowEvents) -> Iterator[Piece]:
    """Yield runs of rows that passed the gate, each with the time of the quarantined row that ends it."""
    carrying = np.isin(columns["kind"], _CARRYING)
    bad = np.flatnonzero(~usable & carrying)
    start = 0
    for end in [*bad.tolist(), len(usable)]:
        kept = np.flatnonzero(usable[start:end] & carrying[start:end]) + start
        spoilt_ms = int(columns["ts_ms"][end]) if end < len(usable) else None
        yield Piece(_batch(columns, books, kept, reader), spoilt_ms)
        start = end + 1


def _batch(columns: Columns, books: Columns, kept: NDArray[np.int64], reader: RowEvents) -> EventBatch:
    chosen = {name: np.ascontiguousarray(column[kept]) for name, column in columns.items()}
    place = np.full(len(columns["ts_ms"]), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    rows = place[books["row"]]
    inside = rows >= 0
    levels = {name: column.reshape(-1, _LEVELS)[inside].reshape(-1) for name, column in books.items() if name != "row"}
    levels = {name: np.ascontiguousarray(column) for name, column in levels.items()}
    return reader.take(chosen, {**levels, "row": np.ascontiguousarray(rows[inside])})


def _finer(columns: Columns, books: Columns, price: int, qty: int) -> Decimals:
    """Return the fewest decimals, at least those given, that hold every price and quantity exactly."""
    kind = columns["kind"]
    trades = np.isin(kind, (KINDS.index("trade"), KINDS.index("agg_trade")))
    quotes = kind == KINDS.index("book_ticker")
    prices = [
        columns["price"][trades],
        columns["bid"][quotes],
        columns["ask"][quotes],
        books["bid_price"],
        books["ask_price"],
    ]
    amounts = [columns["qty"][trades], columns["bid_qty"][quotes], columns["ask_qty"][quotes], books["bid_qty"],
               books["ask_qty"]]  # fmt: skip
    return _decimals(np.concatenate(prices), price, "price"), _decimals(np.concatenate(amounts), qty, "quantity")


def _decimals(values: NDArray[np.float64], fewest: int, what: str) -> int:
    values = values[np.isfinite(values)]
    for decimals in range(fewest, MOST_DECIMALS + 1):
        inexact = values[np.round(values, decimals) != values]
        if not len(inexact):
            return decimals
    raise ValueError(f"{what} {float(inexact[0])!r} has more than {MOST_DECIMALS} decimals")
