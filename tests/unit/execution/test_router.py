from __future__ import annotations

import asyncio
import copy
from dataclasses import replace
from decimal import Decimal

import pytest
from made_desk import NOW, D
from made_execution import Desk, approved, closing, desk, filled, settled, told

from chanflow.domain.errors import BooksDisagree, JournalUnwritable, OrderFateUnknown, VenueBusy
from chanflow.domain.order import ApprovedOrder, OrderState
from chanflow.execution.client_ids import client_order_id
from chanflow.execution.inquiry import Verdict
from chanflow.execution.lifecycle import TRANSITIONS, Step
from chanflow.execution.ports import (
    Accepted,
    Action,
    OrderChange,
    Outcome,
    Unknown,
    VenueOrder,
    VenueOrderState,
    VenuePosition,
    VenueRefused,
)

DAY_NS = 86_400 * 10**9
ENTRY_TTL_NS = 5 * 10**9

HEARD = {
    "accepted": Step.ACCEPT, "canceled": Step.CANCEL, "expired": Step.EXPIRE, "rejected": Step.REJECT,
    "triggered": Step.TRIGGER, "linked": Step.LINK, "amended": Step.AMENDED, "cancel_rejected": Step.CANCEL_REFUSED,
    "amend_rejected": Step.AMEND_REFUSED,
}  # fmt: skip
ILLEGAL_HEARD = [(str(s), kind) for s in OrderState for kind, step in HEARD.items() if step not in TRANSITIONS[s]]


@pytest.fixture
def at() -> Desk:
    return desk()


def test_the_same_approval_has_the_same_id_on_every_desk() -> None:
    order = approved()
    assert desk().send(order) == desk().send(order) == client_order_id("paper", "default", "p1", "entry", 1)


# ── sending ───────────────────────────────────────────────────────────────────


def test_the_intent_is_on_disk_before_anything_is_sent(at: Desk) -> None:
    at.send(approved())
    assert at.log == ["ledger", "order_intent durable", "submit", "order_sent", "order_outcome"]


def test_the_intent_carries_the_terms_of_its_stop(at: Desk) -> None:
    order = approved()
    client_id = at.send(order)
    (intent,) = at.journal.of("order_intent")
    assert intent.correlation_id == "d1"
    assert (intent.body["client_order_id"], intent.body["approved_id"]) == (client_id, order.approved_id)
    assert (intent.body["leg"], intent.body["terms"].stop_price) == ("entry", D(99))


def test_the_venue_gets_the_approved_terms_and_no_others(at: Desk) -> None:
    order = approved()
    client_id = at.send(order)
    terms = order.terms
    assert at.venue.sent == [
        VenueOrder(client_id, "SIMUSDT", "buy", terms.qty_base, False, D("100.05"), D(99), D(102), leverage=2)
    ]  # fmt: skip


def test_an_accepted_command_is_submitted_until_the_venue_tells_more(at: Desk) -> None:
    event = settled(at.router.execute(approved()))
    assert (event.state, event.detail, event.at_ns) == (OrderState.SUBMITTED, "accepted", NOW)


def test_an_approval_is_used_once(at: Desk) -> None:
    order = approved()
    at.send(order)
    again = settled(at.router.execute(order))
    assert again.detail == "repeated: the approval was used already"
    assert (len(at.venue.sent), len(at.journal.of("order_intent"))) == (1, 1)


def test_an_expired_approval_is_denied_and_nothing_is_sent(at: Desk) -> None:
    order = approved()
    at.clock.advance_to(NOW + ENTRY_TTL_NS + 1)
    event = settled(at.router.execute(order))
    assert (event.state, event.detail, event.leaves_base) == (OrderState.DENIED, "the approval has expired", D(0))
    assert at.log == ["ledger", "order_denied"]
    assert at.router.snapshot().resting == ()


def test_an_approval_may_be_used_at_its_last_moment(at: Desk) -> None:
    order = approved()
    at.clock.advance_to(NOW + ENTRY_TTL_NS)
    assert settled(at.router.execute(order)).state is OrderState.SUBMITTED


def test_a_denied_approval_stays_used(at: Desk) -> None:
    order = approved()
    at.clock.advance_to(order.expires_ns + 1)
    at.send(order)
    assert settled(at.router.execute(order)).state is OrderState.DENIED
    assert len(at.journal.of("order_denied")) == 1


def test_a_venue_refusal_rejects(at: Desk) -> None:
    at.venue.outcome = VenueRefused(-2019, "margin is insufficient")
    event = settled(at.router.execute(approved()))
    assert (event.state, event.detail) == (OrderState.REJECTED, "refused -2019: margin is insufficient")
    assert at.router.open_orders() == []
    assert at.router.snapshot().reconciled


