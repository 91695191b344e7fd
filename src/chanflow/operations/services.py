"""What the operations need from the desk, as ports. Readers are called from several threads at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from chanflow.access.books import AccessBooks
from chanflow.domain.account import AccountSnapshot
from chanflow.domain.command import Command, CommandAnswer
from chanflow.domain.errors import NotFound
from chanflow.domain.market_data import Bar
from chanflow.domain.order import OrderEvent, OrderView
from chanflow.domain.time import Clock, Ids
from chanflow.market.feed import Page, SliceQuery, Snapshot, snapshot_of
from chanflow.operations.desk_log import DeskLog, NoDeskLog
from chanflow.operations.jobs import Jobs
from chanflow.operations.structure import chan_columns
from chanflow.review.daily import Day
from chanflow.review.explain import Link
from chanflow.review.track_figures import Figures, GroupBy
from chanflow.risk.view import RiskView

if TYPE_CHECKING:
    from chanflow.adapters.storage.alert_store import SqlAlerts
    from chanflow.adapters.storage.request_store import SqlRequests


class KlineReader(Protocol):
    """Where closed bars come from."""

    def klines(
        self,
        symbol: str,
        level: str,
        *,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        fill: bool = False,
        adjust: Literal["none", "forward", "backward"] = "none",
    ) -> list[Bar]:
        """Return at most `limit` closed bars that open in [start_ms, end_ms), in ascending order.

        With `start_ms` they are the first such bars, without it the newest. Edges are those of the symbol's calendar.
        `fill` gives empty intervals the close before and volume 0, `adjust` names adjusted prices. Raises NotFound for
        an unknown symbol, a level that no stored data can form, and a symbol without adjustment factors.
        """
        ...

    def symbols(self) -> list[str]:
        """Return the symbols that have bars, sorted. Raises NotFound when nothing was ever recorded here."""
        ...


class DataVersions(Protocol):
    """Says whether the data that answers rest on have changed."""

    def version(self, symbol: str) -> Hashable:
        """Return what changes whenever the stored data of a symbol do. Raises NotFound, InvalidArgument."""
        ...


class FeedReader(Protocol):
    """Where rows and the newest values come from."""

    def live_snapshot(self, symbols: Sequence[str]) -> list[Snapshot]:
        """Return the newest of each symbol; one without data says so."""
        ...

    def historical_slice(self, query: SliceQuery, *, limit: int | None = None, cursor: str | None = None) -> Page:
        """Return a page of a slice. Raises InvalidArgument, and NotFound for an unknown symbol."""
        ...


class NoFeed:
    """A desk that keeps no rows."""

    def live_snapshot(self, symbols: Sequence[str]) -> list[Snapshot]:
        """Return that there is no data of any symbol."""
        return [snapshot_of(symbol, {}, 0) for symbol in symbols]

    def historical_slice(self, query: SliceQuery, *, limit: int | None = None, cursor: str | None = None) -> Page:
        """Raise NotFound: there are no rows."""
        del limit, cursor
        raise NotFound(f"this desk keeps no rows, so there is no slice of {len(query.symbols)} symbols")


class DeskState(Protocol):
    """How far a desk may act."""

    @property
    def mode(self) -> str:
        """Where orders go."""
        ...

    @property
    def ladder_level(self) -> str | None:
        """Its place on the permission ladder, None where it is not known."""
        ...

    @property
    def halted(self) -> bool:
        """Whether it opens nothing."""
        ...

    @property
    def halt_reason(self) -> str | None:
        """Why, where it is halted."""
        ...


class DeskReader(Protocol):
    """Where the desk's own state comes from."""

    def desk(self) -> DeskState:
        """Return the state as last known. Raises NotFound when no desk has run yet."""
        ...


class NoDesk:
    """No desk has run."""

    def desk(self) -> DeskState:
        """Raise NotFound."""
        raise NotFound("no desk has run yet")


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


class TradeDesk(Protocol):
    """A running desk that takes commands."""

    async def submit(self, command: Command) -> CommandAnswer:
        """Return what a command came to. Raises NotFound where no desk runs in this process."""
        ...


class NoTradeDesk:
    """No desk runs in this process."""

    async def submit(self, command: Command) -> CommandAnswer:
        """Raise NotFound."""
        del command
        raise NotFound("no desk runs in this process")


class OrderReader(Protocol):
    """Where orders come from."""

    def orders(self) -> tuple[Sequence[OrderView], int]:
        """Return the newest run's orders in the order in which they came, and how far its journal tells, in Unix ns.

        Raises NotFound when no desk has run yet.
        """
        ...


class NoOrders:
    """No desk has run."""

    def orders(self) -> tuple[Sequence[OrderView], int]:
        """Raise NotFound."""
        raise NotFound("no desk has run yet")


class DecisionReader(Protocol):
    """Where the reasons of decisions come from."""

    def explain(self, name: str | None) -> tuple[str, Sequence[Link]]:
        """Return what led to a decision and what came of it, with its id; without a name of the last that was refused.

        Raises NotFound when no desk has run yet, or nothing in its newest run is called so.
        """
        ...


