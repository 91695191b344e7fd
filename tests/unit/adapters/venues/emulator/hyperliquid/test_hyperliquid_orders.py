"""What a fill does to a position, and what an order waits for, in Hyperliquid's words."""

from __future__ import annotations

import pytest

from chanflow.adapters.venues.emulator.hyperliquid.coins import Coin
from chanflow.adapters.venues.emulator.hyperliquid.orders import KEPT, HyperOrder, Roll, direction
from chanflow.adapters.venues.emulator.rules import SymbolRules

BTC = Coin(0, SymbolRules("BTCUSDT", "BTC", price_decimals=2, qty_decimals=3), 40)


@pytest.mark.parametrize(
    ("before", "change", "words"),
    [(0, 5, "Open Long"), (5, 5, "Open Long"), (5, -2, "Close Long"), (5, -5, "Close Long"), (0, -5, "Open Short"),
     (-5, 5, "Close Short"), (5, -8, "Long > Short"), (-5, 8, "Short > Long")],
)  # fmt: skip
def test_what_a_fill_does_to_a_position(before: int, change: int, words: str) -> None:
    assert direction(before, change) == words


def order(oid: int = 1, **changes: object) -> HyperOrder:
    plain = {"is_buy": False, "price": 5_000_000, "size": 10, "reduce_only": True, "placed_ms": 0}
    return HyperOrder(oid, 0, BTC, **{**plain, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("is_buy", "tpsl", "words"),
    [(False, "sl", "Price below 58000"), (True, "sl", "Price above 58000"), (False, "tp", "Price above 58000"),
     (True, "tp", "Price below 58000")],
)  # fmt: skip
def test_what_an_order_waits_for(is_buy: bool, tpsl: str, words: str) -> None:
    assert order(is_buy=is_buy, tpsl=tpsl, trigger=5_800_000).condition == words


def test_a_cloid_leads_to_its_latest_order() -> None:
    roll, cloid = Roll(), "0x" + "ab" * 16
    for oid in (1, 2):
        roll.keep(order(oid, cloid=cloid))
    assert [roll.find(0, name) for name in (cloid, 1)] == [roll.by_oid[2], roll.by_oid[1]]
    assert roll.find(1, cloid) is None
    assert roll.of_world("hl2") is roll.by_oid[2]


def test_what_has_ended_long_ago_is_forgotten_and_what_lives_is_not() -> None:
    roll = Roll()
    roll.keep(order(1, cloid="0x" + "ab" * 16))
    for oid in range(2, 2 * KEPT + 2):
        roll.keep(order(oid, status="filled"))
    assert len(roll.by_oid) == KEPT + 2
    assert roll.find(0, 1) is not None
    assert roll.find(0, 2) is None
    assert roll.find(0, 2 * KEPT + 1) is not None
