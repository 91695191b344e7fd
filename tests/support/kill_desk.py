"""A desk at the far end of a pipe from its venue: the real order path, the real Binance adapter, its journal on disk.

Only what carries bytes is replaced: HTTP and WebSocket by the pipe, the machine's time by the venue's. `Desk.live` runs
in a process of its own, which a trap may kill with SIGKILL anywhere a port is called.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from kill_venue import BALANCE, KEY, SYMBOL
from made_desk_life import Killed, MarkedJournal, MarkedVenue, Trap

from chanflow.adapters.transport.ccxt_door import CcxtDoor, Reply
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.adapters.venues.binance import venue as binance
from chanflow.adapters.venues.binance.addresses import Addresses
from chanflow.adapters.venues.emulator.rest import Request
from chanflow.domain.canonical import plain
from chanflow.domain.errors import VenueBusy
from chanflow.domain.opinion import Changes, TradeProposal
from chanflow.domain.order import ApprovedOrder, approved_payload
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.execution.restore import restore
from chanflow.execution.running import Running
from chanflow.market.ports import FrameSink
from chanflow.review.journal import JournalWriter, read_records
from chanflow.risk.gate import Gate, MarketView
from chanflow.risk.limits import Limits
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.codec import decode_approval

GATE_KEY = b"k" * 32
REST_S = 11
"""How long after its last step a script goes on at least, in the venue's time."""
CHECKED_S = 15
"""How long after the venue could not be heard the desk has asked for its open orders again."""
LONGEST_S = 150


class Link:
    """Asks the venue's process, and waits for what it says."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def __call__(self, *asked: Any) -> Any:
        self._pipe.send(asked)
        return self._pipe.recv()


class Carried(CcxtDoor):
    """ccxt's requests, signed as ever, over the pipe."""

    link: Link
    sim: SimulatedClock

    async def send(self, exchange: Any, url: str, method: str, headers: Mapping[str, str] | None, body: Any) -> Reply:
        parts = urlsplit(url)
        given = {name.lower(): value for name, value in (headers or {}).items()}
        request = Request(method, parts.path, parts.query, body or "", given)
        at_ns, status, told, text = self.link("request", request)
        await self.sim.sleep_until(max(at_ns, self.sim.now_ns() + 1))
        return Reply(status, told, text)


@dataclass
class Line:
    """The one socket of a desk."""

    sink: FrameSink | None = None

    def send(self, message: bytes) -> None:
        """A user stream is told nothing."""

    def ping(self) -> None:
        if self.sink is not None:
            self.sink.pong()

    def pause(self) -> None: ...
    def resume(self) -> None: ...

    def close(self) -> None:
        self.sink = None


class Lines:
    """Opens the user stream over the pipe."""

    def __init__(self, link: Link, clock: SimulatedClock) -> None:
        self._link, self._clock = link, clock
        self.line = Line()

    async def open(self, url: str, sink: FrameSink) -> Line:
        await self._clock.sleep_until(self._clock.now_ns() + 2 * NS_PER_MS)
        refused = self._link("open", url)
        if refused is not None:
            raise VenueBusy(refused)
        self.line = Line(sink)
        return self.line


@dataclass(frozen=True)
class Plan:
    """What the desk of a case does, and where it is killed."""

    ending: str
    folder: str
    point: str = ""
    nth: int = 1


def kill_me() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


