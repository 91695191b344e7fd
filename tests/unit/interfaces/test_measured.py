"""What was measured stands beside the points of `chanflow analyze` and `chanflow scan`, and nothing does without it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from made_certificate import cell, certificate_text, entries

from chanflow.domain.errors import SettingsInvalid
from chanflow.interfaces.cli.analyze import run_analyze
from chanflow.interfaces.cli.measured import (
    NOT_MEASURED,
    Figures,
    PointFigures,
    PointKind,
    measured_line,
    nothing_measured,
)
from chanflow.interfaces.cli.scan import run_scan
from chanflow.runtime.certificates import install
from chanflow.runtime.home import Home

HIT = re.compile(r"50\.0 \[35\.0, 65\.0\]")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return 1,500 minutes of a price that wanders, with points of many types."""
    chance, price, lines = Random(11), 2_000.0, ["ts_ms,open,high,low,close"]
    for at in range(1_500):
        opened, price = price, round(price + chance.uniform(-6, 6), 2)
        high, low = max(opened, price) + chance.uniform(0, 2), min(opened, price) - chance.uniform(0, 2)
        lines.append(f"{1_704_067_200_000 + at * 60_000},{opened},{high:.2f},{low:.2f},{price}")
    path = tmp_path / "WANDER.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Callable[[], Path]:
    """Return what names a data directory with a certificate of every type but 2s, and few entries when confirmed."""
    cells = [
        cell(kind, side, level=level, sure=entries(7, None, None))
        for level in ("stroke", "segment")
        for kind in ("1", "1p", "2", "3a", "3b")
        for side in ("buy", "sell")
    ]
    install(Home(tmp_path / "home"), certificate_text(*cells), "default")
    return lambda: tmp_path / "home"


def analyzed(file: Path, output_format: str = "json", **more: Any) -> str:
    out = io.StringIO()
    options: dict[str, Any] = {
        "preset": "default", "settings": (), "symbol": "BTCUSDT", "interval": None, "list_name": None, "plot": None,
        "repair": False, "history": False,
    }  # fmt: skip
    run_analyze(file, output_format=output_format, out=out, **{**options, **more})  # type: ignore[arg-type]
    return out.getvalue()


def scanned(file: Path, output_format: str = "json", **more: Any) -> str:
    out = io.StringIO()
    options: dict[str, Any] = {
        "preset": "default", "settings": (), "intervals": (), "types": (), "side": None, "state": None, "kind": None,
        "cluster": None, "fresh_bars": None, "threads": 1,
    }  # fmt: skip
    run_scan([file], output_format=output_format, out=out, **{**options, **more})  # type: ignore[arg-type]
    return out.getvalue()


def without_time(text: str) -> dict[str, Any]:
    return {key: value for key, value in json.loads(text).items() if key != "elapsed_ms"}


def test_each_type_of_a_point_carries_its_figures(file: Path, home: Callable[[], Path]) -> None:
    points = json.loads(analyzed(file, home=home))["points"]
    told = 0
    for point in points:
        if point["types"] == ["2s"]:
            assert "stats" not in point
            continue
        assert list(point["stats"]) == point["types"]
        for kind, stats in point["stats"].items():
            told += 1
            if kind == "2s":
                assert stats is None
                continue
            sure = point["type_states"][kind] == "confirmed"
            assert (stats["entry"], stats["n"], stats["few"], stats["hit_rate"]) == (
                ("confirmed", 7, True, None) if sure else ("first_seen", 40, False, 0.5)
            )
            assert (stats["survival"], stats["lag_bars_p50"], stats["lag_bars_p90"]) == (0.12, 57, 165)
            assert stats["certificate"].startswith("0001-default-")
            assert stats["data_end"].startswith("2024-01-01T16:39:00")
    assert told > 10


def test_stats_are_all_that_a_certificate_adds(file: Path, home: Callable[[], Path]) -> None:
    found = without_time(analyzed(file, home=home))
    for point in found["points"]:
        point.pop("stats", None)
    assert found == without_time(analyzed(file))


@pytest.mark.parametrize(
    "other",
    [
        {"symbol": None},
        {"symbol": "600000.SH"},
        {"interval": "5m"},
        {"preset": "new_bi"},
        {"settings": ["divergence_rate=0.8"]},
    ],
    ids=["no-symbol", "market", "interval", "preset", "setting"],
)
def test_a_certificate_of_something_else_tells_nothing(
    file: Path, home: Callable[[], Path], other: dict[str, Any]
) -> None:
    assert without_time(analyzed(file, home=home, **other)) == without_time(analyzed(file, **other))


def test_without_a_data_directory_the_analysis_goes_on(file: Path) -> None:
    def nowhere() -> Path:
        raise SettingsInvalid("this user has no home directory")

    assert without_time(analyzed(file, home=nowhere)) == without_time(analyzed(file))


