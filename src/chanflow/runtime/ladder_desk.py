"""The ladder at work in one desk: its record, its steps, and what they were judged by.

A step is journaled with its cause and its evidence, and only then in effect.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.journal import Journal
from chanflow.domain.order import Reason
from chanflow.domain.time import NS_PER_DAY, NS_PER_S, Clock
from chanflow.execution.ledger import RoundTrip
from chanflow.risk import ladder as climbing
from chanflow.risk.gate import Gate
from chanflow.risk.guardian_alerts import Used, ladder_used
from chanflow.risk.ladder import LADDER, MONTH_FLOOR, PROTECT_AFTER_LOSSES, WEEK_FLOOR, Book, Change, Level
from chanflow.risk.record import ClosedTrade, DayReturn, Record, evidence_of
from chanflow.runtime.risk_past import LadderPast

EVALUATE_AFTER_MIDNIGHT_NS = 300 * NS_PER_S
"""The ladder is evaluated at 00:05 UTC, when the day's last trades are booked."""


class LadderDesk:
    """The ladder of one book. `state` is where it stands; the gate's level follows it."""

    def __init__(self, book: Book, *, gate: Gate, journal: Journal, clock: Clock) -> None:
        self._gate, self._journal, self._clock = gate, journal, clock
        self.state = climbing.start(book, clock.now_ns(), paper_start=gate.level)
        self.record = Record()
        self.unsaid: list[Change] = []
        """Steps that nobody was told of yet."""
        self.day: tuple[int, Decimal] | None = None
        """The day of the last reading, and its return so far."""
        self.evaluated_day: int | None = None
        gate.level = self.state.level

    # ── a beginning ───────────────────────────────────────────────────────────

    def begin(self) -> None:
        """Journal where a new ladder begins."""
        body = {"level": self.state.level, "cause": "the ladder begins", "change": None, "state": self.state}
        self._journal.append("ladder", {**body, "evidence": None}, durable=True)

    def suppose(self, level: Level) -> None:
        """Begin at another level than the settings say: for runs that are supposed, never for a desk that trades."""
        self.state = replace(self.state, level=level)
        self._gate.level = level

    def recall(self, past: LadderPast) -> str | None:
        """Go on where an earlier process ended. Returns why that could not be read, the ladder then being at L0."""
        self.record, self.day, self.evaluated_day = past.record, past.day, past.evaluated_day
        self.state = past.state or self.state
        self._gate.level = self.state.level
        if past.fault is not None:
            self._step(
                Change(self.state.book, self.state.level, "L0", "unreadable", past.fault, self._clock.now_ns()),
                evidence=None,
            )
        return past.fault

    def catch_up(self, account: AccountSnapshot, *, forced_close: bool) -> None:
        """Judge what the last process may not have come to judge. A restart may lower the level, it never raises it."""
        evidence = self._evidence(account, forced_close=forced_close)
        change = climbing.evaluate(self.state, evidence, self._gate.limits, self._clock.now_ns())
        if change is not None and change.after < change.before:
            self._step(change, evidence=evidence)

    # ── judging ───────────────────────────────────────────────────────────────

    def closed(self, trade: RoundTrip, account: AccountSnapshot) -> None:
        """Judge a trade that has ended; one that was not ours says nothing of the desk."""
        if not trade.external:
            worth = trade.qty_base * trade.entry_price
            self.record = self.record.with_trade(ClosedTrade(trade.closed_ns, trade.net_quote, worth))
            self._evaluate(account)

    def protect(self, account: AccountSnapshot, *, forced_close: bool = False) -> None:
        """Fall to L0 where drawdown, day loss or a forced close asks for it."""
        if self.state.level == "L0":
            return
        quick = climbing.Evidence(account.drawdown_frac, account.day_loss_frac, forced_close=forced_close)
        change = climbing.protect(self.state, quick, self._gate.limits, self._clock.now_ns())
        if change is not None:
            self._step(change, evidence=self._evidence(account, forced_close=forced_close))

    def fall(self, cause: str, message: str, account: AccountSnapshot) -> None:
        """Fall to L0 at the guardian's word."""
        change = Change(self.state.book, self.state.level, "L0", cause, message, self._clock.now_ns())
        self._step(change, evidence=self._evidence(account))

    def follow_days(self, account: AccountSnapshot) -> None:
        """Keep the day's return, and evaluate once a day at 00:05 UTC."""
        now_ns = self._clock.now_ns()
        day, start = now_ns // NS_PER_DAY, account.day_start_equity_quote
        if self.day is not None and self.day[0] != day:
            ended = DayReturn(*self.day)
            self._journal.append("day_return", ended)
            self.record = self.record.with_day(ended)
        if start > 0:
            self.day = day, (account.equity_quote - account.transfers_today_quote) / start - 1
        if now_ns % NS_PER_DAY >= EVALUATE_AFTER_MIDNIGHT_NS and self.evaluated_day != day:
            first, self.evaluated_day = self.evaluated_day is None, day
            if not first:
                self._evaluate(account)

    def set_level(self, level: Level, account: AccountSnapshot, *, who: str, note: str) -> tuple[Reason, ...]:
        """Lower the level, or lead the desk out of L0 after a review. Returns why not, empty where it was done."""
        now_ns, evidence = self._clock.now_ns(), self._evidence(account)
        if (self.state.level, level) == ("L0", "L1"):
            done = climbing.review(self.state, evidence, self._gate.limits, who=who, note=note, now_ns=now_ns)
        else:
            done = climbing.lower(self.state, level, who=who, now_ns=now_ns)
        if isinstance(done, Reason):
            return (done,)
        after, change = done
        self._step(change, evidence=evidence, state=after)
        return ()

    def note_analyst(self, analyst_hash: str, *, keep: str) -> None:
        """Take note of the analyst at work: another one than before leads down to L1, unless `keep` says why not."""
        before = self.state.analyst_hash
        if before == analyst_hash:
            return
        after, change = climbing.analyst_changed(self.state, analyst_hash, self._clock.now_ns())
        if change is not None and not keep:
            self._step(change, evidence=None, state=after)
            return
        # The level stays: the analyst is the first, or is kept for a reason, or stands at L1 at most.
        self.state = replace(self.state, analyst_hash=analyst_hash) if keep else after
        why = f", the level is kept: {keep}" if keep and before is not None else ""
        cause = f"the analyst is {analyst_hash[:12]}{why}"
        body = {"level": self.state.level, "cause": cause, "change": None, "state": self.state, "evidence": None}
        self._journal.append("ladder", body, durable=True)

    # ── what is asked of it ───────────────────────────────────────────────────

    def missing(self, account: AccountSnapshot) -> tuple[str, ...]:
        """Return what a promotion still lacks, in words."""
        return climbing.missing(self.state, self._evidence(account), self._clock.now_ns())

    def used(self, account: AccountSnapshot) -> tuple[Used, ...]:
        """Return how much of the ladder's own limits is used."""
        evidence, level = self._evidence(account), self.state.level
        week = level in WEEK_FLOOR
        return ladder_used(
            trades_today=account.opening_trades_today, trades_cap=LADDER[level].opening_trades_per_day,
            straight_losses=evidence.straight_losses, losses_cap=PROTECT_AFTER_LOSSES,
            win_rate=evidence.week.win_rate if week else evidence.month.win_rate,
            win_rate_floor=WEEK_FLOOR.get(level) or MONTH_FLOOR.get(level),
        )  # fmt: skip

    def straight_losses(self, account: AccountSnapshot) -> int:
        """Return how many trades in a row were lost."""
        return self._evidence(account).straight_losses

    # ── steps ─────────────────────────────────────────────────────────────────

    def _evidence(self, account: AccountSnapshot, *, forced_close: bool = False) -> climbing.Evidence:
        return evidence_of(
            self.record, self.state, drawdown_frac=account.drawdown_frac, day_loss_frac=account.day_loss_frac,
            now_ns=self._clock.now_ns(), forced_close=forced_close,
        )  # fmt: skip

    def _evaluate(self, account: AccountSnapshot) -> None:
        evidence = self._evidence(account)
        change = climbing.evaluate(self.state, evidence, self._gate.limits, self._clock.now_ns())
        if change is not None:
            self._step(change, evidence=evidence)

    def _step(
        self, change: Change, *, evidence: climbing.Evidence | None, state: climbing.LadderState | None = None
    ) -> None:
        after = climbing.apply(self.state, change) if state is None else state
        self._journal.append(
            "ladder",
            {"level": change.after, "cause": change.message, "change": change, "state": after, "evidence": evidence},
            durable=True,
        )  # fmt: skip
        self.state, self._gate.level = after, change.after
        self.unsaid.append(change)
