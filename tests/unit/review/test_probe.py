"""Whether a model knows prices by heart."""

from __future__ import annotations

import numpy as np
import pytest

from chanflow.review.probe import Probe, Recalled, naive_guesses, probed

CLOSES = [float(100 + 5 * at) for at in range(20)]


def recalled(said: list[float | None]) -> Probe:
    rows = [
        Recalled(f"2024-01-{at + 1:02d}", close, one, naive)
        for at, (close, one, naive) in enumerate(zip(CLOSES, said, naive_guesses(CLOSES), strict=True))
    ]
    return probed("local/one", "X", rows)


def test_a_guess_knows_the_other_days_alone() -> None:
    assert naive_guesses([1.0, 2.0, 30.0]) == (16.0, 15.5, 1.5)


def test_one_that_knows_every_price_remembers() -> None:
    found = recalled([close * 1.001 for close in CLOSES])
    assert (found.finding, found.nearer, found.said) == ("remembers", 20, 20)
    assert found.error_frac == pytest.approx(0.001)


def test_one_that_knows_the_level_alone_shows_no_sign_of_memory() -> None:
    chance = np.random.default_rng(1)
    found = recalled([float(naive * (1 + chance.normal(scale=0.05))) for naive in naive_guesses(CLOSES)])
    assert found.finding == "no_sign"


def test_of_few_prices_nothing_is_concluded_however_near_they_are() -> None:
    said: list[float | None] = [*CLOSES[:7], *[None] * 13]
    found = recalled(said)
    assert (found.finding, found.said, found.nearer) == ("too_few", 7, 7)
    assert recalled([None] * 20).share is None
