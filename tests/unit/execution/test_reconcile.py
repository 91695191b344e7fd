"""Each way in which our books and the venue's can differ: found, named, dealt with, and found once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from made_desk import NOW, D
from made_execution import Desk, approved, desk, fill, filled, told

from chanflow.domain.errors import BooksDisagree
from chanflow.domain.order import Fill, OrderState
from chanflow.execution.lifecycle import Order
from chanflow.execution.ports import (
    NotFound,
    Unknown,
    VenueBalance,
    VenueFunding,
    VenueOrderState,
    VenuePosition,
)
from chanflow.execution.reconcile import Answers, Reconciliation, Standing, accept_external, compare

FOREIGN = VenueOrderState("web_1", "SIMUSDT", "sell", OrderState.ACCEPTED, D(3), D(0), D(0), False, NOW)


def as_venue(order: Order) -> VenueOrderState:
    return VenueOrderState(
        order.client_order_id, order.symbol, order.side, order.state, order.qty_base, order.filled_base, D(100),
        order.reduce_only, NOW, is_stop=order.leg == "stop",
    )  # fmt: skip


def agreeing(at: Desk) -> Answers:
    """Return the answers of a venue that knows just what we know."""
    living = [as_venue(o) for o in at.router.orders.values() if not o.state.terminal]
    ledger = at.router.ledger
    return Answers(
        NOW + 5, {o.client_order_id: o for o in living}, living, [], [],
        [VenuePosition(s, h.qty_base, mark_price=D(101)) for s, h in ledger.holdings.items()],
        [VenueBalance("USDT", ledger.wallet_quote)],
    )  # fmt: skip


def result(at: Desk, answers: Answers) -> Reconciliation:
    return compare(at.router.local("USDT"), answers)


def held(at: Desk) -> str:
    return at.enter(approved())


def names(found: Reconciliation) -> list[tuple[str, str, str]]:
    return [(f.kind, f.ref, f.remedy) for f in found.findings]


# ── the table ─────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Case:
    """What is spoiled, what must be found, whether openings may go on, and what is left to find afterwards."""

    spoil: Callable[[Desk, str, Answers], Answers]
    found: Sequence[tuple[str, str, str]]
    clean: bool
    left: Sequence[tuple[str, str, str]]


def foreign_order(at: Desk, client_id: str, answers: Answers) -> Answers:
    return replace(answers, open_orders=[*(answers.open_orders or ()), FOREIGN])


def missing_at_the_venue(at: Desk, client_id: str, answers: Answers) -> Answers:
    rest = [o for o in answers.open_orders or () if o.client_order_id != f"{client_id}-tp"]
    return replace(answers, open_orders=rest, orders={**answers.orders, f"{client_id}-tp": NotFound()})


def missing_here(at: Desk, client_id: str, answers: Answers) -> Answers:
    del at.router.orders[f"{client_id}-tp"]
    return answers


def partly_closed(at: Desk, client_id: str, answers: Answers, *, told_fill: bool) -> Answers:
    """The take-profit has filled a part: the position, the wallet and the order tell of it."""
    entry = at.router.orders[client_id]
    target = replace(as_venue(at.router.orders[f"{client_id}-tp"]), state=OrderState.PARTIALLY_FILLED, filled_base=D(2))
    one = replace(fill("9", "sell", "2", "102", fee="0.1", at_ns=NOW + 3), client_order_id=f"{client_id}-tp")
    return replace(
        answers, fills=[one] if told_fill else [], orders={**answers.orders, f"{client_id}-tp": target},
        open_orders=[target, *(o for o in answers.open_orders or () if o.client_order_id != f"{client_id}-tp")],
        positions=[VenuePosition("SIMUSDT", entry.qty_base - 2)],
        balances=[VenueBalance("USDT", at.router.ledger.wallet_quote + D("3.9"))],
    )  # fmt: skip


def missing_fill(at: Desk, client_id: str, answers: Answers) -> Answers:
    return partly_closed(at, client_id, answers, told_fill=True)


def stale_cursor(at: Desk, client_id: str, answers: Answers) -> Answers:
    return partly_closed(at, client_id, answers, told_fill=False)


def other_position(at: Desk, client_id: str, answers: Answers) -> Answers:
    return replace(answers, positions=[VenuePosition("SIMUSDT", D(5))])


def other_balance(at: Desk, client_id: str, answers: Answers) -> Answers:
    return replace(answers, balances=[VenueBalance("USDT", at.router.ledger.wallet_quote - D("0.00000001"))])


def orphan_stop(at: Desk, client_id: str, answers: Answers) -> Answers:
    """The position was closed by a fill of the take-profit that we missed; the stop still stands."""
    qty = at.router.orders[client_id].qty_base
    target = replace(as_venue(at.router.orders[f"{client_id}-tp"]), state=OrderState.FILLED, filled_base=qty)
    one = replace(fill("9", "sell", qty, "100", at_ns=NOW + 3), client_order_id=f"{client_id}-tp")
    return replace(
        answers, fills=[one], orders={**answers.orders, f"{client_id}-tp": target}, positions=[],
        open_orders=[o for o in answers.open_orders or () if o.is_stop],
    )  # fmt: skip


def no_stop(at: Desk, client_id: str, answers: Answers) -> Answers:
    stop = replace(as_venue(at.router.orders[f"{client_id}-sl"]), state=OrderState.CANCELED)
    return replace(
        answers, orders={**answers.orders, f"{client_id}-sl": stop},
        open_orders=[o for o in answers.open_orders or () if not o.is_stop],
    )  # fmt: skip


def foreign_fill(at: Desk, client_id: str, answers: Answers) -> Answers:
    one = replace(fill("9", "buy", "1", "100", fee="0.5", at_ns=NOW + 3), client_order_id="web_2")
    qty = at.router.orders[client_id].qty_base
    wallet = at.router.ledger.wallet_quote
    return replace(
        answers, fills=[one], positions=[VenuePosition("SIMUSDT", qty + 1)],
        balances=[VenueBalance("USDT", wallet - D("0.5"))],
    )  # fmt: skip


UNPROTECTED = ("unprotected", "", "place_stop")
CASES = {
    "foreign_order": Case(foreign_order, [("foreign_order", "web_1", "adopt")], True, []),
    "missing_at_the_venue": Case(
        missing_at_the_venue, [("missing_order", "-tp", "inquire")], False, [("missing_order", "-tp", "inquire")]
    ),
    "missing_here": Case(missing_here, [("unheard_order", "-tp", "take_in")], True, []),
    "missing_fill": Case(missing_fill, [("missing_fill", "9", "take_in")], True, []),
    "stale_cursor": Case(
        stale_cursor,
        [("stale_cursor", "-tp", "reread"), ("position", "", "block"), ("balance", "USDT", "block")],
        False,
        [("stale_cursor", "-tp", "reread"), ("position", "", "block"), ("balance", "USDT", "block")],
    ),
    "other_position": Case(other_position, [("position", "", "block")], False, [("position", "", "block")]),
    "other_balance": Case(other_balance, [("balance", "USDT", "block")], False, [("balance", "USDT", "block")]),
    "orphan_stop": Case(
        orphan_stop, [("missing_fill", "9", "take_in"), ("orphan_stop", "-sl", "cancel")], True,
        [("orphan_stop", "-sl", "cancel")],
    ),
    "no_stop": Case(no_stop, [UNPROTECTED], False, [UNPROTECTED]),
    "foreign_fill": Case(foreign_fill, [("foreign_fill", "9", "take_in"), UNPROTECTED], False, [UNPROTECTED]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_is_found_named_taken_in_and_not_found_again(name: str) -> None:
    at, case = desk(), CASES[name]
    client_id = held(at)
    answers = case.spoil(at, client_id, agreeing(at))
    first = result(at, answers)
    full = [(kind, f"{client_id}{ref}" if ref[:1] == "-" else ref, remedy) for kind, ref, remedy in case.found]
    assert (names(first), first.clean) == (full, case.clean)
    assert first == result(at, answers)
    at.router.take_in(first)
    state = (at.router.ledger.wallet_quote, len(at.router.ledger.entries), sorted(at.router.orders))
    second = result(at, answers)
    assert second.empty
    assert names(second) == [
        (kind, f"{client_id}{ref}" if ref[:1] == "-" else ref, remedy) for kind, ref, remedy in case.left
    ]  # fmt: skip
    at.router.take_in(second)
    assert state == (at.router.ledger.wallet_quote, len(at.router.ledger.entries), sorted(at.router.orders))
    assert at.journal.of("anomaly") == []


def test_books_that_agree_are_clean_and_give_nothing_to_do() -> None:
    at = desk()
    held(at)
    found = result(at, agreeing(at))
    assert (found.clean, found.empty, found.findings) == (True, True, ())


# ── what is told, one by one ──────────────────────────────────────────────────


def test_a_missed_fill_moves_order_and_books_as_if_it_had_been_heard() -> None:
    heard, missed = desk(), desk()
    client_id = held(heard)
    assert held(missed) == client_id
    answers = missing_fill(missed, client_id, agreeing(missed))
    heard.hear(filled(f"{client_id}-tp", "9", "102", "2", fee="0.1"))
    missed.router.take_in(result(missed, answers))
    assert missed.router.ledger.wallet_quote == heard.router.ledger.wallet_quote
    assert missed.router.ledger.holdings == heard.router.ledger.holdings
    assert missed.router.orders[f"{client_id}-tp"].state == heard.router.orders[f"{client_id}-tp"].state


def test_the_same_missed_event_has_the_same_id() -> None:
    first, second = desk(), desk()
    ids = [
        [m.event_id for m in result(at, missing_fill(at, held(at), agreeing(at))).missed] for at in (first, second)
    ]  # fmt: skip
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 1


@pytest.mark.parametrize(
    ("state", "after"),
    [("accepted", "accepted"), ("triggered", "triggered"), ("canceled", "canceled"), ("expired", "expired"),
     ("rejected", "rejected")],
)  # fmt: skip
@pytest.mark.parametrize("lost", [False, True])
def test_an_order_whose_answer_was_lost_takes_the_venues_state(state: str, after: str, lost: bool) -> None:
    at = desk()
    at.venue.outcome = Unknown("no answer")
    order = at.router.orders[at.send(approved())]
    if not lost:
        order.state = OrderState.SUBMITTED
    there = replace(as_venue(order), state=OrderState(state))
    answers = replace(agreeing(at), orders={order.client_order_id: there}, open_orders=[there])
    at.router.take_in(result(at, answers))
    assert order.state == after
    assert at.journal.of("anomaly") == []
    assert result(at, answers).empty


def test_an_order_that_never_answered_and_is_not_there_must_be_proven_absent() -> None:
    at = desk()
    order = at.router.orders[at.send(approved())]
    answers = replace(agreeing(at), orders={order.client_order_id: NotFound()}, open_orders=[])
    found = result(at, answers)
    at.router.take_in(found)
    assert (order.state, found.clean) == (OrderState.UNKNOWN, False)
    assert at.router.inquiries[order.client_order_id].what == "submit"


def test_changed_terms_are_taken_in() -> None:
    at = desk()
    client_id = held(at)
    stop = at.router.orders[f"{client_id}-sl"]
    larger = replace(as_venue(stop), qty_base=stop.qty_base + 1)
    answers = replace(
        agreeing(at),
        orders={stop.client_order_id: larger, f"{client_id}-tp": as_venue(at.router.orders[f"{client_id}-tp"])},
    )
    at.router.take_in(result(at, answers))
    assert at.router.orders[f"{client_id}-sl"].qty_base == larger.qty_base
    assert result(at, answers).empty


def test_a_foreign_order_is_watched_and_never_touched() -> None:
    at = desk()
    client_id = held(at)
    answers = foreign_order(at, client_id, agreeing(at))
    at.router.take_in(result(at, answers))
    assert list(at.router.external) == ["web_1"]
    at.hear(filled("web_1", "77", "101", "3", fee="0.2"))
    assert at.router.external == {}
    assert at.router.ledger.entries[-1].external
    assert at.journal.of("anomaly") == []
    assert not any(line.startswith("cancel") for line in at.log)


def test_a_foreign_order_that_is_gone_is_forgotten() -> None:
    at = desk()
    at.router.take_in(result(at, foreign_order(at, held(at), agreeing(at))))
    at.router.take_in(result(at, agreeing(at)))
    assert at.router.external == {}


def test_funding_that_was_missed_is_booked_once() -> None:
    at = desk()
    held(at)
    wallet = at.router.ledger.wallet_quote
    paid = VenueFunding("SIMUSDT", "08:00", NOW, D("-0.3"))
    answers = replace(agreeing(at), funding=[paid], balances=[VenueBalance("USDT", wallet - D("0.3"))])
    for _ in range(2):
        found = result(at, answers)
        assert found.clean
        at.router.take_in(found)
    assert at.router.ledger.wallet_quote == wallet - D("0.3")


@pytest.mark.parametrize("name", ["open_orders", "fills", "funding", "positions", "balances"])
def test_a_question_without_an_answer_is_not_flat(name: str) -> None:
    at = desk()
    held(at)
    found = result(at, replace(agreeing(at), **{name: None}))
    assert names(found) == [("unanswered", name, "ask_again")]
    assert (found.clean, found.empty) == (False, True)


def test_an_order_that_nobody_answered_for_is_not_missing() -> None:
    at = desk()
    client_id = at.send(approved())
    found = result(at, replace(agreeing(at), orders={client_id: Unknown("timeout")}, open_orders=[]))
    assert names(found) == [("unanswered", client_id, "ask_again")]


def test_a_stop_placed_elsewhere_protects_too() -> None:
    at = desk()
    client_id = held(at)
    qty = at.router.orders[client_id].qty_base
    answers = no_stop(at, client_id, agreeing(at))
    theirs = replace(FOREIGN, qty_base=qty, is_stop=True, reduce_only=True)
    assert result(at, replace(answers, open_orders=[*(answers.open_orders or ()), theirs])).clean


# ── what a person accepts ─────────────────────────────────────────────────────


def test_what_is_accepted_makes_our_books_the_venues_and_stays_out_of_statistics() -> None:
    at = desk()
    held(at)
    answers = replace(
        agreeing(at),
        positions=[VenuePosition("SIMUSDT", D(5), mark_price=D(101))],
        balances=[VenueBalance("USDT", D(9_999))],
    )
    local = at.router.local("USDT")
    adjustment = accept_external(local, answers, {})
    assert adjustment == accept_external(local, answers, {})
    at.router.accept(adjustment)
    at.router.accept(adjustment)
    ledger = at.router.ledger
    assert (ledger.holdings["SIMUSDT"].qty_base, ledger.wallet_quote) == (D(5), D(9_999))
    assert result(at, answers).findings == ()
    assert all(e.external for e in ledger.entries if e.ref.startswith(adjustment.fills[0].trade_id))


def test_the_same_difference_a_second_time_is_another_adjustment() -> None:
    at = desk()
    answers = [
        replace(agreeing(at), positions=[VenuePosition("SIMUSDT", D(qty), mark_price=D(101))]) for qty in (1, 0, 1)
    ]
    ids = []
    for one in answers:
        adjustment = accept_external(at.router.local("USDT"), one, {})
        at.router.accept(adjustment)
        ids += [f.trade_id for f in adjustment.fills]
    assert len(set(ids)) == 3
    assert at.router.ledger.holdings["SIMUSDT"].qty_base == 1


@pytest.mark.parametrize("missing", ["positions", "balances"])
def test_nothing_is_accepted_that_was_not_told(missing: str) -> None:
    at = desk()
    with pytest.raises(BooksDisagree, match="ask again"):
        accept_external(at.router.local("USDT"), replace(agreeing(at), **{missing: None}), {})


def test_a_position_without_a_mark_is_not_accepted() -> None:
    at = desk()
    answers = replace(agreeing(at), positions=[VenuePosition("SIMUSDT", D(1))])
    with pytest.raises(BooksDisagree, match="SIMUSDT has no mark price, so a difference of 1 cannot be booked"):
        accept_external(at.router.local("USDT"), answers, {})


# ── while it runs ─────────────────────────────────────────────────────────────


def test_a_difference_breaks_the_books_when_it_stands_twice() -> None:
    at, standing = desk(), Standing()
    client_id = held(at)
    good, bad = result(at, agreeing(at)), result(at, other_position(at, client_id, agreeing(at)))
    for one in (bad, good, bad):
        standing.take(one)
    with pytest.raises(BooksDisagree, match=r"position SIMUSDT: ours 14\.851, the venue's 5"):
        standing.take(bad)


def test_unheard_children_are_adopted_with_their_own_quantity() -> None:
    at = desk()
    client_id = at.send(approved())
    qty: Decimal = at.router.orders[client_id].qty_base
    at.hear(told("accepted", client_id, qty))
    entry = replace(as_venue(at.router.orders[client_id]), state=OrderState.PARTIALLY_FILLED, filled_base=D(2))
    stop = VenueOrderState(
        f"{client_id}-sl", "SIMUSDT", "sell", OrderState.ACCEPTED, D(2), D(0), D(0), True, NOW + 2, is_stop=True
    )
    one: Fill = replace(fill("1", "buy", "2", "100"), client_order_id=client_id)
    answers = replace(
        agreeing(at), orders={client_id: entry}, open_orders=[entry, stop], fills=[one],
        positions=[VenuePosition("SIMUSDT", D(2))],
    )  # fmt: skip
    found = result(at, answers)
    assert found.clean
    at.router.take_in(found)
    assert at.router.orders[f"{client_id}-sl"].qty_base == D(2)
    assert at.router.snapshot().positions[0].protected
    again = replace(answers, orders={client_id: entry, f"{client_id}-sl": stop})
    assert (result(at, again).empty, result(at, again).findings) == (True, ())
