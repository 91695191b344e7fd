"""The router: from an approved order to the venue and back into the books.

Journal before send: the intent, with the terms of its stop, is on disk before the first byte leaves. An approval is
used once. Client ids are made from what they stand for, so the same decision can never become two orders.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.errors import BooksDisagree, JournalUnwritable, Retryable, Uncertain
from chanflow.domain.instrument import Instrument
from chanflow.domain.journal import Journal
from chanflow.domain.opinion import Side
from chanflow.domain.order import ApprovedOrder, Fill, Leg, OrderEvent, OrderState, OrderTerms
from chanflow.domain.time import Clock, utc_date
from chanflow.execution.books import Books
from chanflow.execution.client_ids import client_order_id
from chanflow.execution.inquiry import Inquiry, Verdict
from chanflow.execution.ledger import Ledger, RoundTrip
from chanflow.execution.lifecycle import Order, Step
from chanflow.execution.ports import (
    Accepted,
    Action,
    OrderRef,
    Outcome,
    Unknown,
    Venue,
    VenueEvent,
    VenueOrder,
    VenueOrderState,
    VenueRefused,
)
from chanflow.execution.reconcile import Adjustment, Local, Reconciliation, parent_of

_ASK = (Action.ASK_ORDER, Action.ASK_DUPLICATE, Action.ASK_THEN_REPEAT, Action.UNKNOWN)
"""Refusals that say nothing certain about the order itself: it is asked for."""

_STEPS: dict[str, Step] = {
    "accepted": Step.ACCEPT, "canceled": Step.CANCEL, "expired": Step.EXPIRE, "rejected": Step.REJECT,
    "triggered": Step.TRIGGER, "linked": Step.LINK, "cancel_rejected": Step.CANCEL_REFUSED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happened:
    """What one venue event came to: the order's step, a fill, and a finished trade, where there is one."""

    event: OrderEvent
    fill: Fill | None = None
    trade: RoundTrip | None = None


