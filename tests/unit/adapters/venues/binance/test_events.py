"""Every recorded frame of the user stream is read, and a triggered stop lives on under its own id."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from made_samples import frames, present

from chanflow.adapters.venues.binance.events import Heard, Reader
from chanflow.execution.ports import Action, VenueEvent

RECV_NS = 1_700_000_000_000_000_000
OURS = "q" + "a" * 26


def heard(frame: Any, reader: Reader | None = None) -> Heard:
    return (reader or Reader()).take(frame if isinstance(frame, bytes) else json.dumps(frame).encode(), RECV_NS)


def nautilus(name: str) -> Heard:
    return heard((present("nautilus_binance/futures/user_data_json") / f"{name}.json").read_bytes())


def jkorf(name: str) -> list[Heard]:
    found = [heard(frame) for frame in frames(present("jkorf_binance_subscriptions/UsdFutures") / f"{name}.txt")]
    assert found
    return found


def one(found: Heard) -> VenueEvent:
    (event,) = found.events
    return event


@pytest.mark.golden
@pytest.mark.parametrize(
    ("name", "kind"),
    [("order_update_new", "accepted"), ("order_update_trade", "fill"), ("order_update_trade_partial", "fill"),
     ("order_update_calculated", "liquidation"), ("order_update_calculated_pending", "liquidation"),
     ("order_update_adl", "liquidation"), ("order_update_insurance", "liquidation"),
     ("order_update_settlement", "liquidation"), ("order_update_delivery", "liquidation"),
     ("algo_update_new", "accepted"), ("algo_update_canceled", "canceled")],
)  # fmt: skip
def test_a_recorded_frame_is_one_event(name: str, kind: str) -> None:
    event = one(nautilus(name))
    assert event.kind == kind
    assert event.client_order_id
    assert event.known_ns == RECV_NS


@pytest.mark.golden
@pytest.mark.parametrize("name", ["account_update", "account_update_bnfcr", "trade_lite"])
def test_what_orders_tell_themselves_is_passed_over(name: str) -> None:
    assert nautilus(name) == Heard()


@pytest.mark.golden
@pytest.mark.parametrize(
    ("name", "kind"),
    [("OrderUpdate", "accepted"), ("AlgoOrderUpdate", "canceled"), ("ConditionalTrigger", "account"),
     ("Leverage", "account"), ("MarginUpdate", "account"), ("MultiAssetMode", "account")],
)  # fmt: skip
def test_another_librarys_recorded_frame_is_one_event(name: str, kind: str) -> None:
    assert [one(found).kind for found in jkorf(name)] == [kind]


@pytest.mark.golden
@pytest.mark.parametrize("name", ["AccountUpdate", "TradeUpdate", "StrategyUpdate", "GridUpdate"])
def test_another_librarys_frames_without_news_are_passed_over(name: str) -> None:
    assert jkorf(name) == [Heard()]


@pytest.mark.golden
def test_a_recorded_fill_has_all_its_figures() -> None:
    event = one(nautilus("order_update_trade_partial"))
    assert (event.trade_id, event.price, event.qty_base, event.leaves_base) == (
        "12345678", Decimal("7100.50"), Decimal("0.001"), Decimal("0.001"),
    )  # fmt: skip
    assert (event.fee_quote, event.fee_asset, event.maker) == (Decimal("0.01"), "USDT", True)
    assert event.event_ns == 1_568_879_465_651_000_000


@pytest.mark.golden
def test_a_recorded_liquidation_says_what_was_done() -> None:
    event = one(nautilus("order_update_calculated"))
    assert event.detail == (
        "BTCUSDT: the venue has ordered sell 0.014 (autoclose-1234567890, FILLED), 0.014 at 9910.12"
    )


@pytest.mark.golden
def test_recorded_leverage_is_told_by_symbol() -> None:
    assert [found.leverage for found in jkorf("Leverage")] == [{"BTCUSDT": 25}]


def order(execution: str = "TRADE", order_id: int = 901, **changes: Any) -> dict[str, Any]:
    row = {
        "s": "BTCUSDT", "c": OURS, "S": "SELL", "o": "MARKET", "q": "0.010", "x": execution, "X": "FILLED",
        "i": order_id, "l": "0.010", "z": "0.010", "L": "59000", "N": "USDT", "n": "0.3", "t": 7, "m": False, **changes,
    }  # fmt: skip
    return {"e": "ORDER_TRADE_UPDATE", "T": 5, "E": 6, "o": row}


def algo(status: str, child: str = "", **changes: Any) -> dict[str, Any]:
    row = {"caid": OURS, "s": "BTCUSDT", "S": "SELL", "q": "0.010", "X": status, "ai": child, "aq": "0", **changes}
    return {"e": "ALGO_UPDATE", "T": 5, "E": 6, "o": row}


@pytest.mark.parametrize(
    ("execution", "status", "kind"),
    [("NEW", "NEW", "accepted"), ("CANCELED", "CANCELED", "canceled"), ("EXPIRED", "EXPIRED", "expired"),
     ("EXPIRED", "EXPIRED_IN_MATCH", "expired"), ("TRADE_PREVENTION", "EXPIRED_IN_MATCH", "expired"),
     ("AMENDMENT", "NEW", "amended"), ("REJECTED", "REJECTED", "rejected")],
)  # fmt: skip
def test_an_execution_type_is_a_kind_of_event(execution: str, status: str, kind: str) -> None:
    assert one(heard(order(execution, X=status))).kind == kind


def test_an_amendment_tells_the_whole_new_quantity() -> None:
    event = one(heard(order("AMENDMENT", q="0.025", z="0.005")))
    assert (event.qty_base, event.leaves_base) == (Decimal("0.025"), Decimal("0.020"))


@pytest.mark.parametrize(
    "client_id", ["autoclose-1", "adl_autoclose", "adl_autoclose_77", "settlement_autoclose-3", "delivery_autoclose-1"]
)
def test_an_order_of_the_venues_making_is_a_liquidation(client_id: str) -> None:
    assert one(heard(order("TRADE", c=client_id))).kind == "liquidation"


@pytest.mark.parametrize(
    ("status", "kind"),
    [("NEW", "accepted"), ("TRIGGERING", "triggered"), ("TRIGGERED", "triggered"), ("CANCELED", "canceled"),
     ("REJECTED", "rejected"), ("EXPIRED", "expired")],
)  # fmt: skip
def test_a_conditional_orders_status_is_a_kind_of_event(status: str, kind: str) -> None:
    assert one(heard(algo(status))).kind == kind


def test_a_trailing_stop_that_is_new_twice_is_accepted_twice() -> None:
    reader = Reader()
    assert [one(heard(algo("NEW"), reader)).kind for _ in range(2)] == ["accepted", "accepted"]


def test_the_child_of_a_stop_is_told_under_the_stops_id() -> None:
    reader = Reader()
    kinds = [event.kind for event in heard(algo("TRIGGERED", "901"), reader).events]
    fill = one(heard(order("TRADE", c="made-by-the-venue"), reader))
    assert kinds == ["triggered", "linked"]
    assert (fill.kind, fill.client_order_id, fill.trade_id) == ("fill", OURS, "7")


def test_a_child_that_was_heard_before_its_link_is_told_again_under_the_stops_id() -> None:
    reader = Reader()
    heard(order("NEW", c="made-by-the-venue"), reader)
    heard(order("TRADE", c="made-by-the-venue"), reader)
    events = heard(algo("FINISHED", "901"), reader).events
    assert [(event.kind, event.client_order_id) for event in events] == [("linked", OURS), ("fill", OURS)]


def test_a_child_that_bears_the_stops_own_id_links_it() -> None:
    reader = Reader()
    reader.expect(OURS)
    assert one(heard(order("NEW"), reader)).kind == "linked"


def test_a_link_is_told_once() -> None:
    reader = Reader()
    told = [event.kind for status in ("TRIGGERED", "FINISHED") for event in heard(algo(status, "901"), reader).events]
    assert told == ["triggered", "linked"]


def test_a_refusal_at_the_trigger_is_the_stops_where_the_link_is_known() -> None:
    reader = Reader()
    reader.link("901", OURS)
    frame = {"e": "CONDITIONAL_ORDER_TRIGGER_REJECT", "E": 5, "T": 6, "or": {"s": "BTCUSDT", "i": 901, "r": "why"}}
    event = one(heard(frame, reader))
    assert (event.kind, event.client_order_id, event.action) == ("rejected", OURS, Action.REPLAN)


def test_funding_is_word_about_the_account() -> None:
    data = {"m": "FUNDING_FEE", "B": [{"a": "USDT", "wb": "1", "cw": "1", "bc": "-0.25"}], "P": []}
    event = one(heard({"e": "ACCOUNT_UPDATE", "E": 6, "T": 5, "a": data}))
    assert (event.kind, event.detail) == ("account", "FUNDING_FEE: USDT -0.25")


def test_an_expired_key_is_noticed() -> None:
    assert heard({"e": "listenKeyExpired", "E": 1, "listenKey": "k"}).key_gone


def test_frames_of_combined_streams_are_unwrapped() -> None:
    assert one(heard({"stream": "k", "data": order()})).kind == "fill"


def test_events_of_no_kind_we_know_are_passed_over() -> None:
    assert heard({"e": "SOMETHING_NEW", "E": 1}) == Heard()
    assert heard({"result": None, "id": 1}) == Heard()


@pytest.mark.parametrize(
    "frame",
    [b"", b"[", b"[1]", b"7", b"[" * 100_000, json.dumps(order("TRADE", l=1.5)).encode(),
     json.dumps(order("WHAT")).encode(), json.dumps(algo("WHAT")).encode(), b'{"e": "ORDER_TRADE_UPDATE"}',
     b'{"e": "ALGO_UPDATE", "o": null}'],
)  # fmt: skip
def test_a_frame_that_cannot_be_read_is_refused(frame: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        heard(frame)
