"""Hyperliquid's trading over the world: orders with exits, modifications, cancels, and what the world tells of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from chanflow.adapters.venues.emulator.codes import Fault
from chanflow.adapters.venues.emulator.hyperliquid import refusals
from chanflow.adapters.venues.emulator.hyperliquid.coins import Coin, coins_of, trimmed
from chanflow.adapters.venues.emulator.hyperliquid.orders import ROLL_PREFIX, HyperOrder, Roll, fill_row
from chanflow.adapters.venues.emulator.hyperliquid.refusals import order_refusal
from chanflow.adapters.venues.emulator.hyperliquid.wallets import Wallets
from chanflow.adapters.venues.emulator.market import MarketState
from chanflow.adapters.venues.emulator.records import AlgoRecord, Leg, OrderRecord, PlaceOrder, UserEvent
from chanflow.adapters.venues.emulator.rules import money, whole_units
from chanflow.adapters.venues.emulator.world import World

MIN_NOTIONAL: Final = 10
_TIFS: Final = {"Gtc": "GTC", "Ioc": "IOC", "Alo": "GTX"}
_KEPT: Final = 10_000
"""Fills of an account that may be asked for."""

Tell = Callable[[str, int, list[dict[str, Any]]], None]
"""Told of a channel (`orderUpdates`, `fills`, `fundings`), whose it is, and its rows."""


@dataclass(slots=True)
class _Told:
    """What an account has been told of fills and payments."""

    fills: list[dict[str, Any]] = field(default_factory=list)
    fundings: list[dict[str, Any]] = field(default_factory=list)
    volume_atto: int = 0
    requests: int = 0


class Trading:
    """All orders that came through this door. `hear` must be told of each user event of the world."""

    def __init__(
        self, world: World, markets: Mapping[str, MarketState], wallets: Wallets, *, tell: Tell
    ) -> None:  # fmt: skip
        self.world = world
        self.markets = markets
        self.wallets = wallets
        self.roll = Roll()
        most = {name: listing.max_leverage for name, listing in world.listings.items()}
        self.coins = coins_of({name: listing.rules for name, listing in world.listings.items()}, most)
        self._by_symbol = {coin.symbol: coin for coin in self.coins}
        self._told: dict[int, _Told] = {}
        self._tell = tell
        self._placing: HyperOrder | None = None
        self._refused: dict[int, str] = {}
        for account in world.accounts:
            for order in account.open_orders.values():
                self._adopt(order)
            for algo in account.open_algos.values():
                self._adopt(algo)

    def _adopt(self, record: OrderRecord | AlgoRecord) -> None:
        """Know an order of this door that the world kept over a restart; its cloid is not kept."""
        number = record.client_id.removeprefix(ROLL_PREFIX)
        if not record.client_id.startswith(ROLL_PREFIX) or not number.isdigit():
            return
        asked = record.asked
        is_waiting = isinstance(record, AlgoRecord)
        order = HyperOrder(
            int(number), record.account, self._by_symbol[asked.symbol], asked.side == "BUY",
            asked.price or asked.trigger, asked.qty, asked.reduce_only or asked.close_position, record.time_ms,
            None if is_waiting else {"GTX": "Alo"}.get(asked.tif, "Gtc"), None, asked.trigger or None,
            asked.kind.endswith("MARKET"), ("sl" if asked.kind.startswith("STOP") else "tp") if is_waiting else "",
            asked.close_position, status_ms=record.update_ms,
            filled=0 if isinstance(record, AlgoRecord) else record.filled,
            quote=0 if isinstance(record, AlgoRecord) else record.quote,
        )  # fmt: skip
        self.roll.keep(order)

    def told(self, account: int) -> _Told:
        """Return an account's fills, payments and counts."""
        return self._told.setdefault(account, _Told())

    # ── orders ────────────────────────────────────────────────────────────────

    def place(self, order: HyperOrder) -> dict[str, Any] | str:
        """Place an order in the world and return its status as an answer has it."""
        self.roll.keep(order)
        error, word = self._terms_error(order) or self._send(order) or ("", "")
        if not error and order.tif == "Ioc" and order.filled == 0:
            error, word = refusals.IOC, "iocCancelRejected"
        if error:
            self._say(order, word)
            self._end_exits(order)
            return {"error": f"{error} asset={order.coin.index}"}
        told: dict[str, Any] = {"oid": order.oid}
        if order.cloid is not None:
            told["cloid"] = order.cloid
        if order.filled:
            average = trimmed(order.coin.rules.average_text(order.quote, order.filled))
            return {"filled": {"totalSz": order.coin.size_text(order.filled), "avgPx": average, **told}}
        return {"resting": told}

    def place_with_exits(self, entry: HyperOrder, exits: Sequence[HyperOrder]) -> list[dict[str, Any] | str]:
        """Place an entry whose exits wait until it has filled whole."""
        entry.exits = list(exits)
        for each in exits:
            each.entry, each.waits = entry, True
            self.roll.keep(each)
        first = self.place(entry)
        if isinstance(first, dict) and "error" in first:
            return [first, *(first for _ in exits)]
        return [first, *(self._status_of_exit(each) for each in exits)]

    def _status_of_exit(self, order: HyperOrder) -> dict[str, Any] | str:
        """Return what an answer says of an exit; that one ended with its entry is told by the stream alone."""
        if order.oid in self._refused:
            return {"error": f"{self._refused.pop(order.oid)} asset={order.coin.index}"}
        return "waitingForTrigger" if order.is_open and not order.waits else "waitingForFill"

    def _terms_error(self, order: HyperOrder) -> tuple[str, str] | None:
        """Return what is wrong with an order by its terms alone."""
        if order.size <= 0 and not order.whole_position:
            return refusals.ZERO, "rejected"
        coin = order.coin
        worth = order.size * order.price
        opens = order.trigger is None and not order.reduce_only
        if opens and worth < MIN_NOTIONAL * 10**coin.rules.notional_decimals:
            return refusals.NOTIONAL, "minTradeNtlRejected"
        return None

    def _send(self, order: HyperOrder) -> tuple[str, str] | None:
        """Let the world have an order; returns its refusal in Hyperliquid's words."""
        asked = PlaceOrder(
            order.coin.symbol, "BUY" if order.is_buy else "SELL", self._kind(order), order.size,
            order.price if order.trigger is None or not order.is_market else 0, _TIFS.get(order.tif or "Gtc", "GTC"),
            reduce_only=order.reduce_only and not order.whole_position, client_id=order.world_id,
            trigger=order.trigger or 0, working_type="MARK_PRICE", close_position=order.whole_position,
        )  # fmt: skip
        self._placing = order
        try:
            if order.trigger is None:
                self.world.place(order.account, asked)
            else:
                self.world.place_algo(order.account, asked)
        except Fault as fault:
            if fault.code == refusals.POST_ONLY:
                quoted = f"{self._best(order.coin, 0)}@{self._best(order.coin, 1)}"
                text = f"Post only order would have immediately matched, bbo was {quoted}."
                return text, "badAloPxRejected"
            return order_refusal(fault)
        finally:
            self._placing = None
        return None

    def _kind(self, order: HyperOrder) -> str:
        if order.trigger is None:
            return "LIMIT"
        kind = "STOP" if order.tpsl == "sl" else "TAKE_PROFIT"
        return f"{kind}_MARKET" if order.is_market else kind

    def _best(self, coin: Coin, side: int) -> str:
        best = self.markets[coin.symbol].book.best(side)
        return "" if best is None else coin.price_text(best[0])

    def cancel(self, order: HyperOrder | None, word: str = "canceled") -> str | None:
        """Cancel an order; returns None, or what is wrong. `word` is how its end is called."""
        if order is None or not order.is_open:
            return refusals.GONE
        if order.waits:
            order.waits = False
            self._say(order, word)
            return None
        order.ending = word
        try:
            if order.trigger is not None and order.status == "open":
                self.world.cancel_algo(order.account, None, order.world_id)
            else:
                self.world.cancel(order.account, order.coin.symbol, None, order.world_id)
        except Fault:
            order.ending = ""
            return refusals.GONE
        return None

    def replace(self, before: HyperOrder | None, after: HyperOrder) -> dict[str, Any] | str:
        """Put an order in another's place, under a new number: the new one is told of before the end of the old."""
        if before is None or not before.is_open or before.waits:
            return {"error": refusals.UNMODIFIED}
        wrong = self._terms_error(after)
        if wrong is not None:
            return {"error": f"{wrong[0]} asset={after.coin.index}"}
        held: list[tuple[str, int, list[dict[str, Any]]]] = []
        tell, self._tell = self._tell, lambda *row: held.append(row)
        try:
            gone = self.cancel(before)
        finally:
            self._tell = tell
        if gone is not None:
            return {"error": refusals.UNMODIFIED}
        after.exits, before.exits = before.exits, []
        for each in after.exits:
            each.entry = after
        told = self.place(after)
        for row in held:
            self._tell(*row)
        if isinstance(told, dict) and "error" in told:
            return {"error": f"Error placing new order during modify: {told['error']}"}
        return told

    def cancel_everything(self, account: int, word: str) -> None:
        """Cancel all that an account has, stops too."""
        for order in list(self.roll.living(account)):
            self.cancel(order, word)

    # ── what the world tells ──────────────────────────────────────────────────

    def hear(self, number: int, event: UserEvent) -> None:
        """Take one event of the world's user streams."""
        if event.name == "ORDER_TRADE_UPDATE":
            self._hear_order(number, event)
        elif event.name == "ALGO_UPDATE":
            self._hear_algo(event)
        elif event.name == "ACCOUNT_UPDATE" and event.payload["a"]["m"] == "FUNDING_FEE":
            self._hear_funding(number, event)

    def _hear_order(self, number: int, event: UserEvent) -> None:
        told = event.payload["o"]
        order = self.roll.of_world(told["c"])
        if told["x"] in ("TRADE", "CALCULATED"):
            self._hear_fill(number, order, told)
        elif order is None:
            return
        elif told["x"] == "NEW" and order.trigger is None and order.tif != "Ioc":
            self._say(order, "open")
        elif told["x"] == "CANCELED":
            self._ended(order, order.ending or "canceled")
        elif told["x"] == "EXPIRED":
            self._ended(order, _why_expired(order, told))

    def _hear_fill(self, number: int, order: HyperOrder | None, told: Mapping[str, Any]) -> None:
        coin = self._by_symbol[told["s"]]
        mine = self.told(number)
        lots, price = whole_units(told["l"], coin.rules.qty_decimals), whole_units(told["L"], coin.rules.price_decimals)
        lots, price = lots or 0, price or 0
        book = self.world.accounts[number].books[coin.symbol, Leg.BOTH]
        before = book.position - (lots if told["S"] == "BUY" else -lots)
        user = self.wallets.address(number)
        tx_hash = "0x" + hashlib.sha256(f"{coin.symbol}|{told['t']}|{told['i']}".encode()).hexdigest()
        row = fill_row(order, coin, told, before=before, ms=told["T"], tx_hash=tx_hash, user=user)
        mine.fills.append(row)
        del mine.fills[:-_KEPT]
        mine.volume_atto += lots * price * coin.rules.atto_per_notional
        if order is not None:
            order.filled += lots
            order.quote += lots * price
        self._tell("fills", number, [row])
        if order is not None and told["X"] == "FILLED":
            self._say(order, "filled")
            self._after_fill(order)
        if book.position == 0:
            self._end_reducing(number, coin)

    def _after_fill(self, order: HyperOrder) -> None:
        """Place the exits of an entry that has filled whole, and end the sibling of an exit."""
        for each in order.exits:
            if each.waits:
                each.waits = False
                self._arm(each)
        for sibling in order.entry.exits if order.entry is not None else ():
            if sibling is not order and sibling.is_open:
                self.cancel(sibling, "siblingFilledCanceled")

    def _end_reducing(self, number: int, coin: Coin) -> None:
        """End what could only reduce a position that is gone."""
        for order in list(self.roll.living(number)):
            if order.coin == coin and order.reduce_only and not order.waits:
                self.cancel(order, "reduceOnlyCanceled")

    def _arm(self, order: HyperOrder) -> None:
        placing = self._placing
        refused = self._send(order)
        self._placing = placing
        if refused is not None:
            self._refused[order.oid] = refused[0]
            self._say(order, refused[1])

    def _hear_algo(self, event: UserEvent) -> None:
        told = event.payload["o"]
        order = self.roll.of_world(told["caid"])
        if order is None:
            return
        if told["X"] == "NEW":
            self._say(order, "open")
        elif told["X"] == "TRIGGERED":
            self._say(order, "triggered")
        elif told["X"] == "CANCELED":
            self._ended(order, order.ending or "canceled")
        elif told["X"] in ("EXPIRED", "REJECTED"):
            self._ended(order, order.ending or "reduceOnlyCanceled")

    def _hear_funding(self, number: int, event: UserEvent) -> None:
        paid = self.world.accounts[number].incomes[-1]
        coin = self._by_symbol.get(paid.symbol)
        if coin is None or paid.kind != "FUNDING_FEE":
            return
        settled = self.markets[coin.symbol].funding
        book = self.world.accounts[number].books[coin.symbol, Leg.BOTH]
        row = {
            "time": event.event_ns // 1_000_000, "coin": coin.name, "usdc": trimmed(money(paid.amount_atto)),
            "szi": coin.size_text(book.position), "nSamples": None,
            "fundingRate": trimmed(f"{(settled[-1].rate_ppb if settled else 0) / 1e9:.9f}"),
        }  # fmt: skip
        self.told(number).fundings.append(row)
        self._tell("fundings", number, [row])

    # ── inside ────────────────────────────────────────────────────────────────

    def _ended(self, order: HyperOrder, word: str) -> None:
        if not order.is_open:
            return
        if self._placing is order and order.tif == "Ioc" and order.filled == 0:
            # The answer says it, and its status with it.
            return
        self._say(order, word)
        self._end_exits(order)

    def _end_exits(self, order: HyperOrder) -> None:
        """End the exits that waited for an entry which will not fill whole."""
        for each in order.exits:
            if each.waits:
                each.waits = False
                self._say(each, order.status if order.status.endswith("Rejected") else "canceled")

    def _say(self, order: HyperOrder, word: str) -> None:
        order.status, order.status_ms = word, self.world.now_ms
        self._tell("orderUpdates", order.account, [order.update()])


def _why_expired(order: HyperOrder, told: Mapping[str, Any]) -> str:
    if told["X"] == "EXPIRED_IN_MATCH":
        return "selfTradeCanceled"
    if order.tif == "Ioc":
        return "canceled"
    return "reduceOnlyCanceled" if order.reduce_only else "canceled"
