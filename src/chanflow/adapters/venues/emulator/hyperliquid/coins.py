"""The emulated symbols as Hyperliquid's perpetuals: their numbers, their prices, and how figures are written.

A coin is a symbol's base; money is USDC. Prices have at most 5 significant figures and 6 - szDecimals decimals, whole
ones aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from chanflow.adapters.venues.emulator.rules import SymbolRules, fixed, ten, whole_units

SIGNIFICANT: Final = 5
PRICE_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class Coin:
    """One perpetual: `index` is what actions call it."""

    index: int
    rules: SymbolRules
    max_leverage: int

    @property
    def name(self) -> str:
        """What it is called."""
        return self.rules.base

    @property
    def symbol(self) -> str:
        """What the world calls it."""
        return self.rules.symbol

    def price_text(self, price: int) -> str:
        """Return a price in ticks as the venue writes it."""
        return trimmed(fixed(price, self.rules.price_decimals))

    def size_text(self, lots: int) -> str:
        """Return lots as the venue writes them."""
        return trimmed(fixed(lots, self.rules.qty_decimals))

    def step(self, price: int) -> int:
        """Return the distance of allowed prices around one, in ticks; a whole price is always allowed."""
        by_figures = len(str(price)) - SIGNIFICANT
        by_decimals = self.rules.price_decimals - (PRICE_DECIMALS - self.rules.qty_decimals)
        return min(ten(self.rules.price_decimals), ten(max(0, by_figures, by_decimals)))

    def read_price(self, text: str) -> int | None:
        """Return a price in ticks, None for one that is no allowed price."""
        price = whole_units(text, self.rules.price_decimals)
        if price is None or price <= 0 or price % self.step(price) or price % self.rules.tick:
            return None
        return price

    def read_size(self, text: str) -> int | None:
        """Return a size in lots, None for one with too many decimals."""
        lots = whole_units(text, self.rules.qty_decimals)
        return None if lots is None or lots % self.rules.step else lots


def coins_of(rules: Mapping[str, SymbolRules], max_leverage: Mapping[str, int]) -> tuple[Coin, ...]:
    """Return the symbols as perpetuals, numbered in order of their names."""
    return tuple(Coin(index, rules[name], max_leverage[name]) for index, name in enumerate(sorted(rules)))


def trimmed(text: str) -> str:
    """Return decimal text without trailing zeros, one decimal at least: `60000.0`."""
    if "." not in text:
        return f"{text}.0"
    body = text.rstrip("0")
    return f"{body}0" if body.endswith(".") else body


def usd(atto: int) -> str:
    """Return money as the venue writes it, every digit kept."""
    return trimmed(fixed(atto, 18))


def grouped(levels: Iterable[tuple[int, int]], coin: Coin, *, up: bool, figures: int | None = None) -> list[list[int]]:
    """Return levels as [price, lots, count], their prices moved to allowed ones: bids down, asks up."""
    rows: list[list[int]] = []
    for price, lots in levels:
        step = coin.step(price)
        if figures is not None:
            step = max(step, 10 ** max(0, len(str(price)) - figures))
        at = -(-price // step) * step if up else price // step * step
        if rows and rows[-1][0] == at:
            rows[-1][1] += lots
            rows[-1][2] += 1
        else:
            rows.append([at, lots, 1])
    return rows
