"""One socket in the desk's own dialect: what it asked for, and what waits to be sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import ValidationError

from chanflow.domain.errors import ChanflowError
from chanflow.interfaces.ws import dialect
from chanflow.interfaces.ws.cursor import CursorExpired
from chanflow.interfaces.ws.entry import by_token
from chanflow.interfaces.ws.outbox import Outbox
from chanflow.interfaces.ws.places import Places
from chanflow.interfaces.ws.subscriptions import Subscriptions
from chanflow.interfaces.ws.switchboard import Switchboard
from chanflow.interfaces.ws.visit import TRY_AGAIN_LATER, Visit
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.operation import AnyOperation
from chanflow.operations.outcome import Failed, body_of, failure, failure_of
from chanflow.operations.permission import why_not
from chanflow.operations.schema import input_schema, output_schema
from chanflow.operations.tool_text import text_of

MAX_CALLS = 16
"""So many calls of one socket are worked at; the next is read when one has ended."""


class Session:
    """A socket that was let in."""

    def __init__(self, catalogue: Catalogue, switchboard: Switchboard, places: Places, visit: Visit) -> None:
        self._catalogue, self._visit = catalogue, visit
        self._outbox = Outbox()
        self._subscriptions = Subscriptions(catalogue, switchboard, places, visit, self._outbox)
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MAX_CALLS)

    async def run(self) -> None:
        """Read and write until either ends; a reader that is too slow is told where it stands."""
        visit = self._visit
        working = [
            asyncio.create_task(each)
            for each in (self._read(), self._outbox.drain(visit.socket.send_text), visit.ended.wait())
        ]
        try:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            if self._outbox.overflowed:
                visit.end(TRY_AGAIN_LATER, self._subscriptions.standing)
            if visit.ended.is_set():
                await visit.close()
        finally:
            self._outbox.close()
            self._subscriptions.leave_all()
            for task in working:
                task.cancel()
            # What was begun is ended: a call cut off halfway would leave the database's connection behind.
            await asyncio.gather(*working, *self._tasks, return_exceptions=True)
            self._subscriptions.leave_all()

    async def _read(self) -> None:
        while (text := await self._visit.frame()) is not None:
            await self._room.acquire()
            task = asyncio.create_task(self._handle(text))
            self._tasks.add(task)
            task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()

    async def _handle(self, text: str) -> None:
        request_id = self._catalogue.new_request_id()
        call = dialect.call_of(text)
        if call is None:
            self._say(dialect.fault(None, dialect.PARSE_ERROR, "the frame is no JSON object", request_id))
            return
        call_id, method, params = call.get("id"), call.get("method"), call.get("params", {})
        if (
            not isinstance(method, str) or call.get("jsonrpc") != "2.0" or not isinstance(params, dict)
            or isinstance(call_id, bool | float | list | dict)
        ):  # fmt: skip
            words = "a call has jsonrpc 2.0, a method, params and an id of text or a whole number"
            self._say(dialect.fault(None, dialect.INVALID_REQUEST, words, request_id))
            return
        methods: Mapping[str, Callable[[Any, dict[str, Any], str], Awaitable[None]]] = {
            "subscribe": self._subscribe, "unsubscribe": self._unsubscribe, "ping": self._ping,
            "tools/list": self._list, "tools/call": self._call, "authenticate": self._authenticate,
        }  # fmt: skip
        if method not in methods:
            known = ", ".join(methods)
            self._say(dialect.fault(call_id, dialect.METHOD_NOT_FOUND, f"methods are {known}", request_id))
            return
        try:
            if method == "authenticate" or await self._visit.holds():
                await methods[method](call_id, params, request_id)
        except ValidationError as wrong:
            self._say(dialect.misused(call_id, wrong, request_id))
        except CursorExpired:
            words = "after is older than 24 hours or 10000 events"
            self._say(dialect.fault(call_id, dialect.CURSOR_EXPIRED, words, request_id, field="after"))
        except ChanflowError as wrong:
            self._say(dialect.refused(call_id, failure_of(wrong, request_id)))

    def _say(self, text: str) -> None:
        self._outbox.put(text)

    # ── calls ─────────────────────────────────────────────────────────────────

    async def _ping(self, call_id: Any, params: dict[str, Any], request_id: str) -> None:
        del params, request_id
        self._say(dialect.result(call_id, {}))

    async def _authenticate(self, call_id: Any, params: dict[str, Any], request_id: str) -> None:
        """Go on under a newer credential of the same account."""
        asked = dialect.Authenticate.model_validate(params)
        books, visit = self._catalogue.services.access, self._visit
        if books is not None:
            found = await by_token(books, asked.token, visit.principal.ip, request_id)
            if isinstance(found, Failed):
                self._say(dialect.refused(call_id, found))
                return
            if found.account != visit.principal.account:
                words = "the socket is another account's: open one of your own"
                self._say(dialect.refused(call_id, failure("unauthenticated", request_id, words, field="token")))
                return
            visit.become(found, asked.token)
            if not await visit.holds():
                return
        self._say(dialect.result(call_id, {"ok": True}))

    async def _list(self, call_id: Any, params: dict[str, Any], request_id: str) -> None:
        del params
        principal = self._visit.principal
        if refused := await self._catalogue.admit(principal, None, door="ws", request_id=request_id):
            self._say(dialect.refused(call_id, refused))
            return
        tools = [_tool(each) for each in self._catalogue.of("ws") if why_not(principal, each) is None]
        self._say(dialect.result(call_id, {"tools": tools}))

    async def _call(self, call_id: Any, params: dict[str, Any], request_id: str) -> None:
        asked = dialect.Call.model_validate(params)
        operation = self._catalogue.get(asked.name, "ws")
        outcome = await self._catalogue.execute(
            self._visit.principal, asked.name, asked.arguments, door="ws", request_id=request_id
        )
        if isinstance(outcome, Failed) and (operation is None or dialect.is_admission(outcome.error.code)):
            self._say(dialect.refused(call_id, outcome))
            return
        content = [{"type": "text", "text": text_of(outcome, operation)}]
        body = {"content": content, "structuredContent": body_of(outcome), "isError": isinstance(outcome, Failed)}
        self._say(dialect.result(call_id, body))

    async def _subscribe(self, call_id: Any, params: dict[str, Any], request_id: str) -> None:
        await self._subscriptions.add(call_id, dialect.Subscribe.model_validate(params), request_id)

    async def _unsubscribe(self, call_id: Any, params: dict[str, Any], request_id: str) -> None:
        del request_id
        asked = dialect.Unsubscribe.model_validate(params)
        await self._subscriptions.drop(asked.subscription_id)
        self._say(dialect.result(call_id, {"subscription_id": asked.subscription_id, "ok": True}))


def _tool(operation: AnyOperation) -> dict[str, Any]:
    return {
        "name": operation.name, "description": operation.doc_en, "inputSchema": input_schema(operation),
        "outputSchema": output_schema(operation),
    }  # fmt: skip
