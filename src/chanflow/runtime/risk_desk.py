"""The room of risk at work in one desk: guardian, ladder, loss wall and halt.

What is decided is decided in `risk/`, purely; here it is journaled and then done, in that order. All of it follows
from the market and the commands, so a desk that is resumed or replayed stands where it stood: a restart lifts nothing.

The guardian looks every second of desk time, and at once after a fill or a jump of the mark by 1 %. It asks no gate:
cancels and exits go to the router as they are, are journaled before they leave, and are asked for again, with patience,
until the position is flat. What is under way already is not asked for twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.errors import BooksDisagree
from chanflow.domain.journal import Journal
from chanflow.domain.message import Topic
from chanflow.domain.opinion import Side
from chanflow.domain.order import Leg, Reason
from chanflow.domain.time import NS_PER_DAY, NS_PER_S, Clock
from chanflow.execution.ledger import RoundTrip
from chanflow.execution.lifecycle import Order, Step
from chanflow.execution.ports import Venue
from chanflow.execution.router import Exit, Router
from chanflow.risk import halt as halting
from chanflow.risk import ladder as climbing
from chanflow.risk.gate import Gate
from chanflow.risk.guardian import (
    GuardianAction,
    GuardianRules,
    GuardianState,
    Look,
    Mark,
    VenueView,
    close_sent,
    facts_of,
    look,
    stop_failed,
)
from chanflow.risk.guardian_alerts import Used, ladder_used
from chanflow.risk.halt import HaltKind, HaltState
from chanflow.risk.ladder import LADDER, MONTH_FLOOR, PROTECT_AFTER_LOSSES, WEEK_FLOOR, Change, Level
from chanflow.risk.mode import hold_for, release
from chanflow.risk.record import ClosedTrade, DayReturn, Record, evidence_of

LOOK_NS = NS_PER_S
JUMP_FRAC = Decimal("0.01")
EVALUATE_AFTER_MIDNIGHT_NS = 300 * NS_PER_S
"""The ladder is evaluated at 00:05 UTC, when the day's last trades are booked."""
PATIENCE_NS = 10 * NS_PER_S
"""The longest wait between two attempts to close; it doubles from one second."""

_EVENTS = {"close": "force_close", "halt": "halt"}


class Publish(Protocol):
    """Journals a message and puts it on the bus."""

    def __call__(self, topic: Topic, payload: Any, *, correlation: str) -> Awaitable[None]:
        """Return when the message is on the bus."""
        ...


