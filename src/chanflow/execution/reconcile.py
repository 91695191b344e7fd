"""Reconciliation: what the venue says beside what we know. Names each difference, and the events we have missed.

`compare` is pure and gives the same result from the same answers; taking that in (`Router.take_in`) and comparing
again finds nothing more to take in. A question that was not answered is never taken for "none": what it would have
shown is not judged, and the result is not clean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from chanflow.domain.errors import BooksDisagree
from chanflow.domain.order import Fill, OrderState
from chanflow.execution.ledger import Ledger
from chanflow.execution.lifecycle import Order, Step
from chanflow.execution.ports import (
    NotFound,
    Unknown,
    VenueBalance,
    VenueEvent,
    VenueEventKind,
    VenueFunding,
    VenueOrderState,
    VenuePosition,
)

ZERO = Decimal(0)

FindingKind = Literal[
    "unanswered", "foreign_order", "foreign_fill", "missing_order", "unheard_order", "missing_fill", "stale_cursor",
    "position", "balance", "orphan_stop", "unprotected",
]  # fmt: skip
Remedy = Literal["ask_again", "adopt", "take_in", "inquire", "reread", "block", "cancel", "place_stop"]

_REMEDIES: dict[FindingKind, Remedy] = {
    "unanswered": "ask_again", "foreign_order": "adopt", "foreign_fill": "take_in", "missing_order": "inquire",
    "unheard_order": "take_in", "missing_fill": "take_in", "stale_cursor": "reread", "position": "block",
    "balance": "block", "orphan_stop": "cancel", "unprotected": "place_stop",
}  # fmt: skip
_HARMLESS: tuple[Remedy, ...] = ("adopt", "take_in", "cancel")
"""What does not keep openings from going on once it is dealt with."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: its kind, where, and both sides of it. `ref` is an order's id, a trade's, or what was asked.

    A missing order is one of ours that the venue does not know, an unheard one is one of ours that we do not.
    """

    kind: FindingKind
    symbol: str
    ref: str
    ours: str
    theirs: str

    @property
    def remedy(self) -> Remedy:
        """What is to be done about it."""
        return _REMEDIES[self.kind]

    @property
    def blocks(self) -> bool:
        """Whether no opening may be sent while it stands."""
        return self.remedy not in _HARMLESS

    def __str__(self) -> str:
        """Return it as one sentence."""
        where = " ".join(part for part in (self.symbol, self.ref) if part)
        return f"{self.kind} {where}: ours {self.ours}, the venue's {self.theirs}"


@dataclass(frozen=True, slots=True)
class Local:
    """What we know: journal and snapshot, read into orders and ledger. `external` are orders adopted before."""

    venue: str
    quote: str
    orders: Mapping[str, Order]
    ledger: Ledger
    external: Mapping[str, VenueOrderState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers:
    """What the venue said. None stands for a question that was not answered."""

    at_ns: int
    orders: Mapping[str, VenueOrderState | NotFound | Unknown]
    """Each local order that has not ended, asked for by its client id."""
    open_orders: Sequence[VenueOrderState] | None
    fills: Sequence[Fill] | None
    funding: Sequence[VenueFunding] | None
    positions: Sequence[VenuePosition] | None
    balances: Sequence[VenueBalance] | None


@dataclass(frozen=True, slots=True)
class Missed:
    """An event that we did not hear. The same event has the same id, however often it is found."""

    event_id: str
    event: VenueEvent


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What came of comparing: all of it is to be taken in, in this order."""

    at_ns: int
    missed: tuple[Missed, ...]
    foreign_fills: tuple[Fill, ...]
    funding: tuple[VenueFunding, ...]
    adopted: tuple[VenueOrderState, ...]
    ended: tuple[str, ...]
    """Orders adopted before that live no longer."""
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether openings may go on."""
        return not any(finding.blocks for finding in self.findings)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to take in."""
        return not (self.missed or self.foreign_fills or self.funding or self.adopted or self.ended)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a person accepts as the venue's figure: fills at mark without an order, and money without a reason."""

    fills: tuple[Fill, ...]
    ref: str
    amount_quote: Decimal


