"""`chanflow analyze --levels`: what it writes of several levels, and what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chanflow.domain.errors import InvalidArgument
from chanflow.features.levels import LINKED
from chanflow.interfaces.cli import levels as command
from chanflow.market.calendar import CryptoCalendar
from chanflow.runtime.level_feed import levels_of

T0 = 1_704_067_200_000
MINUTE = 60_000
COUNT = 12_000
NAMES = ["1m", "5m", "30m"]


def minutes() -> dict[str, Any]:
    steps = np.random.default_rng(11).integers(-3, 4, COUNT) / 4
    close = 1_000 + np.cumsum(steps)
    first = close - steps
    return {
        "ts_ms": T0 + np.arange(COUNT, dtype=np.int64) * MINUTE, "open": first, "high": np.maximum(first, close),
        "low": np.minimum(first, close), "close": close,
    }  # fmt: skip


@pytest.fixture(scope="module")
def bars_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("levels") / "WALK.csv"
    rows = zip(*(column.tolist() for column in minutes().values()), strict=True)
    path.write_text("\n".join(["ts_ms,open,high,low,close", *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def written(file: Path, **asked: Any) -> str:
    out = io.StringIO()
    settings: dict[str, Any] = {
        "levels": "1m,5m,30m", "market": None, "at": None, "nested": True, "preset": "default", "params": {},
        "symbol": None, "interval": None, "output_format": "json", "plot": None, "repair": False,
    }  # fmt: skip
    command.run_levels(file, **settings | asked, out=out)
    return out.getvalue()


def test_it_writes_one_object_with_every_level_finest_first(bars_file: Path) -> None:
    found = json.loads(written(bars_file, levels="30m,1m,5m"))
    assert [found[key] for key in ("schema", "symbol", "market", "base", "at_ms")] == [
        "chanflow.levels/1", "WALK", "crypto", "1m", None
    ]  # fmt: skip
    expected = levels_of(minutes(), CryptoCalendar(), "1m", NAMES)
    assert [level["level"] for level in found["levels"]] == NAMES
    for level in found["levels"]:
        name = level["level"]
        structure = expected.structures[name]
        assert level["bars"] == len(expected.bars[name])
        assert level["last_close_ms"] == expected.bars[name].close_ms[-1]
        for of, counts in level["counts"].items():
            state = getattr(structure, of).state
            assert counts == {"provisional": int((state == 0).sum()), "confirmed": int((state == 1).sum())}
        points = expected.points(name)
        assert [(p["bar"], p["types"], p["known_ms"]) for p in level["points"]] == [
            (p.bar, list(p.types), p.known_ms) for p in points
        ]


def test_links_are_listed_both_ways_without_what_was_withdrawn(bars_file: Path) -> None:
    levels = json.loads(written(bars_file))["levels"]
    for level, coarse in zip(levels, [*levels[1:], None], strict=True):
        if coarse is None:
            assert level["links"] is None
            continue
        links = level["links"]
        assert links["to"] == coarse["level"]
        assert links["bars"] == level["bars"]
        for of in LINKED:
            parent, children = links[of]["parent"], links[of]["children"]
            assert len(parent) == sum(level["counts"][of].values())
            assert len(children) == sum(coarse["counts"][of].values())
            assert children == [[at for at, row in enumerate(parent) if row == each] for each in range(len(children))]
        assert any(row >= 0 for row in links["strokes"]["parent"])


def test_nested_intervals_name_points_of_the_lists(bars_file: Path) -> None:
    found = json.loads(written(bars_file))
    points = {level["level"]: level["points"] for level in found["levels"]}
    assert len(found["nested"]) == len(points["30m"]) + len(points["5m"])
    deep = [chain for chain in found["nested"] if len(chain["points"]) > 1]
    assert deep
    for chain in deep:
        sides = {points[at["level"]][at["point"]]["side"] for at in chain["points"]}
        assert len(sides) == 1
        last = points[chain["points"][-1]["level"]][chain["points"][-1]["point"]]
        assert chain["price"] == last["price"]
        assert set(last["types"]) & {"1", "1p"}
        assert chain["known"]["ts_ms"] >= max(points[at["level"]][at["point"]]["known_ms"] for at in chain["points"])
    assert "nested" not in json.loads(written(bars_file, nested=False))


@pytest.mark.parametrize("at", [T0 + 7_001 * MINUTE, "2024-01-05T20:41:00Z"])
def test_a_time_shows_what_bars_closed_by_then_show(bars_file: Path, tmp_path: Path, at: int | str) -> None:
    lines = bars_file.read_text().splitlines(keepends=True)
    short = tmp_path / "WALK.csv"
    short.write_text("".join(lines[:7_002]))
    found, cut = json.loads(written(bars_file, at=str(at))), json.loads(written(short))
    assert found["at_ms"] == T0 + 7_001 * MINUTE
    for key in ("levels", "resonance", "nested"):
        assert found[key] == cut[key]
    assert all(p["known_ms"] <= found["at_ms"] for level in found["levels"] for p in level["points"])


def test_resonance_names_the_newest_point_of_each_level_and_their_common_side(bars_file: Path) -> None:
    sides = set()
    for minute in range(2_000, COUNT, 400):
        found = json.loads(written(bars_file, at=str(T0 + minute * MINUTE)))
        newest = [
            level["points"][found["resonance"]["newest"][level["level"]]]
            for level in found["levels"]
            if level["points"]
        ]
        for level in found["levels"]:
            at = found["resonance"]["newest"][level["level"]]
            assert (at is None) == (not level["points"])
            assert at is None or level["points"][at]["ts_ms"] == max(point["ts_ms"] for point in level["points"])
        common = {point["side"] for point in newest}
        agreed = common.pop() if len(newest) == 3 and len(common) == 1 else None
        assert found["resonance"]["side"] == agreed
        sides.add(agreed)
    assert len(sides) > 1


def test_the_table_has_a_line_for_each_level_and_is_80_wide(bars_file: Path) -> None:
    text = written(bars_file, output_format="table")
    assert [line.split()[0] for line in text.splitlines()[3:6]] == NAMES
    assert max(map(len, text.splitlines())) <= 80
    assert "nested intervals (区间套)" in text
    assert "known at 2024-01-09 08:00 UTC" in text


def test_a_plot_has_the_points_of_coarser_levels_at_their_prices(bars_file: Path, tmp_path: Path) -> None:
    page = tmp_path / "levels.html"
    found = json.loads(written(bars_file, plot=page))
    drawn = page.read_text()
    assert "with points of 5m, 30m" in drawn
    for point in found["levels"][2]["points"]:
        assert f"30m {point['types'][0]}" in drawn


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"levels": "5m,7x"}, "level is '7x'"),
        ({"levels": "60m,1h"}, "names one length twice"),
        ({"levels": "1s,1m"}, "1s"),
        ({"market": "us"}, "--market is 'us': it can be crypto or cn"),
        ({"market": "cn"}, "which is no trading day"),
        ({"at": "noon"}, "--at is 'noon'"),
        ({"at": "2024-01-05"}, "--at is '2024-01-05'"),
        ({"preset": "none"}, "none"),
        ({"plot": Path("levels.gif")}, "must end in .html or .png"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(bars_file: Path, asked: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidArgument, match=sentence):
        written(bars_file, **asked)


def test_malformed_bars_are_widened_only_where_asked(bars_file: Path, tmp_path: Path) -> None:
    lines = bars_file.read_text().splitlines()
    ts_ms, first, _, low, close = lines[5].split(",")
    lines[5] = f"{ts_ms},{first},{low},{low},{close}"
    file = tmp_path / "odd.csv"
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(InvalidArgument, match="1 bars have a high or low that does not bound the others"):
        written(file)
    assert json.loads(written(file, repair=True))["schema"] == "chanflow.levels/1"
