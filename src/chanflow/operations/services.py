"""What the operations need from the desk, as ports. Readers are called from several threads at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.market_data import Bar
from chanflow.domain.order import OrderEvent
from chanflow.domain.time import Clock, Ids


class KlineReader(Protocol):
    """Where closed bars come from."""

    def klines(self, symbol: str, interval_ms: int, *, start_ms: int | None, end_ms: int | None, limit: int) -> list[Bar]:
        """Return at most `limit` closed bars that open in [start_ms, end_ms), in ascending order.

        With `start_ms` they are the first such bars, without it the newest. Raises NotFound for an unknown symbol or
        an interval that no stored data can form.
        """
        ...

    def symbols(self) -> list[str]:
        """Return the symbols that have bars, sorted."""
        ...


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account at one moment: the snapshot, the orders still open, and how many triggers are armed per symbol."""

    snapshot: AccountSnapshot
    open_orders: tuple[OrderEvent, ...]
    armed_triggers: Mapping[str, int]
    mode: Literal["paper", "live"] = "paper"


class AccountReader(Protocol):
    """Where the account comes from."""

    def account(self) -> AccountView:
        """Return the account as last known. Raises NotFound when no desk has run yet."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What an operation may use. `structure_bars` is the most bars a structure is read from."""

    klines: KlineReader
    account: AccountReader
    clock: Clock
    ids: Ids
    structure_bars: int = 20_000
