"""The router: from an approved order to the venue and back into the books.

Journal before send: the intent, with the terms of its stop, is on disk before the first byte leaves. An approval is
used once. Client ids are made from what they stand for, so the same decision can never become two orders.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Literal

from chanflow.domain.errors import BooksDisagree, JournalUnwritable, Retryable, Uncertain
from chanflow.domain.instrument import Instrument
from chanflow.domain.journal import Journal
from chanflow.domain.opinion import Side
from chanflow.domain.order import ApprovedOrder, Leg, OrderEvent, OrderState, OrderTerms, ProtectionMoved
from chanflow.domain.time import Clock, utc_date
from chanflow.execution.account import ASK, Account, Asked, Happened
from chanflow.execution.client_ids import client_order_id
from chanflow.execution.lifecycle import Order, Step
from chanflow.execution.moving import ZERO, amendments, move_fault, unmoved
from chanflow.execution.ports import (
    Accepted,
    OrderChange,
    OrderRef,
    Outcome,
    StopKind,
    Unknown,
    Venue,
    VenueOrder,
    VenueRefused,
)

ExitLeg = Literal["stop", "take_profit", "exit"]

_CONDITIONS: dict[ExitLeg, StopKind | None] = {
    "stop": "stop_market", "take_profit": "take_profit_market", "exit": None
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exit:
    """An order that closes what an entry of ours has opened. It can only reduce, and needs no approval of its own.

    `entry` is the entry's client id, under whose approval it stands. A stop and a take-profit have a trigger price; an
    exit takes the market, within its limit where it has one.
    """

    entry: str
    leg: ExitLeg
    side: Side
    qty_base: Decimal
    trigger_price: Decimal | None = None
    limit_price: Decimal | None = None
    """Of an exit that takes what is there at once, down to this price, and lets the rest go."""


class Router(Account):
    """Orders, positions and books of one account at one venue, and the way orders take to it."""

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
        super().__init__(
            account=account, venue=venue, instruments=instruments, journal=journal, clock=clock,
            capital_quote=capital_quote,
        )  # fmt: skip
        self._unwritable = False

    @property
    def account(self) -> str:
        """Whose orders these are; part of every client id."""
        return self._account

    # ── approved orders ───────────────────────────────────────────────────────

    async def execute(self, approved: ApprovedOrder) -> OrderEvent:
        """Send an approved order once. Returns the step its order took.

        Raises JournalUnwritable before anything leaves, ValueError for an approval that is no order.
        """
        if approved.terms.protects:
            raise ValueError(f"approval {approved.approved_id} moves a position's protection, it is no order")
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
        client_id = self._name(approved.strategy, approved.proposal_id, leg, attempt)
        position_id = self.ledger.position_id(terms.symbol) or f"position-{client_id[1:9]}"
        order = Order(client_id, terms.symbol, terms.side, leg, terms.qty_base, terms.reduce_only,
                      approved.approved_id, position_id)  # fmt: skip
        names = (approved.strategy, approved.proposal_id)
        why = self._denial(approved, now_ns)
        if why is not None:
            intent = self._intent(order, terms, attempt, names)
            self._write("order_denied", {**intent, "why": why}, approved.decision_id)
            self._take(order, terms, names, now_ns)
            order.step(Step.DENY)
            return self._told(order, why)
        self._write(
            "order_intent", self._intent(order, terms, attempt, names), approved.decision_id, durable=True
        )  # fmt: skip
        self._take(order, terms, names, now_ns)
        attached = self._venue.capabilities.attached_stops
        return await self._submit(
            order,
            VenueOrder(client_id, terms.symbol, terms.side, terms.qty_base, terms.reduce_only, terms.limit_price,
                       terms.stop_price if attached else None, terms.take_profit_price if attached else None,
                       time_in_force=terms.time_in_force, leverage=None if terms.reduce_only else terms.leverage),
            approved.decision_id,
        )  # fmt: skip

    def _name(self, strategy: str, proposal_id: str, leg: Leg, attempt: int) -> str:
        return client_order_id(
            self._account, strategy, proposal_id, leg, attempt,
            alphabet=self._venue.capabilities.client_id_alphabet,
        )  # fmt: skip

    def _intent(
        self, order: Order, terms: OrderTerms, attempt: int, names: tuple[str, str], *, entry: str = ""
    ) -> dict[str, object]:
        """Return all that is needed to know an order again; `entry` is the one that an exit of our making closes."""
        reference = order.trigger_price or self.books.marks.get(order.symbol)
        return {"client_order_id": order.client_order_id, "approved_id": order.approved_id,
                "position_id": order.position_id, "leg": order.leg, "terms": terms, "attempt": attempt,
                "strategy": names[0], "proposal_id": names[1], "trigger_price": order.trigger_price,
                "entry": entry, "reference_price": reference}  # fmt: skip

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
        if self.blocked is not None:
            return f"openings wait: {self.blocked}"
        if self.unwatched is not None:
            return f"openings are held (hold_risk): {self.unwatched}"
        symbol = approved.terms.symbol
        lost = next((o for o in self.living() if o.symbol == symbol and o.state is OrderState.UNKNOWN), None)
        return None if lost is None else f"the fate of {lost.client_order_id} on {symbol} is unknown"

    # ── protection ────────────────────────────────────────────────────────────

    async def protect(self, approved: ApprovedOrder) -> ProtectionMoved:
        """Put a position under the prices of an approval, once. Returns what came of it.

        Exits that the venue has attached are amended, and the books follow as the venue grants it. Elsewhere the books
        move here, and who protects the account has the new exits placed before the old ones go. Raises
        JournalUnwritable before anything leaves, ValueError for an approval that is an order.
        """
        if not approved.terms.protects:
            raise ValueError(f"approval {approved.approved_id} is an order, it moves no protection")
        known = self._moved.get(approved.approved_id)
        if known is not None:
            return known
        terms, symbol = approved.terms, approved.terms.symbol
        attached = self._venue.capabilities.attached_stops
        changes = list(amendments(self.living(), terms)) if attached else []
        why = self._denial(approved, self._clock.now_ns()) or self._move_fault(terms, [name for name, _ in changes])
        moved = ProtectionMoved(
            approved.approved_id, approved.proposal_id, symbol, self.ledger.position_id(symbol) or "",
            terms.stop_price, terms.take_profit_price, "amend" if attached else "replace", why or "",
        )  # fmt: skip
        self._write("protection_moved", moved, approved.decision_id, durable=True)
        self.recall_moved(moved)
        if why is None:
            for client_id, change in changes:
                await self.amend(client_id, change, correlation=approved.decision_id)
        return moved

    def _move_fault(self, terms: OrderTerms, moving: list[str]) -> str | None:
        """Return why the position cannot be put under `terms`; `moving` are the exits an amendment would move."""
        opened, held = self.books.opened(terms.symbol), self.ledger.holdings.get(terms.symbol)
        fault = move_fault(terms, opened, ZERO if held is None else held.qty_base)
        if fault is None and opened is not None and self._venue.capabilities.attached_stops:
            return unmoved(terms, opened, {self.orders[name].leg for name in moving})
        return fault

    # ── exits ─────────────────────────────────────────────────────────────────

    def prepare(self, wanted: Exit) -> tuple[Order, Callable[[], Awaitable[OrderEvent]]]:
        """Journal an exit under its entry's approval; returns its order and what sends it when called.

        From now on the order stands in the books. Raises KeyError for an entry that is not ours and JournalUnwritable.
        """
        entry = self.orders[wanted.entry]
        attempt = len(self.exits(entry.approved_id, wanted.leg)) + 1
        names = self._names[wanted.entry]
        client_id = self._name(*names, wanted.leg, attempt)
        order = Order(client_id, entry.symbol, wanted.side, wanted.leg, wanted.qty_base, True, entry.approved_id,
                      self.ledger.position_id(entry.symbol) or entry.position_id,
                      trigger_price=wanted.trigger_price)  # fmt: skip
        terms = OrderTerms(entry.symbol, wanted.side, wanted.qty_base, 1, True, wanted.limit_price, None, None)
        self._write(
            "order_intent", self._intent(order, terms, attempt, names, entry=wanted.entry), wanted.entry, durable=True
        )
        self._take(order, terms, names, self._clock.now_ns(), entry=wanted.entry)
        asked = VenueOrder(client_id, entry.symbol, wanted.side, wanted.qty_base, True, wanted.limit_price, None, None,
                           conditional=_CONDITIONS[wanted.leg], trigger_price=wanted.trigger_price)  # fmt: skip
        return order, partial(self._submit, order, asked, wanted.entry)

    async def _submit(self, order: Order, asked: VenueOrder, correlation: str) -> OrderEvent:
        # Sent before it is answered: the venue may tell of a fill while its answer is still awaited.
        order.step(Step.SEND)
        outcome = await _outcome(self._venue.submit(asked))
        self._sent("order", order.client_order_id, outcome, correlation)
        self._answered(order, "submit", outcome)
        return self._told(order, outcome_text(outcome))

    def _answered(self, order: Order, what: Asked, outcome: Outcome) -> None:
        """Let an order follow the answer to a command."""
        self._touch(order.client_order_id)
        match outcome:
            case Accepted():
                order.acknowledged = order.acknowledged or what == "submit"
                if what == "submit" and order.client_order_id in self.inquiries:
                    self.inquiries[order.client_order_id].heard()
            case VenueRefused(action=action) if action not in ASK:
                self._refused(order, what, outcome)
            case _ if what == "submit":
                if order.step(Step.LOSE):
                    self._ask_after(order, what)
            case _ if order.state is (OrderState.PENDING_CANCEL if what == "cancel" else OrderState.PENDING_AMEND):
                self._ask_after(order, what)

    def _refused(self, order: Order, what: Asked, refusal: VenueRefused) -> None:
        """Take the venue's no: to the order itself, or to a command about it."""
        if what == "submit":
            self.refusals[order.client_order_id] = refusal
            order.step(Step.REJECT)
        elif what == "cancel":
            order.step(Step.CANCEL_REFUSED)
        else:
            self._changes.pop(order.client_order_id, None)
            order.amend_refused()

    # ── cancels and amendments ────────────────────────────────────────────────

    async def cancel(self, client_id: str) -> OrderEvent:
        """Ask the venue to cancel an order. Returns the step it took; what became of it is heard later.

        Raises KeyError for an order that is not ours, JournalUnwritable before anything leaves.
        """
        order = self.orders[client_id]
        if not order.may(Step.REQUEST_CANCEL):
            return self._told(order, f"not cancelled: the order is {order.state}")
        self._write("cancel_intent", {"client_order_id": client_id}, durable=True)
        order.step(Step.REQUEST_CANCEL)
        self._touch(client_id)
        outcome = await _outcome(self._venue.cancel(OrderRef(order.symbol, client_id)))
        self._sent("cancel", client_id, outcome)
        self._answered(order, "cancel", outcome)
        return self._told(order, outcome_text(outcome))

    async def amend(self, client_id: str, change: OrderChange, *, correlation: str = "") -> OrderEvent:
        """Ask the venue to change an order's terms. Returns the step it took; what became of it is heard later.

        Raises KeyError for an order that is not ours, ValueError for an entry that would get more than was approved,
        JournalUnwritable before anything leaves.
        """
        order = self.orders[client_id]
        if order.leg == "entry" and change.qty_base is not None and change.qty_base > order.qty_base:
            raise ValueError(
                f"{client_id} was approved for {order.qty_base}, it cannot be amended to {change.qty_base}"
            )
        if not self._venue.capabilities.amend:
            return self._told(order, f"not amended: {self._venue.name} amends no orders")
        if not order.may(Step.REQUEST_AMEND):
            return self._told(order, f"not amended: the order is {order.state}")
        self._write("amend_intent", {"client_order_id": client_id, "change": change}, correlation, durable=True)
        self._ask_change(order, change)
        self._touch(client_id)
        outcome = await _outcome(self._venue.amend(OrderRef(order.symbol, client_id), change))
        self._sent("amend", client_id, outcome, correlation)
        self._answered(order, "amend", outcome)
        return self._told(order, outcome_text(outcome))

    def _ask_change(self, order: Order, change: OrderChange) -> None:
        """Keep what an amendment asks for until it is answered."""
        order.ask(change.qty_base)
        self._changes[order.client_order_id] = change

    # ── keeping ───────────────────────────────────────────────────────────────

    def _sent(self, what: str, client_id: str, outcome: Outcome, correlation: str = "") -> None:
        """Journal that a command has left, and then what was answered."""
        self._write(f"{what}_sent", {"client_order_id": client_id}, correlation)
        body: dict[str, object] = {"client_order_id": client_id, "outcome": outcome_text(outcome)}
        if isinstance(outcome, VenueRefused):
            body |= {"code": outcome.code, "action": outcome.action}
        self._write(f"{what}_outcome", body, correlation)

    def _take(self, order: Order, terms: OrderTerms, names: tuple[str, str], at_ns: int, *, entry: str = "") -> None:
        """Keep an order, and with it its approval as used; one that closes `entry` stands under that one's approval."""
        self._keep(order)
        self._names[order.client_order_id] = names
        if entry:
            self._exits.setdefault((order.approved_id, order.leg), []).append(order)
        else:
            self._attempts.setdefault(order.approved_id, []).append(order.client_order_id)
        if order.leg == "entry":
            self._terms[order.client_order_id] = terms
            self._opened_on[order.client_order_id] = utc_date(at_ns)
        self._touch(order.client_order_id)

    def _write(self, kind: str, body: object, correlation: str = "", *, durable: bool = False) -> None:
        """Journal what is being sent. Where that fails the desk halts: nothing is sent from then on."""
        if self._unwritable and self.halted is not None:
            raise JournalUnwritable(self.halted)
        try:
            self._journal.append(kind, body, correlation_id=correlation, durable=durable)
        except JournalUnwritable as fault:
            self.halted, self._unwritable = str(fault), True
            raise

    # ── out of the journal ────────────────────────────────────────────────────

    def recall_intent(
        self, order: Order, terms: OrderTerms, names: tuple[str, str], *, entry: str, denied: bool
    ) -> None:
        """Take in an order whose intent the journal has: its bytes may have left."""
        self._take(order, terms, names, self._clock.now_ns(), entry=entry)
        order.step(Step.DENY if denied else Step.SEND)

    def recall_moved(self, moved: ProtectionMoved) -> None:
        """Take in that an approval has moved a position's protection, or was denied; either way it is used."""
        self._moved[moved.approved_id] = moved
        if moved.how == "replace" and not moved.denied:
            self.books.protect(moved.symbol, moved.stop_price, moved.take_profit_price)

    def recall_request(self, client_id: str, change: OrderChange | None) -> None:
        """Take in a cancel, or with `change` an amendment, whose intent the journal has."""
        order = self.orders[client_id]
        if change is None:
            order.step(Step.REQUEST_CANCEL)
        else:
            self._ask_change(order, change)
        self._touch(client_id)

    def recall_outcome(self, client_id: str, what: Asked, outcome: Outcome) -> None:
        """Take in what a command was answered with."""
        self._answered(self.orders[client_id], what, outcome)

    def recall_inquiry(self, client_id: str) -> None:
        """Take in that an order was asked for: one that nothing was known of is of unknown fate since."""
        self.orders[client_id].step(Step.LOSE)

    def recall_verdict(self, client_id: str, step: Step | None) -> None:
        """Take in what an inquiry came to."""
        self.inquiries.pop(client_id, None)
        self._rule(self.orders[client_id], step)

    def awake(self, journal: Journal, clock: Clock) -> None:
        """Go on with a journal and a clock of today: every command without an answer is asked for."""
        self._journal, self._clock = journal, clock
        self.books.use_clock(clock)
        self.inquiries.clear()
        asked: dict[OrderState, Asked] = {
            OrderState.UNKNOWN: "submit", OrderState.PENDING_CANCEL: "cancel", OrderState.PENDING_AMEND: "amend",
        }  # fmt: skip
        for order in self.living():
            if order.state is OrderState.SUBMITTED and not order.acknowledged and order.client_order_id in self._names:
                order.step(Step.LOSE)
            if order.state in asked:
                self._ask_after(order, asked[order.state])

    async def reconcile(self) -> None:
        """Compare the ledger's quantities with the venue's. Raises BooksDisagree naming symbol and both figures."""
        theirs = {p.symbol: p.qty_base for p in await self._venue.positions()}
        ours = {s: h.qty_base for s, h in self.ledger.holdings.items()}
        for symbol in sorted(theirs.keys() | ours.keys()):
            mine, venue = ours.get(symbol, Decimal(0)), theirs.get(symbol, Decimal(0))
            if mine != venue:
                raise BooksDisagree(f"{symbol}: the ledger holds {mine}, the venue says {venue}")


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


__all__ = ["Exit", "ExitLeg", "Happened", "Router", "outcome_text"]
