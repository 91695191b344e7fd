"""Orders, conditional orders and trades as Binance's REST answers show them."""

from __future__ import annotations

from typing import Any

from chanflow.adapters.venues.emulator.records import AlgoRecord, OrderRecord, TradeRecord
from chanflow.adapters.venues.emulator.rules import SymbolRules, fixed, money


def _shared(rules: SymbolRules, order: OrderRecord) -> dict[str, Any]:
    asked = order.asked
    body: dict[str, Any] = {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status,
        "clientOrderId": order.client_id,
        "price": rules.price_text(order.price),
        "avgPrice": rules.average_text(order.quote, order.filled),
        "origQty": rules.qty_text(order.qty),
        "executedQty": rules.qty_text(order.filled),
        "cumQuote": rules.quote_text(order.quote),
        "timeInForce": asked.tif,
        "type": asked.kind,
        "reduceOnly": asked.reduce_only or asked.close_position,
        "closePosition": asked.close_position,
        "side": asked.side,
        "positionSide": asked.leg.name,
        "stopPrice": rules.price_text(asked.trigger),
        "workingType": asked.working_type,
        "priceProtect": asked.price_protect,
        "origType": order.orig_kind or asked.kind,
        "priceMatch": asked.price_match,
        "selfTradePreventionMode": asked.self_trade,
        "goodTillDate": asked.gtd_ms,
    }
    if order.orig_kind == "TRAILING_STOP_MARKET":
        body["activatePrice"] = rules.price_text(asked.activation)
        body["priceRate"] = fixed(asked.callback_bps, 2)
    return body


def order_answer(rules: SymbolRules, order: OrderRecord) -> dict[str, Any]:
    """Return an order as its placing and its cancelling answer."""
    return _shared(rules, order) | {"cumQty": rules.qty_text(order.filled), "updateTime": order.update_ms}


def order_receipt(rules: SymbolRules, order: OrderRecord) -> dict[str, Any]:
    """Return an order as its placing answers that asks for no result: as it was on its arrival."""
    none = rules.qty_text(0)
    return order_answer(rules, order) | {
        "status": "NEW",
        "executedQty": none,
        "cumQty": none,
        "cumQuote": rules.quote_text(0),
        "avgPrice": rules.average_text(0, 0),
        "updateTime": order.time_ms,
    }


def amended_order(rules: SymbolRules, order: OrderRecord) -> dict[str, Any]:
    """Return an order as its amendment answers."""
    base = {"pair": order.symbol, "cumBase": rules.qty_text(order.filled)}
    return order_answer(rules, order) | base


def queried_order(rules: SymbolRules, order: OrderRecord) -> dict[str, Any]:
    """Return an order as a query answers."""
    return _shared(rules, order) | {"time": order.time_ms, "updateTime": order.update_ms}


def _algo(rules: SymbolRules, algo: AlgoRecord) -> dict[str, Any]:
    asked = algo.asked
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_id,
        "algoType": "CONDITIONAL",
        "orderType": asked.kind,
        "symbol": algo.symbol,
        "side": asked.side,
        "positionSide": asked.leg.name,
        "timeInForce": asked.tif,
        "quantity": rules.qty_text(0 if asked.close_position else asked.qty),
        "algoStatus": algo.status,
        "triggerPrice": rules.price_text(asked.trigger),
        "price": rules.price_text(asked.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": asked.self_trade,
        "workingType": asked.working_type,
        "priceMatch": asked.price_match,
        "closePosition": asked.close_position,
        "priceProtect": asked.price_protect,
        "reduceOnly": asked.reduce_only,
        "createTime": algo.time_ms,
        "updateTime": algo.update_ms,
        "triggerTime": algo.trigger_ms,
        "goodTillDate": asked.gtd_ms,
    }


def _trail(rules: SymbolRules, algo: AlgoRecord) -> dict[str, Any]:
    asked = algo.asked
    is_trailing = asked.kind == "TRAILING_STOP_MARKET"
    return {
        "activatePrice": rules.price_text(asked.activation) if is_trailing else "",
        "callbackRate": fixed(asked.callback_bps, 2) if is_trailing else "",
    }


def placed_algo(rules: SymbolRules, algo: AlgoRecord) -> dict[str, Any]:
    """Return a conditional order as its placing answers."""
    return _algo(rules, algo) | _trail(rules, algo)


def canceled_algo(rules: SymbolRules, algo: AlgoRecord) -> dict[str, Any]:
    """Return a conditional order with all that a client may read of one that it cancelled."""
    return _algo(rules, algo) | {"code": "200", "msg": "success"}


def queried_algo(rules: SymbolRules, algo: AlgoRecord) -> dict[str, Any]:
    """Return a conditional order as a query answers, with the order that it became."""
    order, zero = algo.order, rules.price_text(0)
    body = _algo(rules, algo) | {
        "actualOrderId": str(order.order_id) if order is not None else "",
        "actualPrice": rules.average_text(order.quote, order.filled) if order else rules.average_text(0, 0),
        "tpTriggerPrice": zero,
        "tpPrice": zero,
        "slTriggerPrice": zero,
        "slPrice": zero,
        "tpOrderType": "",
    }
    if order is not None:
        body["actualQty"] = rules.qty_text(order.filled)
        body["actualType"] = order.asked.kind
    if algo.asked.kind == "TRAILING_STOP_MARKET":
        body |= _trail(rules, algo)
    return body


def trade_row(rules: SymbolRules, trade: TradeRecord) -> dict[str, Any]:
    """Return a fill as `userTrades` shows it."""
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "side": trade.side,
        "price": rules.price_text(trade.price),
        "qty": rules.qty_text(trade.qty),
        "realizedPnl": money(trade.realized_atto),
        "quoteQty": rules.quote_text(trade.price * trade.qty),
        "commission": money(trade.fee_atto),
        "commissionAsset": rules.quote,
        "time": trade.event_ns // 1_000_000,
        "positionSide": trade.leg.name,
        "maker": trade.is_maker,
        "buyer": trade.side == "BUY",
    }
