"""OKX behind the venue port: linear swaps in net mode.

An entry carries its stop and take-profit with it; the venue places them. Plain orders and conditional ones live at
endpoints of their own; which of the two an id belongs to is remembered, and asked of both where it is not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any, Final

from chanflow.adapters.transport.allowance import Allowance, Urgency
from chanflow.adapters.transport.ccxt_door import CcxtDoor
from chanflow.adapters.transport.hearing import Hearing, within
from chanflow.adapters.transport.private_socket import PrivateSocket
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.transport.venue_rest import VenueRest, every
from chanflow.adapters.venues.okx.events import BUSINESS, PRIVATE, Heard, Reader
from chanflow.adapters.venues.okx.fills import PAGE, FillBook
from chanflow.adapters.venues.okx.names import is_exit, to_venue
from chanflow.adapters.venues.okx.requests import (
    CAPABILITIES,
    DEAD_MAN_S,
    MarginType,
    algo_params,
    amend_algo_params,
    amend_params,
    order_params,
    unfit,
)
from chanflow.adapters.venues.okx.rest import DIALECT, LIMITS, Addresses
from chanflow.adapters.venues.okx.rest_words import (
    Conditional,
    balances,
    conditional,
    contract,
    fees,
    first_of,
    funding,
    order_state,
    positions,
    rows_of,
)
from chanflow.adapters.venues.okx.sizes import Contracts
from chanflow.adapters.venues.okx.user_stream import UserStream
from chanflow.domain.errors import InvalidArgument, OrderFateUnknown, VenueBusy, VenueRejected, VenueUnreachable
from chanflow.domain.instrument import Instrument
from chanflow.domain.order import Fill, OrderState
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.execution.ports import (
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

RULES_TTL_S: Final = 240
CLOCK_EVERY_S: Final = 600
OPEN_WITHIN_S: Final = 15
_REMEMBERED: Final = 50_000
_LOCAL: Final = 51_000
"""OKX's own code for a parameter error: what we refuse ourselves has the same meaning."""

PLAIN: Final = "plain"
_WAITING: Final = ("conditional,oco", "trigger", "move_order_stop")
"""Kinds of conditional orders, as they may be asked for together."""


