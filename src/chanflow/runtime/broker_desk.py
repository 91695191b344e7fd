"""The broker's desk: a signal in, and through analyst, gate and venue, in that order and with no way round.

Its market is what the signals tell, and its time is theirs. The journal begins with a `head`; every signal taken is a
`signal` record, written before it has any effect. So a killed broker goes on by taking the same signals again, each
record compared with the one that stands, and a replay gives the journal byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from chanflow.analyst.briefing import Briefing
from chanflow.analyst.rules import propose
from chanflow.domain.canonical import plain
from chanflow.domain.errors import JournalDiverged
from chanflow.domain.market_data import LEVEL_MS, Touch
from chanflow.domain.opinion import Side, TradeProposal
from chanflow.domain.order import Refused, approved_payload
from chanflow.domain.signal import Signal, side_of
from chanflow.domain.time import NS_PER_MS, NS_PER_S
from chanflow.execution.router import Happened, Router
from chanflow.monitor.watch import Fired, Watch
from chanflow.review.journal import JournalWriter
from chanflow.risk.gate import Gate, MarketView
from chanflow.risk.ladder import LADDER
from chanflow.risk.volatility import MINUTE_MS, MinuteStats
from chanflow.runtime.clock import SeededRandomness, SimulatedClock
from chanflow.runtime.codec import decode
from chanflow.runtime.judged import journal_decision, journal_question
from chanflow.runtime.paper_market import ANY_DEPTH_QUOTE, PaperMarket
from chanflow.runtime.settings import Settings
from chanflow.runtime.wiring import gate_key, limits_of

ACCOUNT = "paper"
_FRESH_LEVEL = "1m"
_MOST_FRESH_NS = 1_800 * NS_PER_S


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
        self, settings: Settings, *, seed: int, venue: PaperMarket, journal: JournalWriter, clock: SimulatedClock
    ) -> None:
        self._settings, self._venue, self._journal, self._clock = settings, venue, journal, clock
        self.router = Router(
            account=ACCOUNT, venue=venue, instruments=venue.instruments, journal=journal, clock=clock,
            capital_quote=settings.execution.capital_quote,
        )  # fmt: skip
        self._limits, self._key = limits_of(settings.risk), gate_key(SeededRandomness(seed))
        self.gate = Gate(
            instruments=venue.instruments, limits=self._limits, key=self._key,
            level=settings.risk.ladder.paper_start, mode=settings.execution.mode,
            on_question=partial(journal_question, journal),
        )  # fmt: skip
        self._minutes: dict[str, MinuteStats] = {}
        self._watch = Watch()
        self.tally = DeskTally()

    async def repeat(self) -> None:
        """Take the signals that the journal holds again. Raises JournalDiverged where something comes out otherwise."""
        while (standing := self._journal.expected) is not None:
            if standing.kind != "signal":
                raise JournalDiverged(f"record {standing.seq} is a {standing.kind}, the re-run gives none")
            await self.take(standing.body)

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
        self._hear()
        self._mark(moment)
        for fired in self._watch.on_touch(moment.symbol, _touch(moment), now_ns=moment.at_ns):
            self._journal.append("re_analysis_trigger", fired, correlation_id=fired.position_id)
            await self._propose(moment, signal, fired)
        if moment.at_ns > (signal.known_ms + signal.expiry_ms) * NS_PER_MS:
            self.tally.expired += 1
            self._journal.append("signal_expired", {"signal_id": signal.signal_id})
        else:
            await self._propose(moment, signal, None)
        # An order is answered before the next signal is looked at: the venue's time passes.
        self._clock.advance_to(self._clock.now_ns() + self._venue.latency_ns)
        self._hear()
        self._mark(moment)
        self._journal.append("account", self.router.snapshot())

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
        what = signal.signal_id if fired is None else f"{fired.position_id}:{fired.trigger.trigger_id}"
        level = signal.level or _FRESH_LEVEL
        fresh_ns = analyst.freshness_bars * LEVEL_MS.get(level, LEVEL_MS[_FRESH_LEVEL]) * NS_PER_MS
        decision_id = str(uuid5(NAMESPACE_OID, f"broker:{what}"))
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
                max_hold_ns=execution.max_hold_s * NS_PER_S,
                reward_risk=analyst.reward_risk,
                signal=signal if fired is None else None,
                trigger_kind=None if fired is None else fired.trigger.kind,
                trigger_note=None if fired is None else fired.trigger.note,
            )
        )
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
        verdict = self.gate.judge(proposal, self.router.snapshot(), view, now_ns=self._clock.now_ns())
        if isinstance(verdict, Refused):
            self.tally.refused += 1
            self._journal.append("refusal", verdict, correlation_id=proposal.decision_id)
            return
        self._journal.append("approved_order", plain(approved_payload(verdict)), correlation_id=proposal.decision_id)
        event = await self.router.execute(verdict)
        self.tally.orders += 1
        self._journal.append("order_event", event, correlation_id=proposal.decision_id)
        self.gate.release(verdict.approved_id)
        if verdict.triggers and not event.state.terminal:
            position_id = self.router.orders[event.client_order_id].position_id
            self._watch.register(position_id, moment.symbol, verdict.triggers, price=moment.mark)
            self._journal.append(
                "register_triggers",
                {"position_id": position_id, "symbol": moment.symbol, "triggers": verdict.triggers},
                correlation_id=proposal.decision_id,
            )

    # ── what the venue tells ──────────────────────────────────────────────────

    def _hear(self) -> None:
        for event in self._venue.heard():
            happened = self.router.hear(event)
            if happened is not None:
                self._tell(happened)

    def _tell(self, happened: Happened) -> None:
        order = happened.event.client_order_id
        self._journal.append("order_event", happened.event, correlation_id=order)
        if happened.fill is not None:
            self.tally.fills += 1
            self._journal.append("fill", happened.fill, correlation_id=order)
        if happened.trade is not None:
            self.tally.trades += 1
            self._watch.disarm(happened.trade.position_id)
            self._journal.append("triggers_disarmed", {"position_id": happened.trade.position_id})
        if happened.event.leg == "entry":
            self.gate.release(self.router.orders[order].approved_id)

    def _mark(self, moment: _Moment) -> None:
        self.router.mark(moment.symbol, moment.mark)
        cause = self.gate.on_account(self.router.snapshot())
        if cause is not None:
            self._journal.append("ladder", {"level": self.gate.level, "cause": cause}, durable=True)


def _touch(moment: _Moment) -> Touch:
    price = float(moment.mark)
    return Touch(moment.at_ns, price, price, price, float(moment.bid), float(moment.ask))
