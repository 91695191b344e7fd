"""A desk's life at the exchange in memory: it starts, trades by a script, may be killed anywhere, and starts again.

Every call of a port is a point at which it can be killed: appends to the journal and commands to the venue, before and
after; questions; events as they arrive and once they were heard. The desk knows nothing of that: its ports are wrapped.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from made_desk import NOW, SIM, D, full_view, gate, proposal
from made_memory_venue import SYMBOL, Connection, Exchange, Weather

from chanflow.domain.canonical import canonical_json
from chanflow.domain.opinion import Changes
from chanflow.domain.order import ApprovedOrder
from chanflow.domain.time import NS_PER_S, Clock, rfc3339
from chanflow.execution.ports import OrderChange, OrderRef, Outcome, Venue, VenueEvent, VenueOrder
from chanflow.execution.restore import Restored, restore
from chanflow.execution.running import Running
from chanflow.runtime.clock import SimulatedClock


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Trap:
    """Kills at the `nth` time that the process comes to `point`; counts where it has been."""

    point: str = ""
    nth: int = 1
    die: Callable[[], None] | None = None
    seen: Counter[str] = field(default_factory=Counter)
    dead: bool = False

    def at(self, point: str) -> None:
        if self.dead:
            raise Killed(point)
        self.seen[point] += 1
        if point == self.point and self.seen[point] == self.nth:
            if self.die is not None:
                self.die()
            self.dead = True
            raise Killed(point)


@dataclass
class Line:
    """A record as it would be read back from the file."""

    at: str
    kind: str
    body: Any


@dataclass
class Lines:
    """A journal in memory that outlives its process."""

    clock: Clock
    records: list[Line] = field(default_factory=list)

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:
        self.records.append(Line(rfc3339(self.clock.now_ns()), kind, json.loads(canonical_json(body))))

    def of(self, kind: str) -> list[Any]:
        return [line.body for line in self.records if line.kind == kind]


@dataclass
class MarkedJournal:
    """A journal whose appends are points."""

    journal: Any
    trap: Trap

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:
        name = f"{kind} {body['leg']}" if kind == "order_intent" else kind
        if kind == "venue_event":
            name = f"{kind} {body.kind}"
        self.trap.at(f"before record {name}")
        self.journal.append(kind, body, correlation_id=correlation_id, durable=durable)
        self.trap.at(f"after record {name}")


def leg_of(order: VenueOrder) -> str:
    if order.conditional is not None:
        return "stop" if order.conditional == "stop_market" else "take_profit"
    return "exit" if order.reduce_only else "entry"


class MarkedVenue:
    """A venue whose commands, questions and events are points."""

    def __init__(self, venue: Venue, trap: Trap) -> None:
        self._venue, self._trap = venue, trap
        self.name, self.capabilities = venue.name, venue.capabilities

    async def _marked(self, what: str, work: Awaitable[Any]) -> Any:
        try:
            self._trap.at(f"before {what}")
        except BaseException:
            work.close()  # type: ignore[attr-defined]
            raise
        answer = await work
        self._trap.at(f"after {what}")
        return answer

    async def submit(self, order: VenueOrder) -> Outcome:
        return await self._marked(f"submit {leg_of(order)}", self._venue.submit(order))  # type: ignore[no-any-return]

    async def cancel(self, ref: OrderRef) -> Outcome:
        return await self._marked("cancel", self._venue.cancel(ref))  # type: ignore[no-any-return]

    async def amend(self, ref: OrderRef, change: OrderChange) -> Outcome:
        return await self._marked("amend", self._venue.amend(ref, change))  # type: ignore[no-any-return]

    async def arm_dead_man(self, ttl_ms: int) -> Outcome:
        return await self._marked("dead man", self._venue.arm_dead_man(ttl_ms))  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        question = getattr(self._venue, name)

        async def ask(*args: Any) -> Any:
            return await self._marked(f"question {name}", question(*args))

        return ask

    async def events(self) -> AsyncIterator[VenueEvent]:
        async for event in self._venue.events():
            self._trap.at(f"event {event.kind} arrives")
            yield event
            self._trap.at(f"event {event.kind} heard")


Ending = Literal["stop", "close", "target"]


@dataclass
class Life:
    """All of one case: the venue, the journal, and what the desk is to do."""

    ending: Ending = "stop"
    slices: Sequence[tuple[int, str]] = ((30, "0.4"), (400, "0.3"), (900, "0.3"))
    weather: Weather = field(default_factory=Weather)
    trap: Trap = field(default_factory=Trap)
    until_s: int = 90
    part_quote: Decimal | None = None
    """What is to leave two seconds after the stop was tightened, where something is."""

    def __post_init__(self) -> None:
        self.clock = SimulatedClock(NOW)
        self.exchange = Exchange(self.clock, self.slices)
        self.journal = Lines(self.clock)
        self.alive: list[tuple[int, int]] = []
        self.alerts: list[tuple[str, str]] = []
        self.messages: dict[str, ApprovedOrder] = {}
        """Approvals on their way to execution: the bus delivers them at least once."""
        self.step = 0
        self.origin_ns = NOW

    # ── the desk ──────────────────────────────────────────────────────────────

    def start(self) -> Running:
        """Start a process: everything it knows is in the journal."""
        journal = MarkedJournal(self.journal, self.trap)
        venue: Any = MarkedVenue(Connection(self.exchange, self.weather), self.trap)
        restored = self.restored(journal, venue)
        return Running(
            router=restored.router, venue=venue, journal=journal, clock=self.clock, quote="USDT", read=restored.read,
            on_alert=lambda kind, text: self.alerts.append((kind, text)),
        )  # fmt: skip

    def restored(self, journal: Any, venue: Any) -> Restored:
        return restore(
            list(self.journal.records), account="paper", venue=venue, instruments={SYMBOL: SIM}, journal=journal,
            clock=self.clock, capital_quote=D(10_000),
        )  # fmt: skip

    # ── the script ────────────────────────────────────────────────────────────

    async def live(self) -> None:
        """Follow the script to its end, through as many processes as it takes."""
        while self.step < len(self.script):
            born_ns = self.clock.now_ns()
            try:
                await self._live_once()
            except Killed:
                await self.clock.sleep_until(self.clock.now_ns() + NS_PER_S)
                self.trap.dead, self.trap.point = False, ""
            finally:
                self.alive.append((born_ns, self.clock.now_ns()))

    async def _live_once(self) -> None:
        self.desk = self.start()
        running = asyncio.create_task(self.desk.run())
        script = asyncio.create_task(self._follow(self.desk))
        try:
            await asyncio.wait({running, script}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (running, script):
                task.cancel()
            ends = await asyncio.gather(running, script, return_exceptions=True)
        faults = [end for end in ends if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError)]
        if faults:
            raise next((f for f in faults if isinstance(f, Killed)), faults[0])

    @property
    def script(self) -> list[tuple[int, Callable[[Running], Awaitable[None]]]]:
        return [(0, self._enter), (4, self._tighten), (6, self._reduce), (8, self._end), (self.until_s, self._rest)]

    async def _follow(self, desk: Running) -> None:
        await desk.ready.wait()
        while self.step < len(self.script):
            after_s, act = self.script[self.step]
            await self.clock.sleep_until(self.origin_ns + int(after_s * NS_PER_S))
            await act(desk)
            self.step += 1

    async def _enter(self, desk: Running) -> None:
        await self._deliver(desk, "entry", entry_price=None)

    async def _tighten(self, desk: Running) -> None:
        await self._manage(desk, "tight", action="adjust", changes=Changes(stop_price=D("99.5")))

    async def _reduce(self, desk: Running) -> None:
        if self.part_quote is not None and not desk.router.snapshot().closing:
            await self._manage(desk, "less", action="reduce", changes=Changes(size_quote=self.part_quote))

    async def _manage(self, desk: Running, name: str, **changes: Any) -> None:
        """Do something about the position, where there is one, or once more what was approved already."""
        held = desk.router.snapshot().positions
        if held or name in self.messages:
            await self._deliver(
                desk, name, kind="management", side=None, stop_price=None, take_profit_price=None, entry_price=None,
                confidence=None, position_id=held[0].position_id if held else None, **changes,
            )  # fmt: skip

    async def _end(self, desk: Running) -> None:
        if self.ending == "close":
            await self._manage(desk, "close", action="close")
        else:
            self.exchange.move(D("99.4") if self.ending == "stop" else D("102.5"))

    async def _rest(self, desk: Running) -> None:
        """Nothing more is to be done."""

    async def _deliver(self, desk: Running, name: str, **changes: Any) -> None:
        if name not in self.messages:
            now_ns = self.clock.now_ns()
            self.trap.at("before approval")
            asked = proposal(proposal_id=name, decision_id=name, valid_until_ns=now_ns + NS_PER_S, **changes)
            verdict = gate(venue="memory").judge(
                asked, desk.router.snapshot(), full_view(self.exchange.price, now_ns), now_ns=now_ns
            )
            assert isinstance(verdict, ApprovedOrder), verdict.reasons
            self.messages[name] = verdict
            self.trap.at("after approval")
        approved = self.messages[name]
        await (desk.protect(approved) if approved.terms.protects else desk.execute(approved))


def lived(life: Life) -> Life:
    """Let a life run to its end, in its own time."""

    async def main() -> None:
        life.origin_ns = life.clock.now_ns()
        living = asyncio.create_task(life.live())
        while not living.done() and life.clock.now_ns() < life.origin_ns + (life.until_s + 120) * NS_PER_S:
            await life.clock.run_until_idle(life.clock.now_ns() + NS_PER_S)
        assert living.done(), "the desk never came to the end of its script"
        await living
        leftover = list(life.exchange._tasks)
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)

    asyncio.run(main())
    return life


# ── the oracle: the venue's own books ─────────────────────────────────────────


def faults_of(life: Life) -> list[str]:
    """Return what is wrong with the desk that a life ended with, by the venue's books: nothing, it is to be hoped."""
    return [*_lost(life), *_doubled(life), *_naked(life), *_ledger(life)]


