"""The emulated exchange without its doors: accounts, orders and money over one simulator core a symbol.

Commands act at `now_ns`, at once: latency is the transport's. They return records or raise a Fault; everything they
bring about is told to `on_user_event` before they return.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from chanflow.adapters.venues.emulator import admission, settings, user_events
from chanflow.adapters.venues.emulator.accounts import Account, Book
from chanflow.adapters.venues.emulator.codes import Fault, as_told, fault
from chanflow.adapters.venues.emulator.floor import MS, Floor, core_account
from chanflow.adapters.venues.emulator.hearing import hear, keep_order
from chanflow.adapters.venues.emulator.listing import Listing
from chanflow.adapters.venues.emulator.margin import Standing, standing
from chanflow.adapters.venues.emulator.records import AlgoRecord, Leg, OrderRecord, PlaceOrder
from chanflow.adapters.venues.emulator.rules import ATTO, SymbolRules
from chanflow.adapters.venues.emulator.tape.steps import Ticks

_CORE_KINDS: Final = {
    "MARKET": "market", "LIMIT": "limit", "STOP": "stop_limit", "STOP_MARKET": "stop_market",
    "TAKE_PROFIT": "take_profit_limit", "TAKE_PROFIT_MARKET": "take_profit_market", "TRAILING_STOP_MARKET": "trailing",
}  # fmt: skip
_ALL_OF_IT: Final = 10**12
"""Steps of quantity with which an order closes whatever the position is."""
_CALL_AT: Final = Decimal("0.8")
"""A margin call is told when maintenance is more than this share of what stands behind it."""


class World(Floor):
    """All accounts and orders of the emulated exchange."""

    def __init__(
        self, rules: Mapping[str, SymbolRules], *, start_ns: int, balance: Decimal = Decimal(10_000), seed: int = 0
    ) -> None:
        super().__init__(rules, start_ns=start_ns, seed=seed)
        self.balance = balance
        self._home = next(iter(rules))

    # accounts

    def open_account(self, key: str, secret: str, *, balance: Decimal | None = None) -> Account:
        """Return a new account with a first deposit in quote units."""
        account = Account(len(self.accounts), key, secret)
        self.accounts.append(account)
        self.deposit(account, balance if balance is not None else self.balance, info="")
        return account

    def deposit(self, account: Account, amount: Decimal, *, info: str = "TRANSFER") -> None:
        """Pay into an account in quote units, or out of it with a negative amount; the first symbol's book has it."""
        book = self.book(account, self._home, Leg.BOTH)
        nano = int(amount * ATTO) // book.rules.atto_per_nano
        self.move(account, book, nano)
        if info:
            self.pay(account, "", "TRANSFER", nano * book.rules.atto_per_nano, self.now_ns, info)
            reason = "DEPOSIT" if amount >= 0 else "WITHDRAW"
            body = user_events.account_update(account, reason, nano * book.rules.atto_per_nano, [], self.now_ms)
            self.tell(account, body, self.now_ns)

    def move(self, account: Account, book: Book, nano: int) -> None:
        """Pay into the part of an account's money that is booked with one position."""
        self.listings[book.rules.symbol].core.deposit(core_account(account.number, book.leg), nano)
        book.wallet += nano

    def standing(self, account: Account) -> Standing:
        """Return an account's sums at the present marks."""
        return standing(account, self.listings)

    # time

    def take(self, ticks: Ticks) -> None:
        """Take market events, and hear what they did to our orders."""
        listing = self.listings[ticks.symbol]
        for account in self.accounts:
            if len(account.books) > 1:
                self._tell_elsewhere(account, ticks.symbol)
        hear(self, listing, listing.core.push_ticks(ticks.event_ns, ticks.kind, ticks.price, ticks.qty))
        if len(ticks.event_ns):
            self.now_ns = max(self.now_ns, int(ticks.event_ns[-1]))
        self._call_margins()

    def advance(self, now_ns: int) -> None:
        """Let time pass: orders expire, countdowns end."""
        for listing in self.listings.values():
            wake = listing.core.next_wake_ns
            if wake is not None and wake <= now_ns:
                hear(self, listing, listing.core.advance(now_ns))
        self.now_ns = max(self.now_ns, now_ns)
        for account in self.accounts:
            for symbol in [symbol for symbol, at_ns in account.countdowns.items() if at_ns <= now_ns]:
                del account.countdowns[symbol]
                self.cancel_all(account.number, symbol)

    # orders

    def place(self, account: int, asked: PlaceOrder) -> OrderRecord:
        """Place a limit or market order and return what became of it at once."""
        who, listing = self.accounts[account], self.listing(asked.symbol)
        book = self._admit(who, listing, asked)
        order_id, self.next_order = self.next_order, self.next_order + 1
        client_id = asked.client_id or f"auto{order_id}"
        order = OrderRecord(
            order_id, account, asked, client_id, asked.price, asked.qty, self.now_ms, self.now_ms, str(order_id)
        )
        self._tell_elsewhere(who, asked.symbol)
        self.live[order.core_name] = order
        keep_order(self, who, order)
        try:
            self._send(listing, order.core_name, book, asked, asked.qty)
        except BaseException:
            self._forget_order(who, order)
            raise
        return order

    def check(self, account: int, asked: PlaceOrder) -> None:
        """Judge an order as `place` would, as far as the order and the account go, and do nothing."""
        self._admit(self.accounts[account], self.listing(asked.symbol), asked)

    def place_algo(self, account: int, asked: PlaceOrder) -> AlgoRecord:
        """Place a conditional order and return its record."""
        who, listing = self.accounts[account], self.listing(asked.symbol)
        admission.check_leg(who, asked.leg)
        admission.check_terms(listing.rules, asked, listing.mark2)
        self._check_algo_id(who, asked.client_id)
        admission.check_algo_room(who, listing.rules)
        book = self.book(who, asked.symbol, asked.leg)
        algo_id, self.next_algo = self.next_algo, self.next_algo + 1
        client_id = asked.client_id or f"auto{algo_id}"
        algo = AlgoRecord(algo_id, account, asked, client_id, self.now_ms, self.now_ms, f"a{algo_id}")
        self.live[algo.core_name] = self.algos[algo_id] = algo
        who.open_algos[algo_id] = algo
        before = who.client_algos.get(client_id)
        who.client_algos[client_id] = algo
        qty = listing.rules.step * _ALL_OF_IT if asked.close_position else asked.qty
        try:
            self._send(listing, algo.core_name, book, asked, qty)
        except BaseException:
            self.live.pop(algo.core_name, None)
            del self.algos[algo_id], who.open_algos[algo_id]
            _restore(who.client_algos, client_id, before)
            raise
        who.algos.append(algo)
        return algo

    def place_again(self, account: Account, order: OrderRecord) -> None:
        """Let an order of a life before this one wait anew; one that its core refuses expires."""
        book = self.book(account, order.symbol, order.asked.leg)
        self._again(account, order, book, replace(order.asked, price=order.price), order.leaves)

    def arm_again(self, account: Account, algo: AlgoRecord) -> None:
        """Let a conditional order of a life before this one wait anew; one that its core refuses expires."""
        listing, asked = self.listings[algo.symbol], algo.asked
        qty = listing.rules.step * _ALL_OF_IT if asked.close_position else asked.qty
        self._again(account, algo, self.book(account, algo.symbol, asked.leg), asked, qty)

    def _again(
        self, account: Account, record: OrderRecord | AlgoRecord, book: Book, asked: PlaceOrder, qty: int
    ) -> None:
        self.live[record.core_name] = record
        try:
            self._send(self.listings[record.symbol], record.core_name, book, asked, qty)
        except Fault:
            record.status = "EXPIRED"
            self.live.pop(record.core_name, None)
            if isinstance(record, AlgoRecord):
                self.end_algo(account, record)
            else:
                self.end_order(account, record)

    def last_trades(self) -> dict[str, int]:
        """Return the number of each symbol's last fill."""
        return {symbol: listing.last_trade for symbol, listing in self.listings.items()}

    def count_trades_from(self, numbers: Mapping[str, int]) -> None:
        """Number each symbol's fills from here on."""
        for symbol, listing in self.listings.items():
            listing.trade_offset = listing.last_trade = numbers.get(symbol, 0)

    def find(self, account: int, symbol: str, order_id: int | None, client_id: str | None) -> OrderRecord | None:
        """Return an account's order by either id, None where there is none."""
        if order_id is not None:
            found = self.orders.get(order_id)
        else:
            found = self.accounts[account].client_orders.get((symbol, client_id or ""))
        return found if found is not None and found.account == account and found.symbol == symbol else None

    def find_algo(self, account: int, algo_id: int | None, client_id: str | None) -> AlgoRecord | None:
        """Return an account's conditional order by either id, None where there is none."""
        if algo_id is not None:
            found = self.algos.get(algo_id)
        else:
            found = self.accounts[account].client_algos.get(client_id or "")
        return found if found is not None and found.account == account else None

    def cancel(self, account: int, symbol: str, order_id: int | None, client_id: str | None) -> OrderRecord:
        """Cancel an open order and return it; a Fault -2011 where there is none."""
        listing, order = self.listing(symbol), self.find(account, symbol, order_id, client_id)
        if order is None or not order.is_open:
            raise fault(-2011)
        self._cancel(listing, self.accounts[account], order)
        return order

    def cancel_algo(self, account: int, algo_id: int | None, client_id: str | None) -> AlgoRecord:
        """Cancel a waiting conditional order and return it; a Fault -2011 where there is none."""
        algo = self.find_algo(account, algo_id, client_id)
        if algo is None or not algo.is_open:
            raise fault(-2011)
        self._cancel(self.listings[algo.symbol], self.accounts[account], algo)
        return algo

    def cancel_all(self, account: int, symbol: str) -> int:
        """Cancel all open orders of a symbol and return how many there were; conditional ones stay."""
        listing, who = self.listing(symbol), self.accounts[account]
        orders = list(who.orders_of(symbol))
        for order in orders:
            if order.is_open:
                self._cancel(listing, who, order)
        return len(orders)

    def cancel_all_algos(self, account: int, symbol: str) -> int:
        """Cancel all waiting conditional orders of a symbol and return how many there were."""
        listing, who = self.listing(symbol), self.accounts[account]
        algos = list(who.algos_of(symbol))
        for algo in algos:
            if algo.is_open:
                self._cancel(listing, who, algo)
        return len(algos)

    def amend(self, account: int, order: OrderRecord, *, price: int, qty: int) -> OrderRecord:
        """Change an open limit order's price and whole quantity, and return it."""
        listing, who = self.listing(order.symbol), self.accounts[account]
        if not order.is_open:
            raise fault(-2013)
        admission.check_qty(listing.rules, qty, is_market=False)
        admission.check_price(listing.rules, order.asked.side, price, listing.mark2)
        if (price, qty) == (order.price, order.qty):
            raise fault(-5027)
        self._tell_elsewhere(who, order.symbol)
        was = order.price, order.qty
        try:
            admission.check_amended(who, order, self.listings, price=price, qty=qty)
        except Fault:
            order.price, order.qty = was
            raise
        name = core_account(account, order.asked.leg)
        refusal = listing.core.amend(self.now_ns, name, order.core_name, price=price, qty=qty)
        if refusal is None:
            self._let_arrive(listing)
            refusal = self.refused.pop(order.core_name, None)
        if refusal is not None:
            order.price, order.qty = was
            self.live[order.core_name] = order
            raise as_told(*refusal)
        order.amendments += 1
        return order

    # settings of accounts: see settings.py

    def set_leverage(self, account: int, symbol: str, leverage: int) -> None:
        """Set the leverage of a symbol."""
        settings.set_leverage(self, self.accounts[account], symbol, leverage)

    def set_margin_type(self, account: int, symbol: str, *, isolated: bool) -> None:
        """Set what stands behind the positions of a symbol."""
        settings.set_margin_type(self, self.accounts[account], symbol, isolated=isolated)

    def imbalance(self) -> dict[str, tuple[int, int]]:
        """Return what is missing from the books of each symbol's core: (0, 0) always."""
        return {symbol: listing.core.imbalance() for symbol, listing in self.listings.items()}

    # inside

    def _admit(self, who: Account, listing: Listing, asked: PlaceOrder) -> Book:
        """Judge an order by all that stands in the rules and the account, and return its position's mirror."""
        admission.check_leg(who, asked.leg)
        self._check_id(who, asked)
        admission.check_terms(listing.rules, asked, listing.mark2)
        book = self.book(who, asked.symbol, asked.leg)
        price2 = 2 * asked.price if asked.kind == "LIMIT" else listing.mark2
        if price2 is None:
            raise fault(-2010)
        admission.check_notional(listing.rules, asked, price2)
        admission.check_room(who, listing.rules)
        if admission.closes(asked):
            admission.check_reducing(who, book, asked)
        else:
            admission.check_margin(who, book, self.listings, asked, price2)
        return book

    def _check_id(self, who: Account, asked: PlaceOrder) -> None:
        if asked.client_id:
            admission.check_client_id(asked.client_id)
            same = who.client_orders.get((asked.symbol, asked.client_id))
            if same is not None and same.is_open:
                raise fault(-4116)

    def _check_algo_id(self, who: Account, client_id: str) -> None:
        if client_id:
            admission.check_client_id(client_id)
            same = who.client_algos.get(client_id)
            if same is not None and same.is_open:
                raise fault(-4116)

    def _send(self, listing: Listing, name: str, book: Book, asked: PlaceOrder, qty: int) -> None:
        """Send an order to its core and hear what comes of it; raise what it refuses."""
        account = core_account(self.live[name].account, book.leg)
        is_limit = not asked.kind.endswith("MARKET")
        terms: dict[str, Any] = {}
        if asked.kind == "TRAILING_STOP_MARKET":
            terms = {"callback_bps": asked.callback_bps, "activation": asked.activation or None}
        elif asked.kind not in ("LIMIT", "MARKET"):
            terms = {"trigger": asked.trigger}
        if is_limit:
            tif = asked.tif.lower() if asked.tif != "GTE_GTC" else "gtc"
            terms |= {"price": asked.price, "tif": tif}
            if asked.tif == "GTD":
                terms["until_ns"] = asked.gtd_ms * MS
        refusal = listing.core.submit(
            self.now_ns, account, name, "buy" if asked.side == "BUY" else "sell",
            _CORE_KINDS[asked.kind], qty,  # type: ignore[arg-type]
            reduce_only=admission.closes(asked),
            trigger_on="mark" if asked.working_type == "MARK_PRICE" else "last",
            self_trade="expire_maker" if asked.self_trade == "NONE" else asked.self_trade.lower(),  # type: ignore[arg-type]
            **terms,
        )  # fmt: skip
        if refusal is None:
            self._let_arrive(listing)
            refusal = self.refused.pop(name, None)
        if refusal is not None:
            raise as_told(*refusal)

    def _let_arrive(self, listing: Listing) -> None:
        wake = listing.core.next_wake_ns
        if wake is not None:
            hear(self, listing, listing.core.advance(wake))

    def _cancel(self, listing: Listing, who: Account, record: OrderRecord | AlgoRecord) -> None:
        refusal = listing.core.cancel(self.now_ns, core_account(who.number, record.asked.leg), record.core_name)
        if refusal is None:
            self._let_arrive(listing)
            refusal = self.refused.pop(record.core_name, None)
        if refusal is not None:
            raise as_told(*refusal)

    def _forget_order(self, who: Account, order: OrderRecord) -> None:
        """A refused order leaves no trace."""
        self.live.pop(order.core_name, None)
        self.orders.pop(order.order_id, None)
        who.open_orders.pop(order.order_id, None)
        if who.orders and who.orders[-1] is order:
            who.orders.pop()
        if who.client_orders.get((order.symbol, order.client_id)) is order:
            del who.client_orders[order.symbol, order.client_id]

    def _tell_elsewhere(self, who: Account, symbol: str) -> None:
        """Tell a symbol's core what a cross account has and needs beside each of its positions there."""
        if len(who.books) < 2:
            return
        now = standing(who, self.listings)
        equity = now.cross_wallet + now.cross_unrealized
        for (name, leg), book in who.books.items():
            if name != symbol:
                continue
            own = now.books[name, leg]
            is_cross = name not in who.isolated
            unrealized, needs = (own.unrealized, own.maintenance) if is_cross else (0, 0)
            per_nano = book.rules.atto_per_nano
            beside = equity - (book.wallet_atto - book.isolated_atto) - unrealized
            self.listings[name].core.set_elsewhere(
                core_account(who.number, leg), beside // per_nano, (now.cross_maintenance - needs) // per_nano
            )

    def _call_margins(self) -> None:
        """Call the margin of accounts whose maintenance comes near what stands behind it, once until it is better."""
        for account in self.accounts:
            if not any(book.position for book in account.books.values()):
                account.is_called = False
                continue
            now = standing(account, self.listings)
            behind = now.cross_wallet + now.cross_unrealized
            is_near = now.cross_maintenance > 0 and now.cross_maintenance > _CALL_AT * behind
            if is_near and not account.is_called:
                rows = [
                    (book, self.listings[symbol].mark2, now.books[symbol, leg].maintenance)
                    for (symbol, leg), book in account.books.items()
                    if book.position
                ]
                self.tell(account, user_events.margin_call(account, now.cross_wallet, rows, self.now_ms), self.now_ns)
            account.is_called = is_near


def _restore(rows: dict[str, AlgoRecord], key: str, before: AlgoRecord | None) -> None:
    if before is None:
        rows.pop(key, None)
    else:
        rows[key] = before
