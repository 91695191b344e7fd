from __future__ import annotations

import pytest

from chanflow.features.reference.macd import ema_step, macd_histogram, rsi


def test_a_mean_moves_by_its_share() -> None:
    assert ema_step(1.0, 2.0, 3) == 1.5


def test_a_jump_shows_in_the_histogram() -> None:
    flat, jump = macd_histogram([10.0, 10.0, 10.0]), macd_histogram([10.0, 11.0])
    dif = (2 * 11 + 11 * 10) / 13 - (2 * 11 + 25 * 10) / 27
    assert flat == [0.0, 0.0, 0.0]
    assert jump[1] == pytest.approx(2 * (dif - dif * 2 / 10))


def test_rsi_starts_at_50_and_is_a_ratio_of_means() -> None:
    assert rsi([10.0, 11.0, 10.5])[0] == 50.0
    assert rsi([10.0, 11.0, 10.5])[2] == pytest.approx(100 - 100 / (1 + 1.0 / 0.5))


def test_rsi_smooths_from_the_fourteenth_change_on() -> None:
    closes = [10.0, *([11.0, 10.0] * 7)]
    rise, fall = (7 / 13 * 13) / 14, (6 / 13 * 13 + 1) / 14
    assert rsi(closes)[14] == pytest.approx(100 - 100 / (1 + rise / fall))


def test_rsi_is_100_while_nothing_ever_fell_and_0_while_nothing_moved() -> None:
    assert rsi([10.0, 11.0, 12.0])[1:] == [100.0, 100.0]
    assert rsi([10.0, 10.0])[1:] == [0.0]


def test_nothing_gives_nothing() -> None:
    assert (macd_histogram([]), rsi([])) == ([], [])
