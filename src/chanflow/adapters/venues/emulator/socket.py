"""The WebSocket server of market and user streams, on picows: a message is written once, however many listen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import picows

from chanflow.adapters.venues.emulator.frames import Frame, text_frame
from chanflow.adapters.venues.emulator.streams import Asked, Class, address, answer

PING_EVERY_NS: Final = 180 * 10**9
"""How often the server pings."""
PONG_WITHIN_NS: Final = 600 * 10**9
"""A client that is silent to pings for so long is closed."""
LIFE_NS: Final = 86_400 * 10**9
"""A connection is closed after so long."""
MOST_QUEUED_BYTES: Final = 8 << 20
"""A client that has not read so much is dropped: what waits for it is bounded."""
MOST_MESSAGES_A_S: Final = 10
"""Messages that a client may send in a second."""
GRACE_S: Final = 2.0
"""A client that was told to go and does not read is cut off after so long."""

_MAX_MESSAGE_BYTES: Final = 1 << 16
_SLOW: Final = 1008
_GOING_AWAY: Final = 1001

OnFrame = Callable[[str, int], Literal["send", "skip"]]
Door = Callable[[picows.WSUpgradeRequest], picows.WSListener | None]


def _send(_: str, __: int) -> Literal["send"]:
    return "send"


@dataclass(slots=True)
class SocketCounts:
    """What the server has done so far."""

    opened: int = 0
    closed: int = 0
    slow: int = 0
    refused: int = 0
    frames: int = 0
    """Messages sent, counted once a client."""


@dataclass(slots=True, eq=False)
class _Group:
    """Clients that hear the same streams in the same shape: they are written the same bytes."""

    key: tuple[bool, tuple[str, ...]]
    clients: dict[_Client, None] = field(default_factory=dict)
    pending: list[bytes] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Client:
    asked: Asked
    transport: Any
    opened_ns: int
    pinged_ns: int
    heard_ns: int
    group: _Group | None = None
    window_s: float = 0.0
    in_window: int = 0
    clogged: bool = False
    leaving: bool = False


class StreamServer:
    """Serves streams to any number of clients on one loop. Time enters with `advance`: the exchange's own."""

    def __init__(
        self,
        *,
        legacy: bool = False,
        on_frame: OnFrame = _send,
        expect_pongs: bool = True,
        most_queued_bytes: int = MOST_QUEUED_BYTES,
        doors: Mapping[str, Door] | None = None,
    ) -> None:
        """`legacy` opens `/ws` and `/stream`; `doors` are other WebSocket doors of this port, by the path's beginning.

        `on_frame` may have a message skipped. Without `expect_pongs` no client is closed for silence, for clocks that
        leap.
        """
        self.counts = SocketCounts()
        self.now_ns = 0
        self._legacy = legacy
        self._on_frame = on_frame
        self._expect_pongs = expect_pongs
        self._most_queued = most_queued_bytes
        self._doors = dict(doors or {})
        self._clients: dict[_Client, None] = {}
        self._groups: dict[tuple[bool, tuple[str, ...]], _Group] = {}
        self._by_stream: dict[str, dict[_Group, None]] = {}
        self._barred: dict[str, int] = {}
        self._server: asyncio.Server | None = None
        self._drained = asyncio.Event()
        self._drained.set()
        self._clogged = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and return the port."""

        def listener(request: picows.WSUpgradeRequest) -> picows.WSListener | None:
            target = request.path.decode("latin-1")
            for beginning, door in self._doors.items():
                if target.startswith(beginning):
                    return door(request)
            asked = address(target, legacy=self._legacy)
            if asked is None or self._is_barred(asked.kind):
                self.counts.refused += 1
                return None
            return _Listener(self, asked)

        self._server = await picows.ws_create_server(
            listener, host, port, enable_auto_pong=True, enable_auto_ping=False, max_frame_size=_MAX_MESSAGE_BYTES,
            logger_name="chanflow.exchange",
        )  # fmt: skip
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    def mount(self, beginning: str, door: Door) -> None:
        """Open another WebSocket door of this port, by the path's beginning."""
        self._doors[beginning] = door

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        for client in list(self._clients):
            client.transport.disconnect(graceful=False)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def wanted(self, stream: str) -> bool:
        """Return whether anybody listens to a stream."""
        return stream in self._by_stream

    def push(self, frames: Iterable[Frame]) -> None:
        """Send messages to those who asked for their streams, in order."""
        pending: dict[_Group, None] = {}
        for frame in frames:
            groups = self._by_stream.get(frame.stream)
            if groups is None or self._on_frame(frame.stream, frame.event_ns) == "skip":
                continue
            for group in groups:
                group.pending.append(frame.combined_wire if group.key[0] else frame.wire)
                pending[group] = None
        for group in pending:
            count, blob = len(group.pending), b"".join(group.pending)
            group.pending.clear()
            self.counts.frames += count * len(group.clients)
            for client in list(group.clients):
                self._write(client, blob)

    def push_user(self, listen_key: str, payload: bytes | Mapping[str, Any]) -> bool:
        """Send one event to who listens with a key, and return whether anybody does."""
        groups = self._by_stream.get(listen_key)
        if groups is None:
            return False
        data = payload if isinstance(payload, bytes) else json.dumps(payload, separators=(",", ":")).encode()
        for group in groups:
            named = b'{"stream":"%b","data":%b}' % (listen_key.encode(), data)
            self.counts.frames += len(group.clients)
            for client in list(group.clients):
                self._write(client, text_frame(named if group.key[0] else data))
        return True

    def advance(self, now_ns: int) -> None:
        """Let time come to `now_ns`: ping who is due, and close what is too old or silent."""
        if not self.now_ns:
            for client in self._clients:
                client.opened_ns = client.pinged_ns = client.heard_ns = now_ns
        self.now_ns = max(self.now_ns, now_ns)
        for client in list(self._clients):
            if self.now_ns - client.opened_ns >= LIFE_NS:
                self._close(client, _GOING_AWAY, b"the connection is 24 hours old")
            elif self._expect_pongs and self.now_ns - client.heard_ns >= PONG_WITHIN_NS + PING_EVERY_NS:
                self._close(client, _SLOW, b"no pong within 10 minutes")
            elif self.now_ns - client.pinged_ns >= PING_EVERY_NS:
                client.pinged_ns = self.now_ns
                if not client.transport.is_disconnected:
                    client.transport.send_ping(str(self.now_ns // 1_000_000).encode())

    def disconnect(self, kind: Class | None = None, *, until_ns: int | None = None) -> int:
        """Cut the connections of one class, or all, and return how many; new ones are refused until `until_ns`."""
        cut = [client for client in self._clients if kind in {None, client.asked.kind}]
        for client in cut:
            client.transport.disconnect(graceful=False)
        if until_ns is not None:
            for barred in (kind,) if kind is not None else ("public", "market", "private", "legacy"):
                self._barred[barred] = until_ns
        return len(cut)

    async def drained(self, timeout_s: float = 5.0) -> bool:
        """Return True once everything pushed has been handed to the system, False if that takes too long."""
        try:
            await asyncio.wait_for(self._drained.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    @property
    def connections(self) -> Mapping[str, int]:
        """Open connections by class."""
        told: dict[str, int] = {}
        for client in self._clients:
            told[client.asked.kind] = told.get(client.asked.kind, 0) + 1
        return told

    # what listeners bring

    def joined(self, asked: Asked, transport: picows.WSTransport) -> _Client:
        """Take a new connection."""
        self.counts.opened += 1
        transport.underlying_transport.set_write_buffer_limits(high=0)
        client = _Client(asked, transport, self.now_ns, self.now_ns, self.now_ns)
        self._clients[client] = None
        self._regroup(client)
        return client

    def left(self, client: _Client) -> None:
        """Forget a connection that is gone."""
        self.counts.closed += 1
        self._clients.pop(client, None)
        self._leave(client)
        self.clogged(client, clogged=False)

    def told(self, client: _Client, text: bytes) -> None:
        """Act on a client's message."""
        now_s = asyncio.get_running_loop().time()
        if now_s - client.window_s >= 1.0:
            client.window_s, client.in_window = now_s, 0
        client.in_window += 1
        if client.in_window > MOST_MESSAGES_A_S:
            self._close(client, _SLOW, b"too many messages")
            return
        reply = answer(client.asked, text)
        # The answer comes before the first message of the stream.
        self._write(client, text_frame(reply))
        self._regroup(client)

    def heard(self, client: _Client) -> None:
        """Note that a client answered a ping."""
        client.heard_ns = self.now_ns

    def clogged(self, client: _Client, *, clogged: bool) -> None:
        """Note whether something waits for a client to read."""
        if clogged != client.clogged:
            client.clogged = clogged
            self._clogged += 1 if clogged else -1
            (self._drained.clear if self._clogged else self._drained.set)()

    def _is_barred(self, kind: Class) -> bool:
        return self._barred.get(kind, 0) > self.now_ns

    def _write(self, client: _Client, blob: bytes) -> None:
        if client.leaving or client.transport.is_disconnected:
            return
        transport = client.transport.underlying_transport
        transport.write(blob)
        if client.clogged and transport.get_write_buffer_size() > self._most_queued:
            self.counts.slow += 1
            self._close(client, _SLOW, b"slow consumer")

    def _close(self, client: _Client, code: int, why: bytes) -> None:
        """Say goodbye, and hang up once it has been read or its time is over."""
        if client.leaving or client.transport.is_disconnected:
            return
        client.leaving = True
        self._leave(client)
        client.transport.send_close(picows.WSCloseCode(code), why)
        client.transport.disconnect(graceful=True)
        asyncio.get_running_loop().call_later(GRACE_S, client.transport.disconnect, False)

    def _regroup(self, client: _Client) -> None:
        if client.leaving:
            return
        key = (client.asked.combined, client.asked.carried)
        if client.group is not None and client.group.key == key:
            return
        self._leave(client)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(key)
            for stream in key[1]:
                self._by_stream.setdefault(stream, {})[group] = None
        group.clients[client] = None
        client.group = group

    def _leave(self, client: _Client) -> None:
        group, client.group = client.group, None
        if group is None:
            return
        group.clients.pop(client, None)
        if group.clients:
            return
        del self._groups[group.key]
        for stream in group.key[1]:
            groups = self._by_stream[stream]
            del groups[group]
            if not groups:
                del self._by_stream[stream]


def say_goodbye(transport: picows.WSTransport, farewell: picows.WSFrame) -> None:
    """Answer a client's close in its own words and hang up; a close without words is answered without (RFC 6455)."""
    words = farewell.get_payload_as_bytes()
    transport.send(picows.WSMsgType.CLOSE, words if len(words) > 1 else b"")
    transport.disconnect()


class _Listener(picows.WSListener):
    """What picows tells of one connection."""

    def __init__(self, server: StreamServer, asked: Asked) -> None:
        self._server = server
        self._asked = asked
        self._client: _Client | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._client = self._server.joined(self._asked, transport)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if self._client is None:
            return
        if frame.msg_type == picows.WSMsgType.TEXT:
            self._server.told(self._client, frame.get_payload_as_bytes())
        elif frame.msg_type == picows.WSMsgType.PONG:
            self._server.heard(self._client)
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            say_goodbye(transport, frame)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:  # noqa: ARG002  (the library's)
        if self._client is not None:
            self._server.left(self._client)

    def pause_writing(self) -> None:
        if self._client is not None:
            self._server.clogged(self._client, clogged=True)

    def resume_writing(self) -> None:
        if self._client is not None:
            self._server.clogged(self._client, clogged=False)
