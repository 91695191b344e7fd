"""Bars of a lake, of any level of a symbol's calendar: the venue's own klines first, else made of finer ones or trades.

Only closed bars come out. Where a kline of the level was stored it stands, since it saw the whole interval; elsewhere a
bar is made of the finest stored klines that fit, and where there are none of trades.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chanflow.adapters.storage.lake_index import LakeIndex
from chanflow.adapters.storage.lake_reader import LakeReader
from chanflow.domain.errors import Broken, InvalidArgument, NotFound
from chanflow.domain.market_data import Bar
from chanflow.market.adjust import Adjust, Factors, adjusted
from chanflow.market.calendar import MINUTE_MS, UNIT_MS, Calendar, calendar_named, level_parts
from chanflow.market.fill import filled
from chanflow.market.markets import market_of
from chanflow.market.resample import BAR_COLUMNS, resample_on

BarColumns = dict[str, NDArray[Any]]
"""Bars as columns: `BAR_COLUMNS`, with `close_ms` and `filled`."""

_ALL = ("close_ms", *BAR_COLUMNS)
_MONTH_MS = 31 * UNIT_MS["d"]
_WIDEN = 8
Origin = Literal["kline", "trade"]


@dataclass(frozen=True, slots=True)
class _Source:
    """What bars of a level are made of: stored klines of `level`, or trades joined at `level` first."""

    origin: Origin
    level: str


class LakeBars:
    """Reads bars of one venue's lake. Safe to share between threads; it never writes."""

    def __init__(self, index: LakeIndex, reader: LakeReader, *, trading_days: Path | None = None) -> None:
        self._index = index
        self._reader = reader
        self._calendars: Mapping[str, Calendar] = {
            "crypto": calendar_named("crypto"),
            "cn": calendar_named("cn", trading_days),
        }
        self._intervals: dict[Path, frozenset[str]] = {}

    def symbols(self) -> list[str]:
        """Return the symbols that have rows, sorted."""
        return self._index.symbols()

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
        """Return closed bars that open in [start_ms, end_ms), oldest first; see `columns`."""
        found = self.columns(symbol, level, start_ms=start_ms, end_ms=end_ms, limit=limit, fill=fill, adjust=adjust)
        names = ("ts_ms", "close_ms", *BAR_COLUMNS[1:])
        rows = zip(*(found[name].tolist() for name in names), strict=True)
        return [Bar(open_ms, close_ms - open_ms, *rest) for open_ms, close_ms, *rest in rows]

    def columns(
        self,
        symbol: str,
        level: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 1_000,
        fill: bool = False,
        adjust: Adjust = "none",
        as_of_ms: int | None = None,
    ) -> BarColumns:
        """Return closed bars that open in [start_ms, end_ms), oldest first.

        With a start, the first `limit` of them, else the last `limit`. `fill` gives an interval without trades, between
        bars, the close before it and volume 0. `adjust` uses the factors known at `as_of_ms` (None: all). Raises
        InvalidArgument, NotFound for a symbol or level that nothing stored can form.
        """
        if limit < 1:
            raise InvalidArgument(f"limit is {limit}, it must be at least 1", field="limit")
        try:
            calendar = self._calendars[market_of(symbol)]
            step_ms = _nominal_ms(level)
            calendar.edges(np.empty(0, dtype=np.int64), level)
        except ValueError as fault:
            raise InvalidArgument(str(fault), field="level") from fault
        span = self._index.span(symbol)
        if span is None:
            raise self._reader.unknown(symbol)
        first_ms, newest_ms = span
        stop_ms = newest_ms + 1 if end_ms is None else min(end_ms, newest_ms + 1)
        begin_ms = first_ms - step_ms if start_ms is None else max(start_ms, first_ms - step_ms)

        def window(lo_ms: int, hi_ms: int) -> BarColumns:
            made = self._window(symbol, level, calendar, lo_ms, hi_ms, step_ms, newest_ms)
            if not fill:
                return _marked(made)
            # The price of an empty interval may come from a bar before the window.
            nearest = _nearest(bare, first_ms - step_ms, lo_ms, step_ms, 1, forward=False)
            led = {name: np.concatenate([nearest[name], made[name]]) for name in _ALL}
            whole = filled(led, calendar, level, until_ms=min(newest_ms, _last_close_ms(made, hi_ms, step_ms)))
            inside = (whole["ts_ms"] >= lo_ms) & (whole["ts_ms"] < hi_ms)
            return {name: values[inside] for name, values in whole.items()}

        def bare(lo_ms: int, hi_ms: int) -> BarColumns:
            return self._window(symbol, level, calendar, lo_ms, hi_ms, step_ms, newest_ms)

        found = _nearest(window, begin_ms, stop_ms, step_ms, limit, forward=start_ms is not None)
        if adjust == "none":
            return found
        return adjusted(found, self._factors(symbol), adjust, as_of_ms=as_of_ms)

    def _source(self, symbol: str, level: str, lo_ms: int, hi_ms: int) -> _Source:
        """Return what bars of `level` are made of where no kline of that very level is stored."""
        stored = {
            each for part in self._index.parts(symbol, lo_ms, hi_ms) for each in self._intervals_of(part.path)
        }  # fmt: skip
        target_ms = _nominal_ms(level)
        finer = [each for each in stored if _nominal_ms(each) < target_ms and _divides(each, level)]
        if finer:
            return _Source("kline", min(finer, key=_nominal_ms))
        cn = market_of(symbol) == "cn"
        joined = level if target_ms <= MINUTE_MS or not (cn or level.endswith("M")) else "1m" if cn else "1d"
        return _Source("trade", joined)

    def _intervals_of(self, path: Path) -> frozenset[str]:
        import polars as pl

        known = self._intervals.get(path)
        if known is None:
            if "interval" in pl.read_parquet_schema(path):
                found = pl.scan_parquet(path, glob=False).select(pl.col("interval").drop_nulls().unique()).collect()
                known = frozenset(found["interval"].to_list())
            else:
                known = frozenset()
            self._intervals[path] = known
        return known

    def _window(
        self, symbol: str, level: str, calendar: Calendar,
        lo_ms: int, hi_ms: int, step_ms: int, newest_ms: int,
    ) -> BarColumns:  # fmt: skip
        """Return the bars that open in [lo_ms, hi_ms)."""
        own = self._stored_bars(symbol, level, lo_ms, hi_ms)
        margin_ms = step_ms + UNIT_MS["d"]
        known_ms = newest_ms if hi_ms + margin_ms > newest_ms else None
        from_ms, to_ms = max(lo_ms - margin_ms, 0), hi_ms + margin_ms
        source = self._source(symbol, level, from_ms, to_ms)
        if source.origin == "kline":
            fine = self._stored_bars(symbol, source.level, from_ms, to_ms)
        else:
            width_ms = _nominal_ms(source.level)
            bars = self._reader.trade_bars(symbol, width_ms, from_ms, to_ms)
            # A bar is closed once anything was seen at or after its end.
            fine = _columns_of([bar for bar in bars if bar.close_ms <= newest_ms])
        made = own
        if fine["ts_ms"].size:
            try:
                made = resample_on(fine, calendar, source.level, level, known_to_ms=known_ms)
            except ValueError as fault:
                raise Broken(f"bars of {symbol} cannot be joined to {level}: {fault}") from fault
            inside = (made["ts_ms"] >= lo_ms) & (made["ts_ms"] < hi_ms)
            made = _joined(own, {name: values[inside] for name, values in made.items()})
        return made

    def _stored_bars(self, symbol: str, level: str, lo_ms: int, hi_ms: int) -> BarColumns:
        """Return the stored closed klines of `level` that open in [lo_ms, hi_ms); the newest known of each."""
        import polars as pl

        end_ms = hi_ms + _nominal_ms(level)
        paths = [
            part.path for part in self._index.parts(symbol, lo_ms, end_ms) if level in self._intervals_of(part.path)
        ]
        names = ("open_ms", "close_ms", "open", "high", "low", "close", "volume", "amount", "trades", "buy_qty")
        frames = [
            pl.scan_parquet(path, glob=False)
            .filter((pl.col("interval") == level) & pl.col("closed") & pl.col("dq_ok"))
            .filter(pl.col("open_ms").is_between(lo_ms, hi_ms, closed="left"))
            .select(*names, "known_ns")
            for path in paths
        ]
        if not frames:
            return _no_bars()
        rows = (
            pl.concat(frames).collect().sort("open_ms", "known_ns").unique("open_ms", keep="last", maintain_order=True)
        )
        renamed = {name: "ts_ms" if name == "open_ms" else name for name in names}
        return {
            renamed[name]: rows[name].fill_null(0).to_numpy() if name in ("volume", "amount", "trades", "buy_qty")
            else rows[name].to_numpy()
            for name in names
        }  # fmt: skip

    def _factors(self, symbol: str) -> Factors:
        """Return the adjustment factors that were stored. Raises NotFound when there are none."""
        import polars as pl

        parts = self._index.parts(symbol, layer="factors")
        if not parts:
            raise NotFound(f"no adjustment factors of {symbol} are stored: import them, or read with adjust=none")
        rows = pl.concat([pl.read_parquet(part.path, columns=["ts_ms", "known_ns", "factor"]) for part in parts])
        rows = rows.sort("ts_ms", "known_ns")
        return Factors(rows["ts_ms"].to_numpy(), rows["known_ns"].to_numpy(), rows["factor"].to_numpy())