class OkxVenue:
    """One account at OKX. `open` before anything else, `close` at the end. Symbols are swaps, like BTC-USDT-SWAP."""

    name = "okx"

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
            raise InvalidArgument("no symbol is named for OKX: name at least one", field="symbols")
        self._symbols, self._clock, self._margin = tuple(symbols), clock, margin_type
        door = CcxtDoor("okx", keys, clock, options={}, urls={"rest": addresses.rest}, sandbox=sandbox)
        self._rest = VenueRest(door, Allowance(clock, LIMITS), clock, DIALECT)
        self._contracts = Contracts()
        self._book = FillBook(self.name, self._rest, self._contracts, clock)
        self._hearing = Hearing()
        self._streams = [
            UserStream(
                f"{addresses.stream}/{path}", channels, keys=keys, reader=Reader(self._contracts), clock=clock,
                offset_ns=lambda: self._rest.offset_ns, hear=self._hear,
            )
            for path, channels in (("private", PRIVATE), ("business", BUSINESS))
        ]  # fmt: skip
        self._sockets = [PrivateSocket(stream, connector, clock, random) for stream in self._streams]
        self._kinds: OrderedDict[str, str] = OrderedDict()
        self._leverage: dict[str, int] = {}
        self._rules: tuple[int, Mapping[str, Instrument]] | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What it offers."""
        return CAPABILITIES

    @property
    def hearing(self) -> bool:
        """Whether both private sockets are connected now."""
        return all(stream.connected.is_set() for stream in self._streams)

    # ── opening and closing ───────────────────────────────────────────────────

    async def open(self) -> None:
        """Set the clock, read the rules, see that the account is set up as needed, and begin to listen.

        Raises VenueUnreachable where the venue does not answer, VenueRejected where keys or account mode are wrong.
        """
        if not await self._rest.sync():
            raise VenueUnreachable("OKX does not tell its time: is it reachable from here?")
        config = await self._rest.question("account/config", {}, weight=4, urgency=Urgency.PROTECT)
        if isinstance(config, VenueRefused):
            raise VenueRejected(f"OKX refuses these keys with {config.code}: {config.message}")
        why = _set_up_otherwise(config)
        if why is not None:
            raise VenueRejected(why)
        await self.rules()
        self._hearing.run(
            *(socket.run() for socket in self._sockets), every(CLOCK_EVERY_S, self._clock, self._rest.sync)
        )
        for stream in self._streams:
            if not await within(stream.connected.wait(), OPEN_WITHIN_S, self._clock):
                await self.close()
                raise VenueUnreachable(f"OKX's private sockets did not open within {OPEN_WITHIN_S} s")

    async def close(self) -> None:
        """Stop listening and give the connections back. Orders stay as they are."""
        await self._hearing.close()
        await self._rest.close()

    # ── commands ──────────────────────────────────────────────────────────────

    async def submit(self, order: VenueOrder) -> Outcome:
        """Send one order with its exits attached, after the symbol's leverage where it opens."""
        why = unfit(order, self._contracts)
        if why is not None:
            return VenueRefused(_LOCAL, f"not sent: {why}", Action.FIX_RULES)
        if not order.reduce_only and order.leverage is not None:
            refusal = await self._set_leverage(order.symbol, order.leverage)
            if refusal is not None:
                return refusal
        urgency = Urgency.PROTECT if order.reduce_only else Urgency.OPEN
        if order.conditional is None:
            self._remember(order.client_order_id, PLAIN)
            path, params = "trade/order", order_params(order, self._contracts, self._margin)
        else:
            self._remember(order.client_order_id, "sl" if order.conditional == "stop_market" else "tp")
            # ccxt adds its broker's tag at the plain spelling of this path, and only there.
            path = "trade/order-{kind}"
            params = {"kind": "algo", **algo_params(order, self._contracts, self._margin)}
        outcome, _ = await self._rest.command("POST", path, params, urgency=urgency, orders=1, weight=0)
        return outcome

    async def _set_leverage(self, symbol: str, leverage: int) -> VenueRefused | None:
        """Set a symbol's leverage where it is another; returns why the order must not be sent, or None."""
        if self._leverage.get(symbol) == leverage:
            return None
        params = {"instId": symbol, "lever": str(leverage), "mgnMode": self._margin}
        outcome, _ = await self._rest.command("POST", "account/set-leverage", params, urgency=Urgency.OPEN)
        match outcome:
            case VenueRefused(code=code, message=message, action=action):
                return VenueRefused(code, f"not sent: leverage {leverage} of {symbol} was refused: {message}", action)
            case Unknown(cause=cause):
                return VenueRefused(_LOCAL, f"not sent: leverage {leverage} of {symbol} was not answered: {cause}")
        self._leverage[symbol] = leverage
        return None

    async def cancel(self, ref: OrderRef) -> Outcome:
        """Ask for an order to be cancelled; one of unknown kind is looked for among both kinds."""
        outcome: Outcome = Unknown("nothing was asked")
        for is_plain in self._places(ref.client_order_id):
            outcome = await self._cancel(ref, is_plain=is_plain)
            if not (isinstance(outcome, VenueRefused) and outcome.action is Action.ASK_ORDER):
                return outcome
        return outcome

    async def _cancel(self, ref: OrderRef, *, is_plain: bool) -> Outcome:
        name = to_venue(ref.client_order_id)
        path = "trade/cancel-order" if is_plain else "trade/cancel-algos"
        params: Any = (
            {"instId": ref.symbol, "clOrdId": name} if is_plain else [{"instId": ref.symbol, "algoClOrdId": name}]
        )
        outcome, _ = await self._rest.command("POST", path, params, urgency=Urgency.PROTECT, weight=0, orders=1)
        return outcome

    async def amend(self, ref: OrderRef, change: OrderChange) -> Outcome:
        """Ask for quantity, price or trigger to be changed."""
        word = self._kinds.get(ref.client_order_id, ref.client_order_id[-2:] if is_exit(ref.client_order_id) else PLAIN)
        try:
            if word == PLAIN:
                path, params = "trade/amend-order", amend_params(
                    ref.symbol, ref.client_order_id, change, self._contracts
                )  # fmt: skip
            else:
                path = "trade/amend-algos"
                params = amend_algo_params(ref.symbol, ref.client_order_id, change, word, self._contracts)
        except ValueError as fault:
            return VenueRefused(_LOCAL, f"not sent: {fault}", Action.FIX_RULES)
        outcome, _ = await self._rest.command("POST", path, params, urgency=Urgency.OPEN, orders=1, weight=0)
        return outcome

    async def arm_dead_man(self, ttl_ms: int) -> Outcome:
        """Ask for all open orders to be cancelled in `ttl_ms` unless asked again; 0 disarms.

        The venue takes whole seconds from 10 to 120: others are moved to the nearest of these.
        """
        least, most = DEAD_MAN_S
        seconds = 0 if ttl_ms == 0 else min(most, max(least, -(-ttl_ms // 1_000)))
        params = {"timeOut": str(seconds)}
        outcome, _ = await self._rest.command("POST", "trade/cancel-all-after", params, urgency=Urgency.PROTECT)
        return outcome

    def _remember(self, client_id: str, kind: str) -> None:
        self._kinds[client_id] = kind
        while len(self._kinds) > _REMEMBERED:
            self._kinds.popitem(last=False)

    def _places(self, client_id: str) -> tuple[bool, ...]:
        """Return where an id may live: True for plain orders, False for conditional ones."""
        if is_exit(client_id):
            return (False,)
        known = self._kinds.get(client_id)
        return (True, False) if known is None else (known == PLAIN,)

    # ── questions ─────────────────────────────────────────────────────────────

    async def rules(self) -> Mapping[str, Instrument]:
        """Return the rules of our symbols, asked for again after 240 s. Raises VenueBusy, InvalidArgument."""
        now_ns = self._clock.now_ns()
        if self._rules is not None and now_ns - self._rules[0] < RULES_TTL_S * NS_PER_S:
            return self._rules[1]
        maker, taker = await self._rest.answer(
            "account/trade-fee", {"instType": "SWAP"}, lambda body: fees(first_of(body)), weight=4
        )
        rows = await self._rest.answer("public/instruments", {"instType": "SWAP"}, rows_of, weight=1, api="public")
        live = {str(row.get("instId")): row for row in rows if row.get("state", "live") == "live"}
        if missing := [symbol for symbol in self._symbols if symbol not in live]:
            raise InvalidArgument(f"OKX does not trade {', '.join(missing)} as a swap now", field="symbols")
        linear = {name: row for name, row in live.items() if row.get("ctType") == "linear" or name in self._symbols}
        try:
            self._contracts.known = {name: contract(row, maker, taker) for name, row in linear.items()}
        except ValueError as fault:
            raise InvalidArgument(str(fault), field="symbols") from fault
        self._rules = (now_ns, {name: self._contracts.known[name].instrument for name in self._symbols})
        return self._rules[1]

    async def order(self, ref: OrderRef) -> VenueOrderState | NotFound | Unknown:
        """Return one order as the venue has it; a triggered one as what it became."""
        for is_plain in self._places(ref.client_order_id):
            name = to_venue(ref.client_order_id)
            path = "trade/order" if is_plain else "trade/order-algo"
            params = {"instId": ref.symbol, "clOrdId": name} if is_plain else {"algoClOrdId": name}
            try:
                row = await self._rest.question(path, params, weight=1)
                if not isinstance(row, VenueRefused) and rows_of(row):
                    return (
                        order_state(first_of(row), self._contracts) if is_plain else await self._followed(first_of(row))
                    )
            except (VenueBusy, OrderFateUnknown, ValueError) as fault:
                return Unknown(str(fault))
            if isinstance(row, VenueRefused) and row.action is not Action.ASK_ORDER:
                return Unknown(f"the question was refused with {row.code}: {row.message}")
        return NotFound()

    async def _followed(self, row: Mapping[str, Any]) -> VenueOrderState:
        """Return a conditional order, with the state and fills of its child where it has one."""
        found = conditional(row, self._contracts)
        state = found.state
        if not found.child_order_id:
            return state
        self._book.name(state.symbol, found.child_order_id, state.client_order_id)
        params = {"instId": state.symbol, "ordId": found.child_order_id}
        now = await self._rest.answer(
            "trade/order", params, lambda body: order_state(first_of(body), self._contracts), weight=1
        )
        return replace(
            state, state=OrderState.TRIGGERED if now.state is OrderState.ACCEPTED else now.state,
            filled_base=now.filled_base, average_price=now.average_price,
            updated_ns=max(now.updated_ns, state.updated_ns),
        )  # fmt: skip

    async def open_orders(self) -> Sequence[VenueOrderState]:
        """Return every order on swaps that lives, ours or not."""
        found = [
            order_state(row, self._contracts)
            for row in await self._pages("trade/orders-pending", {"instType": "SWAP"}, "ordId")
            if str(row.get("instId")) in self._contracts.known
        ]
        for kind in _WAITING:
            rows = await self._pages("trade/orders-algo-pending", {"instType": "SWAP", "ordType": kind}, "algoId")
            found += [one.state for one in self._known(rows)]
        return found

    def _known(self, rows: Sequence[Mapping[str, Any]]) -> list[Conditional]:
        """Return conditional orders on instruments that are known; others are none of a desk's of linear swaps."""
        return [conditional(row, self._contracts) for row in rows if str(row.get("instId")) in self._contracts.known]

    async def _pages(self, path: str, params: Mapping[str, str], key: str) -> list[Mapping[str, Any]]:
        """Return the rows of all pages of a list, newest first."""
        found: list[Mapping[str, Any]] = []
        while True:
            after = {"after": str(found[-1].get(key))} if found else {}
            page = await self._rest.answer(path, {**params, "limit": str(PAGE), **after}, rows_of, weight=1)
            found += page
            if len(page) < PAGE:
                return found

    async def positions(self) -> Sequence[VenuePosition]:
        """Return what the venue says we hold in linear swaps, without flat ones."""
        return await self._rest.answer(
            "account/positions", {"instType": "SWAP"},
            lambda body: positions(
                [row for row in rows_of(body) if str(row.get("instId")) in self._contracts.known], self._contracts
            ),
            weight=2,
        )  # fmt: skip

    async def balances(self) -> Sequence[VenueBalance]:
        """Return the wallet of each asset."""
        return await self._rest.answer("account/balance", {}, lambda body: balances(first_of(body)), weight=2)

    async def fills(self, since: FillCursor) -> Sequence[Fill]:
        """Return every fill after the cursor, oldest first, of our symbols and those that the cursor names."""
        found: list[Fill] = []
        for symbol in sorted({*self._symbols, *since.last_trade_id}):
            found += await self._book.since(symbol, since.last_trade_id.get(symbol, ""))
        return sorted(found, key=lambda fill: (fill.event_ns, fill.symbol, int(fill.trade_id)))

    async def funding(self, since_ns: int) -> Sequence[VenueFunding]:
        """Return the funding payments from `since_ns` on, three months back at most, oldest first."""
        params = {"instType": "SWAP", "type": "8", "begin": str(-(-since_ns // NS_PER_MS))}
        rows = await self._pages("account/bills-archive", params, "billId")
        try:
            found = [funding(row) for row in rows]
        except ValueError as fault:
            raise OrderFateUnknown(f"account/bills-archive cannot be read: {fault}") from fault
        return sorted(found, key=lambda one: (one.at_ns, one.symbol, one.ref))

    async def server_time(self) -> ClockSample:
        """Return one reading of the venue's clock. Raises VenueBusy."""
        return await self._rest.sample()

    # ── hearing ───────────────────────────────────────────────────────────────

    async def events(self) -> AsyncIterator[VenueEvent]:
        """Yield what the venue tells, in the order in which it is heard, until `close`."""
        async for event in self._hearing.events():
            yield self._in_quote(event)

    def _hear(self, heard: Heard) -> None:
        for symbol, order_id, client_id in heard.names:
            self._book.name(symbol, order_id, client_id)
        self._hearing.tell(heard.events)

    def _in_quote(self, event: VenueEvent) -> VenueEvent:
        """Return a fill with its fee in the account's currency; one in another asset is told as a gap, to be read."""
        quote = self._contracts.known[self._symbols[0]].instrument.quote
        if event.fee_asset in ("", quote):
            return replace(event, fee_asset="") if event.fee_asset else event
        why = f"trade {event.trade_id} of {event.client_order_id} has a fee in {event.fee_asset}"
        return VenueEvent("gap", "", event.event_ns, event.known_ns, Decimal(0), detail=why)


def _set_up_otherwise(config: Any) -> str | None:
    """Return why an account cannot be traded from here, or None."""
    try:
        told = first_of(config)
    except ValueError as fault:
        return f"OKX does not tell how the account is set up: {fault}"
    if told.get("posMode") != "net_mode":
        return f"the account is in {told.get('posMode')}: set its position mode to net at OKX, then start"
    if str(told.get("acctLv")) == "1":
        return "the account is in spot mode, which trades no swaps: set its account mode at OKX"
    return None
