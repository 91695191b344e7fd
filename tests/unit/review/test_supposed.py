"""What a trade would have earned that was not made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.review.decisions import PricePath
from chanflow.review.supposed import Entry, Exits, random_entries, suppose

MINUTE = 60_000
EXITS = Exits(reward_risk=2.0, max_hold_ms=10 * MINUTE, cost_bps=10.0)


def path(*prices: float) -> PricePath:
    return PricePath(tuple(at * MINUTE for at in range(len(prices))), prices)


def test_a_target_pays_its_reward_less_costs() -> None:
    found = suppose(Entry(0, long=True, risk_frac=0.01, reward_frac=0.02), path(100, 100, 101, 103), EXITS)
    assert found is not None
    assert found.hit is True
    assert found.gross_r == pytest.approx(2.0)
    assert found.net_r == pytest.approx(2.0 - 0.001 / 0.01)


def test_a_stop_leaves_at_the_close_beyond_it_and_not_at_a_better_price() -> None:
    found = suppose(Entry(0, long=True, risk_frac=0.01, reward_frac=0.02), path(100, 100, 99.5, 98, 110), EXITS)
    assert found is not None
    assert found.hit is False
    assert found.gross_r == pytest.approx(-2.0)


def test_a_short_earns_when_the_price_falls() -> None:
    found = suppose(Entry(0, long=False, risk_frac=0.01, reward_frac=0.02), path(100, 100, 97), EXITS)
    assert found is not None
    assert found.hit is True


def test_patience_ends_a_trade_that_neither_meets() -> None:
    prices = [100.0, 100.0, *([100.5] * 12), 103.0]
    found = suppose(Entry(0, long=True, risk_frac=0.01, reward_frac=0.02), path(*prices), EXITS)
    assert found is not None
    assert found.hit is None
    assert found.gross_r == pytest.approx(0.5)


def test_an_entry_at_the_end_of_the_path_is_no_trade() -> None:
    assert suppose(Entry(MINUTE, long=True, risk_frac=0.01, reward_frac=0.02), path(100, 101), EXITS) is None
    assert random_entries([], path(100, 101, 102), EXITS, seed=1) is None


def test_entries_that_knew_the_path_beat_random_ones() -> None:
    # A saw: up 2 % in ten minutes, down 2 % in ten.
    prices = [100 + 0.2 * (at % 20 if at % 20 <= 10 else 20 - at % 20) for at in range(400)]
    knowing = [Entry((20 * at - 1) * MINUTE, long=True, risk_frac=0.01, reward_frac=0.015) for at in range(1, 19)]
    found = random_entries(knowing, path(*prices), EXITS, seed=1)
    assert found is not None
    assert found.mean_r > found.band.high
    assert found.p == pytest.approx(1 / 201)


def test_random_entries_follow_from_the_seed() -> None:
    prices = [100 + 0.2 * (at % 20 if at % 20 <= 10 else 20 - at % 20) for at in range(400)]
    some = [Entry(50 * at * MINUTE, long=at % 2 == 0, risk_frac=0.01, reward_frac=0.015) for at in range(1, 7)]
    first, again = (random_entries(some, path(*prices), EXITS, seed=5) for _ in range(2))
    assert first == again
    assert first != random_entries(some, path(*prices), EXITS, seed=6)


@given(
    st.lists(st.floats(50, 150), min_size=3, max_size=40), st.booleans(), st.floats(0.001, 0.2), st.floats(0.001, 0.2)
)
def test_costs_are_always_charged_and_a_target_is_never_overpaid(
    prices: list[float], long: bool, risk: float, reward: float
) -> None:
    found = suppose(Entry(0, long=long, risk_frac=risk, reward_frac=reward), path(*prices), EXITS)
    assert found is not None
    assert found.net_r < found.gross_r
    assert found.gross_r <= reward / risk * (1 + 1e-12)