def test_an_unknown_outcome_leaves_the_account_unreconciled(at: Desk) -> None:
    at.venue.outcome = Unknown("no answer within 5 s")
    event = settled(at.router.execute(approved()))
    assert (event.state, event.detail) == (OrderState.UNKNOWN, "unknown: no answer within 5 s")
    assert not at.router.snapshot().reconciled
    assert len(at.venue.sent) == 1


def test_an_unknown_order_that_is_found_reconciles_again(at: Desk) -> None:
    at.venue.outcome = Unknown("no answer")
    order = approved()
    client_id = at.send(order)
    at.hear(told("accepted", client_id, order.terms.qty_base))
    assert at.router.snapshot().reconciled


def test_an_unwritable_journal_sends_nothing_and_keeps_nothing(at: Desk) -> None:
    order = approved()
    at.journal.unwritable = frozenset({"order_intent"})
    with pytest.raises(JournalUnwritable):
        settled(at.router.execute(order))
    assert at.venue.sent == []
    assert (at.router.orders, at.router.open_orders(), at.router.snapshot().resting) == ({}, [], ())


def test_the_outcome_is_journaled(at: Desk) -> None:
    at.venue.outcome = VenueRefused(-1111, "off the tick")
    client_id = at.send(approved())
    (sent,) = at.journal.of("order_outcome")
    assert sent.body == {
        "client_order_id": client_id, "outcome": "refused -1111: off the tick", "code": -1111, "action": "refused",
    }  # fmt: skip


def test_a_fill_that_overtakes_the_answer_is_kept(at: Desk) -> None:
    order = approved()
    qty = order.terms.qty_base
    at.venue.while_sending = lambda sent: at.hear(
        told("accepted", sent.client_order_id, qty), filled(sent.client_order_id, "1", "100", qty)
    )
    at.venue.outcome = Unknown("the connection closed")
    assert settled(at.router.execute(order)).state is OrderState.FILLED
    assert at.journal.of("anomaly") == []
    assert at.router.snapshot().reconciled


async def test_two_uses_of_an_approval_at_once_send_one_order(at: Desk) -> None:
    order = approved()
    await asyncio.gather(at.router.execute(order), at.router.execute(order))
    assert len(at.venue.sent) == 1


# ── hearing back ──────────────────────────────────────────────────────────────


def test_every_venue_event_is_journaled_first(at: Desk) -> None:
    order = approved()
    client_id = at.send(order)
    at.log.clear()
    at.hear(filled(client_id, "1", "100", order.terms.qty_base))
    assert at.log == ["venue_event", "ledger", "ledger"]


def test_a_fill_comes_to_a_step_and_a_fill(at: Desk) -> None:
    order = approved()
    client_id = at.send(order)
    (happened,) = at.hear(filled(client_id, "7", "100.02", "1", fee="0.05"))
    assert (happened.event.state, happened.event.filled_base) == (OrderState.PARTIALLY_FILLED, D(1))
    assert happened.event.leaves_base == order.terms.qty_base - 1
    assert (happened.fill.venue, happened.fill.trade_id, happened.fill.side) == ("memory", "7", "buy")
    assert (happened.fill.price, happened.fill.fee_quote) == (D("100.02"), D("0.05"))


@pytest.mark.parametrize("kind", ["accepted", "canceled", "expired", "rejected"])
def test_a_repeated_step_comes_to_nothing(at: Desk, kind: str) -> None:
    client_id = at.send(approved())
    first, second = at.hear(*[told(kind, client_id, "1")] * 2)  # type: ignore[arg-type]
    assert first is not None
    assert second is None
    assert len(at.journal.of("anomaly")) == 1


def test_a_repeated_fill_comes_to_nothing(at: Desk) -> None:
    client_id = at.send(approved())
    first, second = at.hear(*[filled(client_id, "1", "100", "1", fee="0.1")] * 2)
    assert first is not None
    assert second is None
    assert (at.router.ledger.wallet_quote, at.router.orders[client_id].filled_base) == (D("9999.9"), D(1))


def test_an_event_for_an_unknown_order_is_an_anomaly(at: Desk) -> None:
    assert at.hear(told("accepted", "foreign"), told("accepted", "foreign-sl")) == [None, None]
    assert [r.body["what"] for r in at.journal.of("anomaly")] == [
        "accepted for unknown order foreign", "accepted for unknown order foreign-sl",
    ]  # fmt: skip


def resting(at: Desk) -> str:
    """Send an entry that the venue accepts; returns its id."""
    order = approved()
    client_id = at.send(order)
    at.hear(told("accepted", client_id, order.terms.qty_base))
    at.log.clear()
    return client_id


