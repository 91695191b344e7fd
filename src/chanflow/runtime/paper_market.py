"""One paper account on simulated venues of several symbols. The market is what it is told, price by price."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from decimal import Decimal

import chanflow_native

from chanflow.adapters.venues.simulated import CAPABILITIES, SimulatedVenue
from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import Side
from chanflow.domain.order import Fill
from chanflow.domain.time import NS_PER_MS, Clock
from chanflow.execution.ports import (
    Capabilities,
    ClockSample,
    FillCursor,
    NotFound,
    OrderChange,
    OrderRef,
    Outcome,
    VenueBalance,
    VenueEvent,
    VenueFunding,
    VenueOrder,
    VenueOrderState,
    VenuePosition,
    VenueRefused,
)
from chanflow.market.rules import instrument_of
from chanflow.runtime.fee_schedule import FeeSchedule

PRICE_DECIMALS = 8
QTY_DECIMALS = 3
LEAST_DECIMALS = 2
RULES_OF = "binance-usdm"
"""Whose rules a symbol has, where they are known; else a price is as fine as the first one told."""
DEPTH_LOTS = 10**9
"""What stands at each touch: nobody tells a broker how deep the market is, so it is never the bound."""
ANY_DEPTH_QUOTE = Decimal(10) ** 15
"""What such a market trades in a minute."""


class PaperMarket:
    """A `Venue`: a `SimulatedVenue` for every symbol that a price was told of."""

    name = "simulated"

    def __init__(
        self, clock: Clock, *, order_latency_ns: int, response_latency_ns: int, fees: FeeSchedule | None = None
    ) -> None:
        """`fees` are charged instead of those of the venue whose rules hold."""
        self._clock = clock
        self._fees = fees
        self.latency_ns = order_latency_ns + response_latency_ns
        self._latencies = order_latency_ns, response_latency_ns
        self._venues: dict[str, SimulatedVenue] = {}
        self._told = 0
        self.instruments: dict[str, Instrument] = {}
        """Rules of the symbols so far."""

    def know(self, symbol: str, price: Decimal) -> Instrument:
        """Return the rules of a symbol, which is traded here from its first price on."""
        if symbol not in self.instruments:
            decimals = max(LEAST_DECIMALS, -int(price.normalize().as_tuple().exponent))
            instrument = instrument_of(RULES_OF, symbol, price_decimals=decimals, qty_decimals=QTY_DECIMALS)
            if self._fees is not None:
                instrument = self._fees.on(instrument)
            self.instruments[symbol] = instrument
            self._venues[symbol] = SimulatedVenue(
                instrument, self._clock, price_decimals=PRICE_DECIMALS, qty_decimals=QTY_DECIMALS,
                order_latency_ns=self._latencies[0], response_latency_ns=self._latencies[1],
            )  # fmt: skip
        return self.instruments[symbol]

    def tell(self, symbol: str, side: Side, price: Decimal) -> tuple[Decimal, Decimal]:
        """Move a symbol's market so that `price`, on the nearest tick, is its touch for `side`; returns bid and ask."""
        instrument = self.know(symbol, price)
        touch = max(instrument.nearest_price(price), 2 * instrument.tick)
        bid, ask = (touch - instrument.tick, touch) if side == "buy" else (touch, touch + instrument.tick)
        self._told += 1
        now_ns = self._clock.now_ns()
        quote = ("quote", now_ns // NS_PER_MS, now_ns, self._told, _ticks(bid), DEPTH_LOTS, _ticks(ask), DEPTH_LOTS)
        self._venues[symbol].advance(chanflow_native.batch_of_events([quote], PRICE_DECIMALS, QTY_DECIMALS))
        return bid, ask

    def heard(self) -> Iterator[VenueEvent]:
        """Yield what a client would know by now, symbol by symbol."""
        nothing = chanflow_native.batch_of_events([], PRICE_DECIMALS, QTY_DECIMALS)
        for symbol in sorted(self._venues):
            yield from self._venues[symbol].push(nothing)

    # ── the venue port ────────────────────────────────────────────────────────

    @property
    def capabilities(self) -> Capabilities:
        """What it offers."""
        return CAPABILITIES

    async def submit(self, order: VenueOrder) -> Outcome:
        """Send one order; refused for a symbol that has no price yet."""
        venue = self._venues.get(order.symbol)
        return _unknown(order.symbol) if venue is None else await venue.submit(order)

    async def cancel(self, ref: OrderRef) -> Outcome:
        """Ask for an order to be cancelled."""
        venue = self._venues.get(ref.symbol)
        return _unknown(ref.symbol) if venue is None else await venue.cancel(ref)

    async def amend(self, ref: OrderRef, change: OrderChange) -> Outcome:
        """Ask for a trigger to be moved."""
        venue = self._venues.get(ref.symbol)
        return _unknown(ref.symbol) if venue is None else await venue.amend(ref, change)

    async def arm_dead_man(self, ttl_ms: int) -> Outcome:  # noqa: ARG002 - there is none to arm
        """Refuse: there is no such switch here."""
        return VenueRefused(-1020, "the simulated venue has no dead-man switch")

    async def rules(self) -> Mapping[str, Instrument]:
        """Return the rules of the symbols so far."""
        return dict(self.instruments)

    async def order(self, ref: OrderRef) -> VenueOrderState | NotFound:
        """Return one order as it stands."""
        venue = self._venues.get(ref.symbol)
        return NotFound() if venue is None else await venue.order(ref)

    async def open_orders(self) -> Sequence[VenueOrderState]:
        """Return the orders that live."""
        return [order for venue in self._venues.values() for order in await venue.open_orders()]

    async def positions(self) -> Sequence[VenuePosition]:
        """Return the net position of every symbol."""
        return [position for venue in self._venues.values() for position in await venue.positions()]

    async def balances(self) -> Sequence[VenueBalance]:
        """Return what each symbol's trading has left in the wallet."""
        return [balance for venue in self._venues.values() for balance in await venue.balances()]

    async def fills(self, since: FillCursor) -> Sequence[Fill]:
        """Return the fills after the cursor, symbol by symbol."""
        return [fill for venue in self._venues.values() for fill in await venue.fills(since)]

    async def funding(self, since_ns: int) -> Sequence[VenueFunding]:  # noqa: ARG002 - there is none
        """Return nothing: this market pays no funding."""
        return ()

    async def events(self) -> AsyncIterator[VenueEvent]:
        """Yield what a client would know by now."""
        for event in self.heard():
            yield event

    async def server_time(self) -> ClockSample:
        """Return our own clock: it is the venue's."""
        return ClockSample(offset_ns=0, round_trip_ns=0)


def _unknown(symbol: str) -> VenueRefused:
    return VenueRefused(-1121, f"{symbol} has no price yet")


def _ticks(price: Decimal) -> int:
    return int(price.scaleb(PRICE_DECIMALS))
