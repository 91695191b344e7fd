"""A position is put under other prices by an approval: once, only tighter, and never bare in between."""

from __future__ import annotations

from typing import Any

import pytest
from made_desk import MARKET, NOW, D, proposal
from made_desk import gate as made_gate
from made_desk_life import Life, lived
from made_execution import Desk, approved, closing, desk, filled, settled, told
from made_memory_venue import SYMBOL

from chanflow.domain.opinion import Changes, TakeProfit
from chanflow.domain.order import ApprovedOrder, OrderState, OrderTerms
from chanflow.execution.books import Opened
from chanflow.execution.moving import move_fault, unmoved
from chanflow.execution.ports import VenueRefused
from chanflow.execution.running import Running


def adjusting(at: Desk, *, proposal_id: str = "tight-1", target: str | None = None, stop: str | None = None) -> Any:
    """Return the approval that moves the protection of the only position at a desk."""
    of = at.router.snapshot()
    targets = (TakeProfit(D(target), D(1)),) if target is not None else ()
    asked = proposal(
        proposal_id=proposal_id, decision_id="d2", action="adjust", kind="management", side=None, stop_price=None,
        take_profit_price=None, entry_price=None, confidence=None, position_id=of.positions[0].position_id,
        changes=Changes(None if stop is None else D(stop), targets),
    )  # fmt: skip
    verdict = made_gate(venue="memory").judge(asked, of, MARKET, now_ns=NOW)
    assert isinstance(verdict, ApprovedOrder), verdict.reasons
    return verdict


def opened(at: Desk) -> Any:
    found = at.router.books.opened(SYMBOL)
    return None if found is None else (found.stop_price, found.take_profit_price)


def test_the_venues_own_exits_are_amended_and_the_books_follow_its_word() -> None:
    at = desk()
    entry = at.enter()
    at.router.mark(SYMBOL, D(100))
    moved = settled(at.router.protect(adjusting(at, stop="99.5", target="101")))
    assert (moved.how, moved.denied, opened(at)) == ("amend", "", (D(99), D(102)))
    assert at.log[-8:] == [
        "amend_intent durable", f"amend {entry}-sl", "amend_sent", "amend_outcome",
        "amend_intent durable", f"amend {entry}-tp", "amend_sent", "amend_outcome",
    ]  # fmt: skip
    assert at.log.index("protection_moved durable") < at.log.index(f"amend {entry}-sl")
    qty = at.router.orders[f"{entry}-sl"].qty_base
    at.hear(told("amended", f"{entry}-sl", qty))
    assert opened(at) == (D("99.5"), D(102))
    at.hear(told("amended", f"{entry}-tp", qty))
    assert opened(at) == (D("99.5"), D(101))
    assert [at.router.orders[f"{entry}-{leg}"].trigger_price for leg in ("sl", "tp")] == [D("99.5"), D(101)]


def test_an_amendment_that_is_refused_leaves_the_stop_that_stands() -> None:
    at = desk()
    entry = at.enter()
    at.router.mark(SYMBOL, D(100))
    approval = adjusting(at, stop="99.5")
    at.venue.outcome = VenueRefused(-1, "not now")
    settled(at.router.protect(approval))
    stop = at.router.orders[f"{entry}-sl"]
    assert (stop.state, stop.trigger_price, opened(at)) == (OrderState.ACCEPTED, D(99), (D(99), D(102)))


def test_an_approval_moves_protection_once() -> None:
    at = desk()
    at.enter()
    at.router.mark(SYMBOL, D(100))
    approval = adjusting(at, stop="99.5")
    first, again = settled(at.router.protect(approval)), settled(at.router.protect(approval))
    assert first == again
    assert len(at.journal.of("protection_moved")) == len(at.journal.of("amend_intent")) == 1


def test_an_approval_that_is_late_moves_nothing_and_says_so() -> None:
    at = desk()
    at.enter()
    at.router.mark(SYMBOL, D(100))
    approval = adjusting(at, stop="99.5")
    at.clock.advance_to(approval.expires_ns + 1)
    assert settled(at.router.protect(approval)).denied == "the approval has expired"
    assert at.journal.of("amend_intent") == []


