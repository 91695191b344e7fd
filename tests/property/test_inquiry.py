"""Whatever the venue does inside its window, an order that it has is never proven absent, and one it has not is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chanflow.domain.order import OrderState
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.execution.inquiry import GRACE_NS, Inquiry
from chanflow.execution.ports import NotFound, OrderRef, Unknown, VenueOrderState

WINDOW_NS = 5 * NS_PER_S
FOUND = VenueOrderState("q1", "SIMUSDT", "buy", OrderState.ACCEPTED, Decimal(1), Decimal(0), Decimal(0), False, 0)


@dataclass(frozen=True)
class Fate:
    """When the venue took the order (None: never), when answers show it, and how long the book of orders keeps it."""

    arrives_ns: int | None
    shows_after_ns: int
    fills_after_ns: int | None
    kept_ns: int
    """How long after a fill the order can still be asked for: a venue may forget ended orders, but never fills."""

    def knows(self, at_ns: int) -> bool:
        if self.arrives_ns is None or at_ns < self.arrives_ns + self.shows_after_ns:
            return False
        return self.fills_after_ns is None or at_ns < self.arrives_ns + self.fills_after_ns + self.kept_ns

    def filled(self, at_ns: int) -> bool:
        return (
            self.arrives_ns is not None
            and self.fills_after_ns is not None
            and at_ns >= self.arrives_ns + max(self.fills_after_ns, self.shows_after_ns)
        )


fates = st.builds(
    Fate,
    arrives_ns=st.none() | st.just(WINDOW_NS) | st.integers(0, WINDOW_NS),
    shows_after_ns=st.integers(0, GRACE_NS),
    fills_after_ns=st.none() | st.integers(0, 30 * NS_PER_S),
    kept_ns=st.integers(0, 10 * NS_PER_S),
)
answers = st.lists(
    st.tuples(st.integers(0, 3_000), st.sampled_from(["answers", "answers", "fails"])), min_size=1, max_size=40
)


def pursued(fate: Fate, told: list[tuple[int, str]], unknown_after_ns: int) -> Inquiry:
    """Return the inquiry after two minutes in which the venue answered late, or not, as `told` says."""
    inquiry = Inquiry(OrderRef("SIMUSDT", "q1"), "submit", sent_ns=0, opened_ns=unknown_after_ns)
    now_ns, turn = unknown_after_ns, 0
    while inquiry.verdict is None and now_ns < 120 * NS_PER_S:
        for question in inquiry.due(now_ns):
            late_ms, how = told[turn % len(told)]
            turn += 1
            asked_ns = now_ns
            inquiry.ask(question, asked_ns)
            # The venue looks at any time between question and answer: here when it is asked, which knows least.
            now_ns += late_ms * NS_PER_MS
            if question == "order":
                known = FOUND if fate.knows(asked_ns) else NotFound()
                inquiry.order_answered(asked_ns, known if how == "answers" else Unknown("no answer"))
            elif how == "answers" and question == "fills":
                inquiry.fills_answered(asked_ns, any_of_it=fate.filled(asked_ns))
            elif how == "answers":
                inquiry.position_answered(asked_ns, agrees=not fate.filled(asked_ns))
        now_ns += 50 * NS_PER_MS
    return inquiry


@settings(max_examples=600, deadline=None)
@given(fates, answers, st.integers(0, 10 * NS_PER_S))
def test_an_order_that_the_venue_has_is_never_proven_absent(
    fate: Fate, told: list[tuple[int, str]], unknown_after_ns: int
) -> None:
    if pursued(fate, told, unknown_after_ns).verdict == "absent":
        assert fate.arrives_ns is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=10), st.integers(0, 10 * NS_PER_S))
def test_an_order_that_never_arrived_is_proven_absent_in_time(lates: list[int], unknown_after_ns: int) -> None:
    inquiry = pursued(Fate(None, 0, None, 0), [(late, "answers") for late in lates], unknown_after_ns)
    assert inquiry.verdict == "absent"


askings = st.lists(
    st.tuples(st.sampled_from([0, 1, 400, 2_000, 2_100]), st.sampled_from(["order", "fills", "position"])),
    min_size=4,
    max_size=12,
)


@settings(max_examples=1_000, deadline=None)
@given(fates, askings)
@example(Fate(WINDOW_NS, 0, None, 0), [(0, "order"), (2_000, "order"), (0, "fills"), (0, "position")])
@example(Fate(WINDOW_NS, GRACE_NS, 0, 0), [(3_000, "order"), (2_999, "order"), (0, "fills"), (0, "position")])
def test_it_is_never_proven_absent_whenever_and_whatever_is_asked(fate: Fate, askings: list[tuple[int, str]]) -> None:
    inquiry, now_ns = Inquiry(OrderRef("SIMUSDT", "q1"), "submit", sent_ns=0, opened_ns=0), 0
    for gap_ms, question in askings:
        now_ns += gap_ms * NS_PER_MS
        if question == "order":
            inquiry.order_answered(now_ns, FOUND if fate.knows(now_ns) else NotFound())
        elif question == "fills":
            inquiry.fills_answered(now_ns, any_of_it=fate.filled(now_ns))
        else:
            inquiry.position_answered(now_ns, agrees=not fate.filled(now_ns))
    assert inquiry.verdict != "absent" or fate.arrives_ns is None
