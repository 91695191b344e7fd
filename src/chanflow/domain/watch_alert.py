"""An alert that a person set: what it waits for, and what happened that it waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

AlertKind = Literal["buy_sell_points", "price", "structure", "signal", "risk"]
AlertStatus = Literal["active", "deleted", "expired"]
PointEvent = Literal["new", "confirmed", "void"]


@dataclass(frozen=True, slots=True)
class WatchAlert:
    """An alert of an account. It hears what became known after `since_ms` of its symbol; times of bars, Unix ms.

    `types` are the words of points (buy1 … sell3), empty for all; `above` and `below` are prices in quote.
    `known_since_ns` is the same bound for what has no bar, in the market's own time. `created_ns` and `expires_ns` are
    of the time of day.
    """

    alert_id: str
    account: str
    client_alert_id: str
    args_hash: str
    kind: AlertKind
    symbols: tuple[str, ...]
    level: str
    types: tuple[str, ...]
    above: float | None
    below: float | None
    status: AlertStatus
    created_ns: int
    expires_ns: int | None
    known_since_ns: int
    since_ms: Mapping[str, int] = field(default_factory=dict)
    plan: str = "enterprise"
    """Its owner's plan when it was set, for owners that are not users of the desk."""

    @property
    def slots(self) -> int:
        """What it takes of a quota of alerts: one for each symbol, one where it names none."""
        return max(1, len(self.symbols))

    @property
    def series(self) -> tuple[tuple[str, str], ...]:
        """The bars it needs: symbol and level of each; none for what the desk itself tells."""
        if self.kind in ("signal", "risk"):
            return ()
        return tuple((symbol, self.level) for symbol in self.symbols)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that alerts wait for, once. `key` names it for ever; `known_ns` is when it could be known.

    `body` is what is told, as JSON data; `type` is the word of a point.
    """

    key: str
    kind: AlertKind
    symbol: str | None
    level: str | None
    known_ns: int
    body: Mapping[str, Any]
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """A happening in the log: `seq` grows by at least one from each to the next."""

    seq: int
    happening: Happening
    logged_ns: int


@dataclass(frozen=True, slots=True)
class SeriesMark:
    """How far a symbol's bars of a level were looked at: the close of the last one, Unix ms."""

    symbol: str
    level: str
    seen_ms: int
