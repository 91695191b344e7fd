"""What the cores say becomes records, money in the mirrors, and events on the user streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from chanflow.adapters.venues.emulator import user_events
from chanflow.adapters.venues.emulator.accounts import Account, Book
from chanflow.adapters.venues.emulator.admission import closes
from chanflow.adapters.venues.emulator.codes import MESSAGES
from chanflow.adapters.venues.emulator.floor import MS, Floor
from chanflow.adapters.venues.emulator.listing import Listing
from chanflow.adapters.venues.emulator.margin import open_notional
from chanflow.adapters.venues.emulator.records import (
    LEGS,
    AlgoRecord,
    Leg,
    OrderRecord,
    OwnTrade,
    PlaceOrder,
    TradeRecord,
)

_NANO: Final = 10**9
REDUCE_ONLY_REJECT: Final = "Reduce Only reject"


@dataclass(frozen=True, slots=True)
class _Said:
    """One event of a core, with whose it is."""

    floor: Floor
    listing: Listing
    account: Account
    leg: Leg
    name: str
    ns: int
    leaves: int
    fill: tuple[int, int, int, bool, int, int] | None
    reject: tuple[int, str] | None
    money: tuple[int, int, int] | None

    @property
    def symbol(self) -> str:
        return self.listing.rules.symbol

    @property
    def ms(self) -> int:
        return self.ns // MS

    @property
    def book(self) -> Book:
        return self.floor.book(self.account, self.symbol, self.leg)


def hear(floor: Floor, listing: Listing, events: Sequence[tuple[Any, ...]]) -> None:
    """Take what a core has said, in order."""
    for ns, _, core_account, name, kind, leaves, fill, reject, money in events:
        number, leg = divmod(core_account, LEGS)
        said = _Said(floor, listing, floor.accounts[number], Leg(leg), name, ns, leaves, fill, reject, money)
        word = _WORDS.get(kind)
        if word is not None:
            word(said)


def _order(said: _Said) -> OrderRecord | None:
    """Return the order that a core speaks of, also where it knows it by its conditional order."""
    found = said.floor.live.get(said.name)
    return found.order if isinstance(found, AlgoRecord) else found


def tell_order(
    floor: Floor,
    listing: Listing,
    account: Account,
    order: OrderRecord,
    execution: str,
    ns: int,
    *,
    trade: TradeRecord | None = None,
) -> None:
    """Tell an ORDER_TRADE_UPDATE."""
    rules = listing.rules
    bids, asks = open_notional(account, order.symbol, order.asked.leg, rules.atto_per_notional)
    body = user_events.order_update(rules, order, execution, ns // MS, trade=trade, bids=bids, asks=asks)
    floor.tell(account, body, ns, order.client_id)


def tell_algo(floor: Floor, listing: Listing, account: Account, algo: AlgoRecord, ns: int) -> None:
    """Tell an ALGO_UPDATE."""
    floor.tell(account, user_events.algo_update(listing.rules, algo, ns // MS), ns, algo.client_id)


def _accepted(said: _Said) -> None:
    found = said.floor.live.get(said.name)
    if found is None:
        return
    found.time_ms = found.update_ms = said.ms
    if isinstance(found, AlgoRecord):
        tell_algo(said.floor, said.listing, said.account, found, said.ns)
    else:
        tell_order(said.floor, said.listing, said.account, found, "NEW", said.ns)


def _filled(said: _Said) -> None:
    order = _order(said)
    if order is None or said.fill is None:
        return
    number, price, qty, is_maker, fee, realized = said.fill
    trade_id = said.listing.last_trade = said.listing.trade_offset + number
    account, book, rules = said.account, said.book, said.listing.rules
    book.trade(1 if order.asked.side == "BUY" else -1, price, qty, realized)
    book.pay(fee)
    book.update_ms = said.ms
    said.floor.read_isolated(account, book)
    order.filled += qty
    order.quote += price * qty
    order.update_ms = said.ms
    order.status = "FILLED" if order.leaves <= 0 else "PARTIALLY_FILLED"
    trade = TradeRecord(
        trade_id, order.order_id, order.client_id, account.number, said.symbol, said.leg, order.asked.side, price, qty,
        is_maker, fee * rules.atto_per_nano, realized * rules.atto_per_nano, said.ns,
    )  # fmt: skip
    account.trades.append(trade)
    _pay_trade(said, trade)
    if not order.is_open:
        said.floor.end_order(account, order)
    said.floor.tell(account, user_events.trade_lite(rules, order, trade, said.ms), said.ns, order.client_id)
    _tell_account(said, "ORDER", 0, with_position=True)
    execution = "CALCULATED" if order.asked.is_liquidation else "TRADE"
    tell_order(said.floor, said.listing, account, order, execution, said.ns, trade=trade)
    if not order.is_open:
        _finish_algo(said, order)
    if not is_maker:
        is_sell = order.asked.side == "SELL"
        said.floor.on_trade(OwnTrade(said.symbol, said.ns, price, qty, is_sell, trade_id, takes_from_book=True))


def _pay_trade(said: _Said, trade: TradeRecord) -> None:
    """Note what a trade did to the money."""
    pay, number = said.floor.pay, str(trade.trade_id)
    if trade.realized_atto:
        pay(said.account, said.symbol, "REALIZED_PNL", trade.realized_atto, said.ns, number, trade.trade_id)
    if trade.fee_atto:
        pay(said.account, said.symbol, "COMMISSION", -trade.fee_atto, said.ns, number, trade.trade_id)


def _tell_account(said: _Said, reason: str, change_atto: int, *, with_position: bool) -> None:
    books = [(said.book, said.listing.mark2)] if with_position else []
    body = user_events.account_update(said.account, reason, change_atto, books, said.ms)
    said.floor.tell(said.account, body, said.ns)


def _finish_algo(said: _Said, order: OrderRecord) -> None:
    """Tell that the order which a conditional one became has ended."""
    algo = said.floor.algos.get(order.algo_id)
    if algo is not None:
        algo.status, algo.update_ms = "FINISHED", said.ms
        tell_algo(said.floor, said.listing, said.account, algo, said.ns)


def _triggered(said: _Said) -> None:
    algo = said.floor.live.get(said.name)
    if not isinstance(algo, AlgoRecord) or not algo.is_open:
        return
    floor, account = said.floor, said.account
    algo.status, algo.trigger_ms, algo.update_ms = "TRIGGERING", said.ms, said.ms
    tell_algo(floor, said.listing, account, algo, said.ns)
    algo.status = "TRIGGERED"
    floor.end_algo(account, algo)
    held = said.book.position if algo.asked.side == "SELL" else -said.book.position
    if held > 0 or not closes(algo.asked):
        algo.order = _order_of(floor, algo, held, said.ms)
        tell_algo(floor, said.listing, account, algo, said.ns)
        tell_order(floor, said.listing, account, algo.order, "NEW", said.ns)


def _order_of(floor: Floor, algo: AlgoRecord, held: int, ms: int) -> OrderRecord:
    """Return the order that a conditional one becomes; one that closes a position is as large as it."""
    asked = algo.asked
    qty = held if asked.close_position else asked.qty
    order_id, floor.next_order = floor.next_order, floor.next_order + 1
    terms = replace(asked, qty=qty, kind="MARKET" if asked.kind.endswith("MARKET") else "LIMIT")
    order = OrderRecord(
        order_id, algo.account, terms, algo.client_id, asked.price, qty, ms, ms, algo.core_name, algo_id=algo.algo_id,
        orig_kind=asked.kind,
    )  # fmt: skip
    keep_order(floor, floor.accounts[algo.account], order)
    return order


def keep_order(floor: Floor, account: Account, order: OrderRecord) -> None:
    """Let an order be found by its ids; the core's name for it is taken up by its caller."""
    floor.orders[order.order_id] = order
    account.orders.append(order)
    account.client_orders[order.symbol, order.client_id] = order
    if order.is_open:
        account.open_orders[order.order_id] = order


