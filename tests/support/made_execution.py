"""A router with its surroundings in memory: a venue that does as told, a journal that can fail, a clock set by hand."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from made_desk import MARKET, NOW, SIM, D, account, gate, proposal

from chanflow.adapters.venues.simulated import CAPABILITIES
from chanflow.domain.account import AccountSnapshot
from chanflow.domain.errors import JournalUnwritable
from chanflow.domain.opinion import Side
from chanflow.domain.order import ApprovedOrder, Fill
from chanflow.execution.ports import (
    Accepted,
    Capabilities,
    OrderChange,
    OrderRef,
    Outcome,
    VenueEvent,
    VenueEventKind,
    VenueOrder,
    VenuePosition,
)
from chanflow.execution.router import Router
from chanflow.runtime.clock import SimulatedClock

T = TypeVar("T")


@dataclass
class Record:
    kind: str
    body: Any
    correlation_id: str
    durable: bool


@dataclass
class MemoryJournal:
    """Keeps records; kinds in `unwritable` raise, as a full disk would."""

    log: list[str]
    records: list[Record] = field(default_factory=list)
    unwritable: frozenset[str] = frozenset()

    def append(self, kind: str, body: Any, *, correlation_id: str = "", durable: bool = False) -> None:
        if kind in self.unwritable:
            raise JournalUnwritable(f"the disk is full at {kind}")
        self.records.append(Record(kind, body, correlation_id, durable))
        self.log.append(f"{kind} durable" if durable else kind)

    def of(self, kind: str) -> list[Record]:
        return [r for r in self.records if r.kind == kind]


@dataclass
class MemoryVenue:
    """Answers every command with `outcome`; `while_sending` runs before the answer is there."""

    log: list[str]
    outcome: Outcome = field(default_factory=Accepted)
    sent: list[VenueOrder] = field(default_factory=list)
    held: Sequence[VenuePosition] = ()
    while_sending: Callable[[VenueOrder], object] = lambda _: None
    name: str = "memory"

    async def submit(self, order: VenueOrder) -> Outcome:
        self.log.append("submit")
        self.sent.append(order)
        self.while_sending(order)
        return self.outcome

    capabilities: Capabilities = CAPABILITIES

    async def cancel(self, ref: OrderRef) -> Outcome:
        self.log.append(f"cancel {ref.symbol} {ref.client_order_id}")
        return self.outcome

    async def amend(self, ref: OrderRef, change: OrderChange) -> Outcome:
        self.log.append(f"amend {ref.client_order_id}")
        return self.outcome

    async def positions(self) -> Sequence[VenuePosition]:
        return self.held


@dataclass
class Desk:
    router: Router
    venue: MemoryVenue
    journal: MemoryJournal
    clock: SimulatedClock
    log: list[str]

    def send(self, order: ApprovedOrder) -> str:
        """Execute `order`; returns its client id."""
        return settled(self.router.execute(order)).client_order_id

    def hear(self, *events: VenueEvent) -> list[Any]:
        return [self.router.hear(event) for event in events]

    def enter(self, order: ApprovedOrder | None = None, *, price: str = "100") -> str:
        """Send an entry, fill all of it at `price` and place its stop and take-profit; returns its client id."""
        order = approved() if order is None else order
        client_id, qty = self.send(order), order.terms.qty_base
        self.hear(
            told("accepted", client_id, qty), filled(client_id, "1", price, qty),
            told("accepted", f"{client_id}-sl", qty), told("accepted", f"{client_id}-tp", qty),
        )  # fmt: skip
        return client_id


def desk(capital: str = "10000") -> Desk:
    log: list[str] = []
    journal, venue, clock = MemoryJournal(log), MemoryVenue(log), SimulatedClock(NOW)
    router = Router(
        account="paper", venue=venue, instruments={"SIMUSDT": SIM}, journal=journal, clock=clock,
        capital_quote=D(capital),
    )  # fmt: skip
    router.open_books()
    return Desk(router, venue, journal, clock, log)


def approved(
    *, of: AccountSnapshot | None = None, now_ns: int = NOW, venue: str = "memory", **changes: Any
) -> ApprovedOrder:
    """Return the gate's yes to a proposal; `of` is the account it is judged for, at `venue`."""
    verdict = gate(venue=venue).judge(proposal(**changes), account() if of is None else of, MARKET, now_ns=now_ns)
    assert isinstance(verdict, ApprovedOrder), verdict.reasons
    return verdict


def closing(of: AccountSnapshot, *, proposal_id: str = "close-1") -> ApprovedOrder:
    """Return the approval that closes the only position of an account."""
    (position,) = of.positions
    return approved(
        of=of, proposal_id=proposal_id, action="close", kind="management", side=None, stop_price=None,
        take_profit_price=None, entry_price=None, confidence=None, position_id=position.position_id,
    )  # fmt: skip


def told(kind: VenueEventKind, client_id: str, leaves: Decimal | str = "0", *, detail: str = "") -> VenueEvent:
    return VenueEvent(kind, client_id, NOW + 1, NOW + 2, D(leaves), detail=detail)


def filled(
    client_id: str, trade_id: str, price: str, qty: Decimal | str, *, fee: str = "0", leaves: str = "0"
) -> VenueEvent:
    return VenueEvent(
        "fill", client_id, NOW + 1, NOW + 2, D(leaves), trade_id=trade_id, price=D(price), qty_base=D(qty),
        fee_quote=D(fee),
    )  # fmt: skip


def fill(
    trade_id: str, side: Side, qty: Decimal | str, price: Decimal | str = "100", *, fee: Decimal | str = "0",
    symbol: str = "SIMUSDT", at_ns: int = NOW,
) -> Fill:  # fmt: skip
    return Fill("memory", symbol, trade_id, "q", side, D(price), D(qty), D(fee), False, at_ns, at_ns)


def settled(work: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine gives that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("it waits for something")
