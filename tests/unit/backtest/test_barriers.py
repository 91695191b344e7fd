"""The triple barrier equals a plain loop over bars, and each of its rules shows in a case made for it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from chanflow.backtest.barriers import Barriers, Costs, average_true_range, barrier_outcomes

Columns = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
FREE = Costs(0.0, 0.0)


def walk(bars: int, seed: int) -> Columns:
    """Return open, high, low, close of a coarse walk with gaps and flat bars, so that ties happen."""
    draw = np.random.default_rng(seed)
    close = 100 + np.cumsum(draw.integers(-3, 4, bars)).astype(np.float64)
    open_ = np.concatenate((close[:1], close[:-1])) + draw.choice([0, 0, 0, -4, 4], bars)
    high = np.maximum(open_, close) + draw.integers(0, 3, bars)
    low = np.minimum(open_, close) - draw.integers(0, 3, bars)
    return open_, high, low, close


def one_trade(columns: Columns, signal: int, side: int, barriers: Barriers, costs: Costs) -> tuple[str, float, float]:
    """Return how one entry ends and its gross and net bps, found bar by bar in Python floats."""
    open_, high, low, close = (column.tolist() for column in columns)
    ranges = [high[0] - low[0]]
    ranges += [max(high[at], close[at - 1]) - min(low[at], close[at - 1]) for at in range(1, signal + 1)]
    atr = sum(ranges[: barriers.atr_bars]) / barriers.atr_bars
    for current in ranges[barriers.atr_bars :]:
        atr = (atr * (barriers.atr_bars - 1) + current) / barriers.atr_bars
    entry = open_[signal + 1]
    target, stop = entry + side * atr * barriers.atr_multiple, entry - side * atr * barriers.atr_multiple
    end, leave = "timeout", close[signal + barriers.horizon_bars]
    for at in range(signal + 1, signal + 1 + barriers.horizon_bars):
        stopped = low[at] <= stop if side > 0 else high[at] >= stop
        reached = high[at] >= target if side > 0 else low[at] <= target
        if stopped:
            end, leave = "stop", side * min(side * stop, side * open_[at])
            break
        if reached:
            end, leave = "hit", side * max(side * target, side * open_[at])
            break
    gross = side * (leave / entry - 1) * 10_000
    return end, gross, gross - costs.side_bps * (1 + leave / entry)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("barriers", [Barriers(), Barriers(1.0, 3, 7), Barriers(0.5, 1, 1)])
def test_every_entry_ends_as_in_a_plain_loop(seed: int, side: int, barriers: Barriers) -> None:
    columns, costs = walk(300, seed), Costs()
    outcomes = barrier_outcomes(*columns, barriers)
    assert outcomes.signals.size > 200
    assert outcomes.signals[-1] == 300 - 1 - barriers.horizon_bars
    trades = outcomes.trades(np.arange(len(outcomes.signals)), side, costs)
    for row, signal in enumerate(outcomes.signals.tolist()):
        end, gross, net = one_trade(columns, signal, side, barriers, costs)
        assert (bool(trades.hit[row]), bool(trades.timed_out[row])) == (end == "hit", end == "timeout"), signal
        assert trades.gross_bps[row] == pytest.approx(gross, rel=1e-12, abs=1e-9)
        assert trades.net_bps[row] == pytest.approx(net, rel=1e-12, abs=1e-9)


def after_calm(*bars: tuple[float, float, float, float]) -> Columns:
    """Return three bars from 99 to 101, which make an ATR of 2 on their own, then the bars given."""
    rows = np.array([(100.0, 101.0, 99.0, 100.0)] * 3 + list(bars))
    return rows[:, 0].copy(), rows[:, 1].copy(), rows[:, 2].copy(), rows[:, 3].copy()


TWO = Barriers(atr_multiple=1.0, atr_bars=3, horizon_bars=2)
QUIET = (100.0, 100.5, 99.5, 100.0)


def ended(columns: Columns, side: int = 1) -> tuple[bool, bool, float]:
    outcomes = barrier_outcomes(*columns, TWO)
    trades = outcomes.trades(outcomes.rows([2]), side, FREE)
    return bool(trades.hit[0]), bool(trades.timed_out[0]), float(trades.gross_bps[0])


def test_a_bar_that_reaches_both_barriers_is_a_stop_for_either_side() -> None:
    both = after_calm((100.0, 102.0, 98.0, 101.0), QUIET)
    assert ended(both, 1) == (False, False, pytest.approx(-200))
    assert ended(both, -1) == (False, False, pytest.approx(-200))


def test_touching_the_target_is_enough() -> None:
    assert ended(after_calm(QUIET, (100.0, 102.0, 99.0, 100.0))) == (True, False, pytest.approx(200))


def test_a_gap_through_the_stop_costs_what_it_is() -> None:
    assert ended(after_calm(QUIET, (95.0, 96.0, 94.0, 95.0))) == (False, False, pytest.approx(-500))


def test_a_gap_through_the_target_pays_what_it_is() -> None:
    assert ended(after_calm(QUIET, (95.0, 96.0, 94.0, 95.0)), -1) == (True, False, pytest.approx(500))


def test_time_runs_out_at_the_last_close_and_is_no_hit() -> None:
    assert ended(after_calm(QUIET, (100.0, 101.5, 99.5, 101.0))) == (False, True, pytest.approx(100))


def test_costs_are_charged_on_both_prices() -> None:
    outcomes = barrier_outcomes(*after_calm(QUIET, (100.0, 102.0, 99.0, 100.0)), TWO)
    trades = outcomes.trades(outcomes.rows([2]), 1, Costs(5.0, 1.0))
    assert trades.net_bps[0] == pytest.approx(200 - 6 - 6 * 1.02)


def test_signals_without_atr_or_without_a_whole_horizon_are_left_out() -> None:
    outcomes = barrier_outcomes(*after_calm(QUIET, QUIET), TWO)
    assert outcomes.signals.tolist() == [2]
    assert outcomes.rows([0, 1, 2, 3, 4]).tolist() == [0]


def test_a_market_that_does_not_move_has_no_barriers() -> None:
    flat = np.full(40, 5.0)
    assert barrier_outcomes(flat, flat, flat, flat, TWO).rows([10, 20]).size == 0


@pytest.mark.parametrize("bars", [0, 1, 2])
def test_a_series_shorter_than_all_is_empty(bars: int) -> None:
    outcomes = barrier_outcomes(*(column[:bars] for column in after_calm()), TWO)
    assert outcomes.rows([0, 1]).size == 0


def test_the_true_range_reaches_to_the_close_before() -> None:
    high, low, close = np.array([11.0, 21.0, 22.0]), np.array([9.0, 20.0, 18.0]), np.array([10.0, 20.0, 19.0])
    assert average_true_range(high, low, close, 2)[1:].tolist() == [(2 + 11) / 2, ((2 + 11) / 2 + 4) / 2]
    assert math.isnan(average_true_range(high, low, close, 2)[0])


@pytest.mark.parametrize("wrong", [(0.0, 14, 48), (math.nan, 14, 48), (2.0, 0, 48), (2.0, 14, 0)])
def test_barriers_out_of_bounds_are_refused(wrong: tuple[float, int, int]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Barriers(*wrong)


@pytest.mark.parametrize("wrong", [(-1.0, 0.0), (0.0, math.nan), (10_000.0, 0.0)])
def test_costs_out_of_bounds_are_refused(wrong: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="bps"):
        Costs(*wrong)
