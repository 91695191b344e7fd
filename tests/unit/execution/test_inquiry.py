"""What is asked when, and what does and does not prove that an order never arrived."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from chanflow.domain.order import OrderState
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.execution.inquiry import Inquiry
from chanflow.execution.ports import NotFound, OrderRef, Unknown, VenueOrderState

S = NS_PER_S
REF = OrderRef("SIMUSDT", "q1")
FOUND = VenueOrderState("q1", "SIMUSDT", "buy", OrderState.ACCEPTED, Decimal(1), Decimal(0), Decimal(0), False, 0)


def submit(**changes: int) -> Inquiry:
    return Inquiry(REF, "submit", **{"sent_ns": 0, "opened_ns": 0, **changes})


def absent_at(inquiry: Inquiry, *seconds: float) -> Inquiry:
    for second in seconds:
        at_ns = round(second * S)
        inquiry.ask("order", at_ns)
        inquiry.order_answered(at_ns, NotFound())
    return inquiry


def proven(inquiry: Inquiry, at_s: float = 10) -> Inquiry:
    inquiry.fills_answered(round(at_s * S), any_of_it=False)
    inquiry.position_answered(round(at_s * S), agrees=True)
    return inquiry


def test_the_order_is_asked_for_at_half_one_two_five_once_answers_count_and_then_every_ten_seconds() -> None:
    inquiry, asked = submit(), []
    for tick in range(0, 40_000, 10):
        at_ns = tick * NS_PER_MS
        if "order" in inquiry.due(at_ns):
            inquiry.ask("order", at_ns)
            inquiry.order_answered(at_ns, Unknown("no answer"))
            asked.append(tick)
    assert asked == [500, 1_000, 2_000, 5_000, 6_010, 16_010, 26_010, 36_010]


def test_a_question_under_way_is_not_asked_again() -> None:
    inquiry = submit()
    inquiry.ask("order", S // 2)
    assert inquiry.due(S // 2) == ()


def test_two_absences_with_fills_and_position_prove_it() -> None:
    assert proven(absent_at(submit(), 6.1, 8.1)).verdict == "absent"


@pytest.mark.parametrize(
    "seconds", [(), (6.1,), (6.1, 8.0), (5.9, 8.1), (6.0, 8.0), (1, 2, 5), (6.1, 6.2, 7.0)]
)  # fmt: skip
def test_less_than_that_proves_nothing(seconds: tuple[float, ...]) -> None:
    assert proven(absent_at(submit(), *seconds)).verdict is None


def test_a_long_window_moves_the_proof() -> None:
    assert proven(absent_at(submit(window_ns=60 * S), 6.1, 8.1)).verdict is None
    assert proven(absent_at(submit(window_ns=60 * S), 61.1, 63.1), 64).verdict == "absent"


def test_fills_and_position_are_asked_for_once_the_order_is_twice_absent() -> None:
    inquiry = absent_at(submit(), 6.1)
    assert inquiry.due(round(7 * S)) == ()
    absent_at(inquiry, 8.1)
    assert inquiry.due(9 * S) == ("fills", "position")
    inquiry.fills_answered(9 * S, any_of_it=False)
    assert inquiry.verdict is None
    assert inquiry.due(9 * S) == ("position",)


def test_the_second_question_does_not_wait_for_its_turn() -> None:
    inquiry = absent_at(submit(), 6.1)
    assert inquiry.next_ns == round(8.1 * S)


def test_fills_read_before_the_second_absence_prove_nothing() -> None:
    inquiry = absent_at(submit(), 6.1, 8.1)
    inquiry.fills_answered(8 * S, any_of_it=False)
    inquiry.position_answered(9 * S, agrees=True)
    assert inquiry.verdict is None


def test_a_fill_of_it_means_it_arrived() -> None:
    inquiry = absent_at(submit(), 6.1, 8.1)
    inquiry.fills_answered(9 * S, any_of_it=True)
    assert inquiry.verdict == "found"


def test_a_position_that_differs_starts_the_proof_again() -> None:
    inquiry = absent_at(submit(), 6.1, 8.1)
    inquiry.fills_answered(9 * S, any_of_it=False)
    inquiry.position_answered(9 * S, agrees=False)
    assert proven(inquiry, 10).verdict is None
    assert proven(absent_at(inquiry, 11, 13), 13).verdict == "absent"


def test_an_order_that_is_found_is_found_at_once() -> None:
    inquiry = absent_at(submit(), 6.1)
    inquiry.order_answered(7 * S, FOUND)
    assert (inquiry.verdict, inquiry.found, inquiry.next_ns, inquiry.due(99 * S)) == ("found", FOUND, None, ())


def test_the_user_stream_ends_it() -> None:
    inquiry = submit()
    inquiry.heard()
    assert inquiry.verdict == "found"


def test_a_verdict_stands() -> None:
    inquiry = proven(absent_at(submit(), 6.1, 8.1))
    inquiry.heard()
    inquiry.order_answered(20 * S, FOUND)
    assert inquiry.verdict == "absent"


def test_a_cancel_is_gone_after_one_answer_and_the_fill_check() -> None:
    inquiry = Inquiry(REF, "cancel", sent_ns=0, opened_ns=0)
    absent_at(inquiry, 0.5)
    assert inquiry.verdict is None
    assert inquiry.due(S // 2) == ("fills",)
    inquiry.fills_answered(S // 2, any_of_it=True)
    assert inquiry.verdict == "gone"


def test_a_cancel_may_still_arrive_while_its_order_lives_within_the_window() -> None:
    inquiry = Inquiry(REF, "cancel", sent_ns=0, opened_ns=0)
    inquiry.order_answered(S, FOUND)
    assert inquiry.verdict is None
    inquiry.order_answered(6 * S + 1, FOUND)
    assert (inquiry.verdict, inquiry.found) == ("found", FOUND)


def test_a_cancelled_order_is_found_at_once() -> None:
    inquiry = Inquiry(REF, "cancel", sent_ns=0, opened_ns=0)
    inquiry.order_answered(S, replace(FOUND, state=OrderState.CANCELED))
    assert inquiry.verdict == "found"


def test_a_fate_cannot_be_unknown_before_the_order_was_sent() -> None:
    with pytest.raises(ValueError, match="the fate of q1 cannot be unknown before it was sent"):
        submit(sent_ns=5)
