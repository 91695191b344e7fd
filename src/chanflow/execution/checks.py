"""The checks of a running account: each asks the venue something, compares, and takes in what was missed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chanflow.domain.errors import BooksDisagree
from chanflow.domain.journal import Journal
from chanflow.domain.order import Fill, OrderEvent, OrderState
from chanflow.domain.time import Clock
from chanflow.execution.cadence import APART_NS, FIRST_WORD_NS, QUERIES, SETTLED_NS, Check
from chanflow.execution.lifecycle import Order
from chanflow.execution.ports import FillCursor, NotFound, OrderRef, Unknown, Venue, VenueOrderState
from chanflow.execution.protection import held
from chanflow.execution.questions import answer_or_none, ask_venue, pursue
from chanflow.execution.reconcile import Answers, Reconciliation, Standing, compare
from chanflow.execution.router import Happened, Router

_IN_FLIGHT = (OrderState.SUBMITTED, OrderState.PENDING_CANCEL, OrderState.PENDING_AMEND)
NO_ANSWER = Unknown("the question was not answered")


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """How far the venue's fills and funding have been read and taken in.

    `begin` is where the fills stood before our first order: what is older is never ours to book.
    """

    begin: FillCursor
    fills: FillCursor
    funding_since_ns: int


class Checks:
    """Asks on behalf of one account."""

    def __init__(
        self,
        *,
        router: Router,
        venue: Venue,
        journal: Journal,
        clock: Clock,
        quote: str,
        read: ReadSoFar | None,
        on_happened: Callable[[Happened], None],
        on_alert: Callable[[str, str], None],
    ) -> None:
        self.read = read
        self._router = router
        self._venue = venue
        self._journal = journal
        self._clock = clock
        self._quote = quote
        self._on_happened = on_happened
        self._on_alert = on_alert
        self._standing = Standing()
        self._reread: set[str] = set()

    async def run(self, check: Check) -> None:
        """Do one check."""
        match check:
            case "in_flight":
                await self._in_flight()
            case "orders":
                await self._orders()
            case "figures":
                await self._figures()
            case "full":
                await self.full()

    # ── everything ────────────────────────────────────────────────────────────

    async def full(self) -> tuple[Reconciliation, Answers]:
        """Ask for everything; returns what the comparison found and the answers it rests on."""
        asked_ns = self._clock.now_ns()
        answers = await ask_venue(
            self._venue, self._router.local(self._quote), self._cursor(),
            funding_since_ns=self._funding_since_ns, clock=self._clock,
        )  # fmt: skip
        answers = replace(answers, orders={name: self._judged(name, told) for name, told in answers.orders.items()})
        result = self._take_in(answers)
        if self.agrees(result):
            self._router.blocked = None
        self._stand(result, asked_ns)
        return result, answers

    def agrees(self, result: Reconciliation) -> bool:
        """Return whether openings may go on; a position that is not ours may stand without a stop of ours."""
        ours = held(self._router)
        bare = [f for f in result.findings if f.kind == "unprotected" and f.symbol not in ours]
        for finding in bare:
            self._on_alert("unprotected", str(finding))
        return not any(f.blocks for f in result.findings if f not in bare)

    async def pursue(self) -> list[OrderEvent]:
        """Ask what is due about orders of unknown fate. Returns the steps of those whose fate is known now."""
        if not self._router.inquiries:
            return []
        before = len(self._router.ledger.entries)
        events = await pursue(
            self._router, self._venue, self._cursor(), quote=self._quote,
            funding_since_ns=self._funding_since_ns, clock=self._clock,
        )  # fmt: skip
        if len(self._router.ledger.entries) != before:
            self._journal.append("account", self._router.snapshot())
        return events

    # ── in part ───────────────────────────────────────────────────────────────

    async def _in_flight(self) -> None:
        """Ask for commands that nobody has told of for long, and sooner for what may fill: it moves the position."""
        now_ns = self._clock.now_ns()
        await self._ask_for([o for o in self._router.living() if _waits(o) and self._still(o, now_ns)], None)

    def _still(self, order: Order, now_ns: int) -> bool:
        answered = order.acknowledged or order.state is not OrderState.SUBMITTED
        soon = answered and _may_fill(order)
        return now_ns - self._router.touched[order.client_order_id] >= (FIRST_WORD_NS if soon else SETTLED_NS)

    async def _orders(self) -> None:
        """Compare the open orders; what ours are missing there is asked for one by one."""
        asked_ns = self._clock.now_ns()
        there = await answer_or_none(self._venue.open_orders())
        if there is None:
            return
        names = {order.client_order_id for order in there}
        absent = [o for o in self._router.living() if o.client_order_id not in names and self._still(o, asked_ns)]
        await self._ask_for(absent, there)

    async def _ask_for(self, orders: Sequence[Order], there: Sequence[VenueOrderState] | None) -> None:
        """Ask for a few orders, and for fills where there were any to ask for."""
        told: dict[str, VenueOrderState | NotFound | Unknown] = {}
        for order in [o for o in orders if o.client_order_id not in self._router.inquiries][:QUERIES]:
            if told:
                await self._clock.sleep_until(self._clock.now_ns() + APART_NS)
            answer = await answer_or_none(self._venue.order(OrderRef(order.symbol, order.client_order_id)))
            told[order.client_order_id] = self._judged(order.client_order_id, answer or NO_ANSWER)
        if not told and there is None:
            return
        fills = await answer_or_none(self._venue.fills(self._cursor())) if told else None
        self._take_in(Answers(self._clock.now_ns(), told, there, fills, None, None, None))

    async def _figures(self) -> None:
        """Compare positions and wallet, on top of the fills and the funding that explain them."""
        asked_ns = self._clock.now_ns()
        fills = await answer_or_none(self._venue.fills(self._cursor()))
        funding = await answer_or_none(self._venue.funding(self._funding_since_ns))
        positions = await answer_or_none(self._venue.positions())
        balances = await answer_or_none(self._venue.balances())
        if None in (fills, funding, positions, balances):
            return
        result = self._take_in(Answers(self._clock.now_ns(), {}, None, fills, funding, positions, balances))
        self._stand(result, asked_ns)

    # ── taking in ─────────────────────────────────────────────────────────────

    def _take_in(self, answers: Answers) -> Reconciliation:
        result = compare(self._router.local(self._quote), answers)
        if not result.empty or any(f.kind != "unanswered" for f in result.findings):
            try:
                for happened in self._router.take_in(result):
                    self._on_happened(happened)
            except BooksDisagree as fault:
                self._on_alert("books_disagree", str(fault))
        if answers.fills is not None:
            self._reread = {f.symbol for f in result.findings if f.kind == "stale_cursor"}
        self._advance(answers)
        return result

    def _stand(self, result: Reconciliation, asked_ns: int) -> None:
        """Stop openings over a difference that stands twice. One that crossed a fill says nothing."""
        if any(at_ns >= asked_ns for at_ns in self._router.touched.values()):
            return
        try:
            self._standing.take(result)
        except BooksDisagree as fault:
            self._router.blocked = str(fault)
            self._on_alert("books_disagree", str(fault))

    def _judged(
        self, client_id: str, told: VenueOrderState | NotFound | Unknown
    ) -> VenueOrderState | NotFound | Unknown:
        """Take "no such order" for no answer where the order was touched only now: it may be on its way."""
        young = self._clock.now_ns() - self._router.touched[client_id] < FIRST_WORD_NS
        return Unknown("it was touched while it was asked for") if isinstance(told, NotFound) and young else told

    # ── how far fills were read ───────────────────────────────────────────────

    @property
    def _funding_since_ns(self) -> int:
        return 0 if self.read is None else self.read.funding_since_ns

    def _cursor(self) -> FillCursor:
        """Return where to read fills from; a symbol whose fills are not complete is read from its begin."""
        if self.read is None:
            return FillCursor({})
        begin = self.read.begin.last_trade_id
        again = {symbol: begin.get(symbol, "") for symbol in sorted(self._reread)}
        return FillCursor({**self.read.fills.last_trade_id, **again})

    def _advance(self, answers: Answers) -> None:
        """Move on behind the fills and the funding that were taken in."""
        if self.read is None:
            return
        fills: Sequence[Fill] = answers.fills or ()
        last = {**self.read.fills.last_trade_id, **{fill.symbol: fill.trade_id for fill in fills}}
        since_ns = max([self.read.funding_since_ns, *(paid.at_ns for paid in answers.funding or ())])
        read = ReadSoFar(self.read.begin, FillCursor(last), since_ns)
        if read != self.read:
            self.read_to(read)

    def read_to(self, read: ReadSoFar) -> None:
        """Note, on disk, how far fills and funding were taken in."""
        self._journal.append("fill_cursor", read, durable=True)
        self.read = read


def _waits(order: Order) -> bool:
    return _may_fill(order) or order.state in _IN_FLIGHT


def _may_fill(order: Order) -> bool:
    """Return whether an order is there to fill now: an entry or exit, or a stop that has gone off."""
    return order.leg in ("entry", "exit") or order.state in (OrderState.TRIGGERED, OrderState.PARTIALLY_FILLED)
