"""The user's socket: one connection that subscribes, answers for its life, and comes back after a break.

Source: Hyperliquid documentation, "WebSocket: timeouts and heartbeats": a socket that sends nothing for 60 s is closed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Final

from chanflow.domain.errors import VenueBusy
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.market.backoff import Backoff
from chanflow.market.ports import Connection, Connector

PING_S: Final = 20
SILENT_S: Final = 50
_PING: Final = b'{"method":"ping"}'

Message = tuple[Mapping[str, Any], int]


class _Inbox:
    """Takes the frames of one connection."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Message | str] = asyncio.Queue()

    def frame(self, payload: bytes, recv_ns: int) -> None:
        try:
            message = json.loads(payload)
        except ValueError:
            # The greeting of the venue's proxy is no JSON.
            message = None
        if isinstance(message, dict):
            self.queue.put_nowait((message, recv_ns))

    def pong(self) -> None:
        """Nothing: the venue's own pong is a message."""

    def closed(self, reason: str) -> None:
        self.queue.put_nowait(reason)


class UserSocket:
    """Keeps one connection with subscriptions open for as long as `run` runs."""

    def __init__(
        self, url: str, subscriptions: tuple[Mapping[str, str], ...], connector: Connector, clock: Clock, random: Random
    ) -> None:
        self._url = url
        self._subscribe = [
            json.dumps({"method": "subscribe", "subscription": subscription}).encode() for subscription in subscriptions
        ]  # fmt: skip
        self._connector = connector
        self._clock = clock
        self._backoff = Backoff(random)
        self._heard_ns = 0

    async def run(
        self, opened: Callable[[], Awaitable[None]], take: Callable[[Mapping[str, Any], int], Awaitable[None]]
    ) -> None:
        """Hand over each message, for ever; `opened` is awaited after each subscription, the first one included."""
        while True:
            inbox = _Inbox()
            began_ns = self._clock.now_ns()
            try:
                connection = await self._connector.open(self._url, inbox)
            except VenueBusy:
                await self._wait(0.0)
                continue
            try:
                for message in self._subscribe:
                    connection.send(message)
                await opened()
                await self._read(inbox, connection, take)
            finally:
                connection.close()
            await self._wait((self._clock.now_ns() - began_ns) / NS_PER_S)

    async def _wait(self, stable_s: float) -> None:
        wait_s = self._backoff.next_s(stable_for_s=stable_s)
        await self._clock.sleep_until(self._clock.now_ns() + int(wait_s * NS_PER_S))

    async def _read(
        self, inbox: _Inbox, connection: Connection, take: Callable[[Mapping[str, Any], int], Awaitable[None]]
    ) -> None:
        """Read until the connection ends or falls silent."""
        self._heard_ns = self._clock.now_ns()
        alive = asyncio.create_task(self._keep_alive(inbox, connection))
        try:
            while isinstance(got := await inbox.queue.get(), tuple):
                self._heard_ns = self._clock.now_ns()
                message, recv_ns = got
                if message.get("channel") != "pong":
                    await take(message, recv_ns)
        finally:
            alive.cancel()

    async def _keep_alive(self, inbox: _Inbox, connection: Connection) -> None:
        """Send the venue's ping, and end a connection that says nothing back."""
        while True:
            await self._clock.sleep_until(self._clock.now_ns() + PING_S * NS_PER_S)
            if self._clock.now_ns() - self._heard_ns > SILENT_S * NS_PER_S:
                inbox.closed(f"silent for {SILENT_S} s")
                return
            connection.send(_PING)
