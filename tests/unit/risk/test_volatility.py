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


def wild(minutes: int) -> list[float]:
    """Closes that double and halve: a figure so large that six digits after the point show every constant."""
    return [1.0 + at % 2 if at < minutes // 2 else 1.0 + (at % 2) / 2 for at in range(minutes)]


def test_a_year_has_525600_minutes_and_half_the_weight_is_gone_in_1440() -> None:
    closes = wild(3_000)
    weight = total = 0.0
    for before, after in pairwise(closes):
        keep = 0.5 ** (1 / 1_440)
        total, weight = total * keep + math.log(after / before) ** 2, weight * keep + 1
    assert float(fed(closes).sigma_frac or 0) == pytest.approx(math.sqrt(total / weight * 525_600), rel=1e-8)


def stats_of(*bars: tuple[int, int]) -> MinuteStats:
    stats = MinuteStats()
    for open_ms, volume in bars:
        stats.push(open_ms, D(1), D(volume))
    return stats


def test_a_minute_has_sixty_thousand_milliseconds() -> None:
    assert stats_of((0, 1), (60_000, 1)).minutes == 1
    assert stats_of((0, 1), (119_999, 1)).minutes == 1
    assert stats_of((0, 1), (120_000, 1)).minutes == 2
    with pytest.raises(ValueError, match="is not after"):
        stats_of((0, 1), (59_999, 1))


def test_a_hole_of_an_hour_is_bridged_and_no_longer_one() -> None:
    assert stats_of((0, 1), (60 * 60_000, 1)).minutes == 60
    after = stats_of((0, 1), (61 * 60_000, 1))
    assert (after.minutes, after.last_ms) == (0, 61 * 60_000)
    assert MinuteStats().last_ms is None


def test_volumes_of_1440_bars_are_kept() -> None:
    bars = [(at * 60_000, at) for at in range(1_441)]
    assert stats_of(*bars[:1_440]).volume_1m_quote == 719
    assert stats_of(*bars).volume_1m_quote == 720
    assert stats_of(*bars, (1_441 * 60_000, 1_441)).volume_1m_quote == 721


def test_any_price_above_zero_is_taken() -> None:
    stats = MinuteStats()
    assert (stats.prior_frac, stats.minutes, stats.sigma_frac) == (None, 0, None)
    stats.push(0, D("0.5"), D(1))
    stats.push(60_000, D(1), D(1))
    assert stats.minutes == 1


def test_the_oldest_volume_is_the_one_forgotten() -> None:
    bars = [(at * 60_000, at or 10_000) for at in range(1_441)]
    assert stats_of(*bars).volume_1m_quote == 720
    assert stats_of((0, 1), (60_000, 2), (120_000, 3)).volume_1m_quote == 2
