"""The ledger: double entry, append-only, from fills and fees alone. The model's claims do not come in here.

Realised PnL by average cost; unrealised at mark; `equity = wallet + unrealised`. After every entry the identity
`wallet = capital + realised - fees` holds to the last digit, or the books are broken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from chanflow.domain.errors import BooksDisagree
from chanflow.domain.order import Fill

ZERO = Decimal(0)
COST_UNIT = Decimal("1E-12")
"""To what the cost of a part is rounded when a position is partly closed, in quote units."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One ledger row: an amount in quote units moves from `debit` to `credit`."""

    kind: Literal["capital", "realised", "fee"]
    at_ns: int
    symbol: str
    ref: str
    debit: str
    credit: str
    amount_quote: Decimal


@dataclass(slots=True)
class Holding:
    """A net holding. `qty_base` is signed, `cost_quote` is what all of it was opened for, exact."""

    symbol: str
    qty_base: Decimal = ZERO
    cost_quote: Decimal = ZERO

    @property
    def average_price(self) -> Decimal:
        """What one unit of base cost, in quote; 0 when flat. Rounded, for reading: the books use the cost itself."""
        return ZERO if self.qty_base == 0 else self.cost_quote / abs(self.qty_base)


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A closed trade, flat to flat. `gross_quote` is before, `net_quote` after fees."""

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


@dataclass(slots=True)
class Ledger:
    """The books of one account in one quote currency."""

    capital_quote: Decimal
    entries: list[Entry] = field(default_factory=list)
    holdings: dict[str, Holding] = field(default_factory=dict)
    realised_quote: Decimal = ZERO
    fees_quote: Decimal = ZERO
    wallet_quote: Decimal = ZERO
    _open: dict[str, _Open] = field(default_factory=dict)

    def open(self, at_ns: int) -> Entry:
        """Book the starting capital; returns the entry."""
        self.wallet_quote = self.capital_quote
        return self._book(Entry("capital", at_ns, "", "", "equity", "wallet", self.capital_quote))

    def book_fill(self, fill: Fill, position_id: str) -> tuple[list[Entry], RoundTrip | None]:
        """Book one fill and its fee. Returns the new entries, and the round trip where the position is flat again."""
        holding = self.holdings.setdefault(fill.symbol, Holding(fill.symbol))
        signed = fill.qty_base if fill.side == "buy" else -fill.qty_base
        entries = []
        realised = self._apply(holding, signed, fill.price)
        if realised != 0:
            self.realised_quote += realised
            self.wallet_quote += realised
            entries.append(
                self._book(Entry("realised", fill.event_ns, fill.symbol, fill.trade_id, "pnl", "wallet", realised))
            )
        self.fees_quote += fill.fee_quote
        self.wallet_quote -= fill.fee_quote
        entries.append(
            self._book(Entry("fee", fill.event_ns, fill.symbol, fill.trade_id, "wallet", "fees", fill.fee_quote))
        )
        self._check()
        return entries, self._track(fill, signed, holding, realised, position_id)

    def unrealised_quote(self, marks: dict[str, Decimal]) -> Decimal:
        """Return the open profit at `marks`; a held symbol without a mark counts at its cost."""
        return sum(
            (h.qty_base * (marks.get(s, h.average_price) - h.average_price) for s, h in self.holdings.items()), ZERO
        )

    def position_id(self, symbol: str) -> str | None:
        """Return the id of the open position in `symbol`, or None when flat."""
        held = self._open.get(symbol)
        return None if held is None else held.position_id

    def opened_ns(self, symbol: str) -> int:
        """Return when the open position was opened; raises KeyError when flat."""
        return self._open[symbol].opened_ns

    @staticmethod
    def _apply(holding: Holding, signed: Decimal, price: Decimal) -> Decimal:
        """Move the holding by `signed` at `price`; returns the realised PnL."""
        before, value = holding.qty_base, abs(signed) * price
        after = before + signed
        holding.qty_base = after
        if before == 0 or (before > 0) == (signed > 0):
            holding.cost_quote += value
            return ZERO
        closed = min(abs(signed), abs(before))
        if closed == abs(before):
            cost_out, holding.cost_quote = holding.cost_quote, abs(after) * price
        else:
            # Only a partial close divides; the rounding stays in the holding and is given back by the last one.
            cost_out = (holding.cost_quote * closed / abs(before)).quantize(COST_UNIT)
            holding.cost_quote -= cost_out
        return (closed * price - cost_out) * (1 if before > 0 else -1)

    def _track(
        self, fill: Fill, signed: Decimal, holding: Holding, realised: Decimal, position_id: str
    ) -> RoundTrip | None:
        trip = self._open.setdefault(fill.symbol, _Open(position_id, "long" if signed > 0 else "short", fill.event_ns))
        if (signed > 0) == (trip.side == "long"):
            trip.entry_qty += fill.qty_base
            trip.entry_value += fill.qty_base * fill.price
        else:
            trip.exit_qty += fill.qty_base
            trip.exit_value += fill.qty_base * fill.price
        trip.gross += realised
        trip.fees += fill.fee_quote
        if holding.qty_base != 0:
            return None
        del self._open[fill.symbol]
        return RoundTrip(
            fill.symbol, trip.position_id, trip.side, trip.opened_ns, fill.event_ns, trip.entry_qty,
            trip.entry_value / trip.entry_qty, trip.exit_value / trip.exit_qty, trip.gross, trip.fees,
        )  # fmt: skip

    def _book(self, entry: Entry) -> Entry:
        self.entries.append(entry)
        return entry

    def _check(self) -> None:
        expected = self.capital_quote + self.realised_quote - self.fees_quote
        if self.wallet_quote != expected:
            raise BooksDisagree(f"the wallet holds {self.wallet_quote}, the entries say {expected}")
