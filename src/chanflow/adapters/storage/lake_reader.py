"""Answers from the Parquet lake of one venue: rows and bars, asked of DuckDB."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chanflow.adapters.storage.lake_index import LakeIndex, date_of_ms
from chanflow.adapters.storage.rows import KINDS
from chanflow.domain.errors import Broken, InvalidArgument, NotFound
from chanflow.domain.market_data import Bar
from chanflow.market.ports import bar_open_ms, first_edge_ms

if TYPE_CHECKING:
    import duckdb

_BARS = """
WITH made AS (
    SELECT ts_ms - (ts_ms - $edge) % $interval AS open_ms, kind,
           arg_min(price, seq_last), max(price), min(price), arg_max(price, seq_last),
           fsum(qty), fsum(price * qty), count(*), coalesce(fsum(qty) FILTER (side = 'buy'), 0.0)
    FROM read_parquet($files, hive_partitioning = false)
    WHERE kind IN ('trade', 'agg_trade') AND ts_ms >= $start AND ts_ms < $end
    GROUP BY ALL
)
SELECT * EXCLUDE (kind) FROM made
-- Both streams tell the same trades: of a bar that both have, single trades are taken.
QUALIFY row_number() OVER (PARTITION BY open_ms ORDER BY kind DESC) = 1
ORDER BY open_ms
"""


class LakeReader:
    """Reads one venue's rows. Safe to share between threads; it never writes, and sees nothing outside its root."""

    def __init__(self, root: Path | LakeIndex) -> None:
        """`root` is the `output_dir` of a writer, which need not exist yet, or its index."""
        self._index = LakeIndex(root) if isinstance(root, Path) else root
        self._root = self._index.root
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._connecting = threading.Lock()

    def symbols(self) -> list[str]:
        """Return the symbols that have rows, sorted."""
        return self._index.symbols()

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
            bars = self.trade_bars(symbol, interval_ms, first_ms, near_ms)
            if len(bars) < limit and near_ms < stop_ms:
                bars = self.trade_bars(symbol, interval_ms, first_ms, stop_ms)
            return bars[:limit]
        near_ms = stop_ms - limit * interval_ms
        bars = self.trade_bars(symbol, interval_ms, near_ms, stop_ms)
        if len(bars) < limit and self._index.dates(symbol)[0] <= date_of_ms(near_ms):
            bars = self.trade_bars(symbol, interval_ms, 0, stop_ms)
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
            SELECT * FROM read_parquet($files, hive_partitioning = false, union_by_name = true)
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

    def trade_bars(self, symbol: str, interval_ms: int, start_ms: int, stop_ms: int) -> list[Bar]:
        """Return the bars that trades of [start_ms, stop_ms) make, on the crypto calendar, the open one too.

        Raises NotFound for an unknown symbol.
        """
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
        span = self._index.span(symbol)
        if span is None:
            raise self.unknown(symbol)
        return span[1]

    def unknown(self, symbol: str) -> NotFound:
        """Return the fault to raise for a symbol without rows."""
        return NotFound(f"the lake has no rows of {symbol}; it has {', '.join(self.symbols()[:10]) or 'none at all'}")

    def _files(self, symbol: str, start_ms: int, end_ms: int) -> list[str]:
        """Return the parts that may hold rows of [start_ms, end_ms). Raises NotFound for an unknown symbol."""
        if not self._index.dates(symbol):
            raise self.unknown(symbol)
        return [escaped(part.path) for part in self._index.parts(symbol, start_ms, end_ms)]

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
                connection.execute("SET allowed_directories = [?, ?]", [f"{self._root}/", f"{escaped(self._root)}/"])
                connection.execute("SET enable_external_access = false")
                connection.execute("SET lock_configuration = true")
                self._connection = connection
            return self._connection


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise InvalidArgument(f"limit is {limit}, it must be at least 1", field="limit")


def escaped(path: Path) -> str:
    """Return a path that DuckDB takes as it is spelt: it would read `*`, `?` and `[` as patterns."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
