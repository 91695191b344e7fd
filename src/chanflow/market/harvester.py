"""The harvest of one venue: sockets fill the lanes, a worker records and reads them, another thread stores the rows."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from chanflow.domain.errors import VenueUnreachable
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock, Randomness
from chanflow.market.backoff import TokenBucket
from chanflow.market.harvest_metrics import HarvestMetrics
from chanflow.market.lane import PACE, ROTATE, Handed, Lane
from chanflow.market.ports import Connector, MarketVenue, RestClient
from chanflow.market.row_gate import REST_SOCKET
from chanflow.market.snapshots import SnapshotDesk
from chanflow.market.sockets import SocketKeeper, SocketLimits

OPENINGS_PER_5_MIN = 250
"""Connections that may be opened; Binance refuses an address after 300."""


@dataclass(frozen=True, slots=True)
class HarvestPace:
    """How often what is done, and when a backlog changes it."""

    pump_ms: int = 10
    hand_out_ms: int = 250
    status_s: float = 10.0
    hurry_rows: int = 30_000
    """Above this backlog parts are closed in half the time."""
    shed_rows: int = 200_000
    """Above this backlog rows and book layer are dropped; the raw layer never is."""
    give_up_s: float = 120.0
    """How long no socket may be open."""
    resubscribe_s: float = 10.0


@dataclass(slots=True)
class _Standing:
    """What the worker last saw of a lane's book."""

    wanted_ns: int = 0
    unsynced_since_ns: int = 0
    seen_ns: int = 0
    syncs: int = 0
    stats: Mapping[str, object] = field(default_factory=dict)


class Threads(Protocol):
    """Where blocking work is done: `worker` one thing at a time, `storer` one at a time beside it."""

    async def worker(self, work: Callable[[], None]) -> None:
        """Do it, and return when it is done."""
        ...

    async def storer(self, work: Callable[[], int]) -> int:
        """Do it, and return its result."""
        ...


