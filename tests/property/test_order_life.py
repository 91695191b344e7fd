"""Events of one order may repeat and come in any order: the end is the same, in order, ledger and router."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_desk import NOW, D
from made_execution import approved, desk, fill, filled, told

from chanflow.domain.order import OrderState
from chanflow.execution.ledger import Ledger
from chanflow.execution.lifecycle import Order, Step
from chanflow.execution.ports import VenueEvent

FILLS = {
    "a": fill("a", "buy", "3", "100.01", fee="0.0333"),
    "b": fill("b", "buy", "4", "100.07", fee="0.1"),
    "c": fill("c", "buy", "3", "99.99", fee="-0.02"),
    "d": fill("d", "buy", "2", "100.03", fee="0.01"),
}
QTY = D(10)
LONGER, SHORTER = D(12), D(7)
endings = st.sampled_from(["cancel", "expire", "accept"])
fates = st.lists(st.sampled_from(["accept", "trigger", "cancel", "expire", "lose", "a", "b", "c"]), max_size=6)

End = tuple[OrderState, Decimal, Decimal, Decimal, Decimal, Decimal, object]


@dataclass(frozen=True)
class History:
    """What we did before anything was heard, and all that the venue then tells of the order, in its true order."""

    before: str
    told: tuple[str, ...]


def histories() -> list[History]:
    """Return every history of at most six events that a venue can have: one end at most, fills within the quantity."""
    found = set()
    for before, openings in (
        ("sent", [("accept",), ("accept", "trigger"), ("accept", "trigger", "link"), ()]),
        ("lost", [("accept",), ("accept", "trigger"), ("accept", "trigger", "link"), ()]),
        ("cancelling", [(), ("trigger",), ("trigger", "link")]),
        ("lengthening", [(), ("trigger",)]),
        ("shortening", [()]),
    ):
        answers = {
            "cancelling": [(), ("cancel_refused",)],
            "lengthening": [(), ("amended",), ("amend_refused",)],
            "shortening": [(), ("amended",), ("amend_refused",)],
        }.get(before, [()])
        for opening in openings:
            for answer in answers:
                for fills in ((), ("a",), ("a", "b"), ("a", "b", "c"), ("a", "b", "c", "d")):
                    for end in ((), ("cancel",), ("expire",), ("reject",)):
                        told = (*opening, *answer, *fills, *end)
                        if len(told) <= 6 and possible(before, told):
                            found.add(History(before, told))
    return sorted(found, key=lambda h: (h.before, h.told))


def possible(before: str, told: tuple[str, ...]) -> bool:
    """Whether a venue can have told this: no fill too many, no end after the last one, no refusal of parts."""
    bought = sum((FILLS[t].qty_base for t in told if t in FILLS), D(0))
    qty = QTY
    if "amended" in told:
        qty = LONGER if before == "lengthening" else SHORTER
    if bought > qty or (bought == qty and {"cancel", "expire", "reject"} & set(told)):
        return False
    # An amendment of ours that nobody answers leaves open how much the order is for.
    unanswered = before in ("lengthening", "shortening") and not {"amended", "amend_refused"} & set(told)
    if unanswered and bought >= min(QTY, SHORTER):
        return False
    return not ("reject" in told and bought > 0)


HISTORIES = histories()


def begun(before: str) -> Order:
    """Return an order as it is when we begin to hear."""
    order = Order("q1", "SIMUSDT", "buy", "entry", QTY, False, "a1", "position-1", OrderState.SUBMITTED)
    if before == "lost":
        order.step(Step.LOSE)
    elif before != "sent":
        order.step(Step.ACCEPT)
    if before == "cancelling":
        order.step(Step.REQUEST_CANCEL)
    elif before == "lengthening":
        order.ask(LONGER)
    elif before == "shortening":
        order.ask(SHORTER)
    return order


def lived(events: tuple[str, ...], before: str = "sent") -> End:
    """Return state, quantities, average price, wallet, holding and its cost after `events`."""
    order, ledger = begun(before), Ledger(D(10_000))
    ledger.open(NOW)
    for event in events:
        if event in FILLS:
            order.fill(FILLS[event])
            ledger.book_fill(FILLS[event], order.position_id)
        elif event == "amended":
            order.amended(LONGER if before == "lengthening" else SHORTER, NOW)
        elif event == "amend_refused":
            order.amend_refused()
        else:
            order.step(Step(event))
    held = ledger.holdings.get("SIMUSDT")
    cost = (D(0), D(0)) if held is None else (held.qty_base, held.cost_quote)
    return order.state, order.filled_base, order.qty_base, ledger.wallet_quote, *cost, order.average_price


def test_every_interleaving_of_every_history_of_six_events_ends_the_same() -> None:
    seen: Counter[str] = Counter()
    for history in HISTORIES:
        ends = {lived(order, history.before) for order in permutations(history.told)}
        assert len(ends) == 1, (history, sorted({str(e[0]) for e in ends}))
        seen[ends.pop()[0]] += 1
    assert seen.keys() == set(OrderState) - {OrderState.INITIALIZED, OrderState.DENIED}


def long_histories(count: int, seed: int) -> list[tuple[History, list[str]]]:
    """Return histories with their events shuffled and told again and again, up to forty in all."""
    chance, drawn = Random(seed), []
    for _ in range(count):
        history = chance.choice(HISTORIES)
        repeats = chance.choices(history.told, k=chance.randint(0, 34)) if history.told else []
        mixed = [*history.told, *repeats]
        chance.shuffle(mixed)
        drawn.append((history, mixed))
    return drawn


def same_end(history: History, mixed: list[str]) -> None:
    assert lived(tuple(mixed), history.before) == lived(history.told, history.before), (history, mixed)


def test_long_tellings_with_repeats_end_the_same() -> None:
    for history, mixed in long_histories(500, 1):
        same_end(history, mixed)


@pytest.mark.slow
def test_ten_thousand_long_tellings_with_repeats_end_the_same() -> None:
    for history, mixed in long_histories(10_000, 2):
        same_end(history, mixed)


@settings(max_examples=60, deadline=None)
@given(fates)
def test_fills_and_books_are_the_same_even_in_histories_that_no_venue_has(events: list[str]) -> None:
    ends = {lived(order)[1:] for order in permutations(events)}
    filled_base = sum((FILLS[e].qty_base for e in set(events) & set(FILLS)), D(0))
    assert len(ends) == 1
    assert ends.pop()[0] == filled_base


# ── the router ────────────────────────────────────────────────────────────────


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["accept", "a", "b", "c", "end"]), max_size=6), endings, st.data())
def test_the_router_comes_to_the_same_books_from_any_order_of_events(
    events: list[str], ending: str, data: st.DataObject
) -> None:
    order = approved()
    named = [ending if e == "end" else e for e in events]
    shuffled = data.draw(
        st.permutations([*named, *data.draw(st.lists(st.sampled_from(named)) if named else st.just([]))])
    )

    def ended(these: list[str]) -> tuple[object, ...]:
        one = desk()
        one.router.mark("SIMUSDT", D(100))
        client_id = one.send(order)
        one.hear(*[_event(client_id, e, order.terms.qty_base) for e in these])
        account = one.router.snapshot()
        ours = one.router.orders[client_id]
        return account, ours.state, ours.filled_base, one.router.ledger.holdings

    assert ended(shuffled) == ended(named)


def _event(client_id: str, name: str, qty: Decimal) -> VenueEvent:
    part = qty / 4
    match name:
        case "a" | "b":
            return filled(client_id, name, "100.01" if name == "a" else "99.98", part, fee="0.011")
        case "c":
            return filled(client_id, name, "100.05", qty - 2 * part, fee="0.02")
        case "accept":
            return told("accepted", client_id, qty)
        case "cancel":
            return told("canceled", client_id)
        case _:
            return told("expired", client_id)
