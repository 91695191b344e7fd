"""`chanflow scan` as a person types it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from commands import chanflow
from made_cluster import cluster

PAGE = Path(__file__).parents[2] / "docs" / "scan.md"
SCAN = ("scan", "market.parquet", "--format", "json")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home beside a market of six symbols at one minute; the close of one is no number."""
    frames = []
    for seed, symbol in enumerate(["A", "B", "C", "D", "E", "F"]):
        close = 100 + np.random.default_rng(seed).normal(0, 0.4, 3_000).cumsum()
        close[40] = np.nan if symbol == "D" else close[40]
        frames.append(
            pl.DataFrame(
                {
                    "symbol": symbol, "ts_ms": np.arange(3_000) * 60_000, "open": close, "high": close + 0.1,
                    "low": close - 0.1, "close": close,
                }
            )
        )  # fmt: skip
    pl.concat(frames).write_parquet(tmp_path / "market.parquet")
    return tmp_path / "home"


@pytest.mark.slow
def test_several_levels_are_scanned_together_and_a_bad_symbol_is_left_out(home: Path) -> None:
    done = chanflow(home, *SCAN, "--interval", "5m,15m")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["scanned"] == 5
    assert "no finite number" in answer["failed"]["D"]
    assert "D is left out" in done.stderr
    assert {row["interval"] for row in answer["points"]} == {"5m", "15m"}
    for interval in ("5m", "15m"):
        alone = json.loads(chanflow(home, *SCAN, "--interval", interval).stdout)
        assert alone["points"] == [row for row in answer["points"] if row["interval"] == interval]


@pytest.mark.slow
@pytest.mark.server
def test_a_cluster_gives_the_same_document(home: Path) -> None:
    here = chanflow(home, *SCAN)
    with cluster(1) as made:
        there = chanflow(home, *SCAN, "--cluster", made.scheduler_address)
    assert there.returncode == 0, there.stderr
    assert there.stdout == here.stdout


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_one_sentence(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = f"tcp://127.0.0.1:{door.getsockname()[1]}"
    done = chanflow(home, *SCAN, "--cluster", address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"chanflow: no Dask scheduler answers at {address}: Connection refused\n"


@pytest.mark.slow
@pytest.mark.server
def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    code = re.search(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert code is not None
    (tmp_path / "example.py").write_text(code[1], "utf-8")
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("points, the same on the cluster: True\n")
