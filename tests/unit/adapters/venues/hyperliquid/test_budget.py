"""Weight in a minute, and what is kept back of it."""

from __future__ import annotations

from chanflow.adapters.venues.hyperliquid.budget import RESERVED, WEIGHT_A_MINUTE, Budget, question_weight
from chanflow.runtime.clock import SimulatedClock

MINUTE_NS = 60_000_000_000


def test_questions_leave_a_fifth_for_what_is_urgent() -> None:
    budget = Budget(SimulatedClock(0))
    assert budget.spend(WEIGHT_A_MINUTE - RESERVED) is None
    assert budget.spend(1) == f"weight {WEIGHT_A_MINUTE - RESERVED + 1} in a minute would pass 960"
    assert budget.spend(RESERVED, urgent=True) is None
    assert budget.spend(1, urgent=True) is not None


def test_weight_is_free_again_after_a_minute() -> None:
    clock = SimulatedClock(0)
    budget = Budget(clock)
    assert budget.spend(960) is None
    clock.advance_to(MINUTE_NS - 1)
    assert budget.spend(1) is not None
    clock.advance_to(MINUTE_NS)
    assert budget.spend(960) is None


def test_a_pause_stops_all_but_what_is_urgent() -> None:
    clock = SimulatedClock(0)
    budget = Budget(clock)
    budget.pause(10)
    assert "10.0 s more" in str(budget.spend(1))
    assert budget.spend(1, urgent=True) is None
    clock.advance_to(10_000_000_000)
    assert budget.spend(1) is None


def test_questions_weigh_what_the_venue_says() -> None:
    kinds = ("allMids", "orderStatus", "userFillsByTime", "userRole")
    assert [question_weight(kind) for kind in kinds] == [2, 2, 20, 60]