class RiskDesk:
    """Guardian, ladder, wall and halt of one desk; `gate.state` is where it stands."""

    def __init__(
        self, *, gate: Gate, router: Router, venue: Venue, journal: Journal, clock: Clock, publish: Publish,
        daily_loss_closes: bool = False,
    ) -> None:  # fmt: skip
        self._gate, self._router, self._venue = gate, router, venue
        self._journal, self._clock, self._publish = journal, clock, publish
        self._rules = GuardianRules(gate.limits, gate.rules.instruments, daily_loss_closes)
        self.ladder = climbing.start("paper", clock.now_ns(), paper_start=gate.level)
        self.record = Record()
        self.guardian = GuardianState(gate.level)
        self._looked_ns: int | None = None
        self._marks: dict[str, Decimal] = {}
        """The marks of the last look."""
        self._day: tuple[int, Decimal] | None = None
        """The day of the last reading, and its return so far."""
        self._evaluated_day: int | None = None
        self._exits: set[str] = set()
        self._tried_ns: dict[str, int] = {}
        self._stops: dict[str, str] = {}
        self._changes: list[Change] = []
        """Steps of the ladder that nobody was told of yet."""

    # ── every step ────────────────────────────────────────────────────────────

    async def marked(self, account: AccountSnapshot) -> None:
        """Take a reading of the account: the red lines and the loss wall are asked at every one."""
        self._protect(account)
        wall = self._gate.watch_loss(account)
        if wall is not None:
            self._journal.append("loss_wall", wall, durable=True)
        self._follow_days(account)
        await self._say()

    async def closed(self, trade: RoundTrip) -> None:
        """Let the ladder judge a trade that has ended; one that was not ours says nothing of the desk."""
        if trade.external:
            return
        worth = trade.qty_base * trade.entry_price
        self.record = self.record.with_trade(ClosedTrade(trade.closed_ns, trade.net_quote, worth))
        self._evaluate(self._router.snapshot())
        await self._say()

    async def look(self, marks: Mapping[str, Mark], *, heard: bool) -> None:
        """Let the guardian look, if it is time, and do what it asks for. `heard`: the venue told of a fill."""
        now_ns = self._clock.now_ns()
        jumped = any(
            abs(mark.price - before) > JUMP_FRAC * before
            for symbol, mark in marks.items()
            if (before := self._marks.get(symbol)) is not None
        )
        if self._looked_ns is not None and now_ns - self._looked_ns < LOOK_NS and not heard and not jumped:
            return
        self._looked_ns = now_ns
        self._marks = {symbol: mark.price for symbol, mark in marks.items()}
        ledger = self._router.snapshot()
        told = {p.symbol: p.qty_base for p in await self._venue.positions()}
        venue = VenueView(now_ns, None, told)
        state = self._gate.state
        held = any(hold.kind == "data" for hold in state.mode.holds)
        standing = replace(self.guardian, level=self.ladder.level, halted=state.halt.halted, held=held)
        found = look(ledger, venue, marks, standing, self._rules, now_ns, self._used(ledger))
        self.guardian = found.state
        if held and "stale" not in found.state.told:
            self._gate.state = replace(state, mode=release(state.mode, "data"))
            self._journal.append("mode", {"mode": self._gate.state.mode.mode, "cause": "inputs are fresh"})
        await self._carry_out(found, ledger, facts_of(ledger, venue, marks, now_ns))

    # ── the guardian's actions ────────────────────────────────────────────────

    async def _carry_out(self, found: Look, ledger: AccountSnapshot, facts: Any) -> None:
        actions = [*found.actions, *self._flatten(ledger, {a.symbol for a in found.actions if a.kind == "close"})]
        wanted = [action for action in actions if self._needed(action)]
        if not wanted:
            return
        self._journal.append("guardian", {"actions": wanted}, durable=True)
        for action in wanted:
            if action.kind not in ("alert", "demote"):
                figures = {"equity_quote": facts.equity, "drawdown_frac": facts.drawdown,
                           "day_loss_frac": facts.day_loss, "notional_quote": facts.total}  # fmt: skip
                kind = "venue_liquidation" if action.cause == "venue_liquidation" else _EVENTS.get(action.kind)
                await self._publish(
                    "risk_event",
                    {"kind": kind or "safety_trigger", "action": action.kind, "cause": action.cause,
                     "message": action.message, "symbol": action.symbol, "key": action.key, "figures": figures},
                    correlation=action.key,
                )  # fmt: skip
            await self._do(action)
        await self._say()

    async def _do(self, action: GuardianAction) -> None:
        doing: dict[str, Callable[[GuardianAction], Awaitable[None]]] = {
            "cancel_openings": self._cancel_openings, "close": self._close, "place_stop": self._place_stop,
            "alert": self._alert, "dead_man": self._arm_dead_man,
        }  # fmt: skip
        if action.kind in doing:
            await doing[action.kind](action)
        elif action.kind == "demote":
            message = action.message
            self._step(Change("paper", self.ladder.level, "L0", action.cause, message, self._clock.now_ns()))
        elif action.kind == "halt":
            self._halt("guardian", action.message, close=False)
        else:
            state = self._gate.state
            self._journal.append("mode", {"mode": "hold_data", "cause": action.message}, durable=True)
            self._gate.state = replace(
                state, mode=hold_for(state.mode, "data", action.message, self._clock.now_ns())
            )  # fmt: skip

    def _needed(self, action: GuardianAction) -> bool:
        """Return whether an action is to be taken now, and not under way already."""
        if action.kind == "cancel_openings":
            return bool(self._openings())
        if action.kind == "close":
            tries = dict(self.guardian.attempts).get(action.symbol, 0)
            wait_ns = 0 if tries == 0 else min(PATIENCE_NS, NS_PER_S << min(tries - 1, 4))
            early = self._clock.now_ns() - self._tried_ns.get(action.symbol, 0) < wait_ns
            mine = any(o.client_order_id in self._exits for o in self._living(action.symbol, "exit"))
            return not early and not mine
        if action.kind == "place_stop":
            return self._stop_wanted(action.symbol)
        return True

    async def _cancel_openings(self, _: GuardianAction | None = None) -> None:
        for order in self._openings():
            event = await self._router.cancel(order.client_order_id)
            await self._publish("order_event", event, correlation=order.client_order_id)

    async def _close(self, action: GuardianAction) -> None:
        """Send one exit, reduce-only: a slice at the collar that takes what is there, or the market at last."""
        symbol = action.symbol
        standing = self._living(symbol, "exit")
        for order in standing:
            # Somebody's exit holds the quantity; it goes first, and the next look closes.
            if order.may(Step.REQUEST_CANCEL):
                event = await self._router.cancel(order.client_order_id)
                await self._publish("order_event", event, correlation=order.client_order_id)
        opened, held = self._router.books.opened(symbol), self._router.ledger.holdings.get(symbol)
        if standing or opened is None or not opened.entry or held is None or held.qty_base == 0:
            return
        instrument, mark = self._rules.instruments[symbol], self._router.books.marks[symbol]
        reach = self._gate.limits.price_collar_frac * (-1 if action.side == "sell" else 1)
        limit = instrument.nearest_price(mark * (1 + reach)) if action.how == "ioc" else None
        qty = min(instrument.floor_qty(action.qty_base), abs(held.qty_base))
        side: Side = "sell" if held.qty_base > 0 else "buy"
        order, send = self._router.prepare(Exit(opened.entry, "exit", side, qty, limit_price=limit))
        self._exits.add(order.client_order_id)
        self._tried_ns[symbol] = self._clock.now_ns()
        self.guardian = close_sent(self.guardian, symbol)
        await self._publish("order_event", await send(), correlation=order.client_order_id)
        if action.cause != "halt":
            self._protect(self._router.snapshot(), forced_close=True)

    async def _place_stop(self, action: GuardianAction) -> None:
        opened = self._router.books.opened(action.symbol)
        if opened is None or not opened.entry or opened.stop_price is None:
            self.guardian = stop_failed(self.guardian, action.symbol)
            return
        side: Side = "sell" if action.side == "sell" else "buy"
        order, send = self._router.prepare(
            Exit(opened.entry, "stop", side, action.qty_base, trigger_price=opened.stop_price)
        )
        self._stops[action.symbol] = order.client_order_id
        await self._publish("order_event", await send(), correlation=order.client_order_id)

    def _stop_wanted(self, symbol: str) -> bool:
        """Return whether a stop is to be sent; one that came to nothing is counted first."""
        sent = self._stops.get(symbol)
        if sent is None:
            return True
        if self._router.orders[sent].state.terminal:
            del self._stops[symbol]
            self.guardian = stop_failed(self.guardian, symbol)
        return False

    async def _arm_dead_man(self, _: GuardianAction) -> None:
        await self._venue.arm_dead_man(1_000)

    async def _alert(self, action: GuardianAction) -> None:
        """Tell people; the words are cleaned by who delivers them."""
        await self._publish(
            "alert",
            {"severity": action.severity or "warning", "title": f"risk: {action.cause}", "body": action.message,
             "dedupe_key": action.key, "at_ns": self._clock.now_ns(), "source": "guardian"},
            correlation=action.key,
        )  # fmt: skip

    def _flatten(self, ledger: AccountSnapshot, closing: set[str]) -> list[GuardianAction]:
        """Return the closings that a halt asks for, of what the guardian does not close by itself."""
        halted = self._gate.state.halt
        if not halted.close:
            return []
        tries = dict(self.guardian.attempts)
        return [
            GuardianAction(
                "close", f"close:{p.symbol}:{tries.get(p.symbol, 0)}", "halt", halted.text, p.symbol, abs(p.qty_base),
                "sell" if p.qty_base > 0 else "buy", "ioc" if tries.get(p.symbol, 0) < 3 else "market",
            )
            for p in ledger.positions
            if p.symbol not in closing
        ]  # fmt: skip

    def _openings(self) -> list[Order]:
        living = [o for o in self._router.orders.values() if o.leg == "entry" and not o.state.terminal]
        return [order for order in living if order.may(Step.REQUEST_CANCEL)]

    def _living(self, symbol: str, leg: Leg) -> list[Order]:
        orders = self._router.orders.values()
        return [o for o in orders if o.symbol == symbol and o.leg == leg and not o.state.terminal]

    # ── the ladder ────────────────────────────────────────────────────────────

    def _evidence(self, account: AccountSnapshot, *, forced_close: bool = False) -> climbing.Evidence:
        return evidence_of(
            self.record, self.ladder, drawdown_frac=account.drawdown_frac, day_loss_frac=account.day_loss_frac,
            now_ns=self._clock.now_ns(), forced_close=forced_close,
        )  # fmt: skip

    def _protect(self, account: AccountSnapshot, *, forced_close: bool = False) -> None:
        if self.ladder.level == "L0":
            return
        evidence = climbing.Evidence(account.drawdown_frac, account.day_loss_frac, forced_close=forced_close)
        change = climbing.protect(self.ladder, evidence, self._gate.limits, self._clock.now_ns())
        if change is not None:
            self._step(change)

    def _evaluate(self, account: AccountSnapshot) -> None:
        change = climbing.evaluate(
            self.ladder, self._evidence(account), self._gate.limits, self._clock.now_ns()
        )  # fmt: skip
        if change is not None:
            self._step(change)

    def _step(self, change: Change, state: climbing.LadderState | None = None) -> None:
        """Take a step of the ladder: journaled, and only then in effect."""
        after = climbing.apply(self.ladder, change) if state is None else state
        self._journal.append(
            "ladder", {"level": change.after, "cause": change.message, "change": change, "state": after}, durable=True
        )
        self.ladder, self._gate.level = after, change.after
        self._changes.append(change)

    async def _say(self) -> None:
        """Tell of the ladder's steps down; a step up is in the journal."""
        while self._changes:
            change = self._changes.pop(0)
            if change.after < change.before:
                fallen = {"kind": "demotion", "cause": change.message, "figures": {"ladder": change.after}}
                await self._publish("risk_event", fallen, correlation="ladder")

    def _follow_days(self, account: AccountSnapshot) -> None:
        """Keep the day's return, and evaluate the ladder once a day at 00:05 UTC."""
        now_ns = self._clock.now_ns()
        day, start = now_ns // NS_PER_DAY, account.day_start_equity_quote
        if self._day is not None and self._day[0] != day:
            self.record = self.record.with_day(DayReturn(*self._day))
        if start > 0:
            self._day = day, (account.equity_quote - account.transfers_today_quote) / start - 1
        if now_ns % NS_PER_DAY >= EVALUATE_AFTER_MIDNIGHT_NS and self._evaluated_day != day:
            first, self._evaluated_day = self._evaluated_day is None, day
            if not first:
                self._evaluate(account)

    def _used(self, account: AccountSnapshot) -> tuple[Used, ...]:
        evidence, rung = self._evidence(account), LADDER[self.ladder.level]
        week = self.ladder.level in WEEK_FLOOR
        return ladder_used(
            trades_today=account.opening_trades_today, trades_cap=rung.opening_trades_per_day,
            straight_losses=evidence.straight_losses, losses_cap=PROTECT_AFTER_LOSSES,
            win_rate=evidence.week.win_rate if week else evidence.month.win_rate,
            win_rate_floor=WEEK_FLOOR.get(self.ladder.level) or MONTH_FLOOR.get(self.ladder.level),
        )  # fmt: skip

    async def set_level(self, level: Level, *, who: str, note: str) -> tuple[Reason, ...]:
        """Lower the level, or lead the desk out of L0 after a review. Returns why not, empty where it was done."""
        now_ns = self._clock.now_ns()
        if (self.ladder.level, level) == ("L0", "L1"):
            evidence = self._evidence(self._router.snapshot())
            done = climbing.review(self.ladder, evidence, self._gate.limits, who=who, note=note, now_ns=now_ns)
        else:
            done = climbing.lower(self.ladder, level, who=who, now_ns=now_ns)
        if isinstance(done, Reason):
            return (done,)
        after, change = done
        self._step(change, after)
        await self._say()
        return ()

    def missing(self) -> tuple[str, ...]:
        """Return what a promotion still lacks, in words."""
        return climbing.missing(self.ladder, self._evidence(self._router.snapshot()), self._clock.now_ns())

    # ── the halt ──────────────────────────────────────────────────────────────

    async def halt(self, kind: HaltKind, reason: str, *, close: bool) -> None:
        """Open nothing from now on: opening orders are cancelled, stops stay; with `close`, positions are closed."""
        self._halt(kind, reason, close=close)
        await self._cancel_openings()

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
        except BooksDisagree:
            reconciled = False
        done = halting.resume(self._gate.state.halt, sentinel=sentinel, reconciled=reconciled, note=note)
        if not isinstance(done, HaltState):
            return done
        self._stand(done, note)
        return ()

    def _stand(self, after: HaltState, why: str) -> None:
        """Take on a halt, or the end of one: journaled first; the router refuses what was approved before."""
        self._journal.append("halt", {"halted": after.halted, "why": why, "state": after}, durable=True)
        before = self._gate.state.halt
        self._gate.state = replace(self._gate.state, halt=after)
        if after.halted and self._router.halted in (None, before.text):
            self._router.halted = after.text
        elif not after.halted and self._router.halted == before.text:
            self._router.halted = None


__all__ = ["RiskDesk"]