def test_a_cancel_is_on_disk_before_it_leaves(at: Desk) -> None:
    client_id = resting(at)
    assert settled(at.router.cancel(client_id)).state is OrderState.PENDING_CANCEL
    assert at.log == [
        "cancel_intent durable", f"cancel SIMUSDT {client_id}", "cancel_sent", "cancel_outcome",
    ]  # fmt: skip


def test_a_refused_cancel_leaves_the_order_as_it_was(at: Desk) -> None:
    client_id = resting(at)
    settled(at.router.cancel(client_id))
    (happened,) = at.hear(told("cancel_rejected", client_id, detail="-1: no"))
    assert (happened.event.state, happened.event.detail) == (OrderState.ACCEPTED, "-1: no")


def test_a_cancel_refused_at_once_leaves_the_order_as_it_was(at: Desk) -> None:
    client_id = resting(at)
    at.venue.outcome = VenueRefused(-1, "no")
    assert settled(at.router.cancel(client_id)).state is OrderState.ACCEPTED
    assert at.router.inquiries == {}


@pytest.mark.parametrize("outcome", [Unknown("no answer"), VenueRefused(-2011, "unknown", Action.ASK_ORDER)])
def test_a_cancel_that_knows_nothing_is_asked_about(at: Desk, outcome: Outcome) -> None:
    client_id = resting(at)
    at.venue.outcome = outcome
    assert settled(at.router.cancel(client_id)).state is OrderState.PENDING_CANCEL
    assert at.router.inquiries[client_id].what == "cancel"


def test_an_event_that_says_unknown_order_is_asked_about_too(at: Desk) -> None:
    client_id = resting(at)
    settled(at.router.cancel(client_id))
    at.hear(replace(told("cancel_rejected", client_id), action=Action.ASK_ORDER))
    assert at.router.orders[client_id].state is OrderState.PENDING_CANCEL
    assert at.router.inquiries[client_id].what == "cancel"


@pytest.mark.parametrize("kind", [None, "canceled"])
def test_what_cannot_be_cancelled_sends_nothing(at: Desk, kind: str | None) -> None:
    client_id = at.send(approved())
    at.hear(*[told(kind, client_id)] if kind else [])  # type: ignore[arg-type]
    at.log.clear()
    state = "submitted" if kind is None else "canceled"
    assert settled(at.router.cancel(client_id)).detail == f"not cancelled: the order is {state}"
    assert at.log == []


def test_an_unwritable_journal_cancels_nothing(at: Desk) -> None:
    client_id = resting(at)
    at.journal.unwritable = frozenset({"cancel_intent"})
    with pytest.raises(JournalUnwritable):
        settled(at.router.cancel(client_id))
    assert (at.log, at.router.orders[client_id].state) == ([], OrderState.ACCEPTED)


@pytest.mark.parametrize(("state", "step"), ILLEGAL_HEARD)
def test_a_step_the_table_has_not_is_an_anomaly_and_changes_nothing(at: Desk, state: str, step: str) -> None:
    client_id = at.send(approved())
    order = at.router.orders[client_id]
    order.state, order.before = OrderState(state), OrderState.ACCEPTED if state.startswith("pending") else None
    kept = copy.deepcopy(order)
    assert at.hear(told(step, client_id, "1")) == [None]  # type: ignore[arg-type]
    assert order == kept
    (anomaly,) = at.journal.of("anomaly")
    assert anomaly.body == {"what": f"{step} for order {client_id}, {state}", "code": "illegal_step"}


# ── what nobody answered ──────────────────────────────────────────────────────


def lost(at: Desk, *, verdict: Verdict | None = None) -> ApprovedOrder:
    """Send an entry that nobody answers, and say what the inquiry came to."""
    at.venue.outcome = Unknown("no answer")
    order = approved()
    client_id = at.send(order)
    at.router.inquiries[client_id].verdict = verdict
    at.venue.outcome = Accepted()
    return order


def test_an_unknown_order_is_asked_about(at: Desk) -> None:
    order = lost(at)
    (inquiry,) = at.router.inquiries.values()
    assert (inquiry.what, inquiry.opened_ns, inquiry.ref.symbol) == ("submit", NOW, order.terms.symbol)
    assert at.router.concluded() == []


@pytest.mark.parametrize("fault", [OrderFateUnknown("the connection closed"), VenueBusy("429")])
def test_a_fault_while_sending_is_no_evidence_about_the_order(at: Desk, fault: Exception) -> None:
    def fail(_: VenueOrder) -> None:
        raise fault

    at.venue.while_sending = fail
    client_id = at.send(approved())
    assert at.router.orders[client_id].state is OrderState.UNKNOWN
    assert at.router.inquiries[client_id].what == "submit"
    assert at.journal.of("order_outcome")[0].body["outcome"] == f"unknown: {fault}"


