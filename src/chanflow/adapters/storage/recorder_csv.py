"""The files of a recorder that flattens frames: one row a trade or a level, CSV, with a report in `#` lines before it.

Trades, diffs, snapshots, and all three merged in receive order, of Binance spot, USD-M and COIN-M. The name of such a
file tells the market, the symbol and the UTC date, as `..._usd_m_futures_trxusdt_14-04-2025.csv.gz`.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chanflow.adapters.storage.row_columns import ABSENT_MS, KIND_LEVEL, KIND_SNAPSHOT_LEVEL, FileRows
from chanflow.domain.errors import RecordingInvalid
from chanflow.domain.time import MS_PER_DAY
from chanflow.market.quality import BAD_VALUE, CODE_BITS, MISSING_FIELD

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

MAX_BYTES = 4 << 30
"""Most bytes that a file may unpack to."""

_NAME = re.compile(r"_(spot|usd_m_futures|coin_m_futures)_([a-z0-9_]+)_(\d{2})-(\d{2})-(\d{4})")
_REMARK = re.compile(rb"^#.*\n?", re.MULTILINE)
_VENUES = {"spot": "binance-spot", "usd_m_futures": "binance-usdm", "coin_m_futures": "binance-coinm"}
_BAD = np.uint32(CODE_BITS[BAD_VALUE])
_MICROSECONDS_FROM = 10**14
_FOREIGN = 65_535
_CHUNK_BYTES = 1 << 20
_KINDS = {"TRADE_STREAM": 0, "DIFFERENCE_DEPTH_STREAM": KIND_LEVEL}
# What tells a snapshot's socket from the stream's: an answer takes its own time.
_REST_SOCKET = 1


def is_recorder_csv(path: Path) -> bool:
    """Return whether the name is one that the recorder gives."""
    return path.name.endswith((".csv", ".csv.gz")) and _NAME.search(path.name) is not None


def read_recorder_csv(path: Path) -> FileRows:
    """Return the rows of a recorder's file in its order. Raises RecordingInvalid where it cannot be read at all."""
    import polars as pl

    named = _NAME.search(path.name)
    if named is None:
        raise RecordingInvalid(f"{path.name} names no market, symbol and date, as ..._spot_btcusdt_14-04-2025.csv.gz")
    market, symbol = named[1], named[2].upper()
    try:
        begin = datetime(int(named[5]), int(named[4]), int(named[3]), tzinfo=UTC)
    except ValueError as cause:
        raise RecordingInvalid(f"{path.name} names the day {named[3]}-{named[4]}-{named[5]}, there is none") from cause
    try:
        # Remarks are cut here, since polars stumbles over one on the last line.
        text = _REMARK.sub(b"", _unpacked(path))
        # The recorder quotes nothing; a damaged byte is a fault of its row and not of the file.
        table = pl.read_csv(
            io.BytesIO(text), infer_schema=False, truncate_ragged_lines=True, quote_char=None, encoding="utf8-lossy"
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as cause:
        raise RecordingInvalid(f"{path} is no CSV: {str(cause).splitlines()[0]}") from cause
    if "TimestampOfReceive" not in table.columns:
        raise RecordingInvalid(
            f"{path} has no column TimestampOfReceive; its columns are {', '.join(table.columns)[:200]}"
        )
    reader = _Reader(table, is_spot=market == "spot", symbol=symbol, day_ms=int(begin.timestamp()) * 1_000)
    columns = reader.columns()
    return FileRows(_VENUES[market], symbol, columns, reader.found, ())


class _Reader:
    """Turns the text columns of one file into row columns, and marks what no row column can carry."""

    def __init__(self, table: pl.DataFrame, *, is_spot: bool, symbol: str, day_ms: int) -> None:
        self._table = table
        self._rows = table.height
        self._is_spot = is_spot
        self._symbol = symbol
        self._day_ms = day_ms
        self.found: NDArray[np.uint32] = np.zeros(table.height, dtype=np.uint32)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the row columns; `found` is complete then."""
        kind, is_final = self._kinds()
        is_trade, is_snapshot = kind == 0, kind == KIND_SNAPSHOT_LEVEL
        received, has_received = self._whole("TimestampOfReceive")
        per_ms = 1_000 if len(received) and np.median(received) > _MICROSECONDS_FROM else 1
        self._condemn(~has_received | (received <= 0))
        self._receive_order(received)
        self._ends(received)
        emitted, has_emitted = self._first(("EventTime", "MessageOutputTime", "TimestampOfRequest"))
        happened, has_happened = self._first(("TransactionTime", "EventTime", "TimestampOfRequest"))
        event_ms = np.where(emitted <= 0, -1, emitted // per_ms)
        # Each level of the state at midnight has the time at which it last changed.
        event_ms[~has_emitted | is_final] = 0
        in_day = (event_ms >= self._day_ms) & (event_ms < self._day_ms + MS_PER_DAY)
        self._condemn((event_ms > 0) & ~is_snapshot & ~in_day)
        columns: dict[str, NDArray[Any]] = {
            "kind": kind,
            "symbol": self._symbols(),
            "socket": np.where(is_snapshot, _REST_SOCKET, 0).astype(np.uint8),
            "ts_ms": np.where(has_happened, happened // per_ms, ABSENT_MS),
            "event_ms": event_ms,
            "known_ns": np.where(received > 0, received // per_ms, 0) * 1_000_000,
            "side": self._sides(is_trade),
            "is_market": self._market_trades(),
        }
        for name, theirs in (("price", "Price"), ("qty", "Quantity")):
            if theirs in self._table.columns:
                columns[name] = self._number(theirs)
        self._ids(columns, is_trade=is_trade, is_snapshot=is_snapshot)
        self._streams(is_trade=is_trade, is_snapshot=is_snapshot)
        return columns

    def _kinds(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        has = self._table.columns
        if "StreamType" in has:
            words = self._table["StreamType"].to_list()
            kind = np.array([_KINDS.get(word, KIND_SNAPSHOT_LEVEL) for word in words], dtype=np.uint8)
            self._condemn(
                np.array([w not in (*_KINDS, "DEPTH_SNAPSHOT", "FINAL_DEPTH_SNAPSHOT") for w in words], dtype=bool)
            )
            return kind, np.array([word == "FINAL_DEPTH_SNAPSHOT" for word in words], dtype=bool)
        only = 0 if "TradeId" in has else KIND_LEVEL if "FinalUpdateId" in has else KIND_SNAPSHOT_LEVEL
        return np.full(self._rows, only, dtype=np.uint8), np.zeros(self._rows, dtype=bool)

    def _condemn(self, rows: NDArray[np.bool_]) -> None:
        self.found[rows] |= _BAD

    def _whole(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return whole numbers and where there are any; text that is none is condemned."""
        import polars as pl

        text = self._table[name].str.strip_chars()
        text = pl.select(pl.when(text != "").then(text)).to_series()
        # A column with absent values may have been written as floats: 12.0 is 12.
        whole = text.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
        self._condemn((whole.is_null() & text.is_not_null()).to_numpy())
        return whole.fill_null(0).to_numpy().copy(), whole.is_not_null().to_numpy()

    def _first(self, names: tuple[str, ...]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return each row's first value among columns."""
        values, there = np.zeros(self._rows, dtype=np.int64), np.zeros(self._rows, dtype=bool)
        for name in names:
            if name in self._table.columns:
                more, has_more = self._whole(name)
                values = np.where(there, values, more)
                there |= has_more
        return values, there

    def _number(self, name: str) -> NDArray[np.float64]:
        import polars as pl

        text = self._table[name]
        number = text.cast(pl.Float64, strict=False)
        self._condemn((number.is_null() & text.is_not_null()).to_numpy())
        return number.fill_null(float("nan")).to_numpy().copy()

    def _symbols(self) -> NDArray[np.uint16]:
        if "Symbol" not in self._table.columns:
            return np.zeros(self._rows, dtype=np.uint16)
        is_ours = self._table["Symbol"].eq_missing(self._symbol).to_numpy()
        # The state at midnight and a REST answer on spot name no symbol.
        is_absent = self._table["Symbol"].is_null().to_numpy()
        return np.where(is_ours | is_absent, 0, _FOREIGN).astype(np.uint16)

    def _sides(self, is_trade: NDArray[np.bool_]) -> NDArray[np.uint8]:
        side = np.zeros(self._rows, dtype=np.uint8)
        # Bid and buyer's own order 0 and 1: a bid is 1, an ask 2; where the buyer was the maker the taker sold, 2.
        for name, rows in (("IsAsk", ~is_trade), ("IsBuyerMarketMaker", is_trade)):
            if name in self._table.columns:
                flags, there = self._whole(name)
                codes = np.where(there, np.where((flags == 0) | (flags == 1), flags + 1, 255), 0)
                side[rows] = codes.astype(np.uint8)[rows]
        return side

    def _market_trades(self) -> NDArray[np.int8]:
        if self._is_spot or "XUnknownParameter" not in self._table.columns:
            return np.ones(self._rows, dtype=np.int8)
        return self._table["XUnknownParameter"].eq_missing("MARKET").to_numpy().astype(np.int8)

    def _ids(
        self, columns: dict[str, NDArray[Any]], *, is_trade: NDArray[np.bool_], is_snapshot: NDArray[np.bool_]
    ) -> None:
        last = np.full(self._rows, -1, dtype=np.int64)
        for name, rows in (("TradeId", is_trade), ("FinalUpdateId", ~is_trade), ("LastUpdateId", is_snapshot)):
            if name in self._table.columns:
                ids, there = self._whole(name)
                last[rows & there] = ids[rows & there]
        columns["seq_last"] = last
        for name, theirs in (("seq_first", "FirstUpdateId"), ("seq_prev", "FinalUpdateIdInLastStream")):
            if theirs in self._table.columns:
                ids, there = self._whole(theirs)
                columns[name] = np.where(there, ids, -1)

    def _receive_order(self, received: NDArray[np.int64]) -> None:
        """Condemn rows that were put in order by a time before their receipt."""
        if "TimestampOfReceiveUS" in self._table.columns:
            ordered, _ = self._whole("TimestampOfReceiveUS")
            self._condemn(ordered // 1_000 < received)

    def _ends(self, received: NDArray[np.int64]) -> None:
        """Condemn rows that end a message which goes on, or do not end one that does not."""
        if not {"IsLast", "StreamType", "FinalUpdateId"} <= set(self._table.columns) or self._rows == 0:
            return
        marked, _ = self._whole("IsLast")
        kinds = self._table["StreamType"].fill_null("")
        is_diff = (kinds == "DIFFERENCE_DEPTH_STREAM").to_numpy()
        update, _ = self._whole("FinalUpdateId")
        update = np.where(is_diff, update, 0)
        codes = kinds.rank("dense").to_numpy()
        goes_on = (codes[1:] == codes[:-1]) & (received[1:] == received[:-1]) & (update[1:] == update[:-1])
        goes_on &= (kinds != "TRADE_STREAM").to_numpy()[1:]
        is_end = np.append(~goes_on, True)
        # The last row of a file may be cut off from its message.
        wrong = (marked == 1) != is_end
        wrong[-1] = False
        self._condemn(wrong)

    def _streams(self, *, is_trade: NDArray[np.bool_], is_snapshot: NDArray[np.bool_]) -> None:
        """Condemn rows whose stream or event type is another's."""
        has = self._table.columns
        if "Stream" in has:
            ours = self._table["Stream"].str.starts_with(f"{self._symbol.lower()}@").fill_null(value=False).to_numpy()
            self._condemn(~ours & ~is_snapshot)
        if "EventType" in has:
            kinds = self._table["EventType"]
            expected = np.where(
                is_trade, kinds.eq_missing("trade").to_numpy(), kinds.eq_missing("depthUpdate").to_numpy()
            )
            self._condemn(~expected & ~is_snapshot)
        if not is_snapshot.all() and "EventTime" not in has:
            self.found |= np.uint32(CODE_BITS[MISSING_FIELD])


def _unpacked(path: Path) -> bytes:
    try:
        with path.open("rb") as raw:
            if raw.read(2) != b"\x1f\x8b":
                raw.seek(0)
                return _bounded(path, raw)
            raw.seek(0)
            with gzip.open(raw) as file:
                return _bounded(path, file)
    except (OSError, EOFError, zlib.error) as cause:
        raise RecordingInvalid(f"{path} cannot be read: {cause}") from cause


def _bounded(path: Path, file: Any) -> bytes:
    pieces, total = [], 0
    while piece := file.read(_CHUNK_BYTES):
        pieces.append(piece)
        total += len(piece)
        if total > MAX_BYTES:
            raise RecordingInvalid(f"{path} unpacks to more than {MAX_BYTES} bytes")
    return b"".join(pieces)
