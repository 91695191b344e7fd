"""The user streams made into events: what is news, whose it is, and what waits."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from chanflow.adapters.venues.hyperliquid.names import cloid_of
from chanflow.adapters.venues.hyperliquid.parse import FillRow, OrderRow
from chanflow.adapters.venues.hyperliquid.stream import UserStream
from chanflow.adapters.venues.hyperliquid.wire import Asset, OrderTerms
from chanflow.execution.ports import VenueEvent

D = Decimal

ID = "0x" + "ab" * 16
STOP = f"{ID}-sl"
BTC = Asset("BTC", 0, 5, 40)
TERMS = OrderTerms(BTC, "buy", D(10), D(100), reduce_only=False, cloid=ID)
ROW = OrderRow(1, ID, "BTC", "buy", D(100), D(10), D(10), 1_000, "open", 1_000)
FILL = FillRow(1, ID, "BTC", "buy", D(100), D(4), D("0.2"), "USDC", True, 1_001, "1001-7", "Open Long", False)
NOW = 2_000_000_000


def sent() -> UserStream:
    stream = UserStream()
    stream.sent(ID, ID, TERMS)
    return stream


def standing() -> UserStream:
    stream = sent()
    stream.acked(ID, 1, NOW)
    stream.update(ROW, NOW)
    return stream


def kinds(events: list[VenueEvent]) -> list[str]:
    return [event.kind for event in events]


def test_an_order_is_accepted_once() -> None:
    stream = sent()
    (event,) = stream.update(ROW, NOW)
    assert (event.kind, event.client_order_id, event.leaves_base) == ("accepted", ID, D(10))
    assert stream.update(ROW, NOW) == []
    assert stream.update(replace(ROW, leaves_base=D(6)), NOW) == []


def test_a_fill_is_told_once_with_what_is_left() -> None:
    stream = standing()
    (event,) = stream.fill(FILL, NOW)
    assert (event.kind, event.qty_base, event.leaves_base) == ("fill", D(4), D(6))
    assert (event.trade_id, event.fee_quote, event.fee_asset, event.maker) == ("1001-7", D("0.2"), "USDC", True)
    assert stream.fill(FILL, NOW) == []


def test_a_fill_may_come_before_the_answer() -> None:
    accepted, fill = sent().fill(FILL, NOW)
    assert (accepted.kind, accepted.leaves_base) == ("accepted", D(10))
    assert (fill.kind, fill.leaves_base) == ("fill", D(6))


def test_a_fill_without_cloid_waits_until_its_order_is_known() -> None:
    stream = sent()
    assert stream.fill(replace(FILL, cloid=None), NOW) == []
    assert kinds(stream.acked(ID, 1, NOW)) == ["accepted", "fill"]
    assert stream.update(ROW, NOW) == []


def test_the_end_is_told_once_with_the_venues_word() -> None:
    stream = standing()
    (event,) = stream.update(replace(ROW, status="reduceOnlyCanceled"), NOW)
    assert (event.kind, event.detail) == ("canceled", "reduceOnlyCanceled")
    assert stream.update(replace(ROW, status="canceled"), NOW) == []


def test_a_filled_order_ends_with_its_fills() -> None:
    assert standing().update(replace(ROW, status="filled", leaves_base=D(0)), NOW) == []


def test_the_rest_of_an_order_that_took_what_was_there_expires() -> None:
    assert kinds(standing().update(replace(ROW, status="filled", leaves_base=D(6)), NOW)) == ["expired"]


def test_a_triggered_stop_keeps_its_number_and_is_linked_at_once() -> None:
    stream = standing()
    assert kinds(stream.update(replace(ROW, status="triggered"), NOW)) == ["triggered", "linked"]
    assert stream.update(replace(ROW, status="triggered"), NOW) == []


def test_what_was_refused_is_not_told_again() -> None:
    stream = sent()
    stream.refused(ID)
    assert stream.update(replace(ROW, status="iocCancelRejected"), NOW) == []


def test_a_rejection_heard_first_is_told() -> None:
    assert kinds(sent().update(replace(ROW, status="perpMarginRejected"), NOW)) == ["rejected"]


# ── a modification is a cancel and a new number ───────────────────────────────

NEW = replace(ROW, oid=2, qty_base=D(5), leaves_base=D(5))
OLD_END = replace(ROW, status="canceled")


def test_the_old_numbers_end_is_not_the_orders() -> None:
    for order in ((NEW, OLD_END), (OLD_END, NEW)):
        stream = standing()
        stream.replacing(ID)
        events = [event for row in order for event in stream.update(row, NOW)]
        assert kinds(events) == ["amended"]
        assert events[0].qty_base == D(5)


def test_the_answer_and_the_stream_tell_a_replacement_once() -> None:
    stream = standing()
    stream.replacing(ID)
    assert kinds(stream.replaced(ID, 2, replace(TERMS, qty_base=D(5)), NOW)) == ["amended"]
    assert stream.update(NEW, NOW) == []
    assert stream.update(OLD_END, NOW) == []


def test_fills_of_the_new_number_wait_for_it() -> None:
    stream = standing()
    stream.replacing(ID)
    early = replace(FILL, oid=2, ref="1002-8")
    assert stream.fill(early, NOW) == []
    events = stream.replaced(ID, 2, replace(TERMS, qty_base=D(5)), NOW)
    assert kinds(events) == ["amended", "fill"]
    assert events[1].leaves_base == D(1)


def test_what_was_filled_before_counts_in_the_whole_quantity() -> None:
    stream = standing()
    stream.fill(FILL, NOW)
    stream.replacing(ID)
    (event,) = stream.replaced(ID, 2, replace(TERMS, qty_base=D(5)), NOW)
    assert (event.qty_base, event.leaves_base) == (D(9), D(5))


def test_a_late_fill_of_the_old_number_makes_the_order_larger() -> None:
    stream = standing()
    stream.replacing(ID)
    stream.replaced(ID, 2, replace(TERMS, qty_base=D(5)), NOW)
    grown, fill = stream.fill(FILL, NOW)
    assert (grown.kind, grown.qty_base) == ("amended", D(9))
    assert (fill.kind, fill.leaves_base) == ("fill", D(5))


def test_an_end_that_was_held_back_is_told_when_nothing_was_replaced() -> None:
    stream = standing()
    stream.replacing(ID)
    assert stream.update(OLD_END, NOW) == []
    assert kinds(stream.kept(ID, NOW)) == ["canceled"]


# ── others, snapshots ─────────────────────────────────────────────────────────


def test_an_attached_stop_has_the_name_the_desk_gave_it() -> None:
    stream = sent()
    cloid = str(cloid_of(STOP))
    stream.sent(STOP, cloid, replace(TERMS, side="sell", trigger_price=D(90)))
    (event,) = stream.update(replace(ROW, oid=9, cloid=cloid, side="sell"), NOW)
    assert (event.kind, event.client_order_id) == ("accepted", STOP)


def test_an_order_of_someone_else_is_known_by_its_number() -> None:
    (event,) = UserStream().update(replace(ROW, cloid=None), NOW)
    assert (event.kind, event.client_order_id) == ("accepted", "oid:1")


def test_the_snapshot_tells_only_what_is_ours_and_new() -> None:
    stream = standing()
    stream.fill(FILL, NOW)
    missed = replace(FILL, ref="1002-9", qty_base=D(1))
    foreign = replace(FILL, oid=77, cloid="0x" + "cd" * 16, ref="900-1")
    events = stream.snapshot([foreign, FILL, missed], NOW)
    assert [event.trade_id for event in events] == ["1002-9"]


def test_a_liquidation_is_a_fill_and_says_so() -> None:
    row = replace(FILL, oid=50, cloid=None, liquidation=True, direction="Liquidated Cross Long")
    events = UserStream().fill(row, NOW)
    assert kinds(events) == ["fill", "liquidation"]
    assert events[0].client_order_id == "oid:50"
    assert events[1].detail == "Liquidated Cross Long 4 BTC at 100"
