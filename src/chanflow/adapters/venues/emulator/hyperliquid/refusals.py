"""Hyperliquid's words for a refusal, and the world's refusals in those words."""

from __future__ import annotations

from typing import Final

from chanflow.adapters.venues.emulator.codes import Fault

TICK: Final = "Price must be divisible by tick size."
SIZE: Final = "Order has invalid size."
ZERO: Final = "Order has zero size."
PRICE: Final = "Order has invalid price."
NOTIONAL: Final = "Order must have minimum value of $10."
REDUCE: Final = "Reduce only order would increase position."
IOC: Final = "Order could not immediately match against any resting orders."
TRIGGER: Final = "Invalid TP/SL price."
GONE: Final = "Order was never placed, already canceled, or filled."
UNMODIFIED: Final = "Cannot modify canceled or filled order"

_ORDER: Final[dict[int, tuple[str, str]]] = {
    -2019: ("Insufficient margin to place order.", "perpMarginRejected"),
    -2018: ("Insufficient margin to place order.", "perpMarginRejected"),
    -2027: ("Order would cause position to exceed margin tier limit at current leverage", "perpMaxPositionRejected"),
    -2022: (REDUCE, "reduceOnlyRejected"),
    -4118: (REDUCE, "reduceOnlyRejected"),
    -2021: (TRIGGER, "badTriggerPxRejected"),
    -4006: (TRIGGER, "badTriggerPxRejected"),
    -4014: (TICK, "tickRejected"),
    -4016: ("Price too far from oracle", "oracleRejected"),
    -4024: ("Price too far from oracle", "oracleRejected"),
    -4164: (NOTIONAL, "minTradeNtlRejected"),
    -2010: ("No liquidity available for market order.", "marketOrderNoLiquidityRejected"),
    -2025: ("Too many open orders.", "rejected"),
    -4045: ("Too many open orders.", "rejected"),
    -4003: (ZERO, "rejected"),
    -4004: (SIZE, "rejected"),
    -4005: (SIZE, "rejected"),
    -4023: (SIZE, "rejected"),
}
POST_ONLY: Final = -5022


class Refusal(Exception):
    """The venue's no to a whole action, in its words."""


class Unreadable(Exception):
    """A body that the venue cannot read: HTTP 422."""


def order_refusal(fault: Fault) -> tuple[str, str]:
    """Return the text and the order status of a refused order."""
    return _ORDER.get(fault.code, (PRICE, "rejected"))
