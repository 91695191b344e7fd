"""The WebSocket door of a desk that asks for keys: who is let in, for how long, and how many sockets they have."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from made_socket import MESSAGE_S, MovedClock, SocketDesk, heard, say, served, until
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chanflow.access.keyring import NewKey
from chanflow.access.scopes import ROLES
from chanflow.domain.time import NS_PER_S
from chanflow.interfaces.rest import entry as rest_entry
from chanflow.interfaces.ws import door, entry
from chanflow.interfaces.ws.wire import SOCKET_WIRE
from chanflow.operations.offered import OPERATIONS

pytestmark = pytest.mark.server
KLINES = {"channel": "klines", "filter": {"symbol": "BTCUSDT", "level": "1m"}}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketDesk]:
    """Serve a desk that bears with strangers: all tests share an address."""
    with pytest.MonkeyPatch.context() as patched, served(tmp_path_factory.mktemp("desk"), keys=True) as desk:
        for module in (rest_entry, entry):
            patched.setattr(module, "STRANGERS_BURST", 1_000)
        yield desk


async def ticket_of(desk: SocketDesk, key: NewKey) -> str:
    async with httpx.AsyncClient(base_url=desk.http) as http:
        answer = await http.post(
            "/api/v2/ws/ticket", json={}, headers={"Authorization": f"Bearer {key.text}"}, timeout=60
        )
    assert answer.status_code == 200
    return str(answer.json()["ticket"])


async def closed(client: ClientConnection) -> tuple[int, str]:
    """Return with which code and reason the desk closes a socket, whatever it still says."""

    async def listen() -> None:
        while True:
            await asyncio.wait_for(client.recv(), MESSAGE_S)

    with pytest.raises(ConnectionClosed) as caught:
        await listen()
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


async def refused(desk: SocketDesk, key: NewKey | None = None, query: str = "", **how: object) -> tuple[int, str]:
    """Return the status and code with which a socket is refused before it opens."""
    with pytest.raises(InvalidStatus) as caught:
        async with desk.connected(key, query, **how):
            pass
    response = caught.value.response
    return response.status_code, json.loads(response.body or b"{}")["code"]


async def test_a_key_in_the_header_lets_in_and_nothing_else_of_it_does(desk: SocketDesk) -> None:
    key = await desk.key("header")
    async with desk.connected(key) as client:
        assert (await say(client, "ping"))["result"] == {}
        answer = await say(client, "tools/call", {"name": "get_user_quota"})
        assert answer["result"]["structuredContent"]["plan"] == "enterprise"
    for said in (f"token={key.text}", f"api_key={key.text}", f"ticket={key.text}", "ticket=", "ticket=a&ticket=b"):
        assert await refused(desk, query=f"?{said}") == (401, "unauthenticated")
    assert await refused(desk, key, "?ticket=wt_x") == (401, "unauthenticated")
    wrong = key.text[:-1] + ("0" if key.text[-1] != "0" else "1")
    assert await refused(desk, headers={"Authorization": f"Bearer {wrong}"}) == (401, "unauthenticated")


async def test_a_page_of_a_foreign_origin_is_refused_with_a_good_key(desk: SocketDesk) -> None:
    key = await desk.key("origin")
    for origin in ("https://evil.example", "null", "file://", "http://127.0.0.1.evil.example"):
        assert await refused(desk, key, headers={"Origin": origin}) == (403, "origin_not_allowed")
    async with desk.connected(key, headers={"Origin": desk.http}) as client:
        assert (await say(client, "ping"))["result"] == {}


async def test_a_ticket_opens_one_socket_once_and_is_not_logged(
    desk: SocketDesk, caplog: pytest.LogCaptureFixture
) -> None:
    key = await desk.key("ticket")
    with caplog.at_level(logging.DEBUG):
        ticket = await ticket_of(desk, key)
        async with desk.connected(query=f"?ticket={ticket}") as client:
            found = await say(client, "tools/call", {"name": "get_user_quota"})
            assert not found["result"]["isError"]
            assert await refused(desk, query=f"?ticket={ticket}") == (401, "unauthenticated")
    assert "WebSocket" in caplog.text
    server = "".join(
        record.getMessage() for record in caplog.records if record.name.startswith(("uvicorn", "chanflow"))
    )
    assert ticket not in server
    assert key.text not in server


async def test_of_many_who_show_one_ticket_at_once_one_is_let_in(desk: SocketDesk) -> None:
    query = f"?ticket={await ticket_of(desk, await desk.key('many'))}"

    async def opens() -> bool:
        try:
            async with desk.connected(query=query):
                return True
        except InvalidStatus:
            return False

    assert sum(await asyncio.gather(*(opens() for _ in range(8)))) == 1


async def test_a_ticket_of_a_key_that_was_revoked_since_opens_nothing(desk: SocketDesk) -> None:
    key = await desk.key("ticket-revoked")
    ticket = await ticket_of(desk, key)
    async with desk.elsewhere() as books:
        await books.books.keyring.revoke(key.record.id)
    desk.clock.ahead_ns += NS_PER_S
    await asyncio.sleep(0.6)  # what a process has cached of a key
    assert await refused(desk, query=f"?ticket={ticket}") == (401, "unauthenticated")


async def test_the_first_message_may_say_who_calls(desk: SocketDesk) -> None:
    key = await desk.key("first")
    async with desk.connected() as client:
        assert (await say(client, "authenticate", {"token": key.text}))["result"] == {"ok": True}
        assert "result" in await say(client, "subscribe", {"channel": "signals"})
        other = await desk.key("first-other")
        assert (await say(client, "authenticate", {"token": other.text}))["error"]["code"] == -32010
        assert (await say(client, "authenticate", {"token": key.text}))["result"] == {"ok": True}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('{"jsonrpc":"2.0","id":7,"method":"ping"}', -32010),
        ('{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_position"}}', -32010),
        ('{"jsonrpc":"2.0","id":7,"method":"authenticate","params":{"token":"cf_é"}}', -32010),
        ('{"jsonrpc":"2.0","id":7,"method":"authenticate","params":{"token":"cf_000000000000_x_0"}}', -32010),
        ('{"jsonrpc":"2.0","id":7,"method":"authenticate","params":{}}', -32602),
        ("nothing", -32010),
    ],
)
async def test_who_does_not_say_it_hears_nothing_and_is_closed(desk: SocketDesk, frame: str, code: int) -> None:
    async with desk.connected() as client:
        await client.send(frame)
        assert (await heard(client))["error"]["code"] == code
        assert (await closed(client))[0] == 4401


async def test_strangers_who_only_open_sockets_are_slowed_and_owners_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (rest_entry, entry):
        monkeypatch.setattr(module, "STRANGERS_BURST", 20)
    with served(tmp_path, keys=True) as desk:
        key, codes = await desk.key("owner"), list[str]()
        desk.clock.steady_ns = 0
        for _ in range(30):
            try:
                async with desk.connected() as client:
                    await client.send("nothing")
                    await closed(client)
            except InvalidStatus as fault:
                codes.append(json.loads(fault.response.body or b"{}")["code"])
        assert codes == ["rate_limited"] * 10
        desk.clock.steady_ns = 2 * NS_PER_S
        for _ in range(5):
            async with desk.connected(key) as client:
                assert (await say(client, "ping"))["result"] == {}
            async with desk.connected() as client:
                assert (await say(client, "authenticate", {"token": key.text}))["result"] == {"ok": True}


async def test_who_says_nothing_is_closed(desk: SocketDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "LOGIN_S", 0.2)
    async with desk.connected() as client:
        assert (await closed(client))[0] == 4401


async def test_an_expired_key_ends_its_socket_though_it_only_listens(tmp_path: Path) -> None:
    with served(tmp_path, keys=True) as desk:
        key = await desk.key("brief", expires_ns=desk.clock.now_ns() + 3_600 * NS_PER_S)
        async with desk.connected(key) as idle, desk.connected(key) as busy:
            assert "result" in await say(idle, "subscribe", {"channel": "signals"})
            desk.clock.ahead_ns = 3_601 * NS_PER_S
            await busy.send('{"jsonrpc":"2.0","id":1,"method":"ping"}')
            assert (await closed(busy))[0] == 4401
            assert (await closed(idle))[0] == 4401
        assert await refused(desk, key) == (401, "unauthenticated")


async def test_a_key_that_is_revoked_elsewhere_ends_its_sockets(desk: SocketDesk) -> None:
    key, ticketed = await desk.key("revoked"), await desk.key("revoked-ticketed")
    query = f"?ticket={await ticket_of(desk, ticketed)}"
    async with desk.connected(key) as client, desk.connected(query=query) as other:
        async with desk.elsewhere() as books:
            await books.books.keyring.revoke(key.record.id)
            await books.books.keyring.revoke(ticketed.record.id)
        assert (await closed(client))[0] == 4401
        assert (await closed(other))[0] == 4401


async def test_who_loses_the_scope_of_what_is_pushed_cannot_stay(desk: SocketDesk) -> None:
    key = await desk.key("narrowed")
    async with desk.connected(key) as client:
        answer = await say(client, "subscribe", {"channel": "jobs", "filter": {"job_id": "a"}})
        assert "result" in answer
        async with desk.elsewhere() as books:
            await books.shelf.change_user("user-narrowed", roles=["viewer"])
        assert (await closed(client))[0] == 4401
    async with desk.connected(key) as client:
        answer = await say(client, "subscribe", {"channel": "jobs", "filter": {"job_id": "a"}})
        assert (answer["error"]["code"], answer["error"]["data"]["code"]) == (-32013, "insufficient_scope")


async def test_fifty_who_open_at_once_have_exactly_the_sockets_of_their_plan(tmp_path: Path) -> None:
    """Over two processes' worth of servers on one database."""
    clock = MovedClock()
    with served(tmp_path, keys=True, clock=clock) as one, served(tmp_path, keys=True, clock=clock) as other:
        key, held = await one.key("ann", plan="pro"), asyncio.Event()
        opened: list[int] = []

        async def opens(number: int) -> str:
            try:
                async with (one, other)[number % 2].connected(key) as client:
                    assert (await say(client, "ping"))["result"] == {}
                    opened.append(number)
                    await held.wait()
                    return "opened"
            except InvalidStatus as fault:
                return str(json.loads(fault.response.body or b"{}")["code"])

        asked = [asyncio.create_task(opens(number)) for number in range(50)]
        await until(lambda: sum(task.done() for task in asked) == 45)
        assert len(opened) == 5
        held.set()
        codes = await asyncio.gather(*asked)
        assert codes.count("opened") == 5
        assert set(codes) <= {"opened", "quota_exceeded", "rate_limited"}

        async with one.elsewhere() as books:
            taken: list[bool] = []

            async def free() -> bool:
                """Take what is free again of what the closed sockets had."""
                name = f"t{len(taken)}"
                taken.append(await books.books.leases.open(name, "user-ann", most=5, now_ns=clock.now_ns()))
                return sum(taken) == 5

            await until(free)
            await free()
            assert sum(taken) == 5


