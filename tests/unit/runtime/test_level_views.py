"""The structure of several levels as a briefing tells it: closed bars only, each row with when it was known."""

from __future__ import annotations

import math
from random import Random

import pytest

from chanflow.domain.market_data import Bar
from chanflow.domain.time import NS_PER_MS
from chanflow.features.chan import Engine
from chanflow.runtime.level_views import CENTERS, SEGMENTS, STROKES, LevelFollower, levels_around


def bars(count: int, seed: int = 3) -> list[Bar]:
    chance, price, made = Random(seed), 100.0, []
    for number in range(count):
        before, price = price, price + chance.gauss(0, 0.4) + 0.3 * math.sin(number / 20)
        high, low = max(before, price) + chance.random() * 0.1, min(before, price) - chance.random() * 0.1
        made.append(Bar(number * 60_000, 60_000, before, high, low, price, 1.0, 100.0, 1, 0.5))
    return made


@pytest.mark.parametrize(
    ("level", "around"),
    [
        ("30m", [("decision", "30m"), ("up", "1d"), ("down", "5m")]),
        ("1m", [("decision", "1m"), ("up", "5m"), ("down", "15s")]),
        ("1d", [("decision", "1d"), ("down", "1h")]),
        ("1s", [("decision", "1s"), ("up", "15s")]),
    ],
)
def test_a_level_has_one_above_and_one_below_as_far_as_there_are_any(level: str, around: list[object]) -> None:
    assert list(levels_around(level)) == around


def test_before_the_first_bar_there_is_nothing() -> None:
    assert LevelFollower("1m").view("decision", decision="1m") is None


def test_rows_are_the_newest_that_stand_and_none_is_from_the_future() -> None:
    follower, engine = LevelFollower("1m"), Engine()
    seen: dict[str, int] = {}
    for bar in bars(900):
        follower.push(bar)
        engine.push(bar.ts_ms, bar.open, bar.high, bar.low, bar.close, bar.volume)
        view = follower.view("decision", decision="1m")
        assert view is not None
        assert view.closed_ns == bar.close_ms * NS_PER_MS
        for row in (*view.strokes, *view.segments, *view.centers, *view.points):
            assert row.known_ns <= view.closed_ns
            if row.state == "confirmed":
                # A confirmed row says the same moment each time it is told.
                assert seen.setdefault(row.ref, row.known_ns) == row.known_ns
    structure = engine.structure()
    last = structure.strokes[-1]
    assert (view.strokes[-1].end_price, view.strokes[-1].way) == (last.end_price, last.direction)
    assert (len(view.strokes), len(view.segments)) == (STROKES, SEGMENTS)
    assert 1 <= len(view.centers) <= CENTERS
    assert view.trend in ("up", "down", "range")
    assert len(seen) > 20


def test_ids_name_the_level_only_where_it_is_another() -> None:
    follower = LevelFollower("5m")
    for bar in bars(200):
        follower.push(bar)
    here, there = follower.view("decision", decision="5m"), follower.view("up", decision="1m")
    assert here is not None
    assert there is not None
    assert here.strokes[0].ref == there.strokes[0].ref.replace("@5m", "")
    assert "@5m#" in there.strokes[0].ref
