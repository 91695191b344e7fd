"""The emulated exchange, whole: a tape moves the market and the world, doors and streams show them, one clock for all.

At speed `step` time stands still and moves only with `advance`; a command arrives its latency later and takes the time
with it. At `1` and `10` the tape begins at the wall clock's now and follows it so many times as fast; at `max` it runs
as fast as it can. Beside `step`, clients' timestamps are judged by the wall clock, which is theirs.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, TypeVar

from chanflow.adapters.venues.emulator import market_rest
from chanflow.adapters.venues.emulator.desk import Desk
from chanflow.adapters.venues.emulator.floor import MS
from chanflow.adapters.venues.emulator.limits import Limits, Meter
from chanflow.adapters.venues.emulator.listen_keys import ListenKeys
from chanflow.adapters.venues.emulator.markets import MarketDesk
from chanflow.adapters.venues.emulator.params import Params
from chanflow.adapters.venues.emulator.records import OrderRecord, OwnTrade, UserEvent
from chanflow.adapters.venues.emulator.rest import ROUTES, PublicRoute, Request, Response, RestDoor
from chanflow.adapters.venues.emulator.server import Plain, Reply
from chanflow.adapters.venues.emulator.signing import DEFAULT_SECRET, Keys
from chanflow.adapters.venues.emulator.socket import Door, StreamServer
from chanflow.adapters.venues.emulator.state import load, save
from chanflow.adapters.venues.emulator.tape.steps import Tape, Ticks
from chanflow.adapters.venues.emulator.user_events import listen_key_expired
from chanflow.adapters.venues.emulator.world import World
from chanflow.domain.time import NS_PER_S, Clock

Answer = TypeVar("Answer")
MakeTape = Callable[[int | None], Tape]
"""Returns a tape that begins at a time, None for its own."""
Speed = Literal["1", "10", "max", "step"]
SLICE_NS: Final = 10 * MS
"""Market and orders take turns at least so often."""
_BREATH: Final = 20
"""Slices after which others get a turn."""
_PACE_NS: Final = 4 * MS


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """How an exchange runs; `warm_ns` of tape are played before it opens."""

    speed: Speed = "1"
    seed: int = 0
    balance: Decimal = Decimal(10_000)
    latency_ns: int = 2 * MS
    skew_ns: int = 0
    strict_keys: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    legacy_ws: bool = False
    warm_ns: int = 60 * NS_PER_S
    state: Path | None = None


class Exchange:
    """Tape, market, world, doors and streams on one clock.

    The seams, each to be set by who wants to stand there: `around` a request, `bend` of ticks on their way in,
    `on_event` which user events leave now, `on_frame` whether a market message does, `after_slice` when time has come
    somewhere, `after_reset` when there is a new world, `skew` of the clock that clients see.
    """

    def __init__(
        self,
        make_tape: MakeTape,
        clock: Clock,
        settings: ExchangeSettings,
        *,
        doors: Mapping[str, Door] | None = None,
    ) -> None:
        """Begin, with the accounts of `settings.state` if that file is there; `doors` are other WebSocket doors.

        Raises what `make_tape` raises, and InvalidArgument for a state that cannot be taken up.
        """
        self.settings = settings
        self.clock = clock
        self._make_tape = make_tape
        self.around: Callable[[Request, Callable[[Request], Response]], Reply] = _plainly
        self.bend: Callable[[Ticks], Ticks] = _as_it_is
        self.on_event: Callable[[UserEvent, int], Sequence[UserEvent]] = _at_once
        self.on_frame: Callable[[str, int], Literal["send", "skip"]] = _send
        self.after_slice: list[Callable[[int], None]] = []
        self.after_reset: list[Callable[[], None]] = []
        self.skew: Callable[[int], int] = lambda _now_ns: settings.skew_ns
        self.streams = StreamServer(
            legacy=settings.legacy_ws, on_frame=self._judge_frame, expect_pongs=settings.speed == "1", doors=doors
        )
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._slept = 0
        self._own_trades: list[OwnTrade] = []
        self._begin()
        if settings.state is not None and settings.state.exists():
            load(self.world, settings.state, settings.secrets, DEFAULT_SECRET)
            self.keys.know_accounts()

    def _begin(self) -> None:
        """Let tape, market, world and door be new."""
        settings = self.settings
        is_paced = settings.speed in ("1", "10")
        self.tape = self._make_tape(self.clock.now_ns() - settings.warm_ns if is_paced else None)
        self._opened = self.tape.start_ns + settings.warm_ns, self.clock.monotonic_ns()
        self.markets = MarketDesk(
            self.tape.symbols, wanted=self.streams.wanted, server_ns=lambda: self.server_ns,
            rate_limits=settings.limits.rows(),
        )  # fmt: skip
        self.world = World(self.tape.symbols, start_ns=self.tape.start_ns, balance=settings.balance, seed=settings.seed)
        self.world.on_user_event = self._told
        self.world.on_trade = self._own_trades.append
        self.world.on_liquidation = self._forced
        self.listen_keys = ListenKeys(on_expired=self._listen_key_ended)
        self.meter = Meter(settings.limits)
        self.keys = Keys(self.world, settings.secrets, strict=settings.strict_keys)
        self.door = RestDoor(
            Desk(self.world, self.meter, self.listen_keys), self.keys, public=_public(self.markets),
            server_ms=lambda: self.server_ns // MS, arrive=self._arrive,
        )  # fmt: skip

    async def reset(self) -> None:
        """Begin anew: the tape, the market, and no account yet. Streams stay open."""
        self._own_trades.clear()
        self._begin()
        for hook in self.after_reset:
            hook()
        await self.warm_up()

    def save(self) -> None:
        """Write the accounts to the settings' file, if there is one."""
        if self.settings.state is not None:
            save(self.world, self.settings.state)

    # time

    @property
    def now_ns(self) -> int:
        """The exchange's time."""
        return self.world.now_ns

    @property
    def server_ns(self) -> int:
        """The time that clients are told and judged by."""
        own_ns = self.now_ns if self.settings.speed == "step" else self.clock.now_ns()
        return own_ns + self.skew(self.now_ns)

    def run_to(self, until_ns: int) -> None:
        """Let tape, market and world come to a time."""
        while self.now_ns < until_ns:
            self._slice(min(until_ns, (self.now_ns // SLICE_NS + 1) * SLICE_NS))

    def advance(self, span_ns: int) -> None:
        """Let so much time pass: the only way at speed `step`."""
        self.run_to(self.now_ns + span_ns)

    async def advance_whole(self, span_ns: int) -> None:
        """Let so much time pass, others having their turns, and return when all it told is on its way."""
        until_ns = self.now_ns + span_ns
        while self.now_ns < until_ns:
            self.run_to(min(until_ns, self.now_ns + _BREATH * SLICE_NS))
            await self.clock.sleep_until(0)
        await self.streams.drained()

    async def sleep_until(self, at_ns: int) -> None:
        """Return once the exchange's time has come to `at_ns`."""
        if at_ns > self.now_ns:
            self._slept += 1
            woken = asyncio.get_running_loop().create_future()
            heapq.heappush(self._sleepers, (at_ns, self._slept, woken))
            await woken

    async def warm_up(self) -> None:
        """Play the tape's first while, before anybody is there."""
        await self.advance_whole(self.settings.warm_ns)

    async def run(self) -> None:
        """Let time pass as the speed says, until cancelled; at speed `step` it stands."""
        speed = self.settings.speed
        if speed == "step":
            await asyncio.Event().wait()
        factor = 10 if speed == "10" else 1
        while True:
            if speed == "max":
                await self._run_max()
                continue
            origin_ns, steady_ns = self._opened
            due_ns = origin_ns + (self.clock.monotonic_ns() - steady_ns) * factor
            self.run_to(min(due_ns, self.now_ns + _BREATH * SLICE_NS))
            late = self.now_ns < due_ns
            await self.clock.sleep_until(0 if late else self.clock.now_ns() + _PACE_NS)

    async def _run_max(self) -> None:
        """Play some slices; where the tape has ended, time stands and is looked at now and then."""
        if self._is_over:
            await self.clock.sleep_until(self.clock.now_ns() + _PACE_NS)
            return
        self.run_to(self.now_ns + _BREATH * SLICE_NS)
        await self.clock.sleep_until(0)

    @property
    def _is_over(self) -> bool:
        end_ns = self.tape.end_ns
        return end_ns is not None and self.now_ns >= end_ns

    def _slice(self, at_ns: int) -> None:
        batches = [self.bend(ticks) for ticks in self.tape.until(at_ns)]
        self.streams.push(self.markets.play(batches, at_ns))
        for ticks in batches:
            self.world.take(ticks)
        self.world.advance(at_ns)
        self._show_own_trades()
        self.listen_keys.expire(at_ns // MS)
        self.streams.advance(at_ns)
        for hook in self.after_slice:
            hook(at_ns)
        while self._sleepers and self._sleepers[0][0] <= at_ns:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)

    def show(self, ticks: Ticks) -> None:
        """Let market events that stand on no tape happen now."""
        self.streams.push(self.markets.play([ticks], self.now_ns))
        self.world.take(ticks)
        self._show_own_trades()

    # requests

    def answer(self, request: Request) -> Response:
        """Return the door's answer, and show what it traded."""
        response = self.door.answer(request)
        self._show_own_trades()
        return response

    async def reply(self, request: Request) -> Reply:
        """Return what the client hears of its request; commands take their time to arrive."""
        route = ROUTES.get((request.method, request.path))
        if route is not None and route.moves and self.settings.speed != "step" and self.settings.latency_ns:
            await self.clock.sleep_until(self.clock.now_ns() + self.settings.latency_ns)
        return self.around(request, self.answer)

    async def visit(self, command: Callable[[], Answer]) -> Answer:
        """Return what a command at another door came to: its way there passed, what it traded shown."""
        if self.settings.speed != "step" and self.settings.latency_ns:
            await self.clock.sleep_until(self.clock.now_ns() + self.settings.latency_ns)
        self._arrive()
        try:
            return command()
        finally:
            self._show_own_trades()

    async def hold(self, span_ns: int) -> None:
        """Return so much later, in the exchange's time."""
        await self.sleep_until(self.now_ns + span_ns)

    def _arrive(self) -> None:
        if self.settings.speed == "step" and self.settings.latency_ns:
            self.advance(self.settings.latency_ns)

    # events

    def deliver(self, event: UserEvent) -> None:
        """Send a user event to who listens."""
        key = self.listen_keys.key_of(event.account)
        if key is not None:
            self.streams.push_user(key, {**event.payload, "E": max(self.server_ns // MS, event.payload["E"])})

    def _judge_frame(self, stream: str, now_ns: int) -> Literal["send", "skip"]:
        return self.on_frame(stream, now_ns)

    def _told(self, _account: int, event: UserEvent) -> None:
        for leaving in self.on_event(event, self.now_ns):
            self.deliver(leaving)

    def _listen_key_ended(self, account: int, key: str) -> None:
        event = listen_key_expired(key, self.now_ns // MS)
        for leaving in self.on_event(UserEvent("listenKeyExpired", account, event, self.now_ns), self.now_ns):
            self.streams.push_user(key, leaving.payload)

    def _show_own_trades(self) -> None:
        if self._own_trades:
            self.streams.push(self.markets.own_trades(self._own_trades))
            self._own_trades.clear()

    def _forced(self, order: OrderRecord) -> None:
        average = order.quote // order.filled if order.filled else order.price
        self.streams.push(
            self.markets.states[order.symbol].forced(
                side=order.asked.side, qty=order.filled, price=order.price, average=average, event_ns=self.now_ns
            )
        )


def _public(markets: MarketDesk) -> dict[tuple[str, str], PublicRoute]:
    """Return the public endpoints as the door mounts them."""
    routes: dict[tuple[str, str], PublicRoute] = {}
    for (method, path), handler in market_rest.ROUTES.items():
        routes[method, path] = PublicRoute(_bound(handler, markets), _weighing(path))
    return routes


def _bound(
    handler: Callable[[MarketDesk, Mapping[str, str]], object], markets: MarketDesk
) -> Callable[[Mapping[str, str]], object]:
    return lambda asked: handler(markets, asked)


def _weighing(path: str) -> Callable[[Params], int]:
    return lambda params: market_rest.weight_of(path, params.values)


def _plainly(request: Request, execute: Callable[[Request], Response]) -> Reply:
    return Plain(execute(request))


def _as_it_is(ticks: Ticks) -> Ticks:
    return ticks


def _at_once(event: UserEvent, _now_ns: int) -> Sequence[UserEvent]:
    return (event,)


def _send(_stream: str, _now_ns: int) -> Literal["send", "skip"]:
    return "send"