def test_a_position_that_is_gone_is_not_protected() -> None:
    at = desk()
    entry = at.enter()
    at.router.mark(SYMBOL, D(100))
    approval = adjusting(at, stop="99.5")
    exit_id = at.send(closing(at.router.snapshot()))
    qty = at.router.orders[entry].qty_base
    at.hear(told("accepted", exit_id, qty), filled(exit_id, "2", "100", qty))
    denied = settled(at.router.protect(approval)).denied
    assert denied == f"{SYMBOL} has no position of ours whose protection could be moved"


def test_each_kind_of_approval_has_its_own_door() -> None:
    at = desk()
    at.enter()
    at.router.mark(SYMBOL, D(100))
    with pytest.raises(ValueError, match="it is no order"):
        settled(at.router.execute(adjusting(at, stop="99.5")))
    with pytest.raises(ValueError, match="it moves no protection"):
        settled(at.router.protect(approved(proposal_id="other")))


HELD = Opened("q1", 2, D(99), D(102))


def terms(**changes: Any) -> OrderTerms:
    base: dict[str, Any] = {
        "symbol": SYMBOL, "side": "sell", "qty_base": D(1), "leverage": 2, "reduce_only": True, "limit_price": None,
        "stop_price": D("99.5"), "take_profit_price": None,
    }  # fmt: skip
    return OrderTerms(**{**base, **changes})


@pytest.mark.parametrize(
    ("changes", "held", "fault"),
    [
        ({}, "1", None),
        ({"stop_price": D(99)}, "1", None),
        ({"stop_price": D("98.9")}, "1", "would risk more than the one at 99"),
        ({"side": "buy", "stop_price": D("99.1")}, "-1", "would risk more than the one at 99"),
        ({"side": "buy", "stop_price": D("98.9")}, "-1", None),
        ({}, "-1", "points the other way now"),
        ({}, "0", "no position of ours"),
    ],
)
def test_what_may_be_moved_is_asked_of_the_account_as_it_is(changes: Any, held: str, fault: str | None) -> None:
    found = move_fault(terms(**changes), HELD, D(held))
    assert found is None if fault is None else fault in str(found)


def test_a_price_whose_exit_is_not_there_is_not_said_to_move() -> None:
    both = terms(take_profit_price=D(101))
    assert unmoved(both, HELD, {"stop"}) == "no take_profit stands at the venue that can be moved now"
    assert unmoved(terms(take_profit_price=D(102)), HELD, {"stop"}) is None


# ── where stops are orders of our own ─────────────────────────────────────────


def stops_of(life: Life) -> list[tuple[Any, ...]]:
    return [(o.trigger_price, o.qty_base, o.state) for o in life.desk.router.orders.values() if o.leg == "stop"]


class Looked(Life):
    """A life that looks, at each step of the venue, how much of the position no stop there covers."""

    async def _end(self, desk: Running) -> None:
        self.before_end = [(s.asked.trigger_price, s.asked.qty_base) for s in self.exchange.living
                           if s.asked.conditional == "stop_market"]  # fmt: skip
        self.held = desk.router.ledger.holdings[SYMBOL].qty_base
        await super()._end(desk)


def test_the_new_stop_stands_before_the_old_one_goes() -> None:
    life = lived(Life(until_s=7))
    told_of = [
        (line.kind, line.body.get("leg"), line.body.get("client_order_id")) for line in life.journal.records
        if line.kind in ("protection_moved", "order_outcome", "cancel_intent", "order_intent")
    ]  # fmt: skip
    after = told_of[[kind for kind, *_ in told_of].index("protection_moved") :]
    new = next(name for kind, leg, name in after if kind == "order_intent" and leg == "stop")
    placed = after.index(("order_outcome", None, new))
    assert placed < min(i for i, (kind, *_) in enumerate(after) if kind == "cancel_intent")
    assert [row for row in stops_of(life) if not row[2].terminal] == [(D("99.5"), D("14.850"), OrderState.ACCEPTED)]


def test_the_rest_of_a_position_keeps_its_stop_for_the_rest() -> None:
    life = Looked(part_quote=D(500))
    lived(life)
    assert (life.held, sum(qty for _, qty in life.before_end)) == (D("9.850"), D("9.850"))
    assert {price for price, _ in life.before_end} == {D("99.5")}
