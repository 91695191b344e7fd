"""On recorded frames every column of every bin equals the plain reference, to the bit, through restarts too."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import chanflow_native as native
import pytest
from made_flow import difference, native_rows, reference_rows

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
WIRE = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data" / "wire"
USDM = "binance_usdm_BTCUSDT_20240808"
OTHERS = ("binance_coinm_BTCUSD_PERP_20240808", "binance_spot_BTCUSDT_20240808", "binance_spot_ETHUSDT_20240808")


def recorded(name: str) -> tuple[list[tuple[Any, ...]], tuple[int, int]]:
    capture = WIRE / f"{name}.txt.gz"
    if not capture.exists():
        pytest.skip(f"MARKET DATA ABSENT: {capture} is not there; set CHANFLOW_TEST_DATA")
    parser = native.WireParser()
    with gzip.open(capture) as file:
        parser.feed(file.read())
    parser.finish()
    batch = parser.take()
    return native.batch_events(batch), (batch.price_decimals, batch.qty_decimals)


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [{}, {"z": "ew", "sockets": 2, "levels": 10}, {"ofi_source": "depth", "bin_ms": 500}],
    ids=["defaults", "ew-two-sockets", "depth"],
)
def test_usdm_features_equal_the_reference(given: dict[str, Any]) -> None:
    events, decimals = recorded(USDM)
    wanted = reference_rows(events, given, decimals=decimals)
    assert difference(native_rows(events, given, decimals=decimals, cuts=(20, 40_001)), wanted) is None
    for name in ("z_ofi", "micro_price", "kyle_t", "mlofi_5", "depth_bid", "move_5m_bps", "vpin"):
        assert any(row[name] is not None for row in wanted), name
    assert any(row["divergences"] for row in wanted)


def test_whole_books_without_quotes_equal_the_reference() -> None:
    events, decimals = recorded("hyperliquid_BTC_20250126")
    given = {"ofi_source": "depth", "bin_ms": 100, "warmup_ms": 1_000}
    wanted = reference_rows(events, given, decimals=decimals)
    assert difference(native_rows(events, given, decimals=decimals, cuts=(50,)), wanted) is None
    assert any(row["ofi"] for row in wanted)
    assert any(row["mlofi_5"] for row in wanted)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_other_venues_features_equal_the_reference(name: str) -> None:
    events, decimals = recorded(name)
    wanted = reference_rows(events, {}, decimals=decimals)
    assert difference(native_rows(events, {}, decimals=decimals, cuts=(3_000,)), wanted) is None
    assert sum(row["z_ofi"] is not None for row in wanted) > 250


VENUES = {USDM: ("binance-usdm", "BTCUSDT"), OTHERS[0]: ("binance-coinm", "BTCUSD_PERP")}
"""Recordings whose every frame has the venue's own time."""


@pytest.mark.parametrize("name", VENUES)
def test_unified_rows_give_the_features_of_the_frames(name: str) -> None:
    events, decimals = recorded(name)
    venue, symbol = VENUES[name]
    intake = native.Intake(venue, {symbol: decimals})
    with gzip.open(WIRE / f"{name}.txt.gz") as file:
        intake.feed(file.read())
    taken = intake.take()
    assert "books" in taken["rows"]
    batch = native.RowEvents(*decimals).take(taken["rows"])
    found = native_rows(native.batch_events(batch), {}, decimals=decimals)
    wanted = native_rows(events, {}, decimals=decimals)
    # Rows of the book hold five levels: what lies within 10 bps is not known from them.
    assert {row.pop(side) for row in found for side in ("depth_bid", "depth_ask")} == {None}
    for row in wanted:
        del row["depth_bid"], row["depth_ask"]
    assert difference(found, wanted) is None
    assert sum(bool(row["book_ok"]) for row in found) > 300


def test_what_is_unknown_is_absent_and_not_zero() -> None:
    events, decimals = recorded(USDM)
    first, *rest = native_rows(events, {}, decimals=decimals)
    assert first["book_ok"] is False
    absent = ("z_ofi", "fusion", "mlofi_1", "ofi_weighted", "depth_bid", "micro_price", "kyle_lambda", "vpin")
    assert [first[name] for name in absent] == [None] * len(absent)
    assert all(row["ofi_integrated"] is None and row["ofi_integrated_reason"] == "gate" for row in rest)
