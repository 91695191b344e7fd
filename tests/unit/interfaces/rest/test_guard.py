"""What the guard reads of a body that is slow or never ends."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from chanflow.interfaces.rest.guard import Guard


async def _never(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the desk was reached")


async def _answer(chunks: list[bytes], *, max_body_s: float) -> list[dict[str, Any]]:
    """Return what a client is sent that writes `chunks` of a body and then nothing more."""
    sent: list[dict[str, Any]] = []
    waiting = list(chunks)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await anyio.sleep_forever()
        return {"type": "http.request", "body": waiting.pop(0), "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    guard = Guard(
        _never, allowed_hosts=frozenset({"localhost"}), max_body_bytes=100, new_request_id=lambda: "r-1",
        max_body_s=max_body_s,
    )  # fmt: skip
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")], "client": None}
    await guard(scope, receive, send)
    return sent


@pytest.mark.parametrize("chunks", [[], [b"{"] * 3, [b"x" * 200]])
async def test_a_body_that_does_not_end_in_time_is_refused(chunks: list[bytes]) -> None:
    start, body = await _answer(chunks, max_body_s=0.02)
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    told = json.loads(body["body"])
    assert (told["code"], told["message"]) == ("request_too_slow", "a body may take 0.02 s to arrive")