def test_the_table_tells_the_figures_in_80_columns_and_says_few(file: Path, home: Callable[[], Path]) -> None:
    text = analyzed(file, "table", home=home)
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(r"stroke (buy|sell) \w+ +provisional +40 50\.0 \[35\.0, 65\.0\] +45\.0 +12\.0 +57", text)
    assert re.search(r"stroke (buy|sell) 2s +\w+ +– +not measured +– +– +–", text)
    assert re.search(r"From 0001-default-\w+\.json \(data\s+to\s+2024-01-01\)", text)


def test_fewer_than_30_entries_are_said_to_be_few(file: Path, home: Callable[[], Path]) -> None:
    kinds = [(kind, side) for kind in ("1", "1p", "2", "2s", "3a", "3b") for side in ("buy", "sell")]
    install(Home(home()), certificate_text(*(cell(*kind, seen=entries(12)) for kind in kinds)), "default")
    assert re.search(r"provisional 12 \(<30\) 50\.0 \[35\.0, 65\.0\]", analyzed(file, "table", home=home))


def test_a_table_without_figures_says_so_and_how_to_get_them(file: Path) -> None:
    text = analyzed(file, "table").replace("\n", " ")
    assert "How often such points hold is not measured here." in text
    assert "chanflow certify DATA --install" in text


def test_the_page_has_the_figures_in_its_table_and_beside_each_mark(
    file: Path, home: Callable[[], Path], tmp_path: Path
) -> None:
    analyzed(file, home=home, plot=tmp_path / "out.html")
    page = (tmp_path / "out.html").read_text()
    told = "hit 50.0 [35.0, 65.0] % of 40 entries, random 45.0 %, kept 12.0 %, lag 57 bars"
    assert re.search(rf'<td class="told">[^<]*{re.escape(told)}', page)
    assert re.search(rf"<title>[^<]*{re.escape(told)}[^<]*</title>", page)
    assert "7 entries (fewer than 30)" in page
    assert "Figures from 0001-default-" in page
    assert "is not measured here" not in page


def test_the_page_says_where_nothing_was_measured(file: Path, tmp_path: Path) -> None:
    analyzed(file, plot=tmp_path / "out.html")
    page = (tmp_path / "out.html").read_text()
    assert "How often such points hold is not measured here." in page
    assert page.count('<td class="told">not measured</td>') == page.count("<tr class=")


def test_the_image_grows_by_the_lines_it_tells(file: Path, home: Callable[[], Path], tmp_path: Path) -> None:
    from PIL import Image

    sizes = []
    for name, more in (("a.png", {}), ("b.png", {"home": home})):
        analyzed(file, plot=tmp_path / name, **more)
        with Image.open(tmp_path / name) as image:
            sizes.append(image.size)
    assert sizes[0] == (2000, 1180)
    assert sizes[1][0] == 2000
    assert (sizes[1][1] - 1180) % 26 == 0 < sizes[1][1] - 1180


def test_a_scan_carries_the_figures_of_its_market_and_interval(file: Path, home: Callable[[], Path]) -> None:
    found, plain = json.loads(scanned(file, home=home)), json.loads(scanned(file))
    measured = [row for row in found["points"] if "stats" in row]
    assert {row["type"] for row in measured} == {row["type"] for row in plain["points"]} - {"2s"}
    assert all(row["stats"]["n"] == (7 if row["state"] == "confirmed" else 40) for row in measured)
    for row in found["points"]:
        row.pop("stats", None)
    assert found == plain
    assert "stats" not in scanned(file, home=home, intervals=["5m"])


def test_a_scans_table_tells_them_beside_each_point(file: Path, home: Callable[[], Path]) -> None:
    text = scanned(file, "table", home=home)
    rows = [line for line in text.splitlines() if line.startswith("WANDER")]
    assert all(HIT.search(row) or "7 (<30)" in row or NOT_MEASURED in row for row in rows)
    assert any(HIT.search(row) for row in rows)
    assert any(" 2s " in row and NOT_MEASURED in row for row in rows)
    assert "is not measured here" in scanned(file, "table")


def test_a_line_names_the_types_that_were_not_measured() -> None:
    figures = PointFigures("first_seen", 40, False, 0.5, 0.35, 0.65, None, 50, None, None, None, "c", "")
    kinds = [PointKind("stroke", "buy", "2", "provisional"), PointKind("stroke", "buy", "3b", "provisional")]
    told = measured_line(kinds, lambda kind: figures if kind.type == "2" else None)
    assert told == "2: hit 50.0 [35.0, 65.0] % of 40 entries, random – %, kept – %, lag – bars; 3b: not measured"
    assert measured_line(kinds, nothing_measured) == NOT_MEASURED


def test_an_empty_data_directory_is_asked_no_more(tmp_path: Path) -> None:
    assert Figures(lambda: tmp_path, preset="default", params={}).at("crypto", "1m") is nothing_measured
