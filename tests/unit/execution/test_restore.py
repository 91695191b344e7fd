from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from made_desk import NOW, D
from made_desk_life import Life, Line, Lines, Trap, faults_of, lived
from made_memory_venue import SYMBOL, Connection

from chanflow.domain.equity import EquityMarks
from chanflow.domain.errors import JournalCorrupt
from chanflow.domain.order import Fill, OrderState
from chanflow.execution.account import Account
from chanflow.execution.ports import FillCursor, OrderChange, VenueEvent, VenueFunding
from chanflow.execution.reconcile import Adjustment
from chanflow.execution.records import read
from chanflow.execution.restore import Restored

UNCUT = lived(Life())
RECORDS = list(UNCUT.journal.records)


def restored(records: list[Line], life: Life | None = None) -> tuple[Restored, Lines]:
    """Return what `records` give, and the journal behind them."""
    life = Life() if life is None else life
    journal = Lines(life.clock, list(records))
    life.journal = journal
    return life.restored(journal, Connection(life.exchange)), journal


def kinds(journal: Lines, after: int) -> list[str]:
    return [line.kind for line in journal.records[after:]]


def facts(account: Account) -> dict[str, Any]:
    """Return all that an account knows which outlives a process."""
    orders = {
        name: (o.state, o.leg, o.side, o.qty_base, o.reduce_only, o.approved_id, o.position_id, o.trigger_price,
               dict(o.fills))
        for name, o in account.orders.items()
    }  # fmt: skip
    return {
        "orders": orders, "entries": account.ledger.entries, "wallet": account.ledger.wallet_quote,
        "holdings": account.ledger.holdings, "attempts": account._attempts,
        "exits": {leg: [o.client_order_id for o in placed] for leg, placed in account._exits.items()},
        "terms": account._terms, "names": account._names, "opened": account.books._opened,
        "opened_on": account._opened_on, "high_water": account.books.equity_marks.high_water_quote,
        "day": (account.books.equity_marks.day_start_quote,),
    }  # fmt: skip


def test_a_whole_journal_gives_the_account_it_was_written_by() -> None:
    again, journal = restored(RECORDS)
    live = facts(UNCUT.desk.router)
    assert facts(again.router) == live
    assert again.read == UNCUT.desk._checks.read
    assert kinds(journal, len(RECORDS)) == []


def test_an_empty_journal_gives_a_new_account() -> None:
    again, journal = restored([])
    assert (again.read, again.router.ledger.wallet_quote, kinds(journal, 0)) == (None, D(10_000), ["ledger"])


@pytest.mark.parametrize("cut", range(len(RECORDS) + 1))
def test_a_restored_account_is_restored_to_the_same(cut: int) -> None:
    first, journal = restored(RECORDS[:cut])
    second, _ = restored(journal.records)
    assert facts(second.router) == facts(first.router)
    assert set(second.router.inquiries) == set(first.router.inquiries)


@pytest.mark.parametrize("cut", range(len(RECORDS) + 1))
def test_the_books_of_every_cut_are_those_the_events_before_it_give(cut: int) -> None:
    told = [r.body for r in RECORDS[:cut] if r.kind == "venue_event" and r.body["kind"] == "fill"]
    again, journal = restored(RECORDS[:cut])
    assert [e.ref for e in again.router.ledger.entries if e.kind == "fill"] == [b["trade_id"] for b in told]
    assert [b["ref"] for b in journal.of("ledger") if b["kind"] == "fee"] == [b["trade_id"] for b in told]


@pytest.mark.parametrize("cut", [i for i, r in enumerate(RECORDS, 1) if r.kind == "order_intent"])
def test_an_intent_without_an_answer_is_asked_for_and_never_sent_again(cut: int) -> None:
    life = Life()
    again, _ = restored(RECORDS[:cut], life)
    client_id = RECORDS[cut - 1].body["client_order_id"]
    assert again.router.orders[client_id].state is OrderState.UNKNOWN
    assert again.router.inquiries[client_id].what == "submit"
    assert life.exchange.orders == {}


def test_an_approval_stays_used() -> None:
    life = Life()
    again, _ = restored(RECORDS, life)
    event = asyncio.run(again.router.execute(UNCUT.messages["entry"]))
    assert event.detail == "repeated: the approval was used already"
    assert life.exchange.orders == {}


