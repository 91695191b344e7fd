"""What stands on the floor of the emulated exchange: symbols, accounts, orders, and who listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from chanflow.adapters.venues.emulator.accounts import Account, Book
from chanflow.adapters.venues.emulator.codes import fault
from chanflow.adapters.venues.emulator.listing import Listing
from chanflow.adapters.venues.emulator.records import (
    LEGS,
    AlgoRecord,
    IncomeRecord,
    Leg,
    OrderRecord,
    OwnTrade,
    UserEvent,
)
from chanflow.adapters.venues.emulator.rules import SymbolRules

MS: Final = 1_000_000
_KEPT: Final = 20_000
"""So many ended orders, trades and payments of an account are kept at least, twice as many at most."""
_FIRST_ORDER: Final = 1_000_001
_FIRST_ALGO: Final = 1_000_000_000_000_001


class Floor:
    """The state of the emulated exchange; one clock, `now_ns`."""

    def __init__(self, rules: Mapping[str, SymbolRules], *, start_ns: int, seed: int) -> None:
        self.listings = {symbol: Listing(row, seed=seed) for symbol, row in rules.items()}
        self.now_ns = start_ns
        self.accounts: list[Account] = []
        self.orders: dict[int, OrderRecord] = {}
        self.algos: dict[int, AlgoRecord] = {}
        self.live: dict[str, OrderRecord | AlgoRecord] = {}
        """What the cores call by these names."""
        self.refused: dict[str, tuple[int, str]] = {}
        self.on_user_event: Callable[[int, UserEvent], None] = _nobody
        self.on_trade: Callable[[OwnTrade], None] = _nobody_trades
        self.on_liquidation: Callable[[OrderRecord], None] = _nobody_liquidates
        self.next_order = _FIRST_ORDER
        self.next_algo = _FIRST_ALGO
        self.next_payment = 1

    def listing(self, symbol: str) -> Listing:
        """Return a listed symbol; a Fault -1121 where there is none."""
        found = self.listings.get(symbol)
        if found is None:
            raise fault(-1121)
        return found

    @property
    def now_ms(self) -> int:
        """The clock in ms."""
        return self.now_ns // MS

    def book(self, account: Account, symbol: str, leg: Leg) -> Book:
        """Return the mirror of a position, made at its first use, with the core told the account's settings."""
        found = account.books.get((symbol, leg))
        if found is None:
            found = account.books[symbol, leg] = Book(self.listings[symbol].rules, leg)
            core, name = self.listings[symbol].core, core_account(account.number, leg)
            core.set_leverage(name, account.leverage_of(symbol))
            core.set_margin_mode(name, "isolated" if symbol in account.isolated else "cross")
        return found

    def read_isolated(self, account: Account, book: Book) -> None:
        """Take from the core what an isolated position has set aside."""
        symbol = book.rules.symbol
        if symbol in account.isolated:
            name = core_account(account.number, book.leg)
            book.isolated = self.listings[symbol].core.account(name)["isolated_nano"]
        else:
            book.isolated = 0

    def tell(self, account: Account, payload: Mapping[str, Any], event_ns: int, client_id: str = "") -> None:
        """Tell an account's user streams an event."""
        self.on_user_event(account.number, UserEvent(payload["e"], account.number, payload, event_ns, client_id))

    def pay(
        self, account: Account, symbol: str, kind: str, atto: int, ns: int, info: str = "", trade_id: int | None = None
    ) -> None:
        """Note a change of an account's money."""
        number, self.next_payment = self.next_payment, self.next_payment + 1
        row = IncomeRecord(account.number, symbol, kind, atto, ns // MS, number, info or kind, trade_id)
        account.incomes.append(row)
        _trim(account.incomes)

    def end_order(self, account: Account, order: OrderRecord) -> None:
        """Let an ended order be history."""
        account.open_orders.pop(order.order_id, None)
        self.live.pop(order.core_name, None)
        if len(account.orders) > 2 * _KEPT:
            for old in account.orders[:_KEPT]:
                if not old.is_open:
                    self.orders.pop(old.order_id, None)
                    if account.client_orders.get((old.symbol, old.client_id)) is old:
                        del account.client_orders[old.symbol, old.client_id]
            account.orders[:_KEPT] = [old for old in account.orders[:_KEPT] if old.is_open]
        _trim(account.trades)

    def end_algo(self, account: Account, algo: AlgoRecord) -> None:
        """Let an ended conditional order be history."""
        account.open_algos.pop(algo.algo_id, None)
        if len(account.algos) > 2 * _KEPT:
            for old in account.algos[:_KEPT]:
                if not old.is_open:
                    self.algos.pop(old.algo_id, None)
                    if account.client_algos.get(old.client_id) is old:
                        del account.client_algos[old.client_id]
            account.algos[:_KEPT] = [old for old in account.algos[:_KEPT] if old.is_open]


def core_account(number: int, leg: Leg) -> int:
    """Return the account of a core that holds one position of an account."""
    return number * LEGS + leg


def _trim(rows: list[Any]) -> None:
    if len(rows) > 2 * _KEPT:
        del rows[:_KEPT]


def _nobody(_account: int, _event: UserEvent) -> None:
    return


def _nobody_trades(_trade: OwnTrade) -> None:
    return


def _nobody_liquidates(_order: OrderRecord) -> None:
    return
