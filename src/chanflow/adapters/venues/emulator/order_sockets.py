"""The WebSocket door of the order API: messages go the way of REST requests, latency and faults included."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import picows

from chanflow.adapters.venues.emulator.codes import Fault
from chanflow.adapters.venues.emulator.frames import NS_PER_MS
from chanflow.adapters.venues.emulator.socket import say_goodbye
from chanflow.adapters.venues.emulator.ws_orders import MAX_MESSAGE, Asked, Session

if TYPE_CHECKING:
    from chanflow.adapters.venues.emulator.exchange import Exchange

PATH: Final = "/ws-fapi/v1"
MOST_WAITING: Final = 1_000
"""A socket with more requests under way is closed."""


class OrderSockets:
    """All sockets of the order API of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._open: dict[OrderListener, None] = {}
        self._barred_until_ns = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def door(self, _request: picows.WSUpgradeRequest) -> picows.WSListener | None:
        """Return a listener for a new connection, None while none may open."""
        return None if self.exchange.now_ns < self._barred_until_ns else OrderListener(self)

    def disconnect(self, until_ns: int) -> None:
        """Cut every connection, and refuse new ones until then."""
        self._barred_until_ns = until_ns
        for listener in list(self._open):
            listener.cut()

    def stop(self) -> None:
        """Cut every connection, and forget the requests under way."""
        self.disconnect(self.exchange.now_ns)
        for task in self._tasks:
            task.cancel()

    def secret_of(self, key: str) -> str | None:
        """Return what an API key is checked with, None for a key that is refused."""
        try:
            return self.exchange.keys.account(key).secret
        except Fault:
            return None

    def joined(self, listener: OrderListener) -> None:
        """Take a connection that has opened."""
        self._open[listener] = None

    def left(self, listener: OrderListener) -> None:
        """Forget a connection that is gone."""
        self._open.pop(listener, None)

    def serve(self, listener: OrderListener, asked: Asked) -> None:
        """Answer a request when its answer comes."""
        task = asyncio.get_running_loop().create_task(listener.answer(asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class OrderListener(picows.WSListener):
    """One connection."""

    def __init__(self, sockets: OrderSockets) -> None:
        self._sockets = sockets
        self._session: Session | None = None
        self._transport: picows.WSTransport | None = None
        self._waiting = 0

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Begin a session."""
        exchange = self._sockets.exchange
        peer = transport.underlying_transport.get_extra_info("peername")
        self._transport = transport
        self._session = Session(
            exchange.answer, self._sockets.secret_of, now_ms=lambda: exchange.server_ns // NS_PER_MS,
            address=peer[0] if peer else "",
        )  # fmt: skip
        self._sockets.joined(self)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Read one message."""
        if frame.msg_type == picows.WSMsgType.CLOSE:
            say_goodbye(transport, frame)
        elif frame.msg_type == picows.WSMsgType.TEXT and self._session is not None:
            read = self._session.read(frame.get_payload_as_bytes()[: MAX_MESSAGE + 1])
            if isinstance(read, bytes):
                transport.send(picows.WSMsgType.TEXT, read)
            elif self._waiting >= MOST_WAITING:
                self.cut()
            else:
                self._waiting += 1
                self._sockets.serve(self, read)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:  # noqa: ARG002  (the library's)
        """End the session."""
        self._sockets.left(self)

    def cut(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    async def answer(self, asked: Asked) -> None:
        """Answer one request: late, never, or with the end of the connection where a fault says so."""
        exchange = self._sockets.exchange
        reply = await exchange.reply(asked.request)
        if reply.hold_ns:
            await exchange.hold(reply.hold_ns)
        self._waiting -= 1
        if self._session is None or self._transport is None or self._transport.is_disconnected or reply.silent:
            return
        if reply.response is None:
            self.cut()
        else:
            self._transport.send(picows.WSMsgType.TEXT, self._session.reply(asked, reply.response))
