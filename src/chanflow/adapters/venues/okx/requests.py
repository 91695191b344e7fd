"""What OKX is asked in: the parameters of each command.

Source: OKX API documentation v5, "Place order", "Place algo order", "Amend order", "Amend algo order".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, Literal

from chanflow.adapters.venues.okx.names import to_venue
from chanflow.adapters.venues.okx.sizes import Contracts
from chanflow.execution.ports import Capabilities, OrderChange, StopKind, TimeInForce, VenueOrder

MarginType = Literal["cross", "isolated"]

CAPABILITIES: Final = Capabilities(
    stop_kinds=frozenset({"stop_market", "take_profit_market"}),
    times_in_force=frozenset({"gtc", "ioc", "fok", "gtx"}),
    attached_stops=True,
    batch_orders=1,
    amend=True,
    # Nobody has seen that cancel-all-after leaves conditional orders standing, so it is armed only while flat.
    dead_man="orders_and_stops",
    client_id_alphabet="base32",
    client_id_length=32,
    client_ids_unique_forever=False,
    receive_window_ns=30_000_000_000,
    funding_interval_s=8 * 3600,
)
"""A trailing stop needs a callback rate, which a `VenueOrder` does not have, and GTD an end, so neither is offered."""

DEAD_MAN_S: Final = (10, 120)
"""What cancel-all-after takes, besides 0."""

_TYPES: Final[dict[TimeInForce, str]] = {"gtc": "limit", "ioc": "ioc", "fok": "fok", "gtx": "post_only"}
_WORDS: Final[dict[StopKind, str]] = {"stop_market": "sl", "take_profit_market": "tp"}
_MARKET: Final = "-1"


def unfit(order: VenueOrder, contracts: Contracts) -> str | None:
    """Return why this venue cannot take an order as it stands, or None."""
    if order.conditional is not None and order.conditional not in _WORDS:
        return f"a conditional order is {order.conditional!r} here: stop_market or take_profit_market"
    if order.conditional is not None and order.trigger_price is None:
        return f"a {order.conditional} order has no trigger price"
    if order.limit_price is not None and order.time_in_force not in _TYPES:
        return f"time in force is {order.time_in_force!r} here: gtc, ioc, fok or gtx"
    try:
        contracts.contracts(order.symbol, order.qty_base)
    except ValueError as fault:
        return str(fault)
    return None


def digits(number: Decimal) -> str:
    """Return a number without exponent."""
    return format(number, "f")


def order_params(order: VenueOrder, contracts: Contracts, margin: MarginType) -> dict[str, Any]:
    """Return the parameters of a plain order, its exits attached; these trigger on the mark price."""
    params: dict[str, Any] = {
        "instId": order.symbol, "tdMode": margin, "side": order.side, "clOrdId": to_venue(order.client_order_id),
        "ordType": "market" if order.limit_price is None else _TYPES[order.time_in_force],
        "sz": digits(contracts.contracts(order.symbol, order.qty_base)),
    }  # fmt: skip
    if order.limit_price is not None:
        params["px"] = digits(order.limit_price)
    if order.reduce_only:
        params["reduceOnly"] = True
    exits = (("sl", order.stop_price), ("tp", order.take_profit_price))
    attached = [
        {"attachAlgoClOrdId": to_venue(f"{order.client_order_id}-{word}"), **_exit(word, price)}
        for word, price in exits
        if price is not None
    ]
    return {**params, "attachAlgoOrds": attached} if attached else params


def algo_params(order: VenueOrder, contracts: Contracts, margin: MarginType) -> dict[str, Any]:
    """Return the parameters of a conditional order; it triggers on the mark price."""
    assert order.conditional is not None
    assert order.trigger_price is not None
    params: dict[str, Any] = {
        "instId": order.symbol, "tdMode": margin, "side": order.side, "ordType": "conditional",
        "sz": digits(contracts.contracts(order.symbol, order.qty_base)),
        "algoClOrdId": to_venue(order.client_order_id), **_exit(_WORDS[order.conditional], order.trigger_price),
    }  # fmt: skip
    return {**params, "reduceOnly": True} if order.reduce_only else params


def _exit(word: str, price: Decimal) -> dict[str, str]:
    return {f"{word}TriggerPx": digits(price), f"{word}OrdPx": _MARKET, f"{word}TriggerPxType": "mark"}


def amend_params(symbol: str, client_id: str, change: OrderChange, contracts: Contracts) -> dict[str, Any]:
    """Return the parameters of a plain order's change. Raises ValueError for a quantity that is no number of lots."""
    params: dict[str, Any] = {"instId": symbol, "clOrdId": to_venue(client_id)}
    if change.qty_base is not None:
        params["newSz"] = digits(contracts.contracts(symbol, change.qty_base))
    if change.limit_price is not None:
        params["newPx"] = digits(change.limit_price)
    return params


def amend_algo_params(
    symbol: str, client_id: str, change: OrderChange, word: str, contracts: Contracts
) -> dict[str, Any]:
    """Return the parameters of a conditional order's change; `word` is sl or tp. Raises ValueError as above."""
    params: dict[str, Any] = {"instId": symbol, "algoClOrdId": to_venue(client_id)}
    if change.qty_base is not None:
        params["newSz"] = digits(contracts.contracts(symbol, change.qty_base))
    if change.trigger_price is not None:
        name = f"new{word.capitalize()}"
        params |= {f"{name}TriggerPx": digits(change.trigger_price), f"{name}OrdPx": _MARKET,
                   f"{name}TriggerPxType": "mark"}  # fmt: skip
    return params
