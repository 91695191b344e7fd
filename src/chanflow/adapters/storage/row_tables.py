"""Tables of trades, depth levels and best quotes in Parquet, as row columns.

Told apart by their columns: `trade_id` (with `first_trade_id` aggregates), `final_update_id`, `update_id`. Times are
`ts_ms` (of depth the venue's `E`) and, where there is one, `recv_ts_ns`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chanflow.adapters.storage.row_columns import ABSENT_MS, KIND_LEVEL, KIND_SNAPSHOT_LEVEL, FileRows
from chanflow.domain.errors import RecordingInvalid

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

_FOREIGN = 65_535
_UNKNOWN_SIDE = 255
_REST_SOCKET = 1


def read_row_table(path: Path, *, venue: str) -> FileRows:
    """Return the rows of a Parquet table in its order. Raises RecordingInvalid where it is none of the three kinds.

    The symbol is the first row's: rows of another are foreign.
    """
    import polars as pl

    try:
        table = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as cause:
        raise RecordingInvalid(f"{path} cannot be read as Parquet: {str(cause).splitlines()[0]}") from cause
    lacking = sorted({"ts_ms", "symbol"} - set(table.columns))
    if lacking:
        raise RecordingInvalid(
            f"{path} lacks the columns {', '.join(lacking)}; it has {', '.join(table.columns)[:200]}"
        )
    if table.height == 0:
        raise RecordingInvalid(f"{path} has no rows")
    symbol = str(table["symbol"][0])
    notes: tuple[str, ...] = ()
    try:
        columns: dict[str, NDArray[Any]] = {
            "symbol": np.where(table["symbol"].eq_missing(symbol).to_numpy(), 0, _FOREIGN).astype(np.uint16),
            "ts_ms": _whole(table, "ts_ms", ABSENT_MS),
        }
        if "recv_ts_ns" in table.columns:
            columns["known_ns"] = _whole(table, "recv_ts_ns", 0)
        if "trade_id" in table.columns:
            columns |= _trades(table, is_spot=venue == "binance-spot")
            notes = _underlying(table)
        elif "final_update_id" in table.columns:
            columns |= _levels(table, columns["ts_ms"])
        elif "update_id" in table.columns:
            columns |= _quotes(table)
        else:
            raise RecordingInvalid(f"{path} has none of the columns trade_id, final_update_id and update_id")
    except pl.exceptions.PolarsError as cause:
        raise RecordingInvalid(f"{path} has a column of another type: {str(cause).splitlines()[0]}") from cause
    if "event_ms" not in columns:
        # Quotes of spot have no time of the venue: theirs is the receiver's.
        is_ours = venue == "binance-spot" and "update_id" in table.columns
        columns["event_ms"] = np.where(is_ours | (columns["ts_ms"] == ABSENT_MS), 0, columns["ts_ms"])
    return FileRows(venue, symbol, columns, None, notes)


def _trades(table: pl.DataFrame, *, is_spot: bool) -> dict[str, NDArray[Any]]:
    columns = _floats(table, {"price": "price", "qty": "qty"})
    kind = 2 if "first_trade_id" in table.columns else 0
    columns["kind"] = np.full(table.height, kind, dtype=np.uint8)
    columns["seq_last"] = _whole(table, "trade_id", -1)
    if "side" in table.columns:
        columns["side"] = _sides(table, ("buy", "sell"))
    if "is_maker" in table.columns:
        columns["is_maker"] = table["is_maker"].cast(int).fill_null(-1).to_numpy().astype(np.int8)
    if "exec_type" in table.columns and not is_spot:
        columns["is_market"] = table["exec_type"].eq_missing("MARKET").to_numpy().astype(np.int8)
    return columns


def _levels(table: pl.DataFrame, ts_ms: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    is_snapshot = np.zeros(table.height, dtype=bool)
    if "is_snapshot" in table.columns:
        is_snapshot = table["is_snapshot"].fill_null(value=False).to_numpy()
    columns = _floats(table, {"price": "price", "qty": "qty"})
    columns["kind"] = np.where(is_snapshot, KIND_SNAPSHOT_LEVEL, KIND_LEVEL).astype(np.uint8)
    columns["socket"] = np.where(is_snapshot, _REST_SOCKET, 0).astype(np.uint8)
    columns["event_ms"] = np.where(is_snapshot | (ts_ms == ABSENT_MS), 0, ts_ms)
    if "side" in table.columns:
        columns["side"] = _sides(table, ("bid", "ask"))
    names = {"seq_first": "first_update_id", "seq_last": "final_update_id", "seq_prev": "prev_final_update_id"}
    for name, theirs in names.items():
        if theirs in table.columns:
            columns[name] = _whole(table, theirs, -1)
    return columns


def _quotes(table: pl.DataFrame) -> dict[str, NDArray[Any]]:
    names = {"bid": "bid_price", "ask": "ask_price", "bid_qty": "bid_qty", "ask_qty": "ask_qty"}
    columns = _floats(table, names)
    columns["kind"] = np.ones(table.height, dtype=np.uint8)
    columns["seq_last"] = _whole(table, "update_id", -1)
    return columns


def _underlying(table: pl.DataFrame) -> tuple[str, ...]:
    """Say where the trades under aggregates skip ids: insurance and liquidation trades have none, so that is no gap."""
    if not {"first_trade_id", "last_trade_id"} <= set(table.columns):
        return ()
    first, last = _whole(table, "first_trade_id", -1), _whole(table, "last_trade_id", -1)
    skips = np.flatnonzero(first[1:] != last[:-1] + 1)
    if not len(skips):
        return ()
    at = ", ".join(str(int(row) + 2) for row in skips[:5])
    return (f"underlying trade ids skip {len(skips)} times, first before rows {at}: no gap, the aggregates are whole",)


def _whole(table: pl.DataFrame, name: str, absent: int) -> NDArray[np.int64]:
    import polars as pl

    return table[name].cast(pl.Int64).fill_null(absent).to_numpy().copy()


def _floats(table: pl.DataFrame, names: dict[str, str]) -> dict[str, NDArray[Any]]:
    import polars as pl

    return {
        name: table[theirs].cast(pl.Float64).fill_null(float("nan")).to_numpy().copy()
        for name, theirs in names.items()
        if theirs in table.columns
    }


def _sides(table: pl.DataFrame, words: tuple[str, str]) -> NDArray[np.uint8]:
    side = np.full(table.height, _UNKNOWN_SIDE, dtype=np.uint8)
    side[table["side"].is_null().to_numpy()] = 0
    for code, word in enumerate(words, 1):
        side[table["side"].eq_missing(word).to_numpy()] = code
    return side