def _lost(life: Life) -> list[str]:
    router, found = life.desk.router, []
    for client_id, standing in life.exchange.orders.items():
        order = router.orders.get(client_id)
        if order is None:
            found.append(f"lost: {client_id} is not in the desk's books")
        elif order.filled_base != standing.filled_base or order.state.terminal != standing.state.terminal:
            found.append(
                f"lost: {order.leg} {client_id} is {order.state} {order.filled_base}, "
                f"the venue's {standing.state} {standing.filled_base}"
            )
    living = [
        o for o in router.orders.values() if not o.state.terminal and o.client_order_id not in life.exchange.orders
    ]
    return found + [f"lost: {o.leg} {o.client_order_id} is {o.state}, the venue never had it" for o in living]


def _doubled(life: Life) -> list[str]:
    found = [f"doubled: {s.asked.client_order_id} was sent again" for s in life.exchange.ended]
    if "entry" in life.messages:
        approved = life.messages["entry"].terms.qty_base
        opened = sum((f.qty_base for f in life.exchange.fills if f.side == "buy"), Decimal(0))
        if opened > approved:
            found.append(f"doubled: {opened} bought, {approved} approved")
    sold, held = Decimal(0), Decimal(0)
    for fill in life.exchange.fills:
        held += fill.qty_base if fill.side == "buy" else -fill.qty_base
        sold = min(sold, held)
    return [*found, *([f"doubled: the position went to {sold}"] if sold < 0 else [])]


