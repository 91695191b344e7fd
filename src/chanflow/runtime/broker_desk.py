"""The broker's desk: a signal in, and through analyst, gate and venue, in that order and with no way round.

Its market is what the signals tell, and its time is theirs. The journal begins with a `head`; every signal taken is a
`signal` record, written before it has any effect. So a killed broker goes on by taking the same signals again, each
record compared with the one that stands, and a replay gives the journal byte for byte. What people order of its risk
is a `command` record, taken again at its place in the same way.

The guardian looks at every signal, before anything is proposed and after it was sent: in between no time passes here,
and a symbol's market stands as it was last told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.rules import propose
from chanflow.domain.canonical import plain
from chanflow.domain.errors import InvalidArgument, JournalDiverged, NotFound
from chanflow.domain.market_data import LEVEL_MS, Touch
from chanflow.domain.opinion import Side, TradeProposal
from chanflow.domain.order import ApprovedOrder, OrderEvent, OrderState, Refused, approved_payload
from chanflow.domain.signal import Signal, side_of
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.domain.trigger import SAFETY_KINDS
from chanflow.execution.ledger import RoundTrip
from chanflow.execution.router import Happened, Router
from chanflow.monitor.inputs import Inputs
from chanflow.monitor.watch import Fired, Watch
from chanflow.review.journal import JournalWriter, Record
from chanflow.risk.gate import Gate, MarketView
from chanflow.risk.guardian import Mark
from chanflow.risk.ladder import LADDER
from chanflow.risk.view import RiskView
from chanflow.risk.volatility import MINUTE_MS, MinuteStats
from chanflow.runtime.briefings import Figures, StandingNow
from chanflow.runtime.broker_model import BrokerModel
from chanflow.runtime.clock import SeededRandomness, SimulatedClock
from chanflow.runtime.codec import decode
from chanflow.runtime.deliberation import Wake
from chanflow.runtime.judged import journal_decision, journal_question
from chanflow.runtime.model_parts import MakeModel, no_model
from chanflow.runtime.paper_market import ANY_DEPTH_QUOTE, PaperMarket
from chanflow.runtime.registration import MARKET_KINDS, rearming, register, registration, safety_event
from chanflow.runtime.risk_desk import RiskDesk
from chanflow.runtime.settings import Settings
from chanflow.runtime.standing_orders import Sentinel, StandingOrders
from chanflow.runtime.strategies import owner_of, shares_of
from chanflow.runtime.teller import Teller
from chanflow.runtime.thinking import Thinker
from chanflow.runtime.wiring import gate_key, limits_of

ACCOUNT = "paper"
_FRESH_LEVEL = "1m"
_MOST_FRESH_NS = 1_800 * NS_PER_S
_ROUNDS = 8
"""So often, at most, the guardian looks at what it has sent: three slices, then the market, with room to spare."""


@dataclass(slots=True)
class DeskTally:
    """What a broker's desk has done, earlier processes of the run included."""

    signals: int = 0
    expired: int = 0
    abstained: int = 0
    refused: int = 0
    orders: int = 0
    fills: int = 0
    trades: int = 0

    def line(self, elapsed_s: float) -> str:
        """Return the line that every run ends with."""
        counts = f"signals={self.signals} expired={self.expired} abstained={self.abstained} refused={self.refused}"
        return f"{counts} orders={self.orders} fills={self.fills} trades={self.trades} elapsed={elapsed_s:.2f}s"


@dataclass(frozen=True, slots=True)
class _Moment:
    """A symbol's market as a signal told it."""

    symbol: str
    bid: Decimal
    ask: Decimal
    at_ns: int

    @property
    def mark(self) -> Decimal:
        return (self.bid + self.ask) / 2


