"""Rules of symbols: of well-known ones, of made-up ones, and those that follow from a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from chanflow.adapters.venues.emulator.rules import SymbolRules
from chanflow.domain.errors import InvalidArgument
from chanflow.domain.instrument import Instrument
from chanflow.market.rules import QUOTES

KNOWN: Mapping[str, SymbolRules] = MappingProxyType(
    {
        "BTCUSDT": SymbolRules("BTCUSDT", "BTC", price_decimals=2, qty_decimals=3, tick=10),
        "ETHUSDT": SymbolRules("ETHUSDT", "ETH", price_decimals=2, qty_decimals=3),
        "SOLUSDT": SymbolRules("SOLUSDT", "SOL", price_decimals=2, qty_decimals=2),
        "BNBUSDT": SymbolRules("BNBUSDT", "BNB", price_decimals=2, qty_decimals=2),
        "XRPUSDT": SymbolRules("XRPUSDT", "XRP", price_decimals=4, qty_decimals=1),
        "DOGEUSDT": SymbolRules("DOGEUSDT", "DOGE", price_decimals=5, qty_decimals=0),
        "ADAUSDT": SymbolRules("ADAUSDT", "ADA", price_decimals=5, qty_decimals=0),
        "LTCUSDT": SymbolRules("LTCUSDT", "LTC", price_decimals=2, qty_decimals=3),
    }
)
"""Ticks and steps as Binance USD-M had them, or finer; the least notional is the emulator's, 5."""

_MOST_NAME = 20


def rules_of(symbol: str) -> SymbolRules:
    """Return the rules of a well-known symbol, for another a tick of 0.01 and a step of 0.001.

    Raises InvalidArgument for a name that is no symbol with a quote asset.
    """
    known = KNOWN.get(symbol)
    if known is not None:
        return known
    quote = next((one for one in QUOTES if symbol.endswith(one) and symbol != one), None)
    if (
        quote is None
        or not symbol.isascii()
        or not symbol.isalnum()
        or not symbol.isupper()
        or len(symbol) > _MOST_NAME
    ):
        told = f"symbol {symbol[:32]!r} is none: capital letters and digits that end in one of {', '.join(QUOTES)}"
        raise InvalidArgument(told, field="symbols")
    return SymbolRules(symbol, symbol.removesuffix(quote), quote)


def rules_of_instrument(instrument: Instrument, price_decimals: int, qty_decimals: int) -> SymbolRules:
    """Return rules as fine as a recording, with the instrument's tick and step; ValueError where they do not fit."""
    base = rules_of(instrument.symbol)
    return replace(
        base, base=instrument.base or base.base, quote=instrument.quote or base.quote, price_decimals=price_decimals,
        qty_decimals=qty_decimals, tick=_units(instrument.tick, price_decimals),
        step=_units(instrument.step, qty_decimals), min_qty=_units(instrument.min_qty, qty_decimals),
    )  # fmt: skip


def _units(value: Decimal, decimals: int) -> int:
    return max(1, int(value.scaleb(decimals)))
