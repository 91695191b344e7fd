import json
from typing import Any

import pytest
from made_exchange import MadeExchange

ORDER = "/fapi/v1/order"


@pytest.fixture
def made() -> MadeExchange:
    return MadeExchange()


def test_a_limit_order_rests_and_is_found_by_either_id(made: MadeExchange) -> None:
    placed = made.order("BUY", "0.010", "59000.00", newClientOrderId="mine")
    assert (placed["status"], placed["price"], placed["origQty"]) == ("NEW", "59000.00", "0.010")
    by_id = made.ask("GET", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])
    by_name = made.ask("GET", ORDER, symbol="BTCUSDT", origClientOrderId="mine")
    assert by_id == by_name == made.ask("GET", "/fapi/v1/openOrder", symbol="BTCUSDT", origClientOrderId="mine")
    assert made.ask("GET", "/fapi/v1/openOrders") == [by_id]


def test_a_market_order_walks_the_book(made: MadeExchange) -> None:
    filled = made.order("BUY", "0.020")
    assert (filled["status"], filled["executedQty"], filled["avgPrice"]) == ("FILLED", "0.020", "60000.10000")
    assert filled["cumQuote"] == "1200.00200"
    (trade,) = made.ask("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert (trade["price"], trade["commission"], trade["buyer"], trade["maker"]) == (
        "60000.10",
        "0.60000100",
        True,
        False,
    )


def test_without_a_result_asked_for_the_answer_is_of_the_arrival(made: MadeExchange) -> None:
    receipt = made.order("BUY", "0.020", newOrderRespType="ACK")
    assert (receipt["status"], receipt["executedQty"], receipt["avgPrice"]) == ("NEW", "0.000", "0.00000")
    assert made.ask("GET", ORDER, symbol="BTCUSDT", orderId=receipt["orderId"])["status"] == "FILLED"


def test_an_order_is_cancelled_once(made: MadeExchange) -> None:
    placed = made.order("BUY", "0.010", "59000.00")
    gone = made.ask("DELETE", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])
    assert gone["status"] == "CANCELED"
    assert made.ask("DELETE", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])["code"] == -2011
    assert made.ask("GET", "/fapi/v1/openOrder", symbol="BTCUSDT", orderId=placed["orderId"])["code"] == -2013


def test_nobody_sees_the_orders_of_others(made: MadeExchange) -> None:
    placed = made.order("BUY", "0.010", "59000.00")
    asked: dict[str, Any] = {"symbol": "BTCUSDT", "orderId": placed["orderId"], "key": "other"}
    assert made.ask("GET", ORDER, **asked)["code"] == -2013
    assert made.ask("DELETE", ORDER, **asked)["code"] == -2011
    assert made.ask("GET", "/fapi/v1/openOrders", key="other") == []


def test_an_amendment_changes_price_and_quantity(made: MadeExchange) -> None:
    placed = made.order("BUY", "0.010", "59000.00")
    asked = {"symbol": "BTCUSDT", "side": "BUY", "orderId": placed["orderId"]}
    changed = made.ask("PUT", ORDER, **asked, price="58000.00", quantity="0.020")
    assert (changed["price"], changed["origQty"], changed["status"]) == ("58000.00", "0.020", "NEW")
    assert made.told("ORDER_TRADE_UPDATE")[-1]["o"]["x"] == "AMENDMENT"
    assert made.ask("PUT", ORDER, **asked, price="58000.00", quantity="0.020")["code"] == -5027
    taken = made.ask("PUT", ORDER, **asked, price="60000.10", quantity="0.020")
    assert taken["status"] == "FILLED"
    assert made.ask("PUT", ORDER, **asked, price="58000.00", quantity="0.020")["code"] == -2013


def test_an_amendment_that_is_refused_changes_nothing(made: MadeExchange) -> None:
    placed = made.order("BUY", "0.010", "59000.00")
    asked = {"symbol": "BTCUSDT", "side": "BUY", "orderId": placed["orderId"]}
    assert made.ask("PUT", ORDER, **asked, price="59000.00", quantity="500")["code"] == -2019
    found = made.ask("GET", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])
    assert (found["price"], found["origQty"]) == ("59000.00", "0.010")
    assert made.ask("DELETE", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])["status"] == "CANCELED"


