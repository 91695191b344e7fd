"""The guardian: what must be done now, whatever the analyst thinks. A pure decision; who looks and acts is elsewhere.

`look` compares what the ledger says with what the venue says and takes the worse figure. It returns the actions that
are still needed, in order: what is done already (flat, halted, at L0) is not asked for again, and each action has a
key by which its doer tells a repeat. Force-closing asks no gate: only the instrument's rules bind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import Literal, NamedTuple

from chanflow.domain.account import AccountSnapshot, Position
from chanflow.domain.instrument import Instrument
from chanflow.domain.time import NS_PER_S
from chanflow.risk.guardian_alerts import Alert, Used, crossings
from chanflow.risk.ladder import Level
from chanflow.risk.limits import Limits

ZERO = Decimal(0)
_DIGITS = Context(prec=28)
CLOSE_BELOW, CLOSE_UNTIL = Decimal("0.15"), Decimal("0.25")
"""Margin ratio: below the first, positions are closed until the second."""
UNPROTECTED_NS, STALE_NS, BLIND_NS = 5 * NS_PER_S, 10 * NS_PER_S, 60 * NS_PER_S
STOP_ATTEMPTS = 3
SLICE_ATTEMPTS = 3
"""A force-close goes out so often as IOC slices before it takes the market."""

ActionKind = Literal["cancel_openings", "close", "place_stop", "demote", "halt", "hold", "dead_man", "alert"]


@dataclass(frozen=True, slots=True)
class GuardianAction:
    """One thing to do. `key` names it: the same need has the same key at every look."""

    kind: ActionKind
    key: str
    cause: str
    message: str
    symbol: str = ""
    qty_base: Decimal = ZERO
    side: Literal["", "buy", "sell"] = ""
    how: Literal["", "ioc", "market"] = ""
    severity: Literal["", "info", "warning", "critical"] = ""


@dataclass(frozen=True, slots=True)
class Bare:
    """A position without a live stop: since when, and how often placing one failed."""

    since_ns: int
    failures: int = 0


@dataclass(frozen=True, slots=True)
class GuardianState:
    """What the guardian remembers between looks, and where the desk stands. Journaled with its actions."""

    level: Level
    halted: bool = False
    held: bool = False
    """Whether `hold_data` stands already."""
    bare: tuple[tuple[str, Bare], ...] = ()
    """By symbol."""
    attempts: tuple[tuple[str, int], ...] = ()
    """Force-closes sent so far, by symbol."""
    crossed: tuple[tuple[str, int], ...] = ()
    """(figure, percent) of alerts that are not re-armed."""
    told: tuple[str, ...] = ()
    """Keys of standing conditions that were told of."""


@dataclass(frozen=True, slots=True)
class VenueView:
    """The account as the venue tells it. None figures were not told; a venue that does not answer cannot reduce."""

    as_of_ns: int | None
    equity_quote: Decimal | None
    positions: Mapping[str, Decimal]
    """Signed quantity in base, by symbol."""
    answers: bool = True
    seized: tuple[str, ...] = ()
    """Symbols that the venue liquidated or deleveraged since the last look."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark price and its time."""

    price: Decimal
    at_ns: int


@dataclass(frozen=True, slots=True)
class GuardianRules:
    """What a look goes by."""

    limits: Limits
    instruments: Mapping[str, Instrument]
    daily_loss_closes: bool = False


class Look(NamedTuple):
    """What is to be done, in order, and the state to remember."""

    actions: tuple[GuardianAction, ...]
    state: GuardianState


@dataclass(frozen=True, slots=True)
class Facts:
    """The worse of ledger and venue."""

    equity: Decimal
    drawdown: Decimal
    day_loss: Decimal
    signed: dict[str, Decimal]
    notional: dict[str, Decimal]
    total: Decimal
    stale_ns: int
    """Age of the oldest input that matters."""


