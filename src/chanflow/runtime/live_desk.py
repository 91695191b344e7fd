"""A desk that trades signals at a real venue: analyst, gate, and then the account at work, with no way round.

A signal is taken once. Its `signal` record is on disk before it has any effect and its `signal_done` after the last;
between the two it is looked at again by the next process. An approval lives in the process that gave it: one that was
not sent when its process ended has lapsed, and is never sent later. An order is known by its intent, and is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.rules import propose
from chanflow.domain.canonical import plain
from chanflow.domain.instrument import Instrument
from chanflow.domain.journal import Journal
from chanflow.domain.market_data import LEVEL_MS, Touch
from chanflow.domain.opinion import TradeProposal, Trigger
from chanflow.domain.order import Refused, approved_payload
from chanflow.domain.signal import Signal
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.execution.records import Recorded
from chanflow.execution.router import Happened
from chanflow.execution.running import Running
from chanflow.market.quotes import Quote
from chanflow.monitor.watch import Fired, Watch
from chanflow.risk.gate import Gate
from chanflow.risk.ladder import LADDER
from chanflow.risk.loss_wall import WallState
from chanflow.runtime.broker_desk import DeskTally
from chanflow.runtime.codec import decode
from chanflow.runtime.judged import journal_decision
from chanflow.runtime.live_market import LiveMarket
from chanflow.runtime.settings import Settings

FRESH_LEVEL = "1m"
MOST_FRESH_NS = 1_800 * NS_PER_S
LOOK_NS = 2 * NS_PER_S
"""How often the market of what is held is looked at."""
ACCOUNT_NS = 60 * NS_PER_S
"""How often the account is journaled while nothing happens."""


class LiveDesk:
    """One account at one venue that trades signals. Whoever owns it runs `running` beside it."""

    def __init__(self, settings: Settings, *, market: LiveMarket, gate: Gate, journal: Journal, clock: Clock) -> None:
        self._settings, self._market, self._gate = settings, market, gate
        self._journal, self._clock = journal, clock
        self._watch = Watch()
        self._account_ns = 0
        self.tally = DeskTally()

    def start(self, running: Running, records: Iterable[Recorded]) -> list[Mapping[str, Any]]:
        """Trade through `running` from now on, with what `records` tell of the processes before.

        Returns the signals that were taken and not done with.
        """
        self._running = running
        past = _Past(self._watch)
        for record in records:
            past.take(record)
        if past.level is not None:
            self._gate.level = past.level
        if past.wall is not None:
            self._gate.state = replace(self._gate.state, wall=past.wall)
        for signal_id in past.lapsed():
            self._journal.append("approval_lapsed", {"signal_id": signal_id}, correlation_id=signal_id)
            self._done(signal_id)
        return past.unfinished()

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
        else:
            await self._trade(signal)
        self._done(signal_id)

    async def _trade(self, signal: Signal) -> None:
        if signal.symbol not in self._gate.rules.instruments:
            why = f"{signal.symbol} is not among the symbols in the settings"
            self._pass_over(signal.signal_id, why)
            return
        quote = await self._market.quote(signal.symbol)
        if quote is None:
            self._pass_over(signal.signal_id, "the venue gave no quote")
            return
        self._journal.append("quote", quote, correlation_id=signal.signal_id)
        self._mark(quote)
        await self._propose(quote, signal, None)

    def _pass_over(self, signal_id: str, why: str) -> None:
        self.tally.refused += 1
        self._journal.append("signal_refused", {"signal_id": signal_id, "why": why}, correlation_id=signal_id)

    def _done(self, signal_id: str) -> None:
        self._journal.append("signal_done", {"signal_id": signal_id}, correlation_id=signal_id, durable=True)

    async def _propose(self, quote: Quote, signal: Signal | None, fired: Fired | None) -> None:
        """Ask the analyst about a signal, or about a position whose trigger has fired."""
        analyst, execution = self._settings.analyst, self._settings.execution
        held = [p for p in self._running.router.snapshot().positions if p.symbol == quote.symbol]
        what = _name(fired) if fired is not None else signal.signal_id if signal is not None else ""
        level = (signal.level if signal is not None else None) or FRESH_LEVEL
        fresh_ns = analyst.freshness_bars * LEVEL_MS.get(level, LEVEL_MS[FRESH_LEVEL]) * NS_PER_MS
        decision_id, now_ns = _decision_id(what), self._clock.now_ns()
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
                signal=signal,
                trigger_kind=None if fired is None else fired.trigger.kind,
                trigger_note=None if fired is None else fired.trigger.note,
            )
        )
        self._journal.append("trade_proposal", proposal, correlation_id=proposal.decision_id)
        if proposal.action in ("hold", "abstain"):
            self.tally.abstained += 1
            return
        await self._judge(quote, proposal)

    async def _judge(self, quote: Quote, proposal: TradeProposal) -> None:
        router = self._running.router
        verdict = self._gate.judge(
            proposal, router.snapshot(), self._market.view(quote), now_ns=self._clock.now_ns()
        )  # fmt: skip
        if isinstance(verdict, Refused):
            self.tally.refused += 1
            self._journal.append("refusal", verdict, correlation_id=proposal.decision_id)
            return
        self._journal.append("approved_order", plain(approved_payload(verdict)), correlation_id=proposal.decision_id)
        event = await self._running.execute(verdict)
        self.tally.orders += 1
        self._journal.append("order_event", event, correlation_id=proposal.decision_id)
        self._gate.release(verdict.approved_id)
        alive = not event.state.terminal or event.filled_base > 0
        if verdict.triggers and alive:
            self._arm(router.orders[event.client_order_id].position_id, quote, verdict.triggers, proposal)

    def _arm(self, position_id: str, quote: Quote, triggers: tuple[Trigger, ...], proposal: TradeProposal) -> None:
        self._watch.register(position_id, quote.symbol, triggers, price=quote.mark)
        self._journal.append(
            "register_triggers", {"position_id": position_id, "symbol": quote.symbol, "triggers": triggers},
            correlation_id=proposal.decision_id,
        )  # fmt: skip

    # ── what is held ──────────────────────────────────────────────────────────

    async def look_on(self) -> None:
        """Mark what is held, and ask the analyst again when a trigger fires, until cancelled."""
        while True:
            await self._clock.sleep_until(self._clock.now_ns() + LOOK_NS)
            held = [p.symbol for p in self._running.router.snapshot().positions]
            for quote in await self._market.quotes_of(held):
                self._mark(quote)
                for fired in self._watch.on_touch(quote.symbol, _touch(quote), now_ns=self._clock.now_ns()):
                    self._journal.append("re_analysis_trigger", fired, correlation_id=fired.position_id)
                    self._journal.append("quote", quote, correlation_id=fired.position_id)
                    await self._propose(quote, None, fired)
            self._keep_account()

    def _mark(self, quote: Quote) -> None:
        """Let account, ladder and loss wall know the mark."""
        router = self._running.router
        router.mark(quote.symbol, quote.mark)
        account = router.snapshot()
        cause = self._gate.on_account(account)
        if cause is not None:
            self._journal.append("ladder", {"level": self._gate.level, "cause": cause}, durable=True)
        change = self._gate.watch_loss(account)
        if change is not None:
            self._journal.append("loss_wall", {"change": change, "wall": self._gate.state.wall}, durable=True)

    def _keep_account(self) -> None:
        now_ns = self._clock.now_ns()
        if now_ns - self._account_ns >= ACCOUNT_NS:
            self._account_ns = now_ns
            self._journal.append("account", self._running.router.snapshot())

    # ── what the venue tells ──────────────────────────────────────────────────

    def happened(self, told: Happened) -> None:
        """Journal a step of an order, and what it came to."""
        order = told.event.client_order_id
        self._journal.append("order_event", told.event, correlation_id=order)
        if told.fill is not None:
            self.tally.fills += 1
            self._journal.append("fill", told.fill, correlation_id=order)
        if told.trade is not None:
            self.tally.trades += 1
            self._watch.disarm(told.trade.position_id)
            self._journal.append("triggers_disarmed", {"position_id": told.trade.position_id})
        if told.event.leg == "entry" and order in self._running.router.orders:
            self._gate.release(self._running.router.orders[order].approved_id)

    def new_rules(self, instruments: Mapping[str, Instrument]) -> None:
        """Judge and keep books by rules that were read anew."""
        for symbol in self._gate.rules.instruments:
            if symbol in instruments:
                self._gate.add_instrument(instruments[symbol])
                self._running.router.books.add_instrument(instruments[symbol])


class _Past:
    """What the records of earlier processes say beside orders and books."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._open: dict[str, Mapping[str, Any]] = {}
        self._approved: set[str] = set()
        self._signal_of: dict[str, str] = {}
        self.level: Any = None
        self.wall: WallState | None = None

    def take(self, record: Recorded) -> None:
        body = record.body
        match record.kind:
            case "signal":
                self._open[body["signal_id"]] = body
                self._signal_of[_decision_id(body["signal_id"])] = body["signal_id"]
            case "signal_done":
                self._open.pop(body["signal_id"], None)
            case "approved_order" | "refusal" if body["decision_id"] in self._signal_of:
                self._approved.add(self._signal_of[body["decision_id"]])
            case "ladder":
                self.level = body["level"]
            case "loss_wall":
                self.wall = decode(WallState, body["wall"])
            case "register_triggers":
                triggers = decode(tuple[Trigger, ...], body["triggers"])
                self._watch.register(body["position_id"], body["symbol"], triggers, price=None)
            case "re_analysis_trigger":
                self._watch.forget(body["trigger"]["trigger_id"])
            case "triggers_disarmed":
                self._watch.disarm(body["position_id"])

    def lapsed(self) -> list[str]:
        """Return the signals that were judged by a process that ended before it was done with them."""
        return [name for name in self._open if name in self._approved]

    def unfinished(self) -> list[Mapping[str, Any]]:
        """Return the signals that were taken and never judged."""
        return [row for name, row in self._open.items() if name not in self._approved]


def _decision_id(what: str) -> str:
    return str(uuid5(NAMESPACE_OID, f"broker:{what}"))


def _name(fired: Fired) -> str:
    return f"{fired.position_id}:{fired.trigger.trigger_id}"


def _touch(quote: Quote) -> Touch:
    price = float(quote.mark)
    bid = float(quote.bids[0][0]) if quote.bids else None
    ask = float(quote.asks[0][0]) if quote.asks else None
    return Touch(quote.mark_ns, price, price, price, bid, ask)
