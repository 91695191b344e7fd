from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from made_desk import SIM, D, account, position

from chanflow.domain.account import RestingOrder
from chanflow.domain.errors import SettingsInvalid
from chanflow.risk.constraints import HARD_CONSTRAINTS
from chanflow.risk.ladder import LADDER, red_line
from chanflow.risk.limits import Limits
from chanflow.risk.projection import After, Intent, project, worst_price
from chanflow.risk.sizing import loss_per_base, size

SOUND = After(
    equity_quote=D(10_000), drawdown_frac=D(0), day_loss_frac=D(0), order_leverage=2, notional_quote=D(1_000),
    asset_notional_quote=D(1_000), margin_quote=D(500), fees_quote=D(1),
)  # fmt: skip

BOUNDS = [
    # constraint, field, a value that passes, one unit further
    ("margin_ratio", "notional_quote", D(50_000), D("50000.01")),
    ("total_drawdown", "drawdown_frac", D("0.0999999"), D("0.1")),
    ("daily_loss", "day_loss_frac", D("0.0499999"), D("0.05")),
    ("leverage", "order_leverage", 5, 6),
    ("leverage", "notional_quote", D(50_000), D("50000.01")),
    ("cash_reserve", "margin_quote", D(8_999), D("8999.01")),
    ("asset_exposure", "asset_notional_quote", D(3_000), D("3000.01")),
]


@pytest.mark.parametrize(("name", "field", "passes", "refuses"), BOUNDS)
def test_each_bound_holds_to_the_last_unit(name: str, field: str, passes: Any, refuses: Any) -> None:
    constraint = dict(HARD_CONSTRAINTS)[name]
    assert constraint(replace(SOUND, **{field: passes}), Limits()).ok
    assert not constraint(replace(SOUND, **{field: refuses}), Limits()).ok


def test_a_flat_account_has_no_margin_ratio_to_break() -> None:
    assert dict(HARD_CONSTRAINTS)["margin_ratio"](replace(SOUND, notional_quote=D(0)), Limits()).ok


def test_limits_may_only_be_tightened() -> None:
    assert Limits(max_leverage=D(3), min_cash_reserve_frac=D("0.2")).max_leverage == 3
    for name, loose in (("max_leverage", "5.01"), ("min_margin_ratio", "0.19"), ("slippage_frac", "0.0004")):
        with pytest.raises(SettingsInvalid, match=f"{name} is {loose}, which is looser"):
            Limits(**{name: D(loose)})
    with pytest.raises(SettingsInvalid, match="must be a positive decimal"):
        Limits(max_leverage=D("NaN"))


def test_the_hash_of_limits_follows_their_values() -> None:
    assert Limits().hash == Limits().hash
    assert Limits().hash != Limits(max_leverage=D(4)).hash


def test_the_ladder_is_the_table() -> None:
    rows = [(r.level, str(r.max_position_frac), r.max_leverage, str(r.min_confidence), r.opening_trades_per_day)
            for r in LADDER.values()]  # fmt: skip
    assert rows == [
        ("L0", "0", 1, "1.00", 0), ("L1", "0.10", 2, "0.80", 1), ("L2", "0.12", 2, "0.75", 2),
        ("L3", "0.15", 3, "0.70", 4), ("L4", "0.20", 4, "0.65", 6), ("L5", "0.25", 5, "0.60", None),
    ]  # fmt: skip


def test_red_lines_stand_at_their_limits() -> None:
    day = {"day_start_equity_quote": D(1)}
    assert red_line(account(equity_quote=D("9000.01"), **day), Limits()) is None
    assert red_line(account(equity_quote=D(9000), **day), Limits()) == "drawdown is 0.1000, the limit is 0.10"


def intent(side: str = "buy", qty: str = "10", price: str = "100") -> Intent:
    return Intent(SIM, side, D(qty), 2, D(price))


def test_a_position_and_an_order_add_up() -> None:
    after = project(intent(), account(positions=(position("5"),)), ())
    assert after.notional_quote == D(1500)
    assert after.asset_notional_quote == D(1500)
    assert after.margin_quote == D(250) + D(500)


def test_resting_orders_count_as_filled_and_the_worse_side_counts() -> None:
    resting = (
        RestingOrder("SIMUSDT", "SIM", "buy", D(3), D(100), 1),
        RestingOrder("SIMUSDT", "SIM", "sell", D(50), D(100), 1),
    )
    after = project(intent(), account(resting=resting), ())
    assert after.notional_quote == D(5000)


def test_hedges_on_one_base_asset_offset_but_leverage_does_not() -> None:
    other = position("-10", symbol="SIMUSDC")
    after = project(intent(), account(positions=(other,)), ())
    assert after.asset_notional_quote == D(0)
    assert after.notional_quote == D(2000)


def test_the_worst_price_makes_the_notional_largest() -> None:
    assert worst_price(D(100), None, D("0.01")) == D(101)
    assert worst_price(D(100), D(105), D("0.01")) == D(105)
    assert worst_price(D(100), D(95), D("0.01")) == D(101)


def test_size_is_rounded_down_and_names_what_bound_it() -> None:
    options: dict[str, Any] = {
        "entry": D(100), "stop": D(99), "price": D(100), "equity_quote": D(10_000), "room_quote": D(9_999),
        "max_position_frac": D("0.15"), "conviction": D(1), "wish_quote": None, "instrument": SIM, "limits": Limits(),
    }  # fmt: skip
    assert size(**options) == (D("15.000"), "ladder")
    assert size(**{**options, "room_quote": D("100.09")}) == (D("1.000"), "exposure")
    assert size(**{**options, "wish_quote": D("333.3333")}) == (D("3.333"), "wish")
    assert size(**{**options, "room_quote": D(-1)}) == (D(0), "exposure")
    assert size(**{**options, "stop": D(80)})[1] == "stop_distance"


def test_the_loss_at_the_stop_has_fees_and_slippage_both_ways() -> None:
    assert loss_per_base(D(100), D(99), SIM, Limits()) == D(1) + D(199) * Decimal("0.001")
