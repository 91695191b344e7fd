"""The reference gives what two open-source engines give on recorded market data, stage by stage, in full."""

from __future__ import annotations

import csv
import gzip
import json
import math
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chanflow.features.reference.bar import Bar
from chanflow.features.reference.structure import analyze

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "golden" / "chan"
FILES = sorted(path.name for path in DATA.glob("*.json.gz"))
GOLDENS = [name for name in FILES if ".prefixes." not in name]
PREFIXES = [name for name in FILES if ".prefixes." in name]
STAGES = ("bars", "merged", "strokes", "segments", "super_segments", "centers", "points")
PRICES = frozenset({"start_price", "end_price", "price", "low", "high", "peak_low", "peak_high"})
NOT_IN_GOLDENS = {"points": {"state"}}


def read(name: str) -> dict[str, Any]:
    if not (DATA / name).is_file():
        pytest.skip(f"MARKET DATA ABSENT: {DATA / name} is not there; set CHANFLOW_TEST_DATA")
    with gzip.open(DATA / name, "rt") as file:
        return json.load(file)


@cache
def bars_of(name: str) -> tuple[Bar, ...]:
    with gzip.open(DATA / name, "rt") as file:
        rows = list(csv.DictReader(file))
    return tuple(
        Bar(
            ts_ms=int(row["ts_ms"]),
            open=float(row["open"]),
            high=float(row["high"]),
            low=float(row["low"]),
            close=float(row["close"]),
            volume=float(row["volume"]) if "volume" in row else None,
            amount=float(row["amount"]) if "amount" in row else None,
        )
        for row in rows
    )


def same(key: str, ours: Any, theirs: Any) -> bool:
    if key in PRICES:
        return math.isclose(ours, theirs, rel_tol=1e-9)
    return sorted(ours) == sorted(theirs) if key == "types" else ours == theirs


def differences(stage: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[str]:
    """Return what differs, object by object; keys only we have do not count."""
    found = [] if len(ours) == len(theirs) else [f"{len(ours)} {stage}, not {len(theirs)}"]
    for index, (mine, golden) in enumerate(zip(ours, theirs, strict=False)):
        keys = [key for key in golden if key not in NOT_IN_GOLDENS.get(stage, set())]
        unlike = [key for key in keys if key not in mine or not same(key, mine[key], golden[key])]
        found += [f"{stage}[{index}].{key}: {mine.get(key)!r}, not {golden[key]!r}" for key in unlike]
    return found


@pytest.mark.parametrize("name", GOLDENS or ["sse_1d.default.plain.json.gz"])
def test_every_stage_is_the_golden_one(name: str) -> None:
    golden = read(name)
    bars = bars_of(golden["input"])
    assert len(bars) == golden["rows"]
    ours, theirs = analyze(bars, preset=golden["preset"], params=golden["set"]), golden["expected"]
    found: list[str] = []
    for stage in golden["compare"]:
        key, _, level = stage.partition(".")
        assert key in STAGES
        if isinstance(theirs[key], int):
            found += [] if ours[key] == theirs[key] else [f"{key}: {ours[key]}, not {theirs[key]}"]
            continue
        lists = [[each for each in side[key] if not level or each["level"] == level] for side in (ours, theirs)]
        found += differences(key, *lists)
    assert not found, f"{len(found)} differences, the first: " + "; ".join(found[:5])


def last_of(objects: list[dict[str, Any]], *keys: str) -> list[Any] | None:
    return [objects[-1][key] for key in keys] if objects else None


def row_of(bars: tuple[Bar, ...], golden: dict[str, Any]) -> list[Any]:
    """Return what a prefix trace notes: counts, and the last object of each list."""
    shown = analyze(bars, preset=golden["preset"], params=golden["set"])
    centers = [each for each in shown["centers"] if each["level"] == "stroke"]
    points = [each for each in shown["points"] if each["level"] == "stroke"]
    return [
        shown["bars"],
        shown["merged"],
        len(shown["strokes"]),
        last_of(shown["strokes"], "start_bar", "end_bar"),
        len(shown["segments"]),
        last_of(shown["segments"], "start_stroke", "end_stroke", "state"),
        len(shown["centers"]),
        last_of(centers, "start_stroke", "end_stroke"),
        len(shown["points"]),
        last_of(points, "bar", "types"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", PREFIXES or ["btcusdt_5m.prefixes.chanpy.json.gz"])
def test_every_prefix_ends_as_in_the_trace(name: str) -> None:
    golden = read(name)
    bars = bars_of(golden["input"])
    unlike = [row for row in golden["rows"] if row_of(bars[: row[0]], golden) != row]
    assert not unlike, f"{len(unlike)} of {len(golden['rows'])} prefixes differ, the first: {unlike[0]}"
