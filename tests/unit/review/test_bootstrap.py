"""Intervals by the stationary block bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from chanflow.review.bootstrap import Floats, interval, mean_block, stationary_indices


def mean(rows: Floats) -> Floats:
    found: Floats = rows.mean(axis=1)
    return found


def test_blocks_run_on_and_wrap_around() -> None:
    rows = stationary_indices(50, 2_000, seed=1)
    follows = (rows[:, 1:] - rows[:, :-1]) % 50 == 1
    # A new block begins with chance 1/5, and its first index follows by luck once in fifty.
    assert follows.mean() == pytest.approx(0.8 + 0.2 / 50, abs=0.01)
    assert rows.min() == 0
    assert rows.max() == 49


def test_every_observation_is_drawn_as_often() -> None:
    rows = stationary_indices(40, 20_000, seed=2)
    counts = np.bincount(rows.ravel(), minlength=40) / rows.size * 40
    assert np.abs(counts - 1.0).max() < 0.02


def test_the_same_seed_gives_the_same_interval_and_another_a_near_one() -> None:
    series = np.random.default_rng(3).normal(0.1, 1.0, 250)
    first, again, other = (interval(series, mean, seed=seed) for seed in (7, 7, 8))
    assert first == again
    assert first is not None
    assert other is not None
    assert first != other
    assert first.low == pytest.approx(other.low, abs=0.01)


def test_an_interval_of_independent_noise_is_as_wide_as_theory_says() -> None:
    series = np.random.default_rng(4).normal(0.0, 1.0, 1_000)
    found = interval(series, mean, seed=1)
    assert found is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * series.std() / np.sqrt(1_000), rel=0.1)


def test_dependence_widens_the_interval() -> None:
    noise = np.random.default_rng(5).normal(0.0, 1.0, 1_001)
    dependent = noise[1:] + 0.8 * noise[:-1]
    shuffled = np.random.default_rng(6).permutation(dependent)
    wide, narrow = interval(dependent, mean, seed=1), interval(shuffled, mean, seed=1)
    assert wide is not None
    assert narrow is not None
    assert wide.high - wide.low > 1.2 * (narrow.high - narrow.low)


@pytest.mark.parametrize(("count", "least"), [(60, 0.82), (250, 0.88)])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(count: int, least: float) -> None:
    chance = np.random.default_rng(8)
    covered = 0
    for at in range(100):
        found = interval(chance.standard_t(4, count), mean, seed=at, resamples=1_000)
        assert found is not None
        covered += found.low <= 0.0 <= found.high
    assert covered / 100 >= least


def test_two_series_are_drawn_together() -> None:
    base = np.random.default_rng(9).normal(0.0, 1.0, 200)
    both = np.column_stack([base + 0.5, base])
    found = interval(both, lambda rows: (rows[..., 0] - rows[..., 1]).mean(axis=1), seed=1)
    assert found is not None
    assert found.low == pytest.approx(0.5)
    assert found.high == pytest.approx(0.5)


def test_what_has_no_figure_has_no_interval() -> None:
    assert interval(np.array([1.0]), mean, seed=1) is None
    assert interval(np.ones(30), lambda rows: np.full(len(rows), np.nan), seed=1) is None
    assert mean_block(1_000) == pytest.approx(10.0)
    assert mean_block(20) == 5.0
