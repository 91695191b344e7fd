"""Trend or range, and where volatility lies in its own past."""

from __future__ import annotations

from math import exp

import pytest

from chanflow.domain.market_data import Bar
from chanflow.features.regime import efficiency_ratio, regime_of, volatility_tercile


def bars(moves: list[float]) -> list[Bar]:
    closes, price = [], 100.0
    for move in [0.0, *moves]:
        price *= exp(move)
        closes.append(price)
    return [Bar(at * 60_000, 60_000, c, c, c, c, 1.0, c, 1, 0.5) for at, c in enumerate(closes)]


def zigzag(up: int, down: int, count: int = 64) -> list[Bar]:
    """Moves of one size: so many up, so many down, over and over."""
    return bars(([0.001] * up + [-0.001] * down) * (count // (up + down)))


def test_a_straight_way_has_the_ratio_one_and_a_trend() -> None:
    straight = zigzag(64, 0)
    assert efficiency_ratio(straight) == pytest.approx(1.0)
    assert regime_of(straight, None) == "trend"


def test_a_way_back_and_forth_is_a_range_whatever_its_centers() -> None:
    assert regime_of(zigzag(1, 1), 3.0) == "range"


@pytest.mark.parametrize(("centers", "regime"), [(None, "range"), (1.0, "range"), (2.0, "trend"), (-2.0, "trend")])
def test_between_once_and_twice_chance_the_centers_decide(centers: float | None, regime: str) -> None:
    between = zigzag(19, 13)
    assert 0.125 < (efficiency_ratio(between) or 0.0) < 0.25
    assert regime_of(between, centers) == regime


def test_too_few_bars_have_no_regime_and_no_tercile() -> None:
    few = zigzag(1, 1, 62)
    assert (efficiency_ratio(few), regime_of(few, 2.0), volatility_tercile(few)) == (None, None, None)


def test_a_price_that_never_moved_has_no_regime() -> None:
    assert regime_of(bars([0.0] * 64), None) is None


@pytest.mark.parametrize(("last", "tercile"), [(0.0001, "low"), (0.01, "high")])
def test_volatility_is_compared_with_its_own_past(last: float, tercile: str) -> None:
    past = [0.001 if at % 2 else -0.002 for at in range(100)]
    assert volatility_tercile(bars(past + [last, -last] * 8)) == tercile
