"""What the emulated exchange keeps of orders, conditional orders, trades and payments, and the events it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Literal

Side = Literal["BUY", "SELL"]


class Leg(IntEnum):
    """Which of an account's positions in a symbol: the one of one-way mode, or the long or short of hedge mode."""

    BOTH = 0
    LONG = 1
    SHORT = 2


LEGS: Final = len(Leg)
OPEN_STATES: Final = frozenset({"NEW", "PARTIALLY_FILLED"})
OPEN_ALGO_STATES: Final = frozenset({"NEW"})


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """An order as a client asks for it: prices and quantities already in ticks and lots.

    `kind` is LIMIT or MARKET, or for conditional orders STOP, STOP_MARKET, TAKE_PROFIT, TAKE_PROFIT_MARKET or
    TRAILING_STOP_MARKET; those have `trigger`, or `callback_bps` and perhaps `activation`.
    """

    symbol: str
    side: Side
    kind: str
    qty: int
    price: int = 0
    tif: str = "GTC"
    leg: Leg = Leg.BOTH
    reduce_only: bool = False
    client_id: str = ""
    self_trade: str = "EXPIRE_MAKER"
    gtd_ms: int = 0
    price_match: str = "NONE"
    trigger: int = 0
    callback_bps: int = 0
    activation: int = 0
    working_type: str = "CONTRACT_PRICE"
    close_position: bool = False
    price_protect: bool = False


@dataclass(slots=True)
class OrderRecord:
    """One order: what was asked for and what became of it. `quote` is the sum of price times lots of its fills."""

    order_id: int
    account: int
    asked: PlaceOrder
    client_id: str
    price: int
    qty: int
    time_ms: int
    update_ms: int
    core_name: str
    status: str = "NEW"
    filled: int = 0
    quote: int = 0
    algo_id: int = 0
    orig_kind: str = ""
    amendments: int = 0
    is_forced: bool = False

    @property
    def symbol(self) -> str:
        """The symbol's name."""
        return self.asked.symbol

    @property
    def leaves(self) -> int:
        """Lots that are not filled."""
        return self.qty - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.status in OPEN_STATES


@dataclass(slots=True)
class AlgoRecord:
    """One conditional order, and the order that came of it."""

    algo_id: int
    account: int
    asked: PlaceOrder
    client_id: str
    time_ms: int
    update_ms: int
    core_name: str
    status: str = "NEW"
    trigger_ms: int = 0
    order: OrderRecord | None = None
    reason: str = ""

    @property
    def symbol(self) -> str:
        """The symbol's name."""
        return self.asked.symbol

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its trigger."""
        return self.status in OPEN_ALGO_STATES


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """One fill of one account's order; money in atto, a fee that was paid is above 0."""

    trade_id: int
    order_id: int
    client_id: str
    account: int
    symbol: str
    leg: Leg
    side: Side
    price: int
    qty: int
    is_maker: bool
    fee_atto: int
    realized_atto: int
    event_ns: int


@dataclass(frozen=True, slots=True)
class OwnTrade:
    """A fill of a client's order as the market sees it; `takes_from_book` where it ate displayed lots."""

    symbol: str
    event_ns: int
    price: int
    qty: int
    buyer_is_maker: bool
    trade_id: int
    takes_from_book: bool


@dataclass(frozen=True, slots=True)
class IncomeRecord:
    """One change of an account's money; `kind` is Binance's incomeType."""

    account: int
    symbol: str
    kind: str
    amount_atto: int
    time_ms: int
    number: int
    info: str = ""
    trade_id: int | None = None


@dataclass(frozen=True, slots=True)
class UserEvent:
    """What a user stream tells: `payload` is the event as it goes on the wire, less the time of sending."""

    name: str
    account: int
    payload: Mapping[str, Any]
    event_ns: int
    client_order_id: str = ""
