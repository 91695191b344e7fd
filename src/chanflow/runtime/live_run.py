"""A run of a desk at a real venue with test money: its journal in the data directory, its orders at the venue.

One run goes on for ever for one account at one venue, whatever settings and code: what it holds there goes on too. The
journal gives the account again as it was (`execution/restore.py`) and where its risk stood (`risk_past.py`), and the
venue is asked before anything opens. Whoever runs it may open doors on it, by which people approve, halt and ask.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import chanflow
from chanflow.domain.canonical import sha256_of
from chanflow.domain.errors import BooksDisagree, Retryable, Uncertain, VenueRejected
from chanflow.domain.instrument import Instrument
from chanflow.domain.time import NS_PER_DAY, NS_PER_MS, NS_PER_S, Clock, parse_rfc3339
from chanflow.execution.restore import Restored, restore
from chanflow.execution.running import TRIES, Running
from chanflow.market.quotes import Quotes
from chanflow.review.journal import JournalWriter, Record, read_records
from chanflow.risk.gate import Gate
from chanflow.risk.mode import RunMode
from chanflow.risk.state import LiveAuthority
from chanflow.runtime.alerts import TOPICS, Alerts
from chanflow.runtime.broker_desk import DeskTally
from chanflow.runtime.broker_run import told
from chanflow.runtime.clock import SystemRandomness
from chanflow.runtime.command_queue import CommandQueue
from chanflow.runtime.desk_door import DeskDoor, Doors
from chanflow.runtime.halt_file import halt_text
from chanflow.runtime.home import Home, RunFolder
from chanflow.runtime.judged import journal_question
from chanflow.runtime.live_desk import LiveDesk
from chanflow.runtime.live_market import LiveMarket
from chanflow.runtime.model_parts import MakeModel, Models, no_model, no_models
from chanflow.runtime.risk_past import Known
from chanflow.runtime.run import BESIDE_THE_OUTCOME, FORMAT, VENUE, code_digest
from chanflow.runtime.settings import Settings
from chanflow.runtime.signal_folder import SignalFolder
from chanflow.runtime.speaker import Speaker
from chanflow.runtime.strategies import shares_of
from chanflow.runtime.teller import Teller
from chanflow.runtime.venue_settings import VenueSettings
from chanflow.runtime.venues import RealVenue, real_venue, stored_keys, venue_quotes
from chanflow.runtime.wiring import limits_of

SETTLE_NS = 6 * NS_PER_S
"""How long orders under way are waited for at the end; a position without a stop is closed within 5 s."""
LOOK_NS = 50 * NS_PER_MS
SENTINEL_NS = NS_PER_S // 5
"""How often the halt file is looked for; it is looked for before every opening, too."""
RETOLD = 200
"""So many of the last records may hold an alert that was journaled and not told."""


class LiveRun:
    """Follows a folder and trades what it says at a venue."""

    def __init__(
        self,
        settings: Settings,
        venue: VenueSettings,
        home: Home,
        folder: Path,
        *,
        clock: Clock,
        accept_external: bool,
        on_note: Callable[[str], object],
    ) -> None:
        """Raise SettingsInvalid, NotFound and InvalidArgument where the venue's keys are not to be had."""
        self._settings, self._venue, self._home, self._clock = settings, venue, home, clock
        self._accept_external, self._on_note = accept_external, on_note
        self.alerts: Alerts | None = None
        """Who tells people of it; nobody where none is set."""
        self.doors: Doors | None = None
        """What opens doors on it; without, nobody can approve."""
        self.models: Models = no_models
        """What opens the models that decide; without, the rules do."""
        self._make_model: MakeModel = no_model
        self._signals = SignalFolder(folder, clock, on_note=on_note)
        self._keys = stored_keys(venue, home.root)
        self.account = f"{venue.name}-{venue.environment}"
        self.tally = DeskTally()

    @property
    def passed_over(self) -> Counter[str]:
        """How many lines were no signals, by what was wrong with them."""
        return self._signals.passed_over

    def run(
        self, *, once: bool, poll_s: float, stop: Event, on_progress: Callable[[DeskTally], object] = lambda _: None
    ) -> None:
        """Trade what is there, and unless `once` what comes, until `stop` is set. The caller holds the home's lock.

        Raises BooksDisagree where books and venue do not come to agree, VenueUnreachable, VenueRejected,
        JournalUnwritable. Stops stay at the venue however it ends.
        """
        work = self._run(once=once, poll_s=poll_s, stop=stop, on_progress=on_progress)
        asyncio.run(told(self.alerts, self.account, work))

    async def _run(self, *, once: bool, poll_s: float, stop: Event, on_progress: Callable[[DeskTally], object]) -> None:
        venue, quotes, market = await self._open()
        try:
            self._on_note(f"volatility: {market.describe()}")
            async with self.models() as self._make_model:
                await self._at_work(venue, market, once=once, poll_s=poll_s, stop=stop, on_progress=on_progress)
        finally:
            await quotes.close()
            await venue.close()

    async def _open(self) -> tuple[RealVenue, Quotes, LiveMarket]:
        """Return venue and market, opened. Raises BooksDisagree where five tries got no answer: that is not "flat"."""
        tries = 0
        while True:
            began_ns = self._clock.now_ns()
            venue = real_venue(
                self._venue, symbols=self._settings.symbols, home=self._home.root, clock=self._clock,
                randomness=SystemRandomness(),
            )  # fmt: skip
            quotes = venue_quotes(self._venue)
            market = LiveMarket(
                venue, quotes, self._clock, symbols=self._settings.symbols,
                sigma_prior=self._settings.risk.sizing.sigma_prior or None,
                max_hold_ns=self._settings.execution.max_hold_s * NS_PER_S, on_note=self._on_note,
            )  # fmt: skip
            try:
                await venue.open()
                await market.begin(began_ns)
            except BaseException as fault:
                await quotes.close()
                await venue.close()
                if not isinstance(fault, Retryable | Uncertain):
                    raise
                tries += 1
                if tries == TRIES:
                    raise BooksDisagree(f"{TRIES} tries to open {self.account} got no answer: {fault}") from fault
                self._on_note(f"{self.account} did not open: {fault}")
                await self._clock.sleep_until(self._clock.now_ns() + (NS_PER_S << tries))
            else:
                return venue, quotes, market

    async def _at_work(
        self, venue: RealVenue, market: LiveMarket, *, once: bool, poll_s: float, stop: Event,
        on_progress: Callable[[DeskTally], object],
    ) -> None:  # fmt: skip
        folder, records = self._journal()
        with closing(JournalWriter.after(folder.journal_path, records)) as journal:
            journal.use_clock(self._clock)
            self._head(journal, first=not records)
            instrument = market.instruments[self._settings.symbols[0]]
            known = Known(records)
            journal.listen(known.take)
            restored = await self._restore(venue, market, records, journal, instrument)
            teller = Teller(journal, self._clock, run_id=folder.path.name, alerts=self.alerts)
            desk = LiveDesk(
                self._settings,
                market=market,
                gate=self._gate(venue, market, journal),
                journal=journal,
                clock=self._clock,
                publish=teller.publish,
                sentinel=partial(halt_text, self._home.root),
                make_model=self._make_model,
            )
            self.tally = desk.tally
            speaker = Speaker(teller, self._clock, on_note=self._on_note)
            running = Running(
                router=restored.router, venue=venue, journal=journal, clock=self._clock, quote=instrument.quote,
                read=restored.read, on_happened=desk.happened, on_alert=speaker.say,
            )  # fmt: skip
            unfinished = desk.start(running, venue, known.all())
            if desk.unread is not None:
                self._on_note(f"{desk.unread}: the ladder is at L0 until a person reviews it")
            speaker.on_liquidation = desk.guard.seized
            await self._told_before(teller, records)
            work = asyncio.create_task(running.run(accept_difference=self._accept_external))
            guardian = asyncio.create_task(_guard(desk, running), name="guardian")
            guardian.add_done_callback(speaker.guardian_ended)
            follow = asyncio.create_task(
                self._follow(desk, running, unfinished, once=once, poll_s=poll_s, stop=stop, on_progress=on_progress)
            )
            keep = [
                asyncio.create_task(each)
                for each in (
                    market.keep(desk.new_rules), desk.look_on(), speaker.run(), self._obey(desk, running),
                    *(model.run() for model in desk.models.values()),
                )
            ]  # fmt: skip
            await _first_to_end(work, follow, keep, beside=guardian)

    async def _obey(self, desk: LiveDesk, running: Running) -> None:
        """Do what people order at the doors, and heed the halt file, until cancelled."""
        queue = CommandQueue(self._clock, self._clock.now_ns)
        queue.open()
        async with AsyncExitStack() as stack:
            stack.callback(queue.close)
            if self.doors is not None:
                door = DeskDoor(running.router, desk.risk_view, queue, by_hand=True)
                await stack.enter_async_context(self.doors(door))
            await running.ready.wait()
            while True:
                await desk.orders.heed_sentinel()
                await desk.approvals.expire()
                while await desk.orders.take(queue):
                    pass
                await queue.sleep(self._clock.sleep_until(self._clock.now_ns() + SENTINEL_NS))

    async def _told_before(self, teller: Teller, records: list[Record]) -> None:
        """Tell what the last process journaled and may not have told: an alert's id keeps it from being told twice."""
        now_ns = self._clock.now_ns()
        for record in records[-RETOLD:]:
            at_ns = parse_rfc3339(record.at)
            if record.kind in TOPICS and now_ns - at_ns < NS_PER_DAY:
                await teller.tell(record.kind, record.body, number=record.seq, at_ns=at_ns)

    async def _follow(
        self, desk: LiveDesk, running: Running, unfinished: list[Mapping[str, Any]], *, once: bool, poll_s: float,
        stop: Event, on_progress: Callable[[DeskTally], object],
    ) -> None:  # fmt: skip
        if not await self._is_ready(running, stop):
            return
        self._on_note(f"books and {self.account} agree: equity {running.router.equity_quote}")
        await desk.go_on()
        for row in unfinished:
            await desk.take(row, again=True)
        while not stop.is_set():
            before = desk.tally.signals
            for row in self._signals.new():
                await desk.take(row)
                if stop.is_set():
                    break
            if once and not desk.approvals.waiting and not any(model.thinks for model in desk.models.values()):
                break
            if desk.tally.signals != before:
                on_progress(desk.tally)
            await self._pause(poll_s, stop)
        await self._leave(running)

    async def _is_ready(self, running: Running, stop: Event) -> bool:
        """Wait until openings are allowed; returns False where the desk is told to stop before."""
        while not running.ready.is_set():
            if stop.is_set():
                return False
            await self._clock.sleep_until(self._clock.now_ns() + LOOK_NS)
        return True

    async def _pause(self, poll_s: float, stop: Event) -> None:
        until_ns = self._clock.now_ns() + int(poll_s * NS_PER_S)
        while not stop.is_set() and self._clock.now_ns() < until_ns:
            await self._clock.sleep_until(min(until_ns, self._clock.now_ns() + LOOK_NS))

    async def _leave(self, running: Running) -> None:
        """Cancel entries that live, wait until nothing is under way, and say what stays."""
        router, until_ns = running.router, self._clock.now_ns() + SETTLE_NS
        for order in [o for o in router.orders.values() if o.leg == "entry" and not o.state.terminal]:
            if order.state != "submitted":
                await running.cancel(order.client_order_id)
        while self._clock.now_ns() < until_ns:
            entries = [o for o in router.orders.values() if o.leg == "entry" and not o.state.terminal]
            bare = [p for p in router.snapshot().positions if p.stop_price is not None and not p.protected]
            if not (entries or bare or router.inquiries or running.protection.naked()):
                break
            await self._clock.sleep_until(self._clock.now_ns() + LOOK_NS)
        for position in router.snapshot().positions:
            held = f"{position.symbol} {position.qty_base} stays open at {self.account}"
            stop = f"its stop at {position.stop_price} stands there" if position.protected else "NO STOP stands there"
            self._on_note(f"{held}, and {stop}")
        if not router.snapshot().positions:
            self._on_note(f"nothing is open at {self.account}")

    # ── what it is made of ────────────────────────────────────────────────────

    def _gate(self, venue: RealVenue, market: LiveMarket, journal: JournalWriter) -> Gate:
        """Return a gate whose approvals die with this process: its key is nobody else's."""
        settings = self._settings
        # Test money, but trading as with any: below L3 each opening waits for a person.
        mode: RunMode = "live" if settings.execution.mode == "paper" else settings.execution.mode
        gate = Gate(
            instruments={symbol: market.instruments[symbol] for symbol in settings.symbols},
            limits=limits_of(settings.risk), key=SystemRandomness().stream("gate").randbytes(32),
            level="L1", mode=mode, account=self.account, venue=venue.name,
            quiet_may_open=settings.risk.quiet_may_open, on_question=partial(journal_question, journal),
            strategy_shares=shares_of(settings),
        )  # fmt: skip
        # Whoever started this desk named the venue in its settings and has unlocked the keys.
        gate.state = replace(gate.state, live=LiveAuthority(scope=True, keys=True, flag=True))
        return gate

    async def _restore(
        self, venue: RealVenue, market: LiveMarket, records: list[Record], journal: JournalWriter,
        instrument: Instrument,
    ) -> Restored:  # fmt: skip
        """Return the account as the journal knows it; a new one begins with what is in the wallet."""
        capital = Decimal(0)
        if not any(r.kind == "ledger" for r in records):
            wallets = {b.asset: b.wallet for b in await venue.balances()}
            capital = wallets.get(instrument.quote, Decimal(0))
            if capital <= 0:
                raise VenueRejected(
                    f"there is no {instrument.quote} in the wallet of {self.account}: nothing can be traded"
                )
        return restore(
            records, account=self.account, venue=venue, instruments=market.instruments, journal=journal,
            clock=self._clock, capital_quote=capital,
        )  # fmt: skip

    def _journal(self) -> tuple[RunFolder, list[Record]]:
        """Return the account's run and what its journal holds; its signals are noted as taken."""
        named = {"account": self.account, "rest_url": self._venue.rest_url, "key": self._keys.key}
        run_id = f"{VENUE}-{sha256_of(named)[:8]}"
        folder = next((f for f in self._home.runs() if f.run_id == run_id), None)
        if folder is None:
            return self._home.new_run(run_id), []
        path = folder.journal_path
        records = list(read_records(path, torn_tail=True)) if path.exists() else []
        self._signals.done(str(r.body["signal_id"]) for r in records if r.kind == "signal")
        self._on_note(f"going on with run {folder.number}, which has {len(records)} records")
        return folder, records

    def _head(self, journal: JournalWriter, *, first: bool) -> None:
        dumped = self._settings.model_dump(mode="json", exclude=BESIDE_THE_OUTCOME)
        code = {"version": chanflow.__version__, "sha256": code_digest()}
        now = {"settings": dumped, "settings_hash": sha256_of(dumped), "code": code}
        if not first:
            journal.append("started", now, durable=True)
            return
        journal.append(
            "head",
            {
                "format": FORMAT, "run_id": VENUE, "segment": 1, "previous": None, "seed": 0, "level": None,
                "source": {"kind": VENUE, "venue": self._venue.name, "environment": self._venue.environment},
                "instrument": None, **now,
            },
            durable=True,
        )  # fmt: skip


async def _guard(desk: LiveDesk, running: Running) -> None:
    """Let the guardian look once books and venue were compared."""
    await running.ready.wait()
    await desk.guard.run()


async def _first_to_end(
    work: asyncio.Task[None], follow: asyncio.Task[None], keep: list[asyncio.Task[None]], *, beside: asyncio.Task[None]
) -> None:
    """Run until one ends, end the others, and raise what any of them raised; the end of `beside` ends nothing."""
    tasks = [work, follow, *keep]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (beside, *tasks):
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(beside, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException) and not isinstance(end, asyncio.CancelledError):
            raise end
