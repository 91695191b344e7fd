"""What the venue does to positions by itself on demand: liquidation and auto-deleveraging, at the market."""

from __future__ import annotations

from typing import Literal

from chanflow.adapters.venues.emulator.accounts import Account, Book
from chanflow.adapters.venues.emulator.codes import Fault
from chanflow.adapters.venues.emulator.records import Leg, OrderRecord, PlaceOrder
from chanflow.adapters.venues.emulator.world import World

How = Literal["autoclose", "adl_autoclose"]


def force_out(
    world: World, symbol: str, how: How, *, key: str | None = None, lots: int | None = None
) -> list[OrderRecord]:
    """Close the positions of one account, or of all, in a symbol, each by `lots` at most; return the orders sent.

    A liquidation takes the account's open orders of the symbol with it first, as at the venue. Raises a Fault for an
    unknown symbol; a market without the other side fills what it can.
    """
    world.listing(symbol)
    done: list[OrderRecord] = []
    for account in [account for account in world.accounts if key is None or account.key == key]:
        held = [book for (name, _), book in account.books.items() if name == symbol and book.position]
        if held and how == "autoclose":
            world.cancel_all(account.number, symbol)
        done += [order for book in held if (order := _close(world, account, book, how, lots)) is not None]
    for order in done:
        world.on_liquidation(order)
    return done


def _close(world: World, account: Account, book: Book, how: How, lots: int | None) -> OrderRecord | None:
    qty = abs(book.position) if lots is None else min(lots, abs(book.position))
    side: Literal["BUY", "SELL"] = "SELL" if book.position > 0 else "BUY"
    asked = PlaceOrder(
        book.rules.symbol, side, "MARKET", qty, leg=book.leg, reduce_only=book.leg is Leg.BOTH, is_forced=True,
        client_id=f"{how}-{world.now_ms}-{world.next_order}",
    )  # fmt: skip
    try:
        return world.place(account.number, asked)
    except Fault:  # nobody is on the other side
        return None
