import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from chanflow.adapters.venues.emulator.rest import Request, Response
from chanflow.adapters.venues.emulator.server import Plain, Reply, RestServer

pytestmark = pytest.mark.server

SEEN: list[Request] = []


async def answer(request: Request) -> Reply:
    """Answer what the path asks for."""
    SEEN.append(request)
    response = Response(418, b'{"code":-1003}', {"Content-Type": "application/json", "Retry-After": "7"})
    match request.path:
        case "/closed":
            return Plain(None)
        case "/silent":
            return Plain(None, silent=True)
        case "/held":
            return Plain(response, hold_ns=5)
    return Plain(response)


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    held: list[int] = []

    async def hold(span_ns: int) -> None:
        held.append(span_ns)

    async def control(request: Request) -> Response:
        return Response(200, f"{request.method} {held}".encode())

    SEEN.clear()
    server = RestServer(answer, hold=hold, control=control)
    port = await server.start("127.0.0.1", 0)
    yield f"http://127.0.0.1:{port}"
    await server.stop()


async def test_a_request_comes_as_it_was_sent_and_an_answer_goes_as_it_is(url: str) -> None:
    from yarl import URL

    target = URL(f"{url}/fapi/v1/order?a=x%2Fy&signature=0f", encoded=True)
    async with (
        aiohttp.ClientSession() as session,
        session.post(target, data="b=1%20", headers={"X-MBX-APIKEY": "k"}) as got,
    ):
        assert (got.status, got.headers["Retry-After"], await got.read()) == (418, "7", b'{"code":-1003}')
    (seen,) = SEEN
    assert (seen.method, seen.path, seen.query, seen.body) == (
        "POST",
        "/fapi/v1/order",
        "a=x%2Fy&signature=0f",
        "b=1%20",
    )
    assert (seen.headers["x-mbx-apikey"], seen.address) == ("k", "127.0.0.1")


async def test_a_connection_may_close_without_an_answer(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.post(f"{url}/closed", data=b"x")
        async with session.get(f"{url}/open") as got:
            assert got.status == 418


async def test_a_request_may_never_be_answered(url: str) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(0.2)) as session:
        with pytest.raises(asyncio.TimeoutError):
            await session.get(f"{url}/silent")


async def test_an_answer_is_held_back_and_control_has_a_door_of_its_own(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/held") as got:
            assert got.status == 418
        async with session.post(f"{url}/_control/advance") as got:
            assert await got.text() == "POST [5]"