def _naked(life: Life) -> list[str]:
    bare = list(life.exchange.bare)
    if life.exchange.bare_since_ns is not None:
        bare.append((life.exchange.bare_since_ns, life.clock.now_ns()))
    spans = [min(b, end) - max(a, born) for a, b in bare for born, end in life.alive]
    return [f"naked: for {span / NS_PER_S:.3f} s" for span in spans if span > 5 * NS_PER_S]


def _ledger(life: Life) -> list[str]:
    books, venue = life.desk.router.ledger, life.exchange
    found = []
    ours = books.holdings[SYMBOL].qty_base if SYMBOL in books.holdings else Decimal(0)
    if (books.wallet_quote, ours) != (venue.wallet, venue.holding.qty_base):
        found.append(f"ledger: {books.wallet_quote} and {ours}, the venue has {venue.wallet}, {venue.holding.qty_base}")
    if sum(e.kind == "fill" for e in books.entries) != len(venue.fills):
        found.append("ledger: another number of fills than the venue's")
    again = life.restored(Lines(life.clock), Connection(venue)).router.ledger
    if again.entries != books.entries:
        found.append("ledger: the journal does not give the same books again")
    return found


def summary(life: Life) -> Mapping[str, Any]:
    """Return what a life came to."""
    router = life.desk.router
    return {
        "orders": sorted((o.leg, str(o.state), o.filled_base) for o in router.orders.values()),
        "wallet": router.ledger.wallet_quote,
    }
