"""The payloads of the user streams, field by field as Binance sends them. Times are Unix ms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chanflow.adapters.venues.emulator.accounts import Account, Book
from chanflow.adapters.venues.emulator.records import AlgoRecord, OrderRecord, TradeRecord
from chanflow.adapters.venues.emulator.rules import SymbolRules, fixed, money


def order_update(
    rules: SymbolRules,
    order: OrderRecord,
    execution: str,
    ms: int,
    *,
    trade: TradeRecord | None = None,
    bids: int = 0,
    asks: int = 0,
) -> dict[str, Any]:
    """Return ORDER_TRADE_UPDATE; `bids` and `asks` are the open notionals in atto."""
    asked = order.asked
    body: dict[str, Any] = {
        "s": order.symbol,
        "c": order.client_id,
        "S": asked.side,
        "o": "MARKET" if asked.kind.endswith("MARKET") else "LIMIT",
        "f": asked.tif,
        "q": rules.qty_text(order.qty),
        "p": rules.price_text(order.price),
        "ap": rules.average_text(order.quote, order.filled),
        "sp": rules.price_text(asked.trigger),
        "x": execution,
        "X": order.status,
        "i": order.order_id,
        "l": rules.qty_text(trade.qty if trade else 0),
        "z": rules.qty_text(order.filled),
        "L": rules.price_text(trade.price if trade else 0),
        "N": rules.quote,
        "n": money(trade.fee_atto) if trade else "0",
        "T": ms,
        "t": trade.trade_id if trade else 0,
        "b": money(bids),
        "a": money(asks),
        "m": trade.is_maker if trade else False,
        "R": asked.reduce_only or asked.close_position,
        "wt": asked.working_type,
        "ot": order.orig_kind or asked.kind,
        "ps": asked.leg.name,
        "cp": asked.close_position,
        "AP": rules.price_text(asked.activation),
        "cr": fixed(asked.callback_bps, 2),
        "pP": asked.price_protect,
        "si": 0,
        "ss": 0,
        "rp": money(trade.realized_atto) if trade else "0",
        "V": asked.self_trade,
        "pm": asked.price_match,
        "gtd": asked.gtd_ms,
    }
    return {"e": "ORDER_TRADE_UPDATE", "T": ms, "E": ms, "o": body}


def trade_lite(rules: SymbolRules, order: OrderRecord, trade: TradeRecord, ms: int) -> dict[str, Any]:
    """Return TRADE_LITE: the fill, early and without its fee."""
    return {
        "e": "TRADE_LITE",
        "E": ms,
        "T": ms,
        "s": order.symbol,
        "q": rules.qty_text(order.qty),
        "p": rules.price_text(order.price),
        "m": trade.is_maker,
        "c": order.client_id,
        "S": order.asked.side,
        "L": rules.price_text(trade.price),
        "l": rules.qty_text(trade.qty),
        "t": trade.trade_id,
        "i": order.order_id,
    }


def account_update(
    account: Account, reason: str, change_atto: int, books: Iterable[tuple[Book, int | None]], ms: int
) -> dict[str, Any]:
    """Return ACCOUNT_UPDATE; `books` are the positions that changed, with their doubled marks.

    `change_atto` is what the wallet changed by beside profit and fees.
    """
    positions = [
        {
            "s": book.rules.symbol,
            "pa": book.rules.qty_text(book.position),
            "ep": fixed(book.entry_price(10), 10),
            "cr": money(book.realized * book.rules.atto_per_nano),
            "up": money(book.unrealized_atto(mark2)),
            "mt": "isolated" if book.rules.symbol in account.isolated else "cross",
            "iw": money(book.isolated_atto),
            "ps": book.leg.name,
            "ma": book.rules.quote,
            "bep": fixed(book.break_even_price(10), 10),
        }
        for book, mark2 in books
    ]
    wallet = account.wallet_atto
    balances = [
        {"a": "USDT", "wb": money(wallet), "cw": money(wallet - account.isolated_atto), "bc": money(change_atto)}
    ]
    return {"e": "ACCOUNT_UPDATE", "T": ms, "E": ms, "a": {"B": balances, "P": positions, "m": reason}}


def algo_update(rules: SymbolRules, algo: AlgoRecord, ms: int) -> dict[str, Any]:
    """Return ALGO_UPDATE."""
    asked, order = algo.asked, algo.order
    body: dict[str, Any] = {
        "caid": algo.client_id,
        "aid": algo.algo_id,
        "at": "CONDITIONAL",
        "o": asked.kind,
        "s": algo.symbol,
        "S": asked.side,
        "ps": asked.leg.name,
        "f": asked.tif,
        "q": rules.qty_text(0 if asked.close_position else asked.qty),
        "X": algo.status,
        "ai": str(order.order_id) if order else "",
        "ap": rules.average_text(order.quote, order.filled) if order else "0.00000",
        "aq": rules.qty_text(order.filled) if order else "0.00000",
        "act": ("MARKET" if asked.kind.endswith("MARKET") else "LIMIT") if order else "0",
        "tp": rules.price_text(asked.trigger),
        "p": rules.price_text(asked.price),
        "V": asked.self_trade,
        "wt": asked.working_type,
        "pm": asked.price_match,
        "cp": asked.close_position,
        "pP": asked.price_protect,
        "R": asked.reduce_only,
        "tt": algo.trigger_ms,
        "gtd": asked.gtd_ms,
        "rm": algo.reason,
    }
    return {"e": "ALGO_UPDATE", "T": ms, "E": ms, "o": body}


def leverage_update(symbol: str, leverage: int, ms: int) -> dict[str, Any]:
    """Return ACCOUNT_CONFIG_UPDATE of a symbol's leverage."""
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": ms, "T": ms, "ac": {"s": symbol, "l": leverage}}


def assets_mode_update(is_multi: bool, ms: int) -> dict[str, Any]:
    """Return ACCOUNT_CONFIG_UPDATE of the assets mode."""
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": ms, "T": ms, "ai": {"j": is_multi}}


def margin_call(
    account: Account, cross_wallet_atto: int, rows: Iterable[tuple[Book, int | None, int]], ms: int
) -> dict[str, Any]:
    """Return MARGIN_CALL; `rows` are positions with their doubled marks and maintenance in atto."""
    positions = [
        {
            "s": book.rules.symbol,
            "ps": book.leg.name,
            "pa": book.rules.qty_text(book.position),
            "mt": "ISOLATED" if book.rules.symbol in account.isolated else "CROSSED",
            "iw": money(book.isolated_atto),
            "mp": fixed((mark2 or 0) * 5, book.rules.price_decimals + 1),
            "up": money(book.unrealized_atto(mark2)),
            "mm": money(maintenance),
        }
        for book, mark2, maintenance in rows
    ]
    return {"e": "MARGIN_CALL", "E": ms, "cw": money(cross_wallet_atto), "p": positions}


def trigger_reject(symbol: str, order_id: int, reason: str, ms: int) -> dict[str, Any]:
    """Return CONDITIONAL_ORDER_TRIGGER_REJECT."""
    return {"e": "CONDITIONAL_ORDER_TRIGGER_REJECT", "E": ms, "T": ms, "or": {"s": symbol, "i": order_id, "r": reason}}


def listen_key_expired(listen_key: str, ms: int) -> dict[str, Any]:
    """Return listenKeyExpired."""
    return {"e": "listenKeyExpired", "E": ms, "listenKey": listen_key}