class NoDecisions:
    """No desk has run."""

    def explain(self, name: str | None) -> tuple[str, Sequence[Link]]:
        """Raise NotFound."""
        del name
        raise NotFound("no desk has run yet")


class TrackReader(Protocol):
    """Where what the desk came to is read."""

    def performance(self, *, days: int | None, group_by: GroupBy) -> tuple[Figures, int]:
        """Return what the newest run came to in its last `days`, and how far its journal tells, in Unix ns.

        Raises NotFound when no desk has run yet.
        """
        ...


class NoTrack:
    """No desk has run."""

    def performance(self, *, days: int | None, group_by: GroupBy) -> tuple[Figures, int]:
        """Raise NotFound."""
        del days, group_by
        raise NotFound("no desk has run yet")


class ReportReader(Protocol):
    """Where reports come from."""

    def report(self, run_id: str | None, date: str | None) -> tuple[str, Day]:
        """Return a run's id and its day, of one UTC date if asked. Raises NotFound, JournalCorrupt."""
        ...


class NoReports:
    """No desk has run."""

    def report(self, run_id: str | None, date: str | None) -> tuple[str, Day]:
        """Raise NotFound."""
        del run_id, date
        raise NotFound("no desk has run yet")


class RiskReader(Protocol):
    """Where the desk's risk stands."""

    async def risk(self) -> RiskView:
        """Return the newest reading. Raises NotFound when no desk has run yet."""
        ...


class NoRisk:
    """No desk runs in this process, and none has run."""

    async def risk(self) -> RiskView:
        """Raise NotFound."""
        raise NotFound("no desk has run yet")


class Trials(Protocol):
    """Counts what was tried."""

    def count(self, trial: str) -> int:
        """Write a trial down, unless it stands already, and return how many there are. Raises StorageUnwritable."""
        ...


class TrialsOfProcess:
    """Trials that are forgotten with the process."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def count(self, trial: str) -> int:
        """Count a trial once, and return how many there are."""
        self._known.add(trial)
        return len(self._known)


class AlertKeeper(Protocol):
    """Where the alerts that callers set are kept."""

    @property
    def market_ns(self) -> Callable[[], int]:
        """What gives the market's own time, Unix ns."""
        ...

    def open(self) -> AbstractAsyncContextManager[SqlAlerts]:
        """Give the alerts for a block. Raises NotFound where none are kept; StorageUnwritable, StorageBusy."""
        ...

    def changed(self) -> None:
        """Say that alerts came or went."""
        ...


class NoAlerts:
    """A desk that keeps no alerts."""

    @property
    def market_ns(self) -> Callable[[], int]:
        """Raise NotFound."""
        raise NotFound("this desk keeps no alerts")

    def open(self) -> AbstractAsyncContextManager[SqlAlerts]:
        """Raise NotFound."""
        raise NotFound("this desk keeps no alerts")

    def changed(self) -> None:
        """Tell nobody."""


class RequestKeeper(Protocol):
    """Where it is kept what callers confirmed, ordered and asked for under names of their own."""

    def new_token(self) -> str:
        """Return 128 random bits in hex."""
        ...

    def open(self) -> AbstractAsyncContextManager[SqlRequests]:
        """Give the requests for a block. Raises NotFound where none are kept; StorageUnwritable, StorageBusy."""
        ...

    def serving(self) -> AbstractAsyncContextManager[None]:
        """Keep open what was opened while a block lasts."""
        ...


class NoRequests:
    """A desk that keeps no requests, and so takes no trade by hand and no idempotency key."""

    def new_token(self) -> str:
        """Raise NotFound."""
        raise NotFound("this desk keeps no requests")

    def open(self) -> AbstractAsyncContextManager[SqlRequests]:
        """Raise NotFound."""
        raise NotFound("this desk keeps no requests")

    def serving(self) -> AbstractAsyncContextManager[None]:
        """Give a block in which nothing is kept."""
        return nullcontext()


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
    feed: FeedReader = field(default_factory=NoFeed)
    desk: DeskReader = field(default_factory=NoDesk)
    signals: SignalReader = field(default_factory=NoSignals)
    versions: DataVersions | None = None
    """What says whether stored bars changed; None where answers are worked out each time."""
    trading: TradeDesk = field(default_factory=NoTradeDesk)
    orders: OrderReader = field(default_factory=NoOrders)
    risk: RiskReader = field(default_factory=NoRisk)
    decisions: DecisionReader = field(default_factory=NoDecisions)
    track: TrackReader = field(default_factory=NoTrack)
    reports: ReportReader = field(default_factory=NoReports)
    jobs: Jobs = field(default_factory=Jobs)
    trials: Trials = field(default_factory=TrialsOfProcess)
    alerts: AlertKeeper = field(default_factory=NoAlerts)
    requests: RequestKeeper = field(default_factory=NoRequests)
    log: DeskLog = field(default_factory=NoDeskLog)
    chan_columns: Callable[[Sequence[Bar]], Any] = chan_columns
    toolsets: tuple[str, ...] = ("read", "alert", "research", "trade")
    """The tools that MCP offers: see `operations.toolsets`."""
    access: AccessBooks | None = None
    """Where callers must show a key: the books they are judged by."""
