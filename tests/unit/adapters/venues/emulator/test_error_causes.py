"""Every refusal that a client must know how to answer, brought about by its true cause."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from made_exchange import BTC, START_NS, MadeExchange

from chanflow.adapters.venues.emulator.codes import MESSAGES, Fault
from chanflow.adapters.venues.emulator.limits import Limits
from chanflow.adapters.venues.emulator.records import PlaceOrder
from chanflow.adapters.venues.emulator.world import World

Cause = Callable[[MadeExchange], Any]
ORDER = "/fapi/v1/order"


def place(**changed: str) -> Cause:
    terms = {"side": "BUY", "qty": "0.010", "price": "59000.00"} | changed
    return lambda made: made.order(**terms)


def with_position(then: Cause) -> Cause:
    def cause(made: MadeExchange) -> Any:
        made.order("BUY", "0.100")
        return then(made)

    return cause


def twice(act: Cause) -> Cause:
    def cause(made: MadeExchange) -> Any:
        act(made)
        return act(made)

    return cause


def ask(method: str, path: str, **asked: Any) -> Cause:
    return lambda made: made.ask(method, path, **asked)


def many_orders(made: MadeExchange) -> Any:
    for _ in range(200):
        made.order("BUY", "0.001", "58000.00")
    return made.order("BUY", "0.001", "58000.00")


def many_stops(made: MadeExchange) -> Any:
    for _ in range(200):
        made.stop("SELL", "59000.00", "0.001")
    return made.stop("SELL", "59000.00", "0.001")


def covered_position(made: MadeExchange) -> Any:
    made.order("SELL", "0.100", "61000.00", reduceOnly="true")
    return made.order("SELL", "0.100", "61500.00", reduceOnly="true")


def slow_way(made: MadeExchange) -> Any:
    made.door.arrive = lambda: made.pass_time(6_000)
    return made.order("BUY", "0.010", "59000.00")


LEVERAGE = "/fapi/v1/leverage"
CAUSES: list[tuple[int, str, Cause]] = [
    (-1021, "an old timestamp", lambda made: made.ask("GET", "/fapi/v3/balance", now=made.world.now_ms - 6_000)),
    (-1021, "the future", lambda made: made.ask("GET", "/fapi/v3/balance", now=made.world.now_ms + 1_000)),
    (-1022, "another secret", ask("GET", "/fapi/v3/balance", secret="other")),
    (-1102, "no quantity", ask("POST", ORDER, symbol="BTCUSDT", side="BUY", type="MARKET")),
    (-1106, "a price for a market order", place(type="MARKET")),
    (-1111, "too many decimals", place(price="59000.001")),
    (-1111, "too many decimals of quantity", place(qty="0.0105")),
    (-1115, "a time in force that is none", place(timeInForce="GTE")),
    (-1116, "a type that is none", place(type="STOPPED")),
    (-1117, "a side that is none", place(side="HOLD")),
    (-1121, "a symbol that is not listed", place(symbol="NOPEUSDT")),
    (-1125, "no listen key", ask("PUT", "/fapi/v1/listenKey")),
    (-1128, "a closing limit order", place(closePosition="true")),
    (-1130, "a number that is none", place(price="cheap")),
    (-2011, "cancelling what is not there", ask("DELETE", ORDER, symbol="BTCUSDT", orderId=5)),
    (-2013, "asking for what is not there", ask("GET", ORDER, symbol="BTCUSDT", orderId=5)),
    (-2014, "a key that is none", ask("GET", "/fapi/v3/balance", key="no key")),
    (-2019, "more than the account carries", place(qty="100.000", price="59000.00")),
    (-2021, "a stop that the mark has passed", lambda made: made.stop("SELL", "60001.00", "0.010")),
    (-2022, "reducing without a position", place(reduceOnly="true")),
    (-2022, "reducing the wrong way", with_position(place(reduceOnly="true"))),
    (-2025, "too many orders", many_orders),
    (-2027, "more than the leverage carries", lambda made: (
        made.ask("POST", LEVERAGE, symbol="BTCUSDT", leverage=125), made.order("BUY", "0.900", "59000.00"))[1]),
    (-2027, "less leverage than a position needs",
     lambda made: (made.ask("POST", LEVERAGE, symbol="BTCUSDT", leverage=100), made.order("BUY", "2.000"),
                   made.ask("POST", LEVERAGE, symbol="BTCUSDT", leverage=125))[2]),
    (-2028, "less leverage than the money allows",
     lambda made: (made.order("BUY", "3.000"), made.ask("POST", LEVERAGE, symbol="BTCUSDT", leverage=10))[1]),
    (-4001, "no price", place(price="0")),
    (-4002, "a price above all", place(price="99999999999999")),
    (-4003, "no quantity at all", place(qty="0")),
    (-4005, "a quantity above the most", place(qty="1000001")),
    (-4006, "a trigger of nothing", lambda made: made.stop("SELL", "0", "0.010")),
    (-4014, "a price off the tick", place(price="59000.05")),
    (-4015, "a client id of other letters", place(newClientOrderId="no spaces")),
    (-4015, "a client id that is too long", place(newClientOrderId="x" * 37)),
    (-4016, "a bid far above the mark", place(price="70000.00")),
    (-4024, "an ask far below the mark", place(side="SELL", price="50000.00")),
    (-4028, "leverage beyond the brackets", ask("POST", LEVERAGE, symbol="BTCUSDT", leverage=126)),
    (-4045, "too many stops", many_stops),
    (-4046, "the margin type that is set", ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="CROSSED")),
    (-4047, "another margin type with orders", lambda made: (
        made.order("BUY", "0.010", "59000.00"),
        made.ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED"))[1]),
    (-4048, "another margin type with a position",
     with_position(ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED"))),
    (-4050, "more margin than is free", lambda made: (
        made.ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED"), made.order("BUY", "0.100"),
        made.ask("POST", "/fapi/v1/positionMargin", symbol="BTCUSDT", amount="20000", type=1))[2]),
    (-4051, "taking back more margin than is there", lambda made: (
        made.ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED"), made.order("BUY", "0.100"),
        made.ask("POST", "/fapi/v1/positionMargin", symbol="BTCUSDT", amount="20000", type=2))[2]),
    (-4054, "margin for no position", ask("POST", "/fapi/v1/positionMargin", symbol="BTCUSDT", amount="20", type=1)),
    (-4055, "margin of nothing", ask("POST", "/fapi/v1/positionMargin", symbol="BTCUSDT", amount="0", type=1)),
    (-4059, "the position mode that is set", ask("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false")),
    (-4061, "a side of a hedge without one", place(positionSide="LONG")),
    (-4061, "no side in a hedge", lambda made: (
        made.ask("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true"), made.order("BUY", "0.010"))[1]),
    (-4067, "another position mode with orders", lambda made: (
        made.order("BUY", "0.010", "59000.00"),
        made.ask("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true"))[1]),
    (-4068, "another position mode with a position",
     with_position(ask("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true"))),
    (-4082, "a batch of nothing", ask("POST", "/fapi/v1/batchOrders", batchOrders="[]")),
    (-4116, "a client id that is in use", twice(place(newClientOrderId="mine"))),
    (-4116, "a stop's id in use", twice(lambda made: made.stop("SELL", "59000", "0.01", clientAlgoId="s"))),
    (-4118, "reducing more than the position", with_position(covered_position)),
    (-4120, "a stop where limits live", place(type="STOP_MARKET", stopPrice="59000.00")),
    (-4161, "less leverage for an isolated position", lambda made: (
        made.ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED"), made.order("BUY", "0.100"),
        made.ask("POST", LEVERAGE, symbol="BTCUSDT", leverage=5))[2]),
    (-4164, "a notional below 5", place(symbol="ETHUSDT", qty="0.001", price="2900.00")),
    (-5021, "a fill-or-kill above the book", place(qty="51.000", price="60000.50", timeInForce="FOK")),
    (-5022, "a post-only order that would take", place(price="60000.10", timeInForce="GTX")),
    (-5027, "an amendment to the same", lambda made: made.ask(
        "PUT", ORDER, symbol="BTCUSDT", side="BUY", price="59000.00", quantity="0.010",
        orderId=made.order("BUY", "0.010", "59000.00")["orderId"])),
    (-5028, "a way that is longer than the window", slow_way),
    (-5040, "a date in the past", place(timeInForce="GTD", goodTillDate="1700000000000")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "why", "cause"), CAUSES, ids=[f"{code} {why}" for code, why, _ in CAUSES])
def test_a_refusal_has_its_true_cause(code: int, why: str, cause: Cause) -> None:
    made = MadeExchange(balance=10_000_000 if code == -5021 else 10_000)
    answer = cause(made)
    assert answer["code"] == code, answer
    if "{" not in MESSAGES.get(code, "{") and code != -1021:
        assert answer["msg"] == MESSAGES[code]
    assert made.world.imbalance() == {"BTCUSDT": (0, 0), "ETHUSDT": (0, 0)}


def test_a_market_order_without_a_market_is_refused() -> None:
    world = World({"BTCUSDT": BTC}, start_ns=START_NS, balance=Decimal(10_000))
    account = world.open_account("me", "test")
    with pytest.raises(Fault) as caught:
        world.place(account.number, PlaceOrder("BTCUSDT", "BUY", "MARKET", 10))
    assert caught.value.code == -2010


def test_too_many_orders_in_ten_seconds_are_429() -> None:
    made = MadeExchange(limits=Limits(10**9, 2, 10**9))
    for _ in range(2):
        made.order("BUY", "0.010", "59000.00")
    refused = made.send(
        "POST", ORDER, symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.010", price="59000"
    )
    assert (refused.status, refused.headers["X-MBX-ORDER-COUNT-10S"]) == (429, "2")
    assert b'"code":-1015' in refused.body


def test_too_much_weight_is_429_and_then_418() -> None:
    made = MadeExchange(limits=Limits(10, 10**9, 10**9))
    answers = [made.send("GET", "/fapi/v3/balance") for _ in range(13)]
    assert [answer.status for answer in answers] == [200] * 2 + [429] * 10 + [418]
    assert answers[0].headers["X-MBX-USED-WEIGHT-1M"] == "5"
    assert answers[2].headers["Retry-After"]


def test_a_path_that_is_none_is_404_and_counted() -> None:
    made = MadeExchange()
    answer = made.send("GET", "/fapi/v1/nothing")
    assert answer.status == 404
    assert answer.body == b'{"code":-5000,"msg":"Path /fapi/v1/nothing, Method GET is invalid"}'
    assert made.door.unknown == {"GET /fapi/v1/nothing": 1}
