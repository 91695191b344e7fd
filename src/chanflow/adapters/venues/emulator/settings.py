"""What an account may set for itself: leverage, margin type, position mode, and the margin of isolated positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chanflow.adapters.venues.emulator import user_events
from chanflow.adapters.venues.emulator.accounts import Account, Book
from chanflow.adapters.venues.emulator.codes import as_told, fault
from chanflow.adapters.venues.emulator.floor import core_account
from chanflow.adapters.venues.emulator.records import Leg

if TYPE_CHECKING:
    from chanflow.adapters.venues.emulator.world import World


def set_leverage(world: World, account: Account, symbol: str, leverage: int) -> None:
    """Set the leverage of a symbol; a Fault -4028, -2027, -2028 or -4161 where it cannot be."""
    listing = world.listing(symbol)
    if not 1 <= leverage <= listing.max_leverage:
        raise fault(-4028, leverage)
    before = account.leverage_of(symbol)
    held = [book for (name, _), book in account.books.items() if name == symbol and book.position]
    if leverage < before and held and symbol in account.isolated:
        raise fault(-4161)
    if any(abs(listing.notional_atto(book.position)) > listing.cap_atto(leverage) for book in held):
        raise fault(-2027)
    account.leverage[symbol] = leverage
    if leverage < before and world.standing(account).available <= 0 and held:
        account.leverage[symbol] = before
        raise fault(-2028)
    for name, leg in account.books:
        if name == symbol:
            refusal = listing.core.set_leverage(core_account(account.number, leg), leverage)
            if refusal is not None:
                account.leverage[symbol] = before
                raise as_told(*refusal)
    world.tell(account, user_events.leverage_update(symbol, leverage, world.now_ms), world.now_ns)


def set_margin_type(world: World, account: Account, symbol: str, *, isolated: bool) -> None:
    """Set what stands behind the positions of a symbol; a Fault -4046, -4047, -4048 or -4168 where it cannot be."""
    listing = world.listing(symbol)
    if isolated == (symbol in account.isolated):
        raise fault(-4046)
    if isolated and account.is_multi_assets:
        raise fault(-4168)
    if any(True for _ in account.orders_of(symbol)) or any(True for _ in account.algos_of(symbol)):
        raise fault(-4047)
    books = [(leg, book) for (name, leg), book in account.books.items() if name == symbol]
    if any(book.position for _, book in books):
        raise fault(-4048)
    if isolated:
        account.isolated.add(symbol)
    else:
        account.isolated.discard(symbol)
    for leg, _book in books:
        listing.core.set_margin_mode(core_account(account.number, leg), "isolated" if isolated else "cross")


def set_hedged(account: Account, *, hedged: bool) -> None:
    """Set the position mode; a Fault -4059, -4067 or -4068 where it cannot be."""
    if hedged == account.is_hedged:
        raise fault(-4059)
    if account.open_orders or account.open_algos:
        raise fault(-4067)
    if any(book.position for book in account.books.values()):
        raise fault(-4068)
    account.is_hedged = hedged


def set_multi_assets(world: World, account: Account, *, multi: bool) -> None:
    """Set the assets mode; a Fault -4167, -4170 or -4171 where it cannot be."""
    if multi == account.is_multi_assets:
        raise fault(-4171)
    if multi and account.isolated:
        raise fault(-4167)
    if account.open_orders or account.open_algos:
        raise fault(-4170)
    account.is_multi_assets = multi
    world.tell(account, user_events.assets_mode_update(multi, world.now_ms), world.now_ns)


def move_margin(world: World, account: Account, symbol: str, leg: Leg, atto: int) -> None:
    """Move money to an isolated position, or back with a negative amount; a Fault where it cannot be."""
    listing = world.listing(symbol)
    if symbol not in account.isolated:
        raise fault(-4054)
    book: Book = world.book(account, symbol, leg)
    if book.position == 0:
        raise fault(-4054)
    if atto > 0 and atto > world.standing(account).available:
        raise fault(-4050)
    nano = int(atto / book.rules.atto_per_nano)
    short = nano - (book.wallet - book.isolated)
    if short > 0:
        _bring(world, account, book, short)
    refusal = listing.core.add_isolated_margin(core_account(account.number, leg), nano)
    if refusal is not None:
        raise fault(-4051)
    world.read_isolated(account, book)
    kind = 1 if atto > 0 else 2
    account.margin_changes.append((symbol, leg, kind, abs(atto), "USER_ADJUST", world.now_ms))
    body = user_events.account_update(account, "MARGIN_TRANSFER", 0, [(book, listing.mark2)], world.now_ms)
    world.tell(account, body, world.now_ns)


def _bring(world: World, account: Account, book: Book, nano: int) -> None:
    """Book so much of the account's money with this position instead of others; the whole stays as it is."""
    wanted = nano * book.rules.atto_per_nano
    for other in account.books.values():
        if other is book or wanted <= 0:
            continue
        free = min(wanted, (other.wallet - other.isolated) * other.rules.atto_per_nano)
        unit = max(book.rules.atto_per_nano, other.rules.atto_per_nano)
        share = free // unit * unit
        if share > 0:
            world.move(account, other, -(share // other.rules.atto_per_nano))
            world.move(account, book, share // book.rules.atto_per_nano)
            wanted -= share
