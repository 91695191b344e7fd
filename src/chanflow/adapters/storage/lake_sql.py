"""SQL over lakes: views `rows`, `trades`, `bars`, `features` and `gaps`, read-only, of the parts that are true."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from chanflow.adapters.storage.lake_index import LakeIndex
from chanflow.adapters.storage.lake_reader import escaped
from chanflow.domain.errors import InvalidArgument, NotFound

_VIEWS = {
    "trades": "SELECT * FROM rows WHERE kind IN ('trade', 'agg_trade')",
    "gaps": """
        SELECT symbol, venue, event_ms AS from_ms, ts_ms AS to_ms, seq_first AS from_u, seq_last AS to_u
        FROM rows WHERE kind = 'gap'""",
    "bars": """
        SELECT symbol, venue, interval, open_ms AS ts_ms, close_ms, open, high, low, close, volume, amount,
            trades, buy_qty
        FROM rows WHERE kind = 'kline' AND closed
        QUALIFY row_number() OVER (PARTITION BY venue, symbol, interval, open_ms ORDER BY known_ns DESC) = 1""",
}
_NO_BARS = "CREATE VIEW bars AS SELECT * FROM rows WHERE false"


def ask_lakes(roots: Sequence[Path], query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and rows of a query. Raises InvalidArgument for one that fails, NotFound without any row."""
    indexes = [LakeIndex(root) for root in roots]
    files = {layer: _files(indexes, layer) for layer in ("rows", "features")}
    if not files["rows"]:
        raise NotFound(f"there are no rows in {', '.join(str(root) for root in roots)}")
    connection = duckdb.connect(":memory:")
    try:
        for layer, paths in files.items():
            if paths:
                listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
                reading = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
                connection.execute(f"CREATE VIEW {layer} AS SELECT * FROM {reading}")  # noqa: S608  # quoted above
        has_klines = "interval" in [row[0] for row in connection.execute("DESCRIBE rows").fetchall()]
        for name, body in _VIEWS.items():
            connection.execute(_NO_BARS if name == "bars" and not has_klines else f"CREATE VIEW {name} AS {body}")
        folders = [text for index in indexes for text in (f"{index.root}/", f"{escaped(index.root)}/")]
        connection.execute(f"SET allowed_directories = [{', '.join('?' for _ in folders)}]", folders)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        answer = connection.execute(query)
        return [column[0] for column in answer.description or ()], answer.fetchall()
    except duckdb.Error as fault:
        raise InvalidArgument(f"the query fails: {str(fault).splitlines()[0]}", field="query") from fault
    finally:
        connection.close()


def _files(indexes: Sequence[LakeIndex], layer: str) -> list[str]:
    return [
        escaped(part.path)
        for index in indexes
        for symbol in index.symbols(layer)
        for part in index.parts(symbol, layer=layer)
    ]
