"""A venue in memory that attaches no stops, with its own books, in a clock's time; and a way to it that may fail.

`Exchange` is the venue: it outlives the desks that trade there, and what it says is the truth. `Connection` is one
desk's way to it, and does to it what networks do.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from made_desk import SIM, D

from chanflow.domain.errors import FeedGap, OrderFateUnknown, VenueBusy
from chanflow.domain.instrument import Instrument
from chanflow.domain.order import Fill, OrderState
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
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
    Unknown,
    VenueBalance,
    VenueEvent,
    VenueEventKind,
    VenueFunding,
    VenueOrder,
    VenueOrderState,
    VenuePosition,
    VenueRefused,
)

CAPABILITIES = Capabilities(
    stop_kinds=frozenset({"stop_market", "take_profit_market"}), times_in_force=frozenset({"gtc", "ioc", "gtx"}),
    attached_stops=False, batch_orders=1, amend=True, dead_man="orders_and_stops", client_id_alphabet="base32",
    client_id_length=36, client_ids_unique_forever=False, receive_window_ns=5 * NS_PER_S, funding_interval_s=28_800,
)  # fmt: skip

WAY_NS = 2 * NS_PER_MS
"""How long an event takes to the desk."""
ZERO = Decimal(0)
SYMBOL = "SIMUSDT"


@dataclass
class Standing:
    """An order at the venue."""

    asked: VenueOrder
    state: OrderState
    updated_ns: int
    qty_base: Decimal
    fills: list[Fill] = field(default_factory=list)

    @property
    def filled_base(self) -> Decimal:
        return sum((f.qty_base for f in self.fills), ZERO)

    @property
    def leaves_base(self) -> Decimal:
        return ZERO if self.state.terminal else self.qty_base - self.filled_base

    def told(self) -> VenueOrderState:
        o = self.asked
        return VenueOrderState(
            o.client_order_id, o.symbol, o.side, self.state, self.qty_base, self.filled_base, ZERO, o.reduce_only,
            self.updated_ns, o.conditional == "stop_market", o.trigger_price, o.limit_price,
        )  # fmt: skip


@dataclass
class Exchange:
    """The venue's books of one account in one symbol. Entries and exits fill in `slices` of (after ms, share)."""

    clock: Clock
    slices: Sequence[tuple[int, str]] = ((0, "1"),)
    exit_slices: Sequence[tuple[int, str]] | None = None
    price: Decimal = Decimal(100)
    fee_frac: Decimal = Decimal("0.0005")
    orders: dict[str, Standing] = field(default_factory=dict)
    ended: list[Standing] = field(default_factory=list)
    """Orders whose name was used again."""
    fills: list[Fill] = field(default_factory=list)
    holding: Holding = field(default_factory=lambda: Holding(SYMBOL))
    wallet: Decimal = Decimal(10_000)
    listeners: list[Callable[[VenueEvent], None]] = field(default_factory=list)
    armed_until_ns: int | None = None
    bare_since_ns: int | None = None
    bare: list[tuple[int, int]] = field(default_factory=list)
    """From when to when the position was held without stops that cover it."""
    refuse_stops: int = 0
    """So many stops that come next are refused."""
    overfilled: list[str] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    # ── commands ──────────────────────────────────────────────────────────────

    def submit(self, order: VenueOrder) -> Outcome:
        there = self.orders.get(order.client_order_id)
        if there is not None and not there.state.terminal:
            return VenueRefused(-4116, "ClientOrderId is duplicated.", Action.ASK_DUPLICATE)
        if order.conditional is not None:
            if self.refuse_stops and order.conditional == "stop_market":
                self.refuse_stops -= 1
                return VenueRefused(-2010, "NEW_ORDER_REJECTED")
            if self._reached(order):
                return VenueRefused(-2021, "Order would immediately trigger.", Action.REPLAN)
        elif order.reduce_only and not self._closes(order):
            return VenueRefused(-2022, "ReduceOnly Order is rejected.", Action.RECONCILE)
        if there is not None:
            self.ended.append(there)
        standing = Standing(order, OrderState.ACCEPTED, self.clock.now_ns(), order.qty_base)
        self.orders[order.client_order_id] = standing
        self._say("accepted", standing)
        if order.conditional is None and order.time_in_force != "gtc":
            self._spawn(self._execute(standing))
        self._look()
        return Accepted()

    def cancel(self, ref: OrderRef) -> Outcome:
        standing = self.orders.get(ref.client_order_id)
        if standing is None or standing.state.terminal:
            return VenueRefused(-2011, "Unknown order sent.", Action.ASK_ORDER)
        self._end(standing, OrderState.CANCELED, "canceled")
        return Accepted()

    def amend(self, ref: OrderRef, change: OrderChange) -> Outcome:
        standing = self.orders.get(ref.client_order_id)
        if standing is None or standing.state.terminal:
            return VenueRefused(-2013, "Order does not exist.", Action.ASK_ORDER)
        standing.qty_base = change.qty_base or standing.qty_base
        standing.asked = replace(
            standing.asked, limit_price=change.limit_price or standing.asked.limit_price,
            trigger_price=change.trigger_price or standing.asked.trigger_price,
        )  # fmt: skip
        standing.updated_ns = self.clock.now_ns()
        self._say("amended", standing, qty_base=standing.qty_base)
        return Accepted()

    # ── the market ────────────────────────────────────────────────────────────

    def move(self, price: Decimal) -> None:
        """Let last and mark price be `price`; stops and targets that it reaches go off."""
        self.price = price
        for standing in list(self.orders.values()):
            if standing.asked.conditional and standing.state is OrderState.ACCEPTED and self._reached(standing.asked):
                standing.state, standing.updated_ns = OrderState.TRIGGERED, self.clock.now_ns()
                self._say("triggered", standing)
                self._spawn(self._execute(standing))

    def trade(self, client_id: str, share: str = "1") -> None:
        """Let a resting order fill by a share of its quantity."""
        standing = self.orders[client_id]
        self._fill(standing, standing.qty_base * D(share))
        self._look()

    async def _execute(self, standing: Standing) -> None:
        """Fill an order at market, slice by slice; what is left of it then goes."""
        start_ns = self.clock.now_ns()
        slices = self.exit_slices if standing.asked.reduce_only and self.exit_slices else self.slices
        for after_ms, share in slices:
            await self.clock.sleep_until(start_ns + after_ms * NS_PER_MS)
            if standing.state.terminal:
                return
            self._fill(standing, SIM.floor_qty(standing.qty_base * D(share)))
            self._look()
        if not standing.state.terminal:
            if standing.asked.reduce_only:
                self._fill(standing, standing.leaves_base)
            if not standing.state.terminal:
                self._end(standing, OrderState.EXPIRED, "expired")
        self._look()

    def _fill(self, standing: Standing, qty: Decimal) -> None:
        order = standing.asked
        qty = min(qty, standing.leaves_base)
        if order.reduce_only:
            qty = min(qty, abs(self.holding.qty_base) if self._closes(order) else ZERO)
        if qty <= 0:
            return
        now_ns = self.clock.now_ns()
        fill = Fill(
            "memory", order.symbol, str(len(self.fills) + 1), order.client_order_id, order.side, self.price, qty,
            qty * self.price * self.fee_frac, False, now_ns, now_ns, "USDT",
        )  # fmt: skip
        self.fills.append(fill)
        standing.fills.append(fill)
        standing.state = OrderState.FILLED if standing.filled_base == standing.qty_base else OrderState.PARTIALLY_FILLED
        standing.updated_ns = now_ns
        self.wallet += self.holding.take(qty if order.side == "buy" else -qty, self.price) - fill.fee_quote
        self._say(
            "fill", standing, trade_id=fill.trade_id, price=fill.price, qty_base=qty, fee_quote=fill.fee_quote,
            fee_asset="USDT",
        )  # fmt: skip
        self._look()

    def _end(self, standing: Standing, state: OrderState, kind: VenueEventKind) -> None:
        standing.state, standing.updated_ns = state, self.clock.now_ns()
        self._say(kind, standing)
        self._look()

    def _closes(self, order: VenueOrder) -> bool:
        return (self.holding.qty_base > 0) == (order.side == "sell") and self.holding.qty_base != 0

    def _reached(self, order: VenueOrder) -> bool:
        assert order.trigger_price is not None
        below = (order.conditional == "stop_market") == (order.side == "sell")
        return self.price <= order.trigger_price if below else self.price >= order.trigger_price

    # ── what it tells and knows ───────────────────────────────────────────────

    def _say(self, kind: VenueEventKind, standing: Standing, **more: Any) -> None:
        now_ns = self.clock.now_ns()
        event = VenueEvent(kind, standing.asked.client_order_id, now_ns, now_ns, standing.leaves_base, **more)
        for listener in list(self.listeners):
            listener(event)

    def _look(self) -> None:
        """Note since when the position is not covered by stops."""
        now_ns, held = self.clock.now_ns(), self.holding.qty_base
        covered = sum(
            (s.leaves_base for s in self.orders.values()
             if s.asked.conditional == "stop_market" and self._closes(s.asked)), ZERO,
        )  # fmt: skip
        if abs(held) > covered:
            self.bare_since_ns = now_ns if self.bare_since_ns is None else self.bare_since_ns
        elif self.bare_since_ns is not None:
            self.bare.append((self.bare_since_ns, now_ns))
            self.bare_since_ns = None

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def living(self) -> list[Standing]:
        return [s for s in self.orders.values() if not s.state.terminal]


