"""A socket over a whole simulated day: replaced at 23 h, with every frame delivered."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field

import pytest

from chanflow.adapters.venues.binance_market import URLS, BinanceMarket
from chanflow.domain.errors import VenueBusy
from chanflow.domain.time import NS_PER_S
from chanflow.market.activity import Activity
from chanflow.market.backoff import TokenBucket
from chanflow.market.ports import FrameSink
from chanflow.market.sockets import MAX_UNREAD_BYTES, Link, SocketKeeper
from chanflow.runtime.clock import SeededRandomness, SimulatedClock

HOUR_NS = 3_600 * NS_PER_S
STREAMS = ("btcusdt@bookTicker", "btcusdt@depth@100ms")


@dataclass
class _Lane:
    """What a socket tells a lane."""

    activity: Activity = field(default_factory=Activity)
    frames: list[tuple[int, int, bytes]] = field(default_factory=list)
    said: list[tuple[int, str, str]] = field(default_factory=list)

    def push(self, socket: int, recv_ns: int, frame: bytes) -> None:
        self.frames.append((socket, recv_ns, frame))

    def say(self, recv_ns: int, word: str, what: str = "") -> None:
        self.said.append((recv_ns, word, what))


@dataclass
class _Open:
    sink: FrameSink
    clock: SimulatedClock
    answers: bool = True
    alive: bool = True
    paused: int = 0
    said_ns: list[int] = field(default_factory=list)

    def send(self, message: bytes) -> None:
        assert message
        self.said_ns.append(self.clock.now_ns())

    def pause(self) -> None:
        self.paused += 1

    def resume(self) -> None:
        self.paused -= 1

    def ping(self) -> None:
        if self.answers and self.alive:
            self.sink.pong()

    def close(self) -> None:
        self.alive = False


@dataclass
class _Venue:
    """Sends one frame a stream every ten seconds to whoever listens."""

    clock: SimulatedClock
    refuse: int = 0
    answers: bool = True
    open_now: list[_Open] = field(default_factory=list)
    opened_ns: list[int] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    async def open(self, url: str, sink: FrameSink) -> _Open:
        await asyncio.sleep(0)
        if self.refuse:
            self.refuse -= 1
            raise VenueBusy("refused")
        self.opened_ns.append(self.clock.now_ns())
        self.open_now.append(_Open(sink, self.clock, self.answers))
        return self.open_now[-1]

    async def beat(self) -> None:
        for count in itertools.count():
            for stream in STREAMS:
                frame = b'{"stream":"%b","data":{"u":%d}}' % (stream.encode(), count)
                self.sent.append(frame)
                for connection in self.open_now:
                    if connection.alive:
                        connection.sink.frame(frame, self.clock.now_ns())
            await self.clock.sleep_until(self.clock.now_ns() + 10 * NS_PER_S)


async def day(venue: _Venue, lane: _Lane, *, until_ns: int) -> list[str]:
    told: list[str] = []
    market = BinanceMarket("binance-usdm", URLS["binance-usdm"])
    keeper = SocketKeeper(
        market.sockets(["BTCUSDT"])[0], market, venue, clock=venue.clock, random=SeededRandomness(1).stream("s"),
        lanes={"BTCUSDT": lane}, numbers=itertools.count(1),  # type: ignore[dict-item]
        opening=TokenBucket(venue.clock, size=250, span_s=300.0), limits=_limits(), tell=told.append,
    )  # fmt: skip
    tasks = [asyncio.create_task(keeper.run()), asyncio.create_task(venue.beat())]
    await venue.clock.run_until_idle(until_ns)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return told


def _limits():  # type: ignore[no-untyped-def]
    from chanflow.market.sockets import SocketLimits

    return SocketLimits(look_every_s=5.0)


@pytest.mark.slow
async def test_at_23_hours_a_second_connection_takes_over_and_nothing_is_missed() -> None:
    venue, lane = _Venue(SimulatedClock(0)), _Lane()
    told = await day(venue, lane, until_ns=24 * HOUR_NS)
    assert len(venue.opened_ns) == 2
    assert 23 * HOUR_NS <= venue.opened_ns[1] < 23 * HOUR_NS + 10 * NS_PER_S
    assert [line for line in told if "closed" in line] == ["public BTCUSDT: connection 1 closed: handed over"]
    assert {frame for _, _, frame in lane.frames} >= set(venue.sent[2:-2])
    assert [word for _, word, _ in lane.said if word in {"close", "reset"}] == ["close"]


async def test_silence_of_20_s_opens_it_anew_and_loses_the_book() -> None:
    venue, lane = _Venue(SimulatedClock(0)), _Lane()

    async def mute() -> None:
        await venue.clock.sleep_until(60 * NS_PER_S)
        venue.open_now[0].alive = False

    muting = asyncio.create_task(mute())
    told = await day(venue, lane, until_ns=180 * NS_PER_S)
    await muting
    assert "no frame for 20 s" in told[0]
    assert len(venue.opened_ns) == 2
    assert [word for _, word, _ in lane.said if word in {"close", "reset"}] == ["close", "reset"]


async def test_no_pong_opens_it_anew_though_frames_flow() -> None:
    venue, lane = _Venue(SimulatedClock(0), answers=False), _Lane()
    told = await day(venue, lane, until_ns=60 * NS_PER_S)
    assert "no pong for 10 s" in told[0]


async def test_control_messages_keep_the_venues_budget() -> None:
    clock = SimulatedClock(0)
    venue, lane, market = _Venue(clock), _Lane(), BinanceMarket("binance-usdm", URLS["binance-usdm"])
    keeper = SocketKeeper(
        market.sockets(["BTCUSDT"])[0], market, venue, clock=clock, random=SeededRandomness(1).stream("s"),
        lanes={"BTCUSDT": lane}, numbers=itertools.count(1),  # type: ignore[dict-item]
        opening=TokenBucket(clock, size=250, span_s=300.0), limits=_limits(), tell=lambda _: None,
    )  # fmt: skip
    running = asyncio.create_task(keeper.run())
    await clock.run_until_idle(NS_PER_S)
    saying = asyncio.create_task(keeper.say([b"x"] * 60))
    await clock.run_until_idle(30 * NS_PER_S)
    for task in (running, saying):
        task.cancel()
    said = venue.open_now[0].said_ns
    assert len(said) == 60
    assert max(sum(at <= one < at + NS_PER_S for one in said) for at in said) <= 10
    assert said[-1] - said[0] >= 10 * NS_PER_S


async def test_a_refused_socket_is_tried_again() -> None:
    venue, lane = _Venue(SimulatedClock(0), refuse=3), _Lane()
    await day(venue, lane, until_ns=60 * NS_PER_S)
    assert len(venue.opened_ns) == 1
    assert lane.frames


async def test_a_connection_that_brings_more_than_is_read_is_not_read_for_a_while() -> None:
    market, lane = BinanceMarket("binance-usdm", URLS["binance-usdm"]), _Lane()
    link = Link(1, market, {"BTCUSDT": lane}, 0)  # type: ignore[dict-item]
    link.connection = wire = _Open(link, SimulatedClock(0))
    frame = b"x" * (MAX_UNREAD_BYTES // 4)
    for _ in range(3):
        link.frame(frame, 1)
    assert wire.paused == 0
    link.frame(frame, 1)
    link.frame(frame, 1)
    assert wire.paused == 1
    link.let_flow()
    assert wire.paused == 0
    link.frame(frame, 1)
    assert wire.paused == 0
