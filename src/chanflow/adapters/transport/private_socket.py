"""A venue's private socket kept open: opened again after every loss, with growing waits, and watched for silence."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Protocol

from chanflow.domain.errors import ChanflowError, Rejected, Retryable
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.market.backoff import Backoff
from chanflow.market.ports import Connection, Connector

PING_EVERY_S = 15
SILENCE_S = 40
"""A connection that has brought nothing for so long, not even a pong, is given up."""
LIFE_S = 23 * 3600
"""Venues end a connection at 24 h; before that it is replaced at a moment of ours."""


class Talk(Protocol):
    """What is said over the socket, and what becomes of what is heard."""

    @property
    def ping(self) -> bytes | None:
        """The text that asks for a sign of life, None where the protocol's own ping does."""
        ...

    async def address(self) -> str:
        """Return where to connect now. Raises Retryable or Rejected where that cannot be had."""
        ...

    def opened(self, connection: Connection) -> None:
        """Say hello over a new connection."""
        ...

    def frame(self, payload: bytes, recv_ns: int) -> str | None:
        """Take one frame; returns why the connection is of no use any more, or None."""
        ...

    def lost(self, reason: str) -> None:
        """Learn that the connection has ended, or could not be had."""
        ...


class PrivateSocket:
    """Runs one `Talk`. `run` goes on until it is cancelled."""

    def __init__(self, talk: Talk, connector: Connector, clock: Clock, random: Random) -> None:
        self._talk, self._connector, self._clock = talk, connector, clock
        self._backoff = Backoff(random, stable_s=60.0)
        self._link: _Link | None = None

    async def run(self) -> None:
        """Keep the socket open."""
        while True:
            opened_ns = self._clock.now_ns()
            try:
                reason = await self._hold()
            except (Retryable, Rejected) as fault:
                reason = str(fault)
            self._talk.lost(reason)
            flowed_s = (self._clock.now_ns() - opened_ns) / NS_PER_S
            wait_s = self._backoff.next_s(stable_for_s=flowed_s)
            await self._clock.sleep_until(self._clock.now_ns() + int(wait_s * NS_PER_S))

    def renew(self, reason: str) -> None:
        """Give the connection up and open another."""
        if self._link is not None:
            self._link.closed(reason)

    async def _hold(self) -> str:
        """Open a connection and stay until it ends; returns why it did."""
        link = _Link(self._talk, self._clock)
        connection = await self._connector.open(await self._talk.address(), link)
        self._link = link
        try:
            self._talk.opened(connection)
            watch = asyncio.ensure_future(self._watch(link, connection))
            try:
                await link.ended.wait()
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
            return link.reason
        finally:
            self._link = None
            connection.close()

    async def _watch(self, link: _Link, connection: Connection) -> None:
        """Ping while it lives, and give it up when it is silent or old."""
        born_ns = self._clock.now_ns()
        while not link.ended.is_set():
            await self._clock.sleep_until(self._clock.now_ns() + PING_EVERY_S * NS_PER_S)
            now_ns = self._clock.now_ns()
            if now_ns - link.heard_ns > SILENCE_S * NS_PER_S:
                link.closed(f"it was silent for {SILENCE_S} s")
            elif now_ns - born_ns > LIFE_S * NS_PER_S:
                link.closed("it is replaced before the venue ends it")
            elif self._talk.ping is None:
                connection.ping()
            else:
                connection.send(self._talk.ping)


class _Link:
    """One connection, as a `FrameSink`."""

    def __init__(self, talk: Talk, clock: Clock) -> None:
        self._talk, self._clock = talk, clock
        self.ended = asyncio.Event()
        self.reason = ""
        self.heard_ns = clock.now_ns()

    def frame(self, payload: bytes, recv_ns: int) -> None:
        self.heard_ns = self._clock.now_ns()
        if self.ended.is_set():
            return
        try:
            useless = self._talk.frame(payload, recv_ns)
        except ChanflowError as fault:
            useless = str(fault)
        if useless is not None:
            self.closed(useless)

    def pong(self) -> None:
        self.heard_ns = self._clock.now_ns()

    def closed(self, reason: str) -> None:
        if not self.ended.is_set():
            self.reason = reason
            self.ended.set()
