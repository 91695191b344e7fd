"""The desk in one page: what happens to a stretch of the market, stage by stage. Read this first.

```
market ─► features ─► signals ─► analyst ─► risk ─► execution ─► venue
                                    ▲                    │
                                    └───── monitor ◄─────┘         review reads the journal
```

`Pipeline.step` takes the market up to a moment. What it saw goes to the venue first (fills of orders that stood),
then to features, monitor and signals. What a stage concludes travels to the next as a message on the bus; the step
ends when no message is left. Rows stay in the compiled core and cross in batches.

Every conclusion is journaled before it is published, so the journal alone tells why anything happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.rules import propose
from chanflow.analyst.sections import Task
from chanflow.domain.account import Position
from chanflow.domain.canonical import plain
from chanflow.domain.flow import FlowWindow
from chanflow.domain.journal import Journal
from chanflow.domain.market_data import LEVEL_MS, LEVEL_UP, Bar, Touch
from chanflow.domain.message import Envelope, Topic
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import ApprovedOrder, OrderEvent, Reason, Refused, approved_payload
from chanflow.domain.request import ASKED_ABOUT, AnalysisRequest
from chanflow.domain.signal import Signal
from chanflow.domain.structure import Confirmed, StructureNews
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Ids
from chanflow.execution.heartbeat import Heartbeat
from chanflow.execution.router import Happened, Router
from chanflow.features.level import LevelStructure
from chanflow.features.orderflow import FlowTracker
from chanflow.market.ports import MarketSource
from chanflow.market.quality import window_quality
from chanflow.monitor.fast_slow import FastSlow
from chanflow.monitor.ports import TriggerStore
from chanflow.monitor.watch import Fired, Watch
from chanflow.risk.gate import Gate
from chanflow.risk.guardian import Mark
from chanflow.risk.halt import HaltKind
from chanflow.risk.ladder import LADDER, Level
from chanflow.risk.market_view import MarketView
from chanflow.risk.view import RiskView
from chanflow.risk.volatility import MINUTE_MS, MinuteStats
from chanflow.runtime.bus.port import Delivery
from chanflow.runtime.bus.sqlite import SqliteBus
from chanflow.runtime.clock import SimulatedClock
from chanflow.runtime.codec import decode, decode_approval
from chanflow.runtime.deliberation import decision_id_of, wake_of
from chanflow.runtime.judged import journal_decision
from chanflow.runtime.market_reader import MarketReader, SeenMarket, journal_state
from chanflow.runtime.monitor_desk import MonitorDesk
from chanflow.runtime.registration import rearming, registration
from chanflow.runtime.risk_desk import RiskDesk
from chanflow.signals.ports import SetupRule

if TYPE_CHECKING:
    from chanflow_native import BarBuilder, EventBatch

    from chanflow.adapters.venues.simulated import SimulatedVenue
    from chanflow.market.sink import RowSink
    from chanflow.runtime.analysis_schedule import AnalysisSchedule
    from chanflow.runtime.model_room import ModelRoom
    from chanflow.runtime.point_measures import Measures

STAGES = ("market", "features", "signals", "analyst", "risk", "execution", "monitor", "review")
"""The stages, in the order in which a stretch of the market meets them."""

BOOK_LEVELS = 100
"""So deep the gate sees the book: what a market order would sweep beyond that is refused as too thin."""

FUNDING_FRAC = Decimal(0)
"""The simulated venue charges no funding."""

WATERMARK_NS = 250 * NS_PER_MS
"""How long after its end a bar waits for stragglers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The figures that shape a run."""

    run_id: str
    level: str
    flow_bins: int
    freshness_ns: int
    max_hold_ns: int
    reward_risk: Decimal
    active_step_ns: int
    daily_loss_closes: bool = False
    strategy: str = "default"


@dataclass(slots=True)
class Counts:
    """What a live display shows."""

    events: int = 0
    bars: int = 0
    signals: int = 0
    proposals: int = 0
    refusals: int = 0
    orders: int = 0
    fills: int = 0
    trades: int = 0


@dataclass(frozen=True, slots=True)
class Stages:
    """The parts of the desk, wired by `runtime/wiring.py`."""

    source: MarketSource
    lake: RowSink
    flow: FlowTracker
    bars: BarBuilder
    upper_bars: BarBuilder
    minute_bars: BarBuilder
    minutes: MinuteStats
    structure: LevelStructure
    upper_structure: LevelStructure
    setups: SetupRule
    gate: Gate
    router: Router
    venue: SimulatedVenue
    watch: Watch
    triggers: TriggerStore
    swing: FastSlow
    bus: SqliteBus
    journal: Journal
    clock: SimulatedClock
    ids: Ids


class Pipeline:
    """One symbol's way through the stages."""

    def __init__(self, plan: Plan, stages: Stages, on_bar: Callable[[Bar], None] = lambda _: None) -> None:
        self.plan = plan
        self.s = stages
        self.counts = Counts()
        self.symbol = stages.source.instrument.symbol
        self._on_bar = on_bar
        self.touch = Touch(0, None, None, None, None, None)
        self.quote_ns: int | None = None
        """When the newest best quotes were given, Unix ns; None before the first."""
        self.room: ModelRoom | None = None
        """Where a model decides; without it the rules do."""
        self.schedule: AnalysisSchedule | None = None
        """When a decision is asked for although nothing happened."""
        self.reader = MarketReader(stages, plan.flow_bins)
        self.measures: Measures = {}
        """What certificates measured of points, by level."""
        self._until_ms = 0
        self._unsaid = False
        self._fired: list[Fired] = []
        self.monitor = MonitorDesk(
            stages.watch, stages.triggers, bus=stages.bus, journal=stages.journal, clock=stages.clock,
            envelope=lambda topic, payload, correlation: self._envelope(topic, payload, correlation, None),
            price=lambda: _decimal(self.touch.mid),
        )  # fmt: skip
        self._looked = stages.router.monitor = Heartbeat(who="monitor")
        self.risk = RiskDesk(
            gate=stages.gate, router=stages.router, venue=stages.venue, journal=stages.journal, clock=stages.clock,
            publish=self._publish, daily_loss_closes=plan.daily_loss_closes,
        )  # fmt: skip
        self._subscribe()

    def _subscribe(self) -> None:
        bus = self.s.bus
        bus.subscribe("signal", group="analyst", handler=self._analyse_signal)
        bus.subscribe("re_analysis_trigger", group="analyst", handler=self._analyse_position)
        bus.subscribe("analysis_request", group="analyst", handler=self._analyse_request)
        bus.subscribe("trade_proposal", group="risk", handler=self._judge)
        bus.subscribe("approved_order", group="execution", handler=self._execute, on_dead="block")
        self.monitor.subscribe(bus)

    async def open(self) -> None:
        """Take up what the bus keeps of an earlier process."""
        await self.monitor.open()

    # ── the way through ───────────────────────────────────────────────────────

    def next_wake_ns(self, now_ns: int) -> int:
        """Return when to look again: each second while something is at stake, else when a bar closes."""
        step = self.plan.active_step_ns if self._at_stake() else LEVEL_MS[self.plan.level] * NS_PER_MS
        return ((now_ns - WATERMARK_NS) // step + 1) * step + WATERMARK_NS

    def _at_stake(self) -> bool:
        return self.s.venue.live or self.s.watch.armed(self.symbol) > 0

    async def step(self, until_ns: int) -> None:
        """Take the market up to `until_ns` (event time) and act on it until nothing is left to do."""
        batch = self.s.source.next(until_ns)
        self._until_ms = until_ns // NS_PER_MS
        self.s.clock.advance_to(max(until_ns, self.s.clock.now_ns(), batch.last_known_ns or 0))
        self._read_market(batch)
        await self._hear_venue(batch)
        closed = self._read_features(batch)
        await self._watch_positions()
        await self._checkpoint(closed)
        for bar, confirmed in closed:
            await self._signal(bar, confirmed)
        await self._ask_on_schedule()
        await self._settle()
        await self._mark_account(journal=bool(closed))
        await self._tell_fired()
        await self._settle()

    async def close(self) -> None:
        """End the run: the last bin is closed, the books are compared with the venue's, the journal gets its end."""
        self.s.flow.finish()
        for stroke in self.s.structure.tail():
            self.s.journal.append("stroke", stroke)
        await self._mark_account(journal=True)
        await self._settle()
        await self.s.router.reconcile()
        self._journal_account()
        self.s.journal.append(
            "end",
            {"events": self.counts.events, "bars": self.counts.bars, "feature_rows": self.s.flow.rows,
             "features_sha256": self.s.flow.digest, "book": self.s.flow.stats(),
             "max_drawdown_frac": self.s.router.max_drawdown_frac, "ladder": self.s.gate.level,
             "triggers_armed": self.s.watch.armed(self.symbol)},
            durable=True,
        )  # fmt: skip

    @property
    def last_price(self) -> float | None:
        """The middle of the best quotes, or None before the first."""
        return self.touch.mid

    # ── market ────────────────────────────────────────────────────────────────

    def _read_market(self, batch: EventBatch) -> None:
        self.counts.events += len(batch)
        self.s.lake.add(batch)
        if len(batch) == 0:
            self.touch = Touch(self.s.clock.now_ns(), None, None, None, self.touch.bid, self.touch.ask)
            return
        bid = batch.bid if batch.bid is not None else self.touch.bid
        ask = batch.ask if batch.ask is not None else self.touch.ask
        if batch.bid is not None:
            self.quote_ns = batch.last_event_ns
        self.touch = Touch(self.s.clock.now_ns(), batch.trade_low, batch.trade_high, batch.last_price, bid, ask)

    # ── execution hears the venue ─────────────────────────────────────────────

    async def _hear_venue(self, batch: EventBatch) -> None:
        before = self.counts.fills
        for event in self.s.venue.push(batch):
            happened = self.s.router.hear(event)
            if happened is not None:
                await self._tell(happened)
        await self._mark_account(journal=False)
        if self.counts.fills != before:
            self._journal_account()
        await self._guard(heard=self.counts.fills != before)

    async def _guard(self, *, heard: bool) -> None:
        """Let the guardian look at the account, before anything new is thought of."""
        mid, quoted_ns = self.touch.mid, self.quote_ns
        marks = {} if mid is None or quoted_ns is None else {self.symbol: Mark(Decimal(repr(mid)), quoted_ns)}
        await self.risk.look(marks, heard=heard)

    def _journal_account(self) -> None:
        """Write down the account, so that it can be read without running the desk."""
        self.s.journal.append("account", self.s.router.snapshot())

    async def _tell(self, happened: Happened) -> None:
        await self._publish("order_event", happened.event, correlation=happened.event.client_order_id)
        self._fired += self.s.watch.on_order(happened.event, now_ns=self.s.clock.now_ns())
        if happened.fill is not None:
            self.counts.fills += 1
            await self._publish("fill", happened.fill, correlation=happened.event.client_order_id)
        if happened.trade is not None:
            self.counts.trades += 1
            await self.risk.closed(happened.trade)
            await self.monitor.disarm(happened.trade.position_id)
        if happened.event.leg == "entry":
            self._release(happened.event)
            await self._forget_unopened(happened.event)

    def _release(self, event: OrderEvent) -> None:
        """The order now stands in the account, so the room its approval held is given back."""
        order = self.s.router.orders[event.client_order_id]
        self.s.gate.release(order.approved_id)

    async def _forget_unopened(self, event: OrderEvent) -> None:
        """An entry that ended without a fill has opened nothing, so there is nothing to watch."""
        if event.state.terminal and event.filled_base == 0 and self._position(None) is None:
            await self.monitor.disarm(self.s.router.orders[event.client_order_id].position_id)

    async def _mark_account(self, *, journal: bool) -> None:
        mid = self.touch.mid
        if mid is None:
            return
        mark = Decimal(repr(mid))
        self.s.router.mark(self.symbol, mark)
        account = self.s.router.snapshot()
        await self.risk.marked(account)
        self._fired += self.s.watch.on_account(account, now_ns=self.s.clock.now_ns())
        if journal:
            self.s.journal.append("mark", {"price": mark, "equity_quote": account.equity_quote,
                                           "wallet_quote": account.wallet_quote})  # fmt: skip

    # ── features ──────────────────────────────────────────────────────────────

    def _read_features(self, batch: EventBatch) -> list[tuple[Bar, Confirmed]]:
        """Return the bars that closed, each with what it confirmed."""
        self.s.flow.push(batch)
        if self.room is not None:
            self.room.read(batch, self._until_ms)
        for bar in _bars(self.s.minute_bars, batch, self._until_ms, MINUTE_MS):
            self.s.minutes.push(bar.ts_ms, Decimal(repr(bar.close)), Decimal(repr(bar.amount)))
            self.reader.minute(bar)
            self._swing(bar)
            self._candle(bar, "1m", ())
        upper = LEVEL_UP[self.plan.level]
        for bar in _bars(self.s.upper_bars, batch, self._until_ms, LEVEL_MS[upper]):
            self._candle(bar, upper, self.s.upper_structure.push(bar).news)
        closed = []
        for bar in _bars(self.s.bars, batch, self._until_ms, LEVEL_MS[self.plan.level]):
            self.counts.bars += 1
            self._on_bar(bar)
            self.reader.bar(bar)
            confirmed = self.s.structure.push(bar)
            self._candle(bar, self.plan.level, confirmed.news)
            closed.append((bar, confirmed))
        return closed

    # ── monitor ───────────────────────────────────────────────────────────────

    def _candle(self, bar: Bar, level: str, news: Sequence[StructureNews]) -> None:
        """Let the watch know of a closed candle, and of what its structure told with it."""
        watch, now_ns = self.s.watch, self.s.clock.now_ns()
        self._fired += watch.on_candle(self.symbol, level, bar.close_ms, now_ns=now_ns)
        for each in news:
            self._fired += watch.on_structure(self.symbol, level, each, now_ns=now_ns)

    def _swing(self, minute: Bar) -> None:
        ratio = self.s.swing.push(minute.ts_ms, minute.close)
        if ratio is not None:
            self._fired += self.s.watch.on_volatility(self.symbol, ratio, now_ns=self.s.clock.now_ns())

    async def _watch_positions(self) -> None:
        watch, now_ns = self.s.watch, self.s.clock.now_ns()
        for flow in self.s.flow.fresh():
            self._fired += watch.on_bin(self.symbol, flow, now_ns=now_ns)
        self._fired += watch.on_touch(self.symbol, self.touch, now_ns=now_ns, quoted_ns=self.quote_ns)
        self._looked.last_ns = now_ns
        await self._tell_fired()

    async def _tell_fired(self) -> None:
        fired, self._fired = self._fired, []
        self._unsaid |= await self.monitor.tell(fired)

    async def _checkpoint(self, closed: Sequence[object]) -> None:
        """With each bar that closes, let the monitor keep where the market stands."""
        if closed and (price := _decimal(self.touch.last)) is not None:
            await self.monitor.seen(self.symbol, price)

    # ── signals ───────────────────────────────────────────────────────────────

    async def _signal(self, bar: Bar, confirmed: Confirmed) -> None:
        for stroke in confirmed.strokes:
            self.s.journal.append("stroke", stroke)
        for point in confirmed.points:
            self.s.journal.append("point", point)
        decisions = self.s.setups.on_bar(
            bar,
            confirmed,
            self._window(bar.close_ms),
            known_ms=self.s.clock.now_ns() // NS_PER_MS,
            trend=self.s.upper_structure.direction,
        )
        for signal in decisions:
            self.counts.signals += 1
            if signal.confirm:
                await self._publish("signal", signal, correlation=signal.signal_id)
            else:
                self.s.journal.append("signal", signal, correlation_id=signal.signal_id)

    def _window(self, end_ms: int) -> FlowWindow:
        return self.s.flow.window(end_ms, self.plan.flow_bins)

    # ── analyst ───────────────────────────────────────────────────────────────

    async def _analyse_signal(self, message: Envelope, delivery: Delivery) -> None:
        signal = decode(Signal, message.payload)
        if self.s.clock.now_ns() > (signal.known_ms + signal.expiry_ms) * NS_PER_MS:
            self.s.journal.append("signal_expired", {"signal_id": signal.signal_id})
            return
        await self._decide(message, delivery, signal=signal)

    async def _analyse_position(self, message: Envelope, delivery: Delivery) -> None:
        fired = decode(Fired, message.payload)
        await self._decide(message, delivery, fired=fired)

    async def _analyse_request(self, message: Envelope, delivery: Delivery) -> None:
        await self._decide(message, delivery, request=decode(AnalysisRequest, message.payload))

    async def _decide(
        self, message: Envelope, delivery: Delivery, *, signal: Signal | None = None, fired: Fired | None = None,
        request: AnalysisRequest | None = None,
    ) -> None:  # fmt: skip
        """Let the rules answer at once, or the model when it comes to it."""
        if self.room is None:
            self._propose(message, delivery, signal=signal, fired=fired, request=request)
            return
        wake = wake_of(self.plan.run_id, self.symbol, self.s.clock.now_ns(), signal, fired, request)
        proposal = await self.room.deliberation.take(wake)
        if proposal is not None:
            self.counts.proposals += 1
            self._conclude(delivery, message, "trade_proposal", proposal, correlation=proposal.decision_id)

    def _propose(
        self, message: Envelope, delivery: Delivery, *, signal: Signal | None, fired: Fired | None,
        request: AnalysisRequest | None,
    ) -> None:  # fmt: skip
        now_ns = self.s.clock.now_ns()
        position_id = None if fired is None else fired.position_id
        trigger_kind: str | None = None if fired is None else fired.kind
        trigger_note = None if fired is None else fired.note
        if request is not None and request.position_id is not None:
            position_id, trigger_kind, trigger_note = request.position_id, "request", ASKED_ABOUT
        decision_id = str(message.id) if request is None else request.decision_id
        more = None if request is None else {"request_id": request.request_id, "why": request.reason}
        journal_decision(self.s.journal, decision_id, signal=signal, fired=fired, at_ns=now_ns, more=more)
        journal_state(self.s.journal, decision_id, self.seen())
        proposal = propose(
            Briefing(
                decision_id=decision_id,
                as_of_ns=now_ns,
                symbol=self.symbol,
                level=self.plan.level,
                instrument=self.s.source.instrument,
                bid=_decimal(self.touch.bid),
                ask=_decimal(self.touch.ask),
                flow=self._window(now_ns // NS_PER_MS),
                position=self._position(position_id),
                max_leverage=LADDER[self.s.gate.level].max_leverage,
                valid_for_ns=self.plan.freshness_ns,
                max_hold_ns=self.plan.max_hold_ns,
                reward_risk=self.plan.reward_risk,
                strategy=self.plan.strategy,
                signal=signal,
                trigger_kind=trigger_kind,
                trigger_note=trigger_note,
                task=None if request is None else Task(request.reason, (), request.deadline_ns, request.requested_by),
            )
        )
        self.counts.proposals += 1
        self._conclude(delivery, message, "trade_proposal", proposal, correlation=proposal.decision_id)

    def seen(self) -> SeenMarket:
        """Return what the market and the account look like now."""
        losses = self.risk.steps.straight_losses(self.s.router.snapshot())
        return self.reader.read(losses, funding_frac=float(FUNDING_FRAC))

    def _position(self, position_id: str | None) -> Position | None:
        held = [p for p in self.s.router.snapshot().positions if p.symbol == self.symbol]
        return next((p for p in held if position_id in (None, p.position_id)), None)

    # ── risk ──────────────────────────────────────────────────────────────────

    async def _judge(self, message: Envelope, delivery: Delivery) -> None:
        proposal = decode(TradeProposal, message.payload)
        if proposal.action in ("hold", "abstain"):
            return
        now_ns = self.s.clock.now_ns()
        account, market = self.s.router.snapshot(), self._market_view(now_ns)
        for verdict in self.s.gate.judge_legs(proposal, account, market, now_ns=now_ns):
            if isinstance(verdict, Refused):
                self.counts.refusals += 1
                self._conclude(delivery, message, "refusal", verdict, correlation=proposal.decision_id)
            else:
                payload = approved_payload(verdict)
                self._conclude(delivery, message, "approved_order", payload, correlation=proposal.decision_id)

    def _market_view(self, now_ns: int) -> MarketView:
        quality = window_quality(
            at_ns=now_ns, last_quote_ns=self.quote_ns, bid=self.touch.bid, ask=self.touch.ask,
            book_ok=self.s.flow.book_ok,
        )  # fmt: skip
        mid = self.touch.mid
        bids, asks = self.s.flow.book(BOOK_LEVELS)
        # The simulated venue's rules stand for the run, and its clock is ours.
        return MarketView(
            None if mid is None else Decimal(repr(mid)), self.quote_ns, quality.ok,
            sigma_frac=self.s.minutes.sigma_frac, volume_1m_quote=self.s.minutes.volume_1m_quote, rules_ns=now_ns,
            clock_offset_ms=0, funding_frac=FUNDING_FRAC, bids=bids, asks=asks,
        )  # fmt: skip

    # ── execution ─────────────────────────────────────────────────────────────

    async def _execute(self, message: Envelope, delivery: Delivery) -> None:
        approved = self.s.gate.admit(message.payload, decode_approval)
        if approved.terms.protects:
            moved = await self.s.router.protect(approved)
            if not moved.denied:
                self._rearm(message, delivery, approved, moved.position_id)
            return
        event = await self.s.router.execute(approved)
        self.counts.orders += 1
        self._conclude(delivery, message, "order_event", event, correlation=approved.decision_id)
        self._fired += self.s.watch.on_order(event, now_ns=self.s.clock.now_ns())
        self.s.gate.release(approved.approved_id)
        if event.state.terminal and event.filled_base == 0:
            return
        position_id = self.s.router.orders[event.client_order_id].position_id
        if approved.terms.reduce_only:
            self._rearm(message, delivery, approved, position_id)
        else:
            payload = registration(
                approved, position_id, price=_decimal(self.touch.mid), standing=self._position(position_id),
                now_ns=self.s.clock.now_ns(), max_hold_ns=self.plan.max_hold_ns,
                inputs=self.s.watch.inputs,
            )  # fmt: skip
            self._conclude(delivery, message, "register_triggers", payload, correlation=approved.decision_id)

    def _rearm(self, message: Envelope, delivery: Delivery, approved: ApprovedOrder, position_id: str) -> None:
        """Let the triggers of what was done about a position replace those it has."""
        payload = rearming(
            approved, self.s.watch.watched(position_id), standing=self._position(position_id),
            max_hold_ns=self.plan.max_hold_ns, inputs=self.s.watch.inputs,
        )  # fmt: skip
        if payload is not None:
            self._conclude(delivery, message, "register_triggers", payload, correlation=approved.decision_id)

    # ── by hand ───────────────────────────────────────────────────────────────

    async def order(self, proposal: TradeProposal) -> None:
        """Let a proposal that was made by hand go the way of every other, until nothing is left to do."""
        self.counts.proposals += 1
        await self._publish("trade_proposal", proposal, correlation=proposal.decision_id)
        await self._settle()

    def out_of_sight(self, symbol: str, level: str | None, position_id: str | None) -> Reason | None:
        """Return why this desk cannot be asked about something, None where it can."""
        if symbol != self.symbol:
            return Reason("symbol", f"this desk looks at {self.symbol}, not at {symbol}")
        if level not in (None, self.plan.level):
            return Reason("level", f"this desk decides at {self.plan.level}, not at {level}")
        if position_id is not None and self._position(position_id) is None:
            return Reason("position", f"no position {position_id} is open")
        return None

    async def request(self, request: AnalysisRequest) -> None:
        """Let the analyst look at a symbol or a position because it was asked for, until nothing is left to do."""
        await self._publish("analysis_request", request, correlation=request.decision_id)
        await self._settle()

    async def _ask_on_schedule(self) -> None:
        now_ns = self.s.clock.now_ns()
        if self.schedule is None or not self.schedule.due(now_ns):
            return
        name = f"schedule:{self.symbol}:{now_ns}"
        request = AnalysisRequest(
            name, decision_id_of(self.plan.run_id, name, now_ns), self.symbol, self.plan.level, "schedule", "schedule",
            now_ns + self.plan.freshness_ns,
        )  # fmt: skip
        await self._publish("analysis_request", request, correlation=request.decision_id)

    async def alert(self, severity: str, title: str, body: str, key: str) -> None:
        """Tell people through the bus."""
        told = {"severity": severity, "title": title, "body": body, "dedupe_key": key,
                "at_ns": self.s.clock.now_ns(), "source": "analyst"}  # fmt: skip
        await self._publish("alert", told, correlation=key)

    async def cancel(self, client_order_id: str) -> None:
        """Ask the venue to cancel an order. Raises KeyError for one that is not ours."""
        event = await self.s.router.cancel(client_order_id)
        await self._publish("order_event", event, correlation=client_order_id)
        await self._settle()

    async def halt(self, kind: HaltKind, reason: str, *, close: bool) -> None:
        """Open nothing from now on; with `close` positions are closed at once."""
        await self.risk.halt(kind, reason, close=close)
        await self._guard(heard=True)
        await self._settle()

    async def resume(self, note: str) -> tuple[Reason, ...]:
        """Let the desk open again. Returns every reason why it must stay halted."""
        return await self.risk.resume(note, sentinel=False)

    async def set_level(self, level: Level, *, who: str, note: str) -> tuple[Reason, ...]:
        """Lower the ladder's level, or lead it out of L0. Returns why not."""
        reasons = await self.risk.set_level(level, who=who, note=note)
        await self._settle()
        return reasons

    async def lift_wall(self, *, who: str, note: str) -> tuple[Reason, ...]:
        """Lift the soft loss wall. Returns why not."""
        reasons = await self.risk.lift_wall(who=who, note=note)
        await self._settle()
        return reasons

    def risk_view(self) -> RiskView:
        """Return where risk stands now, for those who ask."""
        now_ns = self.s.clock.now_ns()
        return RiskView(
            self.s.router.snapshot(), self._market_view(now_ns), self.s.gate.rules, self.s.gate.state,
            self.risk.ladder, self.risk.missing(), now_ns,
        )  # fmt: skip

    async def _settle(self) -> None:
        if self._unsaid:
            await self.s.bus.drain()
            self._unsaid = False

    # ── messages ──────────────────────────────────────────────────────────────

    def _conclude(self, delivery: Delivery, cause: Envelope, topic: Topic, payload: Any, *, correlation: str) -> None:
        """Journal a conclusion and publish it together with the acknowledgement of what caused it."""
        envelope = self._envelope(topic, payload, correlation, cause.id)
        self.s.journal.append(topic, envelope.payload, correlation_id=correlation)
        delivery.publish(envelope)

    async def _publish(self, topic: Topic, payload: Any, *, correlation: str) -> None:
        """Journal and publish what came from outside the bus: the market or the venue."""
        envelope = self._envelope(topic, payload, correlation, None)
        self.s.journal.append(topic, envelope.payload, correlation_id=correlation)
        await self.s.bus.publish(envelope)
        self._unsaid = True

    def _envelope(self, topic: Topic, payload: Any, correlation: str, cause: UUID | None) -> Envelope:
        now_ns = self.s.clock.now_ns()
        return Envelope(self.s.ids.uuid7(), topic, 1, now_ns, now_ns, correlation, cause, "desk", self.symbol,
                        plain(payload))  # fmt: skip


def _bars(builder: BarBuilder, batch: EventBatch, clock_ms: int, interval_ms: int) -> list[Bar]:
    """Return the bars that this batch, or the passing of time, has closed."""
    rows = builder.push(batch) + builder.advance(clock_ms)
    return [Bar(row[0], interval_ms, *row[1:]) for row in rows]


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value))


__all__ = ["NS_PER_S", "STAGES", "Counts", "Pipeline", "Plan", "Stages"]
