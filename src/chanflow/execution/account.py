"""One account as it is known here: its orders, its books, and all that the venue tells, which moves them.

Nothing is sent from here; `Router` adds that. Each cause is journaled before its effects: what the venue told
(`venue_event`), a fill that no order of ours explains (`external_fill`), `funding`, an accepted `adjustment`, a
`verdict`. The causes alone give the same account again, so a journal that was cut anywhere is enough (`restore`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.errors import BooksDisagree
from chanflow.domain.instrument import Instrument
from chanflow.domain.journal import Journal
from chanflow.domain.opinion import Side
from chanflow.domain.order import Fill, Leg, OrderEvent, OrderState, OrderTerms, ProtectionMoved
from chanflow.domain.time import Clock, utc_date
from chanflow.execution.books import Books
from chanflow.execution.heartbeat import Heartbeat
from chanflow.execution.inquiry import Inquiry
from chanflow.execution.ledger import Entry, Ledger, RoundTrip
from chanflow.execution.lifecycle import Order, Step
from chanflow.execution.ports import (
    Action,
    OrderChange,
    OrderRef,
    Venue,
    VenueEvent,
    VenueFunding,
    VenueOrderState,
    VenueRefused,
)
from chanflow.execution.reconcile import Adjustment, Local, Reconciliation, parent_of

ASK = (Action.ASK_ORDER, Action.ASK_DUPLICATE, Action.ASK_THEN_REPEAT, Action.UNKNOWN)
"""Refusals that say nothing certain about the order itself: it is asked for."""

Asked = Literal["submit", "cancel", "amend"]

_STEPS: dict[str, Step] = {
    "accepted": Step.ACCEPT, "canceled": Step.CANCEL, "expired": Step.EXPIRE, "rejected": Step.REJECT,
    "triggered": Step.TRIGGER, "linked": Step.LINK, "cancel_rejected": Step.CANCEL_REFUSED,
}  # fmt: skip
_ENDS = ("canceled", "expired", "rejected")
_ANSWERS: dict[str, tuple[str, ...]] = {"cancel": _ENDS, "amend": (*_ENDS, "amended", "amend_rejected")}
"""Which news ends the inquiry into a cancel or an amendment; any news of an order proves that it arrived."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What one venue event came to: the order's step, a fill, and a finished trade, where there is one."""

    event: OrderEvent
    fill: Fill | None = None
    trade: RoundTrip | None = None


