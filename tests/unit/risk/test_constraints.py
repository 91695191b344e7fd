from __future__ import annotations

from typing import Any

import pytest
from made_desk import D

from chanflow.domain.errors import SettingsInvalid
from chanflow.risk.constraints import HARD_CONSTRAINTS
from chanflow.risk.ladder import LADDER
from chanflow.risk.limits import MAX_SIGMA_TARGET_FRAC, Limits
from chanflow.risk.projection import After

SOUND = After(
    equity_quote=D(10_000), high_water_quote=D(10_000), day_start_quote=D(10_000), day_transfers_quote=D(0),
    order_leverage=2, notional_quote=D(1_000), asset_notional_quote=D(1_000), margin_quote=D(500), fees_quote=D(1),
    trade_loss_quote=D(100), entry_price=D(100), stop_price=D(90), liquidation_frac=D("0.45"), mark_price=D(100),
    reach_price=D(100), openings_last_minute=0, resting_here=1,
)  # fmt: skip

BOUNDS = [
    # constraint, field, one unit inside, at the bound, one unit further, whether the bound itself passes
    ("margin_ratio", "notional_quote", D("49999.99"), D(50_000), D("50000.01"), True),
    ("total_drawdown", "high_water_quote", D("11111.11"), D("11111.11111111111111111112"), D("11111.12"), False),
    ("total_drawdown", "equity_quote", D("9000.01"), D(9_000), D("8999.99"), False),
    ("daily_loss", "equity_quote", D("9500.01"), D(9_500), D("9499.99"), False),
    ("daily_loss", "day_transfers_quote", D("499.99"), D(500), D("500.01"), False),
    ("leverage", "order_leverage", 4, 5, 6, True),
    ("leverage", "notional_quote", D("49999.99"), D(50_000), D("50000.01"), True),
    ("cash_reserve", "margin_quote", D("8998.99"), D(8_999), D("8999.01"), True),
    ("cash_reserve", "fees_quote", D("8499.99"), D(8_500), D("8500.01"), True),
    ("asset_exposure", "asset_notional_quote", D("2999.99"), D(3_000), D("3000.01"), True),
    ("single_trade_loss", "trade_loss_quote", D("299.99"), D(300), D("300.01"), True),
    ("stop_before_liquidation", "liquidation_frac", D("0.125001"), D("0.125"), D("0.124999"), True),
    ("stop_before_liquidation", "stop_price", D("64.01"), D(64), D("63.99"), True),
    ("stop_before_liquidation", "stop_price", D("135.99"), D(136), D("136.01"), True),
    ("price_collar", "reach_price", D("100.99"), D(101), D("101.01"), True),
    ("price_collar", "reach_price", D("99.01"), D(99), D("98.99"), True),
    ("order_rate", "openings_last_minute", 8, 9, 10, True),
    ("order_rate", "resting_here", 4, 5, 6, True),
]


@pytest.mark.parametrize(("name", "field", "inside", "bound", "beyond", "inclusive"), BOUNDS)
def test_each_bound_holds_to_the_last_unit(
    name: str, field: str, inside: Any, bound: Any, beyond: Any, inclusive: bool
) -> None:
    constraint = dict(HARD_CONSTRAINTS)[name]
    verdicts = [constraint(SOUND._replace(**{field: value}), Limits()).ok for value in (inside, bound, beyond)]
    assert verdicts == [True, inclusive, False]


@pytest.mark.parametrize("name", sorted(dict(HARD_CONSTRAINTS)))
def test_a_check_names_its_constraint_value_and_bound(name: str) -> None:
    check = dict(HARD_CONSTRAINTS)[name](SOUND, Limits())
    expected = {
        "margin_ratio": ("10.0000", "0.20"), "total_drawdown": ("0.0000", "0.10"), "daily_loss": ("0.0000", "0.05"),
        "leverage": ("2.0000", "5"), "cash_reserve": ("0.9499", "0.10"), "asset_exposure": ("0.1000", "0.30"),
        "single_trade_loss": ("0.0100", "0.03"), "stop_before_liquidation": ("3.5000", "0.25"),
        "price_collar": ("0.0000", "0.01"), "order_rate": ("1 a minute, 1 resting", "10 a minute, 5 resting"),
    }  # fmt: skip
    assert (check.name, check.value, check.bound, check.ok) == (name, *expected[name], True)


