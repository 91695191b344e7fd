"""From the port's orders to the venue's."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from chanflow.adapters.venues.hyperliquid.names import cloid_of
from chanflow.adapters.venues.hyperliquid.terms import Unfit, amended_terms, batch_of
from chanflow.adapters.venues.hyperliquid.wire import Asset, OrderTerms, order_action
from chanflow.execution.ports import OrderChange, VenueOrder

D = Decimal

BTC = Asset("BTC", 0, 5, 40)
ID = "0x" + "ab" * 16
BOUND = D("0.005")
MARKET = VenueOrder(ID, "BTC", "buy", D("0.01"), False, None, None, None)
LIMIT = replace(MARKET, limit_price=D("60000.7"), time_in_force="gtc")


def test_an_order_without_a_price_takes_up_to_its_bound() -> None:
    (buy,) = batch_of(MARKET, BTC, D(60_000), BOUND)
    (sell,) = batch_of(replace(MARKET, side="sell"), BTC, D(60_000), BOUND)
    assert (buy.price, buy.tif) == (D(60_300), "Ioc")
    assert (sell.price, sell.tif) == (D(59_700), "Ioc")


def test_a_limit_never_gets_worse_than_approved() -> None:
    assert batch_of(LIMIT, BTC, None, BOUND)[0].price == D(60_000)
    assert batch_of(replace(LIMIT, side="sell"), BTC, None, BOUND)[0].price == D(60_001)


@pytest.mark.parametrize(("tif", "theirs"), [("gtc", "Gtc"), ("ioc", "Ioc"), ("gtx", "Alo")])
def test_times_in_force_have_the_venues_words(tif: str, theirs: str) -> None:
    assert batch_of(replace(LIMIT, time_in_force=tif), BTC, None, BOUND)[0].tif == theirs  # type: ignore[arg-type]


@pytest.mark.parametrize("tif", ["fok", "gtd"])
def test_what_the_venue_has_no_order_for_is_not_sent(tif: str) -> None:
    with pytest.raises(Unfit, match=tif):
        batch_of(replace(LIMIT, time_in_force=tif), BTC, None, BOUND)  # type: ignore[arg-type]


def test_entry_and_exits_are_one_batch() -> None:
    batch = batch_of(replace(LIMIT, stop_price=D(58_000), take_profit_price=D(63_000)), BTC, None, BOUND)
    wires = order_action(batch, "normalTpsl")["orders"]
    assert [w["c"] for w in wires] == [ID, cloid_of(f"{ID}-sl"), cloid_of(f"{ID}-tp")]
    assert [w["r"] for w in wires] == [False, True, True]
    assert [w["b"] for w in wires] == [True, False, False]
    assert wires[1]["t"] == {"trigger": {"isMarket": True, "triggerPx": "58000", "tpsl": "sl"}}
    assert wires[2]["t"] == {"trigger": {"isMarket": True, "triggerPx": "63000", "tpsl": "tp"}}


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "fitted"),
    [("sell", "stop_market", "58000.4", "58001"), ("buy", "stop_market", "62000.4", "62000"),
     ("sell", "take_profit_market", "63000.4", "63000"), ("buy", "take_profit_market", "57000.4", "57001")],
)  # fmt: skip
def test_a_trigger_is_moved_toward_the_market(side: str, kind: str, trigger: str, fitted: str) -> None:
    order = replace(MARKET, side=side, reduce_only=True, conditional=kind, trigger_price=D(trigger))  # type: ignore[arg-type]
    (terms,) = batch_of(order, BTC, None, BOUND)
    assert terms.trigger_price == D(fitted)
    # It may take a tenth beyond its trigger: a stop must get out.
    assert abs(terms.price / D(fitted) - 1) == pytest.approx(D("0.1"), abs=D("0.0001"))


def test_a_stop_that_opens_is_not_offered() -> None:
    with pytest.raises(Unfit, match="only reduces"):
        batch_of(replace(MARKET, conditional="stop_market", trigger_price=D(58_000)), BTC, None, BOUND)


def test_a_trailing_stop_is_not_offered() -> None:
    with pytest.raises(Unfit, match="trailing"):
        batch_of(replace(MARKET, reduce_only=True, conditional="trailing"), BTC, None, BOUND)


def test_a_name_that_is_no_cloid_is_not_sent() -> None:
    with pytest.raises(Unfit, match="32 hexadecimal digits"):
        batch_of(replace(LIMIT, client_order_id="qabc"), BTC, None, BOUND)


TERMS = OrderTerms(BTC, "buy", D("0.01"), D(60_000), reduce_only=False, cloid=ID)


def amended(change: OrderChange, filled: str = "0", leaves: str = "0.01") -> OrderTerms:
    return amended_terms(TERMS, change, BTC, filled_base=D(filled), leaves_base=D(leaves))


def test_a_replacement_is_for_what_is_left_of_the_quantity() -> None:
    assert amended(OrderChange(qty_base=D("0.02")), "0.004", "0.006").qty_base == D("0.016")
    assert amended(OrderChange(limit_price=D(59_000)), "0.004", "0.006").qty_base == D("0.006")


def test_a_quantity_that_is_filled_already_is_not_sent() -> None:
    with pytest.raises(Unfit, match="is filled"):
        amended(OrderChange(qty_base=D("0.004")), "0.004", "0.006")


def test_an_order_without_a_trigger_has_none_to_be_moved() -> None:
    with pytest.raises(Unfit, match="no trigger"):
        amended(OrderChange(trigger_price=D(58_000)))
