from decimal import Decimal
from itertools import pairwise

import pytest
from made_exchange import MadeExchange


@pytest.fixture
def made() -> MadeExchange:
    return MadeExchange()


def test_a_position_ties_up_margin_and_the_rest_is_free(made: MadeExchange) -> None:
    made.order("BUY", "0.100")
    account = made.ask("GET", "/fapi/v2/account")
    # 0.1 at a mark of 60,000.05 by 20; bought at 60,000.10 with a fee of 5 in 10,000.
    assert account["totalPositionInitialMargin"] == "300.00025000"
    assert account["totalWalletBalance"] == "9996.99999500"
    assert account["totalUnrealizedProfit"] == "-0.00500000"
    assert account["totalMaintMargin"] == "24.00002000"
    assert account["availableBalance"] == "9696.99474500"
    (asset,) = account["assets"]
    assert asset["walletBalance"] == made.balance()["balance"] == account["totalWalletBalance"]


def test_orders_that_may_open_tie_up_margin_and_those_that_reduce_do_not(made: MadeExchange) -> None:
    made.order("BUY", "0.100")
    before = made.balance()["availableBalance"]
    made.order("SELL", "0.100", "61000.00")
    assert made.balance()["availableBalance"] == before
    made.order("BUY", "0.100", "59000.00")
    assert Decimal(before) - Decimal(made.balance()["availableBalance"]) == Decimal("295.00000000")


def test_v2_shows_all_symbols_and_v3_those_in_use(made: MadeExchange) -> None:
    made.order("BUY", "0.100")
    assert [row["symbol"] for row in made.ask("GET", "/fapi/v2/positionRisk")] == ["BTCUSDT", "ETHUSDT"]
    (held,) = made.ask("GET", "/fapi/v3/positionRisk")
    assert (held["symbol"], held["positionAmt"], held["entryPrice"]) == ("BTCUSDT", "0.100", "60000.10000000")
    assert [row["symbol"] for row in made.ask("GET", "/fapi/v3/account")["positions"]] == ["BTCUSDT"]


