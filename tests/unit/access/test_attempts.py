from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from made_access import HandClock

from chanflow.access.attempts import MOST_FAILURES, WAIT_S, Attempts
from chanflow.domain.time import NS_PER_S


def test_after_five_the_sixth_waits_a_quarter_of_an_hour() -> None:
    clock = HandClock()
    attempts = Attempts(clock.monotonic_ns)
    assert [attempts.begin("ann") for _ in range(5)] == [0] * 5
    assert attempts.begin("ann") == WAIT_S * 1_000
    assert attempts.begin("bob") == 0
    clock.at_ns += WAIT_S * NS_PER_S - 1
    assert attempts.begin("ann") == 1
    clock.at_ns += 1
    assert attempts.begin("ann") == 0


def test_a_good_one_forgives_those_before() -> None:
    attempts = Attempts(HandClock().monotonic_ns)
    for _ in range(3):
        assert [attempts.begin("ann") for _ in range(4)] == [0] * 4
        attempts.forgive("ann")


@given(st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(0, 2 * WAIT_S)), max_size=60))
def test_no_more_than_five_are_judged_in_any_quarter_of_an_hour(steps: list[tuple[str, int]]) -> None:
    clock = HandClock()
    attempts = Attempts(clock.monotonic_ns)
    judged: dict[str, list[int]] = {"ann": [], "bob": []}
    for who, pause_s in steps:
        clock.at_ns += pause_s * NS_PER_S
        if attempts.begin(who) == 0:
            judged[who].append(clock.at_ns)
    for times in judged.values():
        for first, sixth in zip(times, times[MOST_FAILURES:], strict=False):
            assert sixth - first >= WAIT_S * NS_PER_S
