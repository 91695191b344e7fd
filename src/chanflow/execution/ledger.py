"""The ledger: double entry, append-only, from fills and what the venue charges. The model's claims do not come in here.

Realised PnL by average cost; unrealised at mark; `equity = wallet + unrealised`. After every entry two things hold to
the last digit, or the books are broken: all accounts sum to zero, and
`wallet = capital + realised - fees + rebates + funding + transfers + adjustments`.

An entry has all that is needed to book it again: `Ledger.replay` gives the same books from the entries alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from chanflow.domain.errors import BooksDisagree
from chanflow.domain.order import Fill
from chanflow.execution.holding import EXACT, ZERO, Holding

CashKind = Literal["capital", "fee", "rebate", "funding", "transfer", "adjustment"]
EntryKind = Literal["fill", CashKind]

_OTHER_SIDE: dict[EntryKind, str] = {
    "capital": "equity", "fill": "pnl", "fee": "fees", "rebate": "rebates", "funding": "funding",
    "transfer": "transfers", "adjustment": "adjustments",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One ledger row: an amount in quote units moves from `debit` to `credit`.

    A fill's amount is what it realised; `signed_base` and `price` are how it moved the holding. A fee names the asset
    it was taken in and what one unit of that was worth. `estimated` figures are replaced once the venue has told.
    """

    kind: EntryKind
    at_ns: int
    symbol: str
    ref: str
    debit: str
    credit: str
    amount_quote: Decimal
    signed_base: Decimal = ZERO
    price: Decimal = ZERO
    position_id: str = ""
    venue: str = ""
    client_order_id: str = ""
    asset: str = ""
    rate_quote: Decimal = Decimal(1)
    estimated: bool = False
    external: bool = False


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A closed trade, flat to flat. `gross_quote` is before, `net_quote` after fees.

    `external` where any of it was not ours: such trades are left out of strategy statistics.
    """

    symbol: str
    position_id: str
    side: Literal["long", "short"]
    opened_ns: int
    closed_ns: int
    qty_base: Decimal
    entry_price: Decimal
    exit_price: Decimal
    gross_quote: Decimal
    fees_quote: Decimal
    external: bool = False

    @property
    def net_quote(self) -> Decimal:
        """What was kept."""
        return self.gross_quote - self.fees_quote


@dataclass(slots=True)
class _Open:
    position_id: str
    side: Literal["long", "short"]
    opened_ns: int
    entry_qty: Decimal = ZERO
    entry_value: Decimal = ZERO
    exit_qty: Decimal = ZERO
    exit_value: Decimal = ZERO
    gross: Decimal = ZERO
    fees: Decimal = ZERO
    external: bool = False


@dataclass(slots=True)
class Ledger:
    """The books of one account in one quote currency."""

    capital_quote: Decimal
    entries: list[Entry] = field(default_factory=list)
    holdings: dict[str, Holding] = field(default_factory=dict)
    wallet_quote: Decimal = ZERO
    sums: dict[EntryKind, Decimal] = field(default_factory=lambda: dict.fromkeys(_OTHER_SIDE, ZERO))
    """What each kind of entry has brought to the wallet, in all."""
    accounts: dict[str, Decimal] = field(default_factory=dict)
    _booked: set[tuple[str, ...]] = field(default_factory=set)
    _estimates: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    _open: dict[str, _Open] = field(default_factory=dict)
    _transfers: list[tuple[int, Decimal]] = field(default_factory=list)

    @classmethod
    def replay(cls, entries: Iterable[Entry]) -> Ledger:
        """Return the books that `entries` give. Raises BooksDisagree where they do not add up."""
        books = cls(ZERO)
        for entry in entries:
            if entry.kind == "capital":
                books.capital_quote = EXACT.add(books.capital_quote, entry.amount_quote)
            if entry.kind == "fill":
                holding = books.holdings.setdefault(entry.symbol, Holding(entry.symbol))
                realised = holding.take(entry.signed_base, entry.price)
                if realised != entry.amount_quote:
                    raise BooksDisagree(
                        f"fill {entry.ref} of {entry.symbol} realised {realised}, its entry says {entry.amount_quote}"
                    )
            books._book(entry)
        return books

    @property
    def realised_quote(self) -> Decimal:
        """What closed positions brought, before fees."""
        return self.sums["fill"]

    @property
    def fees_quote(self) -> Decimal:
        """Fees paid, in all; negative where the venue paid more than it took."""
        return EXACT.subtract(ZERO, self.sums["fee"])

    def draft(self) -> Ledger:
        """Return books that stand where these stand and are booked in without touching them; their entries are new."""
        return Ledger(
            self.capital_quote, [], {s: replace(h) for s, h in self.holdings.items()}, self.wallet_quote,
            dict(self.sums), dict(self.accounts), set(self._booked), dict(self._estimates),
            {s: replace(o) for s, o in self._open.items()}, list(self._transfers),
        )  # fmt: skip

    def open(self, at_ns: int) -> Entry:
        """Book the starting capital; returns the entry."""
        return self._book(self._cash("capital", at_ns, "", "", self.capital_quote))

    # ── fills ─────────────────────────────────────────────────────────────────

    def book_fill(
        self, fill: Fill, position_id: str, *, external: bool = False
    ) -> tuple[list[Entry], RoundTrip | None]:
        """Book one fill and its fee. Returns the new entries, and the round trip where the position is flat again.

        A fill that is booked already books nothing. `external` marks one that no order of ours explains.
        """
        if self.has(fill):
            return [], None
        holding = self.holdings.setdefault(fill.symbol, Holding(fill.symbol))
        signed = fill.qty_base if fill.side == "buy" else -fill.qty_base
        realised = holding.take(signed, fill.price)
        moved = Entry(
            "fill", fill.event_ns, fill.symbol, fill.trade_id, "pnl", "wallet", realised, signed, fill.price,
            position_id, fill.venue, fill.client_order_id, external=external,
        )  # fmt: skip
        fee = Entry(
            "fee", fill.event_ns, fill.symbol, fill.trade_id, "wallet", "fees", fill.fee_quote, position_id=position_id,
            venue=fill.venue, client_order_id=fill.client_order_id, asset=fill.fee_asset,
            rate_quote=fill.fee_rate_quote, external=external,
        )  # fmt: skip
        # A fill and its fee are one event: whoever reads the trade sees both.
        self._post(moved)
        self._post(fee)
        trade = None
        if holding.qty_base == 0:
            trade = self._close(fill)
        return [moved, fee], trade

    def has(self, fill: Fill) -> bool:
        """Return whether a fill is booked."""
        return ("fill", *fill.key, fill.client_order_id) in self._booked

    # ── money that moves without a fill ───────────────────────────────────────

    def book_funding(
        self, at_ns: int, symbol: str, ref: str, amount_quote: Decimal, *, estimated: bool = False
    ) -> list[Entry]:
        """Book funding received (negative: paid). Returns the new entries: none for what is booked already.

        The venue's figure replaces an estimate with the same `symbol` and `ref`: the estimate is taken back in an entry
        of its own. An estimate after the venue's figure is ignored.
        """
        told, guess = ("funding", symbol, ref), (symbol, ref)
        if told in self._booked or (estimated and guess in self._estimates):
            return []
        entries = []
        if not estimated and guess in self._estimates:
            back = -self._estimates[guess]
            entries.append(self._book(self._cash("funding", at_ns, symbol, ref, back, estimated=True)))
        entries.append(self._book(self._cash("funding", at_ns, symbol, ref, amount_quote, estimated=estimated)))
        return entries

    def book_transfer(self, at_ns: int, ref: str, amount_quote: Decimal) -> Entry | None:
        """Book money brought in (negative: taken out); None where `ref` is booked already."""
        return self._once("transfer", at_ns, "", ref, amount_quote)

    def book_rebate(self, at_ns: int, symbol: str, ref: str, amount_quote: Decimal) -> Entry | None:
        """Book a rebate that the venue credits apart from its fills; None where `ref` is booked already."""
        return self._once("rebate", at_ns, symbol, ref, amount_quote)

    def book_adjustment(self, at_ns: int, ref: str, amount_quote: Decimal) -> Entry | None:
        """Book what a person accepted as the venue's figure without an explanation; None where booked already."""
        return self._once("adjustment", at_ns, "", ref, amount_quote, external=True)

    # ── reading ───────────────────────────────────────────────────────────────

    def unrealised_quote(self, marks: dict[str, Decimal]) -> Decimal:
        """Return the open profit at `marks`; a held symbol without a mark counts at its cost."""
        return sum(
            (h.qty_base * (marks.get(s, h.average_price) - h.average_price) for s, h in self.holdings.items()), ZERO
        )

    def transfers_quote(self, from_ns: int) -> Decimal:
        """Return what was brought in less what was taken out since `from_ns`."""
        return sum((amount for at_ns, amount in self._transfers if at_ns >= from_ns), ZERO)

    def position_id(self, symbol: str) -> str | None:
        """Return the id of the open position in `symbol`, or None when flat."""
        held = self._open.get(symbol)
        return None if held is None else held.position_id

    def opened_ns(self, symbol: str) -> int:
        """Return when the open position was opened; raises KeyError when flat."""
        return self._open[symbol].opened_ns

    # ── booking ───────────────────────────────────────────────────────────────

    @staticmethod
    def _cash(
        kind: CashKind, at_ns: int, symbol: str, ref: str, amount_quote: Decimal, *, estimated: bool = False,
        external: bool = False,
    ) -> Entry:  # fmt: skip
        return Entry(
            kind, at_ns, symbol, ref, _OTHER_SIDE[kind], "wallet", amount_quote, estimated=estimated, external=external
        )

    def _once(
        self, kind: CashKind, at_ns: int, symbol: str, ref: str, amount_quote: Decimal, *, external: bool = False
    ) -> Entry | None:
        if (kind, symbol, ref) in self._booked:
            return None
        return self._book(self._cash(kind, at_ns, symbol, ref, amount_quote, external=external))

    def _book(self, entry: Entry) -> Entry:
        """Book an entry that stands for itself, or one that is read back."""
        self._post(entry)
        if entry.kind == "fill" and self.holdings[entry.symbol].qty_base == 0:
            self._open.pop(entry.symbol, None)
        return entry

    def _post(self, entry: Entry) -> None:
        into = entry.amount_quote if entry.credit == "wallet" else -entry.amount_quote
        self.entries.append(entry)
        self.wallet_quote = EXACT.add(self.wallet_quote, into)
        self.sums[entry.kind] = EXACT.add(self.sums[entry.kind], into)
        self.accounts[entry.debit] = EXACT.subtract(self.accounts.get(entry.debit, ZERO), entry.amount_quote)
        self.accounts[entry.credit] = EXACT.add(self.accounts.get(entry.credit, ZERO), entry.amount_quote)
        self._remember(entry)
        if entry.kind == "fill":
            self._track(entry)
        elif entry.kind == "fee" and entry.symbol in self._open:
            trip = self._open[entry.symbol]
            trip.fees = EXACT.add(trip.fees, entry.amount_quote)
        self._check()

    def _remember(self, entry: Entry) -> None:
        """Keep what must not be booked twice."""
        if entry.kind == "fill":
            self._booked.add(("fill", entry.venue, entry.symbol, entry.ref, entry.client_order_id))
        elif entry.kind == "funding" and entry.estimated:
            self._estimates[(entry.symbol, entry.ref)] = entry.amount_quote
        elif entry.kind not in ("fee", "capital"):
            self._booked.add((entry.kind, entry.symbol, entry.ref))
        if entry.kind == "transfer":
            self._transfers.append((entry.at_ns, entry.amount_quote))

    def _track(self, entry: Entry) -> None:
        """Follow the trade that a fill belongs to."""
        signed, qty = entry.signed_base, abs(entry.signed_base)
        side: Literal["long", "short"] = "long" if signed > 0 else "short"
        trip = self._open.setdefault(entry.symbol, _Open(entry.position_id, side, entry.at_ns))
        if side == trip.side:
            trip.entry_qty += qty
            trip.entry_value = EXACT.add(trip.entry_value, EXACT.multiply(qty, entry.price))
        else:
            trip.exit_qty += qty
            trip.exit_value = EXACT.add(trip.exit_value, EXACT.multiply(qty, entry.price))
        trip.gross = EXACT.add(trip.gross, entry.amount_quote)
        trip.external = trip.external or entry.external

    def _close(self, fill: Fill) -> RoundTrip:
        trip = self._open.pop(fill.symbol)
        return RoundTrip(
            fill.symbol, trip.position_id, trip.side, trip.opened_ns, fill.event_ns, trip.entry_qty,
            trip.entry_value / trip.entry_qty, trip.exit_value / trip.exit_qty, trip.gross, trip.fees, trip.external,
        )  # fmt: skip

    def _check(self) -> None:
        expected = ZERO
        for amount in (self.capital_quote, *(v for k, v in self.sums.items() if k != "capital")):
            expected = EXACT.add(expected, amount)
        if self.wallet_quote != expected:
            raise BooksDisagree(f"the wallet holds {self.wallet_quote}, the entries say {expected}")
        total = ZERO
        for amount in self.accounts.values():
            total = EXACT.add(total, amount)
        if total != 0:
            raise BooksDisagree(f"the accounts sum to {total}, they must sum to 0")