@pytest.mark.parametrize(
    ("name", "changes", "value"),
    [
        ("margin_ratio", {"notional_quote": D(80_000)}, "0.1250"),
        ("total_drawdown", {"high_water_quote": D(12_500)}, "0.2000"),
        ("daily_loss", {"day_start_quote": D(12_500)}, "0.2000"),
        ("daily_loss", {"day_start_quote": D(8_000)}, "0.0000"),
        ("leverage", {"notional_quote": D(61_000)}, "6.1000"),
        ("asset_exposure", {"asset_notional_quote": D(3_400)}, "0.3400"),
        ("asset_exposure", {"asset_notional_quote": D("3000.01")}, "0.300001"),
        ("single_trade_loss", {"trade_loss_quote": D(400)}, "0.0400"),
        ("stop_before_liquidation", {"liquidation_frac": D("0.11")}, "0.1000"),
        ("price_collar", {"reach_price": D(97)}, "0.0300"),
        ("price_collar", {"reach_price": None}, "beyond the book"),
        ("order_rate", {"openings_last_minute": 10}, "11 a minute, 1 resting"),
    ],
)
def test_the_value_shown_is_the_figure_and_is_told_from_its_bound(
    name: str, changes: dict[str, Any], value: str
) -> None:
    assert dict(HARD_CONSTRAINTS)[name](SOUND._replace(**changes), Limits()).value == value


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("margin_ratio", "notional_quote"), ("leverage", "notional_quote"), ("cash_reserve", "margin_quote"),
        ("cash_reserve", "fees_quote"), ("asset_exposure", "asset_notional_quote"),
        ("single_trade_loss", "trade_loss_quote"), ("stop_before_liquidation", "entry_price"),
        ("stop_before_liquidation", "stop_price"), ("stop_before_liquidation", "liquidation_frac"),
        ("price_collar", "mark_price"),
    ],
)  # fmt: skip
def test_a_figure_that_is_not_known_cannot_be_evaluated(name: str, field: str) -> None:
    with pytest.raises(ValueError, match="not known"):
        dict(HARD_CONSTRAINTS)[name](SOUND._replace(**{field: None}), Limits())


def test_a_flat_account_has_no_margin_ratio_to_break() -> None:
    check = dict(HARD_CONSTRAINTS)["margin_ratio"](SOUND._replace(notional_quote=D(0)), Limits())
    assert (check.value, check.ok) == ("flat", True)


def test_the_hard_constraints_are_asked_in_this_order() -> None:
    assert [name for name, _ in HARD_CONSTRAINTS] == [
        "margin_ratio", "total_drawdown", "daily_loss", "leverage", "cash_reserve", "asset_exposure",
        "single_trade_loss", "stop_before_liquidation", "price_collar", "order_rate",
    ]  # fmt: skip


def test_tighter_limits_bind_in_each_constraint() -> None:
    tight = {
        "margin_ratio": ("min_margin_ratio", D(11)), "total_drawdown": ("max_drawdown_frac", D("0.09")),
        "daily_loss": ("max_day_loss_frac", D("0.04")), "leverage": ("max_leverage", D(1)),
        "cash_reserve": ("min_cash_reserve_frac", D("0.96")),
        "asset_exposure": ("max_asset_exposure_frac", D("0.09")),
        "single_trade_loss": ("max_trade_loss_frac", D("0.009")),
        "stop_before_liquidation": ("min_liquidation_gap_frac", D(4)),
        "price_collar": ("price_collar_frac", D("0.001")),
        "order_rate": ("max_openings_per_min", D("0.5")),
    }  # fmt: skip
    near = SOUND._replace(high_water_quote=D(11_000), day_start_quote=D("10450"), reach_price=D("100.2"))
    for name, (field, bound) in tight.items():
        constraint = dict(HARD_CONSTRAINTS)[name]
        assert constraint(near, Limits()).ok, name
        assert not constraint(near, Limits(**{field: bound})).ok, name


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


def test_the_limits_by_default() -> None:
    assert {name: str(getattr(Limits(), name)) for name in Limits.__dataclass_fields__} == {
        "min_margin_ratio": "0.20", "max_drawdown_frac": "0.10", "max_day_loss_frac": "0.05", "max_leverage": "5",
        "min_cash_reserve_frac": "0.10", "max_asset_exposure_frac": "0.30", "max_trade_loss_frac": "0.03",
        "min_liquidation_gap_frac": "0.25", "price_collar_frac": "0.01", "max_openings_per_min": "10",
        "max_resting_per_symbol": "5", "slippage_frac": "0.0005", "maintenance_frac": "0.05",
        "target_trade_loss_frac": "0.01", "sigma_target_frac": "0.20", "max_volume_share_frac": "0.05",
        "soft_wall_frac": "0.03", "wall_release_share": "0.5", "wall_hold_min": "30", "max_account_age_s": "5",
        "max_mark_age_s": "2", "max_rules_age_s": "300", "approval_ttl_s": "5",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "loosest", "looser"),
    [
        ("approval_ttl_s", "60", "60.1"), ("target_trade_loss_frac", "0.03", "0.0301"),
        ("sigma_target_frac", "3.00", "3.001"), ("wall_hold_min", "30", "29.9"), ("max_leverage", "5", "5.1"),
    ],
)  # fmt: skip
def test_a_limit_may_be_as_loose_as_its_bound_and_no_looser(name: str, loosest: str, looser: str) -> None:
    assert getattr(Limits(**{name: D(loosest)}), name) == D(loosest)
    with pytest.raises(SettingsInvalid, match="looser than"):
        Limits(**{name: D(looser)})


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="must be a positive decimal"):
        Limits(max_leverage=D(0))
    assert Limits(max_leverage=D("0.5")).max_leverage == D("0.5")


def test_no_volatility_beyond_three_hundred_percent_may_be_aimed_at() -> None:
    assert MAX_SIGMA_TARGET_FRAC == 3
