"""What the exchange does beside matching: exits that wait without a position, positions taken over."""

import numpy as np
from chanflow_native import SimulatedExchange


def exchange(*, stay: bool) -> SimulatedExchange:
    made = SimulatedExchange(order_latency=0, response_latency=0, min_notional=0, idle_exits_stay=stay)
    at, kind = np.array([10, 10, 10]), np.array([0, 1, 2], dtype=np.uint8)
    made.push_ticks(at, kind, np.array([0, 99, 101]), np.array([0, 50, 50]))
    return made


def kinds(events: list[tuple[object, ...]]) -> list[object]:
    return [event[4] for event in events]


def test_a_conditional_exit_needs_a_position_unless_it_may_wait() -> None:
    for stay, word in ((True, "accepted"), (False, "rejected")):
        made = exchange(stay=stay)
        made.submit(20, 0, "stop", "sell", "stop_market", 5, trigger=90, reduce_only=True)
        assert kinds(made.advance(made.next_wake_ns or 0)) == [word]


def test_a_position_taken_over_has_its_cost_and_balances() -> None:
    made = exchange(stay=True)
    assert made.adopt(3, -7, -700 * 10**9, 0) is None
    held = made.account(3)
    assert (held["position"], held["cost_nano"], made.imbalance()) == (-7, -700 * 10**9, (0, 0))
    refusal = made.adopt(3, 1, 10**9, 0)
    assert refusal is not None
    assert refusal[0] == -4048
