"""Every recorded answer of OKX that the venue reads is read, in base units."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from made_samples import endpoint, present

from chanflow.adapters.venues.okx.error_codes import _BY_ACTION, outcome_of
from chanflow.adapters.venues.okx.names import from_venue, is_exit, to_venue
from chanflow.adapters.venues.okx.rest_words import (
    balances,
    conditional,
    contract,
    fees,
    first_of,
    funding,
    order_state,
    positions,
    rows_of,
    trade,
)
from chanflow.adapters.venues.okx.sizes import Contract, Contracts
from chanflow.domain.instrument import Instrument
from chanflow.domain.order import OrderState
from chanflow.execution.client_ids import client_order_id
from chanflow.execution.ports import Accepted, Action, VenueRefused

D = Decimal
RULES = Instrument("X", "X", "USDT", D("0.1"), D("0.001"), D("0.001"), D(0), D(0), D(0))
CONTRACTS = Contracts({
    name: Contract(RULES, D(each), D("0.01"))
    for name, each in [("BTC-USDT-SWAP", "0.01"), ("ETH-USDT-SWAP", "0.1"), ("BTC-USDT", "1"), ("ETH-USD-210430", "1")]
})  # fmt: skip


def jkorf(name: str) -> Any:
    return endpoint(present("jkorf_okx/endpoints/UnifiedApi") / f"{name}.txt")[2]


def nautilus(name: str) -> Any:
    return json.loads((present("nautilus_okx") / f"{name}.json").read_text())


@pytest.mark.golden
@pytest.mark.parametrize(
    "name", ["PlaceOrder", "CancelOrder", "AmendOrder", "PlaceAlgoOrder", "CancelAlgoOrder", "CancelAllAfter",
             "PlaceMultipleOrders"],
)  # fmt: skip
def test_a_recorded_answer_to_a_command_is_accepted(name: str) -> None:
    assert outcome_of(200, json.dumps(jkorf(f"Trading/{name}")).encode()) == Accepted()


@pytest.mark.golden
def test_a_recorded_refusal_is_a_refusal_though_the_answer_says_0() -> None:
    body = json.dumps(nautilus("http_place_algo_order_rejected")).encode()
    outcome = outcome_of(200, body)
    assert isinstance(outcome, VenueRefused)
    assert (outcome.code, outcome.action) == (51000, Action.FIX_RULES)


@pytest.mark.golden
def test_recorded_plain_orders_are_read() -> None:
    found = order_state(first_of(jkorf("Trading/GetOrderDetails")), CONTRACTS)
    assert (found.client_order_id, found.state, found.filled_base) == (
        "order-680800019749904384", OrderState.FILLED, D("0.00192834"),
    )  # fmt: skip
    (pending,) = (order_state(row, CONTRACTS) for row in rows_of(nautilus("http_get_orders_pending")))
    assert (pending.client_order_id, pending.state, pending.qty_base, pending.limit_price) == (
        "client-order-1", OrderState.ACCEPTED, D("0.001"), D(103_500),
    )  # fmt: skip


@pytest.mark.golden
@pytest.mark.parametrize(
    ("name", "client_id", "state", "child", "is_stop"),
    [("http_get_orders_algo_pending", "client_algo_1", OrderState.ACCEPTED, "", False),
     ("http_get_orders_algo_history", "client_algo_2", OrderState.TRIGGERED, "ord_456", False),
     ("http_get_orders_algo_pending_attached_oco", "O-attached-oco", OrderState.ACCEPTED, "", True)],
)  # fmt: skip
def test_recorded_conditional_orders_are_read(
    name: str, client_id: str, state: OrderState, child: str, is_stop: bool
) -> None:
    found = conditional(first_of(nautilus(name)), CONTRACTS)
    assert (found.state.client_order_id, found.state.state, found.child_order_id) == (client_id, state, child)
    assert found.state.is_stop is is_stop


@pytest.mark.golden
def test_a_recorded_trade_is_read() -> None:
    found = trade(first_of(jkorf("Trading/GetUserTrades")), CONTRACTS)
    assert (found.trade_id, found.bill_id, found.fee, found.fee_asset, found.maker) == (
        "744876980", "680800019754098688", D("0.00000192834"), "BTC", False,
    )  # fmt: skip


@pytest.mark.golden
def test_recorded_positions_are_read() -> None:
    (held,) = positions(rows_of(nautilus("http_get_positions")), CONTRACTS)
    assert (held.qty_base, held.average_price, held.mark_price) == (D("0.005"), D(10_000), D(10_000))
    (other,) = positions(rows_of(jkorf("Account/GetAccountPositions")), CONTRACTS)
    assert other.qty_base == 1


@pytest.mark.golden
def test_recorded_balances_are_the_cash_without_unrealised_profit() -> None:
    (found,) = balances(first_of(jkorf("Account/GetAccountBalance")))
    assert (found.asset, found.wallet) == ("USDT", D("4850.435693622894"))
    assert [one.asset for one in balances(first_of(nautilus("http_get_account_balance")))]


@pytest.mark.golden
def test_a_recorded_bill_and_fees_are_read() -> None:
    assert funding(first_of(jkorf("Account/GetBillHistory"))).amount_quote == D("0.0219338232210000")
    assert fees(first_of(jkorf("Account/GetFeeRates"))) == (D("0.0008"), D("0.001"))


@pytest.mark.golden
def test_recorded_swaps_have_their_rules_in_base_units_and_inverse_ones_none() -> None:
    rows = {row["instId"]: row for row in rows_of(nautilus("http_get_instruments_swap"))}
    found = contract(rows["ETH-USDT-SWAP"], D("0.0002"), D("0.0005"))
    assert (found.base_per_contract, found.instrument.step, found.instrument.base) == (D("0.1"), D("0.001"), "ETH")
    with pytest.raises(ValueError, match="a linear SWAP is needed"):
        contract(rows["BTC-USD-SWAP"], D(0), D(0))


def test_names_survive_the_way_there_and_back() -> None:
    ours = client_order_id("a", "s", "p", "entry", 1)
    for name in (ours, f"{ours}-sl", f"{ours}-tp", "manual", "order-77"):
        assert from_venue(to_venue(name)) == name
    assert to_venue(f"{ours}-sl").isalnum()
    assert len(to_venue(f"{ours}-sl")) <= 32
    assert (is_exit(f"{ours}-sl"), is_exit(ours)) == (True, False)


@pytest.mark.parametrize("qty", ["0.00015", "0.01005", "1e-9"])
def test_base_units_that_are_no_lots_are_refused(qty: str) -> None:
    with pytest.raises(ValueError, match="no whole number of lots"):
        CONTRACTS.contracts("BTC-USDT-SWAP", D(qty))


def test_no_code_has_two_actions() -> None:
    assert [
        code for code, count in Counter(c for codes in _BY_ACTION.values() for c in codes).items() if count > 1
    ] == []


@pytest.mark.parametrize("body", [{}, [], {"data": {}}, {"data": None}])
def test_an_answer_without_rows_is_refused(body: Any) -> None:
    with pytest.raises(ValueError, match="no list of data"):
        rows_of(body)


@pytest.mark.golden
def test_every_recorded_answer_is_an_answer() -> None:
    paths = sorted(present("jkorf_okx/endpoints/UnifiedApi").rglob("*.txt"))
    told = [(path.name, endpoint(path)) for path in paths]
    outcomes = {name: outcome_of(200, json.dumps(body).encode()) for name, (_, _, body) in told if body is not None}
    assert len(outcomes) > 120
    assert {name: outcome for name, outcome in outcomes.items() if outcome != Accepted()} == {}