def compare(local: Local, answers: Answers) -> Reconciliation:
    """Return what we missed and every difference that is left, at the answers' time."""
    findings = [
        Finding("unanswered", "", name, "asked", "no answer")
        for name in ("open_orders", "fills", "funding", "positions", "balances")
        if getattr(answers, name) is None
    ]
    ours, foreign = _sort_fills(local, answers.fills or ())
    findings += [_fill_finding("missing_fill", fill) for fills in ours.values() for fill in fills]
    findings += [_fill_finding("foreign_fill", fill) for fill in foreign]
    theirs = _orders_of(answers)
    missed: list[Missed] = []
    after = {}
    living = [client_id for client_id, order in local.orders.items() if not order.state.terminal]
    for client_id in sorted({*living, *ours, *theirs}):
        known = _known(local, client_id)
        if known is None:
            continue
        told, order = theirs.get(client_id), deepcopy(known)
        events = _events(local, order, told, ours.get(client_id, ()), answers.at_ns)
        missed += [Missed(_event_id(local.venue, event), event) for event in events]
        after[client_id] = order
        if told is not None and client_id not in local.orders:
            findings.append(Finding("unheard_order", order.symbol, client_id, "none", _told(told)))
        findings += _order_findings(order, told, answers)
    adopted = tuple(
        order
        for client_id, order in sorted(theirs.items())
        if _known(local, client_id) is None and local.external.get(client_id) is None and not order.state.terminal
    )
    findings += [Finding("foreign_order", o.symbol, o.client_order_id, "none", _told(o)) for o in adopted]
    there = {order.client_order_id for order in answers.open_orders or ()}
    ended = () if answers.open_orders is None else tuple(name for name in sorted(local.external) if name not in there)
    draft = _draft(local, [*(f for fills in ours.values() for f in fills), *foreign])
    funding = tuple(paid for paid in answers.funding or () if _book_funding(draft, paid))
    findings += _figures(local, draft, answers)
    findings += _stops(after, draft, answers)
    return Reconciliation(answers.at_ns, tuple(missed), tuple(foreign), funding, adopted, ended, tuple(findings))


def accept_external(local: Local, answers: Answers, marks: Mapping[str, Decimal]) -> Adjustment:
    """Return what makes our books the venue's, for a person to accept. Deterministic: asked again, the same ids.

    Positions move by fills at mark that no order explains, what is then left of the wallet by an amount. Raises
    BooksDisagree where the venue has not told its figures, or a symbol has no mark.
    """
    if answers.positions is None or answers.balances is None:
        raise BooksDisagree("the venue has not told its positions and balances: ask again before accepting anything")
    held = {p.symbol: p for p in answers.positions}
    ordinal = sum(entry.external for entry in local.ledger.entries)
    draft, fills = local.ledger.draft(), []
    for symbol in sorted({*held, *local.ledger.holdings}):
        mine = local.ledger.holdings[symbol].qty_base if symbol in local.ledger.holdings else ZERO
        gap = (held[symbol].qty_base if symbol in held else ZERO) - mine
        if gap == 0:
            continue
        mark = marks.get(symbol) or (held[symbol].mark_price if symbol in held else None)
        if mark is None:
            raise BooksDisagree(f"{symbol} has no mark price, so a difference of {gap} cannot be booked")
        trade_id = _digest(local.venue, "external", symbol, str(mine), str(gap), str(ordinal))
        fill = Fill(
            local.venue, symbol, trade_id, f"external-{trade_id}", "buy" if gap > 0 else "sell", mark, abs(gap), ZERO,
            False, answers.at_ns, answers.at_ns,
        )  # fmt: skip
        draft.book_fill(fill, f"position-{trade_id[:8]}", external=True)
        fills.append(fill)
    amount = _wallet(local.quote, answers.balances) - draft.wallet_quote
    ref = _digest(local.venue, "adjustment", local.quote, str(amount), str(ordinal))
    return Adjustment(tuple(fills), ref, amount)


@dataclass(slots=True)
class Standing:
    """Differences while the desk runs. One alone may be an answer that crossed a fill; two in a row are not."""

    _last: frozenset[tuple[str, str, str]] = frozenset()

    def take(self, result: Reconciliation) -> None:
        """Take one result. Raises BooksDisagree for a difference that stood in the one before as well."""
        found = {(f.kind, f.symbol, f.ref): f for f in result.findings if f.kind in ("position", "balance")}
        twice = [finding for key, finding in sorted(found.items()) if key in self._last]
        self._last = frozenset(found)
        if twice:
            raise BooksDisagree("; ".join(map(str, twice)))


# ── orders ────────────────────────────────────────────────────────────────────


def parent_of(client_id: str, orders: Mapping[str, Order]) -> Order | None:
    """Return the entry that an attached exit belongs to, by its name; None for any other order."""
    parent_id, _, suffix = client_id.rpartition("-")
    return orders.get(parent_id) if suffix in ("sl", "tp") else None


