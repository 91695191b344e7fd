"""What the emulated exchange asks of the orders of one symbol, and how it writes its numbers.

Prices are integers of 10^-price_decimals, quantities (lots) of 10^-qty_decimals. Money is counted in `atto`:
10^-18 quote units, into which the nano units of every symbol's core go without a remainder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

_NUMBER: Final = re.compile(r"-?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})")
ATTO: Final = 10**18
"""Units of money in one quote unit."""
_CENTS: Final = 8
"""Decimals that every amount of money shows; more only where they are not 0, so that no sum is ever off by rounding."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """One step of notional: how far it reaches, the most leverage in it, and its maintenance as a share of notional."""

    to_notional: Decimal
    max_leverage: int
    maintenance: Decimal


def _brackets(rows: Sequence[tuple[int, int, str]]) -> tuple[Bracket, ...]:
    return tuple(Bracket(Decimal(to), leverage, Decimal(rate)) for to, leverage, rate in rows)


DEFAULT_BRACKETS: Final = _brackets(
    [
        (50_000, 125, "0.004"), (600_000, 100, "0.005"), (3_000_000, 75, "0.0065"), (12_000_000, 50, "0.01"),
        (70_000_000, 25, "0.02"), (100_000_000, 20, "0.025"), (230_000_000, 10, "0.05"), (480_000_000, 5, "0.1"),
        (600_000_000, 4, "0.125"), (800_000_000, 3, "0.15"), (1_200_000_000, 2, "0.25"), (1_800_000_000, 1, "0.5"),
    ]
)  # fmt: skip
"""A liquid contract's brackets."""


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """The filters, fees and margin brackets of one symbol.

    `tick` and `step` count in 10^-price_decimals and lots; `min_notional` is quote units; fees are shares of notional;
    `multiplier_up` and `multiplier_down` bound a limit price by the mark. Raises ValueError for decimals whose money
    would not fit: price_decimals + qty_decimals is at most 9.
    """

    symbol: str
    base: str
    quote: str = "USDT"
    price_decimals: int = 2
    qty_decimals: int = 3
    tick: int = 1
    step: int = 1
    min_qty: int = 1
    max_qty: int = 1_000_000_000
    max_market_qty: int = 1_000_000_000
    min_notional: Decimal = Decimal(5)
    max_orders: int = 200
    max_algo_orders: int = 200
    maker_fee: Decimal = Decimal("0.0002")
    taker_fee: Decimal = Decimal("0.0005")
    brackets: tuple[Bracket, ...] = DEFAULT_BRACKETS
    funding_interval_h: int = 8
    trigger_protect: Decimal = Decimal("0.05")
    market_take_bound: Decimal = Decimal("0.05")
    multiplier_up: Decimal = Decimal("1.15")
    multiplier_down: Decimal = Decimal("0.85")
    liquidation_fee: Decimal = Decimal("0.0125")

    def __post_init__(self) -> None:
        if self.price_decimals + self.qty_decimals > 9:
            told = f"price_decimals + qty_decimals is {self.notional_decimals}, at most 9"
            raise ValueError(f"{self.symbol}: {told}")

    @property
    def notional_decimals(self) -> int:
        """Decimals of price times quantity."""
        return self.price_decimals + self.qty_decimals

    @property
    def atto_per_nano(self) -> int:
        """How many atto one nano unit of this symbol's core is."""
        return ten(9 - self.notional_decimals)

    @property
    def atto_per_notional(self) -> int:
        """How many atto one unit of price times lots is."""
        return ten(18 - self.notional_decimals)

    def price_text(self, price: int) -> str:
        """Return a price as the venue writes it."""
        return fixed(price, self.price_decimals)

    def average_text(self, quote: int, qty: int) -> str:
        """Return an average price: `quote` (price times lots) by `qty`, with five decimals at least."""
        places = max(self.price_decimals, 5)
        if qty == 0:
            return fixed(0, places)
        scaled = quote * 10 ** (places - self.price_decimals)
        return fixed((2 * scaled + qty) // (2 * qty), places)

    def qty_text(self, qty: int) -> str:
        """Return a quantity as the venue writes it."""
        return fixed(qty, self.qty_decimals)

    def quote_text(self, quote: int) -> str:
        """Return a notional, given as price times lots, as the venue writes it."""
        return fixed(quote, self.notional_decimals)

    def core_settings(self) -> dict[str, Any]:
        """Return what a simulator core of this symbol is made with; requests arrive and are known at once."""
        unit = 10**self.notional_decimals
        ppb = 10**9
        return {
            "order_latency": 0,
            "response_latency": 0,
            "price_decimals": self.price_decimals,
            "qty_decimals": self.qty_decimals,
            "tick": self.tick,
            "step": self.step,
            "min_qty": self.min_qty,
            # The door judges the notional, by the mark for market orders; the core would judge a core order once more.
            "min_notional": 0,
            "idle_exits_stay": True,
            "fees": [(0, int(self.maker_fee * ppb), int(self.taker_fee * ppb))],
            "brackets": [
                (int(row.to_notional * unit), row.max_leverage, int(row.maintenance * ppb)) for row in self.brackets
            ],
            "liquidation_fee_ppb": int(self.liquidation_fee * ppb),
        }

    def cap(self, leverage: int) -> Decimal:
        """Return the largest notional, in quote units, that a leverage may carry; 0 where none may."""
        allowed = [row.to_notional for row in self.brackets if row.max_leverage >= leverage]
        return allowed[-1] if allowed else Decimal(0)


def ten(power: int) -> int:
    """Return ten to a power that is not below 0."""
    return int(10**power)


def fixed(value: int, places: int) -> str:
    """Return an integer of 10^-places as text with that many decimals."""
    if places == 0:
        return str(value)
    sign, digits = ("-", str(-value)) if value < 0 else ("", str(value))
    if len(digits) <= places:
        digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def money(atto: int) -> str:
    """Return money in quote units with eight decimals, and with more where they are not 0."""
    whole = fixed(atto, 18)
    return whole[: _CENTS - 18] + whole[_CENTS - 18 :].rstrip("0")


def whole_units(text: str, places: int) -> int | None:
    """Return decimal text as an integer of 10^-places, None if it is no number or has more decimals than that."""
    if not _NUMBER.fullmatch(text):
        return None
    whole, _, part = text.lstrip("-").partition(".")
    part = part.rstrip("0")
    if len(part) > places:
        return None
    value = int((whole or "0") + part.ljust(places, "0"))
    return -value if text.startswith("-") else value


def is_number(text: str) -> bool:
    """Return whether the text is a plain decimal number."""
    return _NUMBER.fullmatch(text) is not None
