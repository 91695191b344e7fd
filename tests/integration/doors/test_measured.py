"""The figures that `chanflow certify --install` measured stand beside the points, through every door."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from chanflow.interfaces.cli.certify import run_certify
from chanflow.interfaces.cli.services import open_services
from chanflow.runtime.certificates import CertificateShelf
from chanflow.runtime.home import Home
from chanflow.runtime.settings import load_settings

pytestmark = pytest.mark.server

POINTS = ("query_buy_sell_points", {"symbol": "ETHUSDT", "level": "1m", "state": "any", "limit": 500})
STRUCTURE = ("analyze_structure", {"symbol": "ETHUSDT", "level": "1m", "parts": ["points"], "limit": 200})


@pytest.fixture(scope="module")
def desk() -> Any:
    return importlib.import_module("memory_desk")


@pytest.fixture(scope="module")
def home(desk: Any, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a data directory with a certificate of 1,500 other bars of the same market."""
    folder = tmp_path_factory.mktemp("measured")
    lines = [
        f"{bar.ts_ms},{bar.open},{bar.high},{bar.low},{bar.close}" for bar in desk.wandering_bars(count=1_500, seed=5)
    ]
    (folder / "BTCUSDT.csv").write_text("ts_ms,open,high,low,close\n" + "\n".join(lines) + "\n")
    run_certify([folder / "BTCUSDT.csv"], prefixes=8, install_in=Home(folder / "home"))
    return Home(folder / "home")


@pytest.fixture(scope="module")
def measured(desk: Any, home: Home, doors_to: Any) -> Iterator[Any]:
    with doors_to(replace(desk.memory_services(), certificates=CertificateShelf(home))) as doors:
        yield doors


@pytest.mark.asyncio
@pytest.mark.parametrize("door", ["cli", "rest", "rest-tool", "mcp-2026"])
async def test_each_row_carries_the_cell_of_its_type_side_and_state(measured: Any, home: Home, door: str) -> None:
    (path,) = home.certificates_dir.iterdir()
    cells = {(each["level"], each["type"], each["side"]): each for each in json.loads(path.read_text())["cells"]}
    for body, failed in await measured.ask(door, [POINTS, STRUCTURE]):
        assert not failed
        told = 0
        for row in json.loads(body)["points"]:
            kind, _, segment = row["subtype"].partition("-")
            cell = cells.get(("segment" if segment else "stroke", kind, row["type"].rstrip("123")))
            if cell is None:
                assert set(row["stats"].values()) == {None}
                continue
            told += 1
            entries = cell["from_confirmed" if row["confirmed"] else "from_first_seen"]
            assert row["stats"] == {
                "n": entries["n"],
                "hit_rate": entries["hit_rate"],
                "ci_low": entries["hit_low"],
                "ci_high": entries["hit_high"],
                "retract_rate": round(1 - cell["permanence"]["survival"], 6),
                "lag_bars_p50": cell["permanence"]["lag_p50_bars"],
            }
        assert told > 2


@pytest.mark.asyncio
async def test_a_damaged_certificate_beside_it_breaks_no_answer(measured: Any, home: Home) -> None:
    ((before, _),) = await measured.ask("rest", [POINTS])
    broken = home.certificates_dir / "0009-default-broken.json"
    broken.write_text('{"schema":')
    try:
        ((after, failed),) = await measured.ask("rest", [POINTS])
    finally:
        broken.unlink()
    assert (failed, after) == (False, before)


def test_the_services_of_a_data_directory_read_its_certificates(home: Home) -> None:
    loaded = load_settings(config=None, overrides=(), environ={"CHANFLOW_HOME": str(home.root)})
    found = open_services(loaded).certificates.cell(
        "SOLUSDT", "1m", of="stroke", point_type="2", side="buy", preset="default"
    )
    assert found is not None
    assert found["permanence"]["ever_shown"] > 0
