"""Rows made up for the lake's tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DAY_MS = 86_400_000
START_MS = 1_767_571_200_000
"""2026-01-05T00:00:00Z, a Monday."""


def trade_columns(
    count: int, *, start_ms: int = START_MS, step_ms: int = 100, first_id: int = 1, seed: int = 7
) -> dict[str, NDArray[Any]]:
    """Return `count` trades, one every `step_ms`, walking in cents from 100; ids count up from `first_id`."""
    chance = np.random.default_rng(seed)
    ts_ms = start_ms + np.arange(count, dtype=np.int64) * step_ms
    price = np.round(100 + np.cumsum(chance.integers(-3, 4, count)) * 0.01, 2)
    qty = chance.integers(1, 5_000, count) / 1_000
    sold = chance.random(count) < 0.5
    absent = np.full(count, -1, dtype=np.int64)
    return {
        "ts_ms": ts_ms,
        "kind": np.zeros(count, dtype=np.uint8),
        "price": price,
        "qty": qty,
        "side": np.where(sold, 2, 1).astype(np.uint8),
        "is_maker": sold.astype(np.int8),
        "bid": price - 0.01,
        "ask": price + 0.01,
        "bid_qty": qty,
        "ask_qty": qty,
        "spread_bps": 1e4 * 0.02 / price,
        "event_ms": ts_ms,
        "known_ns": ts_ms * 1_000_000,
        "seq_first": absent,
        "seq_last": first_id + np.arange(count, dtype=np.int64),
        "seq_prev": absent,
    }


def quote_columns(count: int, *, start_ms: int = START_MS, step_ms: int = 100) -> dict[str, NDArray[Any]]:
    """Return `count` best quotes, one every `step_ms`."""
    columns = trade_columns(count, start_ms=start_ms, step_ms=step_ms)
    return columns | {
        "kind": np.ones(count, dtype=np.uint8),
        "qty": np.full(count, np.nan),
        "side": np.zeros(count, dtype=np.uint8),
        "is_maker": np.full(count, -1, dtype=np.int8),
    }


def sliced(columns: dict[str, NDArray[Any]], start: int, end: int) -> dict[str, NDArray[Any]]:
    """Return the rows [start, end)."""
    return {name: values[start:end] for name, values in columns.items()}


def joined(*blocks: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return blocks of rows one after another."""
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
