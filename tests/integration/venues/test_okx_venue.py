"""The OKX venue against a scripted venue on loopback: what is sent, and what each answer comes to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from made_loopback import KEY, SECRET, Answer
from made_okx import PASSPHRASE, OkxLoopback, data, refused_row

from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.transport.websocket import PicowsConnector
from chanflow.adapters.venues.okx.rest import Addresses
from chanflow.adapters.venues.okx.venue import OkxVenue
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
SYMBOL = "BTC-USDT-SWAP"
ID, STOP_ID = "q" + "a" * 26, "q" + "b" * 26
ENTRY = VenueOrder(ID, SYMBOL, "buy", D("0.010"), False, D("60000.0"), D(59_000), D(62_000), "gtc", leverage=3)
EXIT = VenueOrder(ID, SYMBOL, "sell", D("0.010"), True, None, None, None)
STOP = VenueOrder(
    STOP_ID, SYMBOL, "sell", D("0.010"), True, None, None, None, conditional="stop_market", trigger_price=D(59_000)
)
ORDER_POST, ALGO_POST = "POST /api/v5/trade/order", "POST /api/v5/trade/order-algo"
SKEW_MS = 1_700


@pytest.fixture
async def loopback() -> AsyncIterator[OkxLoopback]:
    async with OkxLoopback(lambda: time.time_ns() // 1_000_000 + SKEW_MS) as server:
        yield server


def made(loopback: OkxLoopback) -> OkxVenue:
    clock = SystemClock()
    return OkxVenue(
        symbols=[SYMBOL], keys=VenueKeys(KEY, SECRET, PASSPHRASE), addresses=Addresses(loopback.rest, loopback.stream),
        sandbox=True, clock=clock, connector=PicowsConnector(clock), random=Random(1),
    )  # fmt: skip


@pytest.fixture
async def venue(loopback: OkxLoopback) -> AsyncIterator[OkxVenue]:
    venue = made(loopback)
    await venue.open()
    yield venue
    await venue.close()


async def next_event(venue: OkxVenue) -> VenueEvent:
    return await asyncio.wait_for(anext(venue.events()), 300)


def order_row(**changes: Any) -> dict[str, Any]:
    return {
        "clOrdId": ID, "ordId": "77", "instId": SYMBOL, "side": "buy", "state": "partially_filled", "sz": "1",
        "accFillSz": "0.4", "avgPx": "59990.5", "px": "60000", "reduceOnly": "false", "uTime": "1700000000000",
        "ordType": "limit", "algoClOrdId": "", "algoId": "", "category": "normal", **changes,
    }  # fmt: skip


def algo_row(**changes: Any) -> dict[str, Any]:
    return {
        "algoClOrdId": STOP_ID, "algoId": "5", "instId": SYMBOL, "side": "sell", "state": "live", "sz": "1",
        "ordType": "conditional", "slTriggerPx": "59000", "reduceOnly": "true", "uTime": "1700000000000",
        "cTime": "1700000000000", "ordId": "", **changes,
    }  # fmt: skip


# ── what is sent ──────────────────────────────────────────────────────────────


async def test_an_entry_carries_its_exits_and_counts_contracts(loopback: OkxLoopback, venue: OkxVenue) -> None:
    assert await venue.submit(ENTRY) == Accepted()
    assert loopback.sent(ORDER_POST) == {
        "instId": SYMBOL, "tdMode": "isolated", "side": "buy", "clOrdId": ID, "ordType": "limit", "sz": "1",
        "px": "60000.0",
        "attachAlgoOrds": [
            {"attachAlgoClOrdId": f"{ID}sl", "slTriggerPx": "59000", "slOrdPx": "-1", "slTriggerPxType": "mark"},
            {"attachAlgoClOrdId": f"{ID}tp", "tpTriggerPx": "62000", "tpOrdPx": "-1", "tpTriggerPxType": "mark"},
        ],
    }  # fmt: skip


async def test_leverage_is_set_first_and_once(loopback: OkxLoopback, venue: OkxVenue) -> None:
    await venue.submit(ENTRY)
    await venue.submit(replace(ENTRY, client_order_id=STOP_ID))
    assert [one.line for one in loopback.asked if one.method == "POST"] == [
        "POST /api/v5/account/set-leverage", ORDER_POST, ORDER_POST,
    ]  # fmt: skip
    assert loopback.sent("POST /api/v5/account/set-leverage") == {"instId": SYMBOL, "lever": "3", "mgnMode": "isolated"}


async def test_a_stop_of_its_own_goes_to_the_algo_endpoint(loopback: OkxLoopback, venue: OkxVenue) -> None:
    assert await venue.submit(STOP) == Accepted()
    assert loopback.sent(ALGO_POST) == {
        "instId": SYMBOL, "tdMode": "isolated", "side": "sell", "ordType": "conditional", "sz": "1",
        "algoClOrdId": STOP_ID, "slTriggerPx": "59000", "slOrdPx": "-1", "slTriggerPxType": "mark", "reduceOnly": True,
    }  # fmt: skip


async def test_requests_are_signed_for_the_demo_and_carry_no_broker(loopback: OkxLoopback, venue: OkxVenue) -> None:
    await venue.submit(ENTRY)
    await venue.submit(STOP)
    assert loopback.bad_signatures == []
    headers = [{name.lower(): value for name, value in one.headers.items()} for one in loopback.asked]
    assert {one.get("x-simulated-trading") for one in headers} == {"1"}
    everything = " ".join(f"{one.raw} {one.headers}" for one in loopback.asked).lower()
    assert not any(word in everything for word in ('"tag"', "6b9ad766b55dbcde", "referr", "broker"))


async def test_both_sockets_log_in_and_subscribe(loopback: OkxLoopback, venue: OkxVenue) -> None:
    assert venue.hearing
    assert loopback.logins == [True, True]
    assert sorted(loopback.subscribed) == ["balance_and_position", "liquidation-warning", "orders", "orders-algo"]


async def test_a_quantity_that_is_no_number_of_lots_is_not_sent(loopback: OkxLoopback, venue: OkxVenue) -> None:
    outcome = await venue.submit(replace(EXIT, qty_base=D("0.0105")))
    assert outcome == VenueRefused(
        51000, f"not sent: 0.0105 is no whole number of lots of 0.001 on {SYMBOL}", Action.FIX_RULES
    )
    assert loopback.of(ORDER_POST) == []


async def test_a_cancel_of_unknown_kind_is_tried_at_both_endpoints(loopback: OkxLoopback, venue: OkxVenue) -> None:
    loopback.plan("POST /api/v5/trade/cancel-order", refused_row(51603))
    assert await venue.cancel(OrderRef(SYMBOL, STOP_ID)) == Accepted()
    assert loopback.sent("POST /api/v5/trade/cancel-algos") == [{"instId": SYMBOL, "algoClOrdId": STOP_ID}]


async def test_a_cancel_of_an_attached_exit_names_it_as_the_venue_does(loopback: OkxLoopback, venue: OkxVenue) -> None:
    await venue.cancel(OrderRef(SYMBOL, f"{ID}-sl"))
    assert loopback.sent("POST /api/v5/trade/cancel-algos") == [{"instId": SYMBOL, "algoClOrdId": f"{ID}sl"}]
    assert loopback.of("POST /api/v5/trade/cancel-order") == []


async def test_a_trigger_is_moved_in_place(loopback: OkxLoopback, venue: OkxVenue) -> None:
    assert await venue.amend(OrderRef(SYMBOL, f"{ID}-sl"), OrderChange(trigger_price=D("59500.5"))) == Accepted()
    assert loopback.sent("POST /api/v5/trade/amend-algos") == {
        "instId": SYMBOL, "algoClOrdId": f"{ID}sl", "newSlTriggerPx": "59500.5", "newSlOrdPx": "-1",
        "newSlTriggerPxType": "mark",
    }  # fmt: skip


async def test_a_limit_orders_terms_are_changed_in_contracts(loopback: OkxLoopback, venue: OkxVenue) -> None:
    await venue.amend(OrderRef(SYMBOL, ID), OrderChange(qty_base=D("0.02"), limit_price=D(60_001)))
    assert loopback.sent("POST /api/v5/trade/amend-order") == {
        "instId": SYMBOL, "clOrdId": ID, "newSz": "2", "newPx": "60001",
    }  # fmt: skip


@pytest.mark.parametrize(("ttl_ms", "seconds"), [(60_000, "60"), (0, "0"), (1, "10"), (500_000, "120"), (60_001, "61")])
async def test_the_dead_man_switch_takes_whole_seconds(
    loopback: OkxLoopback, venue: OkxVenue, ttl_ms: int, seconds: str
) -> None:
    loopback.plan("POST /api/v5/trade/cancel-all-after", data({"triggerTime": "1"}))
    assert await venue.arm_dead_man(ttl_ms) == Accepted()
    assert loopback.sent("POST /api/v5/trade/cancel-all-after") == {"timeOut": seconds}


# ── what answers come to ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "answer",
    [Answer(how="lost"), Answer({"code": "0", "data": []}, how="cut"), Answer(b"<html>", 502), Answer(b"{", 200),
     Answer({"code": "50004", "msg": "timeout", "data": []}), Answer({"code": "50026", "msg": "system", "data": []}),
     Answer({"code": "50001", "msg": "upgrading", "data": []}, 503), Answer([], 200)],
    ids=["lost", "cut", "502", "half", "50004", "50026", "503", "a list"],
)  # fmt: skip
async def test_an_answer_that_is_no_verdict_is_unknown(loopback: OkxLoopback, venue: OkxVenue, answer: Answer) -> None:
    loopback.plan(ORDER_POST, answer)
    assert isinstance(await venue.submit(EXIT), Unknown)
    assert len(loopback.of(ORDER_POST)) == 1


@pytest.mark.parametrize(
    ("code", "action"),
    [(51008, Action.REFRESH_ACCOUNT), (51016, Action.ASK_DUPLICATE), (51121, Action.FIX_RULES),
     (51280, Action.REPLAN), (51205, Action.RECONCILE), (50113, Action.HALT_ACCOUNT), (51999, Action.REFUSED)],
)  # fmt: skip
async def test_an_orders_own_code_is_a_refusal_with_its_action(
    loopback: OkxLoopback, venue: OkxVenue, code: int, action: Action
) -> None:
    loopback.plan(ORDER_POST, refused_row(code))
    assert await venue.submit(EXIT) == VenueRefused(code, "why", action)


async def test_an_expired_timestamp_sets_the_clock_and_is_signed_again_once(
    loopback: OkxLoopback, venue: OkxVenue
) -> None:
    loopback.plan(ORDER_POST, Answer({"code": "50102", "msg": "expired", "data": []}, 401), data({"sCode": "0"}))
    assert await venue.submit(EXIT) == Accepted()
    assert len(loopback.of(ORDER_POST)) == 2


async def test_a_rate_limit_stops_everything(loopback: OkxLoopback, venue: OkxVenue) -> None:
    loopback.plan(ORDER_POST, Answer({"code": "50011", "msg": "Too Many Requests", "data": []}, 429))
    first = await venue.submit(EXIT)
    assert isinstance(first, VenueRefused)
    assert first.action is Action.PAUSE
    with pytest.raises(VenueBusy, match="quiet"):
        await venue.positions()


async def test_a_hedged_account_is_refused_at_the_start(loopback: OkxLoopback) -> None:
    loopback.plan("GET /api/v5/account/config", data({"posMode": "long_short_mode", "acctLv": "2"}))
    venue = made(loopback)
    with pytest.raises(VenueRejected, match="set its position mode to net"):
        await venue.open()
    await venue.close()


# ── questions ─────────────────────────────────────────────────────────────────


async def test_an_order_is_found_in_base_units(loopback: OkxLoopback, venue: OkxVenue) -> None:
    loopback.plan("GET /api/v5/trade/order", data(order_row()))
    found = await venue.order(OrderRef(SYMBOL, ID))
    assert isinstance(found, VenueOrderState)
    assert (found.state, found.qty_base, found.filled_base) == (OrderState.PARTIALLY_FILLED, D("0.01"), D("0.004"))


async def test_an_order_that_neither_endpoint_knows_is_not_found(loopback: OkxLoopback, venue: OkxVenue) -> None:
    gone = Answer({"code": "51603", "msg": "Order does not exist", "data": []})
    loopback.plan("GET /api/v5/trade/order", gone)
    loopback.plan("GET /api/v5/trade/order-algo", gone)
    assert await venue.order(OrderRef(SYMBOL, ID)) == NotFound()


async def test_a_triggered_stop_has_the_fills_of_what_it_became(loopback: OkxLoopback, venue: OkxVenue) -> None:
    await venue.submit(STOP)
    loopback.plan("GET /api/v5/trade/order-algo", data(algo_row(state="effective", ordId="901")))
    loopback.plan("GET /api/v5/trade/order", data(order_row(state="filled", accFillSz="1", avgPx="58990.1")))
    found = await venue.order(OrderRef(SYMBOL, STOP_ID))
    assert isinstance(found, VenueOrderState)
    assert (found.client_order_id, found.state, found.filled_base) == (STOP_ID, OrderState.FILLED, D("0.01"))
    assert found.is_stop


async def test_open_orders_are_those_of_all_kinds(loopback: OkxLoopback, venue: OkxVenue) -> None:
    loopback.plan("GET /api/v5/trade/orders-pending", data(order_row(state="live", accFillSz="0")))
    attached = algo_row(algoClOrdId=f"{ID}sl")
    loopback.plan("GET /api/v5/trade/orders-algo-pending", data(attached), data(), data())
    found = await venue.open_orders()
    assert [(one.client_order_id, one.is_stop) for one in found] == [(ID, False), (f"{ID}-sl", True)]


async def test_positions_and_balances_are_in_base_and_wallet(loopback: OkxLoopback, venue: OkxVenue) -> None:
    row = {"instId": SYMBOL, "posSide": "net", "pos": "-2.5", "avgPx": "60000", "markPx": "60010"}
    loopback.plan("GET /api/v5/account/positions", data(row, {**row, "instId": "BTC-USD-SWAP"}))
    loopback.plan("GET /api/v5/account/balance", data({"details": [{"ccy": "USDT", "cashBal": "99.5", "upl": "7"}]}))
    (held,) = await venue.positions()
    assert (held.symbol, held.qty_base, held.mark_price) == (SYMBOL, D("-0.025"), D(60_010))
    (wallet,) = await venue.balances()
    assert (wallet.asset, wallet.wallet) == ("USDT", D("99.5"))


async def test_silence_is_never_taken_for_emptiness(loopback: OkxLoopback, venue: OkxVenue) -> None:
    loopback.plan("GET /api/v5/account/positions", Answer(how="lost"))
    loopback.plan("GET /api/v5/account/balance", Answer({"code": "50113", "msg": "sign", "data": []}, 401))
    with pytest.raises(VenueBusy):
        await venue.positions()
    with pytest.raises(OrderFateUnknown, match="50113"):
        await venue.balances()


def trade_row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "tradeId": str(number), "billId": str(number + 5_000), "ordId": "77", "clOrdId": ID, "instId": SYMBOL,
        "side": "buy", "fillPx": "60000", "fillSz": "0.1", "fee": "-0.03", "feeCcy": "USDT", "execType": "T",
        "fillTime": str(1_700_000_000_000 + number), "ts": "1", **changes,
    }  # fmt: skip


async def test_fills_are_read_backwards_to_the_cursor_and_told_oldest_first(
    loopback: OkxLoopback, venue: OkxVenue
) -> None:
    newest = [trade_row(number) for number in range(210, 110, -1)]
    loopback.plan("GET /api/v5/trade/fills-history", data(*newest), data(trade_row(110), trade_row(109)))
    fills = await venue.fills(FillCursor({SYMBOL: "109"}))
    assert [int(fill.trade_id) for fill in fills] == list(range(110, 211))
    assert loopback.of("GET /api/v5/trade/fills-history")[1].params["after"] == "5111"
    assert (fills[0].client_order_id, fills[0].qty_base, fills[0].fee_quote) == (ID, D("0.001"), D("0.03"))


async def test_a_fill_of_a_triggered_stop_carries_the_stops_id(loopback: OkxLoopback, venue: OkxVenue) -> None:
    loopback.plan("GET /api/v5/trade/fills-history", data(trade_row(7, ordId="901", clOrdId="")))
    loopback.plan("GET /api/v5/trade/order", data(order_row(ordId="901", clOrdId="", algoClOrdId=f"{ID}sl")))
    (fill,) = await venue.fills(FillCursor({}))
    assert fill.client_order_id == f"{ID}-sl"


async def test_funding_is_what_the_bills_say(loopback: OkxLoopback, venue: OkxVenue) -> None:
    row = {"instId": SYMBOL, "billId": "9", "ts": "1700000000000", "balChg": "-0.37"}
    loopback.plan("GET /api/v5/account/bills-archive", data(row))
    (paid,) = await venue.funding(0)
    assert (paid.ref, paid.amount_quote, paid.symbol) == ("9", D("-0.37"), SYMBOL)
    assert loopback.of("GET /api/v5/account/bills-archive")[0].params["type"] == "8"


async def test_rules_are_in_base_units(loopback: OkxLoopback, venue: OkxVenue) -> None:
    rules = (await venue.rules())[SYMBOL]
    assert (rules.step, rules.min_qty, rules.tick) == (D("0.001"), D("0.001"), D("0.1"))
    assert (rules.maker_fee_frac, rules.taker_fee_frac) == (D("0.0002"), D("0.0005"))


async def test_the_clock_is_the_venues(loopback: OkxLoopback, venue: OkxVenue) -> None:
    assert abs((await venue.server_time()).offset_ns - SKEW_MS * 1_000_000) < 500_000_000


# ── hearing ───────────────────────────────────────────────────────────────────


def push(row: dict[str, Any], channel: str = "orders") -> dict[str, Any]:
    return {"arg": {"channel": channel, "instType": "SWAP"}, "data": [row]}


FILL = order_row(
    tradeId="5",
    fillPx="60000",
    fillSz="0.4",
    fillFee="-0.12",
    fillFeeCcy="USDT",
    execType="M",
    fillTime="1700000000001",
)


async def test_a_fill_is_heard_in_base_units(loopback: OkxLoopback, venue: OkxVenue) -> None:
    await loopback.tell(push(FILL))
    event = await next_event(venue)
    assert (event.kind, event.client_order_id, event.qty_base, event.leaves_base) == (
        "fill",
        ID,
        D("0.004"),
        D("0.006"),
    )
    assert (event.fee_quote, event.fee_asset, event.maker) == (D("0.12"), "", True)


async def test_a_fill_with_a_fee_in_another_asset_is_a_gap(loopback: OkxLoopback, venue: OkxVenue) -> None:
    await loopback.tell(push({**FILL, "fillFeeCcy": "OKB"}))
    assert (await next_event(venue)).kind == "gap"


async def test_lost_sockets_are_opened_again_and_told_as_gaps(loopback: OkxLoopback, venue: OkxVenue) -> None:
    events = venue.events()
    await loopback.hang_up()
    kinds = [(await asyncio.wait_for(anext(events), 300)).kind for _ in range(2)]
    assert kinds == ["gap", "gap"]
    assert loopback.logins == [True] * 4


async def test_events_end_when_the_venue_is_closed(loopback: OkxLoopback, venue: OkxVenue) -> None:
    await venue.close()
    assert [event async for event in venue.events()] == []
