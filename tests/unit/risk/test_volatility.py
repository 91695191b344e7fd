from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise

import pytest
from made_desk import D

from chanflow.risk.volatility import MAX_GAP_MIN, MIN_MINUTES, MINUTE_MS, VOLUME_MINUTES, MinuteStats


def fed(closes: list[float], *, gaps: dict[int, int] | None = None) -> MinuteStats:
    stats, at = MinuteStats(), 0
    for number, close in enumerate(closes):
        at += (gaps or {}).get(number, 1)
        stats.push(at * MINUTE_MS, D(repr(close)), D(number + 1))
    return stats


def test_there_is_no_sigma_before_six_hours() -> None:
    assert fed([100.0, 101.0] * 180).sigma_frac is None
    assert fed([*[100.0, 101.0] * 180, 100.0]).sigma_frac is not None


def test_sigma_is_the_weighted_deviation_of_log_returns_a_year() -> None:
    closes = [100 * math.exp(0.001 * math.sin(i * i)) for i in range(2_000)]
    weight = total = 0.0
    for before, after in pairwise(closes):
        keep = 0.5 ** (1 / 1_440)
        total, weight = total * keep + math.log(after / before) ** 2, weight * keep + 1
    expected = math.sqrt(total / weight * 525_600)
    assert float(fed(closes).sigma_frac or 0) == pytest.approx(expected, abs=2e-6)


def test_a_return_over_minutes_without_bars_counts_as_that_many_equal_ones() -> None:
    bridged = fed([100.0] * 360 + [102.0], gaps={360: 4})
    assert bridged.minutes == 363
    each = math.log(1.02) ** 2 / 4
    keep = 0.5 ** (1 / 1_440)
    total = sum(each * keep**i for i in range(4))
    weight = sum(keep**i for i in range(363))
    assert float(bridged.sigma_frac or 0) == pytest.approx(math.sqrt(total / weight * 525_600), abs=2e-6)


def test_a_long_hole_is_not_bridged() -> None:
    assert fed([100.0, 100.0, 200.0], gaps={2: MAX_GAP_MIN + 1}).minutes == 1
    assert fed([100.0, 100.0, 200.0], gaps={2: MAX_GAP_MIN}).minutes == 1 + MAX_GAP_MIN


@pytest.mark.parametrize("close", ["0", "-1", "NaN", "Infinity"])
def test_a_price_that_is_none_is_refused(close: str) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        MinuteStats().push(0, D(close), D(1))


def test_bars_come_in_order() -> None:
    stats = fed([100.0, 101.0])
    with pytest.raises(ValueError, match="is not after"):
        stats.push(2 * MINUTE_MS, D(1), D(1))


def test_the_median_volume_forgets_what_is_older_than_a_day() -> None:
    assert MinuteStats().volume_1m_quote is None
    assert fed([1.0]).volume_1m_quote == 1
    assert fed([1.0] * 4).volume_1m_quote == 2
    assert fed([1.0] * (VOLUME_MINUTES + 11)).volume_1m_quote == Decimal(12 + (VOLUME_MINUTES - 1) // 2)


def test_six_hours_are_three_hundred_and_sixty_minutes() -> None:
    assert MIN_MINUTES == 360


def test_a_prior_stands_in_until_sigma_is_measured() -> None:
    stats = MinuteStats(prior_frac=D(3))
    assert stats.sigma_frac == 3
    for minute in range(361):
        stats.push(minute * MINUTE_MS, D(100 + minute % 2), D(1))
    assert stats.sigma_frac != 3
