"""Events of one order may repeat and come in any order: the end is the same, in order, ledger and router."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st
from made_desk import NOW, D
from made_execution import approved, desk, fill, filled, told

from chanflow.domain.order import OrderState
from chanflow.execution.ledger import Ledger
from chanflow.execution.lifecycle import Order
from chanflow.execution.ports import VenueEvent

FILLS = {
    "a": fill("a", "buy", "3", "100.01", fee="0.0333"),
    "b": fill("b", "buy", "4", "100.07", fee="0.1"),
    "c": fill("c", "buy", "3", "99.99", fee="-0.02"),
}
QTY = D(10)
fates = st.lists(st.sampled_from(["accept", "trigger", "cancel", "expire", "lose", "a", "b", "c"]), max_size=6)
endings = st.sampled_from(["cancel", "expire", "accept"])


def lived(events: tuple[str, ...]) -> tuple[OrderState, Decimal, Decimal, Decimal, Decimal]:
    """Return state, filled quantity, wallet, holding and its cost after `events`."""
    order = Order("q1", "SIMUSDT", "buy", "entry", QTY, False, "a1", "position-1", OrderState.SUBMITTED)
    ledger = Ledger(D(10_000))
    ledger.open(NOW)
    for event in events:
        if event not in FILLS:
            order.step(event)
        elif order.fill(FILLS[event]) is None:
            ledger.book_fill(FILLS[event], order.position_id)
    held = ledger.holdings.get("SIMUSDT")
    cost = (D(0), D(0)) if held is None else (held.qty_base, held.cost_quote)
    return order.state, order.filled_base, ledger.wallet_quote, *cost


@settings(max_examples=60, deadline=None)
@given(fates)
def test_every_order_of_events_fills_and_books_the_same(events: list[str]) -> None:
    ends = {lived(order)[1:] for order in permutations(events)}
    filled_base = sum((FILLS[e].qty_base for e in set(events) & set(FILLS)), D(0))
    assert len(ends) == 1
    assert ends.pop()[0] == filled_base


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["accept", "a", "b", "c", "end"]), max_size=6), endings)
def test_every_order_of_events_ends_in_the_same_state(events: list[str], ending: str) -> None:
    named = [ending if e == "end" else e for e in events]
    assert len({lived(order)[0] for order in permutations(named)}) == 1


@settings(max_examples=200, deadline=None)
@given(fates, st.data())
def test_repeats_change_nothing(events: list[str], data: st.DataObject) -> None:
    unsorted = data.draw(st.permutations(events))
    repeats = [e for e in unsorted if e in FILLS]
    assert lived((*events, *repeats))[1:] == lived(tuple(unsorted))[1:]


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
