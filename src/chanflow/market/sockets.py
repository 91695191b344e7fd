"""One socket kept open: opened again after a loss, and replaced before the venue ends it, with no gap between.

At 23 h a second connection opens. Both deliver until the new one has brought every stream that the old one brought
meanwhile; then the old one is closed. The intake takes each frame once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from chanflow.domain.errors import VenueBusy
from chanflow.domain.time import NS_PER_MS, NS_PER_S, Clock
from chanflow.market.backoff import Backoff, TokenBucket
from chanflow.market.lane import CLOSE, NOTE, RESET, Lane
from chanflow.market.ports import Connection, Connector, MarketVenue, SocketPlan
from chanflow.market.watchdog import SilenceLimits

CONTROL_MESSAGES_PER_S = 5

MAX_UNREAD_BYTES = 32 << 20
"""What a connection may bring before the worker has had a turn; then it is not read, and the venue's side waits."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """When a connection is replaced, in s after it opened, and when silence ends it."""

    overlap_after_s: float = 23 * 3_600.0
    life_s: float = 24 * 3_600.0
    overlap_least_s: float = 2.0
    overlap_most_s: float = 300.0
    look_every_s: float = 1.0
    silence: SilenceLimits = field(default_factory=SilenceLimits)


class Link:
    """One connection of a socket, and the `FrameSink` it feeds."""

    def __init__(self, number: int, venue: MarketVenue, lanes: Mapping[str, Lane], opened_ns: int) -> None:
        self.number = number
        self.opened_ns = self.last_ns = self.ping_ns = self.pong_ns = opened_ns
        self.anchor_ns = 0
        self.connection: Connection | None = None
        self.reason: str | None = None
        self.ended = asyncio.Event()
        self.frames = 0
        self.bytes = 0
        self._paused = False
        self._pause_at = MAX_UNREAD_BYTES
        self.streams: set[bytes] | None = None
        """Streams that have delivered since it was last emptied; None while nobody asks."""
        self._venue = venue
        self._lanes = lanes
        self._first = next(iter(lanes.values()))
        self._only = self._first if len(lanes) == 1 else None

    def frame(self, payload: bytes, recv_ns: int) -> None:
        """Take one text frame."""
        self.last_ns = recv_ns
        self.frames += 1
        self.bytes += len(payload)
        if self.bytes >= self._pause_at:
            self._pause()
        if payload == self._venue.pong:
            self.pong_ns = recv_ns
            return
        # A frame that names no symbol of ours goes to the first: its intake keeps it as a dead letter.
        lane = self._only or self._lanes.get(self._venue.symbol_of(payload) or "", self._first)
        lane.push(self.number, recv_ns, payload)
        if self.streams is not None and (stream := self._venue.stream_of(payload)) is not None:
            self.streams.add(stream)

    def let_flow(self) -> None:
        """Read on: what came so far has been taken."""
        self._pause_at = self.bytes + MAX_UNREAD_BYTES
        if self._paused and self.connection is not None:
            self._paused = False
            self.connection.resume()

    def _pause(self) -> None:
        if not self._paused and self.connection is not None:
            self._paused = True
            self.connection.pause()

    def pong(self) -> None:
        """Take a sign of life."""
        self.pong_ns = max(self.pong_ns, self.ping_ns, self.last_ns)

    def closed(self, reason: str) -> None:
        """Learn that the connection has ended."""
        if self.reason is None:
            self.reason = reason
        self.ended.set()


