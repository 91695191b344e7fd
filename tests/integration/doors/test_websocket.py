"""The WebSocket door with a real client: calls, pushes, and going on where one was cut off."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import memory_desk as desk
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chanflow.domain.watch_alert import Happening
from chanflow.interfaces.rest.app import build_app
from chanflow.operations.alert_cursor import cursor_of
from chanflow.operations.offered import build_catalogue
from chanflow.operations.outcome import body_of
from chanflow.operations.principal import LOCAL_OPERATOR
from chanflow.operations.services import Services
from chanflow.runtime.alert_book import AlertBook
from chanflow.runtime.clock import SystemClock, SystemRandomness, Uuid7Ids
from chanflow.runtime.home import Home

pytestmark = pytest.mark.server
POINTS = {"channel": "buy_sell_points", "filter": {"symbol": "ETHUSDT", "level": "1m"}}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


class Desk:
    """A served desk into whose log a test writes."""

    def __init__(self, services: Services, book: AlertBook, url: str) -> None:
        self.services, self.book, self.url = services, book, url
        self.written = 0

    def happening(self, symbol: str = "ETHUSDT", event: str = "new") -> Happening:
        self.written += 1
        body = {"event": event, "symbol": symbol, "level": "1m", "type": "buy1", "number": self.written}
        return Happening(f"k{self.written}", "buy_sell_points", symbol, "1m", self.written, body, "buy1")

    async def write(self, *happenings: Happening, alerts: tuple[str, ...] = ()) -> None:
        now_ns = self.services.clock.now_ns()
        async with self.book.open() as store:
            await store.log([(each, alerts) for each in happenings], mark=None, before_ms=None, now_ns=now_ns)
        self.book.changed()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = SystemClock()
    book = AlertBook(Home(tmp_path), clock)
    services = replace(
        desk.memory_services(), clock=clock, alerts=book, ids=Uuid7Ids(clock, SystemRandomness())
    )  # fmt: skip
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = _Server(uvicorn.Config(build_app(services), log_level="critical", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await asyncio.wait_for(server.up.wait(), 300)
    yield Desk(services, book, f"ws://127.0.0.1:{listener.getsockname()[1]}/mcp")
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await serving
    listener.close()


@asynccontextmanager
async def connected(served: Desk) -> AsyncIterator[ClientConnection]:
    async with connect(served.url, proxy=None, max_queue=None) as client:
        yield client


async def ask(client: ClientConnection, method: str, params: Any = None, call_id: Any = 1) -> dict[str, Any]:
    call = {"jsonrpc": "2.0", "id": call_id, "method": method, "params": params or {}}
    await client.send(json.dumps(call))
    return json.loads(await client.recv())


async def test_a_call_answers_as_over_mcp(served: Desk) -> None:
    asked = {"name": "get_klines", "arguments": {"symbol": "BTCUSDT", "level": "1m", "limit": 2}}
    async with connected(served) as client:
        answer = await ask(client, "tools/call", asked)
        tools = await ask(client, "tools/list")
        assert (await ask(client, "ping", call_id="p")) == {"jsonrpc": "2.0", "id": "p", "result": {}}
    outcome = await build_catalogue(served.services).execute(
        LOCAL_OPERATOR, asked["name"], asked["arguments"], door="ws", request_id="r"
    )
    told, expected = answer["result"]["structuredContent"], body_of(outcome)
    assert {**told, "stale_ms": 0} == {**expected, "stale_ms": 0}
    assert not answer["result"]["isError"]
    assert "subscribe_alert" in {tool["name"] for tool in tools["result"]["tools"]}


async def test_points_are_pushed_to_who_asked_for_them(served: Desk) -> None:
    async with connected(served) as client, connected(served) as other:
        answer = await ask(client, "subscribe", POINTS)
        await ask(other, "subscribe", {**POINTS, "filter": {**POINTS["filter"], "state": "confirmed"}})  # type: ignore[dict-item]
        await served.write(
            served.happening("BTCUSDT"), served.happening(), served.happening(event="confirmed"),
        )  # fmt: skip
        pushed = [json.loads(await client.recv()) for _ in range(2)]
        only = json.loads(await other.recv())
    assert answer["result"]["cursor"] == cursor_of(0)
    assert {each["method"] for each in pushed} == {"buy_sell_points/alert"}
    assert [each["params"]["cursor"] for each in pushed] == [cursor_of(2), cursor_of(3)]
    assert pushed[0]["params"]["subscription_id"] == answer["result"]["subscription_id"]
    assert [each["params"]["data"]["event"] for each in pushed] == ["new", "confirmed"]
    assert only["params"]["data"]["event"] == "confirmed"


async def test_an_alert_that_is_set_is_pushed_on_its_channel(served: Desk) -> None:
    async with connected(served) as client:
        made = await ask(client, "tools/call", {"name": "subscribe_alert", "arguments": {
            "client_alert_id": "socket-01", "symbols": ["ETHUSDT"], "level": "1m"}})  # fmt: skip
        alert = made["result"]["structuredContent"]["alert_id"]
        answer = await ask(client, "subscribe", {"channel": "alerts"})
        await served.write(served.happening())
        await served.write(served.happening(), alerts=(alert,))
        pushed = json.loads(await client.recv())
        ended = await ask(client, "unsubscribe", {"subscription_id": answer["result"]["subscription_id"]})
    assert pushed["method"] == "alerts/event"
    assert pushed["params"]["alerts"] == [alert]
    assert pushed["params"]["cursor"] == cursor_of(2)
    assert ended["result"]["ok"] is True


async def test_without_an_id_the_answer_is_a_notification(served: Desk) -> None:
    async with connected(served) as client:
        await client.send(json.dumps({"jsonrpc": "2.0", "method": "subscribe", "params": POINTS}))
        assert json.loads(await client.recv())["method"] == "subscribed"


@pytest.mark.parametrize("seed", range(6))
async def test_whoever_is_cut_off_again_and_again_gets_each_event_once(served: Desk, seed: int) -> None:
    """Connections end at random moments, with events being written all the while."""
    chance, total, seen = Random(seed), 400, list[int]()
    cursor: str | None = None
    async with connected(served) as client:
        cursor = (await ask(client, "subscribe", POINTS))["result"]["cursor"]

    async def write() -> None:
        while served.written < total:
            count = min(chance.randint(1, 40), total - served.written)
            await served.write(*(served.happening() for _ in range(count)))
            for _ in range(chance.randint(0, 30)):
                await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    while len(seen) < total:
        async with connected(served) as client:
            assert "result" in await ask(client, "subscribe", {**POINTS, "after": cursor})
            for _ in range(min(chance.randint(0, 60), total - len(seen))):
                params = json.loads(await client.recv())["params"]
                seen.append(params["data"]["number"])
                cursor = params["cursor"]
            if chance.random() < 0.5:
                client.transport.abort()
    await writing
    assert seen == list(range(1, total + 1))


async def test_a_cursor_that_is_too_old_says_so(served: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from chanflow.interfaces.ws import hub

    await served.write(*(served.happening() for _ in range(30)))
    monkeypatch.setattr(hub, "MAX_REPLAY", 20)
    async with connected(served) as client:
        old = await ask(client, "subscribe", {**POINTS, "after": cursor_of(3)})
        beyond = await ask(client, "subscribe", {**POINTS, "after": cursor_of(31)})
        monkeypatch.setattr(hub, "REPLAY_NS", -1)
        day = await ask(client, "subscribe", {**POINTS, "after": cursor_of(29)})
    assert (old["error"]["code"], day["error"]["code"]) == (-32014, -32014)
    assert old["error"]["data"]["code"] == "cursor_expired"
    assert beyond["error"]["code"] == -32602


async def test_a_reader_that_is_too_slow_is_closed_and_told_where_it_stands(served: Desk) -> None:
    async with connect(served.url, proxy=None, max_queue=1) as client:
        await ask(client, "subscribe", POINTS)
        big = "x" * 20_000
        for _ in range(8):
            rows = [served.happening() for _ in range(100)]
            await served.write(*(replace(each, body={**each.body, "big": big}) for each in rows))
        got: list[str] = []

        async def read_on() -> None:
            while True:
                got.append(json.loads(await client.recv())["params"]["cursor"])

        with pytest.raises(ConnectionClosed) as closed:
            await read_on()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
    assert closed.value.rcvd.reason.startswith("too slow; last cursor e")
    assert got == [cursor_of(at) for at in range(1, len(got) + 1)]
    assert len(got) < 800


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("no json", -32700),
        ("[1]", -32700),
        ("[" * 40 + "]" * 40, -32700),
        ('{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600),
        ('{"jsonrpc":"2.0","id":1,"method":"steal"}', -32601),
        ('{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"channel":"secrets"}}', -32602),
        ('{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"channel":"buy_sell_points"}}', -32602),
        ('{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"channel":"alerts","after":"e5"}}', -32602),
        ('{"jsonrpc":"2.0","id":1,"method":"unsubscribe","params":{"subscription_id":"none"}}', -32602),
        ('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"steal"}}', -32602),
    ],
)
async def test_a_wrong_frame_gets_one_sentence_and_the_socket_goes_on(served: Desk, frame: str, code: int) -> None:
    async with connected(served) as client:
        await client.send(frame)
        answer = json.loads(await client.recv())
        assert answer["error"]["code"] == code
        assert answer["error"]["data"]["message"] == answer["error"]["message"]
        assert (await ask(client, "ping"))["result"] == {}


async def test_binary_and_oversized_frames_close_the_socket(served: Desk) -> None:
    for frame, code in ((b"binary", 1003), ("x" * 256_001, 1009)):
        async with connected(served) as client:
            await client.send(frame)
            with pytest.raises(ConnectionClosed) as closed:
                await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
async def test_a_page_from_elsewhere_is_refused(served: Desk, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus):
        async with connect(served.url, proxy=None, additional_headers=headers):
            pass
