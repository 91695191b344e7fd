"""What the operations need from the desk, as ports. Readers are called from several threads at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.errors import NotFound
from chanflow.domain.market_data import Bar
from chanflow.domain.order import OrderEvent
from chanflow.domain.time import Clock, Ids
from chanflow.operations.structure import chan_columns


class KlineReader(Protocol):
    """Where closed bars come from."""

    def klines(
        self, symbol: str, interval_ms: int, *, start_ms: int | None, end_ms: int | None, limit: int
    ) -> list[Bar]:
        """Return at most `limit` closed bars that open in [start_ms, end_ms), in ascending order.

        With `start_ms` they are the first such bars, without it the newest. Raises NotFound for an unknown symbol or
        an interval that no stored data can form.
        """
        ...

    def symbols(self) -> list[str]:
        """Return the symbols that have bars, sorted. Raises NotFound when nothing was ever recorded here."""
        ...


class AccountView(Protocol):
    """An account at one moment."""

    @property
    def snapshot(self) -> AccountSnapshot:
        """Equity and positions."""
        ...

    @property
    def open_orders(self) -> Sequence[OrderEvent]:
        """The last event of each order that is still open."""
        ...

    @property
    def armed_triggers(self) -> Mapping[str, int]:
        """How many triggers are armed, per symbol."""
        ...


class AccountReader(Protocol):
    """Where the account comes from."""

    def account(self) -> AccountView:
        """Return the account as last known. Raises NotFound when no desk has run yet."""
        ...


class CertificateReader(Protocol):
    """Where measured figures come from."""

    def cell(
        self, symbol: str, level: str, *, of: str, point_type: str, side: str, preset: str
    ) -> Mapping[str, Any] | None:
        """Return a cell of the newest certificate of the symbol's market as its JSON has it, or None without one.

        `level` is the timeframe, `of` the kind of leg that the point ends (stroke or segment), `point_type` the
        engine's own word (1 1p 2 2s 3a 3b), `side` buy or sell. The schema is `chanflow.certificate/1`.
        """
        ...


class NoCertificates:
    """A desk that has measured nothing."""

    def cell(self, symbol: str, level: str, *, of: str, point_type: str, side: str, preset: str) -> None:
        """Return None."""


class SignalReader(Protocol):
    """Where decisions come from."""

    def signals(self, source: Literal["desk", "sink"], run_id: str | None) -> Iterator[Mapping[str, Any]]:
        """Yield decisions in their order: of the desk's newest run, or of a sink's, the newest if none is named.

        Each has the fields of `domain.signal.Signal`, as JSON knows them. Raises NotFound where there is no such run.
        """
        ...


class NoSignals:
    """A desk that has decided nothing."""

    def signals(
        self,
        source: Literal["desk", "sink"],  # noqa: ARG002  (the protocol's)
        run_id: str | None,  # noqa: ARG002
    ) -> Iterator[Mapping[str, Any]]:
        """Raise NotFound."""
        raise NotFound("no desk has run yet")


@dataclass(frozen=True, slots=True)
class Services:
    """What an operation may use.

    `account_mode` is whose money the account holds, `structure_bars` the most bars a structure is read from, and
    `chan_columns` what reads it: the columns that `features.chan.analyze` gives with its history.
    """

    klines: KlineReader
    account: AccountReader
    clock: Clock
    ids: Ids
    account_mode: Literal["paper", "live"] = "paper"
    structure_bars: int = 20_000
    certificates: CertificateReader = field(default_factory=NoCertificates)
    signals: SignalReader = field(default_factory=NoSignals)
    chan_columns: Callable[[Sequence[Bar]], Any] = chan_columns
