"""Sharpe ratios, their intervals, and the deflated one."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from chanflow.review.sharpe import CRYPTO_DAYS, deflated, expected_best, sharpe


def test_a_ratio_is_mean_over_deviation_a_years_worth() -> None:
    returns = np.array([0.01, -0.005, 0.002, 0.0] * 10)
    found = sharpe(returns, days_per_year=CRYPTO_DAYS, seed=1)
    assert found.value == pytest.approx(returns.mean() / returns.std(ddof=1) * sqrt(365))
    assert found.bounds is not None
    assert found.bounds.low < found.value < found.bounds.high


def test_a_coin_flips_interval_lies_over_zero() -> None:
    flips = np.random.default_rng(1).choice([-0.01, 0.01], 250)
    found = sharpe(flips, days_per_year=CRYPTO_DAYS, seed=1)
    assert found.bounds is not None
    assert found.bounds.low < 0.0 < found.bounds.high


@pytest.mark.parametrize(
    ("returns", "reason"), [(np.full(19, 0.01), "too_short"), (np.full(40, 0.01), "zero_variance")]
)
def test_there_is_none_without_days_or_variance(returns: np.ndarray, reason: str) -> None:
    found = sharpe(returns, days_per_year=CRYPTO_DAYS, seed=1)
    assert found.value is None
    assert found.reason.startswith(reason)


def test_the_best_of_many_trials_is_as_in_the_paper() -> None:
    # The paper's example: 100 trials whose yearly ratios vary by 1/2, five years of daily returns.
    trials = np.random.default_rng(2).normal(0.0, 1.0, 100)
    trials = (trials - trials.mean()) / trials.std(ddof=1) * sqrt(0.5 / 250)
    assert expected_best(trials) == pytest.approx(0.1132, abs=5e-5)


def test_the_deflated_ratio_is_as_in_the_paper() -> None:
    # A yearly ratio of 2.5, skewness -3 and kurtosis 10 over 1,250 days give 0.9004.
    returns = _with_moments(1_250, ratio=2.5 / sqrt(250), skew=-3.0, kurtosis=10.0)
    trials = np.random.default_rng(2).normal(0.0, 1.0, 100)
    trials = (trials - trials.mean()) / trials.std(ddof=1) * sqrt(0.5 / 250)
    found = deflated(returns, trials)
    assert found.probability == pytest.approx(0.9004, abs=2e-3)
    assert found.trials == 100


def test_one_trial_alone_needs_no_deflation() -> None:
    returns = np.random.default_rng(3).normal(0.001, 0.01, 250)
    found = deflated(returns, np.array([0.1]))
    assert found.expected_best == 0.0
    assert found.probability is not None
    assert found.probability > 0.5


def test_more_trials_leave_less() -> None:
    returns = np.random.default_rng(4).normal(0.001, 0.01, 250)
    tried = np.random.default_rng(5).normal(0.0, 0.06, 1_000)
    few, many = deflated(returns, tried[:5]), deflated(returns, tried)
    assert few.probability is not None
    assert many.probability is not None
    assert many.probability < few.probability


def _with_moments(count: int, *, ratio: float, skew: float, kurtosis: float) -> np.ndarray:
    """Return a series with these moments: a two-point mixture cannot, three points can."""
    # Values -a, 0, b with chances p, 1-p-q, q: solved for mean 0, variance 1, the skewness and the kurtosis.
    # With x = -a and y = b the standard moments obey x + y = m3 and -x y = m4 - m3 (x + y), so:
    total, product = skew, -(kurtosis - skew * skew)
    root = sqrt(total * total - 4.0 * product)
    low, high = (total - root) / 2.0, (total + root) / 2.0
    p, q = -1.0 / (low * (high - low)), 1.0 / (high * (high - low))
    n_low, n_high = round(p * count), round(q * count)
    series = np.concatenate([np.full(n_low, low), np.full(n_high, high), np.zeros(count - n_low - n_high)])
    series = (series - series.mean()) / series.std(ddof=1)
    return series + ratio
