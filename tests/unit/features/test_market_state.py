from __future__ import annotations

import math
from random import Random

import pytest

from chanflow.domain.market_data import Bar
from chanflow.domain.market_state import FEATURES, MarketState
from chanflow.features.chan import Engine
from chanflow.features.market_state import (
    KEEP_BARS,
    book_figures,
    btc_figures,
    chan_figures,
    clock_figures,
    imbalance_figures,
    price_figures,
)

MINUTE = 60_000


def walk(count: int, seed: int = 1, drift: float = 0.0) -> list[Bar]:
    chance, price, bars = Random(seed), 100.0, []
    for i in range(count):
        after = price * math.exp(drift + 0.002 * chance.gauss(0.0, 1.0))
        high, low = max(price, after) * 1.001, min(price, after) * 0.999
        bars.append(Bar(i * MINUTE, MINUTE, price, high, low, after, 1.0, 1.0, 1, 0.5))
        price = after
    return bars


def test_few_bars_give_few_figures_and_many_give_all_ten() -> None:
    assert price_figures([]) == price_figures(walk(1)) == {}
    assert set(price_figures(walk(40))) == {"volatility_fast", "atr_frac"}
    assert set(price_figures(walk(300))) == set(FEATURES[:10])


def test_bars_that_do_not_move_have_no_volatility_and_no_returns() -> None:
    still = [Bar(i * MINUTE, MINUTE, 5.0, 5.0, 5.0, 5.0, 0.0, 0.0, 0, 0.0) for i in range(200)]
    assert price_figures(still) == {}


def test_returns_are_in_units_of_their_own_volatility() -> None:
    bars = walk(KEEP_BARS)
    figures = price_figures(bars)
    sigma = math.exp(figures["volatility_slow"])
    assert figures["return_16"] == pytest.approx(math.log(bars[-1].close / bars[-17].close) / (sigma * 4))
    assert figures["volatility_ratio"] == pytest.approx(figures["volatility_fast"] - figures["volatility_slow"])
    assert 0.0 <= figures["range_place"] <= 1.0


def test_older_bars_than_those_kept_change_nothing() -> None:
    bars = walk(800)
    assert price_figures(bars) == price_figures(bars[-KEEP_BARS:])


def test_structure_gives_seven_figures_of_its_level() -> None:
    engine = Engine()
    bars = walk(3_000, seed=3)
    for bar in bars:
        engine.push(bar.ts_ms, bar.open, bar.high, bar.low, bar.close, bar.volume)
    structure = engine.structure()
    figures = chan_figures(structure, bars[-1].close)
    assert set(figures) == set(FEATURES[20:27])
    assert figures["stroke_direction"] == structure.strokes[-1].direction == 1 or figures["stroke_direction"] == -1
    assert abs(figures["point_ordinal"]) in (1 / 3, 2 / 3, 1.0)
    upper = chan_figures(structure, bars[-1].close, upper=True)
    assert {f"upper_{name}": value for name, value in figures.items()} == upper
    MarketState(**figures, **upper)


def test_an_empty_structure_gives_nothing() -> None:
    assert chan_figures(Engine().structure(), 1.0) == {}


@pytest.mark.parametrize(("at_ms", "weekend"), [(1_767_571_200_000, 0.0), (1_767_484_800_000, 1.0)])
def test_the_clock_knows_the_weekend(at_ms: int, weekend: float) -> None:
    assert clock_figures(at_ms) == {"hour_sin": 0.0, "hour_cos": 1.0, "weekend": weekend}


def test_six_in_the_morning_stands_at_a_quarter_of_the_day() -> None:
    figures = clock_figures(1_767_571_200_000 + 6 * 3_600_000)
    assert (figures["hour_sin"], round(figures["hour_cos"], 12)) == (1.0, 0.0)


def test_a_symbol_correlates_with_itself_and_not_with_what_stands_still() -> None:
    bars = walk(300)
    assert btc_figures(bars, bars)["btc_correlation"] == pytest.approx(1.0)
    still = [Bar(bar.ts_ms, MINUTE, 5.0, 5.0, 5.0, 5.0, 0.0, 0.0, 0, 0.0) for bar in bars]
    assert btc_figures(bars, still) == {}


def test_bars_of_other_moments_are_not_compared() -> None:
    bars = walk(300)
    apart = [Bar(b.ts_ms + 1, MINUTE, b.open, b.high, b.low, b.close, 1.0, 1.0, 1, 0.5) for b in bars]
    assert set(btc_figures(bars, apart)) == {"btc_return_64"}


def traded(bought: float, volume: float) -> Bar:
    return Bar(0, MINUTE, 1.0, 1.0, 1.0, 1.0, volume, volume, 1, bought)


def test_imbalance_is_bought_less_sold_by_both() -> None:
    minutes = [traded(1.0, 4.0)] * 14 + [traded(4.0, 4.0)]
    assert imbalance_figures(minutes) == {"imbalance_1m": 1.0, "imbalance_15m": pytest.approx((18 - 42) / 60)}


def test_a_quarter_of_an_hour_needs_fifteen_minutes_and_trades() -> None:
    assert imbalance_figures([traded(1.0, 2.0)] * 14) == {"imbalance_1m": 0.0}
    assert imbalance_figures([traded(0.0, 0.0)] * 15) == {}


def test_a_book_tells_its_spread_and_who_is_thicker() -> None:
    bids, asks = [(99.0, 3.0)] + [(98.0, 1.0)] * 9, [(101.0, 1.0)] + [(102.0, 1.0)] * 9
    found = book_figures(bids, asks)
    assert found["spread_bps"] == pytest.approx(200.0)
    assert (found["queue_imbalance"], found["depth_imbalance"]) == (0.5, pytest.approx(2 / 12))


def test_a_book_that_is_empty_on_one_side_tells_nothing() -> None:
    assert book_figures([(99.0, 1.0)], []) == {}
