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


def test_several_levels_are_one_object_and_a_time_hides_what_came_later(tmp_path: Path) -> None:
    minutes = market_data() / "klines" / "binance_usdm_1m_14sym_202505_202506.parquet"
    asked = ("analyze", str(minutes), "--symbol", "BTCUSDT", "--levels", "5m,30m,1d", "--nested", "--format", "json")
    whole, then = (
        chanflow(tmp_path / "home", *asked, *more) for more in ((), ("--at", "2025-05-20T00:00:00Z"))
    )  # fmt: skip
    assert [(done.returncode, done.stderr) for done in (whole, then)] == [(0, "")] * 2
    found, earlier = json.loads(whole.stdout), json.loads(then.stdout)
    assert [found["schema"], found["market"], found["base"]] == ["chanflow.levels/1", "crypto", "1m"]
    assert [level["bars"] for level in found["levels"]] == [8640, 1440, 30]
    assert [len(chain["points"]) for chain in found["nested"]].count(2) == 7
    at_ms = earlier["at_ms"]
    for level, before in zip(found["levels"], earlier["levels"], strict=True):
        assert before["last_close_ms"] <= at_ms < level["last_close_ms"]
        assert all(point["known_ms"] <= at_ms for point in before["points"])


@pytest.mark.parametrize("flags", [["--nested"], ["--at", "0"], ["--levels", "5m", "--history"], ["--levels", "5m,x"]])
def test_flags_that_do_not_fit_are_a_usage_error_in_one_sentence(flags: list[str], tmp_path: Path) -> None:
    bars = tmp_path / "bars.csv"
    bars.write_text("ts_ms,open,high,low,close\n0,1,1,1,1\n60000,1,1,1,1\n")
    done = chanflow(tmp_path / "home", "analyze", str(bars), *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("chanflow: ")
    assert done.stderr.count("\n") == 1
