"""Prices and figures as Hyperliquid's doors show and take them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanflow.adapters.venues.emulator.hyperliquid.coins import Coin, grouped, trimmed, usd
from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.adapters.venues.hyperliquid.wire import allowed_price

BTC = Coin(0, SymbolRules("BTCUSDT", "BTC", price_decimals=2, qty_decimals=3), 40)


@pytest.mark.parametrize(
    ("text", "ticks"),
    [("60000", 6_000_000), ("60000.5", None), ("9999.5", 999_950), ("9999.55", None), ("123.45", 12_345),
     ("0", None), ("-1", None), ("1e5", None), ("123456", 12_345_600)],
)  # fmt: skip
def test_a_price_has_five_figures_unless_whole(text: str, ticks: int | None) -> None:
    assert BTC.read_price(text) == ticks


@given(st.integers(1, 10**9))
def test_the_door_takes_what_our_venue_may_send(ticks: int) -> None:
    text = BTC.price_text(ticks)
    assert (BTC.read_price(text) is not None) == allowed_price(Decimal(text), 3)


@pytest.mark.parametrize(("text", "lots"), [("0.01", 10), ("0.0001", None), ("1", 1_000), ("x", None)])
def test_a_size_has_the_coins_decimals(text: str, lots: int | None) -> None:
    assert BTC.read_size(text) == lots


@pytest.mark.parametrize(("text", "written"), [("60000.00", "60000.0"), ("1.50", "1.5"), ("7", "7.0"), ("0.00", "0.0")])
def test_figures_keep_one_decimal(text: str, written: str) -> None:
    assert trimmed(text) == written


def test_money_keeps_every_digit() -> None:
    assert usd(-1_000_000_000_000_001) == "-0.001000000000000001"


def test_levels_are_put_together_at_allowed_prices() -> None:
    levels = [(6_000_010, 1), (6_000_020, 2), (6_000_150, 4)]
    assert grouped(levels, BTC, up=True) == [[6_000_100, 3, 2], [6_000_200, 4, 1]]
    assert grouped(levels[::-1], BTC, up=False) == [[6_000_100, 4, 1], [6_000_000, 3, 2]]