def _nearest(
    window: Callable[[int, int], BarColumns], begin_ms: int, stop_ms: int, step_ms: int, limit: int, *, forward: bool
) -> BarColumns:
    """Return the first or last `limit` bars of [begin_ms, stop_ms), looking at the nearest intervals first."""
    span_ms = (limit + 1) * step_ms
    while True:
        whole = span_ms >= stop_ms - begin_ms
        if forward:
            found = window(begin_ms, stop_ms if whole else begin_ms + span_ms)
        else:
            found = window(begin_ms if whole else stop_ms - span_ms, stop_ms)
        if whole or found["ts_ms"].size >= limit:
            chosen = slice(None, limit) if forward else slice(-limit, None)
            return {name: values[chosen] for name, values in found.items()}
        span_ms *= _WIDEN


def _nominal_ms(level: str) -> int:
    """Return the longest that a bar of `level` can be in ms. Raises ValueError for what is no level."""
    count, unit = level_parts(level)
    return count * (_MONTH_MS if unit == "M" else UNIT_MS[unit])


def _divides(fine: str, coarse: str) -> bool:
    """Return whether whole bars of `fine` make bars of `coarse`."""
    (_, fine_unit), (_, unit) = level_parts(fine), level_parts(coarse)
    if fine_unit == "M" or unit == "M":
        return fine_unit not in {"w", "M"}
    return _nominal_ms(coarse) % _nominal_ms(fine) == 0


def _columns_of(bars: list[Bar]) -> BarColumns:
    made: BarColumns = {}
    for name in _ALL:
        whole = name in ("ts_ms", "close_ms", "trades")
        made[name] = np.array([getattr(bar, name) for bar in bars], dtype=np.int64 if whole else np.float64)
    return made


def _no_bars() -> BarColumns:
    return _columns_of([])


def _joined(own: BarColumns, made: BarColumns) -> BarColumns:
    """Return both in order; where both have a bar the first stands."""
    other = ~np.isin(made["ts_ms"], own["ts_ms"])
    both = {name: np.concatenate([own[name], made[name][other]]) for name in _ALL}
    order = np.argsort(both["ts_ms"], kind="stable")
    return {name: values[order] for name, values in both.items()}


def _last_close_ms(made: BarColumns, hi_ms: int, step_ms: int) -> int:
    """Return the latest end of an interval that opens before `hi_ms`."""
    return max(hi_ms + step_ms, int(made["close_ms"][-1]) if made["ts_ms"].size else 0)


def _marked(made: BarColumns) -> BarColumns:
    return {**made, "filled": np.zeros(made["ts_ms"].size, dtype=bool)}