def test_all_orders_of_one_symbol_are_cancelled(made: MadeExchange) -> None:
    made.order("BUY", "0.010", "59000.00")
    made.order("BUY", "0.010", "58000.00")
    kept = made.order("BUY", "0.010", "2900.00", symbol="ETHUSDT")
    assert made.ask("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert [row["orderId"] for row in made.ask("GET", "/fapi/v1/openOrders")] == [kept["orderId"]]


def test_a_batch_is_judged_one_by_one(made: MadeExchange) -> None:
    good = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010"}
    rows = [good | {"price": "59000.00"}, good | {"price": "59000.05"}, good | {"price": "58000.00"}]
    first, wrong, last = made.ask("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps(rows))
    assert (first["status"], wrong["code"], last["status"]) == ("NEW", -4014, "NEW")
    changes = [{"symbol": "BTCUSDT", "side": "BUY", "orderId": first["orderId"], "price": "57000", "quantity": "0.01"}]
    assert made.ask("PUT", "/fapi/v1/batchOrders", batchOrders=json.dumps(changes))[0]["price"] == "57000.00"
    ids = json.dumps([first["orderId"], 5])
    gone, unknown = made.ask("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderIdList=ids)
    assert (gone["status"], unknown["code"]) == ("CANCELED", -2011)


@pytest.mark.parametrize("rows", ["[]", "[1]", "{}", "no", "[{},{},{},{},{},{}]"])
def test_a_batch_is_a_list_of_one_to_five_orders(made: MadeExchange, rows: str) -> None:
    assert made.ask("POST", "/fapi/v1/batchOrders", batchOrders=rows)["code"] in (-4082, -1130)


def test_a_test_order_is_judged_and_leaves_no_trace(made: MadeExchange) -> None:
    asked = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}
    assert made.ask("POST", "/fapi/v1/order/test", **asked) == {}
    assert made.ask("POST", "/fapi/v1/order/test", **(asked | {"quantity": "500"}))["code"] == -2019
    assert made.ask("GET", "/fapi/v1/allOrders", symbol="BTCUSDT") == []


def test_a_countdown_cancels_unless_it_is_wound_up_again(made: MadeExchange) -> None:
    made.order("BUY", "0.010", "59000.00")
    said = made.ask("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=1_000)
    assert said == {"symbol": "BTCUSDT", "countdownTime": "1000"}
    made.pass_time(900)
    made.ask("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=1_000)
    made.pass_time(900)
    assert len(made.ask("GET", "/fapi/v1/openOrders")) == 1
    made.pass_time(100)
    assert made.ask("GET", "/fapi/v1/openOrders") == []


def test_a_countdown_can_be_called_off(made: MadeExchange) -> None:
    made.order("BUY", "0.010", "59000.00")
    made.ask("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=1_000)
    made.ask("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=0)
    made.pass_time(10_000)
    assert len(made.ask("GET", "/fapi/v1/openOrders")) == 1


def test_history_is_paged_by_time_and_id(made: MadeExchange) -> None:
    ids = []
    for price in ("59000.00", "58000.00", "57000.00"):
        ids.append(made.order("BUY", "0.010", price)["orderId"])
        made.pass_time(1_000)

    def found(**asked: object) -> list[int]:
        return [row["orderId"] for row in made.ask("GET", "/fapi/v1/allOrders", symbol="BTCUSDT", **asked)]

    assert found() == ids
    assert found(limit=2) == ids[1:]
    assert found(orderId=ids[1], limit=1) == ids[1:2]
    assert found(startTime=made.world.now_ms - 1_500) == ids[2:]
    assert found(endTime=made.world.now_ms - 2_500) == ids[:1]


def test_a_good_till_date_order_ends_by_itself(made: MadeExchange) -> None:
    until = made.world.now_ms // 1_000 * 1_000 + 700_000
    placed = made.order("BUY", "0.010", "59000.00", timeInForce="GTD", goodTillDate=until)
    assert placed["goodTillDate"] == until
    made.pass_time(699_000 - made.world.now_ms % 1_000)
    assert len(made.ask("GET", "/fapi/v1/openOrders")) == 1
    made.pass_time(1_001)
    assert made.ask("GET", ORDER, symbol="BTCUSDT", orderId=placed["orderId"])["status"] == "EXPIRED"
    assert made.order("BUY", "0.010", "59000.00", timeInForce="GTD", goodTillDate=until)["code"] == -5040


@pytest.mark.parametrize(
    ("match", "price"),
    [("OPPONENT", "60000.10"), ("OPPONENT_5", "60000.50"), ("QUEUE", "60000.00"), ("QUEUE_5", "59999.60")],
)
def test_a_price_match_takes_its_price_from_the_book(made: MadeExchange, match: str, price: str) -> None:
    asked = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010"}
    placed = made.ask("POST", ORDER, **asked, priceMatch=match)
    assert (placed["price"], placed["priceMatch"]) == (price, match)


def test_orders_of_one_account_never_trade_with_each_other(made: MadeExchange) -> None:
    resting = made.order("BUY", "0.010", "60000.00")
    made.quote("BTCUSDT", 5_999_000, 6_000_010)
    sold = made.order("SELL", "0.010", "60000.00")
    assert sold["status"] == "NEW"
    found = made.ask("GET", ORDER, symbol="BTCUSDT", orderId=resting["orderId"])
    assert found["status"] == "EXPIRED_IN_MATCH"


def test_accounts_trade_with_each_other(made: MadeExchange) -> None:
    made.quote("BTCUSDT", 5_999_000, 6_001_000)
    made.order("BUY", "0.010", "60000.00", key="maker")
    assert made.order("SELL", "0.010", "60000.00", key="taker")["status"] == "FILLED"
    assert made.position(key="maker")["positionAmt"] == "0.010"
    assert made.position(key="taker")["positionAmt"] == "-0.010"