def facts_of(ledger: AccountSnapshot, venue: VenueView | None, marks: Mapping[str, Mark], now_ns: int) -> Facts:
    """Return the figures to act on; a missing reading is as old as time itself."""
    equity = ledger.equity_quote
    told = None if venue is None else venue.equity_quote
    if told is not None:
        equity = min(equity, told)
    signed = {p.symbol: p.qty_base for p in ledger.positions}
    if venue is not None:
        for symbol, qty in venue.positions.items():
            if abs(qty) > abs(signed.get(symbol, ZERO)):
                signed[symbol] = qty
    signed = {symbol: qty for symbol, qty in sorted(signed.items()) if qty != 0}
    known = {p.symbol: p.mark_price for p in ledger.positions}
    ages = [now_ns - ledger.as_of_ns]
    if venue is not None:
        ages.append(now_ns if venue.as_of_ns is None else now_ns - venue.as_of_ns)
    notional = {}
    for symbol, qty in signed.items():
        mark = marks.get(symbol)
        ages.append(now_ns if mark is None else now_ns - mark.at_ns)
        price = known.get(symbol, ZERO) if mark is None else max(mark.price, known.get(symbol, ZERO))
        notional[symbol] = abs(qty) * price
    high, start = ledger.high_water_quote, ledger.day_start_equity_quote
    lost = max(ZERO, start + ledger.transfers_today_quote - equity)
    return Facts(
        equity, _DIGITS.divide(high - equity, high), _DIGITS.divide(lost, start), signed, notional,
        sum(notional.values(), ZERO), max(ages),
    )  # fmt: skip


def look(
    ledger: AccountSnapshot, venue: VenueView | None, marks: Mapping[str, Mark], state: GuardianState,
    rules: GuardianRules, now_ns: int, used: tuple[Used, ...] = (),
) -> Look:  # fmt: skip
    """Return what must be done now, in the order of the table, and what to remember.

    `used` are further figures to warn of, beside those that follow from the account.
    """
    seen = _Look(ledger, venue, state, rules, facts_of(ledger, venue, marks, now_ns), now_ns)
    seen.drawdown()
    seen.day_loss()
    seen.margin()
    seen.stops()
    seen.seized()
    seen.stale()
    crossed, alerts = crossings((*seen.used(), *used), state.crossed)
    for alert in alerts:
        seen.alert(alert)
    return Look(tuple(seen.actions), replace(seen.next, crossed=crossed))


def stop_failed(state: GuardianState, symbol: str) -> GuardianState:
    """Return the state after a stop could not be placed."""
    bare = tuple((s, replace(b, failures=b.failures + 1) if s == symbol else b) for s, b in state.bare)
    return replace(state, bare=bare)


def close_sent(state: GuardianState, symbol: str) -> GuardianState:
    """Return the state after a force-close left and did not bring the position to flat."""
    attempts = dict(state.attempts)
    attempts[symbol] = attempts.get(symbol, 0) + 1
    return replace(state, attempts=tuple(sorted(attempts.items())))


