"""The endpoints of limit and market orders."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from chanflow.adapters.venues.emulator import views
from chanflow.adapters.venues.emulator.codes import Fault, fault
from chanflow.adapters.venues.emulator.desk import Call, Route
from chanflow.adapters.venues.emulator.order_terms import read_order, read_side
from chanflow.adapters.venues.emulator.params import Params
from chanflow.adapters.venues.emulator.records import OrderRecord
from chanflow.adapters.venues.emulator.rules import SymbolRules

Row = TypeVar("Row")

_MOST_IN_BATCH: Final = 5
_MOST_CANCELED: Final = 10
_MOST_ROWS: Final = 1_000
_MOST_AMENDMENTS: Final = 10_000
_DONE: Final = {"code": 200, "msg": "The operation of cancel all open order is done."}


def place(call: Call) -> dict[str, Any]:
    """POST order."""
    return _place(call, call.params)


def _place(call: Call, params: Params) -> dict[str, Any]:
    answer = params.optional("newOrderRespType") or "ACK"
    if answer not in ("ACK", "RESULT"):
        raise fault(-1130, "newOrderRespType")
    asked = read_order(call.world, params)
    order = call.world.place(call.account.number, asked)
    rules = _rules(call, order)
    return views.order_answer(rules, order) if answer == "RESULT" else views.order_receipt(rules, order)


def test(call: Call) -> dict[str, Any]:
    """POST order/test: judged, and not sent to the book."""
    call.world.check(call.account.number, read_order(call.world, call.params))
    return {}


def query(call: Call) -> dict[str, Any]:
    """GET order."""
    order = _named(call, call.params)
    if order is None:
        raise fault(-2013)
    return views.queried_order(_rules(call, order), order)


def open_order(call: Call) -> dict[str, Any]:
    """GET openOrder."""
    order = _named(call, call.params)
    if order is None or not order.is_open:
        raise fault(-2013)
    return views.queried_order(_rules(call, order), order)


def cancel(call: Call) -> dict[str, Any]:
    """DELETE order."""
    return _cancel(call, *_names(call.params))


def _cancel(call: Call, order_id: int | None, client_id: str | None) -> dict[str, Any]:
    order = call.world.cancel(call.account.number, call.params.text("symbol"), order_id, client_id)
    return views.order_answer(_rules(call, order), order)


def amend(call: Call) -> dict[str, Any]:
    """PUT order."""
    return _amend(call, call.params)


def _amend(call: Call, params: Params) -> dict[str, Any]:
    order = _named(call, params)
    if order is None:
        raise fault(-2013)
    rules = _rules(call, order)
    if read_side(params) != order.asked.side:
        raise fault(-1117)
    if order.amendments >= _MOST_AMENDMENTS:
        raise fault(-5026)
    price, qty = params.units("price", rules.price_decimals), params.units("quantity", rules.qty_decimals)
    order = call.world.amend(call.account.number, order, price=price, qty=qty)
    return views.amended_order(rules, order)


def cancel_all(call: Call) -> dict[str, Any]:
    """DELETE allOpenOrders."""
    call.world.cancel_all(call.account.number, call.params.text("symbol"))
    return _DONE


def open_orders(call: Call) -> list[dict[str, Any]]:
    """GET openOrders."""
    symbol = _known_symbol(call)
    return _queried(call, call.account.orders_of(symbol))


def all_orders(call: Call) -> list[dict[str, Any]]:
    """GET allOrders: by time, or from an order id on."""
    symbol = call.params.text("symbol")
    call.world.listing(symbol)
    least = call.params.optional_integer("orderId")
    orders = [order for order in call.account.orders if order.symbol == symbol and not order.is_forced]
    orders = between(call.params, orders, lambda order: order.time_ms)
    if least is not None:
        orders = [order for order in orders if order.order_id >= least]
    return _queried(call, page(call.params, orders, from_oldest=least is not None))


def force_orders(call: Call) -> list[dict[str, Any]]:
    """GET forceOrders."""
    symbol = _known_symbol(call)
    kind = call.params.optional("autoCloseType")
    if kind not in (None, "LIQUIDATION", "ADL"):
        raise fault(-1130, "autoCloseType")
    prefix = {"LIQUIDATION": "autoclose-", "ADL": "adl_autoclose", None: ""}[kind]
    orders = [
        order
        for order in call.account.orders
        if order.is_forced and symbol in (None, order.symbol) and order.client_id.startswith(prefix)
    ]
    return _queried(call, page(call.params, between(call.params, orders, lambda order: order.time_ms), most=100))


def countdown(call: Call) -> dict[str, Any]:
    """POST countdownCancelAll: cancel all orders of a symbol unless asked again in time; 0 calls it off."""
    symbol, wait_ms = call.params.text("symbol"), call.params.integer("countdownTime")
    call.world.listing(symbol)
    if wait_ms < 0:
        raise fault(-1130, "countdownTime")
    if wait_ms:
        call.account.countdowns[symbol] = call.world.now_ns + wait_ms * 1_000_000
    else:
        call.account.countdowns.pop(symbol, None)
    return {"symbol": symbol, "countdownTime": str(wait_ms)}


def place_batch(call: Call) -> list[dict[str, Any]]:
    """POST batchOrders: each is judged by itself."""
    rows = batch_rows(call.params)
    return [_each(_place, call, Params(row)) for row in rows]


def amend_batch(call: Call) -> list[dict[str, Any]]:
    """PUT batchOrders."""
    rows = batch_rows(call.params)
    return [_each(_amend, call, Params(row)) for row in rows]


def cancel_batch(call: Call) -> list[dict[str, Any]]:
    """DELETE batchOrders, by order ids or client ids."""
    ids, names = call.params.optional("orderIdList"), call.params.optional("origClientOrderIdList")
    wanted = _listed("orderIdList" if ids is not None else "origClientOrderIdList", ids or names)
    if not 1 <= len(wanted) <= _MOST_CANCELED:
        raise fault(-4082)
    found: list[tuple[int | None, str | None]] = []
    for name in wanted:
        if ids is not None and not str(name).isdigit():
            raise fault(-1130, "orderIdList")
        found.append((int(name), None) if ids is not None else (None, str(name)))
    return [_each(_cancel, call, *pair) for pair in found]


def batch_rows(params: Params) -> list[dict[str, str]]:
    """Return the orders of a batch, one to five, as parameters."""
    rows = _listed("batchOrders", params.text("batchOrders"))
    if not 1 <= len(rows) <= _MOST_IN_BATCH:
        raise fault(-4082)
    if not all(isinstance(row, dict) for row in rows):
        raise fault(-1130, "batchOrders")
    return [{str(name): _plain(value) for name, value in row.items()} for row in rows]


def batch_size(params: Params) -> int:
    """Return how many orders a batch places, for the limits; 1 where it cannot be read."""
    try:
        return len(batch_rows(params))
    except Fault:
        return 1


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _listed(name: str, text: str | None) -> list[Any]:
    try:
        rows = json.loads(text or "[]")
    except (ValueError, RecursionError) as wrong:
        raise fault(-1130, name) from wrong
    if not isinstance(rows, list):
        raise fault(-1130, name)
    return rows


def _each(act: Callable[..., dict[str, Any]], *given: object) -> dict[str, Any]:
    try:
        return act(*given)
    except Fault as refusal:
        return {"code": refusal.code, "msg": refusal.message}


def _names(params: Params) -> tuple[int | None, str | None]:
    order_id, client_id = params.optional_integer("orderId"), params.optional("origClientOrderId")
    if order_id is None and client_id is None:
        raise Fault(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return order_id, client_id


def _named(call: Call, params: Params) -> OrderRecord | None:
    symbol = params.text("symbol")
    call.world.listing(symbol)
    return call.world.find(call.account.number, symbol, *_names(params))


def _known_symbol(call: Call) -> str | None:
    symbol = call.params.optional("symbol")
    if symbol is not None:
        call.world.listing(symbol)
    return symbol


def _rules(call: Call, order: OrderRecord) -> SymbolRules:
    return call.world.listings[order.symbol].rules


def _queried(call: Call, orders: Iterable[OrderRecord]) -> list[dict[str, Any]]:
    return [views.queried_order(_rules(call, order), order) for order in orders]


def between(params: Params, rows: list[Row], time_ms: Callable[[Row], int]) -> list[Row]:
    """Return the rows of the asked span, startTime and endTime included."""
    start, end = params.optional_integer("startTime"), params.optional_integer("endTime")
    if start is not None and end is not None and start > end:
        raise fault(-1130, "startTime")
    return [row for row in rows if (start is None or time_ms(row) >= start) and (end is None or time_ms(row) <= end)]


def page(params: Params, rows: list[Row], *, most: int = _MOST_ROWS, from_oldest: bool = False) -> list[Row]:
    """Return at most `limit` rows (500, `most`): the first where a span's start or an id is given, else the last."""
    limit = params.optional_integer("limit")
    count = min(500, most) if limit is None else limit
    if not 1 <= count <= most:
        raise fault(-1130, "limit")
    if from_oldest or params.optional("startTime") is not None:
        return rows[:count]
    return rows[-count:]


