"""An armed trigger, the position it watches, and what it is to have come true."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, Protocol

from chanflow.domain.trigger import Params, Trigger


@dataclass(frozen=True, slots=True)
class Watched:
    """A position as the monitor knows it. Prices in quote; `stop_price` is None where it has none.

    `entry_price` and `stop_price` are those of its beginning: their distance is the risk, one R, for as long as it
    stands.
    """

    position_id: str
    symbol: str
    side: Literal["long", "short"]
    entry_price: Decimal
    stop_price: Decimal | None
    opened_ns: int

    @property
    def sign(self) -> int:
        """1 for a long position, -1 for a short one."""
        return 1 if self.side == "long" else -1

    @property
    def risk(self) -> Decimal | None:
        """One R, in quote for each unit; None without a stop on the losing side of the entry."""
        if self.stop_price is None:
            return None
        risk = (self.entry_price - self.stop_price) * self.sign
        return risk if risk > 0 else None


@dataclass(frozen=True, slots=True)
class Armed:
    """A trigger that waits. `seq` counts all that were ever armed."""

    seq: int
    position: Watched
    trigger: Trigger

    @property
    def params(self) -> Params:
        """How far its kind goes."""
        return self.trigger.params


class Hit(NamedTuple):
    """A trigger that came true: what was observed, and when it was due where that is a moment."""

    armed: Armed
    observed: str
    due_ns: int | None = None


class Index(Protocol):
    """The armed triggers of one kind, so kept that an observation finds those it fires and looks at no others."""

    def arm(self, armed: Armed) -> None:
        """Let a trigger wait."""
        ...

    def drop(self, armed: Armed) -> None:
        """Forget a trigger that waits."""
        ...
