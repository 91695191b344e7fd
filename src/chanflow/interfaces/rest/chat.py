"""`POST /chat`: an answer as it comes about, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import Response, StreamingResponse

from chanflow.operations.chat import Chat, Said
from chanflow.operations.outcome import Declined, compact_json
from chanflow.operations.principal import Principal

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Kept by nobody, and held back by no proxy."""


async def answer_events(chat: Chat, body: dict[str, Any], principal: Principal) -> Response:
    """Return the stream of an answer. Raises Declined where the question is none."""
    if set(body) - {"text", "confirm"}:
        raise Declined("invalid_argument", "the body has text and confirm, nothing else", field="body")
    text, confirm = body.get("text"), body.get("confirm")
    if not isinstance(text, str):
        raise Declined("invalid_argument", "text must be text", field="text")
    if confirm is not None and not isinstance(confirm, str):
        raise Declined("invalid_argument", "confirm must be the token of a plan", field="confirm")
    events = chat.ask(text, principal, door="rest", confirm=confirm)
    # The first event is waited for here, so that what is refused has a status of its own.
    first = await anext(events)
    return StreamingResponse(_stream(first, events), media_type="text/event-stream", headers=_HEADERS)


async def _stream(first: Said, rest: AsyncIterator[Said]) -> AsyncIterator[bytes]:
    yield _event(first)
    async for said in rest:
        yield _event(said)


def _event(said: Said) -> bytes:
    return f"event: {said.kind}\ndata: {compact_json(said.body)}\n\n".encode()