class SocketKeeper:
    """Keeps the socket of one plan open. `lanes` are its symbols'."""

    def __init__(
        self,
        plan: SocketPlan,
        venue: MarketVenue,
        connector: Connector,
        *,
        clock: Clock,
        random: Random,
        lanes: Mapping[str, Lane],
        numbers: Iterator[int],
        opening: TokenBucket,
        limits: SocketLimits,
        tell: Callable[[str], None],
    ) -> None:
        self.plan = plan
        self.links: list[Link] = []
        self.losses: dict[str, int] = {}
        self.last_open_ns: int | None = None
        self._venue, self._connector, self._clock = venue, connector, clock
        self._lanes, self._numbers, self._opening = lanes, numbers, opening
        self._limits, self._tell = limits, tell
        self._backoff = Backoff(random)
        self._budget = TokenBucket(clock, size=CONTROL_MESSAGES_PER_S, span_s=1.0)
        self._frames_gone = self._bytes_gone = 0
        self._overlap_ns = 0
        self._next: asyncio.Task[Link] | None = None

    @property
    def frames(self) -> int:
        """Frames received over all connections so far."""
        return self._frames_gone + sum(link.frames for link in self.links)

    @property
    def size(self) -> int:
        """Bytes of their payloads."""
        return self._bytes_gone + sum(link.bytes for link in self.links)

    async def run(self) -> None:
        """Keep it open until cancelled."""
        try:
            while True:
                opened = await self._opened()
                self.links = [opened]
                for lane in self._lanes.values():
                    lane.activity.restart(self._clock.now_ns())
                await self._tend()
                flowed_s = (self._clock.now_ns() - opened.opened_ns) / NS_PER_S
                await self._wait(self._backoff.next_s(stable_for_s=flowed_s))
        finally:
            if self._next is not None:
                self._next.cancel()
            for link in self.links:
                if link.connection is not None:
                    link.connection.close()

    async def say(self, messages: Sequence[bytes]) -> None:
        """Send control messages over every open connection, within the venue's budget."""
        for message in messages:
            await self._budget.take()
            for link in self.links:
                if link.connection is not None:
                    link.connection.send(message)

    def end(self, reason: str) -> None:
        """Give the newest connection up: it is opened anew."""
        if self.links:
            self.links[-1].closed(reason)

    async def _opened(self) -> Link:
        """Return an open link, however long it takes."""
        while True:
            await self._opening.take()
            link = Link(next(self._numbers), self._venue, self._lanes, self._clock.now_ns())
            try:
                link.connection = await self._connector.open(self.plan.url, link)
            except VenueBusy as fault:
                self.losses["refused"] = self.losses.get("refused", 0) + 1
                self._tell(f"{self.plan.name}: {fault}")
                await self._wait(self._backoff.next_s())
                continue
            now_ns = self._clock.now_ns()
            link.anchor_ns = now_ns - self._clock.monotonic_ns()
            link.opened_ns = link.last_ns = link.ping_ns = link.pong_ns = now_ns
            self.last_open_ns = now_ns
            self._note(f"open {link.number} {self.plan.name}")
            for message in self.plan.subscribe:
                await self._budget.take()
                link.connection.send(message)
            return link

    async def _tend(self) -> None:
        """Watch the open connections until none is left."""
        while self.links:
            await self._look_later()
            for link in list(self.links):
                self._note_step(link)
                reason = link.reason or self._fault(link)
                if reason is not None:
                    self._retire(link, reason)
            if self.links:
                self._replace_in_time()

    async def _look_later(self) -> None:
        """Return after the next look is due, or at once when a connection ends."""
        nap = asyncio.ensure_future(
            self._clock.sleep_until(self._clock.now_ns() + int(self._limits.look_every_s * NS_PER_S))
        )
        ends = [asyncio.ensure_future(link.ended.wait()) for link in self.links]
        try:
            await asyncio.wait({nap, *ends}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (nap, *ends):
                task.cancel()

    def _note_step(self, link: Link) -> None:
        """Record that the wall clock has left a connection's receive times, which never step."""
        step_ns = self._clock.now_ns() - self._clock.monotonic_ns() - link.anchor_ns
        if abs(step_ns) > NS_PER_S:
            link.anchor_ns += step_ns
            self._note(f"clock step {step_ns // NS_PER_MS} ms {link.number}")

    def _fault(self, link: Link) -> str | None:
        """Return why a connection is to be given up, or None."""
        now_ns, silence = self._clock.now_ns(), self._limits.silence
        if now_ns - link.last_ns > silence.frame_s * NS_PER_S:
            return f"no frame for {silence.frame_s:.0f} s"
        if link.pong_ns < link.ping_ns and now_ns - link.ping_ns > silence.pong_s * NS_PER_S:
            return f"no pong for {silence.pong_s:.0f} s"
        if link.pong_ns >= link.ping_ns and now_ns - link.ping_ns >= silence.ping_every_s * NS_PER_S:
            link.ping_ns = now_ns
            assert link.connection is not None
            if self._venue.ping is None:
                link.connection.ping()
            else:
                link.connection.send(self._venue.ping)
        if link is not self.links[-1]:
            return None
        for symbol, lane in self._lanes.items():
            reason = silence.blamed(lane.activity, self.plan.kinds, now_ns)
            if reason is not None:
                return f"{symbol} {reason}"
        return None

    def _replace_in_time(self) -> None:
        """Open a second connection when the first is old, and let go of the first when the second carries all."""
        old, now_ns = self.links[0], self._clock.now_ns()
        age_s = (now_ns - old.opened_ns) / NS_PER_S
        if len(self.links) == 1:
            if self._next is not None and self._next.done():
                fresh = self._next.result()
                self._next = None
                self.links.append(fresh)
                self._overlap_ns = now_ns
                old.streams, fresh.streams = set(), set()
            elif age_s >= self._limits.life_s:
                self._retire(old, "its day is over")
            elif age_s >= self._limits.overlap_after_s and self._next is None:
                self._next = asyncio.create_task(self._opened())
            return
        fresh, both_s = self.links[1], (now_ns - self._overlap_ns) / NS_PER_S
        assert old.streams is not None
        assert fresh.streams is not None
        carried = bool(fresh.streams) and old.streams <= fresh.streams and both_s >= self._limits.overlap_least_s
        if carried or both_s >= self._limits.overlap_most_s or age_s >= self._limits.life_s:
            fresh.streams = None
            self._retire(old, "handed over")

    def _retire(self, link: Link, reason: str) -> None:
        """Close a connection. What it alone carried is lost, and said so to every symbol."""
        assert link.connection is not None
        link.connection.close()
        self.links.remove(link)
        self._frames_gone += link.frames
        self._bytes_gone += link.bytes
        if not self.links and self._next is not None and self._next.done():
            self.links.append(self._next.result())
            self._next = None
        word = reason.split(" for ", maxsplit=1)[0]
        self.losses[word] = self.losses.get(word, 0) + 1
        now_ns = self._clock.now_ns()
        for lane in self._lanes.values():
            lane.say(now_ns, CLOSE, str(link.number))
            if not self.links and "book" in self.plan.kinds:
                lane.say(now_ns, RESET)
        self._note(f"closed {link.number} {reason}")
        self._tell(f"{self.plan.name}: connection {link.number} closed: {reason}")

    def _note(self, text: str) -> None:
        for lane in self._lanes.values():
            lane.say(self._clock.now_ns(), NOTE, text)

    async def _wait(self, wait_s: float) -> None:
        await self._clock.sleep_until(self._clock.now_ns() + int(wait_s * NS_PER_S))