def test_a_cancel_without_an_answer_is_asked_for() -> None:
    cut = next(i for i, r in enumerate(RECORDS, 1) if r.kind == "cancel_intent")
    again, _ = restored(RECORDS[:cut])
    client_id = RECORDS[cut - 1].body["client_order_id"]
    assert again.router.inquiries[client_id].what == "cancel"


def test_an_amendment_without_an_answer_is_asked_for() -> None:
    cut = next(i for i, r in enumerate(RECORDS, 1) if r.kind == "venue_event" and r.body["kind"] == "accepted")
    client_id = RECORDS[cut - 1].body["client_order_id"]
    change = {"qty_base": "1", "limit_price": None, "trigger_price": None}
    line = Line(RECORDS[cut - 1].at, "amend_intent", {"client_order_id": client_id, "change": change})
    again, _ = restored([*RECORDS[:cut], line])
    order = again.router.orders[client_id]
    assert (order.state, order.asked_qty_base) == (OrderState.PENDING_AMEND, D(1))
    assert again.router.inquiries[client_id].what == "amend"


def test_effects_that_the_end_cut_off_are_appended() -> None:
    cut = next(i for i, r in enumerate(RECORDS, 1) if r.kind == "venue_event" and r.body["kind"] == "fill")
    _, journal = restored(RECORDS[:cut])
    assert [r.body["kind"] for r in journal.records[cut:] if r.kind == "ledger"] == ["fill", "fee"]
    assert [r.body for r in journal.records[cut:] if r.kind == "ledger"] == [r.body for r in RECORDS[cut : cut + 2]]


@pytest.mark.parametrize("kind", ["ledger", "trade_closed"])
def test_an_effect_that_its_cause_does_not_have_is_refused(kind: str) -> None:
    at = max(i for i, r in enumerate(RECORDS) if r.kind == kind)
    field = "amount_quote" if kind == "ledger" else "net_quote"
    altered = replace(RECORDS[at], body={**RECORDS[at].body, field: "1"})
    with pytest.raises(JournalCorrupt, match=f"the {kind} at .* is not what its cause comes to"):
        restored([*RECORDS[:at], altered, *RECORDS[at + 1 :]])


def test_a_fill_of_the_ledger_without_its_event_is_refused() -> None:
    at = next(i for i, r in enumerate(RECORDS) if r.kind == "venue_event" and r.body["kind"] == "fill")
    with pytest.raises(JournalCorrupt, match=r"the ledger's fill at .* has no cause"):
        restored([*RECORDS[:at], *RECORDS[at + 1 :]])


def test_a_cause_whose_effects_are_missing_in_the_middle_is_refused() -> None:
    at = next(i for i, r in enumerate(RECORDS) if r.kind == "ledger" and r.body["kind"] == "fee")
    with pytest.raises(JournalCorrupt, match="stands where a ledger should"):
        restored([*RECORDS[:at], *RECORDS[at + 1 :]])


def test_what_is_not_ours_outlives_a_restart() -> None:
    life = Life()
    first, journal = restored([], life)
    router = first.router
    foreign = Fill("memory", SYMBOL, "7", "theirs", "buy", D(100), D(3), D("0.15"), False, NOW, NOW)
    router.book_external(foreign)
    router.book_funding(VenueFunding(SYMBOL, "f1", NOW, D("-0.5")))
    router.accept(Adjustment((), "ref", D(2)))
    second, _ = restored(journal.records, life)
    assert facts(second.router) == facts(router)
    assert second.router.ledger.wallet_quote == D("10001.35")


def test_a_mark_of_equity_outlives_a_restart() -> None:
    at = RECORDS[0].at
    marks = {"high_water_quote": "12345", "day_start_quote": "11000", "day": 20_000, "last_quote": "11500"}
    found = restored([RECORDS[0], Line(at, "equity_marks", marks)])[0].router.books.equity_marks
    assert found == EquityMarks(D(12345), D(11000), 20_000, D(11500))


def test_an_impossible_fill_halts_after_a_restart_too() -> None:
    at = next(i for i, r in enumerate(RECORDS, 1) if r.kind == "trade_closed")
    body = next(r.body for r in RECORDS if r.kind == "venue_event" and r.body["kind"] == "fill")
    line = Line(RECORDS[at].at, "venue_event", {**body, "trade_id": "77", "qty_base": "100"})
    again, journal = restored([*RECORDS[:at], line])
    assert again.router.halted is not None
    assert again.router.halted.startswith("impossible fill")
    assert "anomaly" in kinds(journal, at + 1)


