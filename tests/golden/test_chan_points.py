"""Centers and points on the recorded series are those other engines found, read at once and bar by bar."""

from __future__ import annotations

import csv
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import chanflow_native as native
import numpy as np
import pytest
from commands import market_data

pytestmark = pytest.mark.golden

LEVELS = ("stroke", "segment")
TYPES = ("1", "1p", "2", "2s", "3a", "3b")
INDICES = ("start_stroke", "end_stroke", "entry_stroke", "exit_stroke", "start_ts_ms", "end_ts_ms")
PRICES = ("low", "high", "peak_low", "peak_high")
SERIES = ("btcusdt_5m", "sse_1d", "sse_30m", "walk_grid")

Rows = list[tuple[Any, ...]]


@cache
def columns(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in ("open", "high", "low", "close", "volume", "amount") if name in rows[0]]
    floats = {name: np.array([float(row[name]) for row in rows]) for name in names}
    return {"ts_ms": np.array([int(row["ts_ms"]) for row in rows]), **floats}


def goldens(series: str) -> list[dict[str, Any]]:
    folder = market_data().parent / "golden" / "chan"
    files = [path for path in sorted(folder.glob(f"{series}.*.json.gz")) if ".prefixes." not in path.name]
    assert len(files) >= 30, f"{folder}: only {len(files)} goldens of {series}"
    return [{"name": path.name, **json.loads(gzip.decompress(path.read_bytes()))} for path in files]


def at_once(golden: dict[str, Any]) -> native.ChanEngine:
    series = columns(market_data().parent / "golden" / "chan" / golden["input"])
    return native.chan_analyze(**series, preset=golden["preset"], params=golden["set"])


def bar_by_bar(golden: dict[str, Any]) -> native.ChanEngine:
    series = columns(market_data().parent / "golden" / "chan" / golden["input"])
    engine = native.ChanEngine(golden["preset"], golden["set"])
    for bar in zip(*(column.tolist() for column in series.values()), strict=True):
        engine.push(**dict(zip(series, bar, strict=True)))
    return engine


def shown_centers(engine: native.ChanEngine) -> tuple[Rows, Rows]:
    """Return level and whole numbers, and prices, of every center; -1 stands for null."""
    table = engine.centers()
    whole = zip(table["level"].tolist(), *(table[key].tolist() for key in INDICES), strict=True)
    return list(whole), list(zip(*(table[key].tolist() for key in PRICES), strict=True))


def expected_centers(golden: dict[str, Any]) -> tuple[Rows, Rows]:
    rows = golden["expected"]["centers"]
    whole = [(LEVELS.index(row["level"]), *(-1 if row[key] is None else row[key] for key in INDICES)) for row in rows]
    return whole, [tuple(row[key] for key in PRICES) for row in rows]


def shown_points(engine: native.ChanEngine) -> Rows:
    table = engine.points()
    keys = ("level", "element", "bar", "ts_ms", "price", "side", "types")
    return list(zip(*(table[key].tolist() for key in keys), strict=True))


def expected_points(golden: dict[str, Any]) -> Rows:
    return [
        (
            LEVELS.index(row["level"]), row["element"], row["bar"], row["ts_ms"], row["price"],
            1 if row["side"] == "buy" else -1, sum(1 << TYPES.index(word) for word in row["types"]),
        )
        for row in golden["expected"]["points"]
    ]  # fmt: skip


@pytest.mark.parametrize("series", SERIES)
@pytest.mark.parametrize("read", [at_once, bar_by_bar])
def test_every_golden_has_its_centers_and_points(series: str, read: Any) -> None:
    for golden in goldens(series):
        engine = read(golden)
        whole, prices = shown_centers(engine)
        expected_whole, expected_prices = expected_centers(golden)
        if "centers" not in golden["compare"]:
            kept = [at for at, row in enumerate(whole) if row[0] == 0]
            whole, prices = [whole[at] for at in kept], [prices[at] for at in kept]
        assert whole == expected_whole, golden["name"]
        assert prices == [pytest.approx(row, rel=1e-9, abs=0) for row in expected_prices], golden["name"]
        if "points" in golden["compare"]:
            assert shown_points(engine) == expected_points(golden), golden["name"]
