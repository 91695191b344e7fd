"""The Binance venue against a scripted venue on loopback: what is sent, and what each answer comes to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from made_loopback import KEY, SECRET, Answer, Loopback, refused

from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.transport.websocket import PicowsConnector
from chanflow.adapters.venues.binance.addresses import Addresses
from chanflow.adapters.venues.binance.venue import BinanceVenue
from chanflow.domain.errors import OrderFateUnknown, VenueBusy, VenueRejected
from chanflow.domain.order import OrderState
from chanflow.execution.ports import (
    Accepted,
    Action,
    FillCursor,
    NotFound,
    OrderChange,
    OrderRef,
    Unknown,
    VenueEvent,
    VenueOrder,
    VenueOrderState,
    VenueRefused,
)
from chanflow.runtime.clock import SystemClock

D = Decimal
ID, STOP_ID = "q" + "a" * 26, "q" + "b" * 26
ENTRY = VenueOrder(ID, "BTCUSDT", "buy", D("0.010"), False, D("60000.0"), None, None, "gtc", leverage=3)
EXIT = VenueOrder(ID, "BTCUSDT", "sell", D("0.010"), True, None, None, None)
STOP = VenueOrder(
    STOP_ID, "BTCUSDT", "sell", D("0.010"), True, None, None, None, conditional="stop_market", trigger_price=D("59000")
)
ORDER_POST, ALGO_POST = "POST /fapi/v1/order", "POST /fapi/v1/algoOrder"


async def next_event(events: AsyncIterator[VenueEvent]) -> VenueEvent:
    return await asyncio.wait_for(anext(events), 300)


def order_row(**changes: Any) -> dict[str, Any]:
    return {
        "clientOrderId": ID, "symbol": "BTCUSDT", "side": "BUY", "status": "PARTIALLY_FILLED", "origQty": "0.010",
        "executedQty": "0.004", "avgPrice": "59990.5", "reduceOnly": False, "updateTime": 1700000000000,
        "type": "LIMIT", "origType": "LIMIT", "price": "60000.0", "stopPrice": "0", "orderId": 77, **changes,
    }  # fmt: skip


def algo_row(**changes: Any) -> dict[str, Any]:
    return {
        "clientAlgoId": STOP_ID, "algoId": 5, "symbol": "BTCUSDT", "side": "SELL", "algoStatus": "NEW",
        "orderType": "STOP_MARKET", "quantity": "0.010", "triggerPrice": "59000.0", "price": "0.0",
        "reduceOnly": True, "updateTime": 1700000000000, "actualOrderId": "", **changes,
    }  # fmt: skip


# ── what is sent ──────────────────────────────────────────────────────────────


async def test_an_opening_sets_margin_and_leverage_first_and_once(loopback: Loopback, venue: BinanceVenue) -> None:
    assert await venue.submit(ENTRY) == Accepted()
    assert await venue.submit(replace(ENTRY, client_order_id=STOP_ID)) == Accepted()
    sent = [one.line for one in loopback.asked if one.method == "POST" and "listenKey" not in one.path]
    assert sent == ["POST /fapi/v1/marginType", "POST /fapi/v1/leverage", ORDER_POST, ORDER_POST]
    assert loopback.of("POST /fapi/v1/leverage")[0].params["leverage"] == "3"


async def test_a_reducing_order_sets_nothing(loopback: Loopback, venue: BinanceVenue) -> None:
    await venue.submit(EXIT)
    sent = [one.line for one in loopback.asked if one.method == "POST" and "listenKey" not in one.path]
    assert sent == [ORDER_POST]
    assert loopback.of(ORDER_POST)[0].params["reduceOnly"] == "true"


async def test_requests_are_signed_with_our_id_the_venues_time_and_no_broker(
    loopback: Loopback, venue: BinanceVenue
) -> None:
    await venue.submit(ENTRY)
    await venue.submit(STOP)
    plain, algo = loopback.of(ORDER_POST)[0], loopback.of(ALGO_POST)[0]
    assert loopback.bad_signatures == []
    assert plain.params["newClientOrderId"] == ID
    assert algo.params["clientAlgoId"] == STOP_ID
    assert plain.params["recvWindow"] == "5000"
    assert plain.at_ms is not None
    assert abs(plain.at_ms - loopback.now_ms()) < 1_000
    everything = " ".join(f"{one.raw} {one.headers}" for one in loopback.asked).lower()
    assert not any(
        tag in everything for tag in ("x-cvbprnm9", "x-tkt5px2f", "x-xctkghcu", "xcktghcu", "referr", "broker")
    )


async def test_no_address_but_the_given_ones_can_be_reached(loopback: Loopback, venue: BinanceVenue) -> None:
    addresses = venue._rest._door._exchange.urls["api"]
    assert {url.removeprefix(loopback.rest).split("/")[1] for url in addresses.values()} == {"fapi", "futures"}
    assert all(url.startswith(loopback.rest) for url in addresses.values())


async def test_no_secret_is_told(loopback: Loopback, venue: BinanceVenue, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    loopback.plan(ORDER_POST, Answer(how="lost"), refused(-1022), Answer(b"", 503))
    outcomes = [await venue.submit(EXIT) for _ in range(3)]
    told = f"{caplog.text} {outcomes} {venue!r} {vars(venue)}"
    assert not any(word in told for word in (SECRET, "signature="))


async def test_a_stop_goes_to_the_algo_endpoint_and_triggers_on_the_mark(
    loopback: Loopback, venue: BinanceVenue
) -> None:
    assert await venue.submit(STOP) == Accepted()
    sent = loopback.of(ALGO_POST)[0].params
    assert (sent["algoType"], sent["type"], sent["workingType"]) == ("CONDITIONAL", "STOP_MARKET", "MARK_PRICE")
    assert (sent["triggerPrice"], sent["quantity"], sent["reduceOnly"]) == ("59000", "0.010", "true")
    assert loopback.of(ORDER_POST) == []


async def test_attached_stops_are_refused_before_anything_leaves(loopback: Loopback, venue: BinanceVenue) -> None:
    outcome = await venue.submit(replace(ENTRY, stop_price=D("59000")))
    assert isinstance(outcome, VenueRefused)
    assert outcome.action is Action.FIX_RULES
    assert loopback.of(ORDER_POST) == []


async def test_a_cancel_of_unknown_kind_is_tried_at_both_endpoints(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("DELETE /fapi/v1/order", refused(-2011))
    loopback.plan("DELETE /fapi/v1/algoOrder", Answer({"code": "200", "msg": "success"}))
    assert await venue.cancel(OrderRef("BTCUSDT", STOP_ID)) == Accepted()
    assert loopback.of("DELETE /fapi/v1/order")[0].params["origClientOrderId"] == STOP_ID
    assert loopback.of("DELETE /fapi/v1/algoOrder")[0].params["clientAlgoId"] == STOP_ID


async def test_a_cancel_of_a_known_stop_goes_straight_to_its_endpoint(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("DELETE /fapi/v1/algoOrder", Answer({"code": "200", "msg": "success"}))
    await venue.submit(STOP)
    await venue.cancel(OrderRef("BTCUSDT", STOP_ID))
    assert loopback.of("DELETE /fapi/v1/order") == []


async def test_a_cancel_that_neither_endpoint_knows_asks_for_the_order(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("DELETE /fapi/v1/order", refused(-2011))
    loopback.plan("DELETE /fapi/v1/algoOrder", refused(-2011))
    outcome = await venue.cancel(OrderRef("BTCUSDT", STOP_ID))
    assert isinstance(outcome, VenueRefused)
    assert outcome.action is Action.ASK_ORDER


async def test_an_amendment_repeats_the_terms_that_stay(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("PUT /fapi/v1/order", Answer({"orderId": 1}))
    await venue.submit(ENTRY)
    assert await venue.amend(OrderRef("BTCUSDT", ID), OrderChange(limit_price=D("60001.5"))) == Accepted()
    sent = loopback.of("PUT /fapi/v1/order")[0].params
    assert (sent["side"], sent["quantity"], sent["price"]) == ("BUY", "0.010", "60001.5")


async def test_the_dead_man_switch_is_armed_for_each_symbol(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("POST /fapi/v1/countdownCancelAll", Answer({"symbol": "BTCUSDT", "countdownTime": "60000"}))
    assert await venue.arm_dead_man(60_000) == Accepted()
    sent = loopback.of("POST /fapi/v1/countdownCancelAll")[0].params
    assert (sent["symbol"], sent["countdownTime"]) == ("BTCUSDT", "60000")


# ── what answers come to ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "answer",
    [
        Answer(how="lost"),
        Answer({"orderId": 1, "status": "NEW"}, how="cut"),
        Answer(b"<html>bad gateway</html>", 502),
        Answer(b'{"orderId": 1, ', 200),
        Answer({"code": -1000, "msg": "An unknown error occurred"}, 400),
        Answer({"code": -1006, "msg": "unexpected response"}, 400),
        Answer({"code": -1007, "msg": "Timeout waiting for response"}, 408),
        Answer({"code": -1000, "msg": "Unknown error, please check your request or try again later."}, 503),
        Answer(b"", 503),
    ],
    ids=["lost", "cut", "502", "half a body", "-1000", "-1006", "-1007", "503 with a code", "503 empty"],
)
async def test_an_answer_that_is_no_verdict_is_unknown(loopback: Loopback, venue: BinanceVenue, answer: Answer) -> None:
    loopback.plan(ORDER_POST, answer)
    assert isinstance(await venue.submit(EXIT), Unknown)
    assert len(loopback.of(ORDER_POST)) == 1


@pytest.mark.parametrize(
    ("code", "action"),
    [(-2019, Action.REFRESH_ACCOUNT), (-2022, Action.RECONCILE), (-4116, Action.ASK_DUPLICATE),
     (-1111, Action.FIX_RULES), (-2021, Action.REPLAN), (-4061, Action.HALT_SETTINGS), (-2015, Action.HALT_ACCOUNT)],
)  # fmt: skip
async def test_a_code_is_a_refusal_with_its_action(
    loopback: Loopback, venue: BinanceVenue, code: int, action: Action
) -> None:
    loopback.plan(ORDER_POST, refused(code))
    assert await venue.submit(EXIT) == VenueRefused(code, "why", action)


async def test_a_stale_timestamp_sets_the_clock_and_is_signed_again_once(
    loopback: Loopback, venue: BinanceVenue
) -> None:
    loopback.plan(ORDER_POST, refused(-1021), Answer({"orderId": 1}))
    before = len(loopback.of("GET /fapi/v1/time"))
    assert await venue.submit(EXIT) == Accepted()
    assert len(loopback.of("GET /fapi/v1/time")) == before + 5
    assert len({one.params["newClientOrderId"] for one in loopback.of(ORDER_POST)}) == 1


async def test_a_timestamp_that_stays_stale_is_refused_after_the_second_time(
    loopback: Loopback, venue: BinanceVenue
) -> None:
    loopback.plan(ORDER_POST, refused(-1021))
    outcome = await venue.submit(EXIT)
    assert isinstance(outcome, VenueRefused)
    assert outcome.action is Action.RESYNC_CLOCK
    assert len(loopback.of(ORDER_POST)) == 2


async def test_a_rate_limit_stops_everything_until_its_end(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan(ORDER_POST, Answer({"code": -1003, "msg": "Too many requests"}, 429, {"Retry-After": "30"}))
    first, second = await venue.submit(EXIT), await venue.submit(EXIT)
    assert isinstance(first, VenueRefused)
    assert first.action is Action.PAUSE
    assert isinstance(second, VenueRefused)
    assert "the venue asked for quiet" in second.message
    assert len(loopback.of(ORDER_POST)) == 1
    with pytest.raises(VenueBusy, match="quiet"):
        await venue.positions()


async def test_too_many_orders_told_by_code_is_a_short_pause(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan(ORDER_POST, refused(-1015))
    before_ns = time.time_ns()
    await venue.submit(EXIT)
    until_ns = venue.allowance._paused_ns
    assert before_ns + 5_000_000_000 <= until_ns <= time.time_ns() + 5_000_000_000


async def test_what_is_left_near_the_limit_is_kept_for_reducing(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan(ORDER_POST, Answer({"orderId": 1}, headers={"X-MBX-ORDER-COUNT-1M": "1000"}))
    await venue.submit(EXIT)
    opening = await venue.submit(ENTRY)
    assert isinstance(opening, VenueRefused)
    assert "leave no room" in opening.message
    assert await venue.submit(EXIT) == Accepted()


async def test_an_opening_whose_leverage_is_not_set_does_not_leave(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("POST /fapi/v1/leverage", Answer(how="lost"))
    outcome = await venue.submit(ENTRY)
    assert isinstance(outcome, VenueRefused)
    assert "not sent: leverage 3 of BTCUSDT" in outcome.message
    assert loopback.of(ORDER_POST) == []


async def test_a_margin_type_that_is_set_already_is_no_fault(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("POST /fapi/v1/marginType", refused(-4046))
    assert await venue.submit(ENTRY) == Accepted()


# ── questions ─────────────────────────────────────────────────────────────────


async def test_an_order_is_found_as_it_stands(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("GET /fapi/v1/order", Answer(order_row()))
    found = await venue.order(OrderRef("BTCUSDT", ID))
    assert isinstance(found, VenueOrderState)
    assert (found.state, found.filled_base, found.average_price) == (
        OrderState.PARTIALLY_FILLED,
        D("0.004"),
        D("59990.5"),
    )


async def test_an_order_that_neither_endpoint_knows_is_not_found(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("GET /fapi/v1/order", refused(-2013))
    loopback.plan("GET /fapi/v1/algoOrder", refused(-2013))
    assert await venue.order(OrderRef("BTCUSDT", ID)) == NotFound()


async def test_a_question_about_an_order_without_an_answer_is_unknown(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("GET /fapi/v1/order", refused(-2013))
    loopback.plan("GET /fapi/v1/algoOrder", Answer(how="lost"))
    assert isinstance(await venue.order(OrderRef("BTCUSDT", ID)), Unknown)


async def test_a_triggered_stop_has_the_fills_of_what_it_became(loopback: Loopback, venue: BinanceVenue) -> None:
    await venue.submit(STOP)
    loopback.plan("GET /fapi/v1/algoOrder", Answer(algo_row(algoStatus="FINISHED", actualOrderId="901")))
    child = order_row(clientOrderId="whatever", status="FILLED", executedQty="0.010", avgPrice="58990.1", side="SELL")
    loopback.plan("GET /fapi/v1/order", Answer(child))
    found = await venue.order(OrderRef("BTCUSDT", STOP_ID))
    assert isinstance(found, VenueOrderState)
    assert (found.client_order_id, found.state, found.filled_base) == (STOP_ID, OrderState.FILLED, D("0.010"))
    assert found.is_stop


async def test_open_orders_are_those_of_both_kinds(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("GET /fapi/v1/openOrders", Answer([order_row()]))
    loopback.plan("GET /fapi/v1/openAlgoOrders", Answer([algo_row()]))
    found = await venue.open_orders()
    assert [(one.client_order_id, one.is_stop, one.trigger_price) for one in found] == [
        (ID, False, None), (STOP_ID, True, D("59000.0")),
    ]  # fmt: skip


async def test_silence_is_never_taken_for_emptiness(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("GET /fapi/v3/positionRisk", Answer(how="lost"))
    loopback.plan("GET /fapi/v3/balance", refused(-2015))
    loopback.plan("GET /fapi/v1/openOrders", Answer({"rows": []}))
    with pytest.raises(VenueBusy):
        await venue.positions()
    with pytest.raises(OrderFateUnknown, match="-2015"):
        await venue.balances()
    with pytest.raises(OrderFateUnknown, match="a list was expected"):
        await venue.open_orders()


def trade_row(number: int, order_id: int = 77, **changes: Any) -> dict[str, Any]:
    return {
        "id": number, "orderId": order_id, "symbol": "BTCUSDT", "side": "BUY", "price": "60000.0", "qty": "0.001",
        "commission": "0.03", "commissionAsset": "USDT", "maker": False, "time": 1700000000000 + number, **changes,
    }  # fmt: skip


async def test_fills_are_read_page_by_page_from_the_cursor_on(loopback: Loopback, venue: BinanceVenue) -> None:
    first = [trade_row(number) for number in range(11, 1011)]
    loopback.plan("GET /fapi/v1/userTrades", Answer(first), Answer([trade_row(1011), trade_row(1012)]))
    loopback.plan("GET /fapi/v1/order", Answer(order_row()))
    fills = await venue.fills(FillCursor({"BTCUSDT": "10"}))
    assert [one.params["fromId"] for one in loopback.of("GET /fapi/v1/userTrades")] == ["11", "1011"]
    assert len(fills) == 1002
    assert {fill.client_order_id for fill in fills} == {ID}
    assert len(loopback.of("GET /fapi/v1/order")) == 1


async def test_a_fee_in_another_asset_is_priced_at_the_minute_of_the_fill(
    loopback: Loopback, venue: BinanceVenue
) -> None:
    loopback.plan("GET /fapi/v1/userTrades", Answer([trade_row(11, commission="0.0001", commissionAsset="BNB")]))
    loopback.plan("GET /fapi/v1/order", Answer(order_row()))
    loopback.plan("GET /fapi/v1/klines", Answer([[1699999980000, "600.5", "601", "600", "600", "1"]]))
    (fill,) = await venue.fills(FillCursor({}))
    assert (fill.fee_asset, fill.fee_rate_quote, fill.fee_quote) == ("BNB", D("600.5"), D("0.06005"))
    asked = loopback.of("GET /fapi/v1/klines")[0].params
    assert (asked["symbol"], asked["startTime"]) == ("BNBUSDT", "1699999980000")


async def test_a_fill_of_a_triggered_stop_carries_the_stops_id(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("GET /fapi/v1/userTrades", Answer([trade_row(11, order_id=901)]))
    loopback.plan("GET /fapi/v1/order", Answer(order_row(clientOrderId="made-by-the-venue")))
    loopback.plan("GET /fapi/v1/allAlgoOrders", Answer([algo_row(algoStatus="FINISHED", actualOrderId="901")]))
    (fill,) = await venue.fills(FillCursor({}))
    assert fill.client_order_id == STOP_ID


async def test_funding_is_read_once_and_oldest_first(loopback: Loopback, venue: BinanceVenue) -> None:
    row = {"symbol": "BTCUSDT", "incomeType": "FUNDING_FEE", "income": "-0.37", "asset": "USDT", "tranId": "9"}
    loopback.plan("GET /fapi/v1/income", Answer([{**row, "time": 1_700_000_000_000}]))
    (paid,) = await venue.funding(0)
    assert (paid.ref, paid.amount_quote, paid.at_ns) == ("9", D("-0.37"), 1_700_000_000_000_000_000)


async def test_rules_are_the_venues_and_are_kept_for_a_while(loopback: Loopback, venue: BinanceVenue) -> None:
    rules = (await venue.rules())["BTCUSDT"]
    assert (rules.tick, rules.step, rules.min_notional_quote) == (D("0.10"), D("0.001"), D("100"))
    assert (rules.maker_fee_frac, rules.taker_fee_frac) == (D("0.0002"), D("0.0005"))
    await venue.rules()
    assert len(loopback.of("GET /fapi/v1/exchangeInfo")) == 1


async def test_the_clock_is_the_venues(loopback: Loopback, venue: BinanceVenue) -> None:
    sample = await venue.server_time()
    assert abs(sample.offset_ns - 1_700_000_000) < 500_000_000
    assert sample.round_trip_ns > 0


# ── hearing ───────────────────────────────────────────────────────────────────


def trade_frame(**changes: Any) -> dict[str, Any]:
    row = {
        "s": "BTCUSDT", "c": ID, "S": "BUY", "o": "LIMIT", "q": "0.010", "x": "TRADE", "X": "PARTIALLY_FILLED", "i": 77,
        "l": "0.004", "z": "0.004", "L": "60000.0", "N": "USDT", "n": "0.12", "t": 5, "m": True, **changes,
    }  # fmt: skip
    return {"e": "ORDER_TRADE_UPDATE", "T": 1700000000000, "E": 1700000000001, "o": row}


async def test_a_fill_is_heard(loopback: Loopback, venue: BinanceVenue) -> None:
    await loopback.tell(trade_frame())
    event = await next_event(venue.events())
    assert (event.kind, event.client_order_id, event.trade_id, event.leaves_base) == ("fill", ID, "5", D("0.006"))
    assert (event.fee_quote, event.fee_asset, event.maker) == (D("0.12"), "", True)


async def test_a_fee_in_another_asset_is_priced_before_it_is_told(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("GET /fapi/v1/klines", Answer([[1699999980000, "600", "601", "600", "600", "1"]]))
    await loopback.tell(trade_frame(N="BNB", n="0.0001"))
    event = await next_event(venue.events())
    assert (event.fee_quote, event.fee_asset, event.fee_rate_quote) == (D("0.06"), "BNB", D("600"))


async def test_a_lost_stream_is_opened_again_and_told_as_a_gap(loopback: Loopback, venue: BinanceVenue) -> None:
    events = venue.events()
    await loopback.hang_up()
    event = await next_event(events)
    assert event.kind == "gap"
    await loopback.tell(trade_frame())
    assert (await next_event(events)).kind == "fill"
    assert loopback.socket_keys == ["key1", "key2"]


async def test_an_expired_listen_key_brings_a_new_one_and_a_gap(loopback: Loopback, venue: BinanceVenue) -> None:
    await loopback.tell({"e": "listenKeyExpired", "E": 1700000000000, "listenKey": "key1"})
    event = await next_event(venue.events())
    assert (event.kind, "listen key has expired" in event.detail) == ("gap", True)
    assert loopback.socket_keys[-1] == "key2"


async def test_a_key_that_is_gone_when_it_is_to_be_kept_brings_a_new_one(
    loopback: Loopback, venue: BinanceVenue
) -> None:
    await venue._keep_alive()
    assert len(loopback.of("PUT /fapi/v1/listenKey")) == 1
    assert loopback.socket_keys == ["key1"]
    loopback.plan("PUT /fapi/v1/listenKey", refused(-1125))
    await venue._keep_alive()
    assert (await next_event(venue.events())).kind == "gap"
    assert loopback.socket_keys == ["key1", "key2"]


async def test_a_hedged_account_is_refused_at_the_start(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("GET /fapi/v1/positionSide/dual", Answer({"dualSidePosition": True}))
    with pytest.raises(VenueRejected, match="set its position mode to one-way"):
        await venue.open()


async def test_keys_that_are_refused_are_refused_at_the_start(loopback: Loopback, venue: BinanceVenue) -> None:
    loopback.plan("GET /fapi/v1/positionSide/dual", refused(-2015, "Invalid API-key"))
    with pytest.raises(VenueRejected, match="refuses these keys with -2015: Invalid API-key"):
        await venue.open()


async def test_a_frame_that_cannot_be_read_is_a_gap(loopback: Loopback, venue: BinanceVenue) -> None:
    await loopback.tell('{"e": "ORDER_TRADE_UPDATE", "o": {}}')
    assert (await next_event(venue.events())).kind == "gap"


async def test_events_end_when_the_venue_is_closed(loopback: Loopback, venue: BinanceVenue) -> None:
    await venue.close()
    assert [event async for event in venue.events()] == []


async def test_a_desk_that_holds_positions_does_not_wait_for_the_user_stream(loopback: Loopback) -> None:
    loopback.plan("POST /fapi/v1/listenKey", refused(-1001, "Internal error", 500))
    clock = SystemClock()
    made = BinanceVenue(
        symbols=["BTCUSDT"], keys=VenueKeys(KEY, SECRET), addresses=Addresses(loopback.rest, loopback.stream),
        sandbox=True, clock=clock, connector=PicowsConnector(clock), random=Random(1),
    )  # fmt: skip
    await made.open(until_heard=False)
    assert not made.hearing
    await made.close()