def _amended(said: _Said) -> None:
    order = _order(said)
    if order is not None:
        order.update_ms = said.ms
        tell_order(said.floor, said.listing, said.account, order, "AMENDMENT", said.ns)


def _canceled(said: _Said) -> None:
    _ended(said, "CANCELED", "CANCELED")


def _expired(said: _Said) -> None:
    order = _order(said)
    waits = order is not None and order.asked.kind == "LIMIT" and order.asked.tif in ("GTC", "GTX")
    met_itself = waits and order is not None and not order.asked.reduce_only and not order.algo_id
    _ended(said, "EXPIRED", "EXPIRED_IN_MATCH" if met_itself else "EXPIRED")


def _ended(said: _Said, execution: str, status: str) -> None:
    found = said.floor.live.pop(said.name, None)
    if found is None:
        return
    found.update_ms = said.ms
    order = found.order if isinstance(found, AlgoRecord) else found
    if isinstance(found, AlgoRecord) and order is None:
        _end_waiting(said, found, status)
    if order is None or not order.is_open:
        return
    order.status, order.update_ms = status, said.ms
    said.floor.end_order(said.account, order)
    tell_order(said.floor, said.listing, said.account, order, execution, said.ns)
    _finish_algo(said, order)
    if order.algo_id and order.filled == 0:
        reason = _why_nothing(said, order)
        body = user_events.trigger_reject(said.symbol, order.order_id, reason, said.ms)
        said.floor.tell(said.account, body, said.ns, order.client_id)


