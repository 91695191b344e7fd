"""Bars of a file: which column is which, what their times mean, and what is missing, told before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import polars as pl
from numpy.typing import NDArray

from chanflow.domain.errors import InvalidArgument, RecordingInvalid
from chanflow.market.calendar import UNIT_MS, calendar_named
from chanflow.market.markets import market_of

NEEDED = ("ts_ms", "open", "high", "low", "close")
OPTIONAL = ("symbol", "volume", "amount", "trades", "buy_qty", "factor")
_SYNONYMS = {
    "ts_ms": ("ts_ms", "time", "timestamp", "date", "datetime", "trade_date", "open_time", "day"),
    "symbol": ("symbol", "code", "ts_code"),
    "volume": ("volume", "vol"),
    "amount": ("amount", "quote_volume", "turnover"),
    "trades": ("trades", "count"),
    "buy_qty": ("buy_qty", "taker_buy_volume"),
    "factor": ("factor", "adj_factor"),
}
_MOST_GAPS = 20
_LEVELS = ("1s", "5s", "15s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w")


@dataclass(frozen=True, slots=True, eq=False)
class SymbolBars:
    """The bars of one symbol as a file has them."""

    symbol: str
    interval: str
    columns: dict[str, NDArray[Any]]
    holes: list[tuple[int, int]]
    """The longest steps beyond one interval, as (ms of the bar before, ms of the bar after)."""


@dataclass(frozen=True, slots=True, eq=False)
class FileRead:
    """A file understood: which column is which, the zone its times were read in, and its symbols."""

    mapping: dict[str, str]
    unused: list[str]
    zone: str
    symbols: list[SymbolBars]


def read_file(
    path: Path,
    *,
    mapping: Mapping[str, str],
    symbol: str | None,
    interval: str | None,
    zone: str | None,
) -> FileRead:
    """Return the bars of a CSV or Parquet file. `mapping` names the file's column for a column of ours.

    Times are Unix s, ms, us or ns, or text; without a zone of its own text is read in `zone`, or in UTC, of A-share
    symbols in Asia/Shanghai. Raises RecordingInvalid, InvalidArgument.
    """
    frame = _frame(path)
    found = _mapping(frame.columns, mapping, path)
    if "symbol" not in found and symbol is None:
        raise InvalidArgument(f"{path} names no symbol: give --symbol, or --map symbol=COLUMN", field="symbol")
    names = frame.select(pl.col(found["symbol"]).cast(pl.String)).to_series() if "symbol" in found else None
    wanted = [symbol] if symbol is not None else sorted(set(names.drop_nulls().to_list())) if names is not None else []
    used_zone = zone or ("Asia/Shanghai" if wanted and market_of(str(wanted[0])) == "cn" else "UTC")
    symbols = []
    for each in wanted:
        rows = frame if names is None else frame.filter(names == each)
        if not rows.height:
            raise InvalidArgument(f"{path} has no rows of {each}", field="symbol")
        symbols.append(_bars(path, rows, found, str(each), interval, used_zone))
    unused = [name for name in frame.columns if name not in found.values()]
    return FileRead(found, unused, used_zone, symbols)


def _frame(path: Path) -> pl.DataFrame:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
        if magic == b"PAR1":
            return pl.read_parquet(path, glob=False)
        return pl.read_csv(path, infer_schema_length=10_000, try_parse_dates=False)
    except OSError as fault:
        raise RecordingInvalid(f"{path} cannot be read: {(fault.strerror or str(fault)).lower()}") from fault
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as fault:
        raise RecordingInvalid(f"{path} is no CSV or Parquet: {str(fault).splitlines()[0]}") from fault


def _mapping(columns: list[str], asked: Mapping[str, str], path: Path) -> dict[str, str]:
    known = (*NEEDED, *OPTIONAL)
    for ours, theirs in asked.items():
        if ours not in known:
            raise InvalidArgument(f"--map {ours}={theirs}: {ours} is none of {', '.join(known)}", field="map")
        if theirs not in columns:
            raise InvalidArgument(f"--map {ours}={theirs}: {path} has {', '.join(columns)}", field="map")
    lower = {name.strip().lower(): name for name in reversed(columns)}
    found = dict(asked)
    for ours in known:
        if ours not in found:
            guess = next((lower[name] for name in _SYNONYMS.get(ours, (ours,)) if name in lower), None)
            if guess is not None:
                found[ours] = guess
    missing = [name for name in NEEDED if name not in found]
    if missing:
        raise RecordingInvalid(f"{path} has no column for {missing[0]}: say which with --map {missing[0]}=COLUMN")
    return found


def _bars(
    path: Path, rows: pl.DataFrame, found: Mapping[str, str], symbol: str, interval: str | None, zone: str
) -> SymbolBars:
    ts_ms = _times(path, rows[found["ts_ms"]], zone)
    columns: dict[str, NDArray[Any]] = {}
    for ours in (*NEEDED[1:], *OPTIONAL[1:]):
        if ours in found:
            columns[ours] = _numbers(path, found[ours], rows[found[ours]])
    order = np.argsort(ts_ms, kind="stable")
    ts_ms = ts_ms[order]
    columns = {name: values[order] for name, values in columns.items()}
    if "trades" in columns:
        columns["trades"] = np.nan_to_num(columns["trades"], nan=-1).astype(np.int64)
    level = interval or _interval(path, ts_ms)
    try:
        calendar = calendar_named(market_of(symbol))
        open_ms, close_ms = calendar.edges(ts_ms, level)
    except ValueError as fault:
        raise RecordingInvalid(
            f"{path}: {symbol} does not fit its calendar: {fault}; see --timezone, --interval"
        ) from fault
    step_ms = close_ms - open_ms
    after = np.flatnonzero(ts_ms[1:] - ts_ms[:-1] > step_ms[:-1])
    longest = after[np.argsort(ts_ms[after + 1] - ts_ms[after], kind="stable")[::-1][:_MOST_GAPS]]
    holes = [(int(ts_ms[at]), int(ts_ms[at + 1])) for at in sorted(longest.tolist())]
    return SymbolBars(symbol, level, {"open_ms": open_ms, "close_ms": close_ms, **columns}, holes)


def _numbers(path: Path, name: str, column: pl.Series) -> NDArray[np.float64]:
    try:
        return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    except pl.exceptions.PolarsError as fault:
        raise RecordingInvalid(f"{path}: column {name} is {column.dtype} and holds no numbers") from fault


def _times(path: Path, column: pl.Series, zone: str) -> NDArray[np.int64]:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise InvalidArgument(f"timezone {zone!r} is not known: use UTC or Asia/Shanghai", field="timezone") from fault
    if column.null_count():
        raise RecordingInvalid(f"{path} row {column.is_null().arg_max()}: {column.name} is empty")
    try:
        if column.dtype == pl.Date or (isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is None):
            column = column.cast(pl.Datetime("ms")).dt.replace_time_zone(zone)
        elif column.dtype == pl.String:
            column = _moments(column, zone)
        if isinstance(column.dtype, pl.Datetime):
            return column.dt.epoch("ms").to_numpy()
        counts = column.cast(pl.Int64)
    except pl.exceptions.PolarsError as fault:
        raise RecordingInvalid(f"{path}: times of column {column.name} cannot be read: {str(fault)[:120]}") from fault
    values = counts.to_numpy()
    if _are_dates(values):
        return _times(path, counts.cast(pl.String).str.to_date("%Y%m%d").alias(column.name), zone)
    for unit_per_ms, most in ((1e-3, 1e11), (1, 1e14), (1e3, 1e17), (1e6, 1e20)):
        if abs(int(values[0])) < most:
            return (values / unit_per_ms).astype(np.int64) if unit_per_ms < 1 else values // int(unit_per_ms)
    raise RecordingInvalid(f"{path}: time {int(values[0])} counts neither s, ms, us nor ns since 1970")


def _are_dates(values: NDArray[np.int64]) -> bool:
    return bool(values.size and ((values >= 19_000_101) & (values <= 22_001_231)).all())


def _moments(column: pl.Series, zone: str) -> pl.Series:
    """Return times of text; text that names its zone keeps it."""
    first = str(column[0]).strip()
    text = column.str.strip_chars()
    if first.isdigit() and len(first) != 8:
        return text.cast(pl.Int64)
    if first.isdigit():
        return text.str.to_date("%Y%m%d").cast(pl.Datetime("ms")).dt.replace_time_zone(zone)
    if len(first) <= 10:
        return text.str.replace_all("/", "-").str.to_date("%Y-%m-%d").cast(pl.Datetime("ms")).dt.replace_time_zone(zone)
    if first.endswith("Z") or first[-6] in "+-":
        return text.str.to_datetime(time_unit="ms", time_zone="UTC")
    return text.str.replace("T", " ").str.to_datetime(time_unit="ms").dt.replace_time_zone(zone)


def _interval(path: Path, ts_ms: NDArray[np.int64]) -> str:
    """Return the level whose length is the commonest step."""
    steps, counts = np.unique(np.diff(ts_ms), return_counts=True)
    if not steps.size:
        raise RecordingInvalid(f"{path} has one bar, which shows no interval: give --interval")
    step_ms = int(steps[np.argmax(counts)])
    for level in _LEVELS:
        if UNIT_MS[level[-1]] * int(level[:-1]) == step_ms:
            return level
    raise RecordingInvalid(f"{path} steps by {step_ms} ms, which is no level: give --interval")
