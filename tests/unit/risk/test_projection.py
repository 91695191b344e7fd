from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from made_desk import MARKET, SIM, D, account, position

from chanflow.domain.account import AccountSnapshot, RestingOrder
from chanflow.risk.limits import Limits
from chanflow.risk.market_view import MarketView
from chanflow.risk.projection import (
    After,
    Held,
    Intent,
    hold,
    loss_per_base,
    priced,
    project,
    sweep_price,
    total_after,
    worst_fill,
    worst_price,
)


def resting(side: str, qty: str, price: str = "100", symbol: str = "SIMUSDT", leverage: int = 1) -> RestingOrder:
    return RestingOrder(symbol, "SIM", side, D(qty), D(price), leverage)  # type: ignore[arg-type]


def projected(
    wish: Intent, before: AccountSnapshot, held: Held, market: MarketView = MARKET, *, openings: int = 0
) -> After:
    return project(wish, priced(wish, market, Limits()), before, held, market, openings)


def after(
    side: str = "buy", qty: str = "10", *, limit: str | None = "100", stop: str | None = "99", reserved: Any = (),
    **changes: Any,
) -> After:  # fmt: skip
    before = account(**changes)
    wish = Intent(SIM, side, D(qty), 2, None if limit is None else D(limit), None if stop is None else D(stop))
    return projected(wish, before, hold(SIM, before, reserved, {"SIMUSDT": D(100)}))


def test_a_position_and_an_order_add_up_at_the_moved_mark() -> None:
    found = after(positions=(position("5"),))
    assert found.notional_quote == D(500) + D(10) * D(101)
    assert found.asset_notional_quote == D(1510)
    assert found.margin_quote == D(250) + D(505)


def test_resting_orders_count_as_filled_and_the_worse_side_counts() -> None:
    found = after(resting=(resting("buy", "3"), resting("sell", "50")))
    assert found.notional_quote == D(50) * 101
    assert found.asset_notional_quote == D(50) * 101
    assert after(resting=(resting("buy", "3"), resting("sell", "5"))).notional_quote == D(13) * 101


def test_reserved_room_counts_like_resting_orders() -> None:
    assert after(reserved=(resting("buy", "3", "101"),)) == after(resting=(resting("buy", "3", "101"),))


def test_the_margin_of_every_order_and_the_fees_both_ways_are_claimed() -> None:
    found = after(resting=(resting("buy", "3", leverage=3),))
    assert found.margin_quote == D(101) + D(505)
    assert found.fees_quote == 2 * D(13) * 101 * SIM.taker_fee_frac


def test_hedges_on_one_base_asset_offset_but_leverage_does_not() -> None:
    found = after(positions=(position("-10", symbol="SIMUSDC"),))
    # 10 left over once it has filled, and 1,000 while it has not.
    assert found.asset_notional_quote == D(1000)
    assert found.notional_quote == D(2010)


def test_an_order_is_not_set_off_against_the_position_it_may_outlive() -> None:
    found = after(positions=(position("-30"),))
    assert found.notional_quote == D(3000)
    assert found.asset_notional_quote == D(3000)
    assert after("buy", "40", positions=(position("-30"),)).asset_notional_quote == D(4040)
    assert after("sell", "40", positions=(position("30"),)).asset_notional_quote == D(4040)
    two = (resting("buy", "5"),)
    assert after("buy", "40", positions=(position("-30"),), resting=two).asset_notional_quote == D(45) * 101


def test_another_symbol_counts_at_its_own_mark_and_its_worse_side() -> None:
    other = position("10", symbol="XUSDT", base="X", mark_price=D(50))
    orders = (resting("sell", "30", "60", "XUSDT"), RestingOrder("YUSDT", "Y", "buy", D(1), D(10), 1))
    found = after(positions=(other,), resting=(replace(orders[0], base="X"), orders[1]))
    # 30 sold at 60 against a position that may be gone by then; 1 Y at its price moved by 1 %.
    assert found.notional_quote == D(30) * 60 + D("10.1") + D(1010)
    assert found.asset_notional_quote == D(1010)


def test_the_worst_price_makes_the_notional_largest() -> None:
    assert worst_price(D(100), None) == D(101)
    assert worst_price(D(100), D(105)) == D(105)
    assert worst_price(D(100), D(95)) == D(101)


