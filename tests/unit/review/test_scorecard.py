"""The scorecard of a journal's decisions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from chanflow.domain.time import NS_PER_DAY, NS_PER_MS
from chanflow.review.decisions import Decision, Outcome, PricePath
from chanflow.review.scorecard import Scorecard, scorecard
from chanflow.review.supposed import Exits

MINUTE = 60_000
PATH = PricePath(tuple(at * MINUTE for at in range(3_000)), tuple(100 + 0.2 * (at % 20) for at in range(3_000)))
NO_RETURNS = np.array([], dtype=np.float64)


def decided(number: int, **other: object) -> Decision:
    decision = Decision(
        f"d{number}", number * 40 * MINUTE * NS_PER_MS, "X", "1m", "entry", "open_long", "buy2_flow", "default",
        "rules", confidence=0.75, claims=(("point_confirmed", "for"),), entry_price=Decimal(100),
        stop_price=Decimal(99),
        target_price=Decimal(102), verdict="approved",
    )  # fmt: skip
    return replace(decision, **other)  # type: ignore[arg-type]


def ended(r: float, *, hit: bool | None) -> Outcome:
    return Outcome(1, Decimal(str(r)) + 1, Decimal(str(r)), r, hit, "stop")


def card(*decisions: Decision) -> Scorecard:
    return scorecard(decisions, PATH, NO_RETURNS, exits=Exits(), seed=1)


def test_gross_costs_and_net_stand_apart() -> None:
    found = card(decided(1, outcome=ended(2.0, hit=True)), decided(2, outcome=ended(-1.0, hit=False))).by_analyst[0]
    assert (found.gross_quote, found.cost_quote, found.net_quote) == (Decimal(3), Decimal(2), Decimal(1))
    assert (found.hits, found.judged, found.mean_r) == (1, 2, 0.5)


def test_a_trade_closed_before_either_end_counts_for_money_and_not_for_the_hit_rate() -> None:
    found = card(decided(1, outcome=ended(0.3, hit=None))).by_analyst[0]
    assert (found.closed, found.judged, found.hit_share) == (1, 0, None)


def test_claims_are_scored_by_type_and_direction() -> None:
    against = decided(2, claims=(("flow_confirms", "against"), ("flow_confirms", "against")))
    names = [t.name for t in card(decided(1, outcome=ended(1.0, hit=True)), against).by_claim]
    assert names == ["flow_confirms against", "point_confirmed for"]
    assert card(decided(1), against).by_claim[0].decisions == 1


def test_a_mean_needs_two_days_for_an_interval() -> None:
    one_day = [decided(at, outcome=ended(1.0, hit=True)) for at in range(5)]
    assert card(*one_day).by_analyst[0].r is None
    more = [*one_day, decided(100, outcome=ended(-1.0, hit=False), at_ns=3 * NS_PER_DAY)]
    assert card(*more).by_analyst[0].r is not None


def test_a_models_confidence_is_judged_as_a_probability_and_a_rules_score_apart() -> None:
    found = card(
        decided(1, analyst="llm", model="m", outcome=ended(1.0, hit=True)), decided(2, outcome=ended(-1.0, hit=False))
    )
    assert (found.calibration.n, found.score_calibration.n) == (1, 1)


def test_what_was_refused_is_followed_to_its_end() -> None:
    refused = decided(1, verdict="refused", reasons=("trades_per_day", "daily_loss"))
    (found,) = card(refused).refused
    assert (found.why, found.n, found.winners) == ("trades_per_day", 1, 1)
    assert found.mean_net_r == pytest.approx(2.0 - 0.0012 / 0.01)


def test_an_abstention_is_followed_by_the_signal_that_woke_it() -> None:
    nothing = {"entry_price": None, "stop_price": None, "target_price": None, "verdict": "none", "confidence": None}
    woken = decided(
        1, action="abstain", abstain_reason="no_setup", signal_side="buy", signal_stop=Decimal(99), **nothing
    )  # fmt: skip
    silent = decided(2, action="abstain", abstain_reason="no_setup", **nothing)
    (found,) = card(woken, silent).abstained
    assert (found.why, found.n) == ("no_setup", 1)


def test_no_decision_gives_a_card_without_figures() -> None:
    found = card()
    assert (found.by_analyst, found.random, found.calibration.n, found.sharpe.value) == ((), None, 0, None)


def test_an_empty_path_judges_nothing() -> None:
    found = scorecard([decided(1, verdict="refused")], PricePath((), ()), NO_RETURNS, exits=Exits(), seed=1)
    assert (found.refused, found.random, found.buy_and_hold_frac) == ((), None, None)
