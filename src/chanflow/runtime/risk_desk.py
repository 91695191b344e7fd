"""The room of risk at work in one desk, on paper or at a venue: guardian, ladder, loss wall and halt.

What is decided is decided in `risk/`, purely; here it is journaled and then done, in that order. A deterministic desk
that is resumed or replayed comes to stand where it stood; a live one is told by `recall` what its journal holds. Either
way a restart lifts nothing.

The guardian looks every second of desk time, and at once after a fill or a jump of the mark by 1 %. It asks no gate:
cancels and exits go to the router as they are, are journaled before they leave, and are asked for again, with patience,
until the position is flat. Each look is a sign of life, without which the router opens nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Literal

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.alert import Alert
from chanflow.domain.errors import BooksDisagree, Retryable, Uncertain
from chanflow.domain.journal import Journal
from chanflow.domain.order import Reason
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.execution.heartbeat import Heartbeat
from chanflow.execution.ledger import RoundTrip
from chanflow.execution.ports import Venue
from chanflow.execution.router import Router
from chanflow.risk import halt as halting
from chanflow.risk.gate import Gate
from chanflow.risk.guardian import (
    Facts,
    GuardianAction,
    GuardianRules,
    GuardianState,
    Look,
    Mark,
    VenueView,
    facts_of,
    look,
)
from chanflow.risk.halt import HaltKind, HaltState
from chanflow.risk.ladder import Book, LadderState, Level
from chanflow.risk.loss_wall import WallChange, lift
from chanflow.risk.mode import hold_for, release
from chanflow.runtime.ladder_desk import LadderDesk
from chanflow.runtime.risk_hands import Hands, Publish, Send, at_once
from chanflow.runtime.risk_past import RiskPast
from chanflow.runtime.risk_words import alert_of_action, alert_of_wall, demotion_of, payload_of

LOOK_NS = NS_PER_S
JUMP_FRAC = Decimal("0.01")

_EVENTS = {"close": "force_close", "halt": "halt"}


class RiskDesk:
    """Guardian, ladder, wall and halt of one desk; `gate.state` is where it stands."""

    def __init__(
        self, *, gate: Gate, router: Router, venue: Venue, journal: Journal, clock: Clock, publish: Publish,
        book: Book = "paper", daily_loss_closes: bool = False, send: Send = at_once,
    ) -> None:  # fmt: skip
        self._gate, self._router, self._venue = gate, router, venue
        self._journal, self._clock, self._publish = journal, clock, publish
        self._daily_loss_closes = daily_loss_closes
        self.steps = LadderDesk(book, gate=gate, journal=journal, clock=clock)
        self.guardian = GuardianState(gate.level)
        self._hands = Hands(gate=gate, router=router, venue=venue, clock=clock, publish=publish, send=send)
        self._heartbeat = router.guardian = Heartbeat()
        self._marks: dict[str, Decimal] = {}
        """The marks of the last look."""

    @property
    def ladder(self) -> LadderState:
        """Where the ladder stands."""
        return self.steps.state

    @property
    def halted(self) -> HaltState:
        """What halts the desk."""
        return self._gate.state.halt

    # ── a restart ─────────────────────────────────────────────────────────────

    def recall(self, past: RiskPast) -> str | None:
        """Stand where the desk stood when its last process ended. Returns what could not be read, in words."""
        state = self._gate.state
        self._gate.state = replace(state, wall=past.wall, halt=past.halt)
        if past.halt.halted:
            self._router.halted = self._router.halted or past.halt.text
        self.guardian = past.guardian or self.guardian
        fault = self.steps.recall(past.ladder)
        if past.ladder.state is None and fault is None:
            self.steps.begin()
        if fault is not None:
            self._journal.append("loss_wall", {"change": None, "wall": past.wall}, durable=True)
            self._journal.append("halt", _stands(past.halt, fault), durable=True)
        self.steps.catch_up(self._router.snapshot(), forced_close=past.forced_close)
        return fault

    def keep(self) -> None:
        """Journal what moves between changes: the wall's timers, and what the guardian remembers."""
        body = {"wall": self._gate.state.wall, "guardian": self.guardian, "evaluated_day": self.steps.evaluated_day}
        self._journal.append("risk_kept", body)

    # ── every step ────────────────────────────────────────────────────────────

    async def marked(self, account: AccountSnapshot) -> None:
        """Take a reading of the account: the red lines and the loss wall are asked at every one."""
        self.steps.protect(account)
        change = self._gate.watch_loss(account)
        if change is not None:
            self._journal.append("loss_wall", {"change": change, "wall": self._gate.state.wall}, durable=True)
        self.steps.follow_days(account)
        if change is not None:
            await self._tell_wall(change)
        await self._say()

    async def closed(self, trade: RoundTrip) -> None:
        """Let the ladder judge a trade that has ended."""
        self.steps.closed(trade, self._router.snapshot())
        await self._say()

    async def look(self, marks: Mapping[str, Mark], *, heard: bool, told: VenueView | None = None) -> None:
        """Let the guardian look, if it is time, and do what it asks for. `heard`: the venue told of a fill.

        `told` is what the venue said of the account; None asks it now.
        """
        now_ns, last_ns = self._clock.now_ns(), self._heartbeat.last_ns
        jumped = any(
            abs(mark.price - before) > JUMP_FRAC * before
            for symbol, mark in marks.items()
            if (before := self._marks.get(symbol)) is not None
        )
        if last_ns is not None and now_ns - last_ns < LOOK_NS and not heard and not jumped:
            return
        self._marks = {symbol: mark.price for symbol, mark in marks.items()}
        venue = told or VenueView(now_ns, None, {p.symbol: p.qty_base for p in await self._venue.positions()})
        ledger, state = self._router.snapshot(), self._gate.state
        held = any(hold.kind == "data" for hold in state.mode.holds)
        standing = replace(self.guardian, level=self.ladder.level, halted=state.halt.halted, held=held)
        rules = GuardianRules(self._gate.limits, self._gate.rules.instruments, self._daily_loss_closes)
        found = look(ledger, venue, marks, standing, rules, now_ns, self.steps.used(ledger))
        self.guardian, self._heartbeat.last_ns = found.state, now_ns
        if held and "stale" not in found.state.told:
            self._gate.state = replace(state, mode=release(state.mode, "data"))
            self._journal.append("mode", {"mode": self._gate.state.mode.mode, "cause": "inputs are fresh"})
        await self._carry_out(found, ledger, facts_of(ledger, venue, marks, now_ns))

    # ── the guardian's actions ────────────────────────────────────────────────

    async def _carry_out(self, found: Look, ledger: AccountSnapshot, facts: Facts) -> None:
        closing = {a.symbol for a in found.actions if a.kind == "close"}
        halted = self._gate.state.halt
        actions = [*found.actions, *self._hands.flatten(halted, ledger, self.guardian, closing)]
        wanted = [action for action in actions if self._needed(action)]
        if not wanted:
            return
        self._journal.append("guardian", {"actions": wanted}, durable=True)
        for action in wanted:
            if action.kind not in ("alert", "demote"):
                await self._publish("risk_event", _event(action, facts), correlation=action.key)
            await self._do(action, facts)
        await self._say()

    async def _do(self, action: GuardianAction, facts: Facts) -> None:
        match action.kind:
            case "cancel_openings":
                await self._hands.cancel_openings()
            case "close":
                sent, self.guardian = await self._hands.close(action, self.guardian)
                if sent and action.cause != "halt":
                    self.steps.protect(self._router.snapshot(), forced_close=True)
            case "place_stop":
                self.guardian = await self._hands.place_stop(action, self.guardian)
            case "dead_man":
                await self._hands.arm_dead_man()
            case "alert":
                limits, level, now_ns = self._gate.limits, self.ladder.level, self._clock.now_ns()
                await self._tell(alert_of_action(action, facts, limits, level=level, at_ns=now_ns))
            case "demote":
                self.steps.fall(action.cause, action.message, self._router.snapshot())
            case "halt":
                self._halt("guardian", action.message, close=False)
            case "hold":
                self._hold("data", action.message)

    def _needed(self, action: GuardianAction) -> bool:
        """Return whether an action is to be taken now, and not under way already."""
        match action.kind:
            case "cancel_openings":
                return bool(self._hands.openings())
            case "close":
                return self._hands.can_close(action, self.guardian)
            case "place_stop":
                needed, self.guardian = self._hands.can_place_stop(action.symbol, self.guardian)
                return needed
            case "dead_man":
                return self._hands.can_arm()
        return True

    def _hold(self, kind: Literal["data", "risk"], why: str) -> None:
        state = self._gate.state
        self._journal.append("mode", {"mode": f"hold_{kind}", "cause": why}, durable=True)
        self._gate.state = replace(state, mode=hold_for(state.mode, kind, why, self._clock.now_ns()))

    # ── telling ───────────────────────────────────────────────────────────────

    async def _tell(self, alert: Alert) -> None:
        await self._publish("alert", payload_of(alert), correlation=alert.dedupe_key)

    async def _tell_wall(self, change: WallChange) -> None:
        await self._tell(alert_of_wall(change, self._gate.limits))

    async def _say(self) -> None:
        """Tell of the ladder's steps down; a step up is in the journal."""
        while self.steps.unsaid:
            change = self.steps.unsaid.pop(0)
            if change.after < change.before:
                await self._publish("risk_event", demotion_of(change), correlation="ladder")

    # ── what people order ─────────────────────────────────────────────────────

    async def set_level(self, level: Level, *, who: str, note: str) -> tuple[Reason, ...]:
        """Lower the level, or lead the desk out of L0 after a review. Returns why not, empty where it was done."""
        reasons = self.steps.set_level(level, self._router.snapshot(), who=who, note=note)
        await self._say()
        return reasons

    async def note_analyst(self, analyst_hash: str, *, keep: str = "") -> None:
        """Take note of the analyst at work: another one than before leads down to L1, unless `keep` says why not."""
        self.steps.note_analyst(analyst_hash, keep=keep)
        await self._say()

    def missing(self) -> tuple[str, ...]:
        """Return what a promotion still lacks, in words."""
        return self.steps.missing(self._router.snapshot())

    async def lift_wall(self, *, who: str, note: str) -> tuple[Reason, ...]:
        """Lift the soft loss wall. Returns why not: no note, no wall, or a day loss at its hard limit."""
        loss, limits = self._router.snapshot().day_loss_frac, self._gate.limits
        if loss >= limits.max_day_loss_frac:
            return (
                Reason("daily_loss", f"day loss is {loss:.4f}, at {limits.max_day_loss_frac} nobody lifts the wall"),
            )
        state = self._gate.state
        done = lift(state.wall, who=who, note=note, now_ns=self._clock.now_ns())
        if isinstance(done, Reason):
            return (done,)
        wall, change = done
        self._journal.append("loss_wall", {"change": change, "wall": wall}, durable=True)
        self._gate.state = replace(state, wall=wall)
        await self._tell_wall(change)
        return ()

    async def halt(self, kind: HaltKind, reason: str, *, close: bool) -> None:
        """Open nothing from now on: opening orders are cancelled, stops stay; with `close`, positions are closed."""
        self._halt(kind, reason, close=close)
        await self._hands.cancel_openings()

    def _halt(self, kind: HaltKind, reason: str, *, close: bool) -> None:
        before = self._gate.state.halt
        after = halting.halt(before, kind, reason, self._clock.now_ns(), close=close)
        if after != before:
            self._stand(after, reason)

    async def resume(self, note: str, *, sentinel: bool) -> tuple[Reason, ...]:
        """Let the desk open again. Returns every reason why it must not; empty where it was done."""
        try:
            await self._router.reconcile()
            reconciled = self._router.snapshot().reconciled
        except (BooksDisagree, Retryable, Uncertain):
            reconciled = False
        done = halting.resume(self._gate.state.halt, sentinel=sentinel, reconciled=reconciled, note=note)
        if not isinstance(done, HaltState):
            return done
        self._stand(done, note)
        return ()

    def _stand(self, after: HaltState, why: str) -> None:
        """Take on a halt, or the end of one: journaled first; the router refuses what was approved before."""
        self._journal.append("halt", _stands(after, why), durable=True)
        before = self._gate.state.halt
        self._gate.state = replace(self._gate.state, halt=after)
        if after.halted and self._router.halted in (None, before.text):
            self._router.halted = after.text
        elif not after.halted and self._router.halted == before.text:
            self._router.halted = None


def _stands(halt: HaltState, why: str) -> Mapping[str, object]:
    return {"halted": halt.halted, "why": why, "state": halt}


def _event(action: GuardianAction, facts: Facts) -> Mapping[str, object]:
    """Return the risk event of an action, with the figures that led to it."""
    kind = "venue_liquidation" if action.cause == "venue_liquidation" else _EVENTS.get(action.kind, "safety_trigger")
    figures = {"equity_quote": facts.equity, "drawdown_frac": facts.drawdown, "day_loss_frac": facts.day_loss,
               "notional_quote": facts.total}  # fmt: skip
    return {"kind": kind, "action": action.kind, "cause": action.cause, "message": action.message,
            "symbol": action.symbol, "key": action.key, "figures": figures}  # fmt: skip


__all__ = ["LOOK_NS", "Publish", "RiskDesk"]
