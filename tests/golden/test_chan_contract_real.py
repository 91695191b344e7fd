"""The contract of the Chan engine on recorded series, in every preset, bar by bar.

The fold is the batch, what is confirmed stays, strokes alternate, and an engine that was written down goes on as the
one it was taken from.
"""

from __future__ import annotations

import csv
import gzip
import json
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from commands import market_data

from chanflow.features import chan

pytestmark = pytest.mark.golden

PRESETS = ("default", "chanpy", "new_bi", "totally", "textbook", "czsc6", "czsc7")
SERIES = ("btcusdt_5m", "sse_1d", "sse_30m", "walk_grid")
BARS, EVERY = 2_400, 150
LEGS = ("strokes", "segments", "super_segments")


@cache
def rows_of(series: str) -> list[tuple[float, ...]]:
    path = market_data().parent / "golden" / "chan" / f"{series}.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))[:BARS]
    return [(int(row["ts_ms"]), *(float(row[key]) for key in ("open", "high", "low", "close"))) for row in rows]


def batch(rows: list[tuple[float, ...]], preset: str) -> dict[str, Any]:
    ts_ms, *prices = (np.array(column) for column in zip(*rows, strict=True))
    found: dict[str, Any] = json.loads(chan.analyze(*prices, ts_ms, preset=preset).to_json())
    return found


def bare(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sure = [each for each in objects if each["state"] == "confirmed"]
    return [{k: v for k, v in each.items() if k not in {"first_seen_bar", "confirmed_bar"}} for each in sure]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("series", SERIES)
def test_the_contract_holds_bar_by_bar(series: str, preset: str) -> None:
    rows, kept = rows_of(series), {name: [] for name in LEGS}
    engine: chan.Engine = chan.Engine(preset, recorded=True)
    for at, row in enumerate(rows, start=1):
        engine.push(*row)
        if at % EVERY:
            continue
        now = json.loads(engine.structure().to_json())
        assert now == batch(rows[:at], preset)
        for name in LEGS:
            confirmed = bare(now[name])
            assert confirmed[: len(kept[name])] == kept[name]
            kept[name] = confirmed
        for before, after in pairwise(now["strokes"]):
            assert before["direction"] != after["direction"]
            assert before["end_bar"] == after["start_bar"]
        if at == BARS // 2:
            engine = chan.Engine.restore(engine.snapshot())
    assert len(kept["strokes"]) > 20
