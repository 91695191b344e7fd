"""What a desk left in its data directory, as the operations read it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from chanflow.domain.account import AccountSnapshot
from chanflow.domain.errors import NotFound
from chanflow.domain.market_data import Bar
from chanflow.domain.order import OrderEvent, OrderView
from chanflow.domain.time import Clock, parse_rfc3339
from chanflow.market.ports import Tail
from chanflow.review.explain import Link, decisions_named, explain
from chanflow.review.journal import JournalTail, Record, read_records
from chanflow.review.orders import OrdersFold
from chanflow.review.track import TrackFold
from chanflow.review.track_figures import Figures, GroupBy, figures
from chanflow.runtime.certificates import CertificateShelf
from chanflow.runtime.codec import decode
from chanflow.runtime.home import Home, RunFolder

if TYPE_CHECKING:
    from chanflow.adapters.storage.lake_source import LakeSource
    from chanflow.market.adjust import Adjust
    from chanflow.market.feed import Feed, Page, SliceQuery, Snapshot

T = TypeVar("T")

HALTED = "L0"
"""The rung of the ladder on which nothing is opened."""


@dataclass(frozen=True, slots=True)
class DeskState:
    """How far a desk may act: its mode, its place on the ladder, and whether and why it stands still."""

    mode: str
    ladder_level: str | None
    halted: bool
    halt_reason: str | None


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account read back from a journal: the last snapshot, the orders then open, the triggers then armed."""

    snapshot: AccountSnapshot
    open_orders: tuple[OrderEvent, ...]
    armed_triggers: dict[str, int]


class AccountFold:
    """Takes a journal's records in order, and knows the account as they leave it."""

    def __init__(self) -> None:
        self._snapshot: AccountSnapshot | None = None
        self._open: dict[str, OrderEvent] = {}
        self._armed: dict[str, tuple[str, set[str]]] = {}

    def take(self, record: Record) -> None:
        """Take the next record."""
        body: Any = record.body
        match record.kind:
            case "account":
                self._snapshot = decode(AccountSnapshot, body)
            case "order_event":
                event = decode(OrderEvent, body)
                if event.state.terminal:
                    self._open.pop(event.client_order_id, None)
                else:
                    self._open[event.client_order_id] = event
            case "register_triggers":
                self._armed[body["position_id"]] = (body["symbol"], {t["trigger_id"] for t in body["triggers"]})
            case "re_analysis_trigger" if body["position_id"] in self._armed:
                self._armed[body["position_id"]][1].discard(body["trigger_id"])
            case "triggers_refused" if body["position_id"] in self._armed:
                self._armed[body["position_id"]][1].difference_update(body["refused"])
            case "triggers_disarmed":
                self._armed.pop(body["position_id"], None)

    def state(self) -> AccountState | None:
        """Return the account, None before the first snapshot."""
        if self._snapshot is None:
            return None
        counts: dict[str, int] = {}
        for symbol, triggers in self._armed.values():
            counts[symbol] = counts.get(symbol, 0) + len(triggers)
        return AccountState(self._snapshot, tuple(self._open.values()), {s: n for s, n in sorted(counts.items()) if n})