async def test_a_socket_whose_lease_has_ended_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "RENEW_EACH", 1)
    with served(tmp_path, keys=True) as desk:
        key = await desk.key("stalled", plan="free")
        async with desk.connected(key) as client:
            desk.clock.ahead_ns = 61 * NS_PER_S
            assert (await closed(client))[0] == 1013
        async with desk.connected(key) as client:
            assert (await say(client, "ping"))["result"] == {}


async def test_who_answers_no_ping_is_taken_for_dead_and_gives_its_place_back(tmp_path: Path) -> None:
    assert SOCKET_WIRE["ws_ping_interval"] + SOCKET_WIRE["ws_ping_timeout"] == 40
    with served(tmp_path, keys=True, ping_s=0.3) as desk:
        key = await desk.key("dead", plan="free")
        host, _, port = desk.http.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"GET /mcp HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {key.text}\r\n\r\n".encode()
        )
        assert b"101" in await reader.readline()
        assert await refused(desk, key) == (429, "quota_exceeded")
        assert await asyncio.wait_for(reader.read(), MESSAGE_S)

        async def opens() -> bool:
            try:
                async with desk.connected(key) as client:
                    return bool((await say(client, "ping"))["result"] == {})
            except InvalidStatus:
                return False

        await until(opens)
        writer.close()


