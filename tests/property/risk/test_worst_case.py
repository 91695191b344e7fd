"""Whatever a model proposes, in the worst of markets: the loss stays within the bound that the limits give."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts"))

import worst_case as worst
from worst_markets import ATTACKS, DEEP, MARKETS, Second, worst_jump


@pytest.mark.slow
@pytest.mark.parametrize("name", MARKETS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_loses_more_than_the_bound(name: str, attack: str) -> None:
    market = worst.market_of(name)
    outcome = asyncio.run(worst.attacked(market, attack))
    assert outcome.approved > 0
    assert list(worst.wrongs(market, outcome)) == []


@pytest.mark.slow
def test_without_the_guardian_a_crash_loses_more() -> None:
    market = worst.market_of("crash")
    outcome = asyncio.run(worst.attacked(market, "longs for ever", guarded=False))
    [wrong] = worst.wrongs(market, outcome)
    assert wrong.startswith("the loss is")


def test_the_bound_is_the_drawdown_limit_and_what_lies_between_two_looks() -> None:
    calm = [Second(10_000)] * 5
    # Thirty per cent of equity pay 5 bps of fee and 5 bps of slippage.
    assert worst.bound_frac(calm) == Decimal("0.10") + Decimal("0.30") * Decimal("0.001")
    assert worst.bound_frac([*calm, Second(8_000)]) > Decimal("0.10") + Decimal("0.30") * Decimal("0.25")


@pytest.mark.parametrize("unseen", [Second(9_500, quoted=False), Second(9_500, bid_lots=1)])
def test_a_market_that_cannot_be_acted_in_is_one_move(unseen: Second) -> None:
    assert worst_jump([Second(10_000), unseen, unseen, unseen, Second(8_000)]) == Decimal("0.25")


def test_a_steady_fall_is_no_jump() -> None:
    assert worst_jump([Second(10_000 - n, bid_lots=DEEP) for n in range(5)]) == Decimal(2) / 9_996


def test_an_outcome_past_a_limit_is_told() -> None:
    market = [Second(10_000)] * 5
    broken = worst.Outcome(Decimal("0.2"), Decimal("0.03"), Decimal("0.031"), longest_naked_s=6)
    assert len(list(worst.wrongs(market, broken))) == 4
    assert list(worst.wrongs(market, worst.Outcome(day_loss_at_opening=Decimal("0.0299")))) == []
