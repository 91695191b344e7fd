"""What the monitor needs of the outside: a place where its triggers survive a crash."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from chanflow.monitor.watch import Fired


class Rows(Protocol):
    """What a statement gave."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...


class Transaction(Protocol):
    """An open transaction of the database in which messages travel."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Run one statement."""
        ...


Effect = Callable[[Transaction], None]
"""Something to be written in a transaction that somebody else begins and commits."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a process left behind: `register_triggers` bodies in order, what of them has fired, and the last prices."""

    registered: tuple[Mapping[str, Any], ...]
    fired: tuple[tuple[str, str], ...]
    """(position_id, trigger_id)."""
    prices: Mapping[str, Decimal]


class TriggerStore(Protocol):
    """Armed and fired triggers on disk. Each write commits with the message it belongs to, or not at all."""

    def armed(self, body: Mapping[str, Any]) -> Effect:
        """Return the keeping of a registration; it replaces the one its position had."""
        ...

    def fired(self, fired: Fired) -> Effect:
        """Return the marking of a trigger as fired. It raises where that one has fired before."""
        ...

    def disarmed(self, position_id: str) -> Effect:
        """Return the forgetting of a position."""
        ...

    def seen(self, symbol: str, price: Decimal) -> Effect:
        """Return the keeping of a symbol's last trade."""
        ...

    def load(self, tx: Transaction) -> Standing:
        """Return what stands."""
        ...
