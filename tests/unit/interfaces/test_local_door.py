"""Commands of the same machine reach a desk whose own port they could not."""

from typing import Any

import httpx

from chanflow.interfaces.cli.local_door import local_door
from chanflow.interfaces.rest.frontage import LOOPBACK, Frontage


async def _app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"desk"})


async def test_a_desk_with_tls_has_one_more_door_on_loopback_while_it_lasts() -> None:
    async with local_door(_app, Frontage("0.0.0.0", tls=("cert", "key")), 443) as (host, port):
        assert (host, port != 443) == ("127.0.0.1", True)
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://{host}:{port}/")).text == "desk"


async def test_a_desk_on_loopback_has_its_own_door_alone() -> None:
    async with local_door(_app, LOOPBACK, 8000) as door:
        assert door == ("127.0.0.1", 8000)
