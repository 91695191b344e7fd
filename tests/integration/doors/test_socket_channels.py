"""What the running desk does, pushed over real sockets from its journal; and states of which the newest counts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest
from made_socket import MESSAGE_S, SocketDesk, heard, say, served
from memory_desk import FIRST_MS, MINUTE_MS, MemoryKlines
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from chanflow.domain.market_data import Bar
from chanflow.domain.time import NS_PER_DAY, NS_PER_S
from chanflow.interfaces.ws import desk_hub
from chanflow.interfaces.ws.channels import CHANNEL_OF
from chanflow.operations.job_effort import Effort, Worked
from chanflow.operations.jobs import Jobs, NewJob

pytestmark = pytest.mark.server


class GrowingKlines(MemoryKlines):
    """Bars of BTCUSDT of which a test says how many are closed by now."""

    closed = 500

    def klines(self, symbol: str, level: str, **asked: Any) -> list[Bar]:
        end_ms = FIRST_MS + self.closed * MINUTE_MS
        return super().klines(symbol, level, **{**asked, "end_ms": min(asked.get("end_ms") or end_ms, end_ms)})


KLINES = GrowingKlines()
JOBS = Jobs()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketDesk]:
    with served(tmp_path_factory.mktemp("desk"), keys=False, klines=KLINES, jobs=JOBS) as desk:
        yield desk
    JOBS.close()


async def subscribed(client: ClientConnection, channel: str, **params: Any) -> str | None:
    """Subscribe, and return the cursor at which that begins."""
    answer = await say(client, "subscribe", {"channel": channel, **params})
    cursor: str | None = answer["result"]["cursor"]
    return cursor


async def pushed(client: ClientConnection, channel: str) -> dict[str, Any]:
    """Return the next event, which must be of a channel."""
    found = await heard(client)
    assert found["method"] == f"{channel}/event"
    params: dict[str, Any] = found["params"]
    return params


async def test_each_record_goes_to_its_channel_and_to_no_other(desk: SocketDesk) -> None:
    kinds = sorted(CHANNEL_OF)
    async with desk.connected() as client:
        begins = [await subscribed(client, channel) for channel in sorted(set(CHANNEL_OF.values()))]
        desk.tell("quote", symbol="BTCUSDT")
        for kind in kinds:
            desk.tell(kind, symbol="BTCUSDT")
        found = [await heard(client) for _ in kinds]
    assert [each["params"]["data"]["event"] for each in found] == kinds
    assert [each["method"] for each in found] == [f"{CHANNEL_OF[kind]}/event" for kind in kinds]
    cursors = [each["params"]["cursor"] for each in found]
    assert cursors == sorted(set(cursors))
    assert max(begin for begin in begins if begin) < cursors[0]
    assert all(set(each["params"]) == {"subscription_id", "cursor", "data"} for each in found)
    assert found[0]["params"]["data"]["body"]["symbol"] == "BTCUSDT"


async def test_a_filter_leaves_out_other_symbols_but_not_what_is_of_the_whole_desk(desk: SocketDesk) -> None:
    async with desk.connected() as client:
        await subscribed(client, "positions", filter={"symbol": "ETHUSDT"})
        desk.tell("trade_closed", symbol="BTCUSDT")
        desk.tell("account", equity="1")
        desk.tell("trade_closed", symbol="ETHUSDT")
        events = [(await pushed(client, "positions"))["data"] for _ in range(2)]
    assert [each["event"] for each in events] == ["account", "trade_closed"]


async def test_who_is_cut_off_again_and_again_gets_each_event_once(desk: SocketDesk) -> None:
    """Connections end at random moments, over the end of a run, with records being written all the while."""
    chance, total, seen = Random(5), 600, list[int]()
    async with desk.connected() as client:
        cursor = await subscribed(client, "decisions")
    first, done = desk.written + 1, threading.Event()

    def write() -> None:
        for number in range(total):
            if number == total // 2:
                desk.new_run()
            desk.tell("trade_proposal", symbol="BTCUSDT")
        done.set()

    writing = asyncio.create_task(asyncio.to_thread(write))
    while len(seen) < total:
        async with desk.connected() as client:
            assert await subscribed(client, "decisions", after=cursor) == cursor
            for _ in range(min(chance.randint(0, 90), total - len(seen))):
                params = await pushed(client, "decisions")
                seen.append(params["data"]["body"]["number"])
                cursor = params["cursor"]
            if chance.random() < 0.5:
                client.transport.abort()
    await writing
    assert seen == list(range(first, first + total))


async def test_a_reader_that_is_too_slow_is_closed_and_goes_on_from_the_cursor_it_is_told(desk: SocketDesk) -> None:
    big, first = "x" * 20_000, desk.written + 1
    async with desk.connected(max_queue=1) as client:
        await subscribed(client, "orders")
        for _ in range(600):
            desk.tell("order_event", symbol="BTCUSDT", big=big)
        got: list[int] = []

        async def read_on() -> None:
            await asyncio.sleep(0.5)
            while True:
                got.append((await pushed(client, "orders"))["data"]["body"]["number"])

        with pytest.raises(ConnectionClosed) as closed:
            await read_on()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1013
    assert got == list(range(first, first + len(got)))
    assert len(got) < 600
    cursor = closed.value.rcvd.reason.removeprefix("too slow; last cursor ")
    async with desk.connected() as client:
        assert await subscribed(client, "orders", after=cursor) == cursor
        while len(got) < 600:
            got.append((await pushed(client, "orders"))["data"]["body"]["number"])
    assert got == list(range(first, first + 600))


async def test_a_cursor_that_is_forgotten_unknown_or_of_another_log_is_refused(
    desk: SocketDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk.connected() as client:
        old = await subscribed(client, "risk")
        assert old is not None
        monkeypatch.setattr(desk_hub, "MAX_KEPT", 20)
        for _ in range(30):
            desk.tell("risk_event", cause="a")
        answer = await say(client, "subscribe", {"channel": "risk", "after": old})
        assert (answer["error"]["code"], answer["error"]["data"]["code"]) == (-32014, "cursor_expired")
        for after in ("j9999990000000000", "e0000000000000001"):
            answer = await say(client, "subscribe", {"channel": "risk", "after": after})
            assert (answer["error"]["code"], answer["error"]["data"]["field"]) == (-32602, "after")
        desk.clock.ahead_ns += NS_PER_DAY + NS_PER_S
        assert (now := await subscribed(client, "risk"))
        desk.tell("risk_event", cause="b")
        assert "result" in await say(client, "subscribe", {"channel": "risk", "after": now})


async def test_a_process_that_starts_anew_goes_on_from_a_cursor(desk: SocketDesk) -> None:
    async with desk.connected() as client:
        cursor = await subscribed(client, "risk")
    desk.tell("halt", why="a")
    with served(desk.home.root, keys=False) as again:
        async with again.connected() as client:
            assert await subscribed(client, "risk", after=cursor) == cursor
            assert (await pushed(client, "risk"))["data"]["body"]["number"] == desk.written


async def test_bars_that_close_are_pushed_with_the_structure_they_make(desk: SocketDesk) -> None:
    asked = {"filter": {"symbol": "BTCUSDT", "level": "1m"}}
    async with desk.connected() as client, desk.connected() as other:
        assert await subscribed(client, "klines", **asked) is None
        first = (await pushed(client, "klines"))["data"]
        assert await subscribed(other, "structure", **asked) is None
        shape = (await pushed(other, "structure"))["data"]
        KLINES.closed += 3
        second, after = (await pushed(client, "klines"))["data"], (await pushed(other, "structure"))["data"]
        refused = await say(client, "subscribe", {"channel": "klines", **asked, "after": "j0000010000000000"})
    assert len(first["rows"]) == 1
    assert len(second["rows"]) == 3
    assert first["last_closed"] == second["rows"][0][0]
    assert (shape["event"], shape["symbol"], shape["bars"] + 3) == ("structure", "BTCUSDT", after["bars"])
    assert refused["error"]["code"] == -32602


async def test_a_job_is_told_of_until_it_ends(desk: SocketDesk) -> None:
    gate = threading.Event()

    def work(effort: Effort) -> Worked:
        effort.reach(0.5)
        gate.wait(MESSAGE_S)
        return Worked({})

    async with desk.connected() as client:
        await subscribed(client, "jobs", filter={"job_id": "job-1"})
        JOBS.start(NewJob("job-1", "local", "backtest_strategy", "0" * 64, {}, 1), work)
        states = [(await pushed(client, "jobs"))["data"]]
        gate.set()
        while states[-1]["status"] != "succeeded":
            states.append((await pushed(client, "jobs"))["data"])
    assert states[0]["status"] in ("queued", "running")
    assert [each["progress"] for each in states] == sorted(each["progress"] for each in states)


async def test_health_tells_of_the_desk_as_it_writes(desk: SocketDesk) -> None:
    desk.tell("ladder", level="L2")
    async with desk.connected() as client:
        await subscribed(client, "health")
        while (data := (await pushed(client, "health"))["data"]).get("ladder_level") != "L2":
            pass
        desk.tell("halt", halted=True, why="by hand")
        while not (data := (await pushed(client, "health"))["data"]).get("halted"):
            pass
    assert (data["halt_reason"], data["mode"]) == ("by hand", "paper")
    assert data["age_ms"] >= 0


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"channel": "klines"}, "filter.symbol"),
        ({"channel": "klines", "filter": {"symbol": "BTCUSDT", "state": "any"}}, "filter.state"),
        ({"channel": "klines", "filter": {"symbol": "NONE"}}, "symbol"),
        ({"channel": "klines", "filter": {"symbol": "BTCUSDT", "symbols": ["ETHUSDT"]}}, "filter.symbol"),
        ({"channel": "risk", "filter": {"level": "1m"}}, "filter.level"),
        ({"channel": "jobs"}, "filter.job_id"),
        ({"channel": "health", "filter": {"symbol": "BTCUSDT"}}, "filter.symbol"),
        ({"channel": "alerts", "filter": {"symbol": "BTCUSDT"}}, "filter.symbol"),
        ({"channel": "orders", "after": "now"}, "after"),
    ],
)
async def test_a_filter_that_is_not_the_channels_is_refused(desk: SocketDesk, params: Any, field: str) -> None:
    async with desk.connected() as client:
        answer = await say(client, "subscribe", params)
        assert (answer["error"]["code"], answer["error"]["data"]["field"]) == (-32602, field)


async def test_a_desk_that_asks_for_no_key_needs_no_ticket(desk: SocketDesk) -> None:
    async with httpx.AsyncClient(base_url=desk.http, timeout=60) as http:
        answer = await http.post("/api/v2/ws/ticket", json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    async with desk.connected(query="?ticket=any") as client:
        assert (await say(client, "authenticate", {"token": "any"}))["result"] == {"ok": True}


async def test_nothing_is_compressed_and_no_subprotocol_is_made_up(desk: SocketDesk) -> None:
    async with desk.connected(subprotocols=["other"]) as client:
        assert client.subprotocol is None
        assert client.response is not None
        assert "Sec-WebSocket-Extensions" not in client.response.headers
        assert (await say(client, "ping"))["result"] == {}
