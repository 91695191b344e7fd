from __future__ import annotations

from itertools import pairwise

import pytest
from chanflow_native import BarBuilder, SyntheticMarket
from made_desk import NOW

from chanflow.domain.market_data import Bar
from chanflow.features.level import LevelStructure

NS_PER_S = 1_000_000_000


@pytest.fixture(scope="module")
def bars() -> list[Bar]:
    """An hour of 1 s bars of a synthetic market."""
    rows = BarBuilder(1_000, 2, 3).push(SyntheticMarket(5, NOW).advance(NOW + 3_600 * NS_PER_S))
    return [Bar(row[0], 1_000, *row[1:]) for row in rows]


def test_each_confirmed_stroke_is_told_once_as_the_engine_has_it(bars: list[Bar]) -> None:
    level = LevelStructure("5m")
    told = [stroke for bar in bars for stroke in level.push(bar).strokes]
    assert len(told) > 10
    assert told == [s for s in level.engine.structure().strokes if s.state == "confirmed"]


def test_a_stroke_is_told_with_the_bar_that_confirmed_it(bars: list[Bar]) -> None:
    level = LevelStructure("5m")
    told = {stroke.index: number for number, bar in enumerate(bars) for stroke in level.push(bar).strokes}
    confirmed = level.engine.structure().strokes.confirmed_bar
    assert told == {i: bar for i, bar in enumerate(confirmed.tolist()) if bar >= 0}


def test_confirmed_strokes_join_and_alternate(bars: list[Bar]) -> None:
    level = LevelStructure("5m")
    told = [stroke for bar in bars for stroke in level.push(bar).strokes]
    for before, after in pairwise(told):
        assert (after.index, after.start_bar, after.start_price) == (before.index + 1, before.end_bar, before.end_price)
        assert after.direction != before.direction


def test_the_direction_is_that_of_the_newest_stroke_shown(bars: list[Bar]) -> None:
    level = LevelStructure("5m")
    seen = set()
    for bar in bars:
        level.push(bar)
        shown = level.engine.structure().strokes.direction
        assert level.direction == ({1: "up", -1: "down"}[int(shown[-1])] if len(shown) else None)
        seen.add(level.direction)
    assert seen == {None, "up", "down"}


def test_each_confirmed_point_is_told_once_as_the_engine_has_it(bars: list[Bar]) -> None:
    level = LevelStructure("5m")
    told = [point for bar in bars for point in level.push(bar).points]
    assert len(told) > 1
    shown, types = level.engine.structure().points, ("1", "1p", "2", "2s", "3a", "3b")
    confirmed = {
        (int(shown.element[at]), types[bit], {1: "buy", -1: "sell"}[int(shown.side[at])], int(shown.bar[at]))
        for at in range(len(shown))
        for bit in range(6)
        if int(shown.confirmed_types[at]) >> bit & 1
    }
    assert {(p.element, p.type, p.side, p.bar) for p in told} == confirmed
    assert len(set(told)) == len(told)


def test_the_news_of_a_bar_name_what_it_told(bars: list[Bar]) -> None:
    level = LevelStructure("5m")
    told = [level.push(bar) for bar in bars]
    news = [each for confirmed in told for each in confirmed.news]
    assert [n.ref for n in news if n.event == "stroke_confirmed"] == [s.ref for c in told for s in c.strokes]
    assert [n.ref for n in news if n.event == "point_confirmed"] == [p.ref("5m") for c in told for p in c.points]
    assert {n.event for n in news} == {
        "stroke_confirmed", "point_confirmed", "point_void", "center_formed", "center_left"
    }  # fmt: skip


def test_points_1_and_1p_rest_on_a_divergence_of_their_side(bars: list[Bar]) -> None:
    level = LevelStructure("5m")
    news = [each for bar in bars for each in level.push(bar).news if each.event == "point_confirmed"]
    for each in news:
        assert each.point is not None
        turns = each.point.rstrip("p").endswith("1")
        assert each.divergence == (("bull" if each.point.startswith("buy") else "bear") if turns else None)
    assert any(each.divergence for each in news)
