"""What execution needs of a venue. Every command ends in exactly one of three outcomes: accepted, refused, unknown.

`Venue` is the one port: the deterministic desk's venue, recorded ones and real ones implement all of it. A venue that
lives in the market's time (simulated) is told of time by its owner, and its events are what that brought about.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol

from chanflow.domain.instrument import Instrument
from chanflow.domain.opinion import Side
from chanflow.domain.order import Fill, OrderState
from chanflow.execution.client_ids import IdAlphabet

# ── what is asked ─────────────────────────────────────────────────────────────


StopKind = Literal["stop_market", "take_profit_market", "trailing"]
TimeInForce = Literal["gtc", "ioc", "fok", "gtx", "gtd"]


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue gets it. `stop_price` and `take_profit_price` are attached: the venue places them.

    With `conditional` it is a stop or take-profit of its own, which becomes a market order when the mark price reaches
    `trigger_price`. `leverage` is what the venue's symbol is set to before an opening order leaves; None leaves it.
    """

    client_order_id: str
    symbol: str
    side: Side
    qty_base: Decimal
    reduce_only: bool
    limit_price: Decimal | None
    stop_price: Decimal | None
    take_profit_price: Decimal | None
    time_in_force: TimeInForce = "ioc"
    """Of an order with a limit price; one without takes the market."""
    conditional: StopKind | None = None
    trigger_price: Decimal | None = None
    leverage: int | None = None


@dataclass(frozen=True, slots=True)
class OrderRef:
    """One order of ours, by the name we gave it."""

    symbol: str
    client_order_id: str


@dataclass(frozen=True, slots=True)
class OrderChange:
    """New terms; None leaves a term as it is."""

    qty_base: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None


# ── what is answered ──────────────────────────────────────────────────────────


class Action(StrEnum):
    """What to do about a venue's error. Each venue's own codes are mapped to these, and to nothing else."""

    REFUSED = "refused"
    SUCCESS = "success"
    UNKNOWN = "unknown"
    ASK_THEN_REPEAT = "ask_then_repeat"
    ASK_ORDER = "ask_order"
    ASK_DUPLICATE = "ask_duplicate"
    RESYNC_CLOCK = "resync_clock"
    HALT_ACCOUNT = "halt_account"
    HALT_SETTINGS = "halt_settings"
    PAUSE = "pause"
    STOP_OPENING = "stop_opening"
    FIX_RULES = "fix_rules"
    REPLAN = "replan"
    REFRESH_ACCOUNT = "refresh_account"
    RECONCILE = "reconcile"
    PRUNE = "prune"
    REROUTE = "reroute"
    NEW_LISTEN_KEY = "new_listen_key"

    @property
    def meaning(self) -> str:
        """What the desk does, in one line."""
        return _ACTIONS[self]


