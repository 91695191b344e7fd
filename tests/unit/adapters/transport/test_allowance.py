from __future__ import annotations

from chanflow.adapters.transport.allowance import Allowance, Limit, Urgency
from chanflow.runtime.clock import SimulatedClock

START_NS = 1_700_000_040_000_000_000
"""The beginning of a minute."""
S = 1_000_000_000
ONE = {"orders": 1}


def made(most: int = 10, span_s: int = 10) -> tuple[SimulatedClock, Allowance]:
    clock = SimulatedClock(START_NS)
    return clock, Allowance(clock, (Limit("orders", span_s, most), Limit("weight", 60, 100)))


def spent(allowance: Allowance, urgency: Urgency) -> int:
    count = 0
    while allowance.wait_ns(ONE, urgency) == 0:
        count += 1
    return count


def test_questions_stop_first_then_openings_and_reducing_has_the_whole() -> None:
    _, allowance = made()
    assert [spent(allowance, urgency) for urgency in (Urgency.ASK, Urgency.OPEN, Urgency.PROTECT)] == [7, 1, 2]


def test_a_full_window_opens_again_where_the_venues_next_one_begins() -> None:
    clock, allowance = made()
    clock.advance_to(START_NS + 3 * S)
    spent(allowance, Urgency.PROTECT)
    assert allowance.wait_ns(ONE, Urgency.PROTECT) == 7 * S
    clock.advance_to(START_NS + 10 * S)
    assert spent(allowance, Urgency.PROTECT) == 10


def test_windows_are_the_venues_not_ours() -> None:
    clock, allowance = made()
    allowance.offset_ns = 2 * S
    clock.advance_to(START_NS + 3 * S)
    spent(allowance, Urgency.PROTECT)
    assert allowance.wait_ns(ONE, Urgency.PROTECT) == 5 * S


def test_the_venues_own_count_stands_where_it_is_higher() -> None:
    _, allowance = made()
    allowance.correct("orders", 10, 8)
    assert allowance.left("orders", 10) == 2
    allowance.correct("orders", 10, 3)
    assert allowance.left("orders", 10) == 2


def test_what_did_not_fit_is_not_counted() -> None:
    _, allowance = made()
    assert allowance.wait_ns({"orders": 1, "weight": 200}, Urgency.PROTECT) > 0
    assert allowance.left("orders", 10) == 10


def test_a_pause_stops_everything_until_its_end() -> None:
    clock, allowance = made()
    allowance.pause(30)
    allowance.pause(5)
    assert allowance.wait_ns(ONE, Urgency.PROTECT) == 30 * S
    assert allowance.paused_until_ns == START_NS + 30 * S
    clock.advance_to(START_NS + 30 * S)
    assert allowance.wait_ns(ONE, Urgency.PROTECT) == 0
    assert allowance.paused_until_ns == 0


def test_new_limits_keep_what_was_counted() -> None:
    _, allowance = made()
    spent(allowance, Urgency.OPEN)
    allowance.renew((Limit("orders", 10, 12),))
    assert allowance.left("orders", 10) == 4
