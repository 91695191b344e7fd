"""Measures the data feed on this machine: `python benchmarks/feed.py [ROWS]`.

Prints a table: slices as Arrow (all columns and four), snapshots, and bars. Figures of different machines, or of a busy
one, are not compared.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from chanflow.adapters.storage.lake import LakeWriter
from chanflow.adapters.storage.lake_source import LakeSource
from chanflow.interfaces.rest.feed_app import ipc_stream
from chanflow.market.feed import Feed, SliceQuery
from chanflow.runtime.clock import SystemClock

START_MS = 1_767_571_200_000
SYMBOL = "SIMUSDT"
COLUMNS = ("ts_ms", "price", "qty", "side")
REPEATS = 5


def rows(count: int) -> dict[str, Any]:
    """Return trades, 50 a second, walking from 100."""
    chance = np.random.default_rng(7)
    ts_ms = START_MS + np.arange(count, dtype=np.int64) * 20
    price = np.round(100 + np.cumsum(chance.integers(-3, 4, count)) * 0.01, 2)
    sold, absent = chance.random(count) < 0.5, np.full(count, -1, dtype=np.int64)
    return {
        "ts_ms": ts_ms, "kind": np.zeros(count, dtype=np.uint8), "price": price, "qty": chance.random(count),
        "side": np.where(sold, 2, 1).astype(np.uint8), "is_maker": sold.astype(np.int8), "bid": price - 0.01,
        "ask": price + 0.01, "bid_qty": price, "ask_qty": price, "spread_bps": 2 / price, "event_ms": ts_ms,
        "known_ns": ts_ms * 1_000_000, "seq_first": absent, "seq_last": np.arange(count, dtype=np.int64),
        "seq_prev": absent,
    }  # fmt: skip


def median_s(work: Callable[[], object]) -> float:
    """Return the median wall time of `work` in seconds."""
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "sim"
        lake = LakeWriter(root, "sim", SYMBOL, writer_id="bench")
        lake.add(rows(count))
        lake.close()
        feed = Feed([LakeSource(root)], SystemClock())
        span = (START_MS, START_MS + count * 20)
        print(f"{count:,} rows in {len(list(root.rglob('part-*.parquet')))} parts, medians of {REPEATS}")
        for name, columns in (("all columns", None), ("four columns", COLUMNS)):
            query = SliceQuery((SYMBOL,), *span, columns=columns)

            def stream(query: SliceQuery = query) -> None:
                for _ in ipc_stream(page.rows for page in feed.pages(query)):
                    pass

            print(f"slice as Arrow, {name}: {count / median_s(stream) / 1e6:.2f} M rows/s (target >= 5)")
        bars = SliceQuery((SYMBOL,), *span, interval="1m")
        print(f"1m bars of it: {median_s(lambda: list(feed.pages(bars))):.3f} s")
        took = []
        for _ in range(1_000):
            began = time.perf_counter()
            feed.live_snapshot([SYMBOL])
            took.append(time.perf_counter() - began)
        p50, p99 = np.quantile(took, [0.5, 0.99]) * 1e3
        print(f"snapshot: p50 {p50:.3f} ms, p99 {p99:.3f} ms (target p99 < 5)")


if __name__ == "__main__":
    main()