def test_no_opening_follows_on_a_symbol_with_an_unknown_order(at: Desk) -> None:
    lost(at)
    event = settled(at.router.execute(approved(proposal_id="p2")))
    (first,) = at.router.inquiries
    assert (event.state, event.detail) == (OrderState.DENIED, f"the fate of {first} on SIMUSDT is unknown")
    assert len(at.venue.sent) == 1


def test_reducing_stays_allowed_while_an_order_is_unknown(at: Desk) -> None:
    at.enter(approved(proposal_id="p0"))
    account = at.router.snapshot()
    lost(at)
    at.send(closing(account))
    assert at.venue.sent[-1].reduce_only


def test_what_is_proven_absent_was_never_there_and_may_be_tried_again(at: Desk) -> None:
    order = lost(at, verdict="absent")
    (event,) = at.router.concluded()
    assert (event.state, event.detail) == (OrderState.REJECTED, "never_arrived")
    again = settled(at.router.try_again(order))
    assert again.client_order_id == client_order_id("paper", "default", "p1", "entry", 2) != event.client_order_id
    assert at.router.snapshot().reconciled


@pytest.mark.parametrize("state", ["unknown", "submitted", "accepted", "canceled", "filled", "denied"])
def test_nothing_is_sent_again_without_proof(at: Desk, state: str) -> None:
    order = approved()
    client_id = at.send(order)
    at.router.orders[client_id].state = OrderState(state)
    with pytest.raises(ValueError, match=f"cannot be tried again: its last attempt is {state}"):
        settled(at.router.try_again(order))
    assert len(at.venue.sent) == 1


def test_an_approval_that_was_never_sent_is_not_tried_again(at: Desk) -> None:
    with pytest.raises(ValueError, match="its last attempt is None"):
        settled(at.router.try_again(approved()))


def test_a_second_attempt_still_needs_a_living_approval(at: Desk) -> None:
    order = lost(at, verdict="absent")
    at.router.concluded()
    at.clock.advance_to(order.expires_ns + 1)
    assert settled(at.router.try_again(order)).state is OrderState.DENIED
    assert len(at.venue.sent) == 1


def test_an_order_heard_of_is_found(at: Desk) -> None:
    lost(at)
    (client_id,) = at.router.inquiries
    at.hear(told("accepted", client_id, "1"))
    (event,) = at.router.concluded()
    assert (event.state, event.detail, at.router.inquiries) == (OrderState.ACCEPTED, "found", {})


def test_a_cancelled_order_that_is_gone_is_cancelled(at: Desk) -> None:
    client_id = resting(at)
    at.venue.outcome = Unknown("no answer")
    settled(at.router.cancel(client_id))
    at.router.inquiries[client_id].verdict = "gone"
    (event,) = at.router.concluded()
    assert event.state is OrderState.CANCELED


def test_an_order_that_outlived_a_lost_cancel_can_be_cancelled_again(at: Desk) -> None:
    client_id = resting(at)
    at.venue.outcome = Unknown("no answer")
    settled(at.router.cancel(client_id))
    inquiry = at.router.inquiries[client_id]
    inquiry.order_answered(
        inquiry.deadline_ns + 1,
        VenueOrderState(client_id, "SIMUSDT", "buy", OrderState.ACCEPTED, D(1), D(0), D(0), False, NOW),
    )
    (event,) = at.router.concluded()
    assert (event.state, event.detail) == (OrderState.ACCEPTED, "the cancel never arrived")
    settled(at.router.cancel(client_id))
    assert at.router.orders[client_id].state is OrderState.PENDING_CANCEL


@pytest.mark.parametrize("kind", ["canceled", "expired"])
def test_the_stream_ends_the_question_about_a_cancel(at: Desk, kind: str) -> None:
    client_id = resting(at)
    at.venue.outcome = Unknown("no answer")
    settled(at.router.cancel(client_id))
    at.hear(told(kind, client_id))  # type: ignore[arg-type]
    at.router.concluded()
    assert (at.router.inquiries, at.router.orders[client_id].state) == ({}, kind)


def test_a_duplicate_id_means_that_an_earlier_send_succeeded(at: Desk) -> None:
    at.venue.outcome = VenueRefused(-4116, "used before", Action.ASK_DUPLICATE)
    client_id = at.send(approved())
    assert at.router.orders[client_id].state is OrderState.UNKNOWN
    assert client_id in at.router.inquiries


