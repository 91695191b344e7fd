"""The router: from an approved order to the venue and back into the books.

Journal before send: the intent, with the terms of its stop, is on disk before the first byte leaves. An approval is
used once. Client ids are made from what they stand for, so the same decision can never become two orders.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from chanflow.domain.account import AccountSnapshot, Position, RestingOrder
from chanflow.domain.errors import BooksDisagree
from chanflow.domain.instrument import Instrument
from chanflow.domain.journal import Journal
from chanflow.domain.order import ApprovedOrder, Fill, Leg, OrderEvent, OrderState
from chanflow.domain.time import Clock, utc_date
from chanflow.execution.ledger import Ledger, RoundTrip
from chanflow.execution.lifecycle import Order
from chanflow.execution.ports import Accepted, Unknown, Venue, VenueEvent, VenueOrder, VenueRefused


def client_order_id(account: str, strategy: str, proposal_id: str, leg: str, attempt: int) -> str:
    """Return the deterministic client id: `q` and the first 128 bits of a SHA-256 in base32, 27 characters."""
    digest = hashlib.sha256("|".join((account, strategy, proposal_id, leg, str(attempt))).encode()).digest()
    return "q" + base64.b32encode(digest[:16]).decode().rstrip("=").lower()


@dataclass(slots=True)
class _Held:
    """What execution knows of an open position beside the ledger."""

    leverage: int
    stop_price: Decimal | None
    take_profit_price: Decimal | None


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
        self._instruments = dict(instruments)
        self._journal = journal
        self._clock = clock
        self.ledger = Ledger(capital_quote)
        self.orders: dict[str, Order] = {}
        self._consumed: set[str] = set()
        self._held: dict[str, _Held] = {}
        self._terms: dict[str, ApprovedOrder] = {}
        self._marks: dict[str, Decimal] = {}
        self._high_water = capital_quote
        self._day = ""
        self._day_start = capital_quote
        self._opened_on: list[str] = []
        self.max_drawdown_frac = Decimal(0)

    def open_books(self) -> None:
        """Book the starting capital and journal it."""
        self._journal.append("ledger", self.ledger.open(self._clock.now_ns()))

    # ── sending ───────────────────────────────────────────────────────────────

    async def execute(self, approved: ApprovedOrder) -> OrderEvent:
        """Send an approved order once. Returns the step its order took.

        Raises JournalUnwritable before anything leaves.
        """
        now_ns, terms = self._clock.now_ns(), approved.terms
        leg: Leg = "exit" if terms.reduce_only else "entry"
        client_id = client_order_id(self._account, approved.strategy, approved.proposal_id, leg, 1)
        if approved.approved_id in self._consumed:
            order = self.orders[client_id]
            return self._told(order, "repeated: the approval was used already")
        position_id = self.ledger.position_id(terms.symbol) or f"position-{client_id[1:9]}"
        order = Order(
            client_id,
            terms.symbol,
            terms.side,
            leg,
            terms.qty_base,
            terms.reduce_only,
            approved.approved_id,
            position_id,
        )
        correlation = approved.decision_id
        if now_ns > approved.expires_ns:
            self._take(order, approved)
            order.step("deny")
            self._journal.append("order_denied", {"client_order_id": client_id, "why": "the approval has expired"},
                                 correlation_id=correlation)  # fmt: skip
            return self._told(order, "the approval has expired")
        self._journal.append(
            "order_intent",
            {"client_order_id": client_id, "approved_id": approved.approved_id, "position_id": position_id,
             "leg": leg, "terms": terms, "reference_price": self._marks.get(terms.symbol)},
            correlation_id=correlation, durable=True,
        )  # fmt: skip
        self._take(order, approved)
        if not terms.reduce_only:
            self._opened_on.append(utc_date(now_ns))
        # Sent before it is answered: the venue may tell of a fill while its answer is still awaited.
        order.step("send")
        outcome = await self._venue.submit(
            VenueOrder(client_id, terms.symbol, terms.side, terms.qty_base, terms.reduce_only, terms.limit_price,
                       terms.stop_price, terms.take_profit_price)
        )  # fmt: skip
        self._journal.append("order_sent", {"client_order_id": client_id, "outcome": outcome_text(outcome)},
                             correlation_id=correlation)  # fmt: skip
        match outcome:
            case VenueRefused():
                order.step("reject")
            case Unknown():
                order.step("lose")
            case Accepted():
                pass
        return self._told(order, outcome_text(outcome))

    def _take(self, order: Order, approved: ApprovedOrder) -> None:
        """Keep an order, and with it its approval as used."""
        self._consumed.add(approved.approved_id)
        self.orders[order.client_order_id] = order
        if not order.reduce_only:
            self._terms[order.client_order_id] = approved

    # ── hearing back ──────────────────────────────────────────────────────────

    def hear(self, event: VenueEvent) -> Happened | None:
        """Take one line of the venue's user stream into order, ledger and journal. Returns what it came to.

        Repeats come to nothing (None). Raises BooksDisagree for a fill that cannot be.
        """
        self._journal.append("venue_event", event)
        order = self.orders.get(event.client_order_id) or self._adopt(event)
        if order is None:
            self._journal.append("anomaly", {"what": f"{event.kind} for unknown order {event.client_order_id}"})
            return None
        if event.kind == "fill":
            return self._hear_fill(order, event)
        if event.kind in ("amended", "cancel_rejected"):
            if event.kind == "amended":
                order.qty_base = order.filled_base + event.leaves_base
            return Happened(self._told(order, event.detail or event.kind))
        step = {"accepted": "accept", "canceled": "cancel", "expired": "expire", "rejected": "reject",
                "triggered": "trigger"}[event.kind]  # fmt: skip
        if not order.step(step):
            self._journal.append("anomaly", {"what": f"{event.kind} for order {order.client_order_id}, {order.state}"})
            return None
        return Happened(self._told(order, event.detail))

    def _hear_fill(self, order: Order, event: VenueEvent) -> Happened | None:
        fill = Fill(
            venue=self._venue.name, symbol=order.symbol, trade_id=event.trade_id, client_order_id=order.client_order_id,
            side=order.side, price=event.price, qty_base=event.qty_base, fee_quote=event.fee_quote, maker=event.maker,
            event_ns=event.event_ns, known_ns=event.known_ns,
        )  # fmt: skip
        impossible = order.fill(fill)
        if impossible == "repeated":
            return None
        if order.leg == "entry" and order.symbol not in self._held:
            terms = self._terms[order.client_order_id].terms
            self._held[order.symbol] = _Held(terms.leverage, terms.stop_price, terms.take_profit_price)
        self._marks[order.symbol] = self._marks.get(order.symbol, fill.price)
        entries, trade = self.ledger.book_fill(fill, order.position_id)
        for entry in entries:
            self._journal.append("ledger", entry)
        if trade is not None:
            self._held.pop(order.symbol, None)
            closed = {**_fields(trade), "net_quote": trade.net_quote, "exit_leg": order.leg}
            self._journal.append("trade_closed", closed)
        if impossible is not None:
            self._journal.append("anomaly", {"what": impossible}, durable=True)
            raise BooksDisagree(f"impossible fill: {impossible}")
        return Happened(self._told(order, event.detail), fill, trade)

    def _adopt(self, event: VenueEvent) -> Order | None:
        """Return the venue's own child of one of our entries: the attached stop or take-profit."""
        parent_id, _, suffix = event.client_order_id.rpartition("-")
        parent = self.orders.get(parent_id)
        leg: Leg | None = {"sl": "stop", "tp": "take_profit"}.get(suffix)  # type: ignore[assignment]
        if parent is None or leg is None:
            return None
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

    def mark(self, symbol: str, price: Decimal) -> None:
        """Take a new mark price; high-water mark, drawdown and the day's start follow."""
        self._marks[symbol] = price
        equity = self.equity_quote
        day = utc_date(self._clock.now_ns())
        if day != self._day:
            self._day, self._day_start = day, equity
        self._high_water = max(self._high_water, equity)
        self.max_drawdown_frac = max(self.max_drawdown_frac, 1 - equity / self._high_water)

    @property
    def equity_quote(self) -> Decimal:
        """Wallet plus unrealised PnL at the last marks."""
        return self.ledger.wallet_quote + self.ledger.unrealised_quote(self._marks)

    def snapshot(self) -> AccountSnapshot:
        """Return the account as it stands now, orders in flight included."""
        now_ns = self._clock.now_ns()
        return AccountSnapshot(
            as_of_ns=now_ns,
            wallet_quote=self.ledger.wallet_quote,
            equity_quote=self.equity_quote,
            high_water_quote=self._high_water,
            day_start_equity_quote=self._day_start,
            transfers_today_quote=Decimal(0),
            positions=tuple(self._positions()),
            resting=tuple(self._resting()),
            opening_trades_today=self._opened_on.count(utc_date(now_ns)),
            reconciled=all(o.state is not OrderState.UNKNOWN for o in self.orders.values()),
        )

    def open_orders(self) -> list[OrderEvent]:
        """Return where each order that is still alive stands now."""
        return [self._told(order, "") for order in self.orders.values() if not order.state.terminal]

    def _positions(self) -> list[Position]:
        found = []
        for symbol, holding in sorted(self.ledger.holdings.items()):
            if holding.qty_base == 0:
                continue
            # A position that no entry of ours explains is shown bare: unprotected, and at no leverage of ours.
            held = self._held.get(symbol, _Held(1, None, None))
            stops = [o for o in self.orders.values() if o.symbol == symbol and o.leg == "stop" and not o.state.terminal]
            found.append(
                Position(
                    position_id=self.ledger.position_id(symbol) or "", symbol=symbol,
                    base=self._instruments[symbol].base, qty_base=holding.qty_base,
                    entry_price=holding.average_price, mark_price=self._marks[symbol], leverage=held.leverage,
                    opened_ns=self.ledger.opened_ns(symbol), stop_price=held.stop_price,
                    take_profit_price=held.take_profit_price, protected=bool(stops),
                )
            )  # fmt: skip
        return found

    def _resting(self) -> list[RestingOrder]:
        return [
            RestingOrder(
                o.symbol, self._instruments[o.symbol].base, o.side, o.leaves_base,
                self._terms[o.client_order_id].terms.limit_price or self._marks.get(o.symbol, Decimal(0)),
                self._terms[o.client_order_id].terms.leverage,
            )
            for o in self.orders.values()
            if o.leg == "entry" and not o.state.terminal and o.leaves_base > 0
        ]  # fmt: skip

    async def reconcile(self) -> None:
        """Compare the ledger's quantities with the venue's. Raises BooksDisagree naming symbol and both figures."""
        theirs = {p.symbol: p.qty_base for p in await self._venue.positions()}
        ours = {s: h.qty_base for s, h in self.ledger.holdings.items()}
        for symbol in sorted(theirs.keys() | ours.keys()):
            mine, venue = ours.get(symbol, Decimal(0)), theirs.get(symbol, Decimal(0))
            if mine != venue:
                raise BooksDisagree(f"{symbol}: the ledger holds {mine}, the venue says {venue}")


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
