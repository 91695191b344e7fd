"""`chanflow analyze` gives the structures that other engines found on real and made series, stage by stage."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from commands import chanflow, market_data

pytestmark = pytest.mark.golden

GOLDENS = (
    "btcusdt_5m.default.plain",
    "sse_1d.chanpy.max-bs2-rate-0.618.bsp2s-follow-2-true",
    "sse_30m.new_bi.plain",
    "walk_grid.totally.plain",
    "walk_grid.default.macd-algo-amount",
    "sse_1d.czsc6",
)

PRICES = {"start_price", "end_price", "price", "low", "high", "peak_low", "peak_high"}


def folder() -> Path:
    return market_data().parent / "golden" / "chan"


def differences(stage: str, found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> list[str]:
    """Return where a list is not as expected. Keys that only one side has are passed over."""
    told = [] if len(found) == len(expected) else [f"{stage}: {len(found)} found, {len(expected)} expected"]
    for at, (ours, theirs) in enumerate(zip(found, expected, strict=False)):
        for key in theirs:
            if stage == "points" and key == "state":
                continue
            a, b = ours[key], theirs[key]
            if key == "types":
                a, b = set(a), set(b)
            same = a == pytest.approx(b, rel=1e-9, abs=0) if key in PRICES else a == b
            if not same:
                told.append(f"{stage}[{at}].{key}: {ours[key]} found, {theirs[key]} expected")
    return told


@pytest.mark.parametrize("case", GOLDENS)
def test_the_command_finds_what_is_expected(case: str, tmp_path: Path) -> None:
    golden = json.loads(gzip.decompress((folder() / f"{case}.json.gz").read_bytes()))
    plain = tmp_path / "x.csv"
    plain.write_bytes(gzip.decompress((folder() / golden["input"]).read_bytes()))
    settings = [f"{key}={json.dumps(value).strip(chr(34))}" for key, value in golden["set"].items()]
    flags = [part for setting in settings for part in ("--set", setting)]
    done = chanflow(
        tmp_path / "home", "analyze", str(plain), "--preset", golden["preset"], *flags, "--symbol", golden["symbol"],
        "--interval", golden["interval"], "--format", "json",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    told = []
    for stage in golden["compare"]:
        name, _, level = stage.partition(".")
        ours, theirs = found[name], golden["expected"][name]
        if level:
            ours, theirs = ([each for each in side if each["level"] == level] for side in (ours, theirs))
        if isinstance(theirs, list):
            told += differences(name, ours, theirs)
        elif ours != theirs:
            told.append(f"{stage}: {ours} found, {theirs} expected")
    assert told[:20] == []


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_the_shortest_series_have_empty_lists(rows: int, tmp_path: Path) -> None:
    lines = gzip.decompress((folder() / "walk_grid.csv.gz").read_bytes()).splitlines(keepends=True)
    short = tmp_path / "x.csv.gz"
    short.write_bytes(gzip.compress(b"".join(lines[: rows + 1])))
    done = chanflow(tmp_path / "home", "analyze", str(short), "--preset", "default", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["bars"] == rows
    assert [found[name] for name in ("strokes", "segments", "super_segments", "centers", "points")] == [[]] * 5
