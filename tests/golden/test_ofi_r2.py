"""What order flow explains of the move of its own bin, at twenty phases: event OFI a lot, the naive form nothing."""

from __future__ import annotations

import gzip
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.golden

ROOT = Path(__file__).resolve().parents[2]
WIRE = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data" / "wire"
PAGE = ROOT / "docs" / "orderflow-r2.md"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ofi_r2", ROOT / "scripts" / "ofi_r2.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["ofi_r2"] = module
    spec.loader.exec_module(module)
    return module


def raw(name: str) -> bytes:
    capture = WIRE / f"{name}.txt.gz"
    if not capture.exists():
        pytest.skip(f"MARKET DATA ABSENT: {capture} is not there; set CHANFLOW_TEST_DATA")
    return gzip.decompress(capture.read_bytes())


def by_name(script: ModuleType, name: str, bin_ms: int) -> dict[str, Any]:
    return {found.name: found for found in script.shares(raw(name), bin_ms)}


def test_at_one_second_the_shares_are_those_specified(script: ModuleType) -> None:
    found = by_name(script, "binance_usdm_BTCUSDT_20240808", 1_000)
    ofi, naive, tfi, both, before = found.values()
    assert min(ofi.by_phase) >= 0.35
    assert naive.mean <= 0.10
    assert both.mean >= 0.55
    assert both.by_phase[0] >= 0.55
    assert [round(share.mean, 3) for share in (ofi, naive, tfi, both)] == [0.416, 0.032, 0.387, 0.589]
    assert [round(share.by_phase[0], 3) for share in (ofi, naive, tfi, both)] == [0.464, 0.117, 0.357, 0.585]
    assert max(before.by_phase) < 0.01


@pytest.mark.parametrize("bin_ms", [500, 100])
def test_shorter_bins_are_explained_as_well(script: ModuleType, bin_ms: int) -> None:
    found = by_name(script, "binance_usdm_BTCUSDT_20240808", bin_ms)
    assert found["event OFI"].by_phase[0] >= 0.35
    assert found["event OFI"].mean >= 0.35


@pytest.mark.parametrize("name", ["binance_coinm_BTCUSD_PERP_20240808", "binance_spot_ETHUSDT_20240808"])
def test_other_symbols_are_explained_as_well(script: ModuleType, name: str) -> None:
    found = by_name(script, name, 1_000)
    assert min(found["event OFI"].by_phase) >= 0.35
    assert found["OFI of the bin before"].mean < 0.05


def test_a_tick_that_is_tiny_beside_the_move_weakens_the_best_quotes(script: ModuleType) -> None:
    # Spot BTC steps by a cent, a tenth of the perpetual's tick: more of the move happens below the best quotes.
    found = by_name(script, "binance_spot_BTCUSDT_20240808", 1_000)
    assert 0.30 < found["event OFI"].mean < 0.35
    assert found["OFI and TFI"].mean > 0.50
    assert found["naive: Δq_bid − Δq_ask"].mean < 0.01


def test_the_page_shows_what_the_script_measures(script: ModuleType) -> None:
    name = "binance_usdm_BTCUSDT_20240808"
    assert script.table(raw(name)) in PAGE.read_text("utf-8")
