"""A harvest put together: what may be asked, and recorded frames through the whole path."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from made_recording import frames

from chanflow.adapters.storage.lake_check import check_lake
from chanflow.domain.errors import InvalidArgument, RecordingInvalid
from chanflow.runtime.harvest import HarvestSpec, harvest_recorded, venue_named


def spec(root: Path, **more: object) -> HarvestSpec:
    return replace(HarvestSpec("binance-usdm", ("BTCUSDT",), root, max_s=30.0, layers=("rows", "book")), **more)  # type: ignore[arg-type]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "made.txt.gz"
    path.write_bytes(gzip.compress("".join(line + "\n" for line in frames()).encode()))
    return path


def test_a_recording_becomes_parts_and_a_second_run_changes_nothing(tmp_path: Path, recording: Path) -> None:
    root = tmp_path / "lake"
    counted = harvest_recorded(spec(root), [recording], max_bytes=1 << 30, tell=lambda _: None)
    assert counted == {"BTCUSDT": len(frames())}
    before = {path: path.read_bytes() for path in root.glob("**/*") if path.is_file()}
    assert len(list(root.glob("BTCUSDT/*/*.parquet"))) == 3
    harvest_recorded(spec(root), [recording], max_bytes=1 << 30, tell=lambda _: None)
    assert {path: path.read_bytes() for path in root.glob("**/*") if path.is_file()} == before
    assert check_lake(root).findings == ()


def test_rows_without_gaps_have_every_trade(tmp_path: Path, recording: Path) -> None:
    harvest_recorded(spec(tmp_path / "lake"), [recording], max_bytes=1 << 30, tell=lambda _: None)
    rows = pl.concat(pl.read_parquet(path) for path in sorted((tmp_path / "lake").glob("BTCUSDT/*/*.parquet")))
    trades = rows.filter(pl.col("kind") == "trade")
    assert trades.height == sum("@trade" in line for line in frames())
    assert rows["row_id"].is_unique().all()


@pytest.mark.parametrize("venue", ["okx", "hyperliquid"])
def test_a_recording_that_does_not_say_its_decimals_is_refused_where_they_are_needed(
    tmp_path: Path, recording: Path, venue: str
) -> None:
    with pytest.raises(RecordingInvalid, match="does not begin with the remark of a harvest"):
        harvest_recorded(spec(tmp_path / "lake", venue=venue), [recording], max_bytes=1 << 30, tell=lambda _: None)


def test_a_cut_recording_is_refused(tmp_path: Path, recording: Path) -> None:
    cut = tmp_path / "cut.txt"
    cut.write_bytes(gzip.decompress(recording.read_bytes())[:-10])
    with pytest.raises(RecordingInvalid, match=r"cut\.txt"):
        harvest_recorded(spec(tmp_path / "lake"), [cut], max_bytes=1 << 30, tell=lambda _: None)


@pytest.mark.parametrize(
    ("more", "says"),
    [({"venue": "x"}, "venue 'x'"), ({"layers": ("x",)}, "layer 'x'"), ({"layers": ()}, "no layer"),
     ({"symbols": ()}, "symbols are none"), ({"symbols": ("A", "A")}, "name each once")],
)  # fmt: skip
def test_what_a_harvest_may_not_be(tmp_path: Path, more: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        spec(tmp_path, **more)


def test_the_same_question_has_the_same_hash_wherever_the_files_lie(tmp_path: Path) -> None:
    assert spec(tmp_path / "a").hash == spec(tmp_path / "b").hash
    assert spec(tmp_path).hash != spec(tmp_path, max_rows=7).hash


def test_an_address_may_be_overridden_by_name() -> None:
    plans = venue_named("binance-usdm", {"public": "ws://127.0.0.1:1/public/"}).sockets(["BTCUSDT"])
    assert plans[0].url.startswith("ws://127.0.0.1:1/public/stream?streams=btcusdt@bookTicker")
