"""The emulator's own books as plain data, for tests to compare a client's belief with; figures are text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chanflow.adapters.venues.emulator.accounts import Account, Book
from chanflow.adapters.venues.emulator.floor import Floor
from chanflow.adapters.venues.emulator.records import AlgoRecord, OrderRecord, TradeRecord
from chanflow.adapters.venues.emulator.rules import fixed, money
from chanflow.domain.time import NS_PER_MS


def books(floor: Floor, key: str | None = None) -> dict[str, Any]:
    """Return clock and accounts, or the account of one key, with wallets, positions, orders, trades and payments."""
    told = [_account(floor, account) for account in floor.accounts if key is None or account.key == key]
    return {"now_ms": floor.now_ns // NS_PER_MS, "accounts": told}


def _account(floor: Floor, account: Account) -> dict[str, Any]:
    return {
        "key": account.key,
        "wallet": money(account.wallet_atto),
        "positions": [_position(account, book) for book in account.books.values() if book.position],
        "orders": [_order(floor, order) for order in account.orders],
        "algos": [_algo(floor, algo) for algo in account.algos],
        "trades": [_trade(floor, trade) for trade in account.trades],
        "payments": [
            {"symbol": row.symbol, "kind": row.kind, "amount": money(row.amount_atto), "time_ms": row.time_ms}
            for row in account.incomes
        ],
    }


def _position(account: Account, book: Book) -> Mapping[str, Any]:
    rules = book.rules
    return {
        "symbol": rules.symbol,
        "side": book.leg.name,
        "qty": rules.qty_text(book.position),
        "entry_price": fixed(book.entry_price(10), 10),
        "margin": "isolated" if rules.symbol in account.isolated else "cross",
        "leverage": account.leverage_of(rules.symbol),
    }


def _order(floor: Floor, order: OrderRecord) -> Mapping[str, Any]:
    rules, asked = floor.listings[order.symbol].rules, order.asked
    return {
        "symbol": order.symbol,
        "order_id": order.order_id,
        "client_id": order.client_id,
        "algo_id": order.algo_id or None,
        "side": asked.side,
        "position_side": asked.leg.name,
        "kind": asked.kind,
        "price": rules.price_text(order.price),
        "qty": rules.qty_text(order.qty),
        "filled": rules.qty_text(order.filled),
        "average": rules.average_text(order.quote, order.filled),
        "status": order.status,
        "reduce_only": asked.reduce_only,
        "time_ms": order.time_ms,
        "update_ms": order.update_ms,
    }


def _algo(floor: Floor, algo: AlgoRecord) -> Mapping[str, Any]:
    rules, asked = floor.listings[algo.symbol].rules, algo.asked
    return {
        "symbol": algo.symbol,
        "algo_id": algo.algo_id,
        "client_id": algo.client_id,
        "side": asked.side,
        "position_side": asked.leg.name,
        "kind": asked.kind,
        "trigger": rules.price_text(asked.trigger),
        "qty": rules.qty_text(asked.qty),
        "close_position": asked.close_position,
        "reduce_only": asked.reduce_only,
        "status": algo.status,
        "order_id": algo.order.order_id if algo.order else None,
        "time_ms": algo.time_ms,
    }


def _trade(floor: Floor, trade: TradeRecord) -> Mapping[str, Any]:
    rules = floor.listings[trade.symbol].rules
    return {
        "symbol": trade.symbol,
        "trade_id": trade.trade_id,
        "order_id": trade.order_id,
        "client_id": trade.client_id,
        "side": trade.side,
        "price": rules.price_text(trade.price),
        "qty": rules.qty_text(trade.qty),
        "maker": trade.is_maker,
        "fee": money(trade.fee_atto),
        "realized": money(trade.realized_atto),
        "time_ms": trade.event_ns // NS_PER_MS,
    }