# ── any cut, and on ───────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["stop", "close", "target"])
def test_wherever_it_is_cut_it_ends_with_the_books_of_the_uncut(ending: Any) -> None:
    uncut = lived(Life(ending=ending))
    points = [p for p in sorted(uncut.trap.seen) if " record " in p]
    assert len(points) >= 24
    names = uncut.desk.router._attempts.values()
    approved = {name for tried in names for name in tried}
    for point in points:
        for nth in {1, uncut.trap.seen[point]}:
            life = lived(Life(ending=ending, trap=Trap(point, nth)))
            assert faults_of(life) == [], (point, nth)
            if approved <= set(life.exchange.orders) and gave_up_its_target(life):
                # Its target never arrived, and the price had passed it when that was proven: the stop stands.
                assert point == "after record order_intent take_profit"
                assert stopped_base(life) == life.desk.router.ledger.holdings[SYMBOL].qty_base
            elif approved <= set(life.exchange.orders):
                assert books_of(life) == books_of(uncut), (point, nth)
            else:
                # The intent was written and nothing was sent: that is found out, and not repeated on its own.
                assert point in ("after record order_intent entry", "after record order_intent exit")


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["stop", "close"])
def test_cut_while_a_part_leaves_nothing_is_lost_doubled_or_bare(ending: Any) -> None:
    uncut = lived(Life(ending=ending, part_quote=D(500)))
    exits = [o for o in uncut.desk.router.orders.values() if o.leg == "exit"]
    assert exits[0].filled_base == 5
    assert faults_of(uncut) == []
    for point in [p for p in sorted(uncut.trap.seen) if " record " in p or "submit" in p or "cancel" in p]:
        for nth in {1, (uncut.trap.seen[point] + 1) // 2, uncut.trap.seen[point]}:
            life = lived(Life(ending=ending, part_quote=D(500), trap=Trap(point, nth)))
            assert faults_of(life) == [], (point, nth)
            assert not life.desk.protection.naked(), (point, nth)


def gave_up_its_target(life: Life) -> bool:
    orders = life.desk.router.orders.values()
    return sum(o.leg == "take_profit" and o.state is OrderState.REJECTED for o in orders) >= 3


def stopped_base(life: Life) -> D:
    living = [o for o in life.desk.router.orders.values() if o.leg == "stop" and not o.state.terminal]
    return sum((o.leaves_base for o in living), D(0))


def books_of(life: Life) -> tuple[Any, ...]:
    router = life.desk.router
    entries = [(o.client_order_id, o.state, o.filled_base) for o in router.orders.values() if o.leg == "entry"]
    return entries, router.ledger.wallet_quote, router.ledger.holdings[SYMBOL].qty_base, router.ledger.fees_quote


# ── reading records ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "value",
    [
        VenueEvent("fill", "q1", 1, 2, D("0.5"), "7", D(100), D("0.1"), D("0.01"), True, "x", "BNB", D("600.1")),
        OrderChange(D(1), None, D("99.5")),
        FillCursor({"A": "1", "B": "22"}),
        VenueFunding("A", "r", 5, D("-1.5")),
    ],
)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    journal = Lines(Life().clock)
    journal.append("x", value)
    assert read(type(value), journal.records[0].body) == value


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (7, "a VenueFunding was expected, the journal has int"),
        ({"symbol": "A", "ref": "r", "at_ns": "5", "amount_quote": "1"}, "VenueFunding.at_ns is '5'"),
        ({"symbol": "A", "ref": "r", "at_ns": 5, "amount_quote": "x"}, "VenueFunding.amount_quote is 'x'"),
        ({"symbol": "A", "ref": "r", "at_ns": 5}, "a VenueFunding in the journal is not whole"),
        ({"symbol": "A", "ref": "r", "at_ns": 5, "amount_quote": "1", "z": 1}, "VenueFunding has no field 'z'"),
    ],
)
def test_a_body_that_is_none_is_refused(body: Any, says: str) -> None:
    with pytest.raises(JournalCorrupt, match=says):
        read(VenueFunding, body)