class DeskFold:
    """Takes a journal's records in order, and knows how far its desk may act."""

    def __init__(self) -> None:
        self._head: Any = None
        self._level: str | None = None
        self._cause: str | None = None
        self._halt: str | None = None

    def take(self, record: Record) -> None:
        """Take the next record."""
        body: Any = record.body
        if record.kind == "head":
            self._head = body
        elif record.kind == "ladder":
            self._level, self._cause = str(body["level"]), str(body["cause"])
        elif record.kind == "halt":
            self._halt = str(body["why"]) if body["halted"] else None

    def state(self) -> DeskState | None:
        """Return the state, None before the books were opened."""
        if self._head is None:
            return None
        settings = self._head["settings"]
        now = self._level or str(settings["risk"]["ladder"]["paper_start"])
        why = self._halt or (self._cause if now == HALTED else None)
        return DeskState(
            str(settings["execution"]["mode"]), now, self._halt is not None or now == HALTED, why
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class KeptSignals:
    """Reads decisions where they are kept: in the newest run's journal, or in the sinks of the folder `out`."""

    run: NewestRun
    out: Path | None

    def signals(self, source: Literal["desk", "sink"], run_id: str | None) -> Iterator[Mapping[str, Any]]:
        """Yield decisions in their order. Raises NotFound where there are none of that run."""
        if source == "desk":
            return self.run.signals()
        if self.out is None:
            raise NotFound("signals.out names no folder of sinks")
        from chanflow.adapters.storage.signal_reader import kept_signals

        return kept_signals(self.out, run_id)


class _KeptJournal:
    """What one journal tells, read on from where the last question ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tail = JournalTail(path)
        self._orders, self._account, self._desk = OrdersFold(), AccountFold(), DeskFold()
        self._known_at = ""

    def read(self) -> None:
        """Take what came since. Raises JournalCorrupt, NotFound."""
        for record in self._tail.read():
            self._orders.take(record.kind, record.at, record.correlation_id, record.body)
            self._account.take(record)
            self._desk.take(record)
            self._known_at = record.at

    def orders(self) -> tuple[Sequence[OrderView], int]:
        """Return the orders, and how far the journal tells, in Unix ns."""
        return self._orders.views(), parse_rfc3339(self._known_at) if self._known_at else 0

    def account(self) -> AccountState | None:
        """Return the account, None before the first snapshot."""
        return self._account.state()

    def desk(self) -> DeskState | None:
        """Return the desk's state, None before the books were opened."""
        return self._desk.state()


class _KeptTrack:
    """What was traded in one journal, read on from where the last question ended; answers stand until it grows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tail = JournalTail(path)
        self._fold = TrackFold()
        self._told: dict[tuple[int | None, GroupBy], Figures] = {}

    def read(self, days: int | None, group_by: GroupBy) -> tuple[Figures, int]:
        """Return a window's figures, and how far the journal tells, in Unix ns. Raises JournalCorrupt."""
        for record in self._tail.read():
            self._fold.take(record.kind, record.at, record.body)
            self._told.clear()
        track = self._fold.known()
        if (days, group_by) not in self._told:
            self._told[days, group_by] = figures(track, days=days, group_by=group_by)
        return self._told[days, group_by], track.known_ns


class NewestRun:
    """Reads the newest run of a data directory, whichever that is at the moment of asking."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._open: dict[Path, LakeSource] = {}
        self._opening = threading.Lock()
        self._journal: _KeptJournal | None = None
        self._reading = threading.Lock()
        self._track: _KeptTrack | None = None
        self._tracking = threading.Lock()

    def _folder(self) -> RunFolder:
        folder = self._home.newest_run()
        if folder is None:
            raise NotFound(f"no desk has run in {self._home.root} yet: start one with chanflow demo")
        return folder

    def _told(self, asked: Callable[[_KeptJournal], T]) -> T:
        """Return what the newest journal tells; one that a desk is writing is read on from call to call.

        Raises NotFound when no desk has run yet, JournalCorrupt.
        """
        path = self._folder().journal_path
        with self._reading:
            kept = self._journal
            if kept is None or kept.path != path:
                kept = self._journal = _KeptJournal(path)
            try:
                kept.read()
            except BaseException:
                self._journal = None
                raise
            return asked(kept)

    def account(self) -> AccountState:
        """Return the account as the newest journal leaves it. Raises NotFound when no desk has run yet."""
        state = self._told(_KeptJournal.account)
        if state is None:
            raise NotFound("the newest run has not opened its books yet")
        return state

    def orders(self) -> tuple[Sequence[OrderView], int]:
        """Return the newest run's orders, and how far its journal tells (Unix ns). Raises NotFound, JournalCorrupt."""
        return self._told(_KeptJournal.orders)

    def performance(self, *, days: int | None, group_by: GroupBy) -> tuple[Figures, int]:
        """Return what the newest run came to in its last `days`, and how far its journal tells, in Unix ns.

        A journal that a desk is writing is read on from call to call. Raises NotFound, JournalCorrupt.
        """
        folder = self._folder()
        with self._tracking:
            if self._track is None or self._track.path != folder.journal_path:
                self._track = _KeptTrack(folder.journal_path)
            try:
                return self._track.read(days, group_by)
            except BaseException:
                self._track = None
                raise

    def explain(self, name: str | None) -> tuple[str, Sequence[Link]]:
        """Return the chain of a decision of the newest run, with its id; without a name of the last that was refused.

        Both are empty where nothing was refused. Raises NotFound when no desk has run yet, or nothing is called so.
        """
        records = tuple(read_records(self._folder().journal_path, torn_tail=True))
        if name is None:
            refused = [str(r.body["decision_id"]) for r in records if r.kind == "refusal"]
            return (refused[-1], explain(records, refused[-1])) if refused else ("", ())
        chain = explain(records, name)
        if not chain:
            raise NotFound("nothing in the newest run is called so")
        decisions = sorted(decisions_named(records, name))
        return (decisions[0] if decisions else name), chain

    def desk(self) -> DeskState:
        """Return how far the newest run's desk may act, as its journal says. Raises NotFound when none has run."""
        state = self._told(_KeptJournal.desk)
        if state is None:
            raise NotFound("the newest run has not opened its books yet")
        return state

    def lakes(self) -> list[LakeSource]:
        """Return the lakes of the newest run and of the data directory itself, readers kept from call to call."""
        from chanflow.adapters.storage.lake_source import LakeSource

        run = self._home.newest_run()
        bases = [self._home.lake_dir] if run is None else [run.lake_dir, self._home.lake_dir]
        found = [path for base in bases if base.is_dir() for path in sorted(base.iterdir()) if path.is_dir()]
        with self._opening:
            self._open = {path: self._open.get(path) or LakeSource(path) for path in found}
            return list(self._open.values())

    def signals(self) -> Iterator[Mapping[str, Any]]:
        """Yield the decisions of the newest journal in their order. Raises NotFound when no desk has run yet."""
        for record in read_records(self._folder().journal_path, torn_tail=True):
            if record.kind == "signal":
                yield record.body

    def symbols(self) -> list[str]:
        """Return the symbols that the lakes hold, sorted. Raises NotFound when nothing was ever recorded."""
        lakes = self.lakes()
        if not lakes:
            self._folder()
        return sorted({symbol for lake in lakes for symbol in lake.symbols()})

    def version(self, symbol: str) -> Hashable:
        """Return what changes whenever the stored data of a symbol do. Raises NotFound when no desk has run yet."""
        return tuple((lake.index.root, lake.index.version(symbol)) for lake in self.lakes())

    def klines(
        self,
        symbol: str,
        level: str,
        *,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
        fill: bool = False,
        adjust: Adjust = "none",
    ) -> list[Bar]:
        """Return closed bars of the first lake that knows the symbol. Raises NotFound for an unknown symbol."""
        for lake in self.lakes():
            if lake.has(symbol):
                return lake.klines(
                    symbol, level, start_ms=start_ms, end_ms=end_ms, limit=limit, fill=fill, adjust=adjust
                )
        raise NotFound(f"there are no bars of {symbol}; known here: {', '.join(self.symbols()) or 'none'}")


@dataclass(frozen=True, slots=True)
class StoredVersions:
    """Says whether what answers rest on has changed: a symbol's stored bars, and the certificates."""

    run: NewestRun
    certificates: CertificateShelf

    def version(self, symbol: str) -> Hashable:
        """Return what changes whenever the answers about a symbol may. Raises NotFound, InvalidArgument."""
        return self.run.version(symbol), self.certificates.version()


class DeskFeed:
    """The feed over a desk's lakes, and over what a running desk has not yet published."""

    def __init__(self, run: NewestRun, clock: Clock) -> None:
        self._run = run
        self._clock = clock
        self.tails: list[Tail] = []
        """The writers of this process; a desk adds its own."""

    def _feed(self) -> Feed:
        from chanflow.market.feed import Feed

        return Feed(self._run.lakes(), self._clock, tails=self.tails)

    def live_snapshot(self, symbols: Sequence[str]) -> list[Snapshot]:
        """Return the newest of each symbol; one without data says so."""
        return self._feed().live_snapshot(symbols)

    def historical_slice(self, query: SliceQuery, *, limit: int | None = None, cursor: str | None = None) -> Page:
        """Return a page of a slice. Raises InvalidArgument, and NotFound for an unknown symbol."""
        return self._feed().historical_slice(query, limit=limit, cursor=cursor)
