"""What a person or a program orders by hand: an input of the desk, as the market is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from chanflow.domain.opinion import Side
from chanflow.domain.order import OrderView, Reason, Refused


@dataclass(frozen=True, slots=True)
class TradeCommand:
    """A trade under the caller's own `client_order_id`: the same id is the same order, for ever.

    `size_quote` is a wish, in quote; prices are in quote too. A `limit` order rests at `price` until it is filled or
    cancelled, a `market` order has none. With `reduce_only` it can only make a position smaller, and has no exits.
    """

    client_order_id: str
    symbol: str
    side: Side
    size_quote: Decimal
    order_type: Literal["limit", "market"] = "limit"
    price: Decimal | None = None
    leverage: int = 1
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class PreviewCommand:
    """Ask what has become of a trade; of one that was never ordered nothing, but that the desk looks at its market.

    So what is shown of a trade, and what it is compared with when it is confirmed, is of this very moment.
    """

    trade: TradeCommand


@dataclass(frozen=True, slots=True)
class CancelCommand:
    """Cancel an order, named by the caller's own id or by the one it has at the venue."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class CloseAllCommand:
    """Cancel every opening order and close every position, of one symbol or of all."""

    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class HaltCommand:
    """Open nothing from now on; with `close` the positions are closed too. `kind` is how it was said."""

    reason: str
    close: bool = False
    kind: Literal["command", "file"] = "command"


@dataclass(frozen=True, slots=True)
class ResumeCommand:
    """Let a halted desk open again; the note says why that is right."""

    note: str


@dataclass(frozen=True, slots=True)
class SetLevelCommand:
    """Lower the permission level, or lead the desk from L0 to L1 after a person's review."""

    level: Literal["L0", "L1", "L2", "L3", "L4", "L5"]
    who: str
    note: str


@dataclass(frozen=True, slots=True)
class AnalysisCommand:
    """Ask the analyst for a decision on a symbol, or on a position of it; without a level at the desk's own."""

    request_id: str
    symbol: str
    who: str
    level: str | None = None
    position_id: str | None = None


@dataclass(frozen=True, slots=True)
class LiftWallCommand:
    """Lift the soft loss wall before its time; the note says why that is right."""

    who: str
    note: str


@dataclass(frozen=True, slots=True)
class ApproveCommand:
    """Let a proposal that waits for a person be judged once more and sent, or with `deny` refuse it."""

    proposal_id: str
    who: str
    deny: bool = False


StandingCommand = HaltCommand | ResumeCommand | SetLevelCommand | LiftWallCommand | ApproveCommand
"""Commands about where a desk stands, and what it waits for."""

Command = TradeCommand | PreviewCommand | CancelCommand | CloseAllCommand | StandingCommand | AnalysisCommand

COMMANDS: dict[str, type[Command]] = {
    "execute_trade": TradeCommand,
    "preview_trade": PreviewCommand,
    "cancel_order": CancelCommand,
    "close_all": CloseAllCommand,
    "halt": HaltCommand,
    "resume": ResumeCommand,
    "set_level": SetLevelCommand,
    "request_analysis": AnalysisCommand,
    "lift_wall": LiftWallCommand,
    "approve": ApproveCommand,
}
"""Commands by the name under which a journal holds them."""

Problem = Literal["idempotency_conflict", "unknown_order", "protective_stop", "not_taken", "unknown"]
"""Why a command came to nothing: its id stands for another order; no such order; the order is a position's stop; the
desk did not get to it, so nothing was done; or nobody knows what became of it."""


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """What a command came to so far. `replayed`: it had been given before, and this is what it came to then.

    `orders` are those it made or touched. `problem` says why there is nothing else, `reasons` why a desk stays as it
    stood, or does not look at what it was asked about. `decision_id` is the decision that was asked for, `approval_id`
    what waits for a person.
    """

    orders: tuple[OrderView, ...] = ()
    refused: Refused | None = None
    replayed: bool = False
    problem: Problem | None = None
    reasons: tuple[Reason, ...] = ()
    decision_id: str | None = None
    approval_id: str | None = None


def name_of(command: Command) -> str:
    """Return the name under which a journal holds a command."""
    return next(name for name, kind in COMMANDS.items() if isinstance(command, kind))
