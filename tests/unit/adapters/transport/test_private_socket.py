"""A private socket is opened again after every loss, and given up when it is silent or old."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random

from chanflow.adapters.transport.private_socket import LIFE_S, PING_EVERY_S, SILENCE_S, PrivateSocket
from chanflow.domain.errors import VenueBusy
from chanflow.market.ports import Connection, FrameSink
from chanflow.runtime.clock import SimulatedClock

START_NS = 1_700_000_000_000_000_000
S = 1_000_000_000


@dataclass
class Line:
    """One connection in memory; it answers pings while it is `alive`."""

    sink: FrameSink
    alive: bool = True
    pings: int = 0
    said: list[bytes] = field(default_factory=list)
    closed: bool = False

    def send(self, message: bytes) -> None:
        self.said.append(message)

    def ping(self) -> None:
        self.pings += 1
        if self.alive:
            self.sink.pong()

    def pause(self) -> None: ...
    def resume(self) -> None: ...

    def close(self) -> None:
        self.closed = True


@dataclass
class Exchange:
    """Where the connections go: the first `refusals` attempts fail."""

    refusals: int = 0
    lines: list[Line] = field(default_factory=list)
    alive: bool = True

    async def open(self, url: str, sink: FrameSink) -> Connection:
        if self.refusals:
            self.refusals -= 1
            raise VenueBusy("the door is shut")
        self.lines.append(Line(sink, self.alive))
        return self.lines[-1]


@dataclass
class Talk:
    ping: bytes | None = None
    frames: list[bytes] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    async def address(self) -> str:
        return "wss://somewhere"

    def opened(self, connection: Connection) -> None:
        connection.send(b"hello")

    def frame(self, payload: bytes, recv_ns: int) -> str | None:
        self.frames.append(payload)
        return "it said so" if payload == b"leave" else None

    def lost(self, reason: str) -> None:
        self.losses.append(reason)


class Held:
    def __init__(self, exchange: Exchange, talk: Talk) -> None:
        self.clock, self.exchange, self.talk = SimulatedClock(START_NS), exchange, talk
        self.socket = PrivateSocket(talk, exchange, self.clock, Random(1))
        self.running = asyncio.ensure_future(self.socket.run())

    async def after(self, seconds: float) -> None:
        await self.clock.run_until_idle(START_NS + int(seconds * S))

    async def end(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


async def test_a_connection_that_answers_pings_is_kept() -> None:
    held = Held(Exchange(), Talk())
    await held.after(600)
    (line,) = held.exchange.lines
    assert (line.said, line.pings, held.talk.losses) == ([b"hello"], 600 // PING_EVERY_S, [])
    await held.end()
    assert line.closed


async def test_a_silent_connection_is_given_up_and_another_opened() -> None:
    held = Held(Exchange(alive=False), Talk())
    await held.after(SILENCE_S + PING_EVERY_S + 2)
    assert held.talk.losses == [f"it was silent for {SILENCE_S} s"]
    assert [line.closed for line in held.exchange.lines] == [True, False]
    await held.end()


async def test_an_old_connection_is_replaced_before_the_venue_ends_it() -> None:
    held = Held(Exchange(), Talk())
    await held.after(LIFE_S + 2 * PING_EVERY_S)
    assert held.talk.losses == ["it is replaced before the venue ends it"]
    assert len(held.exchange.lines) == 2
    await held.end()


async def test_what_the_talk_finds_useless_is_replaced() -> None:
    held = Held(Exchange(), Talk())
    await held.after(1)
    held.exchange.lines[0].sink.frame(b"leave", 1)
    held.exchange.lines[0].sink.frame(b"too late", 2)
    await held.after(5)
    assert (held.talk.losses, held.talk.frames) == (["it said so"], [b"leave"])
    assert len(held.exchange.lines) == 2
    await held.end()


async def test_a_door_that_is_shut_is_tried_again_with_growing_waits() -> None:
    held = Held(Exchange(refusals=4), Talk())
    await held.after(60)
    assert held.talk.losses == ["the door is shut"] * 4
    assert len(held.exchange.lines) == 1
    await held.end()


async def test_a_ping_in_words_is_said() -> None:
    held = Held(Exchange(), Talk(ping=b"ping"))
    await held.after(PING_EVERY_S)
    (line,) = held.exchange.lines
    assert (line.said, line.pings) == ([b"hello", b"ping"], 0)
    await held.end()
