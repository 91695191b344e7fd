"""The picture of order flow: nothing lost in crowds, gaps and bad books shown, numbers readable, no outside."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest

from chanflow.interfaces.cli.flow_image import render_png
from chanflow.interfaces.cli.flow_page import render_page
from chanflow.interfaces.cli.flow_plot import LEFT, RIGHT, WIDTH, View, view_of


def columns(bins: int = 400, **changed: Any) -> dict[str, Any]:
    at = np.arange(bins)
    wave = np.sin(at / 9.0)
    found: dict[str, Any] = {
        "ts_ms": 1_767_571_201_000 + at * 1_000, "mid": 100.0 + wave, "cvd": np.cumsum(wave), "ofi": wave * 3,
        "tfi": wave, "z_ofi": wave, "z_cvd": -wave, "fusion": wave, "spread_bps": wave + 2.0,
        "trades": np.ones(bins, dtype=np.int64), "quotes": np.ones(bins, dtype=np.int64),
        "book_ok": np.ones(bins, dtype=np.int8), "signal": ["neutral"] * bins,
    }  # fmt: skip
    return found | changed


def view(**changed: Any) -> View:
    return view_of("SIM<b>USDT", columns(**changed), bin_ms=1_000)


def points(shown: View, style: str) -> list[tuple[float, float]]:
    return [point for each in shown.paths if each.style == style for run in each.runs for point in run]


def test_an_extreme_of_one_bin_stays_in_a_crowd_of_bins() -> None:
    mid = np.full(20_000, 100.0)
    mid[7_777] = 150.0
    mid[15_555] = 60.0
    ofi = np.zeros(20_000)
    ofi[12_345] = -9.0
    shown = view(bins=20_000, mid=mid, ofi=ofi)
    drawn = points(shown, "mid")
    assert len(drawn) < 4 * WIDTH
    heights = sorted({round(y, 3) for _, y in drawn})
    assert len(heights) == 3
    inner = WIDTH - LEFT - RIGHT
    peak = min(drawn, key=lambda point: point[1])
    assert peak[0] == pytest.approx(LEFT + 7_778 / 20_000 * inner, abs=1)
    assert points(shown, "ofi-down")[1][0] == pytest.approx(LEFT + 12_345.5 / 20_000 * inner, abs=1)
    assert len(render_page(shown)) < 3_000_000


def test_a_line_breaks_where_a_value_is_absent() -> None:
    z = np.full(400, 1.0)
    z[:60] = np.nan
    z[200] = np.nan
    runs = next(each.runs for each in view(z_ofi=z).paths if each.style == "z-ofi")
    assert [len(run) for run in runs] == [140, 199]


def test_bad_books_are_grey_and_silence_is_a_gap() -> None:
    ok, quotes = np.ones(400, dtype=np.int8), np.ones(400, dtype=np.int64)
    ok[10:20] = 0
    quotes[100:103] = quotes[300:302] = 0
    shown = view(book_ok=ok, quotes=quotes, trades=np.zeros(400, dtype=np.int64))
    bin_px = (WIDTH - LEFT - RIGHT) / 400
    grey = [box for box in shown.boxes if box.area == "not-ok"]
    gaps = [box for box in shown.boxes if box.area == "gap"]
    assert len(grey) == len(gaps) == 5
    assert {round(box.width / bin_px, 6) for box in grey} == {10}
    assert {round((box.x - LEFT) / bin_px, 6) for box in gaps} == {100}


def test_signals_are_a_strip_of_runs() -> None:
    signal = ["neutral"] * 400
    signal[50:60] = ["buy"] * 10
    signal[60] = "strong_sell"
    areas = [box.area for box in view(signal=signal).boxes]
    assert areas == ["buy", "strong_sell"]
    assert dict(view(signal=signal).counts)["buy"] == 10


def test_the_page_stands_alone_and_escapes() -> None:
    page = render_page(view())
    assert not re.search(r"https?://|src=|@import|url\((?!#)", page)
    assert "<b>USDT" not in page
    assert "SIM&lt;b&gt;USDT" in page
    assert "default-src 'none'" in page
    assert "prefers-color-scheme:dark" in page
    assert "contemporaneous: explains this moment, does not predict the next" in page
    assert page == render_page(view())


@pytest.mark.parametrize(
    "changed",
    [
        {"bins": 1},
        {"bins": 3, "mid": np.full(3, np.nan), "z_ofi": np.full(3, np.nan)},
        {"ofi": np.full(400, 1e15)},
        {"book_ok": np.full(400, -1, dtype=np.int8)},
    ],
    ids=["one", "unknown", "huge", "no-depth"],
)
def test_odd_features_are_drawn_too(changed: dict[str, Any]) -> None:
    from PIL import Image

    shown = view(**changed)
    assert "NaN" not in render_page(shown)
    image = Image.open(io.BytesIO(render_png(shown)))
    assert image.width > 1_900
