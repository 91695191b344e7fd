"""Recorded markets through the whole path: nothing of them is put aside, and the gate says how good they were."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest

from chanflow.runtime.harvest import HarvestSpec, harvest_recorded

ROOT = Path(__file__).parents[3]
WIRE = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data" / "wire"

pytestmark = [pytest.mark.slow, pytest.mark.golden]


@pytest.mark.parametrize(
    ("venue", "symbol", "rows"),
    [
        ("binance-usdm", "BTCUSDT", 93_948), ("binance-spot", "BTCUSDT", 41_246), ("binance-spot", "ETHUSDT", 33_615),
        ("binance-coinm", "BTCUSD_PERP", 48_245),
    ],
)  # fmt: skip
def test_no_row_of_a_recorded_market_has_a_code(tmp_path: Path, venue: str, symbol: str, rows: int) -> None:
    capture = WIRE / f"{venue.replace('-', '_')}_{symbol}_20240808.txt.gz"
    if not capture.exists():
        pytest.skip(f"MARKET DATA ABSENT: {capture} is not there; set CHANFLOW_TEST_DATA")
    spec = HarvestSpec(venue, (symbol,), tmp_path, layers=("rows",))
    harvest_recorded(spec, [capture], max_bytes=1 << 30, tell=lambda _: None)
    report = json.loads((tmp_path / "_quality" / f"{symbol}.json").read_text())
    assert (report["rows"], report["codes"]) == (rows, {})
    assert [day["over"] for day in report["days"]] == [[], []]
    assert not (tmp_path / "_quarantine").exists()
    kept = pl.concat(pl.read_parquet(path) for path in tmp_path.glob(f"{symbol}/*/*.parquet"))
    assert kept["dq_ok"].all()
    assert kept["lag_ms"].drop_nulls().is_between(-50, 100).all()
