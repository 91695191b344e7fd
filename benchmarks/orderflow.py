"""Measures the order-flow kernels beside plain NumPy, on this machine, in one run: `python benchmarks/orderflow.py`.

Figures are medians of several runs on one thread. NumPy computes only OFI, trade flow and bins from the same arrays;
the core's row includes z, fusion and the signal of every bin. Nothing here fails; targets are goals.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chanflow_native as native
import numpy as np
from run import Figure, median_s

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", ROOT.parent / "shared")) / "data"
CAPTURE = DATA / "wire" / "binance_usdm_BTCUSDT_20240808.txt.gz"
SEED = 20_260_105
EVENTS = 12_000_000
DECIMALS = (2, 3)

Columns = tuple[np.ndarray, ...]


def made_columns(events: int) -> tuple[Columns, Columns]:
    """Return quotes and trades of a seeded walk, about 250 events a second, three quotes to a trade."""
    chance = np.random.default_rng(SEED)
    quotes, trades = events * 3 // 4, events // 4
    span_ms = events * 4

    def stamps(count: int) -> np.ndarray:
        return 1_700_000_000_000 + np.sort(chance.integers(0, span_ms, count))

    bid = 6_000_000 + 10 * np.cumsum(chance.integers(-1, 2, quotes) * (chance.random(quotes) < 0.1))
    sizes = [chance.integers(1, 20_000, quotes) for _ in range(2)]
    quote_ms, trade_ms = stamps(quotes), stamps(trades)
    price, qty = np.full(trades, 6_000_000), chance.integers(1, 5_000, trades)
    is_maker = (chance.random(trades) < 0.5).astype(np.int8)
    return (quote_ms, bid, sizes[0], bid + 10, sizes[1]), (trade_ms, price, qty, is_maker)


def as_floats(quotes: Columns, trades: Columns) -> tuple[Columns, Columns]:
    """Return the same columns as decimal numbers."""
    return (
        (quotes[0], quotes[1] / 100, quotes[2] / 1_000, quotes[3] / 100, quotes[4] / 1_000),
        (trades[0], trades[1] / 100, trades[2] / 1_000, trades[3]),
    )


def numpy_bins(quotes: Columns, trades: Columns, bin_ms: int = 1_000) -> tuple[np.ndarray, np.ndarray]:
    """Return OFI and trade flow of each bin, as one writes it in NumPy."""
    ts_ms, bid, bid_qty, ask, ask_qty = quotes
    step = np.zeros(len(ts_ms), dtype=np.int64)
    step[1:] = (
        (bid[1:] >= bid[:-1]) * bid_qty[1:]
        - (bid[1:] <= bid[:-1]) * bid_qty[:-1]
        - (ask[1:] <= ask[:-1]) * ask_qty[1:]
        + (ask[1:] >= ask[:-1]) * ask_qty[:-1]
    )
    first = min(ts_ms[0], trades[0][0]) // bin_ms
    count = int(max(ts_ms[-1], trades[0][-1]) // bin_ms - first + 1)
    ofi = np.bincount(ts_ms // bin_ms - first, weights=step, minlength=count)
    signed = np.where(trades[3] == 1, -trades[2], trades[2])
    return ofi, np.bincount(trades[0] // bin_ms - first, weights=signed, minlength=count)


def array_figures() -> list[Figure]:
    """Events a second from arrays, and NumPy's beside them."""
    columns = made_columns(EVENTS)
    floats = as_floats(*columns)
    engine = native.FlowEngine(*DECIMALS)
    found = engine.run_arrays(*columns)
    ofi, tfi = numpy_bins(*columns)
    assert np.array_equal(found["ofi"], ofi / 1_000)
    assert np.array_equal(found["tfi"], tfi / 1_000)
    works: list[tuple[str, Callable[[], object], str]] = [
        ("arrays of integers to bins, z and fusion", lambda: engine.run_arrays(*columns), ">= 60"),
        ("arrays of floats to bins, z and fusion", lambda: engine.run_arrays(*floats), ">= 60"),
        ("NumPy: arrays of integers to OFI and TFI bins only", lambda: numpy_bins(*columns), ""),
    ]
    return [Figure(name, EVENTS / median_s(work) / 1e6, "M events/s", goal, 5) for name, work, goal in works]


