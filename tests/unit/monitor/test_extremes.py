from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chanflow.monitor.extremes import Extremes


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)), max_size=60), st.integers(0, 150), st.integers(0, 90))
def test_the_lowest_since_any_moment_is_that_of_all_values_since(
    steps: list[tuple[int, int]], since: int, forgotten: int
) -> None:
    told: list[tuple[int, float]] = []
    extremes: Extremes[float] = Extremes()
    at = 0
    for pause, value in steps:
        at += pause
        told.append((at, float(value)))
        extremes.add(at, float(value))
    extremes.forget_before(min(since, forgotten))
    assert extremes.lowest_since(since) == min((value for when, value in told if when >= since), default=None)


def test_what_is_forgotten_leaves_no_memory() -> None:
    extremes: Extremes[float] = Extremes()
    for at in range(10_000):
        extremes.add(at, float(at))
        extremes.forget_before(at - 10)
    assert extremes.lowest_since(0) == 9_989.0
    assert len(extremes._values) < 3_000