async def test_subscriptions_and_their_symbols_are_held_to_the_plan(tmp_path: Path) -> None:
    (tmp_path / "plans.yaml").write_text("free: {rate_per_s: 1000, burst: 1000, sockets: 2}\n")
    with served(tmp_path, keys=True) as desk:
        key = await desk.key("free", plan="free")

        async def quota(client: ClientConnection) -> int:
            answer = await say(client, "tools/call", {"name": "get_user_quota"})
            rows = answer["result"]["structuredContent"]["quotas"]
            return int(next(row["used"] for row in rows if row["name"] == "alert_subscription"))

        both = {"symbols": ["BTCUSDT", "ETHUSDT"], "level": "1m"}
        async with desk.connected(key) as client:
            async with desk.connected(key) as other:
                first = await say(client, "subscribe", {"channel": "klines", "filter": both})
                assert first["result"]["quota"] == {"name": "alert_subscription", "used": 2, "limit": 5}
                assert (await say(client, "subscribe", {"channel": "structure", "filter": both}))["result"]
                over = await say(other, "subscribe", {"channel": "klines", "filter": both})
                assert (over["error"]["code"], over["error"]["data"]["code"]) == (-32012, "quota_exceeded")
                assert "result" in await say(other, "subscribe", KLINES)
                assert await quota(client) == 5
                ended = await say(client, "unsubscribe", {"subscription_id": first["result"]["subscription_id"]})
                assert ended["result"]["ok"]
                assert await quota(client) == 3

            async def given_back() -> bool:
                return await quota(client) == 2

            await until(given_back)
            for _ in range(4):
                assert "result" in await say(client, "subscribe", {"channel": "signals"})
            sixth = await say(client, "subscribe", {"channel": "signals"})
            assert (sixth["error"]["code"], sixth["error"]["data"]["code"]) == (-32012, "quota_exceeded")


async def test_the_access_matrix_holds_through_the_socket(desk: SocketDesk) -> None:
    for role in ROLES:
        key = await desk.key(f"matrix-{role}", role=role)
        async with desk.connected(key) as client:
            tools = {tool["name"] for tool in (await say(client, "tools/list"))["result"]["tools"]}
            for operation in OPERATIONS:
                answer = await say(client, "tools/call", {"name": operation.name, "arguments": {"no_such": 1}})
                if "ws" not in operation.doors:
                    expected = "not_found"
                else:
                    expected = "invalid_argument" if operation.scope in ROLES[role] else "insufficient_scope"
                error = answer.get("error", {}).get("data") or answer["result"]["structuredContent"]
                assert error["code"] == expected, (role, operation.name)
                assert (operation.name in tools) is (expected == "invalid_argument")