def z_figures() -> list[Figure]:
    """A bin of the longest usual window: 3,000 bins, both legs."""
    quotes, trades = made_columns(400_000)
    rows = 0

    def run(window_ms: int) -> float:
        nonlocal rows
        engine = native.FlowEngine(*DECIMALS, 100, window_ms, 100)
        rows = len(engine.run_arrays(quotes, trades)["ts_ms"])
        return median_s(lambda: engine.run_arrays(quotes, trades))

    long, short = run(300_000), run(100)
    return [Figure("one z at a window of 3,000 bins", (long - short) / rows / 2 * 1e6, "us", "< 20", 5)]


def numpy_z_figure() -> Figure:
    """The same z with NumPy's median, for scale."""
    past = np.random.default_rng(SEED).integers(-(1 << 20), 1 << 20, 3_000)

    def score() -> float:
        med = np.median(past)
        mad = np.median(np.abs(past - med))
        return float((past[-1] - med) / max(1.4826 * mad, past.std(), 1_024.0))

    took = median_s(lambda: [score() for _ in range(100)]) / 100
    return Figure("NumPy: one z at a window of 3,000 bins", took * 1e6, "us", "", 5)


def capture_figures() -> list[Figure]:
    """From recorded frames: whole, and frame by frame as a live feed gives them."""
    if not CAPTURE.exists():
        return []
    raw = gzip.decompress(CAPTURE.read_bytes())

    def through(**given: Any) -> None:
        parser = native.WireParser()
        parser.feed(raw)
        parser.finish()
        native.FlowEngine(parser.price_decimals or 0, parser.qty_decimals or 0, **given).push(parser.take())

    figures = [Figure("recorded frames to bins", len(raw) / median_s(through) / 1e6, "MB/s", ">= 300", 5)]
    took = median_s(lambda: through(all_columns=True))
    figures.append(Figure("recorded frames to bins, all columns", len(raw) / took / 1e6, "MB/s", "", 5))
    for all_columns in (False, True):
        parser, waits = native.WireParser(), []
        engine = native.FlowEngine(*DECIMALS, 100, all_columns=all_columns)
        for line in raw.splitlines(keepends=True):
            began = time.perf_counter()
            parser.feed(line)
            engine.push(parser.take())
            waits.append(time.perf_counter() - began)
        waits.sort()
        name = "one frame to its signal, bins of 100 ms" + (", all columns" if all_columns else "")
        figures.append(Figure(f"{name}, p50", waits[len(waits) // 2] * 1e6, "us", "", len(waits)))
        figures.append(Figure(f"{name}, p99", waits[len(waits) * 99 // 100] * 1e6, "us", "< 200", len(waits)))
    return figures


MEMORY = """
import gzip, json, resource, sys
import chanflow_native as native
from pathlib import Path
raw = gzip.decompress(Path(sys.argv[1]).read_bytes())
def rss():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
def engine_of(count):
    engines = []
    for _ in range(count):
        parser = native.WireParser()
        engine = native.FlowEngine(2, 3, 100, all_columns=True, levels=10, keep_levels=1_000)
        for at in range(0, len(raw), 1 << 18):
            parser.feed(raw[at : at + (1 << 18)])
            engine.push(parser.take())
        engines.append((parser, engine))
    return engines
engine_of(0)
before = rss()
kept = engine_of(9)
print(json.dumps((rss() - before) / 9))
"""


def memory_figures() -> list[Figure]:
    """What a symbol costs, a ninth of nine: parser, book, and an engine with all columns at 100 ms."""
    if not CAPTURE.exists():
        return []
    command = [sys.executable, "-c", MEMORY, str(CAPTURE)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    return [Figure("memory of a symbol, all columns, bins of 100 ms", json.loads(ran.stdout), "MB", "< 64", 9)]


def main() -> None:
    """Print the table."""
    figures = [*array_figures(), *z_figures(), numpy_z_figure(), *capture_figures(), *memory_figures()]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    width = max(len(figure.what) for figure in figures)
    for figure in figures:
        print(f"{figure.what:<{width}}  {figure.value:>10.2f} {figure.unit:<11} {figure.target}")
    print(f"{'peak memory of this whole run':<{width}}  {peak:>10.2f} MB")


if __name__ == "__main__":
    main()
