"""Buckets are exact: over any span no more passes than the burst and what the span brought."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chanflow.access.rate_limit import RateLimit
from chanflow.domain.time import NS_PER_MS, NS_PER_S


class Time:
    def __init__(self) -> None:
        self.ns = 0

    def now(self) -> int:
        return self.ns


def test_a_burst_passes_and_then_one_at_a_time() -> None:
    time = Time()
    limits = RateLimit(time.now)
    paces = [limits.take("a", rate_per_s=2, burst=3) for _ in range(4)]
    assert [(p.passed, p.remaining, p.retry_after_ms) for p in paces] == [
        (True, 2, 0), (True, 1, 0), (True, 0, 0), (False, 0, 500),
    ]  # fmt: skip
    time.ns += 500 * NS_PER_MS - 1
    assert limits.take("a", rate_per_s=2, burst=3).retry_after_ms == 1
    time.ns += 1
    assert limits.take("a", rate_per_s=2, burst=3).passed
    assert limits.take("b", rate_per_s=2, burst=3).passed


def test_what_was_taken_in_vain_comes_back_but_never_above_the_burst() -> None:
    limits = RateLimit(Time().now)
    limits.take("a", rate_per_s=1, burst=1)
    limits.give_back("a")
    limits.give_back("a")
    limits.give_back("unknown")
    assert [limits.take("a", rate_per_s=1, burst=1).passed for _ in range(2)] == [True, False]


def test_full_buckets_are_forgotten_and_others_are_not() -> None:
    time = Time()
    limits = RateLimit(time.now, sweep_at=2)
    limits.take("quick", rate_per_s=1_000, burst=1)
    limits.take("slow", rate_per_s=1, burst=2)
    time.ns += NS_PER_S - 1
    limits.take("new", rate_per_s=1, burst=1)
    assert set(limits._buckets) == {"slow", "new"}


@given(
    rate=st.integers(1, 300), burst=st.integers(1, 900),
    gaps=st.lists(st.integers(0, 3 * NS_PER_S), min_size=1, max_size=200),
)  # fmt: skip
def test_no_span_lets_more_pass_than_the_burst_and_its_time(rate: int, burst: int, gaps: list[int]) -> None:
    time, passed_at = Time(), list[int]()
    limits = RateLimit(time.now)
    for gap in gaps:
        time.ns += gap
        if limits.take("a", rate_per_s=rate, burst=burst).passed:
            passed_at.append(time.ns)
    for first in range(0, len(passed_at), 7):
        for last in range(first, len(passed_at), 5):
            span_ns = passed_at[last] - passed_at[first]
            assert last - first + 1 <= burst + span_ns * rate // NS_PER_S


@given(rate=st.integers(1, 300), burst=st.integers(1, 20))
def test_after_the_time_that_was_told_the_next_one_passes(rate: int, burst: int) -> None:
    time = Time()
    limits = RateLimit(time.now)
    while (pace := limits.take("a", rate_per_s=rate, burst=burst)).passed:
        pass
    time.ns += pace.retry_after_ms * NS_PER_MS
    assert limits.take("a", rate_per_s=rate, burst=burst).passed