def test_the_worst_fill_is_the_limit_or_the_edge_of_the_collar() -> None:
    assert worst_fill("buy", D(100), D(98)) == D(98)
    assert worst_fill("buy", D(100), None) == D(101)
    assert worst_fill("sell", D(100), None) == D(99)


def test_a_market_order_is_weighed_at_the_edge_of_the_collar() -> None:
    found = after(limit=None, stop="95")
    assert found.entry_price == D(101)
    cost = (D(101) + 95) * (SIM.taker_fee_frac + D("0.0005"))
    assert found.trade_loss_quote == 10 * (6 + cost)


def test_the_loss_at_the_stop_has_fees_slippage_and_funding() -> None:
    assert loss_per_base(D(100), D(99), SIM, Limits(), D(0)) == D(1) + D(199) * D("0.001")
    assert loss_per_base(D(100), D(99), SIM, Limits(), D("0.01")) == D(2) + D(199) * D("0.001")
    assert loss_per_base(D(100), D(99), SIM, Limits(), D("-0.01")) == D(1) + D(199) * D("0.001")


@pytest.mark.parametrize(("side", "pays"), [("buy", True), ("sell", False)])
def test_funding_is_paid_by_the_side_that_pays_it(side: str, pays: bool) -> None:
    market = replace(MARKET, funding_frac=D("0.01"))
    stop = "99" if side == "buy" else "101"
    wish = Intent(SIM, side, D(1), 2, D(100), D(stop))
    costs = [
        projected(wish, account(), hold(SIM, account(), (), {}), view).trade_loss_quote for view in (MARKET, market)
    ]
    assert costs[1] - costs[0] == (1 if pays else 0)  # type: ignore[operator]


def test_liquidation_is_the_nearer_of_own_margin_and_the_accounts() -> None:
    assert after().liquidation_frac == D("0.5") - D("0.05")
    crowded = after(positions=(position("200", symbol="XUSDT", base="X"),), equity_quote=D(2_101))
    assert crowded.liquidation_frac == D(2101) / D(21010) - D("0.05")


def test_a_venue_with_a_higher_maintenance_margin_is_believed_a_lower_one_is_not() -> None:
    for told, counted in (("0.10", "0.40"), ("0.01", "0.45")):
        market = replace(MARKET, maintenance_frac=D(told))
        wish = Intent(SIM, "buy", D(1), 2, D(100), D(99))
        found = projected(wish, account(), hold(SIM, account(), (), {}), market)
        assert found.liquidation_frac == D(counted)


def test_a_market_order_reaches_to_the_last_level_it_takes() -> None:
    market = replace(MARKET, asks=((D(100), D(1)), (D("100.5"), D(2))), bids=((D(99), D(4)),))
    assert sweep_price("buy", D(1), market) == D(100)
    assert sweep_price("buy", D("1.001"), market) == D("100.5")
    assert sweep_price("buy", D("3.001"), market) is None
    assert sweep_price("sell", D(4), market) == D(99)


def test_without_a_mark_only_the_accounts_own_figures_are_known() -> None:
    wish = Intent(SIM, "buy", D(1), 2, D(100), D(99))
    found = projected(wish, account(), hold(SIM, account(), (), {}), replace(MARKET, mark=None), openings=3)
    assert (found.notional_quote, found.trade_loss_quote, found.liquidation_frac) == (None, None, None)
    assert (found.equity_quote, found.order_leverage, found.openings_last_minute) == (D(10_000), 2, 3)
    assert found.resting_here == 1


def test_orders_resting_in_the_symbol_are_counted_with_this_one() -> None:
    found = after(resting=(resting("buy", "1"), resting("buy", "1", symbol="SIMUSDC"), resting("sell", "1")))
    assert found.resting_here == 3


@pytest.mark.parametrize(("side", "own"), [("buy", D(1_500)), ("sell", D(2_020))])
def test_the_worse_of_what_was_bought_and_what_was_sold_counts(side: str, own: Decimal) -> None:
    # A position of 500, and ten sold or bought at a mark moved by 1 %.
    before = {"positions": (position("5"),), "resting": (resting("sell", "10"),)}
    held = hold(SIM, account(**before), (), {})
    assert (held.own_buys_quote, held.own_sells_quote) == (D(500), D(1_010))
    assert total_after(held, side, D(1_000) if side == "buy" else D(1_010)) == own
    assert total_after(held, "buy", D(100)) == D(1_010)
    assert total_after(hold(SIM, account(positions=(position("50"),)), (), {}), "sell", D(100)) == D(5_000)