class Desk:
    """One process of the desk."""

    def __init__(self, pipe: Connection, plan: Plan, *, armed: bool) -> None:
        self._link, self._plan = Link(pipe), plan
        self._clock = SimulatedClock(self._link("time"))
        self._trap = Trap(plan.point if armed else "", plan.nth, kill_me)
        self._lines = Lines(self._link, self._clock)

    def live(self) -> None:
        """Follow the script to its end, and leave on the bus what the desk then believes."""
        asyncio.run(self._main())

    async def _main(self) -> None:
        work = asyncio.create_task(self._work())
        while not work.done():
            await self._clock.run_until_idle(self._clock.now_ns())
            if work.done():
                break
            due_ns = self._clock._next_ns()
            now_ns, told = self._link("until", self._clock.now_ns() + NS_PER_S if due_ns is None else due_ns)
            self._clock.advance_to(max(now_ns, self._clock.now_ns()))
            for kind, what in told:
                sink = self._lines.line.sink
                if sink is not None and kind == "frame":
                    sink.frame(json.dumps(what).encode(), self._clock.now_ns())
                elif sink is not None:
                    sink.closed(str(what))
        await work

    async def _work(self) -> None:
        Carried.link, Carried.sim = self._link, self._clock
        binance.CcxtDoor = Carried  # type: ignore[misc]
        venue = binance.BinanceVenue(
            symbols=[SYMBOL], keys=VenueKeys(KEY, "test"), addresses=Addresses("http://127.0.0.1:1", "ws://127.0.0.1:1"),
            sandbox=True, clock=self._clock, connector=self._lines, random=Random(1),
        )  # fmt: skip
        await self._patiently(venue)
        path = Path(self._plan.folder) / "journal.jsonl"
        records = list(read_records(path, torn_tail=True)) if path.exists() else []
        writer = JournalWriter.after(path, records)
        writer.use_clock(self._clock)
        journal: Any = MarkedJournal(writer, self._trap)
        marked: Any = MarkedVenue(venue, self._trap)
        rules = await venue.rules()
        restored = restore(
            records, account="kill", venue=marked, instruments=rules, journal=journal, clock=self._clock,
            capital_quote=BALANCE,
        )  # fmt: skip
        self._gate = Gate(
            instruments=dict(rules), limits=Limits(), key=GATE_KEY, level="L3", mode="paper", account="kill",
            venue=marked.name,
        )  # fmt: skip
        desk = Running(
            router=restored.router, venue=marked, journal=journal, clock=self._clock, quote="USDT", read=restored.read
        )
        running = asyncio.create_task(desk.run())
        script = asyncio.create_task(self._follow(desk))
        try:
            await asyncio.wait({running, script}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (running, script):
                task.cancel()
            ends = await asyncio.gather(running, script, return_exceptions=True)
            await venue.close()
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end
        writer.close()
        self._leave(desk, list(read_records(path)), rules)

    async def _patiently(self, venue: Any) -> None:
        """Open the venue, however long it takes: an operator's supervisor starts a desk again and again."""
        while True:
            try:
                await venue.open(until_heard=False)
                return
            except Exception as fault:
                if self._clock.now_ns() > self._link("time") + LONGEST_S * NS_PER_S:
                    raise
                self._link("put", "opening", repr(fault))
                await venue.close()
                await self._clock.sleep_until(self._clock.now_ns() + NS_PER_S)

    # ── the script ────────────────────────────────────────────────────────────

    async def _follow(self, desk: Running) -> None:
        await desk.ready.wait()
        bus = self._link("get")
        origin_ns = bus.get("origin_ns")
        if origin_ns is None:
            origin_ns = self._clock.now_ns()
            self._link("put", "origin_ns", origin_ns)
        for number, (after_s, act) in enumerate(
            [(0, self._enter), (3, self._tighten), (4, self._reduce), (6, self._end)]
        ):
            if bus.get("step", 0) <= number:
                await self._clock.sleep_until(origin_ns + after_s * NS_PER_S)
                await act(desk)
                self._link("put", "step", number + 1)
        await self._rest(desk, origin_ns)

    async def _rest(self, desk: Running, origin_ns: int) -> None:
        """Wait until nothing is under way any more."""
        heard_ns = self._link("get")["deaf_until_ns"] + CHECKED_S * NS_PER_S
        await self._clock.sleep_until(max(self._clock.now_ns() + 3 * NS_PER_S, origin_ns + REST_S * NS_PER_S, heard_ns))
        router = desk.router
        while self._clock.now_ns() < origin_ns + LONGEST_S * NS_PER_S:
            quiet = all(o.leg in ("stop", "take_profit") and o.state == "accepted" for o in router.living())
            if quiet and not router.inquiries and router.blocked is None and not desk.protection.naked():
                return
            await self._clock.sleep_until(self._clock.now_ns() + NS_PER_S)

    async def _enter(self, desk: Running) -> None:
        mark = Decimal(self._link("market"))
        stop, target = _at(mark, "0.994"), _at(mark, "1.012")
        await self._deliver(
            desk, "entry", kind="entry", action="open_long", side="buy", stop_price=stop, take_profit_price=target,
            confidence=0.75,
        )  # fmt: skip

    async def _tighten(self, desk: Running) -> None:
        opened = desk.router.books.opened(SYMBOL)
        stop = None if opened is None or opened.stop_price is None else _at(opened.stop_price, "1.002")
        await self._manage(desk, "tight", action="adjust", changes=Changes(stop_price=stop))

    async def _reduce(self, desk: Running) -> None:
        held = desk.router.snapshot().positions
        part = held[0].notional_quote / 3 if held else None
        await self._manage(desk, "less", action="reduce", changes=Changes(size_quote=part))

    async def _manage(self, desk: Running, name: str, **changes: Any) -> None:
        held = desk.router.snapshot().positions
        if held or name in self._link("get"):
            await self._deliver(
                desk, name, kind="management", side=None, stop_price=None, take_profit_price=None, confidence=None,
                position_id=held[0].position_id if held else None, **changes,
            )  # fmt: skip

    async def _end(self, desk: Running) -> None:
        if self._plan.ending != "close":
            self._link("jump", -100 if self._plan.ending == "stop" else 160)
            return
        await self._manage(desk, "close", action="close")

    async def _deliver(self, desk: Running, name: str, **changes: Any) -> None:
        """Judge a proposal once; the bus then delivers the approval until it was used."""
        payload = self._link("get").get(name)
        if payload is None:
            now_ns, mark = self._clock.now_ns(), Decimal(self._link("market"))
            desk.router.mark(SYMBOL, mark)
            proposal = TradeProposal(
                proposal_id=name, decision_id=name, symbol=SYMBOL, level="5m", setup="stroke_flow", size_quote=None,
                leverage=2, entry_price=None, valid_until_ns=now_ns + NS_PER_S, reasoning="", invalidation="",
                **changes,
            )  # fmt: skip
            self._trap.at("before approval")
            deep = ((mark, Decimal(1_000)),)
            view = MarketView(
                mark, now_ns, True, sigma_frac=Decimal("0.05"), volume_1m_quote=Decimal(10**9), rules_ns=now_ns,
                clock_offset_ms=0, funding_frac=Decimal(0), asks=deep, bids=deep,
            )  # fmt: skip
            verdict = self._gate.judge(proposal, desk.router.snapshot(), view, now_ns=now_ns)
            if not isinstance(verdict, ApprovedOrder):
                self._link("put", f"refused {name}", [reason.message for reason in verdict.reasons])
                return
            payload = plain(approved_payload(verdict))
            self._link("put", name, payload)
            self._trap.at("after approval")
        approved = self._gate.admit(payload, decode_approval)
        await (desk.protect(approved) if approved.terms.protects else desk.execute(approved))

    # ── what it believes at the end ───────────────────────────────────────────

    def _leave(self, desk: Running, records: Any, rules: Any) -> None:
        router = desk.router
        scratch: Any = type("Nothing", (), {"append": lambda *_, **__: None})()
        again = restore(
            records, account="kill", venue=desk._venue, instruments=rules, journal=scratch, clock=self._clock,
            capital_quote=BALANCE,
        )  # fmt: skip
        self._link(
            "put", "belief",
            {
                "orders": {
                    name: (o.leg, str(o.state), str(o.filled_base), o.state.terminal)
                    for name, o in router.orders.items()
                },
                "fills": sorted(
                    (e.ref, str(abs(e.signed_base)), str(e.price)) for e in router.ledger.entries if e.kind == "fill"
                ),
                "wallet": str(router.ledger.wallet_quote),
                "held": str(sum((h.qty_base for h in router.ledger.holdings.values()), Decimal(0))),
                "same_again": again.router.ledger.entries == router.ledger.entries,
                "halted": router.halted, "blocked": router.blocked, "seen": dict(self._trap.seen),
            },
        )  # fmt: skip


def _at(price: Decimal, share: str) -> Decimal:
    return (price * Decimal(share)).quantize(Decimal("0.1"), ROUND_DOWN)


__all__ = ["Desk", "Killed", "Plan"]
