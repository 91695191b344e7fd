"""The table of legal steps, written out by hand a second time, and what fills do to an order."""

from __future__ import annotations

import itertools

import pytest
from made_desk import D
from made_execution import fill

from chanflow.domain.order import OrderState
from chanflow.execution.lifecycle import TRANSITIONS, Order

LEGAL = """
initialized       deny            denied
initialized       send            submitted
submitted         accept          accepted
submitted         reject          rejected
submitted         cancel          canceled
submitted         expire          expired
submitted         lose            unknown
submitted         trigger         triggered
unknown           accept          accepted
unknown           reject          rejected
unknown           cancel          canceled
unknown           expire          expired
accepted          request_cancel  pending_cancel
accepted          trigger         triggered
accepted          cancel          canceled
accepted          expire          expired
accepted          reject          rejected
partially_filled  request_cancel  pending_cancel
partially_filled  cancel          canceled
partially_filled  expire          expired
partially_filled  accept          partially_filled
pending_cancel    cancel          canceled
pending_cancel    expire          expired
pending_cancel    trigger         triggered
triggered         accept          accepted
triggered         cancel          canceled
triggered         expire          expired
triggered         reject          rejected
"""
ROWS = [tuple(line.split()) for line in LEGAL.strip().splitlines()]
EVENTS = ("deny", "send", "accept", "reject", "cancel", "expire", "lose", "request_cancel", "trigger")
ILLEGAL = sorted(set(itertools.product(map(str, OrderState), EVENTS)) - {(before, event) for before, event, _ in ROWS})


def order(state: str = "submitted", qty: str = "10") -> Order:
    return Order("q1", "SIMUSDT", "buy", "entry", D(qty), False, "a1", "position-1", OrderState(state))


@pytest.mark.parametrize(("before", "event", "after"), ROWS)
def test_a_legal_step_leads_where_the_table_says(before: str, event: str, after: str) -> None:
    one = order(before)
    assert one.step(event)
    assert one.state == after


@pytest.mark.parametrize(("before", "event"), ILLEGAL)
def test_an_illegal_step_leaves_the_state(before: str, event: str) -> None:
    one = order(before)
    assert not one.step(event)
    assert one.state == before


def test_the_code_knows_no_step_beyond_the_table() -> None:
    assert {(str(b), e, str(a)) for b, steps in TRANSITIONS.items() for e, a in steps.items()} == set(ROWS)
    assert set(TRANSITIONS) == set(OrderState)


def test_nothing_leads_out_of_a_terminal_state() -> None:
    assert {s for s, steps in TRANSITIONS.items() if not steps} == {s for s in OrderState if s.terminal}


@pytest.mark.parametrize("state", ["submitted", "unknown", "accepted", "triggered", "partially_filled", "initialized"])
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


@pytest.mark.parametrize("state", ["denied", "rejected"])
def test_a_fill_of_an_order_that_never_was_is_impossible_and_kept(state: str) -> None:
    one = order(state)
    assert one.fill(fill("1", "buy", "4")) == f"a fill of 4 arrived for an order that is {state}"
    assert one.filled_base == D(4)


def test_a_fill_beyond_the_quantity_names_both_figures() -> None:
    one = order()
    one.fill(fill("1", "buy", "4"))
    assert one.fill(fill("2", "buy", "6.001")) == "fills sum to 10.001, the order was for 10"


def test_a_fill_after_the_last_one_is_impossible() -> None:
    one = order()
    one.fill(fill("1", "buy", "10"))
    assert one.fill(fill("2", "buy", "1")) == "fills sum to 11, the order was for 10"
    assert one.state is OrderState.FILLED