class Router:
    """Orders, positions and books of one account at one venue."""

    def __init__(
        self,
        *,
        account: str,
        venue: Venue,
        instruments: Mapping[str, Instrument],
        journal: Journal,
        clock: Clock,
        capital_quote: Decimal,
    ) -> None:
        self._account = account
        self._venue = venue
        self._journal = journal
        self._clock = clock
        self.books = Books(instruments, clock, capital_quote)
        self.orders: dict[str, Order] = {}
        self.external: dict[str, VenueOrderState] = {}
        """Living orders at the venue that are not ours: shown, and never cancelled unasked."""
        self.inquiries: dict[str, Inquiry] = {}
        """The orders whose fate is being asked for."""
        self.halted: str | None = None
        """Why nothing is sent any more, or None."""
        self._attempts: dict[str, list[str]] = {}
        self._terms: dict[str, OrderTerms] = {}
        self._opened_on: dict[str, str] = {}
        self._unwritable = False

    def open_books(self) -> None:
        """Book the starting capital and journal it."""
        self._journal.append("ledger", self.ledger.open(self._clock.now_ns()))

    # ── sending ───────────────────────────────────────────────────────────────

    async def execute(self, approved: ApprovedOrder) -> OrderEvent:
        """Send an approved order once. Returns the step its order took.

        Raises JournalUnwritable before anything leaves.
        """
        used = self._attempts.get(approved.approved_id)
        if used:
            return self._told(self.orders[used[-1]], "repeated: the approval was used already")
        return await self._attempt(approved, 1)

    async def try_again(self, approved: ApprovedOrder) -> OrderEvent:
        """Send an approved order under a new id, its last attempt having come to nothing.

        Raises ValueError unless that is proven: it was refused, or proven never to have arrived. What is merely unknown
        is never sent again.
        """
        used = self._attempts.get(approved.approved_id, [])
        last = self.orders[used[-1]].state if used else None
        if last is not OrderState.REJECTED:
            raise ValueError(f"approval {approved.approved_id} cannot be tried again: its last attempt is {last}")
        return await self._attempt(approved, len(used) + 1)

    async def _attempt(self, approved: ApprovedOrder, attempt: int) -> OrderEvent:
        now_ns, terms = self._clock.now_ns(), approved.terms
        leg: Leg = "exit" if terms.reduce_only else "entry"
        client_id = client_order_id(
            self._account, approved.strategy, approved.proposal_id, leg, attempt,
            alphabet=self._venue.capabilities.client_id_alphabet,
        )  # fmt: skip
        position_id = self.ledger.position_id(terms.symbol) or f"position-{client_id[1:9]}"
        order = Order(client_id, terms.symbol, terms.side, leg, terms.qty_base, terms.reduce_only,
                      approved.approved_id, position_id)  # fmt: skip
        why = self._denial(approved, now_ns)
        if why is not None:
            self._write("order_denied", {"client_order_id": client_id, "why": why}, approved.decision_id)
            self._take(order, approved)
            order.step(Step.DENY)
            return self._told(order, why)
        self._write(
            "order_intent",
            {"client_order_id": client_id, "approved_id": approved.approved_id, "position_id": position_id,
             "leg": leg, "terms": terms, "attempt": attempt, "reference_price": self.books.marks.get(terms.symbol)},
            approved.decision_id, durable=True,
        )  # fmt: skip
        self._take(order, approved)
        if not terms.reduce_only:
            self._opened_on[client_id] = utc_date(now_ns)
        # Sent before it is answered: the venue may tell of a fill while its answer is still awaited.
        order.step(Step.SEND)
        outcome = await _outcome(
            self._venue.submit(
                VenueOrder(client_id, terms.symbol, terms.side, terms.qty_base, terms.reduce_only, terms.limit_price,
                           terms.stop_price, terms.take_profit_price)
            )
        )  # fmt: skip
        self._sent("order", client_id, outcome, approved.decision_id)
        self._answered(order, outcome)
        return self._told(order, outcome_text(outcome))

    def _denial(self, approved: ApprovedOrder, now_ns: int) -> str | None:
        """Return why an approval must not be sent now, or None."""
        if now_ns > approved.expires_ns:
            return "the approval has expired"
        if (approved.account, approved.venue) != (self._account, self._venue.name):
            return f"the approval is for account {approved.account} at {approved.venue}"
        if approved.terms.reduce_only:
            return None
        if self.halted is not None:
            return f"openings are halted: {self.halted}"
        symbol = approved.terms.symbol
        lost = next((o for o in self.orders.values() if o.symbol == symbol and o.state is OrderState.UNKNOWN), None)
        return None if lost is None else f"the fate of {lost.client_order_id} on {symbol} is unknown"

    def _answered(self, order: Order, outcome: Outcome) -> None:
        """Let an order follow the answer to its submission."""
        match outcome:
            case VenueRefused(action=action) if action not in _ASK:
                order.step(Step.REJECT)
            case VenueRefused() | Unknown():
                if order.step(Step.LOSE):
                    self._ask_after(order, "submit")
            case Accepted():
                pass

    async def cancel(self, client_id: str) -> OrderEvent:
        """Ask the venue to cancel an order. Returns the step it took; what became of it is heard later.

        Raises KeyError for an order that is not ours, JournalUnwritable before anything leaves.
        """
        order = self.orders[client_id]
        if not order.may(Step.REQUEST_CANCEL):
            return self._told(order, f"not cancelled: the order is {order.state}")
        self._write("cancel_intent", {"client_order_id": client_id}, durable=True)
        order.step(Step.REQUEST_CANCEL)
        outcome = await _outcome(self._venue.cancel(OrderRef(order.symbol, client_id)))
        self._sent("cancel", client_id, outcome)
        match outcome:
            case VenueRefused(action=action) if action not in _ASK:
                order.step(Step.CANCEL_REFUSED)
            case VenueRefused() | Unknown():
                if order.may(Step.CANCEL_REFUSED):
                    self._ask_after(order, "cancel")
            case Accepted():
                pass
        return self._told(order, outcome_text(outcome))

    def _sent(self, what: str, client_id: str, outcome: Outcome, correlation: str = "") -> None:
        """Journal that a command has left, and then what was answered."""
        self._write(f"{what}_sent", {"client_order_id": client_id}, correlation)
        self._write(f"{what}_outcome", {"client_order_id": client_id, "outcome": outcome_text(outcome)}, correlation)

    def _take(self, order: Order, approved: ApprovedOrder) -> None:
        """Keep an order, and with it its approval as used."""
        self._attempts.setdefault(approved.approved_id, []).append(order.client_order_id)
        self.orders[order.client_order_id] = order
        if not order.reduce_only:
            self._terms[order.client_order_id] = approved.terms

    def _write(self, kind: str, body: object, correlation: str = "", *, durable: bool = False) -> None:
        """Journal what is being sent. Where that fails the desk halts: nothing is sent from then on."""
        if self._unwritable and self.halted is not None:
            raise JournalUnwritable(self.halted)
        try:
            self._journal.append(kind, body, correlation_id=correlation, durable=durable)
        except JournalUnwritable as fault:
            self.halted, self._unwritable = str(fault), True
            raise

    # ── what nobody answered ──────────────────────────────────────────────────

    def _ask_after(self, order: Order, what: Literal["submit", "cancel"]) -> None:
        """Begin to ask what became of a command. By now its bytes have left, if they ever did."""
        now_ns = self._clock.now_ns()
        ref, window_ns = OrderRef(order.symbol, order.client_order_id), self._venue.capabilities.receive_window_ns
        self.inquiries[order.client_order_id] = Inquiry(
            ref, what, sent_ns=now_ns, opened_ns=now_ns, window_ns=window_ns
        )
        self._journal.append("inquiry", {"client_order_id": order.client_order_id, "what": what})

    def concluded(self) -> list[OrderEvent]:
        """Take in the verdicts that are there: returns the steps they came to, and forgets their inquiries."""
        ended = [(client_id, inquiry) for client_id, inquiry in self.inquiries.items() if inquiry.verdict is not None]
        events = []
        for client_id, inquiry in ended:
            del self.inquiries[client_id]
            order, verdict = self.orders[client_id], inquiry.verdict
            self._journal.append("verdict", {"client_order_id": client_id, "verdict": verdict}, durable=True)
            events.append(self._told(order, _settle(order, verdict, inquiry)))
        return events

    # ── hearing back ──────────────────────────────────────────────────────────

    def hear(self, event: VenueEvent) -> Happened | None:
        """Take one line of the venue's user stream into order, ledger and journal. Returns what it came to.

        Repeats come to nothing (None). Raises BooksDisagree for a fill that cannot be.
        """
        self._journal.append("venue_event", event)
        order = self.orders.get(event.client_order_id) or self._adopt(event)
        if order is None and event.client_order_id in self.external:
            self._hear_external(self.external[event.client_order_id], event)
            return None
        if order is None:
            self._anomaly(f"{event.kind} for unknown order {event.client_order_id}")
            return None
        inquiry = self.inquiries.get(order.client_order_id)
        if inquiry is not None and (inquiry.what == "submit" or event.kind in ("canceled", "expired", "rejected")):
            inquiry.heard()
        if event.kind == "fill":
            return self._hear_fill(order, event)
        if not self._follow(order, event):
            self._anomaly(f"{event.kind} for order {order.client_order_id}, {order.state}")
            return None
        return Happened(self._told(order, event.detail))

    def _hear_external(self, order: VenueOrderState, event: VenueEvent) -> None:
        """Take word of an order that is not ours: its fills move the books, and its end ends our watching it."""
        if event.kind == "fill":
            self._book_external(self._fill_of(event, order.symbol, order.side))
        if event.kind in ("canceled", "expired", "rejected") or (event.kind == "fill" and event.leaves_base == 0):
            del self.external[order.client_order_id]

    def _fill_of(self, event: VenueEvent, symbol: str, side: Side) -> Fill:
        return Fill(
            venue=self._venue.name, symbol=symbol, trade_id=event.trade_id, client_order_id=event.client_order_id,
            side=side, price=event.price, qty_base=event.qty_base, fee_quote=event.fee_quote, maker=event.maker,
            event_ns=event.event_ns, known_ns=event.known_ns, fee_asset=event.fee_asset,
            fee_rate_quote=event.fee_rate_quote,
        )  # fmt: skip

    def _follow(self, order: Order, event: VenueEvent) -> bool:
        """Let an order take the step that an event stands for. False where the table refuses it."""
        if event.kind == "amended":
            return order.amended(event.qty_base or order.filled_base + event.leaves_base, event.event_ns)
        if event.kind == "amend_rejected":
            return order.amend_refused()
        if event.kind == "cancel_rejected" and event.action in _ASK and order.may(Step.CANCEL_REFUSED):
            self._ask_after(order, "cancel")
            return True
        return order.step(_STEPS[event.kind])

    def _anomaly(self, what: str, *, code: str = "illegal_step", durable: bool = False) -> None:
        self._journal.append("anomaly", {"what": what, "code": code}, durable=durable)

    def _hear_fill(self, order: Order, event: VenueEvent) -> Happened | None:
        fill = self._fill_of(event, order.symbol, order.side)
        first = not order.fills
        impossible = order.fill(fill)
        if impossible == "repeated":
            return None
        if order.leg == "entry" and first:
            self.books.entered(self._terms[order.client_order_id])
        self.books.marks.setdefault(order.symbol, fill.price)
        entries, trade = self.ledger.book_fill(fill, order.position_id)
        for entry in entries:
            self._journal.append("ledger", entry)
        if trade is not None:
            self.books.left(order.symbol)
            closed = {**_fields(trade), "net_quote": trade.net_quote, "exit_leg": order.leg}
            self._journal.append("trade_closed", closed)
        if impossible is not None:
            self.halted = f"impossible fill: {impossible}"
            self._anomaly(impossible, code="impossible_fill", durable=True)
            raise BooksDisagree(self.halted)
        return Happened(self._told(order, event.detail), fill, trade)

    def _adopt(self, event: VenueEvent) -> Order | None:
        """Return the venue's own child of one of our entries: the attached stop or take-profit."""
        parent = parent_of(event.client_order_id, self.orders)
        if parent is None:
            return None
        leg: Leg = "stop" if event.client_order_id.endswith("-sl") else "take_profit"
        # The venue places it for what the entry has filled so far, and amends it when the entry fills further.
        qty = event.leaves_base if event.kind == "accepted" else parent.qty_base
        child = Order(
            event.client_order_id, parent.symbol, "sell" if parent.side == "buy" else "buy", leg, qty,
            reduce_only=True, approved_id=parent.approved_id, position_id=parent.position_id,
            state=OrderState.SUBMITTED,
        )  # fmt: skip
        self.orders[child.client_order_id] = child
        return child

    def _told(self, order: Order, detail: str) -> OrderEvent:
        return OrderEvent(
            order.client_order_id, order.symbol, order.leg, order.state, order.filled_base, order.leaves_base,
            self._clock.now_ns(), detail,
        )  # fmt: skip

    # ── the account ───────────────────────────────────────────────────────────

    @property
    def ledger(self) -> Ledger:
        """The books' ledger."""
        return self.books.ledger

    @property
    def equity_quote(self) -> Decimal:
        """Wallet plus unrealised PnL at the last marks."""
        return self.books.equity_quote

    @property
    def max_drawdown_frac(self) -> Decimal:
        """The deepest drawdown that a mark has shown."""
        return self.books.max_drawdown_frac

    def mark(self, symbol: str, price: Decimal) -> None:
        """Take a new mark price."""
        self.books.mark(symbol, price)

    def snapshot(self) -> AccountSnapshot:
        """Return the account as it stands now, orders in flight included."""
        today = utc_date(self._clock.now_ns())
        opened = sum(day == today and self._opens(client_id) for client_id, day in self._opened_on.items())
        return self.books.snapshot(self.orders.values(), self._terms, opened)

    def _opens(self, client_id: str) -> bool:
        """Whether an order for an opening counts as one: a refused one never stood anywhere."""
        order = self.orders[client_id]
        return order.state is not OrderState.REJECTED or bool(order.fills)

    def open_orders(self) -> list[OrderEvent]:
        """Return where each order that is still alive stands now."""
        return [self._told(order, "") for order in self.orders.values() if not order.state.terminal]

    # ── reconciliation ────────────────────────────────────────────────────────

    def local(self, quote: str) -> Local:
        """Return what is known here, for `compare`."""
        return Local(self._venue.name, quote, self.orders, self.ledger, self.external)

    def take_in(self, result: Reconciliation) -> list[Happened]:
        """Take in what a comparison found to be missing. Returns what the missed events came to."""
        self._journal.append(
            "reconciliation",
            {"clean": result.clean, "missed": [m.event_id for m in result.missed],
             "findings": [str(finding) for finding in result.findings]},
            durable=True,
        )  # fmt: skip
        for order in result.adopted:
            self.external[order.client_order_id] = order
        for client_id in result.ended:
            del self.external[client_id]
        happened = [h for missed in result.missed if (h := self.hear(missed.event)) is not None]
        for fill in result.foreign_fills:
            self._book_external(fill)
        for paid in result.funding:
            for entry in self.ledger.book_funding(paid.at_ns, paid.symbol, paid.ref, paid.amount_quote):
                self._journal.append("ledger", entry)
        for finding in result.findings:
            if finding.kind == "missing_order" and finding.ref not in self.inquiries:
                missing = self.orders[finding.ref]
                # One that never answered must be proven absent; one that stood there must be proven to be gone.
                self._ask_after(missing, "submit" if missing.step(Step.LOSE) else "cancel")
        return happened

    def accept(self, adjustment: Adjustment) -> None:
        """Book what a person has accepted as the venue's figures."""
        for fill in adjustment.fills:
            self._book_external(fill)
        if adjustment.amount_quote != 0:
            entry = self.ledger.book_adjustment(self._clock.now_ns(), adjustment.ref, adjustment.amount_quote)
            if entry is not None:
                self._journal.append("ledger", entry, durable=True)

    def _book_external(self, fill: Fill) -> None:
        """Book a fill that no order of ours explains; it stays out of strategy statistics."""
        self.books.marks.setdefault(fill.symbol, fill.price)
        name = self.ledger.position_id(fill.symbol) or f"position-external-{fill.trade_id[:8]}"
        entries, trade = self.ledger.book_fill(fill, name, external=True)
        for entry in entries:
            self._journal.append("ledger", entry, durable=True)
        if trade is not None:
            self.books.left(fill.symbol)
            closed = {**_fields(trade), "net_quote": trade.net_quote, "exit_leg": "external"}
            self._journal.append("trade_closed", closed)

    async def reconcile(self) -> None:
        """Compare the ledger's quantities with the venue's. Raises BooksDisagree naming symbol and both figures."""
        theirs = {p.symbol: p.qty_base for p in await self._venue.positions()}
        ours = {s: h.qty_base for s, h in self.ledger.holdings.items()}
        for symbol in sorted(theirs.keys() | ours.keys()):
            mine, venue = ours.get(symbol, Decimal(0)), theirs.get(symbol, Decimal(0))
            if mine != venue:
                raise BooksDisagree(f"{symbol}: the ledger holds {mine}, the venue says {venue}")