class _Look:
    """One look, condition by condition."""

    def __init__(
        self, ledger: AccountSnapshot, venue: VenueView | None, state: GuardianState, rules: GuardianRules,
        facts: Facts, now_ns: int,
    ) -> None:  # fmt: skip
        self.ledger, self.venue, self.state, self.rules = ledger, venue, state, rules
        self.facts, self.now_ns = facts, now_ns
        self.actions: list[GuardianAction] = []
        self.closing: set[str] = set()
        self._asked: set[str] = set()
        open_now = facts.signed
        self.next = replace(
            state,
            bare=tuple((s, b) for s, b in state.bare if s in open_now),
            attempts=tuple((s, n) for s, n in state.attempts if s in open_now),
        )

    # ── the table ─────────────────────────────────────────────────────────────

    def drawdown(self) -> None:
        """Total drawdown at its limit: close everything, L0, halt."""
        value, bound = self.facts.drawdown, self.rules.limits.max_drawdown_frac
        if not self._stands("drawdown", value >= bound):
            return
        why = f"drawdown is {value:.4f}, the limit is {bound}"
        self._cancel("drawdown", why)
        self._close_all("drawdown", why)
        self._demote("drawdown", why)
        self._halt("drawdown", why)
        self._tell("drawdown", why)

    def day_loss(self) -> None:
        """Day loss at its limit: no more openings, L0; positions keep their stops unless told otherwise."""
        value, bound = self.facts.day_loss, self.rules.limits.max_day_loss_frac
        if not self._stands("day_loss", value >= bound):
            return
        why = f"day loss is {value:.4f}, the limit is {bound}"
        self._cancel("day_loss", why)
        if self.rules.daily_loss_closes:
            self._close_all("day_loss", why)
        self._demote("day_loss", why)
        self._tell("day_loss", why)

    def margin(self) -> None:
        """Margin ratio too low: close the largest losers until there is room."""
        facts = self.facts
        if not self._stands("margin_ratio", facts.total > 0 and facts.equity < CLOSE_BELOW * facts.total):
            return
        why = f"margin ratio is {_DIGITS.divide(facts.equity, facts.total):.4f}, {CLOSE_BELOW} is the least"
        for symbol, qty in relief(self.ledger, facts, self.rules):
            self._close(symbol, qty, "margin_ratio", why)
        self._demote("margin_ratio", why)
        self._tell("margin_ratio", why)

    def stops(self) -> None:
        """A position without a live stop for five seconds: place one; after three failures close."""
        bare = dict(self.next.bare)
        held = {p.symbol: p for p in self.ledger.positions}
        for symbol, qty in self.facts.signed.items():
            position = held.get(symbol)
            if position is not None and position.protected:
                bare.pop(symbol, None)
                continue
            since = bare.setdefault(symbol, Bare(self.now_ns))
            if self.now_ns - since.since_ns <= UNPROTECTED_NS:
                continue
            why = f"{symbol} has stood without a live stop for {(self.now_ns - since.since_ns) // NS_PER_S} s"
            if since.failures >= STOP_ATTEMPTS or position is None or position.stop_price is None:
                self._close(symbol, abs(qty), "unprotected", why)
                self._tell(f"unprotected:{symbol}", why)
            else:
                self._do("place_stop", f"stop:{symbol}:{since.failures}", "unprotected", why, symbol=symbol,
                         qty_base=abs(qty), side="sell" if qty > 0 else "buy")  # fmt: skip
        self.next = replace(self.next, bare=tuple(sorted(bare.items())))

    def seized(self) -> None:
        """The venue liquidated or deleveraged: L0 and halt."""
        seized = () if self.venue is None else self.venue.seized
        if not self._stands("seized", bool(seized)):
            return
        why = f"the venue closed by force in {', '.join(seized)}"
        self._demote("venue_liquidation", why)
        self._halt("venue_liquidation", why)
        self._tell("seized", why)

    def stale(self) -> None:
        """Inputs too old: hold; after a minute with a position, reduce if the venue answers, else the dead man."""
        age, exposed = self.facts.stale_ns, bool(self.facts.signed)
        if self._stands("stale", age > STALE_NS):
            why = f"inputs are {age / NS_PER_S:.0f} s old, {STALE_NS // NS_PER_S} s are allowed"
            if not self.state.held:
                self._do("hold", "hold:data", "stale", why)
            self._tell("stale", why)
        if self._stands("blind", age > BLIND_NS and exposed):
            why = f"inputs are {age / NS_PER_S:.0f} s old with a position open"
            if self.venue is not None and self.venue.answers:
                self._close_all("blind", why)
            else:
                self._do("dead_man", "dead_man", "blind", why)
            self._tell("blind", why)

    def used(self) -> tuple[Used, ...]:
        """Return how much of each limit the account has used."""
        limits, facts = self.rules.limits, self.facts
        found = [
            Used("drawdown", _DIGITS.divide(facts.drawdown, limits.max_drawdown_frac)),
            Used("day_loss", _DIGITS.divide(facts.day_loss, limits.max_day_loss_frac)),
        ]
        if facts.total > 0:
            equity = max(facts.equity, Decimal("1E-9"))
            found.append(Used("margin_ratio", _DIGITS.divide(limits.min_margin_ratio * facts.total, equity)))
            exposure: dict[str, Decimal] = {}
            for symbol, qty in facts.signed.items():
                base = self.rules.instruments[symbol].base if symbol in self.rules.instruments else symbol
                worth = facts.notional[symbol]
                exposure[base] = exposure.get(base, ZERO) + (worth if qty > 0 else -worth)
            most = max((abs(worth) for worth in exposure.values()), default=ZERO)
            found.append(Used("exposure", _DIGITS.divide(most, limits.max_asset_exposure_frac * equity)))
            margin = sum((p.notional_quote / p.leverage for p in self.ledger.positions), ZERO)
            reserve = max(equity - margin, Decimal("1E-9"))
            found.append(Used("cash_reserve", _DIGITS.divide(limits.min_cash_reserve_frac * equity, reserve)))
        return tuple(found)

    def alert(self, alert: Alert) -> None:
        """Tell of a figure that crossed a threshold."""
        self._do("alert", f"alert:{alert.name}:{alert.percent}", alert.name, alert.message, severity=alert.severity)

    # ── doing ─────────────────────────────────────────────────────────────────

    def _do(self, kind: ActionKind, key: str, cause: str, message: str, **more: object) -> None:
        if key not in self._asked:
            self._asked.add(key)
            self.actions.append(GuardianAction(kind, key, cause, message, **more))  # type: ignore[arg-type]

    def _stands(self, name: str, condition: bool) -> bool:
        if not condition:
            self.next = replace(self.next, told=tuple(each for each in self.next.told if each != name))
        return condition

    def _tell(self, name: str, message: str) -> None:
        if name not in self.state.told:
            self.next = replace(self.next, told=tuple(sorted((*self.next.told, name))))
            self._do("alert", f"alert:{name}", name, message, severity="critical")

    def _cancel(self, cause: str, why: str) -> None:
        if self.ledger.resting:
            self._do("cancel_openings", "cancel_openings", cause, why)

    def _demote(self, cause: str, why: str) -> None:
        if self.state.level != "L0":
            self._do("demote", "demote", cause, why)

    def _halt(self, cause: str, why: str) -> None:
        if not self.state.halted:
            self._do("halt", "halt", cause, why)

    def _close_all(self, cause: str, why: str) -> None:
        for symbol, qty in self.facts.signed.items():
            self._close(symbol, abs(qty), cause, why)

    def _close(self, symbol: str, qty_base: Decimal, cause: str, why: str) -> None:
        """Close once per look and symbol: the first condition of the table that asks is the one that is served."""
        if symbol in self.closing:
            return
        self.closing.add(symbol)
        tries = dict(self.next.attempts).get(symbol, 0)
        self._do(
            "close", f"close:{symbol}:{tries}", cause, why, symbol=symbol, qty_base=qty_base,
            side="sell" if self.facts.signed[symbol] > 0 else "buy", how="ioc" if tries < SLICE_ATTEMPTS else "market",
        )  # fmt: skip