def _known(local: Local, client_id: str) -> Order | None:
    """Return our order of that name, or a first sight of the exit that the venue attached to one."""
    order = local.orders.get(client_id)
    parent = parent_of(client_id, local.orders)
    if order is not None or parent is None:
        return order
    return Order(
        client_id, parent.symbol, "sell" if parent.side == "buy" else "buy",
        "stop" if client_id.endswith("-sl") else "take_profit", parent.qty_base, reduce_only=True,
        approved_id=parent.approved_id, position_id=parent.position_id, state=OrderState.SUBMITTED,
    )  # fmt: skip


def _orders_of(answers: Answers) -> dict[str, VenueOrderState]:
    """Return each order as the venue has it; the answer to a question of its own is the newer word."""
    found = {order.client_order_id: order for order in answers.open_orders or ()}
    for client_id in sorted(answers.orders):
        answer = answers.orders[client_id]
        if isinstance(answer, VenueOrderState):
            found[client_id] = answer
    return found


def _events(
    local: Local, order: Order, told: VenueOrderState | None, fills: Sequence[Fill], at_ns: int
) -> list[VenueEvent]:
    """Return what we did not hear of one order, and let `order` live through it."""
    before = []
    if told is not None:
        if order.client_order_id not in local.orders:
            order.qty_base = told.qty_base
        before = [*_new_terms(order, told, at_ns), *_beginnings(order, told, at_ns)]
    traded = [_fill_event(fill, order, at_ns) for fill in fills if order.fill(fill) != "repeated"]
    ended = [] if told is None or order.state.terminal else _say(order, told, _ENDINGS.get(told.state), at_ns)
    return [*before, *traded, *ended]


_ENDINGS: dict[OrderState, tuple[VenueEventKind, Step]] = {
    OrderState.CANCELED: ("canceled", Step.CANCEL),
    OrderState.EXPIRED: ("expired", Step.EXPIRE),
    OrderState.REJECTED: ("rejected", Step.REJECT),
}


def _say(order: Order, told: VenueOrderState, news: tuple[VenueEventKind, Step] | None, at_ns: int) -> list[VenueEvent]:
    """Return one event, where the table has its step from here, and let `order` take it."""
    if news is None or not order.step(news[1]):
        return []
    # An exit that is first heard of takes its quantity from its acceptance.
    leaves = told.qty_base if news[0] == "accepted" else max(ZERO, told.qty_base - told.filled_base)
    return [VenueEvent(news[0], order.client_order_id, told.updated_ns, at_ns, leaves)]


def _new_terms(order: Order, told: VenueOrderState, at_ns: int) -> list[VenueEvent]:
    if told.qty_base == order.qty_base or not order.amended(told.qty_base, told.updated_ns):
        return []
    leaves = max(ZERO, told.qty_base - order.filled_base)
    return [
        VenueEvent("amended", order.client_order_id, told.updated_ns, at_ns, leaves, qty_base=told.qty_base)
    ]  # fmt: skip


def _beginnings(order: Order, told: VenueOrderState, at_ns: int) -> list[VenueEvent]:
    events = []
    if order.state in (OrderState.SUBMITTED, OrderState.UNKNOWN) and told.state is not OrderState.REJECTED:
        events += _say(order, told, ("accepted", Step.ACCEPT), at_ns)
    if told.state is OrderState.TRIGGERED and order.state is OrderState.ACCEPTED:
        events += _say(order, told, ("triggered", Step.TRIGGER), at_ns)
    return events


def _fill_event(fill: Fill, order: Order, at_ns: int) -> VenueEvent:
    return VenueEvent(
        "fill", fill.client_order_id, fill.event_ns, at_ns, order.leaves_base, fill.trade_id, fill.price, fill.qty_base,
        fill.fee_quote, fill.maker, fee_asset=fill.fee_asset, fee_rate_quote=fill.fee_rate_quote,
    )  # fmt: skip


def _order_findings(order: Order, told: VenueOrderState | None, answers: Answers) -> list[Finding]:
    """Return what is left to say of one order of ours once all that was told is taken in."""
    client_id = order.client_order_id
    if told is None:
        if order.state.terminal or order.state is OrderState.INITIALIZED:
            return []
        if isinstance(answers.orders.get(client_id), NotFound):
            return [Finding("missing_order", order.symbol, client_id, str(order.state), "none")]
        return [Finding("unanswered", order.symbol, client_id, str(order.state), "no answer")]
    if answers.fills is not None and told.filled_base != order.filled_base:
        filled, theirs = f"{order.filled_base} filled", f"{told.filled_base} filled"
        return [Finding("stale_cursor", order.symbol, client_id, filled, theirs)]
    return []