_ACTIONS = {
    Action.REFUSED: "the command did nothing: rejected, with its code",
    Action.SUCCESS: "it already is as asked",
    Action.UNKNOWN: "nobody knows: ask by client id until the fate is known",
    Action.ASK_THEN_REPEAT: "it failed: ask, and only once proven absent send again under the same client id",
    Action.ASK_ORDER: "the venue knows no such order: one targeted query and the fill check before it is believed",
    Action.ASK_DUPLICATE: "an earlier send succeeded: ask for that order",
    Action.RESYNC_CLOCK: "it was not executed: set the clock by the venue's, sign again, once",
    Action.HALT_ACCOUNT: "keys or permissions: halt the account, tell a person, no retry",
    Action.HALT_SETTINGS: "the account is set up otherwise than the desk needs: halt, with a hint",
    Action.PAUSE: "everything pauses until the venue's limit or ban has passed",
    Action.STOP_OPENING: "no openings; closing goes on",
    Action.FIX_RULES: "our terms break the venue's rules: refresh the rules, deny the order, raise a bug alarm",
    Action.REPLAN: "rejected by the market as it stands: plan again; a refused stop means closing",
    Action.REFRESH_ACCOUNT: "rejected for lack of funds: refresh the account and hold openings",
    Action.RECONCILE: "probably flat: compare with the venue",
    Action.PRUNE: "too many orders: remove those no longer needed",
    Action.REROUTE: "wrong endpoint for this kind of order: send it where it belongs",
    Action.NEW_LISTEN_KEY: "the user stream's key is gone: get a new one, reconnect, reconcile",
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The venue has the command."""


@dataclass(frozen=True, slots=True)
class VenueRefused:
    """The venue said no; nothing happened. `action` says what to do about it."""

    code: int
    message: str
    action: Action = Action.REFUSED


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows. It is a question to ask, never an error to retry."""

    cause: str


Outcome = Accepted | VenueRefused | Unknown


@dataclass(frozen=True, slots=True)
class NotFound:
    """The venue answered, and says it has no such order. One such answer proves nothing."""


@dataclass(frozen=True, slots=True)
class VenueOrderState:
    """An order as the venue has it."""

    client_order_id: str
    symbol: str
    side: Side
    state: OrderState
    qty_base: Decimal
    filled_base: Decimal
    average_price: Decimal
    reduce_only: bool
    updated_ns: int
    is_stop: bool = False
    trigger_price: Decimal | None = None
    limit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VenuePosition:
    """What the venue says we hold. `qty_base` is signed; average price and mark where it tells them."""

    symbol: str
    qty_base: Decimal
    average_price: Decimal | None = None
    mark_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VenueBalance:
    """What the venue says is in the wallet, unrealised profit left out."""

    asset: str
    wallet: Decimal


@dataclass(frozen=True, slots=True)
class FillCursor:
    """How far the venue's fills have been read, by symbol: the last trade id taken, blank for none."""

    last_trade_id: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class VenueFunding:
    """One funding payment as the venue booked it; positive = received."""

    symbol: str
    ref: str
    at_ns: int
    amount_quote: Decimal


@dataclass(frozen=True, slots=True)
class ClockSample:
    """The venue's clock beside ours: offset = venue - ours at the middle of the round trip."""

    offset_ns: int
    round_trip_ns: int


VenueEventKind = Literal[
    "accepted", "fill", "triggered", "linked", "canceled", "expired", "rejected", "amended", "cancel_rejected",
    "amend_rejected", "gap", "liquidation", "account",
]  # fmt: skip
"""What was heard. The last three are no step of an order of ours, and each asks for reconciliation: `gap`, events may
have been missed; `liquidation`, the venue traded for us; `account`, money or settings changed. `detail` says what.
"""


@dataclass(frozen=True, slots=True)
class VenueEvent:
    """One line of the venue's user stream. Fill figures are set for fills only; fee in quote units, positive = paid.

    `qty_base` is the traded quantity of a fill, and the order's whole new quantity with `amended`.
    """

    kind: VenueEventKind
    client_order_id: str
    event_ns: int
    known_ns: int
    leaves_base: Decimal
    trade_id: str = ""
    price: Decimal = Decimal(0)
    qty_base: Decimal = Decimal(0)
    fee_quote: Decimal = Decimal(0)
    maker: bool = False
    detail: str = ""
    fee_asset: str = ""
    fee_rate_quote: Decimal = Decimal(1)
    action: Action = Action.REFUSED


# ── what a venue can do ───────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this venue offers. The desk asks for nothing else."""

    stop_kinds: frozenset[StopKind]
    times_in_force: frozenset[TimeInForce]
    attached_stops: bool
    batch_orders: int
    amend: bool
    dead_man: Literal["none", "orders", "orders_and_stops"]
    """What its dead-man switch removes; where stops go too, it is armed only while flat."""
    client_id_alphabet: IdAlphabet
    client_id_length: int
    client_ids_unique_forever: bool
    receive_window_ns: int
    """How long after it was signed the venue still takes a command."""
    funding_interval_s: int | None


class Commands(Protocol):
    """What changes something at a venue: all that the router needs to send."""

    @property
    def name(self) -> str:
        """The venue's name in ids, journal and ledger."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it offers."""
        ...

    async def submit(self, order: VenueOrder) -> Outcome:
        """Send one order."""
        ...

    async def cancel(self, ref: OrderRef) -> Outcome:
        """Ask for an order to be cancelled; whether it was is told by the events."""
        ...

    async def amend(self, ref: OrderRef, change: OrderChange) -> Outcome:
        """Ask for an order's terms to be changed; whether they were is told by the events."""
        ...

    async def arm_dead_man(self, ttl_ms: int) -> Outcome:
        """Ask for open orders to be cancelled in `ttl_ms` unless asked again; 0 disarms."""
        ...


class Venue(Commands, Protocol):
    """One account at one venue: commands, questions, and what it tells unasked.

    A question that is not answered raises OrderFateUnknown or VenueBusy: silence is never taken for emptiness.
    """

    async def rules(self) -> Mapping[str, Instrument]:
        """Return tick, step, minimum quantity and notional of each symbol; good for 300 s."""
        ...

    async def order(self, ref: OrderRef) -> VenueOrderState | NotFound | Unknown:
        """Return one order as the venue has it."""
        ...

    async def open_orders(self) -> Sequence[VenueOrderState]:
        """Return every order that still lives, conditional ones included, ours or not."""
        ...

    async def positions(self) -> Sequence[VenuePosition]:
        """Return what the venue says we hold; flat symbols may be left out."""
        ...

    async def balances(self) -> Sequence[VenueBalance]:
        """Return the wallet of each asset."""
        ...

    async def fills(self, since: FillCursor) -> Sequence[Fill]:
        """Return every fill after the cursor, oldest first, ours or not."""
        ...

    async def funding(self, since_ns: int) -> Sequence[VenueFunding]:
        """Return the funding payments from `since_ns` on, oldest first."""
        ...

    def events(self) -> AsyncIterator[VenueEvent]:
        """Return what the venue tells unasked, in the order in which it is heard."""
        ...

    async def server_time(self) -> ClockSample:
        """Return one reading of the venue's clock."""
        ...
