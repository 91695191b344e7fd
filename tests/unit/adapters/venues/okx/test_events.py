"""Every recorded frame of OKX's private sockets is read, in base units and under the desk's names."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from made_samples import frames, present

from chanflow.adapters.venues.okx.events import Heard, Reader
from chanflow.adapters.venues.okx.sizes import Contract, Contracts
from chanflow.domain.instrument import Instrument
from chanflow.execution.ports import VenueEvent

D = Decimal
RECV_NS = 1_700_000_000_000_000_000
OURS = "q" + "a" * 26


def contract(symbol: str, each: str) -> Contract:
    rules = Instrument(symbol, "X", "USDT", D("0.1"), D("0.001"), D("0.001"), D(0), D(0), D(0))
    return Contract(rules, D(each), D("0.01"))


CONTRACTS = Contracts({
    name: contract(name, each)
    for name, each in [("BTC-USDT-SWAP", "0.01"), ("ETH-USDT-SWAP", "0.1"), ("BTC-USDT", "1"), ("BTC-USDC", "1"),
                       ("BTC-USD-SWAP", "1")]
})  # fmt: skip


def heard(frame: Any, reader: Reader | None = None) -> Heard:
    data = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return (reader or Reader(CONTRACTS)).take(data, RECV_NS)


def nautilus(name: str, reader: Reader | None = None) -> tuple[VenueEvent, ...]:
    return heard((present("nautilus_okx") / f"{name}.json").read_bytes(), reader).events


def jkorf(name: str) -> list[Heard]:
    found = [heard(frame) for frame in frames(present("jkorf_okx/subscriptions/Unified") / f"{name}.txt")]
    assert found
    return found


@pytest.mark.golden
@pytest.mark.parametrize(
    ("name", "kinds"),
    [("ws_orders", ["fill"]), ("ws_orders_ioc", ["fill"]), ("ws_orders_fok", ["fill"]),
     ("ws_orders_optimal_limit_ioc", ["fill"]), ("ws_orders_trigger", ["fill"]),
     ("ws_orders_liquidation", ["liquidation"]), ("ws_orders_adl", ["liquidation"]),
     ("ws_orders_algo", ["accepted", "accepted", "triggered", "linked", "canceled", "linked"]),
     ("ws_account", []), ("ws_account_empty", [])],
)  # fmt: skip
def test_a_recorded_frame_is_its_events(name: str, kinds: list[str]) -> None:
    assert [event.kind for event in nautilus(name)] == kinds


@pytest.mark.golden
@pytest.mark.parametrize(
    ("name", "kinds"),
    [("Trading/Order", ["fill"]), ("Trading/AlgoOrder", ["accepted"]), ("Trading/LiquidationWarning", ["account"]),
     ("Trading/Position", []), ("Account/Balance", []), ("Account/BalanceAndPosition", []), ("Trading/UserTrade", [])],
)  # fmt: skip
def test_another_librarys_recorded_frame_is_its_events(name: str, kinds: list[str]) -> None:
    assert [[event.kind for event in found.events] for found in jkorf(name)] == [kinds]


@pytest.mark.golden
def test_a_recorded_fill_is_in_base_units_with_what_was_paid() -> None:
    (event,) = nautilus("ws_orders")
    assert (event.client_order_id, event.trade_id, event.price) == (
        "001BTCUSDT20250106001",
        "1518905529",
        D("103698.9"),
    )
    assert (event.qty_base, event.leaves_base) == (D("0.0003"), D(0))
    assert (event.fee_quote, event.fee_asset, event.maker) == (D("0.021776769"), "USDT", True)
    assert event.event_ns == 1_746_947_317_402_000_000


@pytest.mark.golden
def test_the_child_of_a_recorded_stop_is_told_under_the_stops_id() -> None:
    reader = Reader(CONTRACTS)
    nautilus("ws_orders_algo", reader)
    (fill,) = nautilus("ws_orders_trigger", reader)
    assert (fill.kind, fill.client_order_id) == ("fill", "STOP003BTCUSDT20250120")


@pytest.mark.golden
def test_a_recorded_liquidation_says_what_was_done() -> None:
    (event,) = nautilus("ws_orders_liquidation")
    assert (
        event.detail == "BTC-USDT-SWAP: the venue has ordered sell 0.005 (full_liquidation, filled), 0.005 at 40000.0"
    )


def order(**changes: Any) -> dict[str, Any]:
    row = {
        "clOrdId": OURS, "ordId": "77", "instId": "BTC-USDT-SWAP", "side": "buy", "state": "live", "sz": "1",
        "accFillSz": "0", "uTime": "5", "algoClOrdId": "", "algoId": "", "category": "normal", "tradeId": "",
        "fillSz": "0", **changes,
    }  # fmt: skip
    return {"arg": {"channel": "orders", "instType": "SWAP"}, "data": [row]}


def algo(**changes: Any) -> dict[str, Any]:
    row = {"algoClOrdId": f"{OURS}sl", "algoId": "5", "instId": "BTC-USDT-SWAP", "side": "sell", "state": "live",
           "sz": "1", "uTime": "5", "cTime": "5", "ordId": "", **changes}  # fmt: skip
    return {"arg": {"channel": "orders-algo", "instType": "SWAP"}, "data": [row]}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [({}, "accepted"), ({"state": "mmp_canceled"}, "canceled"),
     ({"state": "canceled", "cancelSource": "1"}, "canceled"),
     ({"state": "canceled", "cancelSource": "14"}, "expired"), ({"state": "canceled", "cancelSource": "13"}, "expired"),
     ({"algoClOrdId": f"{OURS}sl", "algoId": "5"}, "linked"), ({"amendResult": "0"}, "amended"),
     ({"amendResult": "-1", "code": "51511", "msg": "post only"}, "amend_rejected")],
)  # fmt: skip
def test_a_row_is_a_kind_of_event(changes: dict[str, Any], kind: str) -> None:
    assert [event.kind for event in heard(order(**changes)).events] == [kind]


def test_an_amendment_that_fills_at_once_is_both() -> None:
    row = {"amendResult": "0", "state": "partially_filled", "accFillSz": "0.4", "fillSz": "0.4", "tradeId": "9",
           "fillPx": "60000", "fillFee": "-0.1", "fillFeeCcy": "USDT", "sz": "2"}  # fmt: skip
    first, second = heard(order(**row)).events
    assert (first.kind, first.qty_base, second.kind, second.qty_base) == ("amended", D("0.02"), "fill", D("0.004"))


def test_an_attached_exit_has_the_desks_name() -> None:
    (event,) = heard(algo()).events
    assert (event.kind, event.client_order_id, event.qty_base) == ("accepted", f"{OURS}-sl", D("0.01"))


def test_a_refused_exit_is_a_rejection_with_its_code() -> None:
    (event,) = heard(algo(state="order_failed", failCode="51008")).events
    assert (event.kind, event.detail) == ("rejected", "code 51008")


def test_a_fill_that_tells_only_the_orders_whole_fee_is_refused() -> None:
    with pytest.raises(ValueError, match="no fee of its own"):
        heard(order(state="filled", accFillSz="1", fillSz="0.4", tradeId="9", fillPx="1", fee="-1", feeCcy="USDT"))


def test_funding_is_word_about_the_account() -> None:
    row = {"pTime": "5", "eventType": "funding_fee", "balData": [{"ccy": "USDT", "cashBal": "99"}]}
    (event,) = heard({"arg": {"channel": "balance_and_position"}, "data": [row]}).events
    assert (event.kind, event.detail) == ("account", "funding_fee: USDT 99")


def test_a_push_that_does_not_follow_the_last_is_a_gap() -> None:
    reader = Reader(CONTRACTS)
    assert [e.kind for e in heard({**order(), "prevSeqId": -1, "seqId": 10}, reader).events] == ["accepted"]
    assert [e.kind for e in heard({**order(), "prevSeqId": 10, "seqId": 12}, reader).events] == ["accepted"]
    assert [e.kind for e in heard({**order(), "prevSeqId": 13, "seqId": 14}, reader).events] == ["gap", "accepted"]
    reader.fresh()
    assert [e.kind for e in heard({**order(), "prevSeqId": 20, "seqId": 21}, reader).events] == ["accepted"]


@pytest.mark.parametrize(
    ("frame", "found"),
    [({"event": "login", "code": "0", "msg": ""}, Heard(login=True)), (b"pong", Heard()),
     ({"event": "subscribe", "arg": {"channel": "orders"}}, Heard(subscribed="orders")),
     ({"event": "channel-conn-count", "channel": "orders"}, Heard()),
     ({"event": "error", "code": "60009", "msg": "Login failed."},
      Heard(useless="OKX refused with 60009: Login failed.")),
     ({"event": "notice", "code": "64008", "msg": "upgrade"}, Heard(useless="OKX will end the connection: upgrade"))],
)  # fmt: skip
def test_words_about_the_connection_are_understood(frame: Any, found: Heard) -> None:
    assert heard(frame) == found


@pytest.mark.parametrize(
    "frame",
    [b"", b"[1]", b"{}", order(state="odd"), order(instId="KNOWN-TO-NOBODY"), order(sz=1.5), algo(state="odd"),
     {"arg": {"channel": "orders"}}],
)  # fmt: skip
def test_a_frame_that_cannot_be_read_is_refused(frame: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        heard(frame)
