"""The recorded results of the Chan engine, and seeded series, as its tests read them."""

from __future__ import annotations

import csv
import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import chanflow_native
import numpy as np

SHARED = Path(os.environ.get("CHANFLOW_TEST_DATA", Path(__file__).parents[3] / "shared"))
GOLDEN = SHARED / "golden" / "chan"

Columns = dict[str, np.ndarray]


def read_json(path: Path) -> dict[str, Any]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        document: dict[str, Any] = json.load(file)
    return document


@cache
def read_bars(name: str) -> Columns:
    with gzip.open(GOLDEN / name, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {"ts_ms": np.array([int(row["ts_ms"]) for row in rows], dtype=np.int64)}
    for name_ in ("open", "high", "low", "close", "volume"):
        columns[name_] = np.array([float(row[name_]) for row in rows])
    return columns


def walk(bars: int, seed: int) -> Columns:
    """A seeded walk on a coarse grid, full of ties, one bar in ten with a single price."""
    chance = np.random.default_rng(seed)
    close = 100.0 + np.cumsum(chance.integers(-2, 3, bars)) * 0.5
    open_ = np.concatenate([[100.0], close[:-1]])
    reach = chance.integers(0, 3, (2, bars)) * 0.5
    high, low = np.maximum(open_, close) + reach[0], np.minimum(open_, close) - reach[1]
    flat = chance.random(bars) < 0.1
    for column in (open_, high, low):
        column[flat] = close[flat]
    ts_ms = np.arange(bars, dtype=np.int64) * 60_000
    return {"ts_ms": ts_ms, "open": open_, "high": high, "low": low, "close": close, "volume": np.ones(bars)}


def batch(columns: Columns, preset: str, params: dict[str, Any]) -> chanflow_native.ChanEngine:
    return chanflow_native.chan_analyze(**columns, preset=preset, params=params)


def rows(columns: Columns) -> list[tuple[int, float, float, float, float, float]]:
    names = ("ts_ms", "open", "high", "low", "close", "volume")
    return list(zip(*(columns[name].tolist() for name in names), strict=True))