def relief(ledger: AccountSnapshot, facts: Facts, rules: GuardianRules) -> list[tuple[str, Decimal]]:
    """Return what to close, largest loss first, so that equity over notional is 25 % again; quantities in base.

    The cost of closing is counted in: each unit of notional closed also costs its fee and slippage.
    """
    losses = {p.symbol: _loss(p) for p in ledger.positions}
    order = sorted(facts.notional, key=lambda s: (-losses.get(s, ZERO), -facts.notional[s], s))
    found = []
    equity, total = facts.equity, facts.total
    for symbol in order:
        instrument, worth, qty = rules.instruments.get(symbol), facts.notional[symbol], abs(facts.signed[symbol])
        if equity >= CLOSE_UNTIL * total or worth == 0:
            break
        cost = rules.limits.slippage_frac + (instrument.taker_fee_frac if instrument else ZERO)
        # (E - x cost) / (N - x) = 25 %, solved for the notional x to close.
        wanted = _DIGITS.divide(CLOSE_UNTIL * total - equity, CLOSE_UNTIL - cost)
        part = qty if wanted >= worth else _round_up(_DIGITS.divide(wanted * qty, worth), instrument, qty)
        found.append((symbol, part))
        closed = _DIGITS.divide(part * worth, qty)
        equity, total = equity - closed * cost, total - closed
    return found


def _loss(position: Position) -> Decimal:
    return max(ZERO, -position.unrealised_quote)


def _round_up(qty: Decimal, instrument: Instrument | None, most: Decimal) -> Decimal:
    if instrument is None:
        return most
    floored = instrument.floor_qty(qty)
    return min(most, floored if floored == qty else floored + instrument.step)
