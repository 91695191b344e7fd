"""How Hyperliquid writes numbers, prices and actions. Nothing here talks to anybody.

Source: Hyperliquid documentation, "Tick and lot size", "Notation", "Exchange endpoint"; the keys of an action stand
in the order of hyperliquid-python-sdk, because the signature is over it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any, Final, Literal

from chanflow.domain.errors import InvalidArgument
from chanflow.domain.opinion import Side

PRICE_DECIMALS: Final = 6
SIGNIFICANT: Final = 5
WIRE_DECIMALS: Final = 8
MIN_NOTIONAL_QUOTE: Final = Decimal(10)

Tif = Literal["Gtc", "Ioc", "Alo"]
Tpsl = Literal["tp", "sl"]


@dataclass(frozen=True, slots=True)
class Asset:
    """One perpetual as the venue numbers it."""

    symbol: str
    index: int
    size_decimals: int
    max_leverage: int


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """One order of an action. With `trigger_price` it waits for the mark price and then takes the market."""

    asset: Asset
    side: Side
    qty_base: Decimal
    price: Decimal
    reduce_only: bool
    cloid: str | None = None
    tif: Tif = "Gtc"
    trigger_price: Decimal | None = None
    tpsl: Tpsl = "sl"


def number_text(value: Decimal) -> str:
    """Return a number as the venue writes it: at most 8 decimals, no trailing zeros, no exponent.

    Raises InvalidArgument for a number that 8 decimals cannot hold, or that is none.
    """
    if not value.is_finite():
        raise InvalidArgument(f"{value} is no number that can be sent")
    if value != round(value, WIRE_DECIMALS):
        raise InvalidArgument(f"{value} has more than {WIRE_DECIMALS} decimals")
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def price_step(price: Decimal, size_decimals: int) -> Decimal:
    """Return the distance between the prices allowed around `price`: 5 significant figures, 6 - szDecimals decimals.

    A whole price is always allowed, so the step is never more than 1. Raises InvalidArgument unless it is positive.
    """
    if not price.is_finite() or price <= 0:
        raise InvalidArgument(f"price is {price}, it must be positive")
    by_figures = price.adjusted() - (SIGNIFICANT - 1)
    by_decimals = size_decimals - PRICE_DECIMALS
    return Decimal(1).scaleb(min(0, max(by_figures, by_decimals)))


def allowed_price(price: Decimal, size_decimals: int) -> bool:
    """Return whether the venue takes `price` as it is."""
    return price > 0 and price % price_step(price, size_decimals) == 0


_ROUNDING: Final = {"up": ROUND_CEILING, "down": ROUND_FLOOR, "near": ROUND_HALF_EVEN}


def fit_price(price: Decimal, size_decimals: int, toward: Literal["up", "down", "near"]) -> Decimal:
    """Return the allowed price next to `price` in a direction. Raises InvalidArgument where there is none."""
    step = price_step(price, size_decimals)
    fitted = (price / step).to_integral_value(_ROUNDING[toward]) * step
    if fitted <= 0:
        raise InvalidArgument(f"price {price} is below the least price {step}")
    return fitted


def order_wire(terms: OrderTerms) -> dict[str, Any]:
    """Return one order of an `order` or `batchModify` action. Raises InvalidArgument for a number that does not fit."""
    _check(terms)
    kind: dict[str, Any] = {"limit": {"tif": terms.tif}}
    if terms.trigger_price is not None:
        kind = {
            "trigger": {"isMarket": True, "triggerPx": number_text(terms.trigger_price), "tpsl": terms.tpsl}
        }  # fmt: skip
    wire: dict[str, Any] = {
        "a": terms.asset.index, "b": terms.side == "buy", "p": number_text(terms.price),
        "s": number_text(terms.qty_base), "r": terms.reduce_only, "t": kind,
    }  # fmt: skip
    if terms.cloid is not None:
        wire["c"] = terms.cloid
    return wire


def _check(terms: OrderTerms) -> None:
    decimals = terms.asset.size_decimals
    if terms.qty_base <= 0 or terms.qty_base != round(terms.qty_base, decimals):
        raise InvalidArgument(
            f"quantity {terms.qty_base} of {terms.asset.symbol} must be positive with at most {decimals} decimals"
        )
    for price in (terms.price, terms.trigger_price):
        if price is not None and not allowed_price(price, decimals):
            raise InvalidArgument(
                f"price {price} of {terms.asset.symbol} has more than {SIGNIFICANT} significant figures or "
                f"{PRICE_DECIMALS - decimals} decimals"
            )
    notional = terms.qty_base * terms.price
    if not terms.reduce_only and notional < MIN_NOTIONAL_QUOTE:
        raise InvalidArgument(f"order is worth {notional} USDC, the least is {MIN_NOTIONAL_QUOTE}")


# ── actions ───────────────────────────────────────────────────────────────────

Action = dict[str, Any]


def order_action(orders: Sequence[OrderTerms], grouping: Literal["na", "normalTpsl", "positionTpsl"] = "na") -> Action:
    """Return the action that places orders in one batch."""
    return {"type": "order", "orders": [order_wire(terms) for terms in orders], "grouping": grouping}


def modify_action(target: int | str, terms: OrderTerms) -> Action:
    """Return the action that replaces the order of that id or cloid by another."""
    return {"type": "batchModify", "modifies": [{"oid": target, "order": order_wire(terms)}]}


def cancel_action(asset: Asset, oid: int) -> Action:
    """Return the action that cancels by the venue's id."""
    return {"type": "cancel", "cancels": [{"a": asset.index, "o": oid}]}


def cancel_by_cloid_action(asset: Asset, cloid: str) -> Action:
    """Return the action that cancels by our id."""
    return {"type": "cancelByCloid", "cancels": [{"asset": asset.index, "cloid": cloid}]}


def schedule_cancel_action(at_ms: int | None) -> Action:
    """Return the action that cancels everything at `at_ms`, stops too; None takes that back."""
    return {"type": "scheduleCancel"} if at_ms is None else {"type": "scheduleCancel", "time": at_ms}


def leverage_action(asset: Asset, leverage: int, *, cross: bool) -> Action:
    """Return the action that sets an asset's leverage."""
    return {"type": "updateLeverage", "asset": asset.index, "isCross": cross, "leverage": leverage}


def weight_of(action: Mapping[str, Any]) -> int:
    """Return what an action takes of the 1,200 a minute: 1, and 1 more for each 40 of a batch."""
    batch = next((action[key] for key in ("orders", "modifies", "cancels") if key in action), ())
    return 1 + len(batch) // 40
