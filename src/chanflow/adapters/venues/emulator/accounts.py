"""The accounts of the emulated exchange: their positions and money, mirrored from the cores fill by fill.

The cores hold the books that decide; a mirror follows their events, so that each event is told with the figures of its
own moment, and a query costs no call. A test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from chanflow.adapters.venues.emulator.records import AlgoRecord, IncomeRecord, Leg, OrderRecord, TradeRecord
from chanflow.adapters.venues.emulator.rules import SymbolRules, ten

DEFAULT_LEVERAGE = 20


@dataclass(slots=True)
class Book:
    """One position and the money booked with it, in nano units of its symbol; `cost` is average cost times position."""

    rules: SymbolRules
    leg: Leg
    position: int = 0
    cost: int = 0
    wallet: int = 0
    isolated: int = 0
    update_ms: int = 0
    realized: int = 0
    """Profit realised since the position was opened, fees apart."""
    fees: int = 0
    """Fees paid since the position was opened."""

    def trade(self, sign: int, price: int, qty: int, realized: int) -> None:
        """Book a trade whose realised profit the core has told."""
        if self.position == 0:
            self.realized = self.fees = 0
        nano = 10**9
        self.cost += sign * price * qty * nano + realized
        self.position += sign * qty
        self.wallet += realized
        self.realized += realized

    def pay(self, fee: int) -> None:
        """Book a fee."""
        self.wallet -= fee
        self.fees += fee

    @property
    def wallet_atto(self) -> int:
        """What of the account's money is booked here."""
        return self.wallet * self.rules.atto_per_nano

    @property
    def isolated_atto(self) -> int:
        """What an isolated position has set aside."""
        return self.isolated * self.rules.atto_per_nano

    def unrealized_atto(self, mark2: int | None) -> int:
        """Return the position's profit at a mark, given doubled."""
        if mark2 is None or self.position == 0:
            return 0
        nano = 10**9
        return (self.position * mark2 * nano - 2 * self.cost) * self.rules.atto_per_nano // 2

    def entry_price(self, places: int) -> int:
        """Return the average entry price in 10^-places, rounded half up."""
        if self.position == 0:
            return 0
        numerator = abs(self.cost) * ten(places - self.rules.price_decimals)
        denominator = abs(self.position) * 10**9
        return (2 * numerator + denominator) // (2 * denominator)

    def break_even_price(self, places: int) -> int:
        """Return the price at which closing makes good what the position has paid in fees, in 10^-places."""
        if self.position == 0:
            return 0
        numerator = (self.cost + self.fees - self.realized) * ten(places - self.rules.price_decimals)
        return max(numerator // (self.position * 10**9), 0)


@dataclass(slots=True)
class Account:
    """One account: its key, settings, positions, orders and history."""

    number: int
    key: str
    secret: str
    books: dict[tuple[str, Leg], Book] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)
    isolated: set[str] = field(default_factory=set)
    is_hedged: bool = False
    is_multi_assets: bool = False
    open_orders: dict[int, OrderRecord] = field(default_factory=dict)
    open_algos: dict[int, AlgoRecord] = field(default_factory=dict)
    orders: list[OrderRecord] = field(default_factory=list)
    algos: list[AlgoRecord] = field(default_factory=list)
    trades: list[TradeRecord] = field(default_factory=list)
    incomes: list[IncomeRecord] = field(default_factory=list)
    margin_changes: list[tuple[str, Leg, int, int, str, int]] = field(default_factory=list)
    """Symbol, leg, type (1 added, 2 taken), amount in atto, reason, Unix ms."""
    countdowns: dict[str, int] = field(default_factory=dict)
    """When all orders of a symbol are cancelled unless the client is heard of, Unix ns."""
    client_orders: dict[tuple[str, str], OrderRecord] = field(default_factory=dict)
    client_algos: dict[str, AlgoRecord] = field(default_factory=dict)
    is_called: bool = False

    def leverage_of(self, symbol: str) -> int:
        """Return the leverage set for a symbol."""
        return self.leverage.get(symbol, DEFAULT_LEVERAGE)

    @property
    def wallet_atto(self) -> int:
        """All the account's money, without unrealised profit."""
        return sum(book.wallet_atto for book in self.books.values())

    @property
    def isolated_atto(self) -> int:
        """What isolated positions have set aside."""
        return sum(book.isolated_atto for book in self.books.values())

    def orders_of(self, symbol: str | None) -> Iterator[OrderRecord]:
        """Yield the open orders of a symbol, or all, oldest first."""
        return (order for order in self.open_orders.values() if symbol is None or order.symbol == symbol)

    def algos_of(self, symbol: str | None) -> Iterator[AlgoRecord]:
        """Yield the open conditional orders of a symbol, or all, oldest first."""
        return (algo for algo in self.open_algos.values() if symbol is None or algo.symbol == symbol)
