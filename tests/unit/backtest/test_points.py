"""Points traded on bars: fills at the next open, worse first, costs always."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.backtest.points import BarSeries, Entry, PointRules, run_points

MINUTE = 60_000
RULES = PointRules(10_000.0, reward_risk=2.0, max_hold_bars=5, taker_bps=5.0, slippage_bps=1.0)


def series(*closes: float, spread: float = 0.0) -> BarSeries:
    close = np.array(closes, dtype=np.float64)
    opened = np.concatenate((close[:1], close[:-1]))
    return BarSeries(
        np.arange(len(close), dtype=np.int64) * MINUTE, opened, np.maximum(opened, close) + spread,
        np.minimum(opened, close) - spread, close, np.full(len(close), 1e6),
    )  # fmt: skip


def test_a_target_is_taken_at_its_price_and_pays_costs_both_ways() -> None:
    run = run_points(series(100, 100, 101, 103, 103, 103), [Entry(1, long=True, invalidation=99.0)], RULES)
    (trade,) = run.trades
    assert (trade.exit_cause, trade.hit) == ("target", True)
    assert trade.entry_price == pytest.approx(100.01)
    assert trade.exit_price == pytest.approx(101.99)
    assert trade.fees_quote == pytest.approx(trade.qty_base * (100.01 + 101.99) * 0.0005)
    assert trade.net_quote == pytest.approx(trade.qty_base * (101.99 - 100.01) - trade.fees_quote)
    assert trade.gross_quote == pytest.approx(trade.qty_base * 2.0)


def test_a_stop_in_the_same_bar_as_the_target_comes_first() -> None:
    bars = series(100, 100, 100, 100, 100, 100)
    wide = replace(bars, high=np.array([100, 100, 100, 110, 100, 100.0]), low=np.array([100, 100, 100, 90, 100, 100.0]))
    (trade,) = run_points(wide, [Entry(1, long=True, invalidation=99.0)], RULES).trades
    assert trade.exit_cause == "stop"
    assert trade.net_quote < 0


def test_a_gap_through_the_stop_costs_what_it_is() -> None:
    bars = series(100, 100, 100, 100, 90, 90, 90)
    gapped = replace(bars, open=np.array([100, 100, 100, 100, 90, 90, 90.0]), high=bars.close, low=bars.close)
    (trade,) = run_points(gapped, [Entry(1, long=True, invalidation=99.0)], RULES).trades
    assert trade.exit_price == pytest.approx(90.0, abs=0.02)


def test_patience_ends_at_the_next_open() -> None:
    (trade,) = run_points(series(*([100.0] * 12)), [Entry(1, long=True, invalidation=99.0)], RULES).trades
    assert (trade.exit_cause, trade.exit_ms) == ("market", 7 * MINUTE)


def test_a_point_of_the_other_side_ends_it_and_begins_the_other() -> None:
    entries = [Entry(1, long=True, invalidation=99.0), Entry(3, long=False, invalidation=101.0)]
    first, second = run_points(series(*([100.0] * 12)), entries, RULES).trades
    assert (first.long, first.exit_ms) == (True, 4 * MINUTE)
    assert second.long is False


def test_points_that_come_while_a_position_stands_are_passed_over() -> None:
    entries = [Entry(at, long=True, invalidation=99.0) for at in (1, 2, 3)]
    assert len(run_points(series(*([100.0] * 12)), entries, RULES).trades) == 1


def test_shares_are_not_sold_short_and_come_in_lots() -> None:
    shares = replace(RULES, market="a_share")
    bars = replace(series(*([10.0] * 30)), ts_ms=np.arange(30, dtype=np.int64) * 86_400_000)
    assert run_points(bars, [Entry(2, long=False, invalidation=11.0)], shares).trades == ()
    (trade,) = run_points(bars, [Entry(2, long=True, invalidation=9.0)], shares).trades
    assert trade.qty_base == 1_000.0
    assert trade.exit_ms > trade.entry_ms


def test_an_entry_that_its_own_stop_has_passed_is_none() -> None:
    assert run_points(series(*([100.0] * 9)), [Entry(1, long=True, invalidation=100.5)], RULES).trades == ()


def test_the_last_bar_opens_nothing() -> None:
    assert run_points(series(100, 100), [Entry(1, long=True, invalidation=99.0)], RULES).trades == ()


@given(st.lists(st.floats(80, 125), min_size=8, max_size=60), st.booleans(), st.floats(0.5, 10), st.integers(1, 20))
def test_what_was_earned_is_the_sum_of_trades_and_costs_are_never_negative(
    closes: list[float], long: bool, risk: float, hold: int
) -> None:
    bars = series(*closes, spread=0.3)
    away = risk if long else -risk
    entries = [Entry(at, long=long, invalidation=closes[at] - away) for at in range(1, len(closes), 3)]
    run = run_points(bars, entries, replace(RULES, max_hold_bars=hold))
    assert run.earned_quote[-1] == pytest.approx(sum(trade.net_quote for trade in run.trades), abs=1e-6)
    for trade in run.trades:
        assert trade.fees_quote > 0
        assert trade.slippage_quote > 0
        assert trade.entry_ms < trade.exit_ms or trade.exit_cause != "market"
    ends = [(trade.entry_ms, trade.exit_ms) for trade in run.trades]
    assert all(before[1] <= after[0] for before, after in pairwise(ends))


@given(st.lists(st.floats(80, 125), min_size=8, max_size=40), st.integers(2, 30))
def test_nothing_that_comes_later_changes_what_was(closes: list[float], cut: int) -> None:
    entries = [Entry(at, long=True, invalidation=closes[at] - 1.0) for at in range(1, len(closes), 3)]
    whole = run_points(series(*closes), entries, RULES)
    shown = min(cut + RULES.max_hold_bars + 3, len(closes))
    part = run_points(series(*closes[:shown]), [e for e in entries if e.bar < shown], RULES)
    ended = [t for t in whole.trades if t.exit_ms < (shown - 2) * MINUTE]
    assert list(part.trades)[: len(ended)] == ended
