"""The WebSocket server with real clients on this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import picows
import pytest
from made_market import START_NS

from chanflow.adapters.venues.emulator.frames import Frame
from chanflow.adapters.venues.emulator.socket import LIFE_NS, PING_EVERY_NS, PONG_WITHIN_NS, StreamServer


class Client(picows.WSListener):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.pings = 0
        self.closed: tuple[int, bytes] | None = None
        self.news = asyncio.Event()
        self.transport: picows.WSTransport | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.TEXT:
            self.texts.append(frame.get_payload_as_bytes())
        elif frame.msg_type == picows.WSMsgType.PING:
            self.pings += 1
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type == picows.WSMsgType.CLOSE:
            self.closed = int(frame.get_close_code()), frame.get_close_message() or b""
            transport.disconnect()
        self.news.set()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.closed = self.closed or (0, b"")
        self.news.set()

    def ask(self, message: dict[str, Any]) -> None:
        assert self.transport is not None
        self.transport.send(picows.WSMsgType.TEXT, json.dumps(message).encode())

    async def until(self, fact: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not fact():
                self.news.clear()
                await self.news.wait()

    async def messages(self, count: int) -> list[Any]:
        await self.until(lambda: len(self.texts) >= count)
        return [json.loads(text) for text in self.texts]


@asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[tuple[StreamServer, Callable[[str], Any]]]:
    server = StreamServer(**settings)
    server.advance(START_NS)
    port = await server.start()

    async def connect(target: str) -> Client:
        _, client = await picows.ws_connect(
            Client, f"ws://127.0.0.1:{port}{target}", enable_auto_pong=False, enable_auto_ping=False
        )
        assert isinstance(client, Client)
        return client

    try:
        yield server, connect
    finally:
        await server.stop()


def frame(stream: str, number: int = 1) -> Frame:
    return Frame(stream, START_NS, lambda: f'{{"n":{number}}}')


async def test_single_and_combined_sockets_differ_in_shape() -> None:
    async with serving() as (server, connect):
        bare, named = await connect("/market/ws/x@aggTrade"), await connect("/market/stream?streams=x@aggTrade")
        await settle(server, 2)
        server.push([frame("x@aggTrade")])
        assert await bare.messages(1) == [{"n": 1}]
        assert await named.messages(1) == [{"stream": "x@aggTrade", "data": {"n": 1}}]


async def test_a_message_is_written_once_however_many_listen() -> None:
    written = []
    async with serving() as (server, connect):
        clients = [await connect("/market/ws/x@aggTrade") for _ in range(3)]
        await settle(server, 3)
        server.push([Frame("x@aggTrade", START_NS, lambda: written.append(1) or "{}")])
        for client in clients:
            await client.messages(1)
    assert written == [1]


async def test_subscribing_is_answered_before_the_first_message() -> None:
    async with serving() as (server, connect):
        client = await connect("/public/ws/0")
        client.ask({"method": "SUBSCRIBE", "params": ["x@depth", "x@aggTrade"], "id": "a1"})
        await client.messages(1)
        server.push([frame("x@aggTrade"), frame("x@depth", 2)])
        assert await client.messages(2) == [{"result": None, "id": "a1"}, {"n": 2}]
        client.ask({"method": "UNSUBSCRIBE", "params": ["x@depth"], "id": 2})
        await client.messages(3)
        assert not server.wanted("x@depth")


async def test_user_events_reach_who_has_the_key_and_nobody_else() -> None:
    async with serving() as (server, connect):
        mine, other = await connect("/private/ws?listenKey=mine"), await connect("/private/ws/other")
        await settle(server, 2)
        assert server.push_user("mine", {"e": "ORDER_TRADE_UPDATE"})
        assert not server.push_user("nobody", {"e": "x"})
        assert await mine.messages(1) == [{"e": "ORDER_TRADE_UPDATE"}]
        server.push_user("other", b'{"e":"last"}')
        assert await other.messages(1) == [{"e": "last"}]


async def test_a_frame_may_be_skipped() -> None:
    seen: list[str] = []

    def on_frame(stream: str, _: int) -> str:
        seen.append(stream)
        return "skip" if len(seen) == 1 else "send"

    async with serving(on_frame=on_frame) as (server, connect):
        client = await connect("/public/ws/x@depth")
        await settle(server, 1)
        server.push([frame("x@depth", 1), frame("x@depth", 2)])
        assert await client.messages(1) == [{"n": 2}]
    assert seen == ["x@depth", "x@depth"]


async def test_clients_are_pinged_and_the_silent_are_closed() -> None:
    async with serving() as (server, connect):
        client = await connect("/public/ws")
        await settle(server, 1)
        server.advance(START_NS + PING_EVERY_NS)
        await client.until(lambda: client.pings == 1)
        server.advance(START_NS + PING_EVERY_NS + PONG_WITHIN_NS + PING_EVERY_NS)
        await client.until(lambda: client.closed is not None)
        assert client.closed is not None
        assert b"pong" in client.closed[1]


async def test_a_connection_lives_for_a_day() -> None:
    async with serving(expect_pongs=False) as (server, connect):
        client = await connect("/public/ws")
        await settle(server, 1)
        server.advance(START_NS + LIFE_NS - 1)
        assert server.connections == {"public": 1}
        server.advance(START_NS + LIFE_NS)
        await client.until(lambda: client.closed is not None)


async def test_who_does_not_read_is_dropped_with_a_close_and_others_are_not() -> None:
    async with serving(most_queued_bytes=1 << 20) as (server, connect):
        slow, brisk = await connect("/public/ws/x@depth"), await connect("/public/ws/x@depth")
        await settle(server, 2)
        slow.transport.underlying_transport.pause_reading()
        big = Frame("x@depth", START_NS, lambda: json.dumps({"n": "x" * 100_000}))
        for count in range(1, 400):
            server.push([big])
            await brisk.messages(count)
            if server.counts.slow:
                break
        assert server.counts.slow == 1
        assert server.connections == {"public": 2}, "it is given time to read why"
        slow.transport.underlying_transport.resume_reading()
        await slow.until(lambda: slow.closed is not None)
        assert slow.closed == (1008, b"slow consumer")


@pytest.mark.parametrize("words", [b"", b"\x03\xe8", b"\x03\xe8done"])
async def test_a_close_is_answered_in_its_own_words(words: bytes) -> None:
    async with serving() as (_, connect):
        transport = (await connect("/public/ws")).transport
        assert transport is not None
        host, port = transport.underlying_transport.get_extra_info("peername")
        reader, writer = await asyncio.open_connection(host, port)
        hello = "GET /public/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        writer.write((hello + key).encode())
        await reader.readuntil(b"\r\n\r\n")
        no_mask = bytes(4)
        writer.write(bytes((0x88, 0x80 | len(words))) + no_mask + words)
        assert await asyncio.wait_for(reader.read(), 300) == bytes((0x88, len(words))) + words
        writer.close()


async def test_a_chatterer_is_closed() -> None:
    async with serving() as (_, connect):
        client = await connect("/public/ws")
        for number in range(12):
            client.ask({"method": "LIST_SUBSCRIPTIONS", "id": number})
        await client.until(lambda: client.closed is not None)
        assert client.closed == (1008, b"too many messages")


async def test_a_class_of_sockets_may_be_cut_and_barred_for_a_time() -> None:
    async with serving() as (server, connect):
        private, public = await connect("/private/ws/key"), await connect("/public/ws")
        await settle(server, 2)
        assert server.disconnect("private", until_ns=START_NS + 8_000_000_000) == 1
        await private.until(lambda: private.closed is not None)
        with pytest.raises(picows.WSHandshakeError):
            await connect("/private/ws/key")
        server.advance(START_NS + 8_000_000_000)
        assert await connect("/private/ws/key") is not None
        assert public.closed is None


@pytest.mark.parametrize("target", ["/ws/x@depth", "/nowhere"])
async def test_other_addresses_are_refused(target: str) -> None:
    async with serving() as (server, connect):
        with pytest.raises(picows.WSHandshakeError):
            await connect(target)
        assert server.counts.refused == 1


async def test_everything_pushed_is_handed_over_before_it_says_so() -> None:
    async with serving() as (server, connect):
        client = await connect("/public/ws/x@depth")
        await settle(server, 1)
        big = Frame("x@depth", START_NS, lambda: json.dumps({"n": "x" * 1_000_000}))
        server.push([big] * 6)
        assert await server.drained()
        await client.messages(6)


async def settle(server: StreamServer, connections: int) -> None:
    """Return once the server has taken so many connections."""
    async with asyncio.timeout(5):
        while sum(server.connections.values()) < connections:  # noqa: ASYNC110  (the server tells nobody)
            await asyncio.sleep(0)