class Harvester:
    """Harvests the symbols of `lanes` until told to stop. `tell` takes status lines, `publish` Prometheus text."""

    def __init__(
        self,
        venue: MarketVenue,
        lanes: Mapping[str, Lane],
        *,
        connector: Connector,
        rest: RestClient,
        threads: Threads,
        clock: Clock,
        randomness: Randomness,
        limits: SocketLimits | None = None,
        pace: HarvestPace | None = None,
        tell: Callable[[str], None] = lambda _: None,
        publish: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Raises InvalidArgument where the venue does not carry so many symbols."""
        self.metrics = HarvestMetrics()
        self._venue, self._lanes, self._clock, self._threads = venue, lanes, clock, threads
        self._rest, self._tell, self._publish = rest, tell, publish
        self._pace = pace or HarvestPace()
        self._limits = limits or SocketLimits()
        opening, numbers = TokenBucket(clock, size=OPENINGS_PER_5_MIN, span_s=300.0), itertools.count(1)
        self.keepers = [
            SocketKeeper(
                plan, venue, connector, clock=clock, random=randomness.stream(f"socket {plan.name}"),
                lanes={symbol: lanes[symbol] for symbol in plan.symbols}, numbers=numbers, opening=opening,
                limits=self._limits, tell=tell,
            )
            for plan in venue.sockets(list(lanes))
        ]  # fmt: skip
        self._desk = SnapshotDesk(venue, rest, clock, self._deliver, self._fill)
        self._book_keeper = {
            symbol: keeper for keeper in self.keepers if "book" in keeper.plan.kinds for symbol in keeper.plan.symbols
        }
        self._standing = {symbol: _Standing() for symbol in lanes}
        self._queue: asyncio.Queue[tuple[Lane, Handed]] = asyncio.Queue()
        self._spawned: list[asyncio.Task[None]] = []
        self._handed = self._stored = 0
        self._hurried = False
        self._resubscribed_ns: dict[str, int] = {}
        self._probed_ns: dict[str, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Harvest until `stop` is set, then publish all there is.

        Raises VenueUnreachable when no socket was open for long, StorageUnwritable when the disk refuses: what is whole
        is published before either.
        """
        began_ns = self._clock.now_ns()
        jobs: list[Coroutine[None, None, None]] = [
            *(keeper.run() for keeper in self.keepers),
            self._desk.run(), self._pump(), self._store(), self._watch(began_ns),
        ]  # fmt: skip
        tasks = [asyncio.ensure_future(job) for job in jobs]
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, *self._spawned, stopped):
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        faults = [fault for fault in ended if isinstance(fault, Exception)]
        try:
            await self._finish()
        except Exception:
            if not faults:
                raise
        if faults:
            raise faults[0]
        self._count(began_ns)

    def _deliver(self, symbol: str, frame: bytes) -> None:
        keeper = self._book_keeper.get(symbol)
        if keeper is not None and keeper.links:
            self._lanes[symbol].push(keeper.links[0].number, self._clock.now_ns(), frame)

    def _fill(self, symbol: str, frame: bytes) -> None:
        self._lanes[symbol].push(REST_SOCKET, self._clock.now_ns(), frame)

    async def _pump(self) -> None:
        """Hand the lanes to the worker again and again, and what they give to the storer."""
        handed_ns = 0
        while True:
            await self._clock.sleep_until(self._clock.now_ns() + self._pace.pump_ms * NS_PER_MS)
            now_ns = self._clock.now_ns()
            due = now_ns - handed_ns >= self._pace.hand_out_ms * NS_PER_MS
            busy = [lane for lane in self._lanes.values() if due or not lane.idle]
            if busy:
                await self._threads.worker(partial(self._work, busy, now_ns, hand_out=due))
                self._collect(busy)
            for keeper in self.keepers:
                for link in keeper.links:
                    link.let_flow()
            if due:
                handed_ns = now_ns
                self._after_hand_out(now_ns)

    def _work(self, lanes: list[Lane], now_ns: int, *, hand_out: bool) -> None:
        for lane in lanes:
            lane.work()
            if not hand_out:
                continue
            lane.tick(now_ns)
            lane.hand_out()
            stats = lane.intake.stats()
            book = stats["symbols"][lane.symbol]
            standing = self._standing[lane.symbol]
            wanted = lane.intake.wanted()
            standing.wanted_ns = wanted[0][1] if wanted else 0
            self._follow(lane.symbol, standing, book, now_ns)
            standing.stats = stats

    def _follow(self, symbol: str, standing: _Standing, book: Mapping[str, int], now_ns: int) -> None:
        """Add up how long a symbol's book has been away, and how long its newest recovery took."""
        if standing.unsynced_since_ns:
            spent_s = (now_ns - standing.seen_ns) / NS_PER_S
            self.metrics.unsynced_s[symbol] = self.metrics.unsynced_s.get(symbol, 0.0) + spent_s
        if book["unsynced_ns"] and not standing.unsynced_since_ns:
            standing.unsynced_since_ns = now_ns
        if not book["unsynced_ns"] and standing.unsynced_since_ns:
            self.metrics.recovery_s[symbol] = (now_ns - standing.unsynced_since_ns) / NS_PER_S
            standing.unsynced_since_ns = 0
        standing.seen_ns, standing.syncs = now_ns, book["syncs"]

    def _collect(self, lanes: list[Lane]) -> None:
        for lane in lanes:
            for handed in lane.out:
                self._handed += len(handed.taken["rows"]["ts_ms"])
                for gap in handed.taken["gaps"]:
                    if gap["reason"] == "agg_trade_ids":
                        self._desk.miss(lane.symbol, gap["from_u"] + 1, gap["to_u"] - 1)
                self._queue.put_nowait((lane, handed))
            lane.out.clear()

    def _after_hand_out(self, now_ns: int) -> None:
        wanted = {name: standing.wanted_ns for name, standing in self._standing.items() if standing.wanted_ns}
        if wanted and self._venue.resubscribe(next(iter(wanted))):
            self._resubscribe(wanted, now_ns)
        else:
            self._desk.want(wanted)
        backlog = self.metrics.backlog_rows = self._handed - self._stored
        hurried = backlog > self._pace.hurry_rows // (2 if self._hurried else 1)
        if hurried != self._hurried:
            self._hurried = hurried
            self._tell(f"{backlog} rows wait for the disk: parts are closed {'sooner' if hurried else 'as usual'}")
        shed = backlog > self._pace.shed_rows
        for lane in self._lanes.values():
            if lane.hurried != hurried:
                lane.hurried = hurried
                lane.say(now_ns, PACE, "0.5" if hurried else "1")
            if shed and not lane.shed:
                self._tell(f"{lane.symbol}: {backlog} rows wait for the disk: rows are dropped, raw frames are kept")
            lane.shed = shed
            if lane.overdue:
                lane.say(now_ns, ROTATE, lane.overdue)
                lane.overdue = ""

    def _resubscribe(self, wanted: Mapping[str, int], now_ns: int) -> None:
        for symbol in wanted:
            if now_ns - self._resubscribed_ns.get(symbol, 0) >= self._pace.resubscribe_s * NS_PER_S:
                self._resubscribed_ns[symbol] = now_ns
                keeper = self._book_keeper[symbol]
                self._spawn(keeper.say(self._venue.resubscribe(symbol)))

    def _spawn(self, job: Coroutine[None, None, None]) -> None:
        self._spawned = [task for task in self._spawned if not task.done()]
        self._spawned.append(asyncio.create_task(job))

    async def _store(self) -> None:
        while True:
            await self._store_one(*await self._queue.get())

    async def _store_one(self, lane: Lane, handed: Handed) -> None:
        count = len(handed.taken["rows"]["ts_ms"])
        if lane.shed:
            self.metrics.drops["backlog"] = self.metrics.drops.get("backlog", 0) + count
        now_ms = self._clock.now_ns() // NS_PER_MS

        def keep() -> int:
            rows = lane.keep(handed)
            lane.overdue = lane.store.overdue(now_ms)
            # Counted here, in the one thread that stores: whoever waits for it may be cancelled.
            self.metrics.rows += rows
            self._stored += count
            return rows

        await self._threads.storer(keep)

    async def _watch(self, began_ns: int) -> None:
        """Report now and then, ask about quiet symbols, and give up when nothing opens."""
        told_ns = open_ns = began_ns
        while True:
            await self._clock.sleep_until(self._clock.now_ns() + NS_PER_S)
            now_ns = self._clock.now_ns()
            if any(keeper.links for keeper in self.keepers):
                open_ns = now_ns
            elif now_ns - open_ns >= self._pace.give_up_s * NS_PER_S:
                raise VenueUnreachable(
                    f"no socket of {self._venue.name} could be opened for {self._pace.give_up_s:.0f} s; "
                    "look at the network and at the addresses, --url-override sets others"
                )
            self._probe_the_quiet(now_ns)
            if now_ns - told_ns >= self._pace.status_s * NS_PER_S:
                told_ns = now_ns
                self._count(began_ns)

    def _probe_the_quiet(self, now_ns: int) -> None:
        for keeper in self.keepers:
            for symbol in keeper.plan.symbols if keeper.links else ():
                kind = self._limits.silence.doubtful(self._lanes[symbol].activity, keeper.plan.kinds, now_ns)
                waited_ns = now_ns - self._probed_ns.get(symbol, 0)
                if kind is not None and waited_ns >= self._limits.silence.probe_after_s * NS_PER_S:
                    self._probed_ns[symbol] = now_ns
                    self._spawn(self._probe(keeper, symbol, kind, now_ns))

    async def _probe(self, keeper: SocketKeeper, symbol: str, kind: str, now_ns: int) -> None:
        """Ask the venue whether a quiet symbol is quiet, and blame the socket if it is not."""
        request = self._venue.probe(symbol)
        if request is None:
            return
        reply = await self._rest.ask(request)
        at_ms = self._venue.probe_ms(reply.body) if reply.status == 200 else None
        last_ns = self._lanes[symbol].activity.last_ns.get(kind, now_ns)
        if kind == "book_ticker" and at_ms is not None and at_ms > last_ns // NS_PER_MS + 5_000:
            keeper.end(f"{symbol} {kind} silent while the venue's quotes moved")

    def _count(self, began_ns: int) -> None:
        """Bring the metrics up to date, and tell them."""
        metrics, all_stats = self.metrics, [s.stats for s in self._standing.values() if s.stats]
        metrics.backlog_rows = self._handed - self._stored
        metrics.frames = sum(keeper.frames for keeper in self.keepers)
        metrics.bytes = sum(keeper.size for keeper in self.keepers)
        metrics.sockets_open = sum(len(keeper.links) for keeper in self.keepers)
        metrics.gaps, metrics.dead, metrics.repeats = (
            sum(int(str(stats[name])) for stats in all_stats) for name in ("gaps", "dead", "repeats")
        )
        metrics.resyncs = sum(max(0, standing.syncs - 1) for standing in self._standing.values())
        metrics.snapshots, metrics.snapshot_refusals = self._desk.fetched, self._desk.refused
        metrics.filled = self._desk.filled
        lags = [(stats["lag_p50_ms"], stats["lag_p99_ms"]) for stats in all_stats if stats["lag_p50_ms"] is not None]
        if lags:
            metrics.lag_p50_ms = max(float(str(p50)) for p50, _ in lags)
            metrics.lag_p99_ms = max(float(str(p99)) for _, p99 in lags)
        metrics.quarantined = sum(lane.store.quarantined for lane in self._lanes.values())
        metrics.losses = {}
        for keeper in self.keepers:
            for reason, count in keeper.losses.items():
                metrics.losses[reason] = metrics.losses.get(reason, 0) + count
        self._tell(metrics.line((self._clock.now_ns() - began_ns) / NS_PER_S))
        self._publish(metrics.prometheus(self._venue.name))

    async def _finish(self) -> None:
        """Read what is left, store it and publish everything; every lane is tried, the first fault is raised."""
        lanes, faults = list(self._lanes.values()), list[Exception]()

        def read_the_rest(lane: Lane) -> None:
            lane.work()
            lane.hand_out()

        def publish(lane: Lane) -> int:
            lane.store.rotate()
            return 0

        for lane in lanes:
            with _kept(faults):
                await self._threads.worker(partial(read_the_rest, lane))
            with _kept(faults):
                await self._threads.worker(lane.close_raw)
        self._collect(lanes)
        while not self._queue.empty():
            with _kept(faults):
                await self._store_one(*self._queue.get_nowait())
        for lane in lanes:
            with _kept(faults):
                await self._threads.storer(partial(publish, lane))
        if faults:
            raise faults[0]


@contextmanager
def _kept(faults: list[Exception]) -> Iterator[None]:
    """Keep a fault for later."""
    try:
        yield
    except Exception as fault:  # noqa: BLE001  (raised when all lanes are closed)
        faults.append(fault)
