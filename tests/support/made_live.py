"""A live desk on the exchange in memory: signals in, its guardian a task of its own, everything in simulated time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from made_desk import NOW, SIM, D, full_view
from made_memory_venue import SYMBOL, Connection, Exchange, Weather
from made_signals import AT_MS, setup_line

from chanflow.domain.command import Command, CommandAnswer
from chanflow.domain.instrument import Instrument
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.execution.restore import restore
from chanflow.execution.running import Running
from chanflow.market.quotes import Quote
from chanflow.review.journal import JournalWriter, Record, read_records
from chanflow.risk.gate import Gate
from chanflow.risk.limits import Limits
from chanflow.risk.market_view import MarketView
from chanflow.risk.state import LiveAuthority
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.live_desk import LiveDesk
from chanflow.runtime.model_parts import MakeModel, no_model
from chanflow.runtime.risk_past import Known
from chanflow.runtime.settings import load_settings
from chanflow.runtime.speaker import Speaker
from chanflow.runtime.teller import Teller

BEGAN_NS = AT_MS * NS_PER_MS
assert BEGAN_NS == NOW


class Market:
    """The exchange's price, told at once; nobody answers while it is `silent`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.silent = False
        self.instruments: Mapping[str, Instrument] = {SYMBOL: SIM}

    async def quote(self, symbol: str) -> Quote | None:
        price, now_ns = self._exchange.price, self._exchange.clock.now_ns()
        view = full_view(price, now_ns)
        if self.silent:
            return None
        return Quote(symbol, price, now_ns, view.bids, view.asks, now_ns, D(0), now_ns + 10**15, 10**15)

    def view(self, quote: Quote) -> MarketView:
        return full_view(quote.mark, quote.mark_ns)

    async def quotes_of(self, symbols: Sequence[str]) -> list[Quote]:
        found = [await self.quote(symbol) for symbol in symbols]
        return [quote for quote in found if quote is not None]


