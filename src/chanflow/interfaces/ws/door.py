"""The WebSocket at `/mcp`: operations called as over MCP, and events pushed as they are written to the log.

Who calls is judged as for any other request: the host and the origin must be ours. One JSON-RPC object a text frame.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from chanflow.domain.errors import ChanflowError
from chanflow.domain.json_depth import json_depth_exceeds
from chanflow.domain.time import NS_PER_DAY
from chanflow.interfaces.rest.guard import MAX_JSON_DEPTH
from chanflow.interfaces.ws import dialect
from chanflow.interfaces.ws.hub import CursorExpired, Filter, Hub, Listening
from chanflow.interfaces.ws.outbox import Outbox
from chanflow.operations.alert_courier import AlertCourier
from chanflow.operations.alert_cursor import cursor_of, seq_of
from chanflow.operations.alert_watch import AlertWatch
from chanflow.operations.alerts import newest_mark
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.operation import AnyOperation
from chanflow.operations.outcome import Declined, Failed, body_of, failure_of
from chanflow.operations.principal import LOCAL_OPERATOR, Principal, caller
from chanflow.operations.schema import input_schema, output_schema
from chanflow.operations.tool_text import text_of
from chanflow.runtime.alert_book import AlertBook

MAX_FRAME = 256_000
MAX_SUBSCRIPTIONS = 1_000
MAX_SOCKETS = 2_000
MAX_CALLS = 16
"""So many calls of one socket are worked at; the next is read when one has ended."""

TRY_AGAIN_LATER, TOO_BIG, NOT_TEXT, POLICY = 1013, 1009, 1003, 1008
GivenT = TypeVar("GivenT", bound=dialect.Given)


class SocketDoor:
    """The sockets of one application."""

    def __init__(self, catalogue: Catalogue, allowed_hosts: frozenset[str]) -> None:
        self._catalogue, self._allowed_hosts = catalogue, allowed_hosts
        self.hub: Hub | None = None
        self._open = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Watch for alerts and carry events while the block lasts, where this desk keeps alerts."""
        services = self._catalogue.services
        if not isinstance(services.alerts, AlertBook):
            yield
            return
        async with services.alerts.keeping():
            hub = Hub(services.alerts, services.clock)
            await hub.begin()
            self.hub = hub
            watch = AlertWatch(services, services.alerts)
            courier = AlertCourier(services.alerts, services.clock)
            working = [asyncio.create_task(each) for each in (hub.run(), watch.run(), courier.run())]
            try:
                yield
            finally:
                self.hub = None
                for task in working:
                    task.cancel()
                await asyncio.gather(*working, return_exceptions=True)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one socket until it closes. Where keys are asked for there is none: no key is read here yet."""
        closed = self._catalogue.services.access is not None
        if closed or not self._admits(socket) or self._open >= MAX_SOCKETS:
            await socket.close(POLICY)
            return
        await socket.accept()
        client = socket.client
        principal = caller.get(None) or replace(LOCAL_OPERATOR, ip=client.host if client else None)
        self._open += 1
        try:
            await _Session(self._catalogue, self.hub, principal, socket).run()
        finally:
            self._open -= 1

    def _admits(self, socket: WebSocket) -> bool:
        origin = socket.headers.get("origin")
        host = _name(f"//{socket.headers.get('host', '')}")
        return host in self._allowed_hosts and (origin is None or _name(origin) in self._allowed_hosts)


def _name(url: str) -> str | None:
    """Return the host of an address as the list of allowed ones has it, None where it has none."""
    try:
        parts = urlsplit(url)
        found, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("", "http", "https") or not found:
        return None
    return f"[{found}]" if ":" in found else found


class _Session:
    """One socket: what it asked for, and what waits to be sent to it."""

    def __init__(self, catalogue: Catalogue, hub: Hub | None, principal: Principal, socket: WebSocket) -> None:
        self._catalogue, self._hub, self._principal, self._socket = catalogue, hub, principal, socket
        self._outbox = Outbox()
        self._listening: dict[str, Listening] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MAX_CALLS)

    async def run(self) -> None:
        """Read and write until either ends; a reader that is too slow is told where it stands."""
        reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._outbox.drain(self._socket.send_text))
        try:
            await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            if writing.done() and self._outbox.overflowed:
                last = max((each.seq for each in self._listening.values()), default=0)
                await self._close(TRY_AGAIN_LATER, f"too slow; last cursor {cursor_of(last)}")
        finally:
            self._outbox.close()
            self._leave()
            for task in (reading, writing):
                task.cancel()
            # What was begun is ended: a call cut off halfway would leave the database's connection behind.
            await asyncio.gather(reading, writing, *self._tasks, return_exceptions=True)
            self._leave()

    def _leave(self) -> None:
        for each in self._listening.values():
            if self._hub is not None:
                self._hub.leave(each)

    async def _close(self, code: int, reason: str) -> None:
        with suppress(RuntimeError, WebSocketDisconnect):
            await self._socket.close(code, reason)

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] != "websocket.receive":
                return None
            text = message.get("text")
            if text is None:
                return await self._close(NOT_TEXT, "only text frames are read")
            if len(text) > MAX_FRAME or len(text.encode()) > MAX_FRAME:
                return await self._close(TOO_BIG, f"a frame may have {MAX_FRAME} bytes")
            await self._room.acquire()
            task = asyncio.create_task(self._handle(text))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()

    # ── calls ─────────────────────────────────────────────────────────────────

    async def _handle(self, text: str) -> None:
        request_id = self._catalogue.new_request_id()
        call = _object(text)
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
            "tools/list": self._list, "tools/call": self._call,
        }  # fmt: skip
        if method not in methods:
            known = ", ".join(methods)
            self._say(dialect.fault(call_id, dialect.METHOD_NOT_FOUND, f"methods are {known}", request_id))
            return
        try:
            await methods[method](call_id, params, request_id)
        except ValidationError as wrong:
            first = wrong.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part)[:32] for part in first["loc"])
            words = f"{field or 'params'}: {first['msg'].lower()}"
            self._say(dialect.fault(call_id, dialect.INVALID_PARAMS, words, request_id, field=field or None))
        except ChanflowError as wrong:
            self._say(dialect.refused(call_id, failure_of(wrong, request_id)))

    def _say(self, text: str) -> None:
        self._outbox.put(text)

    async def _ping(self, call_id: Any, params: dict[str, Any], request_id: str) -> None:
        del params, request_id
        self._say(dialect.result(call_id, {}))

    async def _list(self, call_id: Any, params: dict[str, Any], request_id: str) -> None:
        del params, request_id
        self._say(dialect.result(call_id, {"tools": [_tool(each) for each in self._catalogue.of("ws")]}))

    async def _call(self, call_id: Any, params: dict[str, Any], request_id: str) -> None:
        asked = dialect.Call.model_validate(params)
        operation = self._catalogue.get(asked.name, "ws")
        outcome = await self._catalogue.execute(
            self._principal, asked.name, asked.arguments, door="ws", request_id=request_id
        )
        if operation is None and isinstance(outcome, Failed):
            self._say(dialect.refused(call_id, outcome))
            return
        content = [{"type": "text", "text": text_of(outcome, operation)}]
        body = {"content": content, "structuredContent": body_of(outcome), "isError": isinstance(outcome, Failed)}
        self._say(dialect.result(call_id, body))

    # ── subscriptions ─────────────────────────────────────────────────────────

    async def _subscribe(self, call_id: Any, params: dict[str, Any], request_id: str) -> None:
        asked = dialect.Subscribe.model_validate(params)
        if self._hub is None:
            raise Declined("not_found", "this desk keeps no alerts, so nothing can be pushed", field="channel")
        if len(self._listening) >= MAX_SUBSCRIPTIONS:
            raise Declined("quota_exceeded", f"a socket may have {MAX_SUBSCRIPTIONS} subscriptions", field="channel")
        wanted = await self._wanted(asked)
        try:
            seq = await self._hub.start_at(None if asked.after is None else seq_of(asked.after))
        except CursorExpired:
            words = "after is older than 24 hours or 10000 events"
            self._say(dialect.fault(call_id, dialect.CURSOR_EXPIRED, words, request_id, field="after"))
            return
        except ValueError as wrong:
            raise Declined("invalid_argument", str(wrong), field="after") from None
        alerts = frozenset() if asked.filter.alert_id is None else frozenset({asked.filter.alert_id})
        listening = Listening(
            request_id, asked.channel, self._principal.account, self._outbox, seq, wanted, alerts
        )  # fmt: skip
        self._listening[request_id] = listening
        body = {"subscription_id": request_id, "cursor": cursor_of(seq), "quota": None}
        answered = dialect.notification("subscribed", body) if call_id is None else dialect.result(call_id, body)
        self._say(answered)
        await self._hub.join(listening)

    async def _wanted(self, asked: dialect.Subscribe) -> Filter:
        """Return what is asked for, its bars being watched from now on. Raises Declined."""
        chosen = asked.filter
        if asked.channel == "alerts":
            if chosen.model_fields_set - {"alert_id"}:
                raise Declined("invalid_argument", "channel alerts has a filter of alert_id alone", field="filter")
            return Filter()
        if (chosen.symbol is None) == (chosen.symbols is None) or chosen.alert_id is not None:
            raise Declined("invalid_argument", "filter needs symbol or symbols, one of both", field="filter.symbol")
        symbols = tuple(sorted({*(chosen.symbols or ()), *([chosen.symbol] if chosen.symbol else ())}))
        services = self._catalogue.services
        marks = [await newest_mark(services, symbol, chosen.level) for symbol in symbols]
        until_ns = services.clock.now_ns() + NS_PER_DAY
        async with services.alerts.open() as store:
            for mark in marks:
                await store.want(mark, until_ns)
        states = frozenset() if chosen.state == "any" else frozenset({chosen.state})
        return Filter(symbols, chosen.level, frozenset(chosen.type), states)

    async def _unsubscribe(self, call_id: Any, params: dict[str, Any], request_id: str) -> None:
        del request_id
        asked = dialect.Unsubscribe.model_validate(params)
        found = self._listening.pop(asked.subscription_id, None)
        if found is None:
            raise Declined("not_found", "there is no subscription of that id here", field="subscription_id")
        assert self._hub is not None
        self._hub.leave(found)
        self._say(dialect.result(call_id, {"subscription_id": asked.subscription_id, "ok": True}))


def _object(text: str) -> dict[str, Any] | None:
    """Return the JSON object of a frame; None for anything else, and for one that nests too deep."""
    if json_depth_exceeds(text.encode(), MAX_JSON_DEPTH):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _tool(operation: AnyOperation) -> dict[str, Any]:
    return {
        "name": operation.name, "description": operation.doc_en, "inputSchema": input_schema(operation),
        "outputSchema": output_schema(operation),
    }  # fmt: skip
