"""The user streams, made into the port's events: who an order is, what is news of it, and what is told in order.

A modification is a cancel and a new number under the same cloid. The old number's end is not the order's, and fills of
the new one wait until it is known to be this order. Nothing here waits or asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from chanflow.adapters.venues.hyperliquid.names import number_name
from chanflow.adapters.venues.hyperliquid.parse import FillRow, OrderRow
from chanflow.adapters.venues.hyperliquid.wire import OrderTerms
from chanflow.adapters.venues.hyperliquid.words import state_of
from chanflow.domain.order import OrderState
from chanflow.domain.time import NS_PER_MS
from chanflow.execution.ports import VenueEvent, VenueEventKind

ZERO: Final = Decimal(0)
MAX_HELD: Final = 1_000


@dataclass(slots=True)
class Tracked:
    """One order under all the numbers it has had."""

    client_id: str
    qty_base: Decimal
    """Of the number it has now."""
    terms: OrderTerms | None = None
    """What was last asked for; None for an order that only the streams have told of."""
    oid: int | None = None
    past: set[int] = field(default_factory=set)
    fills: dict[str, tuple[int, Decimal]] = field(default_factory=dict)
    """By identity: the number it was filled under, and how much."""
    told: set[str] = field(default_factory=set)
    replacing: bool = False
    held: list[tuple[OrderRow, int]] = field(default_factory=list)
    """Ends of the number it has now, heard while a replacement is under way."""

    @property
    def filled_base(self) -> Decimal:
        """All that was filled, under any number."""
        return sum((qty for _, qty in self.fills.values()), ZERO)

    @property
    def whole_base(self) -> Decimal:
        """What was filled under past numbers and the quantity of the present one."""
        return self.qty_base + sum((qty for oid, qty in self.fills.values() if oid in self.past), ZERO)

    @property
    def leaves_base(self) -> Decimal:
        """What may still fill."""
        return max(ZERO, self.whole_base - self.filled_base)


class UserStream:
    """What is known of the account's orders, and which of it has been told."""

    def __init__(self) -> None:
        self._by_name: dict[str, Tracked] = {}
        self._by_oid: dict[int, Tracked] = {}
        self._names: dict[str, str] = {}
        self._waiting: dict[int, list[tuple[FillRow, int]]] = {}

    # ── what we do ────────────────────────────────────────────────────────────

    def sent(self, client_id: str, cloid: str, terms: OrderTerms) -> Tracked:
        """Learn of an order that is about to leave; returns what is known of it."""
        self._names[cloid] = client_id
        known = self._by_name.setdefault(client_id, Tracked(client_id, terms.qty_base))
        known.terms = terms
        return known

    def recalled(self, order: Tracked, row: OrderRow, fills: Sequence[FillRow], known_ns: int) -> list[VenueEvent]:
        """Learn where an order of an earlier process stands; returns the fills of it that were not told."""
        order.told.add("accepted")
        before = self._number(order, row.oid, known_ns) if order.oid is None else []
        return before + [
            event for fill in fills if fill.oid == row.oid for event in self._filled(order, fill, known_ns)
        ]

    def acked(self, client_id: str, oid: int | None, known_ns: int) -> list[VenueEvent]:
        """Learn the number that the venue's answer gave an order; returns the fills that waited for it."""
        order = self._by_name.get(client_id)
        if order is None or oid is None or order.oid is not None:
            return []
        return self._number(order, oid, known_ns)

    def refused(self, client_id: str) -> None:
        """Learn that an order was refused: what the stream says of that later is no news."""
        order = self._by_name.get(client_id)
        if order is not None:
            order.told.add("end")

    def replacing(self, client_id: str) -> None:
        """Learn that a replacement of an order is about to leave."""
        order = self._by_name.get(client_id)
        if order is not None:
            order.replacing = True

    def replaced(self, client_id: str, oid: int, terms: OrderTerms, event_ns: int) -> list[VenueEvent]:
        """Learn that an order has a new number and new terms; returns that, and the fills that waited."""
        order = self._by_name[client_id]
        order.terms = terms
        if oid == order.oid:
            order.replacing, order.held = False, []
            return []
        return self._renumber(order, oid, terms.qty_base, event_ns, event_ns)

    def kept(self, client_id: str, known_ns: int) -> list[VenueEvent]:
        """Learn that an order was not replaced; returns what was held back of its end."""
        order = self._by_name.get(client_id)
        if order is None:
            return []
        order.replacing = False
        held, order.held = order.held, []
        return [event for row, heard_ns in held for event in self._end(order, row, max(heard_ns, known_ns))]

    # ── what is known ─────────────────────────────────────────────────────────

    def known(self, client_id: str) -> Tracked | None:
        """Return an order by its name."""
        return self._by_name.get(client_id)

    def name_of(self, cloid: str) -> str | None:
        """Return what the order of a cloid is called, None where nobody has said."""
        return self._names.get(cloid)

    def call(self, cloid: str, client_id: str) -> None:
        """Learn what the order of a cloid is called."""
        self._names.setdefault(cloid, client_id)

    # ── what is told ──────────────────────────────────────────────────────────

    def update(self, row: OrderRow, known_ns: int) -> list[VenueEvent]:
        """Take a row of `orderUpdates`, or an answer about one order; returns what is news in it."""
        order = self._order_of(row)
        if row.oid in order.past:
            return []
        state = state_of(row.status)
        if state is None:
            return []
        if state is OrderState.REJECTED:
            # A replacement that was rejected is told by the answer to it; until then the order stands.
            return [] if order.replacing and row.oid != order.oid else self._end(order, row, known_ns)
        events = self._numbered(order, row, known_ns)
        if state is OrderState.ACCEPTED:
            return events + self._living(order, row, known_ns)
        if state is OrderState.CANCELED and order.replacing and row.oid == order.oid:
            order.held.append((row, known_ns))
            return events
        return events + self._end(order, row, known_ns)

    def fill(self, row: FillRow, known_ns: int) -> list[VenueEvent]:
        """Take a fill; returns it as an event, or nothing for one told before or one whose order is not known yet."""
        order = self._by_oid.get(row.oid) or (self._named(row.cloid) if row.cloid else None)
        if order is None and row.liquidation:
            order = self._by_name.setdefault(
                number_name(row.oid), Tracked(number_name(row.oid), row.qty_base, oid=row.oid)
            )
            self._by_oid[row.oid] = order
        if order is None or (order.oid is not None and row.oid != order.oid and row.oid not in order.past):
            waiting = self._waiting.setdefault(row.oid, [])
            if len(waiting) < MAX_HELD:
                waiting.append((row, known_ns))
            return []
        before = [] if order.oid is not None else self._number(order, row.oid, known_ns)
        return [*before, *self._filled(order, row, known_ns)]

    def snapshot(self, rows: Sequence[FillRow], known_ns: int) -> list[VenueEvent]:
        """Take the fills with which a subscription begins; returns those of orders we know that were not told.

        Older ones, and those of others, are what reconciliation reads.
        """
        events = []
        for row in rows:
            if row.oid in self._by_oid or (row.cloid is not None and self._named(row.cloid) is not None):
                events += self.fill(row, known_ns)
        return events

    # ── inside ────────────────────────────────────────────────────────────────

    def _named(self, cloid: str) -> Tracked | None:
        return self._by_name.get(self._names.get(cloid, cloid))

    def _order_of(self, row: OrderRow) -> Tracked:
        order = self._by_oid.get(row.oid) or (self._named(row.cloid) if row.cloid else None)
        if order is None:
            name = number_name(row.oid) if row.cloid is None else self._names.get(row.cloid, row.cloid)
            order = self._by_name.setdefault(name, Tracked(name, row.qty_base))
        return order

    def _numbered(self, order: Tracked, row: OrderRow, known_ns: int) -> list[VenueEvent]:
        """Let an order take the number of a row; returns what that brings about."""
        if order.oid is None:
            return self._number(order, row.oid, known_ns)
        if row.oid == order.oid:
            return []
        return self._renumber(order, row.oid, row.qty_base, row.updated_ms * NS_PER_MS, known_ns)

    def _number(self, order: Tracked, oid: int, known_ns: int) -> list[VenueEvent]:
        order.oid = oid
        self._by_oid[oid] = order
        return [event for row, _ in self._waiting.pop(oid, ()) for event in self._filled(order, row, known_ns)]

    def _renumber(
        self, order: Tracked, oid: int, qty_base: Decimal, event_ns: int, known_ns: int
    ) -> list[VenueEvent]:  # fmt: skip
        if order.oid is not None:
            order.past.add(order.oid)
        order.qty_base, order.replacing, order.held = qty_base, False, []
        order.told.discard("end")
        order.oid = oid
        self._by_oid[oid] = order
        waited = self._waiting.pop(oid, ())
        return [
            self._event("amended", order, event_ns, known_ns, qty_base=order.whole_base),
            *(event for row, _ in waited for event in self._filled(order, row, known_ns)),
        ]

    def _living(self, order: Tracked, row: OrderRow, known_ns: int) -> list[VenueEvent]:
        at_ns = row.updated_ms * NS_PER_MS
        events = []
        if not order.told & {"accepted", "end"}:
            order.told.add("accepted")
            events.append(self._event("accepted", order, at_ns, known_ns))
        if row.status == "triggered" and "triggered" not in order.told:
            # The order it becomes keeps the number, so the two are linked at once.
            order.told.add("triggered")
            events += [self._event(kind, order, at_ns, known_ns) for kind in ("triggered", "linked")]
        return events

    def _end(self, order: Tracked, row: OrderRow, known_ns: int) -> list[VenueEvent]:
        state = state_of(row.status)
        if state is OrderState.FILLED and row.leaves_base == 0:
            # The fills say it, and say more.
            return []
        if "end" in order.told or state is None:
            return []
        order.told.add("end")
        kind: VenueEventKind = "expired" if state is OrderState.FILLED else "canceled"
        if state is OrderState.REJECTED:
            kind = "rejected"
        return [self._event(kind, order, row.updated_ms * NS_PER_MS, known_ns, detail=row.status)]

    def _filled(self, order: Tracked, row: FillRow, known_ns: int) -> list[VenueEvent]:
        if row.ref in order.fills:
            return []
        before = order.whole_base
        order.fills[row.ref] = (row.oid, row.qty_base)
        event_ns = row.at_ms * NS_PER_MS
        events = []
        if not order.told & {"accepted", "end"} and not row.liquidation:
            # What trades was accepted, whether or not that is told.
            order.told.add("accepted")
            events.append(VenueEvent("accepted", order.client_id, event_ns, known_ns, before))
        if order.whole_base != before:
            # A fill of the number it had came after the replacement was sized: the order is for that much more.
            events.append(self._event("amended", order, known_ns, known_ns, qty_base=order.whole_base))
        events.append(
            VenueEvent(
                "fill", order.client_id, event_ns, known_ns, order.leaves_base, row.ref, row.price, row.qty_base,
                row.fee, row.maker, "liquidation" if row.liquidation else "", row.fee_asset,
            )
        )  # fmt: skip
        if row.liquidation:
            detail = f"{row.direction} {row.qty_base} {row.symbol} at {row.price}"
            events.append(self._event("liquidation", order, event_ns, known_ns, detail=detail))
        return events

    def _event(
        self, kind: VenueEventKind, order: Tracked, event_ns: int, known_ns: int, *, detail: str = "",
        qty_base: Decimal = ZERO,
    ) -> VenueEvent:  # fmt: skip
        return VenueEvent(
            kind, order.client_id, event_ns, known_ns, order.leaves_base, qty_base=qty_base, detail=detail
        )
