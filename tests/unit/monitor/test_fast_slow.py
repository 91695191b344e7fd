from __future__ import annotations

import pytest

from chanflow.monitor.fast_slow import MINUTE_MS, FastSlow


def ratios(*closes: float, skip: int | None = None) -> list[float | None]:
    """Return the ratio after each close, a minute apart; one minute is missing before the one at `skip`."""
    market = FastSlow()
    return [market.push((at + (skip is not None and at >= skip)) * MINUTE_MS, close) for at, close in enumerate(closes)]


def swinging(count: int, size: float) -> list[float]:
    return [100.0 * (1 + size) if at % 2 else 100.0 for at in range(count)]


def test_there_is_no_ratio_before_sixty_four_returns() -> None:
    told = ratios(*swinging(66, 0.001))
    assert told[:64] == [None] * 64
    assert told[64] is not None


def test_a_market_as_lively_as_ever_has_one() -> None:
    assert ratios(*swinging(200, 0.001))[-1] == pytest.approx(1.0, abs=0.01)


def test_a_market_that_wakes_has_more_and_one_that_sleeps_has_less() -> None:
    woken = ratios(*swinging(100, 0.001), *swinging(16, 0.01))[-1]
    asleep = ratios(*swinging(100, 0.01), *swinging(32, 0.0001))[-1]
    assert woken is not None
    assert asleep is not None
    # Half of the fast weight and 0.16 of the slow one lie on returns a hundred times as large, squared.
    assert woken == pytest.approx(((0.5 * 100 + 0.5) / (0.16 * 100 + 0.84)) ** 0.5, rel=0.15)
    assert asleep < 0.7


def test_a_return_across_a_hole_is_left_out() -> None:
    assert ratios(*swinging(65, 0.001), skip=40)[-1] is None


def test_a_market_that_stands_has_none() -> None:
    assert ratios(*[100.0] * 100)[-1] is None
