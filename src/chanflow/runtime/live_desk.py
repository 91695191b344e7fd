"""A desk that trades signals at a real venue: analyst, gate, and then the account at work, with no way round.

A signal is taken once. Its `signal` record is on disk before it has any effect and its `signal_done` after the last;
between the two it is looked at again by the next process. An approval lives in the process that gave it: one that was
not sent when its process ended has lapsed, and is never sent later. An order is known by its intent, and is asked for.

Its ladder is that of live trading, which begins at L1. Below L3 a proposal waits for a person, and is judged anew, on
fresh inputs, when one approves it. Risk looks on from a task of its own (`live_guard.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.rules import propose
from chanflow.analyst.sections import Why
from chanflow.domain.account import Position
from chanflow.domain.canonical import plain, sha256_of
from chanflow.domain.command import ApproveCommand, CommandAnswer
from chanflow.domain.equity import EquityMarks
from chanflow.domain.instrument import Instrument
from chanflow.domain.market_data import LEVEL_MS, Touch
from chanflow.domain.opinion import TradeProposal
from chanflow.domain.order import ApprovedOrder, OrderEvent, Reason, Refused, approved_payload
from chanflow.domain.signal import Signal
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.domain.trigger import SAFETY_KINDS
from chanflow.execution.heartbeat import Heartbeat
from chanflow.execution.ports import Venue
from chanflow.execution.records import Recorded
from chanflow.execution.router import Happened
from chanflow.execution.running import Running
from chanflow.market.quotes import Quote
from chanflow.monitor.inputs import Inputs
from chanflow.monitor.watch import Fired, Watch
from chanflow.review.journal import JournalWriter
from chanflow.risk.gate import Gate
from chanflow.risk.guardian import Mark
from chanflow.risk.ladder import LADDER
from chanflow.risk.market_view import MarketView
from chanflow.risk.mode import hold_for, release
from chanflow.risk.view import RiskView
from chanflow.runtime.answers import ABANDONED
from chanflow.runtime.approval_desk import ApprovalDesk
from chanflow.runtime.briefings import Figures, StandingNow
from chanflow.runtime.broker_desk import DeskTally
from chanflow.runtime.codec import decode
from chanflow.runtime.deliberation import Wake
from chanflow.runtime.judged import journal_decision
from chanflow.runtime.live_guard import LiveGuard
from chanflow.runtime.live_hand import LiveHand
from chanflow.runtime.live_market import LiveMarket
from chanflow.runtime.live_model import LiveModel
from chanflow.runtime.live_past import LivePast, decision_id_of, name_of
from chanflow.runtime.model_parts import MakeModel, ModelParts, no_model
from chanflow.runtime.registration import MARKET_KINDS, rearming, register, registration, safety_event
from chanflow.runtime.risk_desk import Publish, RiskDesk
from chanflow.runtime.risk_past import read_past
from chanflow.runtime.settings import Settings
from chanflow.runtime.standing_orders import Sentinel, StandingOrders
from chanflow.runtime.strategies import DEFAULT, Strategy, owner_of

FRESH_LEVEL = "1m"
MOST_FRESH_NS = 1_800 * NS_PER_S
LOOK_NS = 2 * NS_PER_S
"""How often the market of what is held is looked at."""
LIVE_INPUTS = Inputs(MARKET_KINDS | {"spread", "funding", "data_stale"})
"""What can be watched by quotes: marks stand in for trades, and there are no candles, structure or order flow."""
ACCOUNT_NS = 60 * NS_PER_S
"""How often the account is journaled while nothing happens."""


class LiveDesk:
    """One account at one venue that trades signals. Whoever owns it runs `running` beside it."""

    def __init__(
        self, settings: Settings, *, market: LiveMarket, gate: Gate, journal: JournalWriter, clock: Clock,
        publish: Publish, sentinel: Sentinel = lambda: None, make_model: MakeModel = no_model,
    ) -> None:  # fmt: skip
        self._settings, self._market, self._gate = settings, market, gate
        self._journal, self._clock, self._publish, self._sentinel = journal, clock, publish, sentinel
        self._make_model = make_model
        self.models: dict[str, LiveModel] = {}
        """The models that decide, by strategy."""
        self._analysts: dict[str, ModelParts] = {}
        self._unjudged: list[tuple[TradeProposal, str | None]] = []
        self._watch = Watch(LIVE_INPUTS)
        self._fired: list[Fired] = []
        self._account_ns = 0
        self._kept: EquityMarks | None = None
        self._view = MarketView(None, None, book_ok=False)
        self._views: dict[str, MarketView] = {}
        self.approvals = ApprovalDesk(journal, clock, publish)
        self.tally = DeskTally()

    def start(self, running: Running, venue: Venue, records: Sequence[Recorded]) -> list[Mapping[str, Any]]:
        """Trade through `running` from now on, with what `records` tell of the processes before.

        Returns the signals that were taken and not done with; `unread` then says what could not be read.
        """
        self._running = running
        self.risk = RiskDesk(
            gate=self._gate, router=running.router, venue=venue, journal=self._journal, clock=self._clock,
            publish=self._publish, book="live", daily_loss_closes=self._settings.risk.daily_loss_closes,
            send=running.send,
        )  # fmt: skip
        self._looked = running.router.monitor = Heartbeat(who="monitor")
        self.guard = LiveGuard(self.risk, running.router, venue, self._clock, on_look=self._on_look)
        self.hand = LiveHand(
            self, account=self._gate.rules.account, journal=self._journal, clock=self._clock, approvals=self.approvals,
            records=records,
        )  # fmt: skip
        self._journal.listen(self.hand.hear)
        self.orders = StandingOrders(
            self.risk, self._journal, self._clock, sentinel=self._sentinel, approve=self._approve,
            by_hand=self.hand.order,
        )  # fmt: skip
        self.unread = self.risk.recall(read_past(records, book="live", now_ns=self._clock.now_ns()))
        self.approvals.recall(records)
        past = LivePast(self._watch)
        for record in records:
            past.take(record)
        self._owed = list(past.owed.values())
        for signal_id in past.lapsed():
            self._journal.append("approval_lapsed", {"signal_id": signal_id}, correlation_id=signal_id)
            self._done(signal_id)
        self._abandon(past)
        self._unjudged = past.unjudged()
        for symbol in self._gate.rules.instruments:
            model = self._make_model(self._settings, symbol) if owner_of(self._settings, symbol) else None
            if model is not None and model.strategy not in self.models:
                self.models[model.strategy] = LiveModel(
                    model, hands=self, venue=venue.name, journal=self._journal, clock=self._clock
                )
                if model.follow is not None and not self._analysts:
                    self._journal.listen(model.follow)
                self._analysts[model.strategy] = model
        return past.unfinished()

    def _abandon(self, past: LivePast) -> None:
        """Let go of what a model was asked by a process that has ended: it is never asked again."""
        for question_id, signal_id in past.abandoned():
            body = {"question_id": question_id, "decision_id": question_id, "at_ns": self._clock.now_ns(),
                    "why": "the process that asked has ended"}  # fmt: skip
            self._journal.append(ABANDONED, body, correlation_id=question_id, durable=True)
            if signal_id is not None:
                self._done(signal_id)

    async def go_on(self) -> None:
        """Take note of who decides, and judge what an earlier process proposed and did not judge, if it is fresh."""
        await self.hand.lapse()
        hashes = sorted((name, model.analyst.hash) for name, model in self._analysts.items())
        if hashes:
            keep = next(iter(self._analysts.values())).keep
            await self.risk.note_analyst(hashes[0][1] if len(hashes) == 1 else sha256_of(hashes), keep=keep)
        for proposal, signal_id in self._unjudged:
            await self._watched_until(proposal.valid_until_ns)
            quote = None
            if proposal.valid_until_ns >= self._clock.now_ns():
                quote = await self.quoted(proposal.symbol, proposal.decision_id)
            if quote is None:
                body = {"proposal_id": proposal.proposal_id, "valid_until_ns": proposal.valid_until_ns}
                self._journal.append("proposal_lapsed", body, correlation_id=proposal.decision_id)
            else:
                await self._judge(quote, proposal)
            if signal_id is not None:
                self._done(signal_id)
        self._unjudged = []

    async def _watched_until(self, until_ns: int) -> None:
        """Wait for the guardian's first look: before it, nothing opens."""
        while self._running.router.unwatched is not None and self._clock.now_ns() <= until_ns:
            await self._clock.sleep_until(self._clock.now_ns() + NS_PER_S // 10)

    # ── what those who order by hand need ─────────────────────────────────────

    def looked_at(self, quote: Quote) -> None:
        """Let those who ask where risk stands see the market of a quote."""
        self._view = self._views[quote.symbol] = self._market.view(quote)

    def position(self, symbol: str) -> Position | None:
        """Return what is held of a symbol."""
        return next((p for p in self._running.router.snapshot().positions if p.symbol == symbol), None)

    def trades(self, symbol: str) -> bool:
        """Return whether a symbol is traded here."""
        return symbol in self._gate.rules.instruments

    async def cancel(self, client_order_id: str) -> None:
        """Ask the venue to cancel an order."""
        event = await self._running.cancel(client_order_id)
        self._journal.append("order_event", event, correlation_id=client_order_id)

    # ── what a model's decisions need ─────────────────────────────────────────

    def instrument(self, symbol: str) -> Instrument:
        """Return a symbol's instrument."""
        return self._gate.rules.instruments[symbol]

    def standing(self) -> StandingNow:
        """Return where the desk stands now."""
        return StandingNow(
            self._running.router.snapshot(), self._gate.state, self._gate.limits, self._gate.rules.run_mode
        )

    async def quoted(self, symbol: str, correlation_id: str) -> Quote | None:
        """Ask the venue for a quote, journal it and mark by it; None where none was given."""
        quote = await self._market.quote(symbol)
        if quote is not None:
            self._journal.append("quote", quote, correlation_id=correlation_id)
            await self._mark(quote)
        return quote

    async def proposed(self, quote: Quote, proposal: TradeProposal) -> None:
        """Journal a proposal and let the gate judge it, unless it asks for nothing."""
        self._journal.append("trade_proposal", proposal, correlation_id=proposal.decision_id)
        if proposal.action in ("hold", "abstain"):
            self.tally.abstained += 1
            return
        await self._judge(quote, proposal)

    async def tell(self, severity: str, title: str, body: str, key: str) -> None:
        """Tell people."""
        told = {"severity": severity, "title": title, "body": body, "dedupe_key": key,
                "at_ns": self._clock.now_ns(), "source": "analyst"}  # fmt: skip
        await self._publish("alert", told, correlation=key)

    def over(self, wake: Wake) -> None:
        """Note that a signal is done with: its decision has ended."""
        if wake.signal is not None:
            self._done(wake.signal.signal_id)

    # ── signals ───────────────────────────────────────────────────────────────

    async def take(self, row: Mapping[str, Any], *, again: bool = False) -> None:
        """Trade one confirmed signal, given as a sink keeps it with its price; `again` if its record stands already."""
        signal_id = str(row["signal_id"])
        if not again:
            self._journal.append("signal", row, correlation_id=signal_id, durable=True)
        signal = decode(Signal, row)
        self.tally.signals += 1
        if self._clock.now_ns() > (signal.known_ms + signal.expiry_ms) * NS_PER_MS:
            self.tally.expired += 1
            self._journal.append("signal_expired", {"signal_id": signal_id}, correlation_id=signal_id)
        elif await self._trade(signal):
            return
        self._done(signal_id)

    async def _trade(self, signal: Signal) -> bool:
        """Let the analyst look at a signal. Returns whether a model does, which takes its time."""
        if signal.symbol not in self._gate.rules.instruments or owner_of(self._settings, signal.symbol) is None:
            why = f"{signal.symbol} is not among the symbols in the settings, or belongs to no strategy"
            self._pass_over(signal.signal_id, why)
            return False
        quote = await self.quoted(signal.symbol, signal.signal_id)
        if quote is None:
            self._pass_over(signal.signal_id, "the venue gave no quote")
            return False
        return await self._propose(quote, signal, None)

    def _pass_over(self, signal_id: str, why: str) -> None:
        self.tally.refused += 1
        self._journal.append("signal_refused", {"signal_id": signal_id, "why": why}, correlation_id=signal_id)

    def _done(self, signal_id: str) -> None:
        self._journal.append("signal_done", {"signal_id": signal_id}, correlation_id=signal_id, durable=True)

    async def _propose(self, quote: Quote, signal: Signal | None, fired: Fired | None) -> bool:
        """Ask the analyst about a signal, or a position whose trigger has fired. Returns whether a model is asked."""
        analyst, execution = self._settings.analyst, self._settings.execution
        held = [p for p in self._running.router.snapshot().positions if p.symbol == quote.symbol]
        what = name_of(fired) if fired is not None else signal.signal_id if signal is not None else ""
        level = (signal.level if signal is not None else None) or FRESH_LEVEL
        fresh_ns = analyst.freshness_bars * LEVEL_MS.get(level, LEVEL_MS[FRESH_LEVEL]) * NS_PER_MS
        decision_id, now_ns = decision_id_of(what), self._clock.now_ns()
        strategy = owner_of(self._settings, quote.symbol) or Strategy(DEFAULT, None, "rules")
        if (model := self.models.get(strategy.name)) is not None and strategy.analyst == "llm":
            about = None if fired is None else fired.position_id
            why: Why = "signal" if fired is None else "trigger"
            wake = Wake(decision_id, now_ns, quote.symbol, why, signal=signal, fired=fired, position_id=about)
            figures = Figures(
                strategy.name,
                level,
                min(fresh_ns, MOST_FRESH_NS),
                execution.max_hold_s * NS_PER_S,
                analyst.reward_risk,
            )
            await model.wake(wake, quote, figures)
            return True
        journal_decision(self._journal, decision_id, signal=signal, fired=fired, at_ns=now_ns)
        proposal = propose(
            Briefing(
                decision_id=decision_id,
                as_of_ns=now_ns,
                symbol=quote.symbol,
                level=level,
                instrument=self._gate.rules.instruments[quote.symbol],
                bid=quote.bids[0][0] if quote.bids else None,
                ask=quote.asks[0][0] if quote.asks else None,
                flow=None,
                position=held[0] if held else None,
                max_leverage=LADDER[self._gate.level].max_leverage,
                valid_for_ns=min(fresh_ns, MOST_FRESH_NS),
                max_hold_ns=execution.max_hold_s * NS_PER_S,
                reward_risk=analyst.reward_risk,
                strategy=strategy.name,
                signal=signal,
                trigger_kind=None if fired is None else fired.kind,
                trigger_note=None if fired is None else fired.note,
            )
        )
        await self.proposed(quote, proposal)
        return False

    async def _judge(self, quote: Quote, proposal: TradeProposal, *, approved_by: str | None = None) -> Refused | None:
        """Judge a proposal and send what is approved. Returns the refusal, None where an order left or it waits."""
        router = self._running.router
        await self.orders.heed_sentinel()
        self._heed_guardian()
        self.looked_at(quote)
        verdict = self._gate.judge(
            proposal, router.snapshot(), self._view, now_ns=self._clock.now_ns(), approved_by=approved_by
        )  # fmt: skip
        if isinstance(verdict, Refused):
            if [reason.code for reason in verdict.reasons] == ["approval_needed"]:
                await self.approvals.wait(proposal, self._gate.level)
                return None
            self.tally.refused += 1
            await self._publish("refusal", verdict, correlation=proposal.decision_id)
            return verdict
        self._journal.append("approved_order", plain(approved_payload(verdict)), correlation_id=proposal.decision_id)
        if verdict.terms.protects:
            moved = await self._running.protect(verdict)
            if not moved.denied:
                self._rearm(verdict, moved.position_id, quote)
            return None
        event = await self._running.execute(verdict)
        self.tally.orders += 1
        self._journal.append("order_event", event, correlation_id=proposal.decision_id)
        self._gate.release(verdict.approved_id)
        self._fired += self._watch.on_order(event, now_ns=self._clock.now_ns())
        alive = not event.state.terminal or event.filled_base > 0
        if alive:
            arm = self._rearm if verdict.terms.reduce_only else self._arm
            arm(verdict, router.orders[event.client_order_id].position_id, quote)
        return None

    def _heed_guardian(self) -> None:
        """Let the gate say what the router would: nobody opens while guardian or monitor is silent."""
        state, why = self._gate.state, self._running.router.unwatched
        mode = release(state.mode, "risk") if why is None else hold_for(state.mode, "risk", why, self._clock.now_ns())
        self._gate.state = replace(state, mode=mode)

    async def _approve(self, command: ApproveCommand) -> CommandAnswer:
        """Judge a waiting proposal anew, as a person approved it, or refuse it as one denied it."""
        taken = await self.approvals.take(command.proposal_id, who=command.who, deny=command.deny)
        if isinstance(taken, Reason):
            return CommandAnswer(reasons=(taken,))
        if command.deny:
            self.tally.refused += 1
            return CommandAnswer()
        quote = await self._market.quote(taken.symbol)
        if quote is None:
            self.tally.refused += 1
            refused = await self.approvals.refuse(taken, Reason("mark_missing", "the venue gave no quote"))
            return CommandAnswer(refused=refused)
        self._journal.append("quote", quote, correlation_id=taken.decision_id)
        await self._mark(quote)
        return CommandAnswer(refused=await self._judge(quote, taken, approved_by=command.who))

    def _arm(self, verdict: ApprovedOrder, position_id: str, quote: Quote) -> None:
        """Have a position watched, the registration on disk first."""
        now_ns = self._clock.now_ns()
        held = [p for p in self._running.router.snapshot().positions if p.position_id == position_id]
        body = registration(
            verdict, position_id, price=quote.mark, standing=held[0] if held else None, now_ns=now_ns,
            max_hold_ns=self._settings.execution.max_hold_s * NS_PER_S, inputs=self._watch.inputs,
        )  # fmt: skip
        self._journal.append("register_triggers", body, correlation_id=verdict.decision_id, durable=True)
        register(self._watch, plain(body), price=quote.mark, now_ns=now_ns, journal=self._journal)

    def _rearm(self, verdict: ApprovedOrder, position_id: str, quote: Quote) -> None:
        """Let the triggers of what was done about a position replace those it has, the registration on disk first."""
        held = [p for p in self._running.router.snapshot().positions if p.position_id == position_id]
        body = rearming(
            verdict, self._watch.watched(position_id), standing=held[0] if held else None,
            max_hold_ns=self._settings.execution.max_hold_s * NS_PER_S, inputs=self._watch.inputs,
        )  # fmt: skip
        if body is not None:
            self._journal.append("register_triggers", body, correlation_id=verdict.decision_id, durable=True)
            register(self._watch, plain(body), price=quote.mark, now_ns=self._clock.now_ns(), journal=self._journal)

    # ── what is held ──────────────────────────────────────────────────────────

    async def look_on(self) -> None:
        """Mark what is held, and ask the analyst again when a trigger fires, until cancelled.

        Each look that came to its end is a sign of life, without which nothing opens.
        """
        while True:
            self._looked.last_ns = self._clock.now_ns()
            await self._clock.sleep_until(self._clock.now_ns() + LOOK_NS)
            held = [p.symbol for p in self._running.router.snapshot().positions]
            quotes = {quote.symbol: quote for quote in await self._market.quotes_of(held)}
            for quote in quotes.values():
                await self._mark(quote)
            await self._watch_on(quotes, held)

    async def _watch_on(self, quotes: Mapping[str, Quote], held: Sequence[str]) -> None:
        """Let the watch know what there is, and the analyst what fired; a symbol without a quote only ages."""
        now_ns = self._clock.now_ns()
        for symbol in held:
            quote = quotes.get(symbol)
            touch = Touch(now_ns, None, None, None, None, None) if quote is None else _touch(quote)
            quoted_ns = None if quote is None else quote.mark_ns
            self._fired += self._watch.on_touch(symbol, touch, now_ns=now_ns, quoted_ns=quoted_ns)
            if quote is not None:
                self._fired += self._watch.on_funding(symbol, float(quote.funding_rate_frac), now_ns=now_ns)
        self._fired += self._watch.on_account(self._running.router.snapshot(), now_ns=now_ns)
        fresh, self._fired = self._fired, []
        for fired in fresh:
            self._journal.append("re_analysis_trigger", fired, correlation_id=fired.position_id, durable=True)
            if fired.kind in SAFETY_KINDS:
                self._journal.append("risk_event", safety_event(fired), correlation_id=fired.position_id)
            self._owed.append(fired)
        owed, self._owed = self._owed, []
        for fired in owed:
            await self._again(fired, quotes.get(fired.symbol))

    async def _again(self, fired: Fired, quote: Quote | None) -> None:
        """Ask the analyst about a position; without a quote that is still owed, in this process or the next."""
        gone = self._running.router.ledger.position_id(fired.symbol) != fired.position_id
        if quote is None and not gone:
            self._owed.append(fired)
            return
        if quote is not None and not gone:
            self._journal.append("quote", quote, correlation_id=fired.position_id)
            if await self._propose(quote, None, fired):
                # A model is asked: it is done with once its answer is there.
                return
        done = {"position_id": fired.position_id, "trigger_id": fired.trigger_id}
        self._journal.append("trigger_done", done, correlation_id=fired.position_id, durable=True)

    async def _mark(self, quote: Quote) -> None:
        """Let account, ladder and loss wall know the mark."""
        self._running.router.mark(quote.symbol, quote.mark)
        self.guard.quoted(quote.symbol, Mark(quote.mark, quote.mark_ns))
        await self._read()

    async def _on_look(self) -> None:
        """Take a reading, refuse what has waited for too long, and keep what a restart must know."""
        self._running.router.books.read()
        await self._read()
        await self.approvals.expire()
        now_ns = self._clock.now_ns()
        if now_ns - self._account_ns >= ACCOUNT_NS:
            self._account_ns = now_ns
            self._journal.append("account", self._running.router.snapshot())
            self.risk.keep()

    async def _read(self) -> None:
        """Let risk read the account; a mark of equity that moved is journaled before it is used."""
        marks, kept = self._running.router.books.equity_marks, self._kept
        if kept is None or (marks.high_water_quote, marks.day) != (kept.high_water_quote, kept.day):
            self._journal.append("equity_marks", marks)
            self._kept = marks
        await self.risk.marked(self._running.router.snapshot())

    def risk_view(self) -> RiskView:
        """Return where risk stands, beside the market that was judged last."""
        return RiskView(
            self._running.router.snapshot(), self._view, self._gate.rules, self._gate.state, self.risk.ladder,
            self.risk.missing(), self._clock.now_ns(), self.approvals.waiting, dict(self._views),
        )  # fmt: skip

    # ── what the venue tells ──────────────────────────────────────────────────

    def happened(self, told: Happened) -> None:
        """Journal a step of an order, and what it came to."""
        order = told.event.client_order_id
        self._journal.append("order_event", told.event, correlation_id=order)
        self._fired += self._watch.on_order(told.event, now_ns=self._clock.now_ns())
        if told.fill is not None:
            self.tally.fills += 1
            self._journal.append("fill", told.fill, correlation_id=order)
            self.guard.filled(told.trade)
        if told.trade is not None:
            self.tally.trades += 1
            self._watch.disarm(told.trade.position_id)
            self._journal.append("triggers_disarmed", {"position_id": told.trade.position_id})
        if told.event.leg == "entry" and order in self._running.router.orders:
            self._gate.release(self._running.router.orders[order].approved_id)
            self._forget_unopened(told.event)

    def _forget_unopened(self, event: OrderEvent) -> None:
        """An entry that ended without a fill has opened nothing, so there is nothing to watch."""
        router = self._running.router
        if event.state.terminal and event.filled_base == 0 and router.ledger.position_id(event.symbol) is None:
            position_id = router.orders[event.client_order_id].position_id
            self._watch.disarm(position_id)
            self._journal.append("triggers_disarmed", {"position_id": position_id})

    def new_rules(self, instruments: Mapping[str, Instrument]) -> None:
        """Judge and keep books by rules that were read anew."""
        for symbol in self._gate.rules.instruments:
            if symbol in instruments:
                self._gate.add_instrument(instruments[symbol])
                self._running.router.books.add_instrument(instruments[symbol])


def _touch(quote: Quote) -> Touch:
    price = float(quote.mark)
    bid = float(quote.bids[0][0]) if quote.bids else None
    ask = float(quote.asks[0][0]) if quote.asks else None
    return Touch(quote.mark_ns, price, price, price, bid, ask)