class Account:
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
        self.touched: dict[str, int] = {}
        """When each order was last sent to, answered for or heard of, in Unix ns."""
        self.refusals: dict[str, VenueRefused] = {}
        """The venue's no to orders that it refused, by client id."""
        self.halted: str | None = None
        """Why nothing is opened any more until a person says so, or None."""
        self.blocked: str | None = None
        """Why nothing is opened until books and venue are found to agree, or None."""
        self.guardian: Heartbeat | None = None
        """The sign of life of who watches the account; where somebody does, nothing is opened without it."""
        self.monitor: Heartbeat | None = None
        """The same of who watches triggers of positions."""
        self._attempts: dict[str, list[str]] = {}
        self._exits: dict[tuple[str, str], list[Order]] = {}
        self._moved: dict[str, ProtectionMoved] = {}
        """By approval, what became of those that moved a position's protection: each is used once."""
        self._maybe_living: dict[str, Order] = {}
        self._terms: dict[str, OrderTerms] = {}
        self._names: dict[str, tuple[str, str]] = {}
        self._changes: dict[str, OrderChange] = {}
        self._opened_on: dict[str, str] = {}

    def open_books(self) -> None:
        """Book the starting capital and journal it."""
        self._journal.append("ledger", self.ledger.open(self._clock.now_ns()))

    def _touch(self, client_id: str) -> None:
        self.touched[client_id] = self._clock.now_ns()

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
        self._touch(order.client_order_id)
        inquiry = self.inquiries.get(order.client_order_id)
        if inquiry is not None and (inquiry.what == "submit" or event.kind in _ANSWERS[inquiry.what]):
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
            self.book_external(self._fill_of(event, order.symbol, order.side))
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
            return self._amended(order, event.qty_base or order.filled_base + event.leaves_base, event.event_ns)
        if event.kind == "amend_rejected":
            self._changes.pop(order.client_order_id, None)
            return order.amend_refused()
        if event.kind == "cancel_rejected" and event.action in ASK and order.may(Step.CANCEL_REFUSED):
            self._ask_after(order, "cancel")
            return True
        if event.kind == "rejected":
            self.refusals[order.client_order_id] = VenueRefused(0, event.detail, event.action)
        return order.step(_STEPS[event.kind])

    def _amended(self, order: Order, qty_base: Decimal, event_ns: int) -> bool:
        """Let an order take its new quantity, and the prices that were asked for with it."""
        if not order.amended(qty_base, event_ns):
            return False
        change = self._changes.pop(order.client_order_id, None)
        if change is not None:
            order.trigger_price = change.trigger_price or order.trigger_price
            self._under(order, change.trigger_price)
            terms = self._terms.get(order.client_order_id)
            if terms is not None and change.limit_price is not None:
                self._terms[order.client_order_id] = replace(terms, limit_price=change.limit_price)
        return True

    def _under(self, order: Order, trigger_price: Decimal | None) -> None:
        """Where an exit that the venue attached has a new trigger, that is what its position stands under."""
        if trigger_price is None or parent_of(order.client_order_id, self.orders) is None:
            return
        stop, target = (trigger_price, None) if order.leg == "stop" else (None, trigger_price)
        self.books.protect(order.symbol, stop, target)

    def _anomaly(self, what: str, *, code: str = "illegal_step", durable: bool = False) -> None:
        self._journal.append("anomaly", {"what": what, "code": code}, durable=durable)

    def _hear_fill(self, order: Order, event: VenueEvent) -> Happened | None:
        fill = self._fill_of(event, order.symbol, order.side)
        impossible = order.fill(fill)
        if impossible == "repeated":
            return None
        first = len(order.fills) == 1
        # An entry may go on filling after its position was closed: what it opens then is under its terms as well.
        if order.leg == "entry" and (first or self.books.opened(order.symbol) is None):
            self.books.entered(order.client_order_id, self._terms[order.client_order_id])
        self.books.marks.setdefault(order.symbol, fill.price)
        entries, trade = self.ledger.book_fill(fill, order.position_id)
        self._booked(entries, trade, order.leg)
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
        terms = self._terms.get(parent.client_order_id)
        trigger = None if terms is None else terms.stop_price if leg == "stop" else terms.take_profit_price
        child = Order(
            event.client_order_id, parent.symbol, "sell" if parent.side == "buy" else "buy", leg, qty,
            reduce_only=True, approved_id=parent.approved_id, position_id=parent.position_id,
            state=OrderState.SUBMITTED, trigger_price=trigger,
        )  # fmt: skip
        self._keep(child)
        return child

    def _keep(self, order: Order) -> None:
        self.orders[order.client_order_id] = self._maybe_living[order.client_order_id] = order

    def living(self) -> list[Order]:
        """Return the orders that have not ended, oldest first."""
        # An order that has ended never lives again, whatever else is heard of it.
        for client_id in [name for name, order in self._maybe_living.items() if order.state.terminal]:
            del self._maybe_living[client_id]
        return list(self._maybe_living.values())

    def exits(self, approved_id: str, leg: Leg) -> Sequence[Order]:
        """Return the exits of our making of one leg under an approval, oldest first."""
        return self._exits.get((approved_id, leg), ())

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

    @property
    def unwatched(self) -> str | None:
        """Why nothing is opened until guardian and monitor look again, or None."""
        now_ns = self._clock.now_ns()
        gone = (beat.missing(now_ns) for beat in (self.guardian, self.monitor) if beat is not None)
        return next((why for why in gone if why is not None), None)

    def mark(self, symbol: str, price: Decimal) -> None:
        """Take a new mark price."""
        self.books.mark(symbol, price)

    def snapshot(self) -> AccountSnapshot:
        """Return the account as it stands now, orders in flight included."""
        today = utc_date(self._clock.now_ns())
        opened = sum(day == today and self._opens(client_id) for client_id, day in self._opened_on.items())
        known = self.books.snapshot(self.living(), self._terms, opened)
        return known if self.blocked is None else replace(known, reconciled=False)

    def _opens(self, client_id: str) -> bool:
        """Whether an order for an opening counts as one: a refused one never stood anywhere."""
        order = self.orders[client_id]
        return order.state is not OrderState.REJECTED or bool(order.fills)

    def open_orders(self) -> list[OrderEvent]:
        """Return where each order that is still alive stands now."""
        return [self._told(order, "") for order in self.living()]

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
            self.book_external(fill)
        for paid in result.funding:
            self.book_funding(paid)
        for finding in result.findings:
            if finding.kind == "missing_order" and finding.ref not in self.inquiries:
                missing = self.orders[finding.ref]
                # One that never answered must be proven absent; one that stood there must be proven to be gone.
                self._ask_after(missing, "submit" if missing.step(Step.LOSE) else "cancel")
        return happened

    def accept(self, adjustment: Adjustment) -> None:
        """Book what a person has accepted as the venue's figures."""
        for fill in adjustment.fills:
            self.book_external(fill)
        if adjustment.amount_quote != 0:
            self.book_adjustment(self._clock.now_ns(), adjustment.ref, adjustment.amount_quote)

    def book_adjustment(self, at_ns: int, ref: str, amount_quote: Decimal) -> None:
        """Book an amount that a person accepted without an explanation."""
        self._journal.append("adjustment", {"at_ns": at_ns, "ref": ref, "amount_quote": amount_quote}, durable=True)
        entry = self.ledger.book_adjustment(at_ns, ref, amount_quote)
        if entry is not None:
            self._journal.append("ledger", entry)

    def book_funding(self, paid: VenueFunding) -> None:
        """Book a funding payment."""
        self._journal.append("funding", paid)
        for entry in self.ledger.book_funding(paid.at_ns, paid.symbol, paid.ref, paid.amount_quote):
            self._journal.append("ledger", entry)

    def book_external(self, fill: Fill) -> None:
        """Book a fill that no order of ours explains; it stays out of strategy statistics."""
        self._journal.append("external_fill", fill, durable=True)
        self.books.marks.setdefault(fill.symbol, fill.price)
        name = self.ledger.position_id(fill.symbol) or f"position-external-{fill.trade_id[:8]}"
        entries, trade = self.ledger.book_fill(fill, name, external=True)
        self._booked(entries, trade, "external")

    def _booked(self, entries: list[Entry], trade: RoundTrip | None, exit_leg: str) -> None:
        """Journal what a fill came to in the ledger."""
        for entry in entries:
            self._journal.append("ledger", entry)
        if trade is not None:
            self.books.left(trade.symbol)
            self._journal.append("trade_closed", {**_fields(trade), "net_quote": trade.net_quote, "exit_leg": exit_leg})

    # ── what nobody answered ──────────────────────────────────────────────────

    def _ask_after(self, order: Order, what: Asked) -> None:
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
            order = self.orders[client_id]
            self._grant(order, inquiry)
            step, words = _ruling(order, inquiry)
            self._journal.append(
                "verdict", {"client_order_id": client_id, "verdict": inquiry.verdict, "step": step}, durable=True
            )
            self._rule(order, step)
            events.append(self._told(order, words))
        return events

    def _grant(self, order: Order, inquiry: Inquiry) -> None:
        """Where the order that was found has the terms of an amendment nobody answered, that is heard as granted."""
        change, found = self._changes.get(order.client_order_id), inquiry.found
        if inquiry.what != "amend" or order.state is not OrderState.PENDING_AMEND or change is None or found is None:
            return
        asked = ((change.qty_base, found.qty_base), (change.limit_price, found.limit_price),
                 (change.trigger_price, found.trigger_price))  # fmt: skip
        if all(wanted in (None, has) for wanted, has in asked):
            leaves = max(Decimal(0), found.qty_base - found.filled_base)
            now_ns = self._clock.now_ns()
            self.hear(VenueEvent("amended", order.client_order_id, found.updated_ns, now_ns, leaves,
                                 qty_base=found.qty_base))  # fmt: skip

    def _rule(self, order: Order, step: Step | None) -> None:
        """Let an order take the step that a verdict came to."""
        self._touch(order.client_order_id)
        if step is Step.AMEND_REFUSED:
            self._changes.pop(order.client_order_id, None)
            order.amend_refused()
        elif step is not None:
            order.step(step)


def _ruling(order: Order, inquiry: Inquiry) -> tuple[Step | None, str]:
    """Return the step a verdict comes to, and the verdict in words. What was found is told by the venue's events."""
    if inquiry.verdict == "absent":
        return Step.ABSENT, "never_arrived"
    if inquiry.verdict == "gone":
        return Step.CANCEL, "the venue knows no such order, and its fills are booked"
    alive = inquiry.found is not None and not inquiry.found.state.terminal
    if inquiry.what == "cancel" and alive:
        return Step.CANCEL_REFUSED, "the cancel never arrived"
    if inquiry.what == "amend" and alive and order.state is OrderState.PENDING_AMEND:
        return Step.AMEND_REFUSED, "the amendment never arrived"
    return None, "found"


def _fields(value: RoundTrip) -> dict[str, object]:
    return {name: getattr(value, name) for name in RoundTrip.__slots__}
