"""From the port's orders to the venue's: bounds instead of market orders, allowed prices, what is attached."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from chanflow.adapters.venues.hyperliquid.names import cloid_of, exit_cloid
from chanflow.adapters.venues.hyperliquid.wire import Asset, OrderTerms, Tif, Tpsl, fit_price
from chanflow.domain.opinion import Side
from chanflow.execution.ports import OrderChange, TimeInForce, VenueOrder

STOP_BOUND_FRAC: Final = Decimal("0.1")
"""How far a triggered stop may take: the venue's own bound for its market stops. A stop must get out."""

_TIFS: Final[dict[TimeInForce, Tif]] = {"gtc": "Gtc", "ioc": "Ioc", "gtx": "Alo"}


class Unfit(Exception):
    """An order that this venue cannot be asked for."""


def take_market(order: VenueOrder) -> bool:
    """Return whether an order takes the market now: then a bound is needed, and a price to set it from."""
    return order.limit_price is None and order.conditional is None


def batch_of(order: VenueOrder, asset: Asset, reference: Decimal | None, bound_frac: Decimal) -> list[OrderTerms]:
    """Return the orders to be sent in one batch: the order itself, then its stop and its target.

    A limit price is moved onto the venue's prices away from the market, a trigger toward it: neither gets worse than
    what was approved. Raises Unfit for what the venue has no order for.
    """
    cloid = cloid_of(order.client_order_id)
    if cloid is None or cloid != order.client_order_id:
        raise Unfit(f"client id {order.client_order_id!r} is not 0x and 32 hexadecimal digits")
    if order.conditional is not None:
        return [_conditional(order, asset, cloid)]
    if order.limit_price is None:
        if reference is None:
            raise Unfit(f"no price of {order.symbol} to bound a market order by")
        price = _bounded(reference, order.side, bound_frac, asset)
        tif: Tif = "Ioc"
    else:
        if order.time_in_force not in _TIFS:
            raise Unfit(f"time in force {order.time_in_force} is not offered here: gtc, ioc or gtx")
        price = fit_price(order.limit_price, asset.size_decimals, "down" if order.side == "buy" else "up")
        tif = _TIFS[order.time_in_force]
    entry = OrderTerms(asset, order.side, order.qty_base, price, order.reduce_only, cloid, tif)
    exits: list[tuple[Tpsl, Decimal | None]] = [("sl", order.stop_price), ("tp", order.take_profit_price)]
    return [entry, *(_exit(entry, tpsl, trigger) for tpsl, trigger in exits if trigger is not None)]


def _exit(entry: OrderTerms, tpsl: Tpsl, trigger: Decimal) -> OrderTerms:
    side: Side = "sell" if entry.side == "buy" else "buy"
    return _triggered(entry.asset, side, entry.qty_base, exit_cloid(str(entry.cloid), tpsl), tpsl, trigger)


def _conditional(order: VenueOrder, asset: Asset, cloid: str) -> OrderTerms:
    if order.conditional == "trailing" or order.trigger_price is None:
        raise Unfit(f"a {order.conditional} order with trigger {order.trigger_price} is not offered here")
    if not order.reduce_only:
        raise Unfit("a stop or target here only reduces")
    tpsl: Tpsl = "sl" if order.conditional == "stop_market" else "tp"
    return _triggered(asset, order.side, order.qty_base, cloid, tpsl, order.trigger_price)


def _triggered(
    asset: Asset, side: Side, qty_base: Decimal, cloid: str, tpsl: Tpsl, trigger: Decimal
) -> OrderTerms:  # fmt: skip
    # Toward the market: a stop that sells is below it, a target that sells above.
    toward_up = (side == "sell") == (tpsl == "sl")
    fitted = fit_price(trigger, asset.size_decimals, "up" if toward_up else "down")
    price = _bounded(fitted, side, STOP_BOUND_FRAC, asset)
    return OrderTerms(asset, side, qty_base, price, reduce_only=True, cloid=cloid, trigger_price=fitted, tpsl=tpsl)


def _bounded(reference: Decimal, side: Side, bound_frac: Decimal, asset: Asset) -> Decimal:
    """Return the worst price that an order which takes may get."""
    bound = reference * (1 + bound_frac if side == "buy" else 1 - bound_frac)
    return fit_price(bound, asset.size_decimals, "down" if side == "buy" else "up")


def amended_terms(
    terms: OrderTerms, change: OrderChange, asset: Asset, *, filled_base: Decimal, leaves_base: Decimal
) -> OrderTerms:
    """Return the order that replaces another: its quantity is the whole one asked for less what has been filled.

    Raises Unfit where nothing would be left, or for a trigger on an order that has none.
    """
    left = leaves_base if change.qty_base is None else change.qty_base - filled_base
    if left <= 0:
        raise Unfit(f"nothing would be left of quantity {change.qty_base or filled_base}: {filled_base} is filled")
    terms = replace(terms, qty_base=left)
    if change.limit_price is not None:
        toward = "down" if terms.side == "buy" else "up"
        terms = replace(terms, price=fit_price(change.limit_price, asset.size_decimals, toward))  # type: ignore[arg-type]
    if change.trigger_price is not None:
        if terms.trigger_price is None:
            raise Unfit("the order has no trigger to be amended")
        terms = _triggered(asset, terms.side, terms.qty_base, str(terms.cloid), terms.tpsl, change.trigger_price)
    return terms