# ── halts ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["order_intent", "order_denied", "order_sent", "order_outcome"])
def test_after_a_journal_failure_nothing_is_sent_any_more(at: Desk, kind: str) -> None:
    order = approved()
    if kind == "order_denied":
        at.clock.advance_to(order.expires_ns + 1)
    at.journal.unwritable = frozenset({kind})
    with pytest.raises(JournalUnwritable):
        settled(at.router.execute(order))
    sent = len(at.venue.sent)
    assert sent == (kind in ("order_sent", "order_outcome"))
    at.journal.unwritable = frozenset()
    with pytest.raises(JournalUnwritable, match=f"the disk is full at {kind}"):
        settled(at.router.execute(approved(proposal_id="p2")))
    assert (len(at.venue.sent), at.router.halted) == (sent, f"the disk is full at {kind}")


def test_after_an_impossible_fill_nothing_is_opened(at: Desk) -> None:
    at.venue.outcome = VenueRefused(-1, "no")
    client_id = at.send(approved())
    with pytest.raises(BooksDisagree):
        at.hear(filled(client_id, "1", "100", "1"))
    (alarm,) = at.journal.of("anomaly")
    assert (alarm.body["code"], alarm.durable) == ("impossible_fill", True)
    event = settled(at.router.execute(approved(proposal_id="p2")))
    assert event.detail == "openings are halted: impossible fill: a fill of 1 arrived for an order that is rejected"
    at.venue.outcome = Accepted()
    at.send(closing(at.router.snapshot()))
    assert at.venue.sent[-1].reduce_only


def test_a_fill_beyond_the_quantity_is_booked_and_breaks(at: Desk) -> None:
    order = approved()
    client_id, qty = at.send(order), order.terms.qty_base
    at.hear(filled(client_id, "1", "100", qty))
    with pytest.raises(BooksDisagree, match=f"fills sum to {qty + 1}, the order was for {qty}"):
        at.hear(filled(client_id, "2", "100", "1"))
    assert at.router.ledger.holdings["SIMUSDT"].qty_base == qty + 1
    assert at.journal.of("anomaly")[0].durable


def test_a_fill_of_a_rejected_order_is_booked_and_breaks(at: Desk) -> None:
    at.venue.outcome = VenueRefused(-1, "no")
    client_id = at.send(approved())
    with pytest.raises(BooksDisagree, match="arrived for an order that is rejected"):
        at.hear(filled(client_id, "1", "100", "1"))
    assert at.router.snapshot().positions[0].qty_base == D(1)


def test_a_fill_of_a_denied_order_is_booked_and_breaks(at: Desk) -> None:
    order = approved()
    at.clock.advance_to(order.expires_ns + 1)
    client_id = at.send(order)
    with pytest.raises(BooksDisagree, match="arrived for an order that is denied"):
        at.hear(filled(client_id, "1", "100", "1"))
    assert at.router.snapshot().positions[0].qty_base == D(1)


# ── protection ────────────────────────────────────────────────────────────────


def test_attached_exits_are_adopted_from_the_venues_events(at: Desk) -> None:
    client_id = at.enter()
    entry, stop, target = (at.router.orders[client_id + suffix] for suffix in ("", "-sl", "-tp"))
    assert (stop.leg, target.leg) == ("stop", "take_profit")
    for child in (stop, target):
        assert (child.side, child.reduce_only, child.qty_base) == ("sell", True, entry.qty_base)
        assert (child.state, child.position_id) == (OrderState.ACCEPTED, entry.position_id)


def test_a_short_is_protected_by_buys(at: Desk) -> None:
    short = approved(
        action="open_short", side="sell", entry_price=D("99.95"), stop_price=D(101), take_profit_price=D(98)
    )
    client_id = at.enter(short)
    assert at.router.orders[f"{client_id}-sl"].side == "buy"


def test_a_position_is_protected_while_its_stop_lives(at: Desk) -> None:
    order = approved()
    client_id, qty = at.send(order), order.terms.qty_base
    at.hear(filled(client_id, "1", "100", qty))
    assert not at.router.snapshot().positions[0].protected
    at.hear(told("accepted", f"{client_id}-tp", qty))
    assert not at.router.snapshot().positions[0].protected
    at.hear(told("accepted", f"{client_id}-sl", qty))
    assert at.router.snapshot().positions[0].protected
    at.hear(told("canceled", f"{client_id}-sl"))
    assert not at.router.snapshot().positions[0].protected


