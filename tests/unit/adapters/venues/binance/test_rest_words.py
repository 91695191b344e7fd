"""Every recorded body that the venue reads is read, and what is not as documented is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from made_samples import endpoint, present

from chanflow.adapters.transport.allowance import Limit
from chanflow.adapters.transport.bodies import money, retry_after_s
from chanflow.adapters.venues.binance.error_codes import outcome_of
from chanflow.adapters.venues.binance.rest_words import (
    balances,
    conditional,
    funding,
    instrument,
    limits,
    order_state,
    positions,
    rows_of,
    trade,
    traded_symbols,
    used_counts,
)
from chanflow.domain.order import OrderState
from chanflow.execution.ports import Accepted

RECORDED = "jkorf_binance_usdm/endpoints"


def recorded(name: str) -> Any:
    return endpoint(present(RECORDED) / f"{name}.txt")[2]


@pytest.mark.golden
@pytest.mark.parametrize("name", ["PlaceOrder", "GetOrder", "CancelOrder", "EditOrder", "GetOpenOrder"])
def test_a_recorded_order_is_read(name: str) -> None:
    row = recorded(f"Trading/{name}")
    found = order_state(row)
    assert found.client_order_id == row["clientOrderId"]
    assert found.qty_base == Decimal(row["origQty"])
    assert found.filled_base == Decimal(row["executedQty"])
    assert found.symbol == row["symbol"]


@pytest.mark.golden
@pytest.mark.parametrize("name", ["GetOrders", "GetOpenOrders"])
def test_recorded_lists_of_orders_are_read(name: str) -> None:
    rows = recorded(f"Trading/{name}")
    assert [order_state(row).client_order_id for row in rows] == [row["clientOrderId"] for row in rows]


@pytest.mark.golden
def test_recorded_orders_of_another_library_are_read() -> None:
    folder = present("nautilus_binance/futures/http_json")
    found = order_state(json.loads((folder / "order_response.json").read_text()))
    assert (found.client_order_id, found.state, found.limit_price) == (
        "testOrder123", OrderState.ACCEPTED, Decimal("50000.00"),
    )  # fmt: skip
    (row,) = json.loads((folder / "open_algo_orders.json").read_text())
    stop = conditional(row).state
    assert (stop.is_stop, stop.trigger_price) == (True, Decimal(45_000))
    (held,) = positions(json.loads((folder / "position_risk.json").read_text()))
    assert (held.qty_base, held.average_price, held.mark_price) == (Decimal("0.001"), Decimal(50_000), Decimal(51_000))
    (wallet,) = balances(json.loads((folder / "balance.json").read_text()))
    assert (wallet.asset, wallet.wallet) == ("USDT", Decimal("122.12345678"))


@pytest.mark.golden
@pytest.mark.parametrize("name", ["PlaceConditionalOrder", "GetConditionalOrder", "CancelConditionalOrder"])
def test_a_recorded_conditional_order_is_read(name: str) -> None:
    row = recorded(f"Trading/{name}")
    found = conditional(row)
    assert found.state.client_order_id == row["clientAlgoId"]
    assert found.state.trigger_price == Decimal(row["triggerPrice"])
    assert found.child_order_id == row.get("actualOrderId", "")
    assert found.state.is_stop == row["orderType"].startswith("STOP")


@pytest.mark.golden
def test_recorded_open_conditional_orders_are_read() -> None:
    (row,) = recorded("Trading/GetOpenConditionalOrders")
    assert conditional(row).state.state is OrderState.ACCEPTED
    assert conditional(row).child_order_id == ""


@pytest.mark.golden
def test_a_recorded_trade_is_read() -> None:
    (row,) = recorded("Trading/GetUserTrades")
    found = trade(row)
    assert (found.trade_id, found.order_id, found.side, found.maker) == ("698759", "25851813", "sell", False)
    assert (found.price, found.qty_base, found.fee, found.fee_asset) == (
        Decimal("7819.01"), Decimal("0.002"), Decimal("-0.07819010"), "USDT",
    )  # fmt: skip


@pytest.mark.golden
def test_recorded_positions_are_read_without_flat_ones() -> None:
    (held,) = positions(recorded("Trading/GetPositions"))
    assert (held.symbol, held.qty_base) == ("BTCUSDT", Decimal("0.001"))
    assert positions(recorded("Account/GetPositionInformation")) == ()


@pytest.mark.golden
def test_recorded_balances_are_read() -> None:
    (found,) = balances(recorded("Account/GetBalances"))
    assert (found.asset, found.wallet) == ("USDT", Decimal("122607.35137903"))


@pytest.mark.golden
def test_recorded_income_is_read() -> None:
    found = [funding(row) for row in recorded("Account/GetIncomeHistory")]
    assert [(one.ref, one.amount_quote) for one in found] == [
        ("9689322392", Decimal("-0.37500000")), ("9689322392", Decimal("-0.01000000")),
    ]  # fmt: skip


@pytest.mark.golden
def test_the_recorded_exchange_info_gives_rules_and_limits() -> None:
    info = recorded("ExchangeData/GetExchangeInfo")
    assert {limit.name for limit in limits(info)} == {"weight", "orders"}
    rows = traded_symbols(info)
    assert rows
    for name, row in rows.items():
        rules = instrument(row, Decimal(0), Decimal(0))
        assert rules.symbol == name
        assert rules.tick > 0
        assert rules.step > 0


def test_a_limit_has_its_span_in_seconds() -> None:
    rows = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
    ]
    assert limits({"rateLimits": rows}) == (Limit("weight", 60, 2400), Limit("orders", 10, 300))


def test_the_counts_in_headers_are_read() -> None:
    headers = {"x-mbx-used-weight-1m": "17", "x-mbx-order-count-10s": "3", "x-mbx-order-count-1m": "x", "date": "now"}
    assert used_counts(headers) == (("weight", 60, 17), ("orders", 10, 3))


@pytest.mark.parametrize(("text", "seconds"), [("30", 30.0), ("", 60.0), ("soon", 60.0), ("-5", 60.0)])
def test_the_wait_is_the_answers_where_it_tells_one(text: str, seconds: float) -> None:
    assert retry_after_s({"retry-after": text}, otherwise_s=60.0) == seconds


@pytest.mark.parametrize("odd", [1.5, True, "NaN", "Infinity", "-Infinity"])
def test_money_that_is_not_exact_is_refused(odd: object) -> None:
    with pytest.raises(ValueError, match="money came as"):
        money(odd)


@pytest.mark.parametrize(
    ("read", "row"),
    [(order_state, {"clientOrderId": "a"}), (conditional, {}), (trade, {"id": 1}), (funding, []),
     (positions, [{"positionAmt": "x"}]), (balances, {"a": 1}), (rows_of, {"rows": []})],
)  # fmt: skip
def test_a_body_that_is_not_as_documented_is_refused(read: Callable[[Any], Any], row: Any) -> None:
    with pytest.raises(ValueError, match=r"as documented|list was expected"):
        read(row)


def test_an_order_of_unknown_status_is_refused_and_not_guessed() -> None:
    row = {"clientOrderId": "a", "symbol": "B", "side": "BUY", "status": "NEWISH", "origQty": "1", "executedQty": "0",
           "price": "0", "type": "LIMIT", "reduceOnly": False, "updateTime": 1}  # fmt: skip
    with pytest.raises(ValueError, match="NEWISH"):
        order_state(row)


@pytest.mark.golden
def test_every_recorded_answer_is_an_answer() -> None:
    paths = sorted(present(RECORDED).rglob("*.txt"))
    told = [(path.name, endpoint(path)) for path in paths]
    outcomes = {name: outcome_of(200, json.dumps(body).encode()) for name, (_, _, body) in told if body is not None}
    assert len(outcomes) > 80
    assert {name: outcome for name, outcome in outcomes.items() if outcome != Accepted()} == {}
