"""Levels as their bars close: the batch analysis at every moment, and previews that settle nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chanflow.features import levels
from chanflow.features.levels import LINKED, LevelBars, Levels
from chanflow.features.live_levels import LiveLevels

FACTORS = {"1m": 1, "5m": 5, "30m": 30}
CONFIRMED = 1
MINUTES = 3_000


def walk(seed: int) -> list[LevelBars]:
    """Return the bars of a seeded walk on three levels."""
    steps = np.random.default_rng(seed).integers(-3, 4, MINUTES) / 4
    close = 100 + np.cumsum(steps)
    first = close - steps
    columns = first, np.maximum(first, close), np.minimum(first, close), close
    made = []
    for level, width in FACTORS.items():
        opened, high, low, last = (column.reshape(-1, width) for column in columns)
        opens = np.arange(MINUTES // width, dtype=np.int64) * width
        prices = opened[:, 0], high.max(1), low.min(1), last[:, -1]
        made.append(LevelBars(level, opens, opens + width, *prices, volume=prices[1] - prices[2]))
    return made


WALKS = {seed: walk(seed) for seed in (1, 2)}


def part(bars: LevelBars, begin: int, end: int) -> LevelBars:
    rest = bars.first(end)
    columns = ("open_ms", "close_ms", "open", "high", "low", "close", "volume")
    return LevelBars(bars.level, **{name: getattr(rest, name)[begin:] for name in columns})


def forming(bars: LevelBars, at: int, high: float) -> LevelBars:
    """Return bar `at` as it might have stood before it closed."""
    return replace(part(bars, at, at + 1), high=np.array([high]), close=np.array([high]), forming=True)


def check_same(one: Levels, other: Levels) -> None:
    for name in one.names:
        assert np.array_equal(one.bars[name].close_ms, other.bars[name].close_ms)
        assert one.structures[name].to_json() == other.structures[name].to_json()
    for name in one.names[:-1]:
        for of in ("bars", *LINKED):
            assert np.array_equal(one.links(name, of).parent, other.links(name, of).parent)


@settings(max_examples=30)
@given(
    seed=st.sampled_from(sorted(WALKS)),
    preset=st.sampled_from(["default", "new_bi", "textbook"]),
    ends=st.lists(st.integers(0, MINUTES), min_size=1, max_size=8).map(sorted),
    highs=st.lists(st.floats(80, 120), min_size=2, max_size=4),
)
def test_live_levels_and_their_previews_are_the_batch_analysis(
    seed: int, preset: str, ends: list[int], highs: list[float]
) -> None:
    live, begin = LiveLevels(tuple(FACTORS), preset=preset), 0
    for end in ends:
        for bars, width in zip(WALKS[seed], FACTORS.values(), strict=True):
            live.push(part(bars, begin // width, end // width))
        closed = [bars.first(end // width) for bars, width in zip(WALKS[seed], FACTORS.values(), strict=True)]
        now = levels.analyze(closed, preset=preset)
        for high in highs if end < MINUTES else ():
            last = [
                forming(bars, len(done), max(high, bars.low[len(done)], bars.open[len(done)]))
                for bars, done in zip(WALKS[seed], closed, strict=True)
            ]
            ahead = live.preview(last[1:])
            joined = [joined_with(done, bar) for done, bar in zip(closed[1:], last[1:], strict=True)]
            check_same(ahead, levels.analyze([closed[0], *joined], preset=preset))
            for name in now.names:
                settled, shown = now.structures[name], ahead.structures[name]
                for of in (*LINKED, "points"):
                    rows, seen = getattr(settled, of), getattr(shown, of)
                    assert np.array_equal(
                        rows.confirmed_bar[rows.state == CONFIRMED], seen.confirmed_bar[seen.state == CONFIRMED]
                    )
        check_same(live.now(), now)
        begin = end


def joined_with(closed: LevelBars, last: LevelBars) -> LevelBars:
    columns = ("open_ms", "close_ms", "open", "high", "low", "close", "volume")
    whole = {name: np.append(getattr(closed, name), getattr(last, name)) for name in columns}
    return LevelBars(closed.level, **whole, forming=True)


def test_now_is_one_object_until_the_next_bar() -> None:
    live, bars = LiveLevels(["1m"]), WALKS[1][0]
    live.push(bars.first(100))
    before = live.now()
    live.push(part(bars, 100, 100))
    live.preview([forming(bars, 100, 150.0)])
    assert live.now() is before
    live.push(part(bars, 100, 101))
    assert (len(before.bars["1m"]), len(live.now().bars["1m"])) == (100, 101)


def test_live_levels_answer_for_an_earlier_time() -> None:
    live = LiveLevels(tuple(FACTORS))
    for bars in WALKS[1]:
        live.push(bars)
    check_same(live.now().at(777), levels.analyze(WALKS[1]).at(777))


def test_a_malformed_bar_is_refused_and_nothing_of_its_batch_is_read() -> None:
    bars = WALKS[1][0]
    live = LiveLevels(["1m"])
    live.push(bars.first(10))
    high = bars.high.copy()
    high[12] = np.nan
    with pytest.raises(ValueError, match="bar 12"):
        live.push(part(replace(bars, high=high), 10, 20))
    assert len(live.now().bars["1m"]) == 10
    live.push(part(bars, 10, 20))
    check_same(live.now(), levels.analyze([bars.first(20)]))


def test_bars_that_do_not_follow_are_refused() -> None:
    bars = WALKS[1][0]
    live = LiveLevels(["1m"])
    live.push(bars.first(10))
    for wrong, sentence in (
        (part(bars, 9, 10), "1m bar opens at 9 ms, the last one ends at 10 ms"),
        (forming(bars, 10, 120.0), "still forms: give it to preview"),
        (replace(part(bars, 10, 11), level="3m"), "no level '3m'"),
        (replace(part(bars, 10, 11), volume=None), "have volume, or have none"),
    ):
        with pytest.raises(ValueError, match=sentence):
            live.push(wrong)
    for previewed, sentence in (
        ([part(bars, 10, 11)], "give one, marked as forming"),
        ([replace(part(bars, 10, 12), forming=True)], "2 bars of 1m to preview"),
        ([forming(bars, 9, 120.0)], "the last one ends at 10 ms"),
        ([forming(bars, 10, 120.0)] * 2, "give one a level"),
        ([replace(forming(bars, 10, 120.0), level="3m")], "no level '3m'"),
    ):
        with pytest.raises(ValueError, match=sentence):
            live.preview(previewed)
    for names in ([], ["1m", "1m"]):
        with pytest.raises(ValueError, match="each once, finest first"):
            LiveLevels(names)