def test_a_stop_of_a_part_is_whole_when_the_part_is_closed(at: Desk) -> None:
    client_id = at.send(approved())
    at.hear(
        filled(client_id, "1", "100", "2"), told("accepted", f"{client_id}-sl", "2"), told("expired", client_id, "12"),
        told("triggered", f"{client_id}-sl", "2"), filled(f"{client_id}-sl", "2", "99", "2"),
    )  # fmt: skip
    assert at.router.orders[f"{client_id}-sl"].state is OrderState.FILLED
    assert at.router.open_orders() == []


def test_a_stop_grows_with_its_entry(at: Desk) -> None:
    client_id = at.send(approved())
    at.hear(
        filled(client_id, "1", "100", "2"), told("accepted", f"{client_id}-sl", "2"),
        filled(client_id, "2", "100", "3"), told("amended", f"{client_id}-sl", "5"),
    )  # fmt: skip
    assert at.router.orders[f"{client_id}-sl"].leaves_base == D(5)


def test_a_stop_that_fills_closes_the_trade(at: Desk) -> None:
    order = approved()
    client_id, qty = at.enter(order), order.terms.qty_base
    _, happened, _ = at.hear(
        told("triggered", f"{client_id}-sl", qty), filled(f"{client_id}-sl", "2", "98.9", qty, fee="0.5"),
        told("canceled", f"{client_id}-tp"),
    )  # fmt: skip
    assert (happened.event.leg, happened.trade.gross_quote) == ("stop", qty * D("-1.1"))
    (closed,) = at.journal.of("trade_closed")
    assert (closed.body["exit_leg"], closed.body["net_quote"]) == ("stop", qty * D("-1.1") - D("0.5"))
    assert (at.router.snapshot().positions, at.router.open_orders()) == ((), [])


# ── the account ───────────────────────────────────────────────────────────────


def test_a_position_shows_its_terms_mark_and_age(at: Desk) -> None:
    order = approved()
    client_id = at.enter(order, price="100.02")
    at.router.mark("SIMUSDT", D("100.50"))
    (held,) = at.router.snapshot().positions
    assert (held.symbol, held.base, held.qty_base) == ("SIMUSDT", "SIM", order.terms.qty_base)
    assert (held.entry_price, held.mark_price, held.leverage) == (D("100.02"), D("100.5"), 2)
    assert (held.stop_price, held.take_profit_price, held.opened_ns) == (D(99), D(102), NOW + 1)
    assert held.position_id == f"position-{client_id[1:9]}"


def test_an_order_in_flight_rests_at_its_limit(at: Desk) -> None:
    order = approved()
    client_id = at.send(order)
    at.hear(filled(client_id, "1", "100", "1"))
    (resting,) = at.router.snapshot().resting
    assert (resting.symbol, resting.base, resting.side) == ("SIMUSDT", "SIM", "buy")
    assert (resting.qty_base, resting.price) == (order.terms.qty_base - 1, D("100.05"))
    assert resting.leverage == 2
    at.hear(told("expired", client_id))
    assert at.router.snapshot().resting == ()


def test_a_market_order_in_flight_rests_at_the_mark(at: Desk) -> None:
    at.router.mark("SIMUSDT", D("100.4"))
    at.send(approved(entry_price=None))
    assert at.router.snapshot().resting[0].price == D("100.4")


def test_a_second_entry_brings_its_own_stop(at: Desk) -> None:
    at.enter()
    second = approved(proposal_id="p2", stop_price=D("99.5"), take_profit_price=D(103), entry_price=D("100.04"))
    client_id = at.send(second)
    assert at.router.snapshot().positions[0].stop_price == D(99)
    at.hear(filled(client_id, "2", "100", "1"))
    (held,) = at.router.snapshot().positions
    assert (held.stop_price, held.take_profit_price) == (D("99.5"), D(103))


@pytest.mark.parametrize(("outcome", "counted"), [(VenueRefused(-1, "no"), 0), (Accepted(), 1), (Unknown("?"), 1)])
def test_a_refused_opening_is_no_trade_of_the_day(at: Desk, outcome: Outcome, counted: int) -> None:
    at.venue.outcome = outcome
    at.send(approved())
    assert at.router.snapshot().opening_trades_today == counted


def test_transfers_of_the_day_are_told(at: Desk) -> None:
    at.router.ledger.book_transfer(NOW, "t1", D(50))
    at.router.ledger.book_transfer(NOW - DAY_NS, "t0", D(7))
    assert at.router.snapshot().transfers_today_quote == D(50)


def test_exits_do_not_rest_as_openings(at: Desk) -> None:
    at.enter()
    assert at.router.snapshot().resting == ()
    assert [o.leg for o in at.router.open_orders()] == ["stop", "take_profit"]