def _settle(order: Order, verdict: Verdict | None, inquiry: Inquiry) -> str:
    """Let an order follow a verdict; returns it in words. What was found is told by the venue's own events."""
    if verdict == "absent":
        order.step(Step.ABSENT)
        return "never_arrived"
    if verdict == "gone":
        order.step(Step.CANCEL)
        return "the venue knows no such order, and its fills are booked"
    if inquiry.what == "cancel" and inquiry.found is not None and not inquiry.found.state.terminal:
        order.step(Step.CANCEL_REFUSED)
        return "the cancel never arrived"
    return "found"


async def _outcome(command: Awaitable[Outcome]) -> Outcome:
    """Return the outcome of a command. A fault on the way is one too: it says nothing about the order."""
    try:
        return await command
    except (Retryable, Uncertain) as fault:
        return Unknown(str(fault))


def outcome_text(outcome: Accepted | VenueRefused | Unknown) -> str:
    """Return an outcome as one phrase."""
    match outcome:
        case Accepted():
            return "accepted"
        case VenueRefused(code, message):
            return f"refused {code}: {message}"
        case Unknown(cause):
            return f"unknown: {cause}"


def _fields(value: RoundTrip) -> dict[str, object]:
    return {name: getattr(value, name) for name in RoundTrip.__slots__}
