"""Unified rows of a made market, as a lake or a caller holds them."""

from __future__ import annotations

from typing import Any

from chanflow_native import RowCollector, SyntheticMarket

START_MS = 1_767_571_200_000
KINDS = ("trade", "book_ticker")


def unified_rows(seconds: int = 120, seed: int = 7) -> tuple[list[dict[str, Any]], tuple[int, int]]:
    """Return quotes and trades of so many seconds, in order of arrival, and the decimals of prices and quantities."""
    market = SyntheticMarket(seed, START_MS * 1_000_000)
    batch = market.advance((START_MS + seconds * 1_000) * 1_000_000)
    collector = RowCollector(batch.price_decimals, batch.qty_decimals)
    collector.push(batch)
    columns = {name: column.tolist() for name, column in collector.take().items()}
    rows = []
    for values in zip(*columns.values(), strict=True):
        found = dict(zip(columns, values, strict=True))
        trade = found["kind"] == 0
        row = {"ts_ms": found["ts_ms"], "symbol": market.symbol, "venue": "synthetic", "kind": KINDS[found["kind"]],
               "known_ns": found["known_ns"], "seq_last": found["seq_last"], "dq_ok": True}  # fmt: skip
        if trade:
            row |= {"price": found["price"], "qty": found["qty"], "is_maker": bool(found["is_maker"])}
        else:
            row |= {name: found[name] for name in ("bid", "ask", "bid_qty", "ask_qty")}
        rows.append(row)
    return rows, (batch.price_decimals, batch.qty_decimals)
