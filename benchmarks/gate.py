"""Rows per second through the quality gate, one thread, columns in memory.

    .venv/bin/python benchmarks/gate.py [--rows 4000000]

Counted in CPU time of the thread, so that other work on the machine does not wait into it. Three streams of one symbol
as a live desk has them (best quotes, trades, the book's top), and the same rows cut into batches of 1,000. The best of
five runs counts.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from chanflow_native import QualityGate
from numpy.typing import NDArray

KINDS = np.array([1, 1, 1, 1, 1, 1, 1, 0, 0, 3], dtype=np.uint8)
"""Seven quotes, two trades, one book."""


def rows(count: int) -> dict[str, NDArray[Any]]:
    """Return clean rows of all three kinds, a millisecond apart."""
    chance = np.random.default_rng(7)
    kind = np.resize(KINDS, count)
    at = np.arange(count, dtype=np.int64)
    mid = 60_000 + np.cumsum(chance.integers(-1, 2, count)) * 0.1
    bid, ask = np.round(mid - 0.1, 1), np.round(mid + 0.1, 1)
    seq = np.zeros(count, dtype=np.int64)
    prev = np.full(count, -1, dtype=np.int64)
    for code in (0, 1, 3):
        mine = kind == code
        seq[mine] = 1_000 + np.arange(mine.sum())
        if code == 3:
            prev[mine] = seq[mine] - 1
    is_trade, is_buy = kind == 0, at % 2 == 0
    ts_ms = 1_700_000_000_000 + at
    return {
        "kind": kind,
        "ts_ms": ts_ms,
        "event_ms": ts_ms,
        "known_ns": (ts_ms + chance.integers(1, 30, count)) * 1_000_000,
        "price": np.where(is_trade, np.where(is_buy, ask, bid), np.round(mid, 1)),
        "qty": np.where(is_trade, 0.5, np.nan),
        "side": np.where(is_trade, np.where(is_buy, 1, 2), 0).astype(np.uint8),
        "is_maker": np.where(is_trade, ~is_buy, -1).astype(np.int8),
        "is_market": np.where(is_trade, 1, -1).astype(np.int8),
        "bid": np.where(is_trade, np.nan, bid),
        "ask": np.where(is_trade, np.nan, ask),
        "bid_qty": np.where(is_trade, np.nan, 3.0),
        "ask_qty": np.where(is_trade, np.nan, 3.0),
        "seq_first": np.where(kind == 3, seq, -1),
        "seq_last": seq,
        "seq_prev": prev,
    }


def seconds(batches: list[dict[str, NDArray[Any]]]) -> float:
    """Return how long a fresh gate takes for all batches. Raises AssertionError where a row has a code."""
    gate = QualityGate("binance-usdm", {"BTCUSDT": ("0.1", "0.001")})
    begin = time.thread_time()
    masks = [gate.check(batch) for batch in batches]
    took = time.thread_time() - begin
    assert not any(mask.any() for mask in masks), gate.report()
    return took


def main() -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000_000)
    count = parser.parse_args().rows
    columns = rows(count)
    cut = [{name: values[at : at + 1_000] for name, values in columns.items()} for at in range(0, count, 1_000)]
    for name, batches in (("one batch", [columns]), ("batches of 1,000", cut)):
        best = min(seconds(batches) for _ in range(5))
        print(f"{name:<18}{count / best / 1e6:8.1f} M rows/s")


if __name__ == "__main__":
    main()
