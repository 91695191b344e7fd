from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from made_desk import MARKET, SIM, D, account, position

from chanflow.domain.account import RestingOrder
from chanflow.risk.ladder import LADDER
from chanflow.risk.limits import Limits
from chanflow.risk.projection import Intent, hold, priced
from chanflow.risk.sizing import Sized, depth_within, size, target_weight

INTENT = Intent(SIM, "buy", D(0), 2, D(100), D(99))


def sized(intent: Intent = INTENT, *, of: Any = None, market: Any = MARKET, level: str = "L5", **changes: Any) -> Sized:
    before = account() if of is None else of
    options: dict[str, Any] = {
        "account": before, "held": hold(SIM, before, (), {"SIMUSDT": D(100)}), "market": market,
        "rung": LADDER[level], "limits": Limits(), "conviction": D(1), "share": D(1),  # type: ignore[index]
        "strategy_share": D(1), "wish_quote": None, **changes,
    }  # fmt: skip
    prices = priced(intent, replace(market, mark=market.mark or D(100)), options["limits"])
    assert prices is not None
    return size(intent, prices, **options)


def test_sigma_scales_the_target_between_its_floor_and_its_cap() -> None:
    assert target_weight(D("0.4"), D(5), Limits()) == D("0.5")
    assert target_weight(D("0.01"), D(5), Limits()) == D(4)
    assert target_weight(D("0.01"), D(3), Limits()) == D(3)
    assert target_weight(D(9), D(5), Limits()) == D("0.20") / D(3)


def test_each_cap_is_the_figure_it_is_named_for() -> None:
    caps = sized(wish_quote=D(700)).caps
    price = D(101)
    expected = {
        "volatility": D("0.20") / D("0.6") * 10_000 / price,
        "ladder": D(2500) / price,
        "exposure": D(2500) / price,
        "margin": D(50_000) / price,
        "liquidation": D(10_000) / (D("1.25") / 100 + D("0.05")) / price,
        "cash": D(9_000) / (D("0.5") + D("0.001")) / price,
        "volume": D(50_000) / price,
        "stop_distance": D(100) / (D(1) + D(199) * D("0.001")),
        "wish": D(7),
    }
    assert {name: round(cap, 20) for name, cap in caps.items()} == {n: round(c, 20) for n, c in expected.items()}


@pytest.mark.parametrize(
    ("changes", "binding", "qty"),
    [
        ({"level": "L3"}, "ladder", "14.851"),
        ({"limits": Limits(max_asset_exposure_frac=D("0.12"))}, "exposure", "11.881"),
        ({"market": replace(MARKET, sigma_frac=D(2))}, "volatility", "9.900"),
        ({"market": replace(MARKET, sigma_frac=D(2)), "conviction": D("0.5")}, "volatility", "4.950"),
        ({"market": replace(MARKET, sigma_frac=D(2)), "strategy_share": D("0.25")}, "volatility", "2.475"),
        ({"market": replace(MARKET, volume_1m_quote=D(2020))}, "volume", "1.000"),
        ({"intent": INTENT._replace(stop_price=D(90))}, "stop_distance", "9.813"),
        ({"wish_quote": D("333.3333")}, "wish", "3.333"),
        ({"wish_quote": D("333.3333"), "share": D("0.5")}, "wish", "1.666"),
        ({"market": replace(MARKET, asks=((D("100.5"), D(3)), (D(101), D(2)), (D("101.01"), D(99)))),
          "intent": INTENT._replace(limit_price=None, stop_price=D(95))}, "book", "5.000"),
    ],
)  # fmt: skip
def test_the_smallest_cap_binds_and_is_rounded_down(changes: dict[str, Any], binding: str, qty: str) -> None:
    found = sized(**changes)
    assert (found.binding, found.qty_base) == (binding, D(qty))


def test_what_is_held_takes_room_away() -> None:
    held = account(positions=(position("20"),), resting=(RestingOrder("SIMUSDT", "SIM", "buy", D(2), D(100), 2),))
    caps = sized(of=held).caps
    assert caps["exposure"] == (D(2500) - 2000 - 202) / 101
    assert caps["margin"] == (D(50_000) - 2202) / 101
    assert caps["cash"] == (D(9_000) - 1000 - 101 - 2 * 202 * SIM.taker_fee_frac) / D("0.501") / 101


def test_a_short_finds_its_room_on_its_own_side() -> None:
    short = INTENT._replace(side="sell", stop_price=D(101))
    held = account(positions=(position("-20"),))
    assert sized(short, of=held).caps["exposure"] == (D(2500) - 2000) / 101
    assert sized(short, of=held).caps["margin"] == (D(50_000) - 2000) / 101
    long_elsewhere = account(positions=(position("20", symbol="SIMUSDC"),))
    assert sized(short, of=long_elsewhere).caps["exposure"] == (D(2500) + 2000) / 101


def test_nothing_left_is_no_quantity() -> None:
    full = account(positions=(position("40"),))
    assert sized(of=full).qty_base == 0


def test_depth_is_counted_up_to_the_collar() -> None:
    market = replace(MARKET, asks=((D(101), D(1)), (D("101.01"), D(5))), bids=((D(99), D(2)), (D("98.99"), D(5))))
    assert depth_within("buy", market, D(100), D("0.01")) == 1
    assert depth_within("sell", market, D(100), D("0.01")) == 2


@pytest.mark.parametrize("field", ["mark", "sigma_frac", "volume_1m_quote", "funding_frac"])
def test_a_missing_figure_gives_no_size(field: str) -> None:
    with pytest.raises(ValueError, match="not known"):
        sized(market=replace(MARKET, **{field: None}))


def test_the_tighter_of_level_and_limits_bounds_the_leverage() -> None:
    calm = replace(MARKET, sigma_frac=D("0.05"))
    tight = Limits(max_leverage=D(3))
    assert sized(market=calm, level="L5", limits=tight).caps["volatility"] == D(3) * 10_000 / 101
    assert sized(market=calm, level="L2").caps["volatility"] == D(2) * 10_000 / 101


def test_the_tighter_of_margin_ratio_and_leverage_bounds_the_sum() -> None:
    assert sized(limits=Limits(min_margin_ratio=D("0.5"))).caps["margin"] == D(20_000) / 101
    assert sized(limits=Limits(max_leverage=D(3))).caps["margin"] == D(30_000) / 101


def test_what_stands_in_this_and_in_other_symbols_takes_room() -> None:
    held = account(positions=(position("20"), position("10", symbol="XUSDT", base="X", position_id="x")))
    caps = sized(INTENT._replace(stop_price=D(98)), of=held).caps
    assert caps["margin"] == (D(50_000) - 1_000 - 2_000) / 101
    # Liquidation must lie a quarter of the stop's distance beyond it: 1.25 x 2 % and 5 % of maintenance.
    assert caps["liquidation"] == (D(10_000) / D("0.075") - 1_000 - 2_000) / 101
