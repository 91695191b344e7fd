"""`make certificates` writes a summary and a page for each market and rule, and the same bytes each time."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from chanflow.backtest.barriers import Costs

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "write_certificates.py"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script, with two small series of one market in place of the recorded ones."""
    spec = importlib.util.spec_from_file_location("write_certificates", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "write_certificates", module)
    spec.loader.exec_module(module)
    for seed, name in enumerate(("ONE", "TWO")):
        chance, price, lines = Random(seed), 2_000.0, ["ts_ms,open,high,low,close"]
        for at in range(600):
            opened, price = price, round(price + chance.uniform(-6, 6), 2)
            lines.append(f"{at * 60_000},{opened},{max(opened, price) + 1},{min(opened, price) - 1},{price}")
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    market = module.Measured("crypto", {"ONE.csv": ("1m", "5m"), "TWO.csv": ("1m",)}, Costs(3.0, 0.5))
    monkeypatch.setattr(module, "MARKETS", (market,))
    return module


def test_a_page_for_each_rule_and_a_summary_that_leads_to_them(script: ModuleType, tmp_path: Path) -> None:
    summary, default, area = script.write(tmp_path, tmp_path / "docs")
    text = summary.read_text()
    for page in (default, area):
        assert f"(certificate/{page.name})" in text
        assert "[The summary](../certificate.md)" in page.read_text()
    assert "2 symbols at 1m, 5m, 1,320 bars of ONE.csv, TWO.csv" in text
    assert "costs per side 3 bps taker and 0.5 bps slippage" in default.read_text()
    assert "divergence_rate=0.8, macd_algo=area" in area.read_text()
    assert "| TWO.csv | TWO | crypto | 1m |" in default.read_text()
    assert str(tmp_path) not in text + default.read_text()


def test_the_same_data_gives_the_same_bytes(script: ModuleType, tmp_path: Path) -> None:
    first = [page.read_bytes() for page in script.write(tmp_path, tmp_path / "a", ["ONE"])]
    assert first == [page.read_bytes() for page in script.write(tmp_path, tmp_path / "b", ["ONE"])]
