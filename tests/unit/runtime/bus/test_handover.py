from __future__ import annotations

from random import Random

from chanflow.runtime.bus.handover import Backoff


def test_waits_double_up_to_the_cap_and_spread_over_their_upper_half() -> None:
    backoff = Backoff(first_s=1, cap_s=10, jitter=Random(3))
    for attempt, whole_s in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (5_000, 10)):
        waits = [backoff.wait_ns(attempt) / 1e9 for _ in range(200)]
        assert whole_s / 2 <= min(waits) < 0.6 * whole_s
        assert 0.9 * whole_s < max(waits) <= whole_s


def test_the_same_seed_gives_the_same_waits() -> None:
    one, two = (Backoff(first_s=1, cap_s=10, jitter=Random(5)) for _ in range(2))
    assert [one.wait_ns(3) for _ in range(5)] == [two.wait_ns(3) for _ in range(5)]