def test_a_position_is_liquidated_where_it_says(made: MadeExchange) -> None:
    made.ask("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=50)
    made.order("BUY", "5.000")
    due = Decimal(made.position()["liquidationPrice"])
    above = int(due * 100) + 20
    made.tell("BTCUSDT", [(7, above, 0)])
    assert made.position()["positionAmt"] == "5.000"
    made.tell("BTCUSDT", [(7, above - 40, 0)])
    assert made.position()["positionAmt"] == "0.000"
    (forced,) = made.ask("GET", "/fapi/v1/forceOrders")
    assert (forced["side"], forced["executedQty"], forced["clientOrderId"][:10]) == ("SELL", "5.000", "autoclose-")
    assert made.balance()["balance"] == "0.00000000"
    last = made.told("ORDER_TRADE_UPDATE")[-1]["o"]
    assert (last["x"], last["X"]) == ("CALCULATED", "FILLED")


def test_a_margin_call_comes_once_before(made: MadeExchange) -> None:
    made.ask("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=50)
    made.order("BUY", "5.000")
    due = int(Decimal(made.position()["liquidationPrice"]) * 100)
    made.tell("BTCUSDT", [(7, due + 5_000, 0)])
    made.tell("BTCUSDT", [(7, due + 4_000, 0)])
    (call,) = made.told("MARGIN_CALL")
    assert call["p"][0]["s"] == "BTCUSDT"


def test_an_isolated_position_loses_no_more_than_its_margin(made: MadeExchange) -> None:
    made.ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    made.order("BUY", "1.000")
    held = made.position()
    assert held["marginType"] == "isolated"
    assert held["isolatedWallet"] == "3000.00500000"
    made.tell("BTCUSDT", [(7, int(Decimal(held["liquidationPrice"]) * 100) - 100, 0)])
    assert made.position()["positionAmt"] == "0.000"
    # What is left: all but the margin and the fee of the entry.
    assert made.balance()["balance"] == "6969.99495000"


def test_margin_of_a_symbol_may_come_from_money_booked_with_another(made: MadeExchange) -> None:
    made.ask("POST", "/fapi/v1/marginType", symbol="ETHUSDT", marginType="ISOLATED")
    made.order("BUY", "1.000", symbol="ETHUSDT")
    before = made.balance()["balance"]
    said = made.ask("POST", "/fapi/v1/positionMargin", symbol="ETHUSDT", amount="1000", type=1)
    assert said == {"amount": 1000.0, "code": 200, "msg": "Successfully modify position margin.", "type": 1}
    assert made.position("ETHUSDT")["isolatedWallet"] == "1150.00050000"
    assert made.balance()["balance"] == before
    made.ask("POST", "/fapi/v1/positionMargin", symbol="ETHUSDT", amount="1000", type=2)
    changes = made.ask("GET", "/fapi/v1/positionMargin/history", symbol="ETHUSDT")
    assert [(row["type"], row["amount"]) for row in changes] == [(1, "1000.00000000"), (2, "1000.00000000")]


def test_two_symbols_stand_behind_each_other(made: MadeExchange) -> None:
    made.ask("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=50)
    made.order("BUY", "100.000", symbol="ETHUSDT")
    made.order("BUY", "0.500")
    made.quote("BTCUSDT", 9_000_000, 9_000_010)
    # A profit of 15,000 in BTC carries a loss of 12,000 in ETH, more than the wallet.
    made.quote("ETHUSDT", 288_000, 288_001, step=1, lots=100_000)
    assert made.position("ETHUSDT")["positionAmt"] == "100.000"
    made.quote("BTCUSDT", 6_000_000, 6_000_010)
    assert made.position("BTCUSDT")["positionAmt"] == "0.000"
    made.quote("ETHUSDT", 287_900, 287_901, step=1, lots=100_000)
    assert made.position("ETHUSDT")["positionAmt"] == "0.000"


def test_funding_is_paid_by_longs_and_told(made: MadeExchange) -> None:
    made.order("BUY", "0.100", key="long")
    made.order("SELL", "0.100", key="short")
    made.tell("BTCUSDT", [(8, 0, 100_000)])
    (paid,) = made.ask("GET", "/fapi/v1/income", incomeType="FUNDING_FEE", key="long")
    (got,) = made.ask("GET", "/fapi/v1/income", incomeType="FUNDING_FEE", key="short")
    assert (paid["income"], got["income"]) == ("-0.60000050", "0.60000050")
    told = [row["a"] for row in made.told("ACCOUNT_UPDATE") if row["a"]["m"] == "FUNDING_FEE"]
    assert [row["B"][0]["bc"] for row in told] == ["-0.60000050", "0.60000050"]
    assert [row["P"] for row in told] == [[], []]


def test_payments_add_up_to_the_wallet(made: MadeExchange) -> None:
    made.order("BUY", "0.123")
    made.quote("BTCUSDT", 6_100_000, 6_100_010)
    made.order("SELL", "0.045")
    made.tell("BTCUSDT", [(8, 0, 123_457)])
    made.order("SELL", "0.100")
    total = sum(Decimal(row["income"]) for row in made.ask("GET", "/fapi/v1/income", limit=1000))
    assert Decimal(10_000) + total == Decimal(made.balance()["balance"])


def test_long_and_short_are_apart_in_a_hedge(made: MadeExchange) -> None:
    made.ask("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    made.order("BUY", "0.100", positionSide="LONG")
    made.order("SELL", "0.050", positionSide="SHORT")
    rows = made.ask("GET", "/fapi/v2/positionRisk", symbol="BTCUSDT")
    assert [(row["positionSide"], row["positionAmt"]) for row in rows] == [("LONG", "0.100"), ("SHORT", "-0.050")]
    assert made.order("SELL", "0.100", positionSide="LONG")["status"] == "FILLED"
    assert made.order("SELL", "0.100", positionSide="LONG")["code"] == -2022
    rows = made.ask("GET", "/fapi/v2/positionRisk", symbol="BTCUSDT")
    assert [row["positionAmt"] for row in rows] == ["0.000", "-0.050"]


def test_settings_are_kept_and_told(made: MadeExchange) -> None:
    said = made.ask("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=7)
    assert said == {"leverage": 7, "maxNotionalValue": "230000000", "symbol": "BTCUSDT"}
    assert made.told("ACCOUNT_CONFIG_UPDATE")[-1]["ac"] == {"s": "BTCUSDT", "l": 7}
    made.ask("POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="true")
    assert made.ask("GET", "/fapi/v1/multiAssetsMargin") == {"multiAssetsMargin": True}
    assert made.told("ACCOUNT_CONFIG_UPDATE")[-1]["ai"] == {"j": True}
    refused = made.ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    assert refused["code"] == -4168
    made.ask("POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="false")
    made.ask("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    config = made.ask("GET", "/fapi/v1/symbolConfig", symbol="BTCUSDT")
    assert (config[0]["marginType"], config[0]["leverage"]) == ("ISOLATED", 7)
    assert made.ask("POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="true")["code"] == -4167


def test_brackets_make_maintenance_continuous(made: MadeExchange) -> None:
    (told,) = made.ask("GET", "/fapi/v1/leverageBracket", symbol="BTCUSDT")
    rows = told["brackets"]
    for lower, upper in pairwise(rows):
        at = lower["notionalCap"]
        assert at == upper["notionalFloor"]
        below = at * lower["maintMarginRatio"] - lower["cum"]
        assert at * upper["maintMarginRatio"] - upper["cum"] == pytest.approx(below)


def test_a_listen_key_is_opened_kept_and_closed_with_the_key_alone(made: MadeExchange) -> None:
    key = made.ask("POST", "/fapi/v1/listenKey")["listenKey"]
    assert made.ask("PUT", "/fapi/v1/listenKey") == {"listenKey": key}
    assert made.ask("DELETE", "/fapi/v1/listenKey") == {}
    assert made.ask("PUT", "/fapi/v1/listenKey")["code"] == -1125
