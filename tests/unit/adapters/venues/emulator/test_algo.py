import pytest
from made_exchange import MadeExchange

ALGO = "/fapi/v1/algoOrder"


@pytest.fixture
def made() -> MadeExchange:
    made = MadeExchange()
    made.order("BUY", "0.100")
    return made


def test_a_stop_waits_and_is_found_by_either_id(made: MadeExchange) -> None:
    placed = made.stop("SELL", "59000.00", "0.100", reduceOnly="true", clientAlgoId="stop-1")
    assert (placed["algoStatus"], placed["triggerPrice"], placed["reduceOnly"]) == ("NEW", "59000.00", True)
    by_id = made.ask("GET", ALGO, algoId=placed["algoId"])
    assert by_id == made.ask("GET", ALGO, clientAlgoId="stop-1")
    assert by_id["actualOrderId"] == ""
    assert made.ask("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT") == [by_id]
    assert made.ask("GET", "/fapi/v1/openOrders") == []


def test_a_triggered_stop_becomes_an_order_and_both_know_each_other(made: MadeExchange) -> None:
    placed = made.stop("SELL", "59000.00", "0.100", reduceOnly="true", clientAlgoId="stop-1")
    made.quote("BTCUSDT", 5_899_000, 5_899_010)
    done = made.ask("GET", ALGO, algoId=placed["algoId"])
    assert (done["algoStatus"], done["actualPrice"], done["actualQty"]) == ("FINISHED", "58990.00000", "0.100")
    order = made.ask("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=done["actualOrderId"])
    assert (order["status"], order["type"], order["origType"]) == ("FILLED", "MARKET", "STOP_MARKET")
    assert order["clientOrderId"] == "stop-1"
    assert made.position()["positionAmt"] == "0.000"
    assert [row["o"]["X"] for row in made.told("ALGO_UPDATE")] == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
    assert made.told("ALGO_UPDATE")[-1]["o"]["ai"] == done["actualOrderId"]


def test_a_closing_stop_is_as_large_as_the_position_then(made: MadeExchange) -> None:
    made.stop("SELL", "59000.00", closePosition="true")
    made.order("BUY", "0.050")
    made.quote("BTCUSDT", 5_899_000, 5_899_010)
    order = made.told("ORDER_TRADE_UPDATE")[-1]["o"]
    assert (order["q"], order["X"], order["cp"]) == ("0.150", "FILLED", True)


def test_an_exit_outlives_its_position_and_is_refused_where_it_triggers(made: MadeExchange) -> None:
    placed = made.stop("SELL", "59000.00", "0.100", reduceOnly="true")
    made.order("SELL", "0.100", reduceOnly="true")
    assert made.ask("GET", ALGO, algoId=placed["algoId"])["algoStatus"] == "NEW"
    made.quote("BTCUSDT", 5_899_000, 5_899_010)
    refused = made.ask("GET", ALGO, algoId=placed["algoId"])
    assert (refused["algoStatus"], refused["actualOrderId"]) == ("REJECTED", "")
    assert made.told("ALGO_UPDATE")[-1]["o"]["rm"] == "Reduce Only reject"
    assert made.position()["positionAmt"] == "0.000"


def test_a_stop_is_cancelled_once(made: MadeExchange) -> None:
    placed = made.stop("SELL", "59000.00", "0.100")
    assert made.ask("DELETE", ALGO, algoId=placed["algoId"])["algoStatus"] == "CANCELED"
    assert made.ask("DELETE", ALGO, algoId=placed["algoId"])["code"] == -2011
    assert made.ask("GET", ALGO, algoId=placed["algoId"] + 1)["code"] == -2013
    assert [row["algoStatus"] for row in made.ask("GET", "/fapi/v1/allAlgoOrders", symbol="BTCUSDT")] == ["CANCELED"]


def test_cancelling_all_orders_leaves_stops_and_the_other_way_round(made: MadeExchange) -> None:
    made.stop("SELL", "59000.00", "0.100")
    made.order("BUY", "0.010", "59500.00")
    made.ask("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    assert len(made.ask("GET", "/fapi/v1/openAlgoOrders")) == 1
    made.order("BUY", "0.010", "59500.00")
    made.ask("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")
    assert made.ask("GET", "/fapi/v1/openAlgoOrders") == []
    assert len(made.ask("GET", "/fapi/v1/openOrders")) == 1


def test_a_stop_limit_rests_after_its_trigger(made: MadeExchange) -> None:
    made.stop("SELL", "59000.00", "0.100", type="STOP", price="59500.00", timeInForce="GTC")
    made.quote("BTCUSDT", 5_899_000, 5_899_010)
    (order,) = made.ask("GET", "/fapi/v1/openOrders")
    assert (order["price"], order["type"], order["origType"]) == ("59500.00", "LIMIT", "STOP")
    assert made.told("ALGO_UPDATE")[-1]["o"]["X"] == "TRIGGERED"
    made.ask("DELETE", "/fapi/v1/order", symbol="BTCUSDT", orderId=order["orderId"])
    assert made.told("ALGO_UPDATE")[-1]["o"]["X"] == "FINISHED"


def test_a_stop_limit_without_a_time_in_force_is_good_till_cancelled(made: MadeExchange) -> None:
    placed = made.stop("SELL", "59000.00", "0.100", type="STOP", price="59500.00")
    assert placed["timeInForce"] == "GTC"


def test_a_triggered_order_that_may_not_take_is_told_why(made: MadeExchange) -> None:
    made.stop("SELL", "59000.00", "0.100", type="STOP", price="58000.00", timeInForce="GTX")
    made.quote("BTCUSDT", 5_899_000, 5_899_010)
    (told,) = made.told("CONDITIONAL_ORDER_TRIGGER_REJECT")
    assert "Post Only" in told["or"]["r"]
    assert made.position()["positionAmt"] == "0.100"


def test_a_trailing_stop_follows_the_market(made: MadeExchange) -> None:
    asked = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "TRAILING_STOP_MARKET"}
    placed = made.ask("POST", ALGO, **asked, quantity="0.100", callbackRate="1", workingType="MARK_PRICE")
    assert placed["callbackRate"] == "1.00"
    made.quote("BTCUSDT", 6_100_000, 6_100_010)
    made.quote("BTCUSDT", 6_040_000, 6_040_010)
    assert made.position()["positionAmt"] == "0.100"
    made.quote("BTCUSDT", 6_038_000, 6_038_010)
    assert made.position()["positionAmt"] == "0.000"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"algoType": "TWAP"}, -1130),
        ({"type": "LIMIT"}, -1116),
        ({"quantity": "0.100", "closePosition": "true"}, -4137),
        ({"closePosition": "true", "reduceOnly": "true"}, -1106),
        ({"closePosition": "true", "type": "STOP", "price": "1", "timeInForce": "GTC"}, -1128),
        ({"quantity": "0.100", "price": "59000"}, -1106),
        ({"quantity": "0.100", "triggerPrice": "0"}, -4006),
        ({"quantity": "0.100", "triggerPrice": "59000.05"}, -4014),
        ({"quantity": "0.100", "workingType": "INDEX"}, -1130),
        ({"quantity": "0.100", "triggerPrice": "60001"}, -2021),
        ({"quantity": "0.100", "type": "TRAILING_STOP_MARKET", "callbackRate": "11"}, -2007),
    ],
)
def test_terms_that_cannot_be_are_refused(made: MadeExchange, more: dict[str, str], code: int) -> None:
    assert made.stop("SELL", "59000.00", **more)["code"] == code
    assert made.ask("GET", "/fapi/v1/openAlgoOrders") == []
