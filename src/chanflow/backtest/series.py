"""The bars that a statistic is made from: files of one or many symbols, cleaned, and resampled where asked.

A symbol that ends in .SH, .SZ or .BJ is an A-share (market `cn`), every other one trades around the clock (`crypto`).
A column `adj_factor` is multiplied into the prices, so that a dividend or split is no gap. Rows of days on which an
A-share did not trade are dropped, a high or low that does not bound open and close is widened; both are counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chanflow.adapters.storage.bars_file import BarColumns, read_bars
from chanflow.domain.errors import InvalidArgument, RecordingInvalid
from chanflow.market.calendar import UNIT_MS, calendar_named, level_parts
from chanflow.market.markets import Market, market_of
from chanflow.market.resample import resample_on

if TYPE_CHECKING:
    import polars as pl

_PARQUET_MAGIC = b"PAR1"
_SUFFIXES = (".gz", ".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a series comes from: the file's name without its folder, its hash, and what was done to its rows."""

    file: str
    sha256: str
    symbol: str
    market: Market
    interval: str
    rows: int
    first_ts_ms: int | None
    last_ts_ms: int | None
    suspended: int
    """Rows dropped because nothing was traded."""
    widened: int
    """Rows whose high or low did not bound the others."""
    adjusted: bool
    """Whether a column `adj_factor` was multiplied into the prices."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The bars of one symbol at one interval."""

    source: Source
    interval: str
    bars: BarColumns

    @property
    def market(self) -> Market:
        """The market whose calendar these bars follow."""
        return self.source.market


def interval_ms(interval: str) -> int:
    """Return the length of an interval; a month counts as 31 days. Raises ValueError when it is none."""
    count, unit = level_parts(interval)
    return count * (31 * UNIT_MS["d"] if unit == "M" else UNIT_MS[unit])


def interval_of(ts_ms: NDArray[np.int64]) -> str:
    """Return the most frequent distance of neighbours as an interval, the shortest of equals.

    Raises ValueError for less than two bars and for a distance that is no whole number of seconds.
    """
    if ts_ms.size < 2:
        raise ValueError(f"{ts_ms.size} bars do not show their interval")
    distances, counts = np.unique(np.diff(ts_ms), return_counts=True)
    step = int(distances[np.argmax(counts)])
    unit = next((unit for unit in ("w", "d", "h", "m", "s") if step % UNIT_MS[unit] == 0), None)
    if unit is None:
        raise ValueError(f"bars are {step} ms apart, which is no whole number of seconds")
    return f"{step // UNIT_MS[unit]}{unit}"


def read_series(
    path: Path, *, market: Market | None = None, left_out: dict[str, str] | None = None
) -> Iterator[Series]:
    """Return the series of a file: one for each symbol and interval it has, or one named for the file.

    `market` overrides what the symbols say. Raises RecordingInvalid, naming file and symbol, where the file cannot be
    read or used; with `left_out`, a symbol of a Parquet file that cannot be used is passed over and noted there.
    """
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            magic = file.read(4)
    except OSError as fault:
        raise RecordingInvalid(f"{path} cannot be read: {(fault.strerror or str(fault)).lower()}") from fault
    if magic == _PARQUET_MAGIC:
        yield from _tables(path, sha256, market, left_out)
        return
    bars = read_bars(path, repair=True)
    symbol = path.name
    for suffix in _SUFFIXES:
        symbol = symbol.removesuffix(suffix)
    yield _series(path, sha256, symbol, market, None, bars, suspended=0, adjusted=False)


