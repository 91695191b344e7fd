"""`chanflow analyze`: what it writes in each format, and what its pictures show."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chanflow.adapters.storage.bars_file import BarColumns
from chanflow.domain.errors import InvalidArgument, MissingExtra, RecordingInvalid, StorageUnwritable
from chanflow.features import chan
from chanflow.interfaces.cli import structure_plot
from chanflow.interfaces.cli.analyze import COLUMNS, read_settings, run_analyze
from chanflow.interfaces.cli.structure_plot import Drawing, bar_ticks, drawing_of, rendered

T0 = 1_704_067_200_000
MINUTE = 60_000


def bars_of(count: int) -> BarColumns:
    """Return a zigzag: 10 bars up, 10 bars down, a little higher each time."""
    at = np.arange(count)
    close = 100 + np.where(at // 10 % 2 == 0, at % 10, 10 - at % 10) + at * 0.05
    return BarColumns(T0 + at * MINUTE, close - 0.25, close + 0.5, close - 0.5, close, at * 1.0)


def document_of(bars: BarColumns) -> dict[str, Any]:
    """Return a made structure with something of every kind and state."""

    def line(start: int, end: int, state: str, **more: int) -> dict[str, Any]:
        return {
            "start_bar": start, "end_bar": end, "start_ts_ms": T0 + start * MINUTE, "end_ts_ms": T0 + end * MINUTE,
            "start_price": float(bars.close[start]), "end_price": float(bars.close[end]),
            "direction": "up" if bars.close[end] > bars.close[start] else "down", "state": state, **more,
        }  # fmt: skip

    def point(level: str, element: int, bar: int, side: str, types: list[str], state: str) -> dict[str, Any]:
        return {"bar": bar, "ts_ms": T0 + bar * MINUTE, "price": float(bars.close[bar]), "side": side, "types": types,
                "level": level, "element": element, "state": state}  # fmt: skip

    return {
        "schema": "chanflow.structure/1", "bars": len(bars), "merged": len(bars) - 3,
        "strokes": [line(0, 10, "confirmed"), line(10, 20, "confirmed"), line(20, 30, "confirmed"),
                    line(30, 40, "provisional")],
        "segments": [line(0, 30, "confirmed", start_stroke=0, end_stroke=2),
                     line(30, 40, "provisional", start_stroke=3, end_stroke=3)],
        "super_segments": [line(0, 40, "void", start_segment=0, end_segment=1)],
        "centers": [{"level": "stroke", "start_stroke": 1, "end_stroke": 2, "entry_stroke": 0, "exit_stroke": None,
                     "low": 101.0, "high": 109.0, "peak_low": 100.0, "peak_high": 112.0, "state": "provisional",
                     "start_ts_ms": T0 + 10 * MINUTE, "end_ts_ms": T0 + 30 * MINUTE, "grade": 1}],
        "points": [point("stroke", 1, 20, "buy", ["2", "3b"], "confirmed"),
                   point("stroke", 3, 40, "buy", ["1p"], "provisional"),
                   point("segment", 0, 30, "sell", ["1"], "void"), point("segment", 1, 40, "buy", ["1"], "confirmed")],
    }  # fmt: skip


class Found:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def to_json(self) -> str:
        return json.dumps(self.document, separators=(",", ":"))


class Asked:
    """Stands where the engine does: notes what it is asked, and answers with the made structure."""

    def __init__(self) -> None:
        self.columns: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}

    def __call__(self, *columns: Any, **options: Any) -> Found:
        self.columns, self.options = columns, options
        return Found(document_of(bars_of(60)))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr(chan, "analyze", asked)
    return asked


@pytest.fixture
def file(tmp_path: Path) -> Path:
    bars = bars_of(60)
    rows = zip(bars.ts_ms, bars.open, bars.high, bars.low, bars.close, bars.volume, strict=True)  # type: ignore[arg-type]
    lines = ["ts_ms,open,high,low,close,volume", *(",".join(str(value) for value in row) for row in rows)]
    path = tmp_path / "bars.csv"
    path.write_text("\n".join(lines))
    return path


def ran(file: Path, output_format: str = "json", **more: Any) -> str:
    out = io.StringIO()
    options: dict[str, Any] = {
        "preset": "default", "settings": (), "symbol": None, "interval": None, "list_name": None, "plot": None,
        "repair": False, "history": False,
    }  # fmt: skip
    run_analyze(file, output_format=output_format, out=out, **{**options, **more})  # type: ignore[arg-type]
    return out.getvalue()


def test_json_is_one_object_with_the_structure_and_the_time_it_took(
    file: Path, engine: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    text = ran(file, symbol="X", interval="1m", settings=["bi_strict=false", "divergence_rate=inf"])
    assert text.endswith("}\n")
    assert text.count("\n") == 1
    found = json.loads(text)
    made = document_of(bars_of(60))
    assert {key: found[key] for key in made} == made
    assert found["elapsed_ms"] >= 0
    assert (found["symbol"], found["interval"], found["preset"], found["widened"]) == ("X", "1m", "default", 0)
    assert engine.options["params"] == {"bi_strict": "false", "divergence_rate": "inf"}
    assert capsys.readouterr() == ("", "")


def test_the_engine_gets_the_columns_of_the_file(file: Path, engine: Asked) -> None:
    ran(file, preset="new_bi", history=True)
    bars = bars_of(60)
    for given, expected in zip(engine.columns, (bars.open, bars.high, bars.low, bars.close, bars.ts_ms), strict=True):
        np.testing.assert_array_equal(given, expected)
    np.testing.assert_array_equal(engine.options["volume"], bars.volume)
    assert (engine.options["amount"], engine.options["preset"], engine.options["history"]) == (None, "new_bi", True)


def test_an_empty_file_gives_empty_lists(tmp_path: Path) -> None:
    (tmp_path / "none.csv").touch()
    found = json.loads(ran(tmp_path / "none.csv"))
    assert (found["schema"], found["bars"], found["merged"]) == ("chanflow.structure/1", 0, 0)
    assert [found[name] for name in structure_plot.LISTS] == [[]] * 5


def test_what_the_engine_refuses_is_a_bad_argument(file: Path) -> None:
    with pytest.raises(InvalidArgument, match="strict"):
        ran(file, preset="strict")
    with pytest.raises(InvalidArgument, match="bi_stric"):
        ran(file, settings=["bi_stric=true"])


@pytest.mark.parametrize("setting", ["bi_strict", "=true", "bi_strict=", " = "])
def test_a_setting_is_key_and_value(setting: str) -> None:
    with pytest.raises(InvalidArgument, match="is not key=value"):
        read_settings([setting])


def test_a_malformed_bar_is_told_or_widened(file: Path, engine: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    lines = file.read_text().splitlines()
    lines[3] = lines[3].replace("102.6,", "101.6,", 1)
    file.write_text("\n".join(lines))
    with pytest.raises(RecordingInvalid, match=r"bar 2: high 101\.6"):
        ran(file)
    assert json.loads(ran(file, repair=True))["widened"] == 1
    assert capsys.readouterr().err == "chanflow: widened 1 of 60 bars to hold their open and close\n"
    assert engine.columns[1][2] == 102.1


@pytest.mark.parametrize("name", structure_plot.LISTS)
def test_csv_is_one_list(name: str, file: Path, engine: Asked) -> None:
    rows = list(csv.DictReader(io.StringIO(ran(file, "csv", list_name=name))))
    made = document_of(bars_of(60))[name]
    assert len(rows) == len(made)
    assert tuple(rows[0])[: len(COLUMNS[name])] == COLUMNS[name]
    for row, element in zip(rows, made, strict=True):
        for key, value in element.items():
            shown = " ".join(value) if isinstance(value, list) else "" if value is None else str(value)
            assert row[key] == shown


def test_csv_of_an_empty_list_is_its_head(tmp_path: Path) -> None:
    (tmp_path / "none.csv").touch()
    assert ran(tmp_path / "none.csv", "csv", list_name="points") == ",".join(COLUMNS["points"]) + "\n"


@pytest.mark.parametrize("name", [None, "trends"])
def test_csv_needs_a_list(name: str | None, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="csv needs one of strokes, segments"):
        ran(tmp_path / "unread.csv", "csv", list_name=name)


def test_the_table_tells_counts_and_the_last_elements_in_80_columns(file: Path, engine: Asked) -> None:
    text = ran(file, "table", symbol="[red]X[/red]", interval="1m")
    assert max(map(len, text.splitlines())) <= 80
    assert "[red]X[/red]" in text
    assert re.search(r"strokes +4 +3 +1 +-", text)
    assert re.search(r"super-segments +1 +- +- +1", text)
    assert re.search(r"2024-01-01 00:20 +stroke +buy +2 3b +101 +confirmed", text)
    assert re.search(r"2024-01-01 00:40 +down|2024-01-01 00:40 +up", text)


def test_the_table_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "none.csv").touch()
    text = ran(tmp_path / "none.csv", "table")
    assert "no bars" in text
    assert "the last" not in text


def test_a_plot_is_drawn_beside_the_answer(
    file: Path, tmp_path: Path, engine: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "out.html"
    assert json.loads(ran(file, plot=plot))["bars"] == 60
    assert capsys.readouterr().err == f"chanflow: drew {plot}\n"
    assert plot.read_text().startswith("<!DOCTYPE html>")


def test_a_plot_must_say_what_it_is_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"must end in \.html or \.png"):
        ran(tmp_path / "absent.csv", plot=tmp_path / "out.svg")


def test_a_plot_with_no_place_is_told(file: Path, tmp_path: Path, engine: Asked) -> None:
    with pytest.raises(StorageUnwritable, match="absent"):
        ran(file, plot=tmp_path / "absent" / "out.html")


def drawn(count: int = 60, **changes: Any) -> Drawing:
    bars = bars_of(count)
    return drawing_of({**document_of(bars), **changes}, bars, title="X · 1m", preset="default")


def page_of(drawing: Drawing) -> str:
    return rendered(Path("x.html"), drawing).decode()


def test_the_page_shows_every_kind_in_its_state() -> None:
    page = page_of(drawn())
    for css in ("line stroke confirmed", "line stroke provisional", "line segment confirmed",
                "line segment provisional", "line super_segment void", "center stroke provisional",
                "mark buy stroke confirmed", "mark buy stroke provisional", "mark sell segment void",
                "mark buy segment confirmed"):  # fmt: skip
        assert f'class="{css}"' in page
    assert ">2·3b</text>" in page
    assert "buy 2·3b of stroke 1, confirmed: 101 at 2024-01-01 00:20 UTC" in page
    assert page.count("<tr class=") == 4


def test_the_page_needs_nothing_else() -> None:
    page = page_of(drawn())
    assert "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page


def test_a_hostile_title_stays_text() -> None:
    bars = bars_of(60)
    drawing = drawing_of(document_of(bars), bars, title="</title><script>x()", preset="<b>", settings=["a=<i>"])
    page = page_of(drawing)
    assert "<script>x()" not in page
    assert "<b>·" not in page
    assert "a=&lt;i&gt;" in page


def test_the_page_carries_its_bars_for_the_script() -> None:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page_of(drawn()))
    assert found is not None
    data = json.loads(found[1])
    assert data["c"] == bars_of(60).close.tolist()
    assert data["stroke"][3] == [30, 40, 3, 0, "provisional"]


def test_lists_that_are_absent_are_not_drawn() -> None:
    bars = bars_of(60)
    document = {name: value for name, value in document_of(bars).items() if name not in {"centers", "points"}}
    page = page_of(drawing_of(document, bars, title="X", preset="default"))
    assert 'id="show-strokes"' in page
    assert 'id="show-points"' not in page
    assert "<h2>Points" not in page


def test_only_the_last_bars_are_drawn_and_the_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure_plot, "MOST_BARS", 25)
    drawing = drawn()
    assert (drawing.first_bar, drawing.end_bar, len(drawing.bars)) == (35, 60, 25)
    assert "the last 25 of 60 bars" in drawing.subtitle
    assert [(line.kind, line.index) for line in drawing.lines] == [("stroke", 3), ("segment", 1), ("super_segment", 0)]
    assert [mark.bar for mark in drawing.marks] == [40, 40]
    assert drawing.boxes == ()
    assert drawing.counts[0] == ("strokes", 4)
    assert "the last 25 of 60 bars" in page_of(drawing)


def test_a_zero_on_the_axis_has_no_sign() -> None:
    assert "-0" not in [label for _, label in structure_plot.price_ticks(-250.0, 7_000.0)]


def test_two_marks_on_a_bar_stand_apart() -> None:
    assert [mark.rank for mark in drawn().marks] == [0, 0, 0, 1]


def test_a_center_without_a_state_is_provisional() -> None:
    center = document_of(bars_of(60))["centers"][0]
    del center["state"]
    assert drawn(centers=[center]).boxes[0].state == "provisional"


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("suffix", [".html", ".png"])
def test_the_shortest_series_are_drawn(count: int, suffix: str) -> None:
    bars = bars_of(count)
    document = {"bars": count, "merged": count, **{name: [] for name in structure_plot.LISTS}}
    assert len(rendered(Path(f"x{suffix}"), drawing_of(document, bars, title="X", preset="default"))) > 1_000


def test_a_flat_series_is_drawn() -> None:
    flat = np.full(5, 7.0)
    bars = BarColumns(T0 + np.arange(5) * MINUTE, flat, flat, flat, flat)
    document = {"bars": 5, "merged": 1, **{name: [] for name in structure_plot.LISTS}}
    assert "nan" not in page_of(drawing_of(document, bars, title="X", preset="default"))


@pytest.mark.parametrize("step_ms", [1_000, MINUTE, 300_000, 86_400_000, 7 * 86_400_000])
@pytest.mark.parametrize("count", [2, 360, 12_000])
def test_times_below_are_few_and_say_enough(step_ms: int, count: int) -> None:
    ticks = bar_ticks(T0 + np.arange(count, dtype=np.int64) * step_ms, 12)
    assert len(ticks) <= 12
    assert len(ticks) >= (3 if count > 2 else 0)
    assert len({(at * step_ms // 86_400_000, label) for at, label in ticks}) == len(ticks)


def test_the_image_is_a_png_that_differs_by_state() -> None:
    from PIL import Image

    image = rendered(Path("x.PNG"), drawn())
    with Image.open(io.BytesIO(image)) as opened:
        assert (opened.format, opened.size) == ("PNG", (2000, 1180))
    points = document_of(bars_of(60))["points"]
    assert image != rendered(Path("x.png"), drawn(points=[{**points[0], "state": "provisional"}, *points[1:]]))
    assert image == rendered(Path("x.png"), drawn())


def test_without_pillow_a_png_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtra, match=r"pip install 'chanflow\[plot\]'"):
        rendered(Path("x.png"), drawn())


def test_the_markets_clock_reaches_the_engine_where_a_gap_is_watched(file: Path, engine: Asked) -> None:
    ran(file, settings=["reset_gap_ms=60000"], market="crypto")
    assert engine.options["market_ms"].tolist() == engine.columns[4].tolist()
    ran(file, settings=["reset_gap_ms=60000"], market="cn")
    assert engine.options["market_ms"].tolist() != engine.columns[4].tolist()
    for more in ({"settings": ["reset_gap_ms=60000"]}, {"market": "cn"}):
        ran(file, **more)
        assert engine.options["market_ms"] is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"market": "moon"}, "calendar is 'moon': it can be crypto or cn"),
        ({"trading_days": Path("days.csv")}, "--trading-days needs --market cn"),
        ({"market": "crypto", "trading_days": Path("days.csv")}, "crypto trades every day"),
    ],
)
def test_a_market_that_is_not_known_is_refused(file: Path, engine: Asked, options: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        ran(file, **options)
