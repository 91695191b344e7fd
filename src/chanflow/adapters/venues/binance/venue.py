"""Binance USD-M behind the venue port.

Plain orders live at `/fapi/v1/order`, conditional ones at `/fapi/v1/algoOrder`; which of the two an id belongs to is
remembered, and asked of both where it is not. Every command carries our client id. The account has to be in one-way
mode. Leverage and margin type are set before the first opening on a symbol leaves.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any, Final, Literal

from chanflow.adapters.transport.allowance import Allowance, Urgency
from chanflow.adapters.transport.ccxt_door import CcxtDoor
from chanflow.adapters.transport.hearing import Hearing, within
from chanflow.adapters.transport.private_socket import PrivateSocket
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.transport.venue_rest import VenueRest, every
from chanflow.adapters.venues.binance.addresses import Addresses, ccxt_urls
from chanflow.adapters.venues.binance.events import Heard, Reader
from chanflow.adapters.venues.binance.fills import PAGE, FillBook, quote_of
from chanflow.adapters.venues.binance.requests import (
    ALGO_ORDER,
    CAPABILITIES,
    ORDER,
    Terms,
    algo_params,
    amend_params,
    order_params,
    unfit,
)
from chanflow.adapters.venues.binance.rest import DIALECT, LIMITS, RECEIVE_WINDOW_MS
from chanflow.adapters.venues.binance.rest_words import (
    Conditional,
    balances,
    conditional,
    fees,
    funding,
    instrument,
    limits,
    order_state,
    positions,
    rows_of,
    traded_symbols,
)
from chanflow.adapters.venues.binance.user_stream import KEEP_ALIVE_S, UserStream
from chanflow.domain.errors import InvalidArgument, OrderFateUnknown, VenueBusy, VenueRejected, VenueUnreachable
from chanflow.domain.instrument import Instrument
from chanflow.domain.order import Fill, OrderState
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.execution.ports import (
    Accepted,
    Action,
    Capabilities,
    ClockSample,
    FillCursor,
    NotFound,
    OrderChange,
    OrderRef,
    Outcome,
    Unknown,
    VenueBalance,
    VenueEvent,
    VenueFunding,
    VenueOrder,
    VenueOrderState,
    VenuePosition,
    VenueRefused,
)
from chanflow.market.ports import Connector

RULES_TTL_S: Final = 300
CLOCK_EVERY_S: Final = 600
OPEN_WITHIN_S: Final = 15
_REMEMBERED: Final = 50_000
_LOCAL: Final = -1_100
"""Binance's own code for an illegal parameter: what we refuse ourselves has the same meaning."""

MarginType = Literal["cross", "isolated"]
_MARGIN_WORDS: Final[Mapping[MarginType, str]] = {"cross": "CROSSED", "isolated": "ISOLATED"}


