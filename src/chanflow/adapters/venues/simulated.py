"""The simulated venue: the compiled matching core behind the venue port, with our fees and our words.

It reads the same batches as the desk. An answer is heard only once the desk's clock has reached the moment at which
a client would know it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

import chanflow_native

from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import Side
from chanflow.domain.order import Fill, OrderState
from chanflow.domain.time import Clock
from chanflow.execution.holding import Holding
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
    TimeInForce,
    VenueBalance,
    VenueEvent,
    VenueEventKind,
    VenueFunding,
    VenueOrder,
    VenueOrderState,
    VenuePosition,
    VenueRefused,
)

if TYPE_CHECKING:
    from chanflow_native import EventBatch

VenueEventRow = tuple[int, int, str, VenueEventKind, int, "tuple[int, int, int, bool] | None", "tuple[int, str] | None"]

_STATES: Final = {
    "accepted": OrderState.ACCEPTED, "triggered": OrderState.TRIGGERED, "canceled": OrderState.CANCELED,
    "expired": OrderState.EXPIRED, "rejected": OrderState.REJECTED,
}  # fmt: skip
_ACTIONS: Final = {
    -2011: Action.ASK_ORDER, -4116: Action.ASK_DUPLICATE, -2022: Action.RECONCILE, -4164: Action.FIX_RULES,
}  # fmt: skip
_EXITS: Final = {"sl": True, "tp": False}
_UNSUPPORTED: Final = -1020
_TIMES_IN_FORCE: Final[dict[TimeInForce, Literal["gtc", "ioc", "gtx"]]] = {"gtc": "gtc", "ioc": "ioc", "gtx": "gtx"}

CAPABILITIES: Final = Capabilities(
    stop_kinds=frozenset({"stop_market", "take_profit_market"}), times_in_force=frozenset({"gtc", "ioc", "gtx"}),
    attached_stops=True, batch_orders=1, amend=True, dead_man="none", client_id_alphabet="base32",
    client_id_length=36, client_ids_unique_forever=True, receive_window_ns=0, funding_interval_s=None,
)  # fmt: skip


class SimulatedVenue:
    """One account in one instrument. Quantities and prices cross as whole lots and ticks."""

    name = "simulated"

    def __init__(
        self,
        instrument: Instrument,
        clock: Clock,
        *,
        price_decimals: int,
        qty_decimals: int,
        order_latency_ns: int,
        response_latency_ns: int,
        deposit_quote: Decimal = Decimal(0),
    ) -> None:
        self._instrument = instrument
        self._clock = clock
        self._price_unit = Decimal(1).scaleb(-price_decimals)
        self._qty_unit = Decimal(1).scaleb(-qty_decimals)
        self._core = chanflow_native.SimulatedVenue(
            order_latency_ns=order_latency_ns,
            response_latency_ns=response_latency_ns,
            price_decimals=price_decimals,
            qty_decimals=qty_decimals,
            tick=self._ticks(instrument.tick),
            step=self._lots(instrument.step),
            min_qty=self._lots(instrument.min_qty),
            min_notional=int(instrument.min_notional_quote / self._price_unit / self._qty_unit),
        )
        self._unheard: deque[VenueEvent] = deque()
        self._heard: deque[VenueEvent] = deque()
        self._asked: dict[str, VenueOrder] = {}
        self._moving: dict[str, Decimal] = {}
        """Triggers that amendments on their way ask for, by client id."""
        self._orders: dict[str, VenueOrderState] = {}
        self._fills: list[Fill] = []
        self._holding = Holding(instrument.symbol)
        self._cash = deposit_quote

    @property
    def live(self) -> bool:
        """Whether an order lives, a position stands or an answer is still on its way."""
        return bool(self._core.has_live_orders or self._unheard or self._core.position())

    async def submit(self, order: VenueOrder) -> Outcome:
        """Send one order. What a priced one cannot take at once rests, or is let go, as its time in force says."""
        tif = _TIMES_IN_FORCE.get(order.time_in_force)
        if tif is None:
            return VenueRefused(_UNSUPPORTED, f"time in force {order.time_in_force} is not offered here")
        refusal = self._core.submit(
            self._clock.now_ns(),
            order.client_order_id,
            order.side,
            "market" if order.limit_price is None else "limit",
            self._lots(order.qty_base),
            price=None if order.limit_price is None else self._ticks(order.limit_price),
            tif=tif,
            reduce_only=order.reduce_only,
            stop_trigger=None if order.stop_price is None else self._ticks(order.stop_price),
            take_profit_trigger=None if order.take_profit_price is None else self._ticks(order.take_profit_price),
        )
        if refusal is not None:
            return _refused(*refusal)
        self._asked[order.client_order_id] = order
        return Accepted()

    async def cancel(self, ref: OrderRef) -> Outcome:
        """Ask for an order to be cancelled."""
        refusal = self._core.cancel(self._clock.now_ns(), ref.client_order_id)
        return Accepted() if refusal is None else _refused(*refusal)

    async def amend(self, ref: OrderRef, change: OrderChange) -> Outcome:
        """Ask for a trigger to be moved: the one term that can be changed here."""
        if change.trigger_price is None or change.qty_base is not None or change.limit_price is not None:
            return VenueRefused(_UNSUPPORTED, "only the trigger of a stop or take-profit can be amended here")
        refusal = self._core.amend_trigger(self._clock.now_ns(), ref.client_order_id, self._ticks(change.trigger_price))
        if refusal is not None:
            return _refused(*refusal)
        self._moving[ref.client_order_id] = change.trigger_price
        return Accepted()

    async def arm_dead_man(self, ttl_ms: int) -> Outcome:  # noqa: ARG002 - there is none to arm
        """Refuse: there is no such switch here, and no connection that it would guard."""
        return VenueRefused(_UNSUPPORTED, "the simulated venue has no dead-man switch")

    # ── questions: the venue's own truth, which may be ahead of what is heard ─────

    @property
    def capabilities(self) -> Capabilities:
        """What it offers."""
        return CAPABILITIES

    async def rules(self) -> Mapping[str, Instrument]:
        """Return the one instrument."""
        return {self._instrument.symbol: self._instrument}

    async def order(self, ref: OrderRef) -> VenueOrderState | NotFound:
        """Return one order as it stands; one that is still on its way is not found."""
        return self._orders.get(ref.client_order_id, NotFound())

    async def open_orders(self) -> Sequence[VenueOrderState]:
        """Return the orders that live, oldest first."""
        return tuple(order for order in self._orders.values() if not order.state.terminal)

    async def positions(self) -> Sequence[VenuePosition]:
        """Return the net position, as the venue has it."""
        return (VenuePosition(self._instrument.symbol, self._core.position() * self._qty_unit),)

    async def balances(self) -> Sequence[VenueBalance]:
        """Return the wallet: the deposit, what was realised, less fees."""
        return (VenueBalance(self._instrument.quote, self._cash),)

    async def fills(self, since: FillCursor) -> Sequence[Fill]:
        """Return the fills after the cursor, oldest first."""
        last = int(since.last_trade_id.get(self._instrument.symbol) or 0)
        return tuple(fill for fill in self._fills if int(fill.trade_id) > last)

    async def funding(self, since_ns: int) -> Sequence[VenueFunding]:  # noqa: ARG002 - there is none
        """Return nothing: this market pays no funding."""
        return ()

    async def server_time(self) -> ClockSample:
        """Return our own clock: it is the venue's."""
        return ClockSample(offset_ns=0, round_trip_ns=0)

    async def events(self) -> AsyncIterator[VenueEvent]:
        """Yield what `push` brought about and nobody has taken yet; ends when there is no more."""
        while self._heard:
            yield self._heard.popleft()

    # ── the market moves ──────────────────────────────────────────────────────

    def push(self, batch: EventBatch) -> Iterator[VenueEvent]:
        """Take the market up to now, and yield the answers that a client would know by now, in order."""
        self.advance(batch)
        while self._heard:
            yield self._heard.popleft()

    def advance(self, batch: EventBatch) -> None:
        """Take the market up to now; the answers that a client would know by now wait in `events`."""
        for row in (*self._core.push(batch), *self._core.advance(self._clock.now_ns())):
            event = self._event(row)
            self._witness(event)
            self._unheard.append(event)
        while self._unheard and self._unheard[0].known_ns <= self._clock.now_ns():
            self._heard.append(self._unheard.popleft())

    def _witness(self, event: VenueEvent) -> None:
        """Keep the venue's own record, whoever has heard of it."""
        client_id = event.client_order_id
        known = self._orders.get(client_id) or self._first_seen(event)
        if event.kind == "fill":
            filled = known.filled_base + event.qty_base
            worth = known.average_price * known.filled_base + event.price * event.qty_base
            state = OrderState.FILLED if event.leaves_base == 0 else OrderState.PARTIALLY_FILLED
            known = replace(known, state=state, filled_base=filled, average_price=worth / filled)
            self._book(known.side, event)
        elif event.kind == "amended":
            trigger = self._moving.pop(client_id, known.trigger_price)
            known = replace(known, qty_base=event.qty_base, trigger_price=trigger)
        else:
            known = replace(known, state=_STATES.get(event.kind, known.state))
        self._orders[client_id] = replace(known, updated_ns=event.event_ns)

    def _first_seen(self, event: VenueEvent) -> VenueOrderState:
        """Return the record of an order that is told of for the first time: one sent, or the exit of one."""
        client_id = event.client_order_id
        asked = self._asked.get(client_id)
        if asked is not None:
            return VenueOrderState(
                client_id, asked.symbol, asked.side, OrderState.ACCEPTED, asked.qty_base, Decimal(0), Decimal(0),
                asked.reduce_only, event.event_ns, limit_price=asked.limit_price,
            )  # fmt: skip
        parent_id, _, suffix = client_id.rpartition("-")
        parent, is_stop = self._asked[parent_id], _EXITS[suffix]
        return VenueOrderState(
            client_id, parent.symbol, "sell" if parent.side == "buy" else "buy", OrderState.ACCEPTED,
            event.leaves_base, Decimal(0), Decimal(0), reduce_only=True, updated_ns=event.event_ns, is_stop=is_stop,
            trigger_price=parent.stop_price if is_stop else parent.take_profit_price,
        )  # fmt: skip

    def _book(self, side: Side, event: VenueEvent) -> None:
        self._fills.append(
            Fill(
                self.name, self._instrument.symbol, event.trade_id, event.client_order_id, side, event.price,
                event.qty_base, event.fee_quote, event.maker, event.event_ns, event.known_ns,
            )
        )  # fmt: skip
        realised = self._holding.take(event.qty_base if side == "buy" else -event.qty_base, event.price)
        self._cash += realised - event.fee_quote

    def _event(self, row: VenueEventRow) -> VenueEvent:
        venue_ns, known_ns, client_id, kind, leaves, fill, refusal = row
        leaves_base = leaves * self._qty_unit
        code, message = refusal or (0, "")
        event = VenueEvent(
            kind, client_id, venue_ns, known_ns, leaves_base, detail="" if refusal is None else f"{code}: {message}",
            action=_ACTIONS.get(code, Action.REFUSED),
        )  # fmt: skip
        if kind == "amended":
            known = self._orders.get(client_id)
            return replace(event, qty_base=leaves_base + (Decimal(0) if known is None else known.filled_base))
        if fill is None:
            return event
        trade_id, ticks, lots, maker = fill
        price, qty = ticks * self._price_unit, lots * self._qty_unit
        rate = self._instrument.maker_fee_frac if maker else self._instrument.taker_fee_frac
        return replace(
            event, trade_id=str(trade_id), price=price, qty_base=qty, fee_quote=price * qty * rate, maker=maker
        )

    def _ticks(self, price: Decimal) -> int:
        return _whole(price / self._price_unit, price)

    def _lots(self, qty: Decimal) -> int:
        return _whole(qty / self._qty_unit, qty)


def _refused(code: int, message: str) -> VenueRefused:
    return VenueRefused(code, message, _ACTIONS.get(code, Action.REFUSED))


def _whole(count: Decimal, value: Decimal) -> int:
    if count != count.to_integral_value():
        raise ValueError(f"{value} is finer than the venue counts")
    return int(count)
