"""What an order must satisfy before the core sees it: filters, ids, limits of number, position, margin.

Each refusal has Binance's code for its cause. What depends on the book (post-only, fill-or-kill, a passed trigger) the
core judges.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from chanflow.adapters.venues.emulator.accounts import Account, Book
from chanflow.adapters.venues.emulator.codes import fault
from chanflow.adapters.venues.emulator.listing import Listing
from chanflow.adapters.venues.emulator.margin import book_margin, more_initial, standing
from chanflow.adapters.venues.emulator.records import Leg, OrderRecord, PlaceOrder
from chanflow.adapters.venues.emulator.rules import SymbolRules, fixed

_CLIENT_ID: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
MAX_ALGO_ORDERS: Final = 200
"""Conditional orders of one account over all symbols."""


def check_client_id(client_id: str) -> None:
    """Refuse a client id that Binance would not take."""
    if not _CLIENT_ID.fullmatch(client_id):
        raise fault(-4015)


def check_leg(account: Account, leg: Leg) -> None:
    """Refuse a position side that is not of the account's position mode."""
    if (leg is Leg.BOTH) == account.is_hedged:
        raise fault(-4061)


def closes(asked: PlaceOrder) -> bool:
    """Return whether an order can only reduce: it says so, or it is the closing side of a hedged position."""
    is_exit = (asked.leg, asked.side) in ((Leg.LONG, "SELL"), (Leg.SHORT, "BUY"))
    return asked.reduce_only or asked.close_position or is_exit


def check_terms(rules: SymbolRules, asked: PlaceOrder, mark2: int | None) -> None:
    """Refuse prices and quantities outside the symbol's filters."""
    is_market = asked.kind.endswith("MARKET")
    if not asked.close_position:
        check_qty(rules, asked.qty, is_market=is_market)
    if not is_market:
        check_price(rules, asked.side, asked.price, mark2 if asked.kind == "LIMIT" else None)
    for trigger in (asked.trigger, asked.activation):
        if trigger < 0:
            raise fault(-4006)
        if trigger % rules.tick:
            raise fault(-4014)


def check_qty(rules: SymbolRules, qty: int, *, is_market: bool) -> None:
    """Refuse a quantity outside the symbol's filters."""
    if qty <= 0:
        raise fault(-4003)
    if qty < rules.min_qty:
        raise fault(-4004)
    if qty > (rules.max_market_qty if is_market else rules.max_qty):
        raise fault(-4005)
    if qty % rules.step:
        raise fault(-4023)


def check_price(rules: SymbolRules, side: str, price: int, mark2: int | None) -> None:
    """Refuse a limit price that is no price, off the tick, or too far through the mark."""
    if price <= 0:
        raise fault(-4001)
    if price > 10**15:
        raise fault(-4002)
    if price % rules.tick:
        raise fault(-4014)
    if mark2 is None:
        return
    mark = Decimal(mark2) / 2
    if side == "BUY" and price > mark * rules.multiplier_up:
        raise fault(-4016, fixed(int(mark * rules.multiplier_up), rules.price_decimals))
    if side == "SELL" and price < mark * rules.multiplier_down:
        raise fault(-4024, fixed(int(mark * rules.multiplier_down), rules.price_decimals))


def check_notional(rules: SymbolRules, asked: PlaceOrder, price2: int) -> None:
    """Refuse an order that may open and is worth less than the minimum, at a price given doubled."""
    if closes(asked):
        return
    if Decimal(asked.qty * price2).scaleb(-rules.notional_decimals) / 2 < rules.min_notional:
        raise fault(-4164, rules.min_notional)


def check_room(account: Account, rules: SymbolRules) -> None:
    """Refuse an order above the number that may be open."""
    if sum(1 for order in account.open_orders.values() if order.asked.symbol == rules.symbol) >= rules.max_orders:
        raise fault(-2025)


def check_algo_room(account: Account, rules: SymbolRules) -> None:
    """Refuse a conditional order above the number that may wait."""
    if len(account.open_algos) >= min(MAX_ALGO_ORDERS, rules.max_algo_orders):
        raise fault(-4045)


def check_reducing(account: Account, book: Book, asked: PlaceOrder) -> None:
    """Refuse a closing order without a position to close, or above what other closing orders leave of it."""
    sign = 1 if asked.side == "BUY" else -1
    held = -sign * book.position
    if held <= 0:
        raise fault(-2022)
    if asked.kind != "LIMIT":
        return
    waiting = sum(
        order.leaves
        for order in account.open_orders.values()
        if order.asked.symbol == asked.symbol
        and order.asked.leg == asked.leg
        and order.asked.side == asked.side
        and closes(order.asked)
    )
    if waiting >= held:
        raise fault(-4118)


def check_margin(account: Account, book: Book, listings: dict[str, Listing], asked: PlaceOrder, price2: int) -> None:
    """Refuse an order that the account's free margin or its leverage does not carry, at a price given doubled."""
    listing = listings[asked.symbol]
    more = more_initial(account, book, listing, asked, price2)
    if more <= 0:
        return
    now = standing(account, listings)
    if more > now.available:
        raise fault(-2019)
    margin = now.books[asked.symbol, book.leg]
    worth = asked.qty * price2 * book.rules.atto_per_notional // 2
    after = margin.notional + margin.bids + worth if asked.side == "BUY" else margin.asks + worth - margin.notional
    if abs(after) > listing.cap_atto(account.leverage_of(asked.symbol)):
        raise fault(-2027)


def check_amended(account: Account, order: OrderRecord, listings: dict[str, Listing], *, price: int, qty: int) -> None:
    """Let an order have another price and quantity; refuse where the account's free margin does not carry it."""
    now = standing(account, listings)
    key = order.symbol, order.asked.leg
    order.price, order.qty = price, qty
    after = book_margin(account, account.books[key], listings[order.symbol])
    if after.initial - now.books[key].initial > now.available:
        raise fault(-2019)