class BinanceVenue:
    """One account at Binance USD-M. `open` before anything else, `close` at the end.

    `symbols` are those whose rules, fills and dead-man switch are asked for. The account's quote asset is theirs.
    """

    name = "binance"

    def __init__(
        self,
        *,
        symbols: Sequence[str],
        keys: VenueKeys,
        addresses: Addresses,
        sandbox: bool,
        clock: Clock,
        connector: Connector,
        random: Random,
        margin_type: MarginType = "isolated",
    ) -> None:
        if not symbols:
            raise InvalidArgument("no symbol is named for Binance: name at least one", field="symbols")
        self._symbols, self._clock, self._margin_type = tuple(symbols), clock, margin_type
        options = {"recvWindow": RECEIVE_WINDOW_MS, "disableFuturesSandboxWarning": True}
        door = CcxtDoor("binanceusdm", keys, clock, options=options, urls=ccxt_urls(addresses), sandbox=sandbox)
        self._rest = VenueRest(door, Allowance(clock, LIMITS), clock, DIALECT)
        self._reader = Reader()
        self._book = FillBook(self.name, self._rest, clock)
        self._stream = UserStream(self._rest, self._reader, addresses.stream, clock, self._hear)
        self._socket = PrivateSocket(self._stream, connector, clock, random)
        self._kinds: OrderedDict[str, str] = OrderedDict()
        self._terms: OrderedDict[str, Terms] = OrderedDict()
        self._leverage: dict[str, int] = {}
        self._margin_set: set[str] = set()
        self._rules: tuple[int, Mapping[str, Instrument]] | None = None
        self._hearing = Hearing()

    @property
    def capabilities(self) -> Capabilities:
        """What it offers."""
        return CAPABILITIES

    @property
    def allowance(self) -> Allowance:
        """What the limits still leave."""
        return self._rest.allowance

    @property
    def hearing(self) -> bool:
        """Whether the user stream is connected now."""
        return self._stream.connected.is_set()

    # ── opening and closing ───────────────────────────────────────────────────

    async def open(self, *, until_heard: bool = True) -> None:
        """Set the clock, read the rules, see that the account is set up as needed, and begin to listen.

        With `until_heard` it returns once the user stream is open. A desk that may hold positions does not wait for it:
        what it would tell can be asked for, and they want their stops. Raises VenueUnreachable where the venue does not
        answer, VenueRejected where keys or position mode are wrong.
        """
        if not await self._rest.sync():
            raise VenueUnreachable("Binance does not tell its time: is it reachable from here?")
        mode = await self._rest.question("positionSide/dual", {}, weight=30, urgency=Urgency.PROTECT)
        if isinstance(mode, VenueRefused):
            raise VenueRejected(f"Binance refuses these keys with {mode.code}: {mode.message}")
        if not isinstance(mode, dict) or mode.get("dualSidePosition") is not False:
            raise VenueRejected("the account is in hedge mode: set its position mode to one-way at Binance, then start")
        await self.rules()
        self._hearing.run(
            self._socket.run(),
            every(CLOCK_EVERY_S, self._clock, self._rest.sync),
            every(KEEP_ALIVE_S, self._clock, self._keep_alive),
        )
        if until_heard and not await within(self._stream.connected.wait(), OPEN_WITHIN_S, self._clock):
            await self.close()
            raise VenueUnreachable(f"Binance's user stream did not open within {OPEN_WITHIN_S} s")

    async def close(self) -> None:
        """Stop listening and give the connections back. Orders stay as they are."""
        await self._hearing.close()
        await self._rest.close()

    async def _keep_alive(self) -> None:
        if not await self._stream.keep_alive():
            self._socket.renew("the listen key is gone")

    # ── commands ──────────────────────────────────────────────────────────────

    async def submit(self, order: VenueOrder) -> Outcome:
        """Send one order, after the symbol's leverage and margin type where it opens."""
        why = unfit(order)
        if why is not None:
            return VenueRefused(_LOCAL, f"not sent: {why}", Action.FIX_RULES)
        if not order.reduce_only:
            refusal = await self._prepare(order)
            if refusal is not None:
                return refusal
        return await self._place(order)

    async def _place(self, order: VenueOrder) -> Outcome:
        client_id, path = order.client_order_id, ORDER if order.conditional is None else ALGO_ORDER
        params = order_params(order) if order.conditional is None else algo_params(order)
        self._remember(client_id, path, Terms(order.side, order.qty_base, order.limit_price))
        urgency = Urgency.PROTECT if order.reduce_only else Urgency.OPEN
        outcome, body = await self._rest.command("POST", path, params, urgency=urgency, orders=1, weight=1)
        if isinstance(outcome, Accepted) and isinstance(body, dict) and "orderId" in body:
            self._book.name(order.symbol, str(body["orderId"]), client_id)
        return outcome

    async def _prepare(self, order: VenueOrder) -> VenueRefused | None:
        """Set margin type and leverage where they are not yet; returns why the order must not be sent, or None."""
        symbol = order.symbol
        if symbol not in self._margin_set:
            words = {"symbol": symbol, "marginType": _MARGIN_WORDS[self._margin_type]}
            refusal = await self._setting("marginType", words, f"margin type {self._margin_type} of {symbol}")
            if refusal is not None:
                return refusal
            self._margin_set.add(symbol)
        if order.leverage is None or self._leverage.get(symbol) == order.leverage:
            return None
        words = {"symbol": symbol, "leverage": str(order.leverage)}
        refusal = await self._setting("leverage", words, f"leverage {order.leverage} of {symbol}")
        if refusal is None:
            self._leverage[symbol] = order.leverage
        return refusal

    async def _setting(self, path: str, params: Mapping[str, str], what: str) -> VenueRefused | None:
        outcome, _ = await self._rest.command("POST", path, params, urgency=Urgency.OPEN)
        match outcome:
            case VenueRefused(code=code, message=message, action=action):
                return VenueRefused(code, f"not sent: {what} was refused: {message}", action)
            case Unknown(cause=cause):
                return VenueRefused(_LOCAL, f"not sent: {what} was not answered: {cause}", Action.REFUSED)
        return None

    async def cancel(self, ref: OrderRef) -> Outcome:
        """Ask for an order to be cancelled; one of unknown kind is looked for among both kinds."""
        outcome: Outcome = Unknown("nothing was asked")
        for path in self._paths(ref.client_order_id):
            params = {"symbol": ref.symbol, _QUERY_ID[path]: ref.client_order_id}
            outcome, _ = await self._rest.command("DELETE", path, params, urgency=Urgency.PROTECT, weight=1)
            if not (isinstance(outcome, VenueRefused) and outcome.action is Action.ASK_ORDER):
                return outcome
        return outcome

    async def amend(self, ref: OrderRef, change: OrderChange) -> Outcome:
        """Ask for a limit order's quantity or price to be changed; a trigger cannot be moved here."""
        if change.trigger_price is not None:
            why = "Binance cannot move a trigger: place the new stop, then cancel the old one"
            return VenueRefused(_LOCAL, f"not sent: {why}", Action.REPLAN)
        terms = self._terms.get(ref.client_order_id) or await self._ask_terms(ref)
        if isinstance(terms, Unknown | VenueRefused):
            return terms
        terms = replace(terms, qty_base=change.qty_base or terms.qty_base,
                        limit_price=change.limit_price or terms.limit_price)  # fmt: skip
        params = amend_params(ref.symbol, ref.client_order_id, terms)
        outcome, _ = await self._rest.command("PUT", ORDER, params, urgency=Urgency.OPEN, orders=1, weight=1)
        if isinstance(outcome, Accepted):
            self._terms[ref.client_order_id] = terms
        return outcome

    async def _ask_terms(self, ref: OrderRef) -> Terms | Unknown | VenueRefused:
        match await self.order(ref):
            case VenueOrderState(side=side, qty_base=qty, limit_price=price):
                return Terms(side, qty, price)
            case NotFound():
                return VenueRefused(-2013, "the venue knows no such order", Action.ASK_ORDER)
            case Unknown(cause=cause):
                # Nothing was sent: the order stands as it stood.
                return VenueRefused(_LOCAL, f"not sent: the order's terms are not known: {cause}", Action.REFUSED)

    async def arm_dead_man(self, ttl_ms: int) -> Outcome:
        """Ask for the open orders of each symbol to be cancelled in `ttl_ms` unless asked again; 0 disarms.

        Returns the first outcome that is not accepted.
        """
        for symbol in self._symbols:
            params = {"symbol": symbol, "countdownTime": str(ttl_ms)}
            outcome, _ = await self._rest.command(
                "POST", "countdownCancelAll", params, urgency=Urgency.PROTECT, weight=10
            )
            if not isinstance(outcome, Accepted):
                return outcome
        return Accepted()

    def _remember(self, client_id: str, path: str, terms: Terms) -> None:
        self._kinds[client_id] = path
        self._terms[client_id] = terms
        if path == ALGO_ORDER:
            self._reader.expect(client_id)
        for kept in (self._kinds, self._terms):
            while len(kept) > _REMEMBERED:
                kept.popitem(last=False)

    def _paths(self, client_id: str) -> tuple[str, ...]:
        known = self._kinds.get(client_id)
        return (ORDER, ALGO_ORDER) if known is None else (known,)

    # ── questions ─────────────────────────────────────────────────────────────

    async def rules(self) -> Mapping[str, Instrument]:
        """Return the rules of our symbols, asked for again after 300 s. Raises VenueBusy, InvalidArgument."""
        now_ns = self._clock.now_ns()
        if self._rules is not None and now_ns - self._rules[0] < RULES_TTL_S * NS_PER_S:
            return self._rules[1]
        stated, rows = await self._rest.answer(
            "exchangeInfo", {}, lambda info: (limits(info), traded_symbols(info)), weight=1, api="fapiPublic"
        )
        self._rest.allowance.renew(stated)
        if missing := [symbol for symbol in self._symbols if symbol not in rows]:
            raise InvalidArgument(f"Binance USD-M does not trade {', '.join(missing)} now", field="symbols")
        found = {}
        for symbol in self._symbols:
            maker, taker = await self._rest.answer("commissionRate", {"symbol": symbol}, fees, weight=20)
            found[symbol] = instrument(rows[symbol], maker, taker)
        self._rules = (now_ns, found)
        return found

    async def order(self, ref: OrderRef) -> VenueOrderState | NotFound | Unknown:
        """Return one order as the venue has it; a triggered one as what it became."""
        for path in self._paths(ref.client_order_id):
            params = {"symbol": ref.symbol, _QUERY_ID[path]: ref.client_order_id}
            try:
                row = await self._rest.question(path, params, weight=1)
                if not isinstance(row, VenueRefused):
                    return order_state(row) if path == ORDER else await self._followed(ref.symbol, row)
            except (VenueBusy, OrderFateUnknown, ValueError) as fault:
                return Unknown(str(fault))
            if row.action is not Action.ASK_ORDER:
                return Unknown(f"the question was refused with {row.code}: {row.message}")
        return NotFound()

    async def _followed(self, symbol: str, row: Mapping[str, Any]) -> VenueOrderState:
        """Return a conditional order, with the state and fills of its child where it has one."""
        found = conditional(row)
        if not found.child_order_id:
            return found.state
        self._reader.link(found.child_order_id, found.state.client_order_id)
        self._book.name(symbol, found.child_order_id, found.state.client_order_id)
        params = {"symbol": symbol, "orderId": found.child_order_id}
        now = await self._rest.answer(ORDER, params, order_state, weight=1)
        state = OrderState.TRIGGERED if now.state is OrderState.ACCEPTED else now.state
        return replace(
            found.state, state=state, filled_base=now.filled_base, average_price=now.average_price,
            updated_ns=max(now.updated_ns, found.state.updated_ns),
        )  # fmt: skip

    async def open_orders(self) -> Sequence[VenueOrderState]:
        """Return every order that lives, of all symbols, ours or not."""
        plain = await self._rest.answer("openOrders", {}, rows_of, weight=40)
        waiting = await self._rest.answer("openAlgoOrders", {}, _conditionals, weight=40)
        found = [order_state(row) for row in plain]
        for row, order in zip(plain, found, strict=True):
            self._book.name(order.symbol, str(row.get("orderId")), order.client_order_id)
        return (*found, *(one.state for one in waiting))

    async def positions(self) -> Sequence[VenuePosition]:
        """Return what the venue says we hold, without flat symbols."""
        return await self._rest.answer("positionRisk", {}, positions, weight=5, api="fapiPrivateV3")

    async def balances(self) -> Sequence[VenueBalance]:
        """Return the wallet of each asset."""
        return await self._rest.answer("balance", {}, balances, weight=5, api="fapiPrivateV3")

    async def fills(self, since: FillCursor) -> Sequence[Fill]:
        """Return every fill after the cursor, oldest first, of our symbols and those that the cursor names."""
        found: list[Fill] = []
        for symbol in sorted({*self._symbols, *since.last_trade_id}):
            found += await self._book.since(symbol, since.last_trade_id.get(symbol, ""))
        return sorted(found, key=lambda fill: (fill.event_ns, fill.symbol, int(fill.trade_id)))

    async def funding(self, since_ns: int) -> Sequence[VenueFunding]:
        """Return the funding payments from `since_ns` on, oldest first."""
        found: dict[tuple[str, str], VenueFunding] = {}
        start_ms = -(-since_ns // NS_PER_MS)
        while True:
            params = {"incomeType": "FUNDING_FEE", "startTime": str(start_ms), "limit": str(PAGE)}
            page = await self._rest.answer("income", params, _payments, weight=30)
            fresh = [one for one in page if (one.symbol, one.ref) not in found]
            found |= {(one.symbol, one.ref): one for one in fresh}
            if len(page) < PAGE or not fresh:
                return sorted(found.values(), key=lambda one: (one.at_ns, one.symbol, one.ref))
            start_ms = max(one.at_ns for one in page) // NS_PER_MS

    async def server_time(self) -> ClockSample:
        """Return one reading of the venue's clock. Raises VenueBusy."""
        return await self._rest.sample()

    # ── hearing ───────────────────────────────────────────────────────────────

    async def events(self) -> AsyncIterator[VenueEvent]:
        """Yield what the venue tells, in the order in which it is heard, until `close`."""
        async for event in self._hearing.events():
            yield await self._priced(event)

    def _hear(self, heard: Heard) -> None:
        for symbol, order_id, client_id in heard.names:
            self._book.name(symbol, order_id, client_id)
        self._leverage.update(heard.leverage)
        self._hearing.tell(heard.events)

    async def _priced(self, event: VenueEvent) -> VenueEvent:
        """Return a fill with its fee in quote units.

        Where the rate cannot be had, the fill is told as a gap: reconciliation reads it, with its fee, later.
        """
        quote = quote_of(self._symbols[0])
        if event.fee_asset in ("", quote):
            return replace(event, fee_asset="") if event.fee_asset else event
        try:
            rate = await self._book.rate(event.fee_asset, quote, event.event_ns // NS_PER_MS)
        except (VenueBusy, OrderFateUnknown, ValueError) as fault:
            why = f"trade {event.trade_id} of {event.client_order_id} has a fee in {event.fee_asset}: {fault}"
            return VenueEvent("gap", "", event.event_ns, event.known_ns, Decimal(0), detail=why)
        return replace(event, fee_quote=event.fee_quote * rate, fee_rate_quote=rate)


_QUERY_ID: Final = {ORDER: "origClientOrderId", ALGO_ORDER: "clientAlgoId"}


def _conditionals(body: Any) -> list[Conditional]:
    return [conditional(row) for row in rows_of(body)]


def _payments(body: Any) -> list[VenueFunding]:
    return [funding(row) for row in rows_of(body)]