def test_closing_reduces_at_market_and_leaves_no_position(at: Desk) -> None:
    at.enter()
    client_id = at.send(closing(at.router.snapshot()))
    sent = at.venue.sent[-1]
    assert (sent.side, sent.reduce_only, sent.limit_price, sent.stop_price) == ("sell", True, None, None)
    (happened,) = at.hear(filled(client_id, "9", "101", sent.qty_base))
    assert (happened.event.leg, happened.trade.gross_quote) == ("exit", sent.qty_base)
    assert at.router.ledger.wallet_quote == 10_000 + sent.qty_base


def test_equity_is_wallet_and_what_is_unrealised(at: Desk) -> None:
    order = approved()
    at.enter(order)
    at.router.mark("SIMUSDT", D(103))
    account = at.router.snapshot()
    assert (account.wallet_quote, account.equity_quote) == (D(10_000), 10_000 + 3 * order.terms.qty_base)


def test_the_high_water_mark_only_rises_and_drawdown_is_kept(at: Desk) -> None:
    order = approved()
    at.enter(order)
    top, low = (10_000 + order.terms.qty_base * gain for gain in (2, -5))
    for mark in (102, 95, 100):
        at.router.mark("SIMUSDT", D(mark))
    assert at.router.snapshot().high_water_quote == top
    assert at.router.max_drawdown_frac == 1 - low / top
    assert at.router.snapshot().drawdown_frac == 1 - 10_000 / top


def test_the_day_starts_with_its_first_mark_in_utc(at: Desk) -> None:
    order = approved()
    at.enter(order)
    at.router.mark("SIMUSDT", D(101))
    at.clock.advance_to(NOW + DAY_NS - 1)
    at.router.mark("SIMUSDT", D(99))
    assert at.router.snapshot().day_start_equity_quote == 10_000 + order.terms.qty_base
    at.clock.advance_to(NOW + DAY_NS)
    at.router.mark("SIMUSDT", D(98))
    at.router.mark("SIMUSDT", D(97))
    account = at.router.snapshot()
    assert account.day_start_equity_quote == 10_000 - 2 * order.terms.qty_base
    assert account.day_loss_frac == order.terms.qty_base / account.day_start_equity_quote


def test_opening_trades_are_counted_by_the_day(at: Desk) -> None:
    at.enter()
    at.send(closing(at.router.snapshot()))
    assert at.router.snapshot().opening_trades_today == 1
    at.clock.advance_to(NOW + DAY_NS)
    assert at.router.snapshot().opening_trades_today == 0


async def test_books_that_agree_reconcile(at: Desk) -> None:
    order = approved()
    at.enter(order)
    at.venue.held = (VenuePosition("SIMUSDT", order.terms.qty_base),)
    await at.router.reconcile()


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        ((), r"SIMUSDT: the ledger holds 14\.851, the venue says 0"),
        ((("SIMUSDT", "14.850"),), r"SIMUSDT: the ledger holds 14\.851, the venue says 14\.850"),
        ((("SIMUSDT", "-14.851"),), r"SIMUSDT: the ledger holds 14\.851, the venue says -14\.851"),
        ((("SIMUSDT", "14.851"), ("ABCUSDT", "1")), r"ABCUSDT: the ledger holds 0, the venue says 1"),
    ],
)
async def test_books_that_disagree_are_named_with_both_figures(
    at: Desk, theirs: tuple[tuple[str, str], ...], message: str
) -> None:
    at.enter()
    at.venue.held = tuple(VenuePosition(symbol, D(qty)) for symbol, qty in theirs)
    with pytest.raises(BooksDisagree, match=message):
        await at.router.reconcile()


def test_a_second_entry_joins_the_position_that_stands(at: Desk) -> None:
    small = {"size_quote": D(500)}
    first = at.enter(approved(**small))
    second = approved(proposal_id="p2", **small)
    client_id = at.send(second)
    assert at.router.orders[client_id].position_id == at.router.orders[first].position_id


def test_a_new_position_has_its_own_stop(at: Desk) -> None:
    client_id = at.enter()
    at.hear(
        filled(f"{client_id}-sl", "2", "99", at.router.orders[client_id].qty_base), told("canceled", f"{client_id}-tp")
    )
    at.enter(approved(proposal_id="p2", stop_price=D(98), take_profit_price=D(104), leverage=1))
    (held,) = at.router.snapshot().positions
    assert (held.stop_price, held.take_profit_price, held.leverage) == (D(98), D(104), 1)


def test_the_capital_is_journaled_when_the_books_open(at: Desk) -> None:
    (entry,) = at.journal.of("ledger")
    assert (entry.body.kind, entry.body.amount_quote) == ("capital", D(10_000))


