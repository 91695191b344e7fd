"""`chanflow features` on recorded frames: golden values, one row a bin, the same bytes every time, on both engines."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import chanflow, market_data

pytestmark = pytest.mark.golden

USDM = "binance_usdm_BTCUSDT_20240808"
FIXED = {
    "ts_ms": pl.Int64, "mid": pl.Float64, "ofi": pl.Float64, "cvd": pl.Float64, "tfi": pl.Float64, "z_ofi": pl.Float64,
    "z_cvd": pl.Float64, "fusion": pl.Float64, "signal": pl.String, "book_ok": pl.Boolean,
}  # fmt: skip


def wire(name: str = USDM) -> Path:
    found = market_data() / "wire" / f"{name}.txt.gz"
    if not found.exists():
        pytest.skip(f"MARKET DATA ABSENT: {found} is not there; set CHANFLOW_TEST_DATA")
    return found


def features(tmp_path: Path, name: str, *flags: str, out: str = "out.parquet") -> pl.DataFrame:
    path = tmp_path / out
    done = chanflow(tmp_path / "home", "features", "--wire", str(wire(name)), "--out", str(path), *flags)
    assert done.returncode == 0, done.stderr
    assert "contemporaneous" in done.stderr or "R²" not in done.stderr
    return pl.read_parquet(path)


def test_one_second_bins_have_the_golden_values(tmp_path: Path) -> None:
    rows = features(tmp_path, USDM, "--symbol", "BTCUSDT", "--bin", "1s")
    assert dict(rows.schema) == FIXED
    assert rows["ts_ms"].to_list() == list(range(1_723_161_257_000, 1_723_161_602_000, 1_000))
    assert rows["book_ok"].to_list() == [False] + [True] * 344
    assert (rows["mid"][0], rows["mid"][-1]) == (61800.05, 61659.75)
    assert round(rows["ofi"].sum(), 6) == -108.356
    assert rows["cvd"][-1] == 73.786
    known = rows.filter(pl.col("z_ofi").is_not_null())
    assert known.height == 284
    assert known.row(0)[0] == 1_723_161_318_000
    assert known.row(0)[5:8] == (1.1011051955160063, 0.06651394190540988, 0.6872686940717676)
    counts = dict(rows["signal"].value_counts().iter_rows())
    assert counts == {"buy": 34, "strong_buy": 10, "sell": 24, "strong_sell": 10, "neutral": 267}
    assert (rows["signal"] != rows["signal"].shift(1)).sum() == 108


def test_tenths_of_a_second_have_the_golden_counts(tmp_path: Path) -> None:
    rows = features(tmp_path, USDM, "--bin", "100ms")
    assert rows.height == 3_445
    assert rows["ts_ms"].diff().drop_nulls().unique().to_list() == [100]
    assert round(rows["ofi"].sum(), 6) == -108.356
    assert rows["cvd"][-1] == 73.786
    assert rows["book_ok"].sum() == 3_442
    assert rows["z_ofi"].is_not_null().sum() == 2_842


@pytest.mark.parametrize(
    ("name", "bins", "ok", "with_z"),
    [
        ("binance_spot_BTCUSDT_20240808", 347, 345, 285),
        ("binance_spot_ETHUSDT_20240808", 347, 345, 285),
        ("binance_coinm_BTCUSD_PERP_20240808", 345, 343, 283),
        ("hyperliquid_BTC_20250126", 75, 24, 0),
    ],
)
def test_other_venues_have_their_rows(name: str, bins: int, ok: int, with_z: int, tmp_path: Path) -> None:
    rows = features(tmp_path, name)
    found = (rows.height, rows["book_ok"].sum(), rows["z_ofi"].is_not_null().sum())
    assert found == (bins, ok, with_z)
    assert rows["ofi"].is_not_null().all()
    assert not any(rows[name].is_nan().any() for name in ("mid", "ofi", "z_ofi", "z_cvd", "fusion"))


def test_the_same_input_gives_the_same_bytes_whole_and_in_a_folder_of_dates(tmp_path: Path) -> None:
    flags = ("--all-columns", "--levels", "10")
    whole = features(tmp_path, USDM, *flags)
    first = hashlib.sha256((tmp_path / "out.parquet").read_bytes()).hexdigest()
    features(tmp_path, USDM, *flags)
    assert hashlib.sha256((tmp_path / "out.parquet").read_bytes()).hexdigest() == first
    done = chanflow(tmp_path / "home", "features", "--wire", str(wire()), "--out", str(tmp_path / "lake"), *flags)
    assert done.returncode == 0
    parts = sorted((tmp_path / "lake").rglob("*"))
    named = [path.relative_to(tmp_path / "lake").as_posix() for path in parts if path.is_file()]
    assert named == [
        "BTCUSDT/date=2024-08-08/part-1723161257000.parquet",
        "BTCUSDT/date=2024-08-09/part-1723161600000.parquet",
    ]
    joined = pl.concat([pl.read_parquet(tmp_path / "lake" / name, hive_partitioning=False) for name in named])
    assert joined.equals(whole)
    assert whole.columns[:11] == [*FIXED, "symbol"]
    assert [name for name in whole.columns if name.startswith("mlofi")] == [f"mlofi_{level}" for level in range(1, 11)]


def cut(tmp_path: Path, lines: int) -> Path:
    found = tmp_path / "cut.txt"
    with gzip.open(wire()) as file:
        found.write_bytes(b"".join(line for _, line in zip(range(lines), file, strict=False)))
    return found


def test_the_plain_reference_writes_the_same_bytes(tmp_path: Path) -> None:
    short = cut(tmp_path, 12_000)
    written = []
    for engine in ("native", "reference"):
        out = tmp_path / f"{engine}.parquet"
        done = chanflow(
            tmp_path / "home", "features", "--wire", str(short), "--bin", "500ms", "--warmup", "5s", "--all-columns",
            "--engine", engine, "--out", str(out),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        written.append(out.read_bytes())
    assert written[0] == written[1]
    assert pl.read_parquet(tmp_path / "native.parquet")["z_ofi"].is_not_null().sum() > 20


def test_a_cut_input_gives_a_prefix_but_for_its_last_row(tmp_path: Path) -> None:
    whole = features(tmp_path, USDM)
    done = chanflow(
        tmp_path / "home", "features", "--wire", str(cut(tmp_path, 30_001)), "--out", str(tmp_path / "x.parquet")
    )
    assert done.returncode == 0
    short = pl.read_parquet(tmp_path / "x.parquet")
    assert short.height > 100
    assert short.head(short.height - 1).equals(whole.head(short.height - 1))


def test_files_of_one_recording_are_one_stream(tmp_path: Path) -> None:
    whole = features(tmp_path, USDM)
    with gzip.open(wire()) as file:
        lines = file.readlines()
    parts = [tmp_path / f"part-{at}.txt" for at in range(3)]
    for at, path in enumerate(parts):
        path.write_bytes(b"".join(lines[at * 33_333 : (at + 1) * 33_333]).rstrip(b"\n"))
    out = tmp_path / "parts.parquet"
    done = chanflow(tmp_path / "home", "features", "--wire", *map(str, parts), "--symbol", "BTCUSDT", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert pl.read_parquet(out).equals(whole)
    back = chanflow(tmp_path / "home", "features", "--wire", str(parts[2]), str(parts[0]))
    assert (back.returncode, back.stdout) == (2, "")
    assert back.stderr.count("\n") == 1


def test_lines_carry_the_values_of_the_table_and_nulls(tmp_path: Path) -> None:
    table = features(tmp_path, USDM)
    done = chanflow(tmp_path / "home", "features", "--wire", str(wire()))
    rows: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows == table.to_dicts()
    assert rows[0]["z_ofi"] is None


@pytest.mark.parametrize("suffix", ["html", "png"])
def test_a_picture_of_the_recording_says_what_flow_is_not(suffix: str, tmp_path: Path) -> None:
    plot = tmp_path / f"flow.{suffix}"
    done = chanflow(tmp_path / "home", "features", "--wire", str(wire()), "--bin", "100ms", "--plot", str(plot))
    assert (done.returncode, done.stdout) == (0, "")
    told = plot.read_text("utf-8") if suffix == "html" else done.stderr
    assert "on OFI 0.389, on OFI and TFI 0.683" in told
    assert "contemporaneous: explains this moment, does not predict the next" in told
    assert plot.stat().st_size < 1_500_000
