"""The WebSocket at `/mcp`: operations called as over MCP, and events pushed as they are written down.

Who calls is judged as for any other request: the host and the origin must be ours, and where keys are asked for, one
must be shown. One JSON-RPC object a text frame: the desk's own dialect, or MCP for who offers the subprotocol `mcp`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from chanflow.domain.errors import ChanflowError
from chanflow.domain.time import NS_PER_S
from chanflow.interfaces.rest.answer import json_response
from chanflow.interfaces.ws import dialect
from chanflow.interfaces.ws.entry import by_token, let_in, no_stranger, refused_address, try_as_stranger
from chanflow.interfaces.ws.places import Place, Places
from chanflow.interfaces.ws.session import Session
from chanflow.interfaces.ws.switchboard import Switchboard
from chanflow.interfaces.ws.visit import LOGGED_OUT, NORMAL, POLICY, TRY_AGAIN_LATER, Visit
from chanflow.interfaces.ws.wire import quiet_refusals
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.outcome import Failed, failure, failure_of
from chanflow.operations.principal import Principal

SUBPROTOCOL = "mcp"
LOGIN_S = 5
"""How long a socket without a credential may take to show one."""
MAX_STRANGERS = 256
"""So many sockets may wait for theirs at once."""
LOOK_NS = NS_PER_S
"""How often it is seen whether who is here may stay."""
RENEW_EACH = 20
"""At each so-many-th look the leases are renewed."""

ServeMcp = Callable[[Visit], Awaitable[None]]

_log = logging.getLogger(__name__)


class SocketDoor:
    """The sockets of one application. `serve_mcp` speaks MCP with one of them until it ends."""

    def __init__(self, catalogue: Catalogue, allowed_hosts: frozenset[str], serve_mcp: ServeMcp) -> None:
        services = catalogue.services
        self._catalogue, self._allowed_hosts, self._serve_mcp = catalogue, allowed_hosts, serve_mcp
        self._switchboard = Switchboard(services)
        self._places = Places(services.access, services.clock, services.ids)
        self._visits: dict[str, Visit] = {}
        self._strangers = 0
        self._looking: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Carry events while the block lasts."""
        try:
            with quiet_refusals():
                async with self._switchboard.serving():
                    yield
        finally:
            if self._looking is not None:
                self._looking.cancel()
                await asyncio.gather(self._looking, return_exceptions=True)
                self._looking = None

    async def serve(self, socket: WebSocket) -> None:
        """Serve one socket until it closes."""
        request_id, services = self._catalogue.new_request_id(), self._catalogue.services
        speaks_mcp = SUBPROTOCOL in socket.scope.get("subprotocols", ())
        found = refused_address(socket, self._allowed_hosts, request_id) or await let_in(
            services.access, socket, request_id
        )
        if found is None and speaks_mcp:
            found = failure("unauthenticated", request_id, "MCP needs its credential when the socket opens")
        if found is None and self._strangers >= MAX_STRANGERS:
            found = failure("rate_limited", request_id, f"{MAX_STRANGERS} sockets have not said yet who they are")
        if found is None and services.access is not None:
            found = try_as_stranger(services.access, _ip(socket), request_id)
        if isinstance(found, Failed):
            return await _deny(socket, found)
        token = socket.headers.get("authorization", "").partition(" ")[2].strip() or None
        accepted = False
        if found is None:
            await socket.accept()
            accepted, entered = True, await self._introduced(socket)
            if entered is None:
                return None
            found, token = entered
        place = await self._placed(found, socket, request_id, accepted=accepted)
        if place is None:
            return None
        leave = partial(self._places.give_back, place)
        visit = Visit(socket, found, place, services.access, services.clock, token, leave)
        self._visits[place.id] = visit
        try:
            if not accepted:
                await socket.accept(subprotocol=SUBPROTOCOL if speaks_mcp else None)
            self._look_on()
            await (self._mcp(visit) if speaks_mcp else self._dialect(visit))
        finally:
            del self._visits[place.id]
            await asyncio.shield(leave())

    async def _dialect(self, visit: Visit) -> None:
        await Session(self._catalogue, self._switchboard, self._places, visit).run()

    async def _mcp(self, visit: Visit) -> None:
        working = [asyncio.create_task(each) for each in (_served(self._serve_mcp(visit)), visit.ended.wait())]
        try:
            await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            visit.end(NORMAL, "")
            await visit.close()
            await asyncio.wait(working, timeout=LOGIN_S)
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    # ── who it is ─────────────────────────────────────────────────────────────

    async def _introduced(self, socket: WebSocket) -> tuple[Principal, str] | None:
        """Return who an open socket says it is in its first message, None where it was closed for it."""
        self._strangers += 1
        try:
            async with asyncio.timeout(LOGIN_S):
                message = await socket.receive()
                if message["type"] != "websocket.receive":
                    return None
                said, entered = await self._entered(socket, message.get("text") or "")
        except TimeoutError:
            said, entered = None, None
        finally:
            self._strangers -= 1
        with suppress(RuntimeError, WebSocketDisconnect):
            if said is not None:
                await socket.send_text(said)
            if entered is None:
                await socket.close(LOGGED_OUT, f"authenticate with a good token within {LOGIN_S} s")
            return entered
        return None

    async def _entered(self, socket: WebSocket, text: str) -> tuple[str, tuple[Principal, str] | None]:
        """Return the answer to a first message, and whom it lets in."""
        request_id, books = self._catalogue.new_request_id(), self._catalogue.services.access
        call = dialect.call_of(text) if len(text) <= dialect.MAX_LOGIN else None
        call_id = None if call is None else call.get("id")
        call_id = call_id if isinstance(call_id, str | int) and not isinstance(call_id, bool) else None
        if call is None or call.get("method") != "authenticate" or books is None:
            words = "the first message is authenticate, where no header and no ticket said who calls"
            return dialect.refused(call_id, failure("unauthenticated", request_id, words)), None
        try:
            asked = dialect.Authenticate.model_validate(call.get("params"))
        except ValidationError as wrong:
            return dialect.misused(call_id, wrong, request_id), None
        found = await by_token(books, asked.token, _ip(socket), request_id)
        if isinstance(found, Failed):
            return dialect.refused(call_id, found), None
        no_stranger(books, _ip(socket))
        return dialect.result(call_id, {"ok": True}), (found, asked.token)

    async def _placed(
        self, principal: Principal, socket: WebSocket, request_id: str, *, accepted: bool
    ) -> Place | None:
        """Return the place of a socket, None where it was closed for want of one."""
        try:
            return await self._places.take(principal)
        except ChanflowError as fault:
            refused = failure_of(fault, request_id)
        if not accepted:
            await _deny(socket, refused)
            return None
        with suppress(RuntimeError, WebSocketDisconnect):
            await socket.send_text(dialect.refused(None, refused))
            await socket.close(POLICY, refused.error.message[:120])
        return None

    # ── whether they may stay ─────────────────────────────────────────────────

    def _look_on(self) -> None:
        if self._looking is None and self._catalogue.services.access is not None:
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """See again and again whether each may stay, and renew their leases, until cancelled."""
        clock, looks = self._catalogue.services.clock, 0
        while True:
            await clock.sleep_until(clock.now_ns() + LOOK_NS)
            looks += 1
            for visit in list(self._visits.values()):
                await visit.look()
            if looks % RENEW_EACH == 0:
                await self._renew()

    async def _renew(self) -> None:
        try:
            lost = await self._places.renew()
        except ChanflowError:
            _log.warning("the leases of sockets could not be renewed", exc_info=True)
            return
        for place_id in lost:
            if (visit := self._visits.get(place_id)) is not None:
                visit.end(TRY_AGAIN_LATER, "the socket's lease has ended: open another")


def _ip(socket: WebSocket) -> str | None:
    return socket.client.host if socket.client else None


async def _served(serving: Awaitable[None]) -> bool:
    await serving
    return True


async def _deny(socket: WebSocket, refused: Failed) -> None:
    """Refuse a socket before it opens, with the error body of all doors."""
    await socket.send_denial_response(json_response(refused))