def _tables(path: Path, sha256: str, market: Market | None, left_out: dict[str, str] | None) -> Iterator[Series]:
    """Read a Parquet file, one series for each value of its columns `symbol` and `interval`."""
    import polars as pl  # noqa: PLC0415 (heavy, and CSV files do without)

    try:
        names = list(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as fault:
        raise RecordingInvalid(f"{path} is damaged or no Parquet: {str(fault).splitlines()[0]}") from fault
    keys = [name for name in ("symbol", "interval") if name in names]
    missing = [name for name in ("ts_ms", "open", "high", "low", "close") if name not in names]
    if missing:
        raise RecordingInvalid(f"{path} has no column {missing[0]}; it has {', '.join(names)}")
    wanted = [*keys, *(name for name in _NUMBERS if name in names)]
    frame = pl.read_parquet(path, columns=wanted, glob=False)
    parts = frame.partition_by(keys, as_dict=True) if keys else {(): frame}
    for values, part in sorted(parts.items(), key=lambda item: tuple(map(str, item[0]))):
        named = dict(zip(keys, values, strict=True))
        symbol = str(named.get("symbol", path.name.removesuffix(".parquet")))
        interval = str(named["interval"]) if "interval" in named else None
        try:
            bars, suspended, adjusted = _columns(path, symbol, part, market or market_of(symbol))
            series = _series(path, sha256, symbol, market, interval, bars, suspended=suspended, adjusted=adjusted)
        except RecordingInvalid as fault:
            if left_out is None:
                raise
            left_out[symbol] = str(fault)
        else:
            yield series


_NUMBERS = ("ts_ms", "open", "high", "low", "close", "volume", "amount", "adj_factor")


def _columns(path: Path, symbol: str, part: pl.DataFrame, market: Market) -> tuple[BarColumns, int, bool]:
    """Return a symbol's traded and adjusted bars, how many rows were dropped, and whether prices were adjusted."""
    import polars as pl  # noqa: PLC0415 (as above)

    dropped = 0
    if market == "cn" and "volume" in part.columns:
        volume = part.get_column("volume")
        # Most symbols trade every day, and a query for each of thousands takes its time.
        if volume.null_count() or (volume == 0).any():
            traded = part.filter(pl.col("volume").fill_null(0) != 0)
            dropped, part = part.height - traded.height, traded
    gap = next((name for name in _NUMBERS[:5] if part.get_column(name).null_count()), None)
    if gap is not None:
        raise RecordingInvalid(f"{path} {symbol}: {gap} is empty in {part.get_column(gap).null_count()} rows")

    def floats(name: str) -> NDArray[np.float64]:
        return part.get_column(name).cast(pl.Float64).to_numpy().astype(np.float64, order="C")

    def counted(name: str) -> NDArray[np.float64] | None:
        """Return a column of sums, None where it is absent or has a hole: the engine names it if it is needed."""
        return floats(name) if name in part.columns and not part.get_column(name).null_count() else None

    adjusted = "adj_factor" in part.columns
    factor = floats("adj_factor") if adjusted else np.ones(part.height)
    prices = {name: floats(name) * factor for name in ("open", "high", "low", "close")}
    top = np.maximum.reduce(list(prices.values()))
    bottom = np.minimum.reduce(list(prices.values()))
    widened = int(np.count_nonzero((top > prices["high"]) | (bottom < prices["low"])))
    bars = BarColumns(
        ts_ms=part.get_column("ts_ms").cast(pl.Int64).to_numpy().astype(np.int64, order="C"),
        open=prices["open"], high=top, low=bottom, close=prices["close"], widened=widened,
        volume=counted("volume"), amount=counted("amount"),
    )  # fmt: skip
    if not all(np.isfinite(column).all() for column in prices.values()):
        raise RecordingInvalid(f"{path} {symbol}: a price is no finite number")
    if np.any(np.diff(bars.ts_ms) <= 0):
        at = int(np.argmax(np.diff(bars.ts_ms) <= 0)) + 1
        raise RecordingInvalid(f"{path} {symbol}: ts_ms {bars.ts_ms[at]} is not after that of the row before")
    return bars, dropped, adjusted


def _series(
    path: Path,
    sha256: str,
    symbol: str,
    market: Market | None,
    interval: str | None,
    bars: BarColumns,
    *,
    suspended: int,
    adjusted: bool,
) -> Series:
    try:
        interval = interval_of(bars.ts_ms) if interval is None else interval
        level_parts(interval)
    except ValueError as fault:
        raise RecordingInvalid(f"{path} {symbol}: {fault}") from fault
    source = Source(
        file=path.name,
        sha256=sha256,
        symbol=symbol,
        market=market or market_of(symbol),
        interval=interval,
        rows=len(bars) + suspended,
        first_ts_ms=int(bars.ts_ms[0]) if len(bars) else None,
        last_ts_ms=int(bars.ts_ms[-1]) if len(bars) else None,
        suspended=suspended,
        widened=bars.widened,
        adjusted=adjusted,
    )
    return Series(source, interval, bars)


def at_intervals(series: Series, intervals: Sequence[str] | None) -> Iterator[Series]:
    """Return the series at each interval, resampled on its market's calendar; as it is where `intervals` is None.

    Raises InvalidArgument for an interval that cannot be made from the series' own.
    """
    if intervals is None:
        yield series
        return
    calendar = calendar_named(series.market)
    bars = series.bars
    columns: dict[str, NDArray[Any]] = {
        "ts_ms": bars.ts_ms, "open": bars.open, "high": bars.high, "low": bars.low, "close": bars.close
    }  # fmt: skip
    columns |= {
        name: column for name, column in (("volume", bars.volume), ("amount", bars.amount)) if column is not None
    }
    for interval in intervals:
        try:
            same = interval_ms(interval) == interval_ms(series.interval)
            made = columns if same else resample_on(columns, calendar, series.interval, interval)
        except ValueError as fault:
            raise InvalidArgument(
                f"{series.source.file} {series.source.symbol}: no bars of {interval} from {series.interval}: {fault}",
                field="levels",
            ) from fault
        resampled = BarColumns(
            ts_ms=made["ts_ms"], open=made["open"], high=made["high"], low=made["low"], close=made["close"],
            volume=made.get("volume"), amount=made.get("amount"),
        )  # fmt: skip
        yield replace(series, interval=interval, bars=resampled)