@dataclass
class LiveLife:
    """One account at the exchange. Each `lived` is a process: it runs the script and is gone."""

    base: Path
    overrides: tuple[str, ...] = ()
    weather: Weather = field(default_factory=Weather)
    limits: Limits = field(default_factory=Limits)
    notes: list[str] = field(default_factory=list)
    sentinel: str | None = None
    make_model: MakeModel = no_model

    def __post_init__(self) -> None:
        self.clock = SimulatedClock(BEGAN_NS)
        self.exchange = Exchange(self.clock)
        self.market = Market(self.exchange)
        self.path = self.base / "journal.jsonl"

    def records(self, *kinds: str) -> list[Record]:
        if not self.path.exists():
            return []
        return [r for r in read_records(self.path, torn_tail=True) if not kinds or r.kind in kinds]

    # ── a process ─────────────────────────────────────────────────────────────

    def live(self, script: Callable[[], Awaitable[None]], *, longest_s: int = 3_600) -> LiveLife:
        """Run one process until the script ends."""
        asyncio.run(self._live(script, longest_s))
        return self

    async def _live(self, script: Callable[[], Awaitable[None]], longest_s: int) -> None:
        work = asyncio.create_task(self._process(script))
        until_ns = self.clock.now_ns() + longest_s * NS_PER_S
        while not work.done() and self.clock.now_ns() < until_ns:
            await self.clock.run_until_idle(self.clock.now_ns() + NS_PER_S)
        if not work.done():
            work.cancel()
            raise AssertionError(("the script never ended", self.notes))
        await work
        for task in list(self.exchange._tasks):
            task.cancel()

    async def _process(self, script: Callable[[], Awaitable[None]]) -> None:
        records = self.records()
        with closing(JournalWriter.after(self.path, records)) as journal:
            journal.use_clock(self.clock)
            venue: Any = Connection(self.exchange, self.weather)
            known = Known(records)
            journal.listen(known.take)
            restored = restore(
                records, account="live", venue=venue, instruments={SYMBOL: SIM}, journal=journal, clock=self.clock,
                capital_quote=D(10_000),
            )  # fmt: skip
            teller = Teller(journal, self.clock, run_id="live", alerts=None)
            self.speaker = Speaker(teller, self.clock, on_note=self.notes.append)
            self.desk = LiveDesk(
                self._settings(), market=self.market, gate=self._gate(), journal=journal, clock=self.clock,
                publish=teller.publish, sentinel=lambda: self.sentinel, make_model=self.make_model,
            )  # type: ignore[arg-type]  # fmt: skip
            self.running = Running(
                router=restored.router, venue=venue, journal=journal, clock=self.clock, quote="USDT",
                read=restored.read, on_happened=self.desk.happened, on_alert=self.speaker.say,
            )  # fmt: skip
            self.unfinished = self.desk.start(self.running, venue, known.all())
            self.speaker.on_liquidation = self.desk.guard.seized
            await self._tasks(script)

    async def _tasks(self, script: Callable[[], Awaitable[None]]) -> None:
        run = asyncio.create_task(self.running.run())
        self.guardian = asyncio.create_task(self._guard())
        self.guardian.add_done_callback(self.speaker.guardian_ended)
        models = [model.run() for model in self.desk.models.values()]
        rest = [asyncio.create_task(each) for each in (self.desk.look_on(), self.speaker.run(), *models)]
        follow = asyncio.create_task(self._follow(script))
        try:
            await asyncio.wait({run, follow, *rest}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = [run, self.guardian, follow, *rest]
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        for end in [ends[0], *ends[2:]]:
            if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
                raise end

    async def _guard(self) -> None:
        await self.running.ready.wait()
        await self.desk.guard.run()

    async def _follow(self, script: Callable[[], Awaitable[None]]) -> None:
        await self.running.ready.wait()
        await self.desk.go_on()
        await self.wait(1)
        await script()

    def _settings(self) -> Any:
        return load_settings(config=None, overrides=self.overrides, environ={"HOME": "/"}).settings

    def _gate(self) -> Gate:
        made = Gate(
            instruments={SYMBOL: SIM}, limits=self.limits, key=b"k" * 32, level="L1", mode="live", account="live",
            venue="memory",
        )  # fmt: skip
        made.state = replace(made.state, live=LiveAuthority(scope=True, keys=True, flag=True))
        return made

    # ── what a script does ────────────────────────────────────────────────────

    async def wait(self, seconds: float) -> None:
        await self.clock.sleep_until(self.clock.now_ns() + int(seconds * NS_PER_S))

    async def signal(self, number: int, kind: str = "strong_buy", *, away: str = "0.01") -> str:
        """Take a signal of now, whose stop is a hundredth of the price away; returns its id."""
        at_ms = self.clock.now_ns() // NS_PER_MS
        side = -1 if kind == "strong_buy" else 1
        stop = self.exchange.price * (1 + side * Decimal(away))
        line = setup_line(
            number, kind, price=str(self.exchange.price), stop=f"{stop:.2f}", symbol=SYMBOL, ts_ms=at_ms,
            known_ms=at_ms,
        )  # fmt: skip
        row = json.loads(line)
        await self.desk.take(row)
        return str(row["signal_id"])

    async def order(self, command: Command) -> CommandAnswer:
        return await self.desk.orders.order(command)

    @property
    def waiting(self) -> list[str]:
        return [each.proposal.proposal_id for each in self.desk.approvals.waiting]

    @property
    def entries(self) -> list[Any]:
        """Return the entries that the exchange has ever seen."""
        orders = self.exchange.orders.values()
        return [s for s in orders if not s.asked.reduce_only and s.asked.conditional is None]

    @property
    def level(self) -> str:
        return self.desk.risk.ladder.level


def codes(record: Record) -> list[str]:
    return [reason["code"] for reason in record.body["reasons"]]


__all__ = ["SYMBOL", "LiveLife", "codes"]