@dataclass
class Weather:
    """What a connection does to its desk. Commands are counted from 1 over all connections to one exchange."""

    lost_answers: frozenset[int] = frozenset()
    """Commands that are executed, and not answered."""
    lost_stops: bool = False
    """Whether stops and targets never arrive."""
    lost_commands: frozenset[int] = frozenset()
    """Commands that are neither."""
    refused: Mapping[int, VenueRefused] = field(default_factory=dict)
    busy_ns: tuple[int, int] = (0, 0)
    """From when to when every request is turned away."""
    frozen_ns: tuple[int, int] = (0, 0)
    """From when to when requests are taken and executed, and answered only by a broken connection at the end."""
    late_ns: int = 0
    """How much later than commonly events come."""
    late_kinds: frozenset[str] = frozenset()
    doubled: bool = False
    """Whether each event comes twice."""
    breaks_ns: tuple[int, int] = (0, 0)
    """From when to when there is no user stream."""
    ahead_ns: int = 0
    """How far the venue's clock is ahead of the desk's."""
    shuffle: random.Random | None = None
    commands: int = 0


class Connection:
    """One desk's way to the exchange: the venue port."""

    name = "memory"
    capabilities = CAPABILITIES

    def __init__(self, exchange: Exchange, weather: Weather | None = None) -> None:
        self._exchange = exchange
        self._clock = exchange.clock
        self._weather = Weather() if weather is None else weather
        self.sent: list[VenueOrder] = []

    async def rules(self) -> Mapping[str, Instrument]:
        return {SYMBOL: SIM}

    async def submit(self, order: VenueOrder) -> Outcome:
        self.sent.append(order)
        if order.conditional is not None and self._weather.lost_stops:
            return Unknown("the connection was refused")
        return await self._command(lambda: self._exchange.submit(order))

    async def cancel(self, ref: OrderRef) -> Outcome:
        return await self._command(lambda: self._exchange.cancel(ref))

    async def amend(self, ref: OrderRef, change: OrderChange) -> Outcome:
        return await self._command(lambda: self._exchange.amend(ref, change))

    async def arm_dead_man(self, ttl_ms: int) -> Outcome:
        async def arm() -> None:
            await self._question()

        await arm()
        self._exchange.armed_until_ns = self._clock.now_ns() + ttl_ms * NS_PER_MS if ttl_ms else None
        return Accepted()

    async def _command(self, work: Callable[[], Outcome]) -> Outcome:
        weather, now_ns = self._weather, self._clock.now_ns()
        weather.commands += 1
        number = weather.commands
        await self._clock.sleep_until(now_ns + WAY_NS)
        if number in weather.refused:
            return weather.refused[number]
        if number in weather.lost_commands:
            return Unknown("503 Unknown error, please check your request or try again later.")
        if _within(now_ns, weather.busy_ns):
            raise VenueBusy("the venue asks to wait: 429")
        outcome = work()
        if _within(now_ns, weather.frozen_ns):
            await self._clock.sleep_until(min(now_ns + 10 * NS_PER_S, weather.frozen_ns[1]))
            raise OrderFateUnknown("no answer within 10 s")
        if number in weather.lost_answers:
            return Unknown("the connection closed before the answer")
        await self._clock.sleep_until(self._clock.now_ns() + WAY_NS)
        return outcome

    async def _question(self) -> None:
        now_ns = self._clock.now_ns()
        await self._clock.sleep_until(now_ns + WAY_NS)
        if _within(now_ns, self._weather.busy_ns):
            raise VenueBusy("the venue asks to wait: 429")
        if _within(now_ns, self._weather.frozen_ns):
            await self._clock.sleep_until(min(now_ns + 10 * NS_PER_S, self._weather.frozen_ns[1]))
            raise OrderFateUnknown("no answer within 10 s")

    async def order(self, ref: OrderRef) -> VenueOrderState | NotFound | Unknown:
        await self._question()
        standing = self._exchange.orders.get(ref.client_order_id)
        return NotFound() if standing is None else standing.told()

    async def open_orders(self) -> Sequence[VenueOrderState]:
        await self._question()
        return [s.told() for s in self._exchange.living]

    async def positions(self) -> Sequence[VenuePosition]:
        await self._question()
        held = self._exchange.holding
        return [VenuePosition(SYMBOL, held.qty_base, held.average_price, self._exchange.price)]

    async def balances(self) -> Sequence[VenueBalance]:
        await self._question()
        return [VenueBalance("USDT", self._exchange.wallet)]

    async def fills(self, since: FillCursor) -> Sequence[Fill]:
        await self._question()
        last = int(since.last_trade_id.get(SYMBOL) or 0)
        return [f for f in self._exchange.fills if int(f.trade_id) > last]

    async def funding(self, since_ns: int) -> Sequence[VenueFunding]:
        await self._question()
        return []

    async def server_time(self) -> ClockSample:
        return ClockSample(self._weather.ahead_ns, 2 * WAY_NS)

    async def events(self) -> AsyncIterator[VenueEvent]:
        heard: asyncio.Queue[tuple[int, int, VenueEvent | None]] = asyncio.PriorityQueue()
        weather, told = self._weather, 0

        def take(event: VenueEvent) -> None:
            nonlocal told
            now_ns = self._clock.now_ns()
            if _within(now_ns, weather.breaks_ns):
                heard.put_nowait((now_ns, told, None))
                return
            late_ns = weather.late_ns if not weather.late_kinds or event.kind in weather.late_kinds else 0
            jitter = weather.shuffle.randrange(0, 20 * NS_PER_MS) if weather.shuffle is not None else 0
            event = replace(event, event_ns=event.event_ns + weather.ahead_ns)
            for _ in range(2 if weather.doubled else 1):
                told += 1
                heard.put_nowait((now_ns + WAY_NS + late_ns + jitter, told, event))

        self._exchange.listeners.append(take)
        try:
            while True:
                at_ns, _, event = await heard.get()
                await self._clock.sleep_until(at_ns)
                if event is None:
                    raise FeedGap("the user stream broke")
                yield replace(event, known_ns=self._clock.now_ns())
        finally:
            self._exchange.listeners.remove(take)


def _within(now_ns: int, span: tuple[int, int]) -> bool:
    return span[0] <= now_ns < span[1]
