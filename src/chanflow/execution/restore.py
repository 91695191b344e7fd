"""An account out of its journal: what was known when the process ended, however it ended.

The causes are read again in their order (what was sent, what was answered, what the venue told) and have the effects
they had. Effects in the journal are compared with those; the last ones, which the end may have cut off, are appended
now. A command without an answer in the journal is of unknown fate: it is asked for and never sent again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from chanflow.domain.canonical import plain
from chanflow.domain.equity import EquityMarks
from chanflow.domain.errors import BooksDisagree, JournalCorrupt
from chanflow.domain.instrument import Instrument
from chanflow.domain.journal import Journal
from chanflow.domain.order import Fill, Leg, OrderTerms, ProtectionMoved
from chanflow.domain.time import NS_PER_DAY, Clock, parse_rfc3339
from chanflow.execution.account import Asked
from chanflow.execution.checks import ReadSoFar
from chanflow.execution.ledger import Entry
from chanflow.execution.lifecycle import Order, Step
from chanflow.execution.ports import (
    Accepted,
    Action,
    OrderChange,
    Outcome,
    Unknown,
    Venue,
    VenueEvent,
    VenueFunding,
    VenueRefused,
)
from chanflow.execution.reconcile import parent_of
from chanflow.execution.records import Recorded, read
from chanflow.execution.router import Router

EFFECTS = frozenset({"ledger", "trade_closed", "inquiry", "anomaly"})
"""What a cause brings about in the journal right after itself."""


@dataclass(slots=True)
class _Recall:
    """Stands in for journal and clock while causes are read again: keeps their effects, at the time of the record."""

    at_ns: int = 0
    effects: deque[tuple[str, Any]] = field(default_factory=deque)

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:  # noqa: ARG002
        if kind in EFFECTS:
            self.effects.append((kind, plain(body)))

    def now_ns(self) -> int:
        return self.at_ns

    def monotonic_ns(self) -> int:
        return self.at_ns

    async def sleep_until(self, at_ns: int) -> None:  # noqa: ARG002
        raise AssertionError("nothing waits while a journal is read")


@dataclass(frozen=True, slots=True)
class Restored:
    """An account as its journal knows it, awake: its commands without an answer are being asked for."""

    router: Router
    read: ReadSoFar | None
    """How far the venue was read; None where no comparison was made yet."""


def restore(
    records: Iterable[Recorded],
    *,
    account: str,
    venue: Venue,
    instruments: Mapping[str, Instrument],
    journal: Journal,
    clock: Clock,
    capital_quote: Decimal,
) -> Restored:
    """Return the account that `records` tell of; `journal` is the one that they are from, open at its end.

    An empty journal gives a new account with `capital_quote`, its books open. Raises JournalCorrupt for a record that
    cannot be read or an effect that its cause does not have.
    """
    told = list(records)
    capital = next((Decimal(r.body["amount_quote"]) for r in told if r.kind == "ledger"), None)
    recall = _Recall()
    router = Router(
        account=account, venue=venue, instruments=instruments, journal=recall, clock=recall,
        capital_quote=capital_quote if capital is None else capital,
    )  # fmt: skip
    reader = _Reader(router, recall)
    for record in told:
        reader.take(record)
    for kind, body in recall.effects:
        journal.append(kind, body)
    router.awake(journal, clock)
    if capital is None:
        router.open_books()
    return Restored(router, reader.read)


class _Reader:
    """Reads causes into a router, and holds the journal's effects against those they have."""

    def __init__(self, router: Router, recall: _Recall) -> None:
        self.read: ReadSoFar | None = None
        self._router = router
        self._recall = recall
        self._causes: dict[str, Callable[[Any], None]] = {
            "order_denied": self._intent, "order_intent": self._intent, "cancel_intent": self._request,
            "amend_intent": self._request, "order_outcome": self._outcome("submit"),
            "cancel_outcome": self._outcome("cancel"), "amend_outcome": self._outcome("amend"),
            "venue_event": self._event, "verdict": self._verdict, "external_fill": self._external,
            "funding": self._funding, "adjustment": self._adjustment, "fill_cursor": self._cursor,
            "account": self._account, "equity_marks": self._equity_marks, "protection_moved": self._moved,
        }  # fmt: skip

    def take(self, record: Recorded) -> None:
        """Take in one record; those of other stages say nothing here."""
        self._recall.at_ns = parse_rfc3339(record.at)
        if record.kind in EFFECTS:
            self._effect(record)
        elif record.kind in self._causes:
            if self._recall.effects:
                kind, _ = self._recall.effects[0]
                raise JournalCorrupt(f"a {record.kind} at {record.at} stands where a {kind} should")
            self._causes[record.kind](record.body)

    def _effect(self, record: Recorded) -> None:
        effects = self._recall.effects
        if effects and effects[0][0] == record.kind:
            _, body = effects.popleft()
            if body != record.body:
                raise JournalCorrupt(f"the {record.kind} at {record.at} is not what its cause comes to: {body}")
        elif record.kind == "inquiry":
            self._router.recall_inquiry(record.body["client_order_id"])
        elif record.kind == "ledger":
            entry = read(Entry, record.body)
            if entry.kind != "capital":
                raise JournalCorrupt(f"the ledger's {entry.kind} at {record.at} has no cause in the journal")
            self._router.ledger.open(entry.at_ns)

    # ── causes ────────────────────────────────────────────────────────────────

    def _intent(self, body: Any) -> None:
        terms = read(OrderTerms, body["terms"])
        trigger = body["trigger_price"]
        order = Order(
            body["client_order_id"], terms.symbol, terms.side, cast("Leg", body["leg"]), terms.qty_base,
            terms.reduce_only, body["approved_id"], body["position_id"],
            trigger_price=None if trigger is None else Decimal(trigger),
        )  # fmt: skip
        names = (body["strategy"], body["proposal_id"])
        self._router.recall_intent(order, terms, names, entry=body["entry"], denied="why" in body)

    def _request(self, body: Any) -> None:
        change = read(OrderChange, body["change"]) if "change" in body else None
        self._router.recall_request(body["client_order_id"], change)

    def _outcome(self, what: Asked) -> Callable[[Any], None]:
        def take(body: Any) -> None:
            self._router.recall_outcome(body["client_order_id"], what, _outcome_of(body))

        return take

    def _event(self, body: Any) -> None:
        event = read(VenueEvent, body)
        ours = self._router.orders
        if event.client_order_id not in ours and parent_of(event.client_order_id, ours) is None:
            return
        try:
            self._router.hear(event)
        except BooksDisagree:
            # It was one then too: the fill is booked, and openings are halted as they were.
            return

    def _verdict(self, body: Any) -> None:
        step = body["step"]
        self._router.recall_verdict(body["client_order_id"], None if step is None else Step(step))

    def _external(self, body: Any) -> None:
        self._router.book_external(read(Fill, body))

    def _funding(self, body: Any) -> None:
        self._router.book_funding(read(VenueFunding, body))

    def _adjustment(self, body: Any) -> None:
        self._router.book_adjustment(body["at_ns"], body["ref"], Decimal(body["amount_quote"]))

    def _cursor(self, body: Any) -> None:
        self.read = read(ReadSoFar, body)

    def _account(self, body: Any) -> None:
        """High-water mark and the day's start outlive a restart; marks stand until the market tells newer ones."""
        for position in body["positions"]:
            self._router.books.marks[position["symbol"]] = Decimal(position["mark_price"])
        self._router.books.carry_on(
            EquityMarks(
                Decimal(body["high_water_quote"]), Decimal(body["day_start_equity_quote"]),
                body["as_of_ns"] // NS_PER_DAY, Decimal(body["equity_quote"]),
            )
        )  # fmt: skip

    def _equity_marks(self, body: Any) -> None:
        """A mark that moved between two readings of the account outlives a restart as well."""
        self._router.books.carry_on(read(EquityMarks, body))

    def _moved(self, body: Any) -> None:
        self._router.recall_moved(read(ProtectionMoved, body))


def _outcome_of(body: Any) -> Outcome:
    text = str(body["outcome"])
    if text == "accepted":
        return Accepted()
    if "action" in body:
        return VenueRefused(int(body["code"]), text.partition(": ")[2], Action(body["action"]))
    return Unknown(text.removeprefix("unknown: "))
