"""What the emulated exchange answers and tells has the fields and types of what was recorded from Binance USD-M.

Source: the API samples of JKorf's Binance.Net (MIT) and of nautilus_trader's tests, read from CHANFLOW_TEST_DATA.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_exchange import MadeExchange

ROOT = Path(__file__).parents[2]
SAMPLES = Path(os.environ.get("CHANFLOW_TEST_DATA", str(ROOT.parent / "shared"))) / "data" / "samples"
TRAILING = {"activatePrice", "priceRate"}
"""Fields of trailing orders alone; the samples are of such."""

pytestmark = pytest.mark.golden


def read(path: str) -> str:
    file = SAMPLES / path
    if not file.exists():
        pytest.skip(f"MARKET DATA ABSENT: {file} is not there; set CHANFLOW_TEST_DATA")
    return file.read_text(encoding="utf-8")


def rest_sample(name: str) -> Any:
    """Return the body of a REST sample: what follows method, path and whether it is signed."""
    _, _, _, body = read(f"jkorf_binance_usdm/endpoints/{name}.txt").split("\n", 3)
    return json.loads(body)


def stream_sample(name: str) -> Any:
    """Return the event of a stream sample: what follows `=`, with the ids of its template left out."""
    _, _, body = read(f"jkorf_binance_subscriptions/UsdFutures/{name}.txt").partition("\n= ")
    return json.loads(re.sub(r"\|\d+\|", "0", body))["data"]


def shape(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return {str: "text", list: "list", dict: "object", type(None): "none"}[type(value)]


def differences(sample: Any, own: Any, at: str = "") -> Iterator[str]:
    """Yield where `own` lacks a field of the sample or has it in another type; of lists the first rows are compared."""
    if shape(sample) != shape(own):
        yield f"{at}: {shape(own)} {own!r}, recorded was {shape(sample)}"
    elif isinstance(sample, dict):
        for name, value in sample.items():
            if name not in own:
                yield f"{at}.{name} is not there"
            else:
                yield from differences(value, own[name], f"{at}.{name}")
    elif isinstance(sample, list) and sample:
        if own:
            yield from differences(sample[0], own[0], f"{at}[0]")
        else:
            yield f"{at} is empty"


def traded() -> MadeExchange:
    """Return an exchange where everything has happened once: fills, a stop, a liquidation, margin moved."""
    made = MadeExchange()
    made.ask("POST", "/fapi/v1/marginType", symbol="ETHUSDT", marginType="ISOLATED")
    made.order("BUY", "1.000", symbol="ETHUSDT")
    made.ask("POST", "/fapi/v1/positionMargin", symbol="ETHUSDT", amount="10", type=1)
    made.order("BUY", "0.100")
    made.order("BUY", "0.010", "59000.00")
    made.stop("SELL", "59500.00", "0.020", reduceOnly="true")
    made.quote("BTCUSDT", 5_949_000, 5_949_010)
    made.stop("SELL", "59000.00", "0.020", reduceOnly="true")
    return made


BTC = {"symbol": "BTCUSDT"}
LIMIT = {**BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010", "price": "59000"}
STOP = {
    **BTC,
    "algoType": "CONDITIONAL",
    "side": "SELL",
    "type": "STOP_MARKET",
    "triggerPrice": "59000",
    "quantity": "1",
}


def last_order(made: MadeExchange) -> dict[str, Any]:
    return {**BTC, "orderId": made.order("BUY", "0.010", "58000.00")["orderId"]}


def amended(made: MadeExchange) -> Any:
    order = last_order(made)
    return made.ask("PUT", "/fapi/v1/order", **order, side="BUY", price="58500", quantity="0.010")


def finished_stop(made: MadeExchange) -> Any:
    return made.ask("GET", "/fapi/v1/algoOrder", algoId=made.ask("GET", "/fapi/v1/allAlgoOrders", **BTC)[0]["algoId"])


def liquidated(made: MadeExchange) -> Any:
    made.tell("ETHUSDT", [(7, 200_000, 0)])
    return made.ask("GET", "/fapi/v1/forceOrders")


def asked(method: str, path: str, **params: Any) -> Callable[[MadeExchange], Any]:
    return lambda made: made.ask(method, path, **params)


REST: list[tuple[str, Callable[[MadeExchange], Any]]] = [
    ("Trading/PlaceOrder", asked("POST", "/fapi/v1/order", **LIMIT)),
    ("Trading/GetOrder", lambda made: made.ask("GET", "/fapi/v1/order", **last_order(made))),
    ("Trading/GetOpenOrder", lambda made: made.ask("GET", "/fapi/v1/openOrder", **last_order(made))),
    ("Trading/CancelOrder", lambda made: made.ask("DELETE", "/fapi/v1/order", **last_order(made))),
    ("Trading/EditOrder", amended),
    ("Trading/PlaceMultipleOrders", asked("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps([LIMIT]))),
    ("Trading/GetOpenOrders", asked("GET", "/fapi/v1/openOrders")),
    ("Trading/GetOrders", asked("GET", "/fapi/v1/allOrders", **BTC)),
    ("Trading/GetForcedOrders", liquidated),
    ("Trading/GetUserTrades", asked("GET", "/fapi/v1/userTrades", **BTC)),
    ("Trading/CancelAllOrders", asked("DELETE", "/fapi/v1/allOpenOrders", **BTC)),
    ("Trading/CancelAllOrdersAfterTimeout", asked("POST", "/fapi/v1/countdownCancelAll", **BTC, countdownTime=9)),
    ("Trading/PlaceConditionalOrder", asked("POST", "/fapi/v1/algoOrder", **STOP)),
    ("Trading/CancelConditionalOrder",
     lambda made: made.ask("DELETE", "/fapi/v1/algoOrder", algoId=made.stop("SELL", "59000", "0.01")["algoId"])),
    ("Trading/CancelAllConditionalOrders", asked("DELETE", "/fapi/v1/algoOpenOrders", **BTC)),
    ("Trading/GetConditionalOrder", finished_stop),
    ("Trading/GetConditionalOrders", asked("GET", "/fapi/v1/allAlgoOrders", **BTC)),
    ("Trading/GetOpenConditionalOrders", asked("GET", "/fapi/v1/openAlgoOrders")),
    ("Account/GetPositionInformation", asked("GET", "/fapi/v2/positionRisk", **BTC)),
    ("Account/GetAccountInfo", asked("GET", "/fapi/v2/account")),
    ("Account/GetAccountInfoV3", asked("GET", "/fapi/v3/account")),
    ("Account/GetBalances", asked("GET", "/fapi/v3/balance")),
    ("Account/GetAccountConfiguration", asked("GET", "/fapi/v1/accountConfig")),
    ("Account/GetSymbolConfiguration", asked("GET", "/fapi/v1/symbolConfig", **BTC)),
    ("Account/GetIncomeHistory", asked("GET", "/fapi/v1/income")),
    ("Account/GetUserCommissionRate", asked("GET", "/fapi/v1/commissionRate", **BTC)),
    ("Account/GetBrackets", asked("GET", "/fapi/v1/leverageBracket")),
    ("Account/ChangeInitialLeverage", asked("POST", "/fapi/v1/leverage", **BTC, leverage=10)),
    ("Account/ChangeMarginType", lambda made: (
        made.ask("DELETE", "/fapi/v1/algoOpenOrders", **BTC), made.ask("DELETE", "/fapi/v1/allOpenOrders", **BTC),
        made.order("SELL", "0.080", reduceOnly="true"),
        made.ask("POST", "/fapi/v1/marginType", **BTC, marginType="ISOLATED"))[-1]),
    ("Account/ModifyPositionMargin", asked("POST", "/fapi/v1/positionMargin", symbol="ETHUSDT", amount="10", type=1)),
    ("Account/GetMarginChangeHistory", asked("GET", "/fapi/v1/positionMargin/history", symbol="ETHUSDT")),
    ("Account/ModifyPositionMode",
     lambda made: made.ask("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true", key="new")),
    ("Account/SetMultiAssetsMode",
     lambda made: made.ask("POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="true", key="new")),
    ("Account/GetMultiAssetsMode", asked("GET", "/fapi/v1/multiAssetsMargin")),
    ("Account/GetOrderRateLimit", asked("GET", "/fapi/v1/rateLimit/order")),
    ("Account/StartUserStream", asked("POST", "/fapi/v1/listenKey")),
    ("Account/StopUserStream", asked("DELETE", "/fapi/v1/listenKey")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "act"), REST, ids=[name for name, _ in REST])
def test_an_answer_has_the_fields_of_the_recorded_one(name: str, act: Callable[[MadeExchange], Any]) -> None:
    own = act(traded())
    wrong = [line for line in differences(rest_sample(name), own) if line.rpartition(".")[2].split()[0] not in TRAILING]
    assert wrong == []


def test_an_adl_quantile_has_the_legs_of_the_position_mode() -> None:
    (btc, _eth) = traded().ask("GET", "/fapi/v1/adlQuantile")
    assert not list(differences(rest_sample("Account/GetPositionAdlQuantileEstimation")[1], btc))


@pytest.mark.parametrize(
    ("sample", "name"),
    [("OrderUpdate", "ORDER_TRADE_UPDATE"), ("AccountUpdate", "ACCOUNT_UPDATE"), ("TradeUpdate", "TRADE_LITE"),
     ("AlgoOrderUpdate", "ALGO_UPDATE")],
)  # fmt: skip
def test_an_event_has_the_fields_of_the_recorded_one(sample: str, name: str) -> None:
    made = traded()
    for own in made.told(name):
        if name != "ACCOUNT_UPDATE" or own["a"]["P"]:
            assert not list(differences(stream_sample(sample), own))


def test_rare_events_have_the_fields_of_the_recorded_ones() -> None:
    made = traded()
    made.ask("POST", "/fapi/v1/leverage", **BTC, leverage=10)
    made.ask("POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="true", key="new")
    leverage, mode = made.told("ACCOUNT_CONFIG_UPDATE")
    assert not list(differences(stream_sample("Leverage"), leverage))
    assert not list(differences(stream_sample("MultiAssetMode"), mode))
    made.stop("SELL", "59000.00", "0.010", type="STOP", price="58000.00", timeInForce="GTX")
    made.quote("BTCUSDT", 5_899_000, 5_899_010)
    (refused,) = made.told("CONDITIONAL_ORDER_TRIGGER_REJECT")
    assert not list(differences(stream_sample("ConditionalTrigger"), refused))


def test_a_margin_call_has_the_fields_of_the_recorded_one() -> None:
    made = MadeExchange()
    made.ask("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=50)
    made.order("BUY", "5.000")
    made.tell("BTCUSDT", [(7, int(float(made.position()["liquidationPrice"]) * 100) + 5_000, 0)])
    (call,) = made.told("MARGIN_CALL")
    assert not list(differences(stream_sample("MarginUpdate"), call))


@pytest.mark.parametrize(
    "file", ["order_update_calculated", "order_update_new", "order_update_trade", "account_update"]
)
def test_events_have_the_fields_that_another_client_reads(file: str) -> None:
    sample = json.loads(read(f"nautilus_binance/futures/user_data_json/{file}.json"))
    made = traded()
    liquidated(made)
    for own in made.told(sample["e"]):
        if sample["e"] == "ORDER_TRADE_UPDATE" or own["a"]["P"]:
            assert not list(differences(sample, own))
