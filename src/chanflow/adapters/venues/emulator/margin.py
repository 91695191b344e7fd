"""What an account's positions and orders tie up, and what is left, as Binance counts it.

The initial margin of a symbol is the larger of |position + buys| and |position - sells|, by leverage; orders that can
only reduce count nothing. Isolated positions live on what they set aside, all others on the rest of the wallet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chanflow.adapters.venues.emulator.accounts import Account, Book
from chanflow.adapters.venues.emulator.listing import Listing
from chanflow.adapters.venues.emulator.records import Leg, PlaceOrder
from chanflow.adapters.venues.emulator.rules import ten


@dataclass(frozen=True, slots=True)
class BookMargin:
    """One position's margins and its open orders' notionals, in atto."""

    notional: int
    unrealized: int
    maintenance: int
    position_initial: int
    order_initial: int
    bids: int
    asks: int

    @property
    def initial(self) -> int:
        """What position and orders tie up together."""
        return self.position_initial + self.order_initial


@dataclass(frozen=True, slots=True)
class Standing:
    """An account's sums, in atto."""

    wallet: int
    unrealized: int
    maintenance: int
    position_initial: int
    order_initial: int
    cross_wallet: int
    cross_unrealized: int
    cross_maintenance: int
    available: int
    books: Mapping[tuple[str, Leg], BookMargin]


def open_notional(account: Account, symbol: str, leg: Leg, per_notional: int) -> tuple[int, int]:
    """Return what the open buys and sells that may open are worth at their prices."""
    bids = asks = 0
    for order in account.open_orders.values():
        asked = order.asked
        if asked.symbol == symbol and asked.leg == leg and not asked.reduce_only:
            worth = order.leaves * order.price
            if asked.side == "BUY":
                bids += worth
            else:
                asks += worth
    return bids * per_notional, asks * per_notional


def _initial(notional: int, bids: int, asks: int, leverage: int) -> int:
    return max(abs(notional + bids), abs(notional - asks)) // leverage


def book_margin(account: Account, book: Book, listing: Listing) -> BookMargin:
    """Return what one position and its symbol's open orders tie up."""
    rules = book.rules
    leverage = account.leverage_of(rules.symbol)
    notional = listing.notional_atto(book.position)
    bids, asks = open_notional(account, rules.symbol, book.leg, rules.atto_per_notional)
    held = abs(notional) // leverage
    return BookMargin(
        notional=notional,
        unrealized=book.unrealized_atto(listing.mark2),
        maintenance=listing.maintenance_atto(abs(notional)),
        position_initial=held,
        order_initial=max(_initial(notional, bids, asks, leverage) - held, 0),
        bids=bids,
        asks=asks,
    )


def standing(account: Account, listings: Mapping[str, Listing]) -> Standing:
    """Return an account's sums at the present marks."""
    books = {key: book_margin(account, book, listings[key[0]]) for key, book in account.books.items()}
    cross = [margin for (symbol, _), margin in books.items() if symbol not in account.isolated]
    wallet, isolated = account.wallet_atto, account.isolated_atto
    cross_unrealized = sum(margin.unrealized for margin in cross)
    order_initial = sum(margin.order_initial for margin in books.values())
    tied = sum(margin.position_initial for margin in cross) + order_initial
    return Standing(
        wallet=wallet,
        unrealized=sum(margin.unrealized for margin in books.values()),
        maintenance=sum(margin.maintenance for margin in books.values()),
        position_initial=sum(margin.position_initial for margin in books.values()),
        order_initial=order_initial,
        cross_wallet=wallet - isolated,
        cross_unrealized=cross_unrealized,
        cross_maintenance=sum(margin.maintenance for margin in cross),
        available=max(wallet - isolated + cross_unrealized - tied, 0),
        books=books,
    )


def more_initial(account: Account, book: Book, listing: Listing, asked: PlaceOrder, price2: int) -> int:
    """Return by how much an order, at a price given doubled, would raise what the symbol ties up."""
    margin = book_margin(account, book, listing)
    worth = asked.qty * price2 * book.rules.atto_per_notional // 2
    bids = margin.bids + (worth if asked.side == "BUY" else 0)
    asks = margin.asks + (worth if asked.side == "SELL" else 0)
    after = _initial(margin.notional, bids, asks, account.leverage_of(book.rules.symbol))
    return after - margin.initial


def liquidation_price(account: Account, book: Book, listings: Mapping[str, Listing], places: int) -> int:
    """Return the mark at which a position would be liquidated, all else as it is, in 10^-places; 0 if there is none.

    Found by halving: what stands behind the position plus its profit falls to its maintenance there.
    """
    if book.position == 0:
        return 0
    symbol = book.rules.symbol
    listing = listings[symbol]
    if symbol in account.isolated:
        stake, other = book.isolated_atto, 0
    else:
        now = standing(account, listings)
        own = now.books[symbol, book.leg]
        stake = now.cross_wallet + now.cross_unrealized - own.unrealized
        other = now.cross_maintenance - own.maintenance
    scale = ten(places - book.rules.price_decimals)

    def is_due(price: int) -> bool:
        profit = (book.position * price * 10**9 - book.cost * scale) * book.rules.atto_per_nano // scale
        worth = abs(book.position) * price * book.rules.atto_per_notional // scale
        return stake + profit <= other + listing.maintenance_atto(worth)

    entry = max(book.entry_price(places), 1)
    if book.position > 0:
        safe, due = entry * 64, 0
        if not is_due(1):
            return 0
    else:
        safe, due = 0, entry * 64
        if not is_due(due):
            return 0
    while abs(due - safe) > 1:
        middle = (due + safe) // 2
        safe, due = (safe, middle) if is_due(middle) else (middle, due)
    return due
