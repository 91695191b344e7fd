"""The simulated venue: the compiled matching core behind the venue port, with our fees and our words.

It reads the same batches as the desk. An answer is heard only once the desk's clock has reached the moment at which
a client would know it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import chanflow_native

from chanflow.domain.instrument import Instrument
from chanflow.domain.time import Clock
from chanflow.execution.ports import (
    Accepted,
    Outcome,
    VenueEvent,
    VenueEventKind,
    VenueOrder,
    VenuePosition,
    VenueRefused,
)

if TYPE_CHECKING:
    from chanflow_native import EventBatch

VenueEventRow = tuple[int, int, str, str, int, "tuple[int, int, int, bool] | None", "tuple[int, str] | None"]

_KINDS: dict[str, VenueEventKind] = {
    "accepted": "accepted",
    "fill": "fill",
    "triggered": "triggered",
    "canceled": "canceled",
    "expired": "expired",
    "rejected": "rejected",
    "amended": "amended",
    "cancel_rejected": "cancel_rejected",
}


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
        self._unheard: deque[VenueEventRow] = deque()

    @property
    def live(self) -> bool:
        """Whether an order lives, a position stands or an answer is still on its way."""
        return bool(self._core.has_live_orders or self._unheard or self._core.position())

    async def submit(self, order: VenueOrder) -> Outcome:
        """Send one order; priced ones take what they can at once and let the rest go (IOC)."""
        refusal = self._core.submit(
            self._clock.now_ns(),
            order.client_order_id,
            order.side,
            "market" if order.limit_price is None else "limit",
            self._lots(order.qty_base),
            price=None if order.limit_price is None else self._ticks(order.limit_price),
            tif="ioc",
            reduce_only=order.reduce_only,
            stop_trigger=None if order.stop_price is None else self._ticks(order.stop_price),
            take_profit_trigger=None if order.take_profit_price is None else self._ticks(order.take_profit_price),
        )
        return Accepted() if refusal is None else VenueRefused(*refusal)

    async def cancel(self, symbol: str, client_order_id: str) -> Outcome:  # noqa: ARG002 - one symbol here
        """Ask for an order to be cancelled."""
        refusal = self._core.cancel(self._clock.now_ns(), client_order_id)
        return Accepted() if refusal is None else VenueRefused(*refusal)

    async def positions(self) -> Sequence[VenuePosition]:
        """Return the net position, as the venue has it."""
        return (VenuePosition(self._instrument.symbol, self._core.position() * self._qty_unit),)

    def push(self, batch: EventBatch) -> Iterator[VenueEvent]:
        """Take the market up to now, and yield the answers that a client would know by now, in order."""
        self._unheard.extend(self._core.push(batch))
        self._unheard.extend(self._core.advance(self._clock.now_ns()))
        while self._unheard and self._unheard[0][1] <= self._clock.now_ns():
            yield self._event(self._unheard.popleft())

    def _event(self, row: VenueEventRow) -> VenueEvent:
        venue_ns, known_ns, client_id, kind, leaves, fill, refusal = row
        detail = "" if refusal is None else f"{refusal[0]}: {refusal[1]}"
        if fill is None:
            return VenueEvent(_KINDS[kind], client_id, venue_ns, known_ns, leaves * self._qty_unit, detail=detail)
        trade_id, ticks, lots, maker = fill
        price, qty = ticks * self._price_unit, lots * self._qty_unit
        rate = self._instrument.maker_fee_frac if maker else self._instrument.taker_fee_frac
        return VenueEvent(
            "fill", client_id, venue_ns, known_ns, leaves * self._qty_unit, trade_id=str(trade_id), price=price,
            qty_base=qty, fee_quote=price * qty * rate, maker=maker, detail=detail,
        )  # fmt: skip

    def _ticks(self, price: Decimal) -> int:
        return _whole(price / self._price_unit, price)

    def _lots(self, qty: Decimal) -> int:
        return _whole(qty / self._qty_unit, qty)


def _whole(count: Decimal, value: Decimal) -> int:
    if count != count.to_integral_value():
        raise ValueError(f"{value} is finer than the venue counts")
    return int(count)