def _open_weight(params: Params) -> int:
    return 1 if params.optional("symbol") is not None else 40


def _force_weight(params: Params) -> int:
    return 20 if params.optional("symbol") is not None else 50


ROUTES: Final[Mapping[tuple[str, str], Route]] = {
    ("POST", "/fapi/v1/order"): Route(place, weight=0, orders=1, moves=True),
    ("PUT", "/fapi/v1/order"): Route(amend, orders=1, moves=True),
    ("GET", "/fapi/v1/order"): Route(query),
    ("DELETE", "/fapi/v1/order"): Route(cancel, moves=True),
    ("POST", "/fapi/v1/order/test"): Route(test, weight=0),
    ("POST", "/fapi/v1/batchOrders"): Route(place_batch, weight=5, orders=batch_size, moves=True),
    ("PUT", "/fapi/v1/batchOrders"): Route(amend_batch, weight=5, orders=batch_size, moves=True),
    ("DELETE", "/fapi/v1/batchOrders"): Route(cancel_batch, moves=True),
    ("DELETE", "/fapi/v1/allOpenOrders"): Route(cancel_all, moves=True),
    ("GET", "/fapi/v1/openOrder"): Route(open_order),
    ("GET", "/fapi/v1/openOrders"): Route(open_orders, weight=_open_weight),
    ("GET", "/fapi/v1/allOrders"): Route(all_orders, weight=5),
    ("GET", "/fapi/v1/forceOrders"): Route(force_orders, weight=_force_weight),
    ("POST", "/fapi/v1/countdownCancelAll"): Route(countdown, weight=10, moves=True),
}
