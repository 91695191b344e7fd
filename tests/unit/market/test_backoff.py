"""Waits are jittered and bounded; tokens come steadily and stop when told."""

from __future__ import annotations

from chanflow.domain.time import NS_PER_S
from chanflow.market.backoff import Backoff, TokenBucket
from chanflow.runtime.clock import SeededRandomness, SimulatedClock


class _Most:
    def uniform(self, _low: float, high: float) -> float:
        return high


def test_the_bound_doubles_from_1_s_to_60_s_and_begins_anew_after_a_stable_spell() -> None:
    backoff = Backoff(_Most())  # type: ignore[arg-type]
    assert [backoff.next_s() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.next_s(stable_for_s=299.9) == 60
    assert backoff.next_s(stable_for_s=300.0) == 1


def test_a_wait_lies_anywhere_below_the_bound() -> None:
    backoff = Backoff(SeededRandomness(1).stream("x"), first_s=60.0)
    waits = [backoff.next_s() for _ in range(200)]
    assert min(waits) < 5
    assert max(waits) > 55


async def test_a_bucket_gives_its_size_at_once_and_then_a_token_each_share_of_the_span() -> None:
    clock = SimulatedClock(0)
    bucket = TokenBucket(clock, size=60, span_s=60.0)
    for _ in range(60):
        await bucket.take()
    assert clock.now_ns() == 0
    assert NS_PER_S - 10 < bucket.wait_ns() <= NS_PER_S + 10


async def test_a_stopped_bucket_gives_nothing_before_its_time_and_then_one() -> None:
    clock = SimulatedClock(0)
    bucket = TokenBucket(clock, size=60, span_s=60.0)
    bucket.stop_until(30 * NS_PER_S)
    assert bucket.wait_ns() == 30 * NS_PER_S
    clock.advance_to(30 * NS_PER_S)
    assert bucket.wait_ns() == 0