# ── fills and figures ─────────────────────────────────────────────────────────


def _sort_fills(local: Local, fills: Sequence[Fill]) -> tuple[dict[str, list[Fill]], list[Fill]]:
    """Return the fills that are news: those of our orders by order, and those that no order of ours explains."""
    ours: dict[str, list[Fill]] = {}
    foreign = []
    for fill in sorted(fills, key=lambda f: (f.event_ns, f.symbol, f.trade_id)):
        if local.ledger.has(fill):
            continue
        if _known(local, fill.client_order_id) is None:
            foreign.append(fill)
        else:
            ours.setdefault(fill.client_order_id, []).append(fill)
    return ours, foreign


def _fill_finding(kind: FindingKind, fill: Fill) -> Finding:
    return Finding(kind, fill.symbol, fill.trade_id, "none", f"{fill.side} {fill.qty_base} at {fill.price}")


def _draft(local: Local, fills: Sequence[Fill]) -> Ledger:
    draft = local.ledger.draft()
    for fill in sorted(fills, key=lambda f: (f.event_ns, f.symbol, f.trade_id)):
        draft.book_fill(fill, "")
    return draft


def _book_funding(draft: Ledger, paid: VenueFunding) -> bool:
    return bool(draft.book_funding(paid.at_ns, paid.symbol, paid.ref, paid.amount_quote))


def _figures(local: Local, draft: Ledger, answers: Answers) -> list[Finding]:
    """Return where positions and wallet differ, to the last digit, once what was missed is booked."""
    if answers.fills is None:
        return []
    found = []
    if answers.positions is not None:
        theirs = {p.symbol: p.qty_base for p in answers.positions}
        ours = {s: h.qty_base for s, h in draft.holdings.items()}
        for symbol in sorted({*theirs, *ours}):
            mine, venue = ours.get(symbol, ZERO), theirs.get(symbol, ZERO)
            if mine != venue:
                found.append(Finding("position", symbol, "", str(mine), str(venue)))
    if answers.balances is not None and answers.funding is not None:
        wallet = _wallet(local.quote, answers.balances)
        if wallet != draft.wallet_quote:
            found.append(Finding("balance", "", local.quote, str(draft.wallet_quote), str(wallet)))
    return found


def _wallet(quote: str, balances: Sequence[VenueBalance]) -> Decimal:
    return sum((b.wallet for b in balances if b.asset == quote), ZERO)


def _stops(orders: Mapping[str, Order], draft: Ledger, answers: Answers) -> list[Finding]:
    """Return stops of ours without a position, and positions that stops do not cover whole."""
    if answers.open_orders is None or answers.fills is None:
        return []
    there = {order.client_order_id for order in answers.open_orders}
    stops = [o for o in orders.values() if o.leg == "stop" and not o.state.terminal and o.client_order_id in there]
    found = []
    for stop in stops:
        held = draft.holdings.get(stop.symbol)
        if held is None or held.qty_base == 0 or (held.qty_base > 0) == (stop.side == "buy"):
            found.append(
                Finding("orphan_stop", stop.symbol, stop.client_order_id, "no position", str(stop.leaves_base))
            )
    for symbol, held in sorted(draft.holdings.items()):
        closing = "sell" if held.qty_base > 0 else "buy"
        covered = sum((s.leaves_base for s in stops if s.symbol == symbol and s.side == closing), ZERO)
        theirs = sum(
            (
                max(ZERO, o.qty_base - o.filled_base)
                for o in answers.open_orders
                if o.is_stop and o.symbol == symbol and o.side == closing and o.client_order_id not in orders
            ),
            ZERO,
        )
        if held.qty_base != 0 and covered + theirs < abs(held.qty_base):
            found.append(Finding("unprotected", symbol, "", f"{held.qty_base} held", f"stops for {covered + theirs}"))
    return found


# ── names ─────────────────────────────────────────────────────────────────────


def _told(order: VenueOrderState) -> str:
    return f"{order.state} {order.side} {order.qty_base}"


def _event_id(venue: str, event: VenueEvent) -> str:
    what = event.trade_id if event.kind == "fill" else f"{event.qty_base}@{event.event_ns}"
    return _digest(venue, event.client_order_id, event.kind, what)


def _digest(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]