def _end_waiting(said: _Said, algo: AlgoRecord, status: str) -> None:
    """End a conditional order that never became one of the book."""
    is_spent = algo.status == "TRIGGERED"
    algo.status = "REJECTED" if is_spent else "CANCELED" if status == "CANCELED" else "EXPIRED"
    algo.reason = REDUCE_ONLY_REJECT if status != "CANCELED" else ""
    said.floor.end_algo(said.account, algo)
    tell_algo(said.floor, said.listing, said.account, algo, said.ns)


def _why_nothing(said: _Said, order: OrderRecord) -> str:
    if order.asked.tif in ("FOK", "GTX") and order.asked.kind == "LIMIT":
        return MESSAGES[-5021 if order.asked.tif == "FOK" else -5022]
    return REDUCE_ONLY_REJECT if said.book.position == 0 else "Order was canceled"


def _refused(said: _Said) -> None:
    said.floor.refused[said.name] = said.reject or (-2010, "")
    said.floor.live.pop(said.name, None)


def _funded(said: _Said) -> None:
    amount = said.money[2] if said.money else 0
    book = said.book
    book.wallet += amount
    said.floor.read_isolated(said.account, book)
    atto = amount * said.listing.rules.atto_per_nano
    said.floor.pay(said.account, said.symbol, "FUNDING_FEE", atto, said.ns)
    _tell_account(said, "FUNDING_FEE", atto, with_position=said.symbol in said.account.isolated)


def _liquidated(said: _Said) -> None:
    if said.money is None:
        return
    price, qty, seized = said.money
    book, rules, account, floor = said.book, said.listing.rules, said.account, said.floor
    sign = -1 if book.position > 0 else 1
    realized = -book.cost - sign * price * qty * _NANO
    book.trade(sign, price, qty, realized)
    book.pay(seized)
    book.update_ms = said.ms
    floor.read_isolated(account, book)
    order = forced_order(floor, account, said.symbol, said.leg, sign, price, qty, f"autoclose-{said.ms}", said.ms)
    trade = TradeRecord(
        0, order.order_id, order.client_id, account.number, said.symbol, said.leg, order.asked.side, price, qty, False,
        seized * rules.atto_per_nano, realized * rules.atto_per_nano, said.ns,
    )  # fmt: skip
    account.trades.append(trade)
    if realized:
        floor.pay(account, said.symbol, "REALIZED_PNL", trade.realized_atto, said.ns)
    if seized:
        floor.pay(account, said.symbol, "INSURANCE_CLEAR", -trade.fee_atto, said.ns)
    tell_order(floor, said.listing, account, order, "CALCULATED", said.ns, trade=trade)
    _tell_account(said, "INSURANCE_CLEAR", -trade.fee_atto, with_position=True)
    floor.on_liquidation(order)


def forced_order(
    floor: Floor, account: Account, symbol: str, leg: Leg, sign: int, price: int, qty: int, client_id: str, ms: int
) -> OrderRecord:
    """Return the record of an order that the venue itself filled whole."""
    order_id, floor.next_order = floor.next_order, floor.next_order + 1
    asked = PlaceOrder(symbol, "BUY" if sign > 0 else "SELL", "LIMIT", qty, price, "IOC", leg, client_id=client_id)
    order = OrderRecord(
        order_id, account.number, asked, f"{client_id}{order_id}", price, qty, ms, ms, "", status="FILLED", filled=qty,
        quote=price * qty, is_forced=True,
    )  # fmt: skip
    keep_order(floor, account, order)
    return order


_WORDS: Final[Mapping[str, Callable[[_Said], None]]] = {
    "accepted": _accepted,
    "fill": _filled,
    "triggered": _triggered,
    "amended": _amended,
    "canceled": _canceled,
    "expired": _expired,
    "rejected": _refused,
    "amend_rejected": _refused,
    "cancel_rejected": _refused,
    "funding": _funded,
    "liquidated": _liquidated,
}
"""What a core says, and who hears it; what the insurance fund earned is nobody's."""
