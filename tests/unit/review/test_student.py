from __future__ import annotations

from random import Random

import pytest

from chanflow.review.student import difference, t_quantile, t_two_sided

TABLE = [  # two-sided 5 % and 1 % points of Student's t, as printed in every table of it
    (1, 12.706, 63.657), (2, 4.303, 9.925), (5, 2.571, 4.032), (10, 2.228, 3.169), (19, 2.093, 2.861),
    (30, 2.042, 2.750), (60, 2.000, 2.660), (120, 1.980, 2.617),
]  # fmt: skip


@pytest.mark.parametrize(("freedom", "five", "one"), TABLE)
def test_quantiles_and_chances_are_those_of_the_table(freedom: int, five: float, one: float) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(five, abs=6e-4 * five)
    assert t_quantile(0.995, freedom) == pytest.approx(one, abs=6e-4 * one)
    assert t_two_sided(five, freedom) == pytest.approx(0.05, abs=2e-4)
    assert t_two_sided(-one, freedom) == pytest.approx(0.01, abs=2e-4)


def test_no_difference_is_no_surprise() -> None:
    assert t_two_sided(0.0, 7.0) == pytest.approx(1.0)


def test_welch_of_a_worked_example() -> None:
    # Two samples whose means, variances and degrees of freedom were worked out by hand.
    found = difference([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0])
    assert found is not None
    assert found.effect == -1.5
    assert found.error == pytest.approx((5 / 12 + 4 / 3) ** 0.5)
    assert found.freedom == pytest.approx((5 / 12 + 4 / 3) ** 2 / ((5 / 12) ** 2 / 3 + (4 / 3) ** 2 / 2))


def test_what_does_not_vary_tells_nothing_of_chance() -> None:
    found = difference([1.0] * 30, [0.0] * 30)
    assert found is not None
    assert (found.effect, found.p, found.interval(0.05)) == (1.0, 1.0, (1.0, 1.0))
    assert difference([1.0], [0.0, 1.0]) is None


def test_the_interval_covers_the_true_difference_as_often_as_it_says() -> None:
    chance, covered = Random(11), 0
    for _ in range(400):
        a, b = [chance.gauss(0.3, 2.0) for _ in range(20)], [chance.gauss(0.0, 1.0) for _ in range(35)]
        found = difference(a, b)
        assert found is not None
        low, high = found.interval(0.05)
        covered += low <= 0.3 <= high
    assert 0.92 <= covered / 400 <= 0.98
