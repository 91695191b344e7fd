"""What Binance USD-M is asked in: the parameters of each command, and which endpoint each kind of order lives at.

Source: Binance USD-M futures documentation, "New Order", "New Algo Order", "Modify Order".
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from chanflow.execution.ports import Capabilities, StopKind, VenueOrder

ORDER: Final = "order"
ALGO_ORDER: Final = "algoOrder"

CAPABILITIES: Final = Capabilities(
    stop_kinds=frozenset({"stop_market", "take_profit_market"}),
    times_in_force=frozenset({"gtc", "ioc", "fok", "gtx"}),
    attached_stops=False,
    batch_orders=1,
    amend=True,
    # Nobody has seen that the countdown leaves conditional orders standing, so it is armed only while flat.
    dead_man="orders_and_stops",
    client_id_alphabet="base32",
    client_id_length=36,
    client_ids_unique_forever=False,
    receive_window_ns=5_000_000_000,
    funding_interval_s=8 * 3600,
)
"""A trailing stop needs a callback rate, which a `VenueOrder` does not have, and GTD an end, so neither is offered."""

_ALGO_TYPES: Final[dict[StopKind, str]] = {"stop_market": "STOP_MARKET", "take_profit_market": "TAKE_PROFIT_MARKET"}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a change of an order has to repeat: Binance wants side, quantity and price each time."""

    side: str
    qty_base: Decimal
    limit_price: Decimal | None


def digits(number: Decimal) -> str:
    """Return a number without exponent."""
    return format(number, "f")


def unfit(order: VenueOrder) -> str | None:
    """Return why this venue cannot take an order as it stands, or None."""
    if order.stop_price is not None or order.take_profit_price is not None:
        return "Binance takes no attached stop or take-profit: each is an order of its own"
    if order.conditional is not None and order.conditional not in _ALGO_TYPES:
        return f"a conditional order is {order.conditional!r} here: stop_market or take_profit_market"
    if order.conditional is not None and order.trigger_price is None:
        return f"a {order.conditional} order has no trigger price"
    if order.limit_price is not None and order.time_in_force not in CAPABILITIES.times_in_force:
        return f"time in force is {order.time_in_force!r} here: gtc, ioc, fok or gtx"
    return None


def order_params(order: VenueOrder) -> dict[str, str]:
    """Return the parameters of a plain order for POST /fapi/v1/order."""
    params = {
        "symbol": order.symbol, "side": order.side.upper(), "type": "MARKET" if order.limit_price is None else "LIMIT",
        "quantity": digits(order.qty_base), "newClientOrderId": order.client_order_id, "newOrderRespType": "ACK",
    }  # fmt: skip
    if order.limit_price is not None:
        params |= {"price": digits(order.limit_price), "timeInForce": order.time_in_force.upper()}
    if order.reduce_only:
        params["reduceOnly"] = "true"
    return params


def algo_params(order: VenueOrder) -> dict[str, str]:
    """Return the parameters of a conditional order for POST /fapi/v1/algoOrder; it triggers on the mark price."""
    assert order.conditional is not None
    assert order.trigger_price is not None
    params = {
        "algoType": "CONDITIONAL", "symbol": order.symbol, "side": order.side.upper(),
        "type": _ALGO_TYPES[order.conditional], "quantity": digits(order.qty_base),
        "triggerPrice": digits(order.trigger_price), "workingType": "MARK_PRICE",
        "clientAlgoId": order.client_order_id, "newOrderRespType": "ACK",
    }  # fmt: skip
    if order.reduce_only:
        params["reduceOnly"] = "true"
    return params


def amend_params(symbol: str, client_id: str, terms: Terms) -> dict[str, str]:
    """Return the parameters of PUT /fapi/v1/order."""
    params = {
        "symbol": symbol, "origClientOrderId": client_id, "side": terms.side.upper(),
        "quantity": digits(terms.qty_base),
    }  # fmt: skip
    if terms.limit_price is not None:
        params["price"] = digits(terms.limit_price)
    return params