# ── amendments ────────────────────────────────────────────────────────────────


def standing(at: Desk) -> tuple[str, Decimal]:
    """Send an entry that the venue has taken; returns its client id and quantity."""
    order = approved()
    client_id = at.send(order)
    at.hear(told("accepted", client_id, order.terms.qty_base))
    return client_id, order.terms.qty_base


def test_an_amendment_is_on_disk_before_it_is_sent(at: Desk) -> None:
    client_id, _ = standing(at)
    at.log.clear()
    event = settled(at.router.amend(client_id, OrderChange(limit_price=D(99))))
    assert at.log == ["amend_intent durable", f"amend {client_id}", "amend_sent", "amend_outcome"]
    assert event.state is OrderState.PENDING_AMEND


def test_an_amendment_that_is_granted_changes_what_rests(at: Desk) -> None:
    client_id, qty = standing(at)
    settled(at.router.amend(client_id, OrderChange(D(1), D(99))))
    assert at.router.snapshot().resting[0].qty_base == qty
    at.hear(replace(told("amended", client_id, D(1)), qty_base=D(1)))
    (resting,) = at.router.snapshot().resting
    assert (resting.qty_base, resting.price) == (D(1), D(99))


@pytest.mark.parametrize("how", ["answer", "event"])
def test_an_amendment_that_is_refused_changes_nothing(at: Desk, how: str) -> None:
    client_id, qty = standing(at)
    at.venue.outcome = VenueRefused(-5027, "No need to modify the order.") if how == "answer" else Accepted()
    settled(at.router.amend(client_id, OrderChange(D(1), D(99))))
    if how == "event":
        at.hear(told("amend_rejected", client_id, qty))
    (resting,) = at.router.snapshot().resting
    assert (resting.qty_base, resting.price) == (qty, D("100.05"))
    assert at.router.orders[client_id].state is OrderState.ACCEPTED


def test_an_entry_is_never_amended_to_more_than_was_approved(at: Desk) -> None:
    client_id, qty = standing(at)
    with pytest.raises(ValueError, match="cannot be amended to"):
        settled(at.router.amend(client_id, OrderChange(qty + D("0.001"))))
    assert at.log[-1] == "venue_event"


def test_a_venue_that_amends_nothing_is_not_asked(at: Desk) -> None:
    client_id, _ = standing(at)
    at.venue.capabilities = replace(at.venue.capabilities, amend=False)
    assert settled(at.router.amend(client_id, OrderChange(D(1)))).detail == "not amended: memory amends no orders"


def test_an_order_that_has_ended_is_not_amended(at: Desk) -> None:
    client_id, _ = standing(at)
    at.hear(told("canceled", client_id))
    assert settled(at.router.amend(client_id, OrderChange(D(1)))).detail == "not amended: the order is canceled"


def told_by_venue(client_id: str, qty: Decimal, price: Decimal, state: OrderState) -> VenueOrderState:
    return VenueOrderState(client_id, "SIMUSDT", "buy", state, qty, D(0), D(0), False, NOW + 5, limit_price=price)


@pytest.mark.parametrize(
    ("found", "state", "terms"),
    [
        ((D(1), D(99)), OrderState.ACCEPTED, (D(1), D(99))),
        ((D("14.851"), D("100.05")), OrderState.ACCEPTED, (D("14.851"), D("100.05"))),
    ],
)
def test_the_fate_of_an_amendment_nobody_answered_is_found_out(
    at: Desk, found: tuple[Decimal, Decimal], state: OrderState, terms: tuple[Decimal, Decimal]
) -> None:
    client_id, _ = standing(at)
    at.venue.outcome = Unknown("no answer")
    settled(at.router.amend(client_id, OrderChange(D(1), D(99))))
    inquiry = at.router.inquiries[client_id]
    asked_ns = inquiry.deadline_ns + 1
    at.clock.advance_to(asked_ns)
    inquiry.ask("order", asked_ns)
    inquiry.order_answered(asked_ns, told_by_venue(client_id, *found, OrderState.ACCEPTED))
    at.router.concluded()
    (resting,) = at.router.snapshot().resting
    assert at.router.orders[client_id].state is state
    assert (resting.qty_base, resting.price) == terms


def test_before_its_deadline_an_amendment_may_still_arrive(at: Desk) -> None:
    client_id, qty = standing(at)
    at.venue.outcome = Unknown("no answer")
    settled(at.router.amend(client_id, OrderChange(D(1))))
    inquiry = at.router.inquiries[client_id]
    inquiry.order_answered(NOW, told_by_venue(client_id, qty, D("100.05"), OrderState.ACCEPTED))
    assert inquiry.verdict is None
