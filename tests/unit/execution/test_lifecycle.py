"""The table of legal steps, written out by hand a second time, and what fills do to an order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from made_desk import D
from made_execution import fill

from chanflow.domain.order import OrderState
from chanflow.execution.lifecycle import TRANSITIONS, Order, Step, legal, table_markdown

LEGAL = """
initialized       deny            denied
initialized       send            submitted
submitted         accept          accepted
submitted         reject          rejected
submitted         lose            unknown
submitted         fill_part       partially_filled
submitted         fill_all        filled
submitted         cancel          canceled
submitted         expire          expired
submitted         amended         accepted
submitted         trigger         triggered
submitted         link            accepted
accepted          reject          rejected
accepted          fill_part       partially_filled
accepted          fill_all        filled
accepted          request_cancel  pending_cancel
accepted          cancel          canceled
accepted          expire          expired
accepted          request_amend   pending_amend
accepted          amended         accepted
accepted          amend_refused   accepted
accepted          trigger         triggered
accepted          link            accepted
partially_filled  accept          partially_filled
partially_filled  fill_part       partially_filled
partially_filled  fill_all        filled
partially_filled  request_cancel  pending_cancel
partially_filled  cancel          canceled
partially_filled  expire          expired
partially_filled  request_amend   pending_amend
partially_filled  amended         partially_filled
partially_filled  amend_refused   partially_filled
partially_filled  trigger         partially_filled
partially_filled  link            partially_filled
pending_cancel    accept          pending_cancel
pending_cancel    reject          rejected
pending_cancel    fill_part       pending_cancel
pending_cancel    fill_all        filled
pending_cancel    cancel_refused  resume
pending_cancel    cancel          canceled
pending_cancel    expire          expired
pending_cancel    amended         pending_cancel
pending_cancel    amend_refused   pending_cancel
pending_cancel    trigger         pending_cancel
pending_cancel    link            pending_cancel
pending_amend     accept          pending_amend
pending_amend     reject          rejected
pending_amend     fill_part       pending_amend
pending_amend     fill_all        filled
pending_amend     request_cancel  pending_cancel
pending_amend     cancel          canceled
pending_amend     expire          expired
pending_amend     amended         resume
pending_amend     amend_refused   resume
pending_amend     trigger         pending_amend
pending_amend     link            pending_amend
triggered         accept          triggered
triggered         reject          rejected
triggered         fill_part       partially_filled
triggered         fill_all        filled
triggered         cancel          canceled
triggered         expire          expired
triggered         amended         triggered
triggered         amend_refused   triggered
triggered         link            accepted
unknown           accept          accepted
unknown           reject          rejected
unknown           absent          rejected
unknown           fill_part       partially_filled
unknown           fill_all        filled
unknown           cancel          canceled
unknown           expire          expired
unknown           amended         accepted
unknown           trigger         triggered
unknown           link            accepted
filled            amended         filled
filled            amend_refused   filled
canceled          fill_part       canceled
canceled          fill_all        filled
canceled          amended         canceled
canceled          amend_refused   canceled
expired           fill_part       expired
expired           fill_all        filled
expired           amended         expired
expired           amend_refused   expired
rejected          amended         rejected
rejected          amend_refused   rejected
"""
ROWS = [tuple(line.split()) for line in LEGAL.strip().splitlines()]
ILLEGAL = sorted(
    set(itertools.product(map(str, OrderState), map(str, Step))) - {(before, event) for before, event, _ in ROWS}
)
PAGE = Path(__file__).parents[3] / "docs" / "orders.md"


def order(state: str = "submitted", qty: str = "10") -> Order:
    one = Order("q1", "SIMUSDT", "buy", "entry", D(qty), False, "a1", "position-1", OrderState(state))
    if state.startswith("pending"):
        one.before = OrderState.ACCEPTED
    return one


@pytest.mark.parametrize(("before", "event", "after"), ROWS)
def test_a_legal_step_leads_where_the_table_says(before: str, event: str, after: str) -> None:
    one = order(before)
    assert one.step(Step(event))
    assert one.state == ("accepted" if after == "resume" else after)


@pytest.mark.parametrize(("before", "event"), ILLEGAL)
def test_an_illegal_step_leaves_the_state(before: str, event: str) -> None:
    one = order(before)
    assert not one.step(Step(event))
    assert (one.state, one.before, one.linked) == (before, order(before).before, False)


def test_the_code_knows_no_step_beyond_the_table() -> None:
    assert [(str(b), str(e), str(a)) for b, e, a in legal()] == ROWS
    assert set(TRANSITIONS) == set(OrderState)


def test_a_terminal_state_leads_at_most_to_filled() -> None:
    ends = {s: set(steps.values()) - {s} for s, steps in TRANSITIONS.items() if s.terminal}
    assert {str(s): sorted(map(str, after)) for s, after in ends.items()} == {
        "denied": [], "filled": [], "rejected": [], "canceled": ["filled"], "expired": ["filled"],
    }  # fmt: skip


def test_the_page_shows_the_table_as_it_is() -> None:
    assert table_markdown() in PAGE.read_text("utf-8")


@pytest.mark.parametrize("state", ["submitted", "unknown", "accepted", "triggered", "partially_filled"])
def test_a_part_makes_a_living_order_partially_filled(state: str) -> None:
    one = order(state)
    assert one.fill(fill("1", "buy", "4")) is None
    assert (one.state, one.filled_base, one.leaves_base) == (OrderState.PARTIALLY_FILLED, D(4), D(6))


@pytest.mark.parametrize(("state", "leaves"), [("canceled", "0"), ("expired", "0"), ("pending_cancel", "6")])
def test_a_late_part_is_legal_and_leaves_the_state(state: str, leaves: str) -> None:
    one = order(state)
    assert one.fill(fill("1", "buy", "4")) is None
    assert (one.state, one.filled_base, one.leaves_base) == (state, D(4), D(leaves))


@pytest.mark.parametrize("state", ["submitted", "unknown", "accepted", "pending_cancel", "canceled", "expired"])
def test_the_whole_quantity_makes_it_filled(state: str) -> None:
    one = order(state)
    assert one.fill(fill("1", "buy", "4")) is None
    assert one.fill(fill("2", "buy", "6")) is None
    assert (one.state, one.leaves_base) == (OrderState.FILLED, D(0))


def test_a_repeated_fill_is_named_and_counts_once() -> None:
    one = order()
    one.fill(fill("1", "buy", "4"))
    assert one.fill(fill("1", "buy", "4")) == "repeated"
    assert one.filled_base == D(4)


@pytest.mark.parametrize("state", ["initialized", "denied", "rejected"])
def test_a_fill_of_an_order_that_never_was_is_impossible_and_kept(state: str) -> None:
    one = order(state)
    assert one.fill(fill("1", "buy", "4")) == f"a fill of 4 arrived for an order that is {state}"
    assert (one.state, one.filled_base) == (state, D(4))


def test_a_fill_beyond_the_quantity_names_both_figures() -> None:
    one = order()
    one.fill(fill("1", "buy", "4"))
    assert one.fill(fill("2", "buy", "6.001")) == "fills sum to 10.001, the order was for 10"


def test_a_fill_after_the_last_one_is_impossible() -> None:
    one = order()
    one.fill(fill("1", "buy", "10"))
    assert one.fill(fill("2", "buy", "1")) == "fills sum to 11, the order was for 10"
    assert one.state is OrderState.FILLED


def test_a_trade_told_again_with_other_figures_is_impossible_and_the_first_stays() -> None:
    one = order()
    one.fill(fill("1", "buy", "4", "100"))
    assert one.fill(fill("1", "buy", "5", "100")) == "trade 1 was buy 4 at 100 and is told again as buy 5 at 100"
    assert one.filled_base == D(4)


def test_the_same_trade_id_at_another_venue_is_another_fill() -> None:
    one = order()
    one.fill(fill("1", "buy", "4"))
    assert one.fill(replace(fill("1", "buy", "4"), venue="elsewhere")) is None
    assert one.filled_base == D(8)


def test_the_average_price_is_that_of_the_set_exactly() -> None:
    one = order()
    assert one.average_price is None
    one.fill(fill("1", "buy", "1", "10"))
    one.fill(fill("2", "buy", "2", "11"))
    assert one.average_price == Fraction(32, 3)


@pytest.mark.parametrize("command", [Step.REQUEST_CANCEL, Step.REQUEST_AMEND])
@pytest.mark.parametrize("heard", [None, Step.TRIGGER, Step.FILL_PART])
def test_a_refused_command_leaves_what_would_be_without_it(command: Step, heard: Step | None) -> None:
    one, without = order("accepted"), order("accepted")
    one.step(command)
    for each in [] if heard is None else [heard]:
        one.step(each)
        without.step(each)
    one.step(Step.CANCEL_REFUSED if command is Step.REQUEST_CANCEL else Step.AMEND_REFUSED)
    assert (one.state, one.before) == (without.state, None)


def test_a_trigger_told_after_its_child_is_old_news() -> None:
    one = order("accepted")
    assert one.step(Step.LINK)
    assert one.step(Step.TRIGGER)
    assert one.state is OrderState.ACCEPTED


def test_an_amendment_on_its_way_keeps_an_order_open_that_it_would_make_larger() -> None:
    one = order("accepted")
    assert one.ask(D(12))
    assert one.fill(fill("1", "buy", "10")) is None
    assert (one.state, one.most_base) == (OrderState.PENDING_AMEND, D(12))
    assert one.amended(D(12), 5)
    assert (one.state, one.leaves_base) == (OrderState.PARTIALLY_FILLED, D(2))


def test_a_refused_amendment_completes_an_order_that_had_filled() -> None:
    one = order("accepted")
    one.ask(D(12))
    one.fill(fill("1", "buy", "10"))
    assert one.amend_refused()
    assert (one.state, one.asked_qty_base) == (OrderState.FILLED, None)


def test_an_amendment_down_to_what_has_filled_completes_the_order() -> None:
    one = order("partially_filled")
    one.fill(fill("1", "buy", "4"))
    assert one.amended(D(4), 5)
    assert one.state is OrderState.FILLED


def test_older_news_of_the_terms_is_ignored() -> None:
    one = order("accepted")
    one.amended(D(8), 5)
    one.amended(D(9), 4)
    assert one.qty_base == D(8)


@pytest.mark.parametrize("state", ["filled", "rejected", "canceled", "expired"])
def test_late_news_of_the_terms_changes_no_state(state: str) -> None:
    one = order(state)
    assert one.amended(D(12), 5)
    assert (one.state, one.qty_base) == (state, D(12))


@pytest.mark.parametrize("state", ["denied", "initialized", "submitted", "unknown"])
def test_what_has_not_arrived_cannot_be_asked_to_change(state: str) -> None:
    one = order(state)
    assert not one.ask(D(12))
    assert (one.state, one.asked_qty_base) == (state, None)


@pytest.mark.parametrize("state", ["denied", "initialized"])
def test_what_was_never_sent_takes_no_amendment(state: str) -> None:
    one = order(state)
    assert not one.ask(D(12))
    assert not one.amended(D(12), 5)
    assert not one.amend_refused()
    assert (one.state, one.qty_base, one.asked_qty_base) == (state, D(10), None)