class BrokerDesk:
    """One paper account that trades signals. The clock is moved by it alone."""

    def __init__(
        self, settings: Settings, *, seed: int, venue: PaperMarket, journal: JournalWriter, clock: SimulatedClock,
        teller: Teller, sentinel: Sentinel = lambda: None, make_model: MakeModel = no_model,
        thinker: Thinker | None = None,
    ) -> None:  # fmt: skip
        self._settings, self._venue, self._journal, self._clock = settings, venue, journal, clock
        self.router = Router(
            account=ACCOUNT, venue=venue, instruments=venue.instruments, journal=journal, clock=clock,
            capital_quote=settings.execution.capital_quote,
        )  # fmt: skip
        self._limits, self._key = limits_of(settings.risk), gate_key(SeededRandomness(seed))
        self.gate = Gate(
            instruments=venue.instruments, limits=self._limits, key=self._key,
            level=settings.risk.ladder.paper_start, mode=settings.execution.mode,
            on_question=partial(journal_question, journal), strategy_shares=shares_of(settings),
        )  # fmt: skip
        self._make_model, self._thinker = make_model, thinker
        self._models: dict[str, BrokerModel | None] = {}
        """By symbol; None where the rules decide."""
        self._publish = teller.publish
        self.risk = RiskDesk(
            gate=self.gate, router=self.router, venue=venue, journal=journal, clock=clock, publish=teller.publish,
            daily_loss_closes=settings.risk.daily_loss_closes,
        )  # fmt: skip
        self.orders = StandingOrders(self.risk, journal, clock, sentinel=sentinel)
        self._closed: list[RoundTrip] = []
        self._minutes: dict[str, MinuteStats] = {}
        self._views: dict[str, MarketView] = {}
        self._watch = Watch(Inputs(MARKET_KINDS))
        self._moments: dict[str, _Moment] = {}
        self._fired: list[Fired] = []
        self.tally = DeskTally()

    async def repeat(self) -> None:
        """Take the signals that the journal holds again. Raises JournalDiverged where something comes out otherwise."""
        while (standing := self._journal.expected) is not None:
            if standing.kind == "signal":
                await self.take(standing.body)
            elif standing.kind == "command":
                await self.repeat_command(standing)
            else:
                raise JournalDiverged(f"record {standing.seq} is a {standing.kind}, the re-run gives none")

    async def repeat_command(self, standing: Record) -> None:
        """Act on a recorded command again. Raises JournalDiverged for one of another version."""
        try:
            await self.orders.repeat(standing.body)
        except (KeyError, TypeError, InvalidArgument, NotFound) as fault:
            raise JournalDiverged(f"record {standing.seq}: this version knows no such command") from fault
        await self.settle()

    async def settle(self) -> None:
        """Let the guardian look, and carry out to its end what was begun."""
        await self._guard()
        self._journal.append("account", self.router.snapshot())

    async def take(self, row: Mapping[str, Any]) -> None:
        """Trade one confirmed signal, given as a sink keeps it with its price."""
        self._journal.append("signal", row, correlation_id=str(row["signal_id"]), durable=True)
        signal = decode(Signal, row)
        assert signal.price is not None
        self.tally.signals += 1
        self._clock.advance_to(max(self._clock.now_ns(), signal.known_ms * NS_PER_MS))
        side: Side = "buy" if side_of(signal.signal_type) == "buy" else "sell"
        self._know(signal.symbol, Decimal(signal.price))
        self._measure(signal.symbol, signal.known_ms, Decimal(signal.price))
        bid, ask = self._venue.tell(signal.symbol, side, Decimal(signal.price))
        moment = _Moment(signal.symbol, bid, ask, self._clock.now_ns())
        self._moments[signal.symbol] = moment
        self._hear()
        self.router.mark(moment.symbol, moment.mark)
        await self._guard()
        moment = replace(moment, at_ns=self._clock.now_ns())
        self._moments[moment.symbol] = moment
        self._fired += self._watch.on_account(self.router.snapshot(), now_ns=moment.at_ns)
        self._fired += self._watch.on_touch(moment.symbol, _touch(moment), now_ns=moment.at_ns)
        due, self._fired = self._fired, []
        for fired in due:
            self._journal.append("re_analysis_trigger", fired, correlation_id=fired.position_id)
            if fired.kind in SAFETY_KINDS:
                self._journal.append("risk_event", safety_event(fired), correlation_id=fired.position_id)
            await self._propose(self._moments[fired.symbol], signal, fired)
        if moment.at_ns > (signal.known_ms + signal.expiry_ms) * NS_PER_MS:
            self.tally.expired += 1
            self._journal.append("signal_expired", {"signal_id": signal.signal_id})
        else:
            await self._propose(moment, signal, None)
        # An order is answered before the next signal is looked at: the venue's time passes.
        self._pass_latency()
        self.router.mark(moment.symbol, moment.mark)
        await self.settle()

    def _know(self, symbol: str, price: Decimal) -> None:
        """Let router and gate trade a symbol from its first price on."""
        if symbol not in self._venue.instruments:
            instrument = self._venue.know(symbol, price)
            self.router.books.add_instrument(instrument)
            self.gate.add_instrument(instrument)

    def _measure(self, symbol: str, at_ms: int, price: Decimal) -> None:
        """Let the symbol's volatility know a price: the first that a signal tells in each minute."""
        minutes = self._minutes.setdefault(symbol, MinuteStats(self._settings.risk.sizing.sigma_prior or None))
        minute_ms = at_ms // MINUTE_MS * MINUTE_MS
        if minutes.last_ms is None or minute_ms > minutes.last_ms:
            minutes.push(minute_ms, price, ANY_DEPTH_QUOTE)

    # ── the way through ───────────────────────────────────────────────────────

    async def _propose(self, moment: _Moment, signal: Signal, fired: Fired | None) -> None:
        held = [p for p in self.router.snapshot().positions if p.symbol == moment.symbol]
        analyst, execution = self._settings.analyst, self._settings.execution
        what = signal.signal_id if fired is None else f"{fired.position_id}:{fired.trigger_id}"
        level = signal.level or _FRESH_LEVEL
        fresh_ns = analyst.freshness_bars * LEVEL_MS.get(level, LEVEL_MS[_FRESH_LEVEL]) * NS_PER_MS
        decision_id = str(uuid5(NAMESPACE_OID, f"broker:{what}"))
        strategy, max_hold_ns = owner_of(self._settings, moment.symbol), execution.max_hold_s * NS_PER_S
        if strategy is None:
            self.tally.refused += 1
            body = {"signal_id": signal.signal_id, "why": f"{moment.symbol} belongs to no strategy of the settings"}
            self._journal.append("signal_refused", body, correlation_id=signal.signal_id)
            return
        if (model := self._model_of(moment.symbol)) is not None:
            wake = _wake(decision_id, moment, signal, fired)
            figures = Figures(strategy.name, level, min(fresh_ns, _MOST_FRESH_NS), max_hold_ns, analyst.reward_risk)
            instrument = self._venue.instruments[moment.symbol]
            proposed = await model.decide(wake, figures, instrument, moment.bid, moment.ask)
            if proposed is not None:
                await self._proposed(moment, proposed)
            return
        journal_decision(
            self._journal, decision_id, signal=signal if fired is None else None, fired=fired, at_ns=moment.at_ns
        )
        proposal = propose(
            Briefing(
                decision_id=decision_id,
                as_of_ns=moment.at_ns,
                symbol=moment.symbol,
                level=level,
                instrument=self._venue.instruments[moment.symbol],
                bid=moment.bid,
                ask=moment.ask,
                flow=None,
                position=held[0] if held else None,
                max_leverage=LADDER[self.gate.level].max_leverage,
                valid_for_ns=min(fresh_ns, _MOST_FRESH_NS),
                max_hold_ns=max_hold_ns,
                reward_risk=analyst.reward_risk,
                strategy=strategy.name,
                signal=signal if fired is None else None,
                trigger_kind=None if fired is None else fired.kind,
                trigger_note=None if fired is None else fired.note,
            )
        )
        await self._proposed(moment, proposal)

    def _model_of(self, symbol: str) -> BrokerModel | None:
        """Return the model that decides on a symbol, made when the symbol is first met; None where the rules do."""
        if symbol not in self._models:
            parts = self._make_model(self._settings, symbol)
            if parts is not None and parts.follow is not None and not any(self._models.values()):
                self._journal.listen(parts.follow)
            self._models[symbol] = None if parts is None else BrokerModel(
                parts, venue=self._venue.name, journal=self._journal, clock=self._clock, standing=self._standing,
                tell=self._alert, thinker=self._thinker,
            )  # fmt: skip
        return self._models[symbol]

    def _standing(self) -> StandingNow:
        return StandingNow(self.router.snapshot(), self.gate.state, self.gate.limits, self.gate.rules.run_mode)

    async def _alert(self, severity: str, title: str, body: str, key: str) -> None:
        told = {"severity": severity, "title": title, "body": body, "dedupe_key": key,
                "at_ns": self._clock.now_ns(), "source": "analyst"}  # fmt: skip
        await self._publish("alert", told, correlation=key)

    async def close(self) -> None:
        """Ask no model any more."""
        for model in self._models.values():
            if model is not None:
                await model.close()

    async def _proposed(self, moment: _Moment, proposal: TradeProposal) -> None:
        self._journal.append("trade_proposal", proposal, correlation_id=proposal.decision_id)
        if proposal.action in ("hold", "abstain"):
            self.tally.abstained += 1
            return
        await self._judge(moment, proposal)

    async def _judge(self, moment: _Moment, proposal: TradeProposal) -> None:
        minutes = self._minutes[moment.symbol]
        # The paper market's rules stand for the run, its clock is ours, and it charges no funding.
        view = MarketView(
            moment.mark, moment.at_ns, book_ok=True, sigma_frac=minutes.sigma_frac,
            volume_1m_quote=minutes.volume_1m_quote, rules_ns=self._clock.now_ns(), clock_offset_ms=0,
            funding_frac=Decimal(0),
        )  # fmt: skip
        self._views[moment.symbol] = view
        verdict = self.gate.judge(proposal, self.router.snapshot(), view, now_ns=self._clock.now_ns())
        if isinstance(verdict, Refused):
            self.tally.refused += 1
            await self._publish("refusal", verdict, correlation=proposal.decision_id)
            return
        self._journal.append("approved_order", plain(approved_payload(verdict)), correlation_id=proposal.decision_id)
        if verdict.terms.protects:
            moved = await self.router.protect(verdict)
            if not moved.denied:
                self._rearm(verdict, moved.position_id, moment)
            return
        event = await self.router.execute(verdict)
        self.tally.orders += 1
        self._journal.append("order_event", event, correlation_id=proposal.decision_id)
        self.gate.release(verdict.approved_id)
        self._fired += self._watch.on_order(event, now_ns=moment.at_ns)
        if event.state.terminal:
            return
        arm = self._rearm if verdict.terms.reduce_only else self._arm
        arm(verdict, self.router.orders[event.client_order_id].position_id, moment)

    def _arm(self, verdict: ApprovedOrder, position_id: str, moment: _Moment) -> None:
        held = [p for p in self.router.snapshot().positions if p.position_id == position_id]
        body = registration(
            verdict, position_id, price=moment.mark, standing=held[0] if held else None, now_ns=moment.at_ns,
            max_hold_ns=self._settings.execution.max_hold_s * NS_PER_S, inputs=self._watch.inputs,
        )  # fmt: skip
        self._journal.append("register_triggers", body, correlation_id=verdict.decision_id)
        register(self._watch, plain(body), price=moment.mark, now_ns=moment.at_ns, journal=self._journal)

    def _rearm(self, verdict: ApprovedOrder, position_id: str, moment: _Moment) -> None:
        """Let the triggers of what was done about a position replace those it has."""
        held = [p for p in self.router.snapshot().positions if p.position_id == position_id]
        body = rearming(
            verdict, self._watch.watched(position_id), standing=held[0] if held else None,
            max_hold_ns=self._settings.execution.max_hold_s * NS_PER_S, inputs=self._watch.inputs,
        )  # fmt: skip
        if body is not None:
            self._journal.append("register_triggers", body, correlation_id=verdict.decision_id)
            register(self._watch, plain(body), price=moment.mark, now_ns=moment.at_ns, journal=self._journal)

    # ── what the venue tells ──────────────────────────────────────────────────

    def _hear(self) -> None:
        for event in self._venue.heard():
            happened = self.router.hear(event)
            if happened is not None:
                self._tell(happened)

    def _tell(self, happened: Happened) -> None:
        order = happened.event.client_order_id
        self._journal.append("order_event", happened.event, correlation_id=order)
        self._fired += self._watch.on_order(happened.event, now_ns=self._clock.now_ns())
        if happened.fill is not None:
            self.tally.fills += 1
            self._journal.append("fill", happened.fill, correlation_id=order)
        if happened.trade is not None:
            self.tally.trades += 1
            self._closed.append(happened.trade)
            self._watch.disarm(happened.trade.position_id)
            self._journal.append("triggers_disarmed", {"position_id": happened.trade.position_id})
        if happened.event.leg == "entry":
            self.gate.release(self.router.orders[order].approved_id)
            self._forget_unopened(happened.event)

    def _forget_unopened(self, event: OrderEvent) -> None:
        """An entry that ended without a fill has opened nothing, so there is nothing to watch."""
        position_id = self.router.orders[event.client_order_id].position_id
        if event.state.terminal and event.filled_base == 0 and self.router.ledger.position_id(event.symbol) is None:
            self._watch.disarm(position_id)
            self._journal.append("triggers_disarmed", {"position_id": position_id})

    # ── risk ──────────────────────────────────────────────────────────────────

    async def _guard(self) -> None:
        """Let risk look at the account until nothing that it sent is under way."""
        for _ in range(_ROUNDS):
            await self.risk.marked(self.router.snapshot())
            while self._closed:
                await self.risk.closed(self._closed.pop(0))
            now_ns = self._clock.now_ns()
            marks = {symbol: Mark(price, now_ns) for symbol, price in self.router.books.marks.items()}
            await self.risk.look(marks, heard=True)
            if not any(o.leg == "exit" or o.state is OrderState.PENDING_CANCEL for o in self.router.living()):
                return
            self._pass_latency()

    def _pass_latency(self) -> None:
        self._clock.advance_to(self._clock.now_ns() + self._venue.latency_ns)
        self._hear()

    def risk_view(self) -> RiskView:
        """Return where risk stands, beside the market of the last symbol that was judged. Raises NotFound before."""
        if not self._views:
            raise NotFound("no signal was judged yet")
        view = self._views[next(reversed(self._views))]
        return RiskView(
            self.router.snapshot(), view, self.gate.rules, self.gate.state, self.risk.ladder, self.risk.missing(),
            self._clock.now_ns(),
        )  # fmt: skip


def _wake(decision_id: str, moment: _Moment, signal: Signal, fired: Fired | None) -> Wake:
    if fired is None:
        return Wake(decision_id, moment.at_ns, moment.symbol, "signal", signal=signal)
    return Wake(decision_id, moment.at_ns, moment.symbol, "trigger", fired=fired, position_id=fired.position_id)


def _touch(moment: _Moment) -> Touch:
    price = float(moment.mark)
    return Touch(moment.at_ns, price, price, price, float(moment.bid), float(moment.ask))
