"""Which normal signals a mock broker takes depends on the seed and each signal's own name, and on nothing else."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from chanflow.runtime.broker_signals import BrokerSignal, is_sampled

IDS = st.lists(st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=30), unique=True)
SEEDS = st.integers(-(2**63), 2**63)
RATES = st.floats(0, 1)


def signal(signal_id: str, kind: str = "buy") -> BrokerSignal:
    return BrokerSignal(signal_id, "BTCUSDT", kind, None, 0, 0, Decimal(1))  # type: ignore[arg-type]


def taken(ids: list[str], seed: int, rate: float) -> set[str]:
    return {each for each in ids if is_sampled(signal(each), seed=seed, sample_rate=rate)}


@given(IDS, SEEDS, RATES, st.randoms(use_true_random=False))
def test_the_order_of_signals_changes_nothing(ids: list[str], seed: int, rate: float, chance: object) -> None:
    shuffled = list(ids)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    half = len(ids) // 2
    assert taken(ids, seed, rate) == taken(shuffled, seed, rate)
    assert taken(ids, seed, rate) == taken(ids[half:], seed, rate) | taken(ids[:half], seed, rate)


@given(IDS, SEEDS, RATES, RATES)
def test_a_higher_rate_takes_all_that_a_lower_one_does(ids: list[str], seed: int, one: float, other: float) -> None:
    assert taken(ids, seed, min(one, other)) <= taken(ids, seed, max(one, other))


@given(IDS, SEEDS)
def test_the_bounds_take_none_and_all_and_strong_ones_always_go(ids: list[str], seed: int) -> None:
    assert taken(ids, seed, 0.0) == set()
    assert taken(ids, seed, 1.0) == set(ids)
    assert all(is_sampled(signal(each, "strong_sell"), seed=seed, sample_rate=0.0) for each in ids)


def test_a_fifth_is_a_fifth() -> None:
    ids = [f"r1-BTCUSDT-{number}" for number in range(20_000)]
    assert 3_800 < len(taken(ids, 42, 0.2)) < 4_200
    assert taken(ids, 42, 0.2) != taken(ids, 43, 0.2)
