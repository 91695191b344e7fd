"""The first thing a request meets: which names the desk answers to, who is calling, and how much it reads.

The desk answers to names it was told (another name in `Host` is a page that rebound its DNS) and to pages of its own
origin. Whoever is there acts as the local operator, unless keys are asked for: then as the bearer of theirs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chanflow.access.books import AccessBooks
from chanflow.domain.json_depth import json_depth_exceeds
from chanflow.interfaces.rest.answer import json_response
from chanflow.interfaces.rest.entry import PUBLIC, SIGNATURE, entered, signed_request
from chanflow.interfaces.rest.oauth import ProtectedResource
from chanflow.operations.outcome import Failed, failure
from chanflow.operations.principal import LOCAL_OPERATOR, Principal, caller

MAX_BODY_BYTES = 1 << 20
MAX_JSON_DEPTH = 32
MAX_BODY_S = 30.0
"""So long a body may be on its way, however it trickles."""
_DRAIN_FACTOR = 16
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
}


class Guard:
    """ASGI middleware: refuses foreign hosts, foreign origins and oversized or over-nested bodies; names the caller."""

    def __init__(
        self, app: ASGIApp, *, allowed_hosts: frozenset[str], max_body_bytes: int, new_request_id: Callable[[], str],
        books: AccessBooks | None = None, resource: ProtectedResource | None = None, max_body_s: float = MAX_BODY_S,
    ) -> None:  # fmt: skip
        self._app = app
        self._allowed_hosts = allowed_hosts
        self._max_body_bytes, self._max_body_s = max_body_bytes, max_body_s
        self._new_request_id = new_request_id
        self._books, self._resource = books, resource

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._new_request_id()
        scope.setdefault("state", {})["request_id"] = request_id

        async def marked_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._mark(message, scope["state"])
            await send(message)

        headers = Headers(scope=scope)
        refused = self._refused_head(headers, request_id)
        signs, body, principal = self._books is not None and SIGNATURE in headers, None, None
        # Who signs is known by what is signed; of anyone else nothing is read before it is known who they are.
        for step in ("body", "caller") if signs else ("caller", "body"):
            if refused is not None:
                break
            if step == "caller":
                principal = await self._principal(scope, headers, request_id, body or b"")
                refused = json_response(principal) if isinstance(principal, Failed) else None
                continue
            try:
                body, refused = await self._body(receive, request_id)
            except ClientDisconnect:
                return
        if refused is not None:
            await refused(scope, receive, marked_send)
            return
        token = caller.set(principal) if isinstance(principal, Principal) else None
        try:
            await self._app(scope, _replay(body, receive), marked_send)
        finally:
            if token is not None:
                caller.reset(token)

    def _mark(self, message: Message, state: dict[str, Any]) -> None:
        headers = MutableHeaders(scope=message)
        for name, value in (*_HEADERS.items(), ("X-Request-ID", state["request_id"])):
            headers.setdefault(name, value)
        if self._resource is not None:
            self._resource.complete(message["status"], headers)
        if (csrf := state.get("csrf")) is not None:
            headers["X-CSRF-Token"], headers["Cache-Control"] = csrf, "no-store"

    async def _principal(
        self, scope: Scope, headers: Headers, request_id: str, body: bytes
    ) -> Principal | Failed | None:
        """Return as whom the request acts, why it may not, or None for a page that is for everyone."""
        client = scope.get("client")
        ip = client[0] if client else None
        if self._books is None:
            return replace(LOCAL_OPERATOR, ip=ip)
        if scope["path"] in PUBLIC:
            return None
        signed = signed_request(scope, headers, body)
        found = await entered(self._books, headers, ip, request_id, scope["method"], signed)
        if isinstance(found, Failed):
            return found
        scope["state"]["csrf"] = found.csrf
        return found.principal

    def _refused_head(self, headers: Headers, request_id: str) -> Response | None:
        if _without_port(headers.get("host", "")) not in self._allowed_hosts:
            return json_response(failure("host_not_allowed", request_id, field="Host"))
        if "transfer-encoding" in headers and "content-length" in headers:
            message = "a request has a length or comes in chunks, not both"
            return _last(json_response(failure("invalid_argument", request_id, message, field="Transfer-Encoding")))
        origin = headers.get("origin")
        if origin is not None and _origin_host(origin) not in self._allowed_hosts:
            return json_response(failure("origin_not_allowed", request_id, field="Origin"))
        return None

    async def _body(self, receive: Receive, request_id: str) -> tuple[bytes | None, Response | None]:
        """Return the body, or why it is refused. Raises ClientDisconnect."""
        try:
            with anyio.fail_after(self._max_body_s):
                body = await _read(receive, self._max_body_bytes)
        except TimeoutError:
            return None, self._too_slow(request_id)
        return body, self._refused_body(body, request_id)

    def _too_slow(self, request_id: str) -> Response:
        message = f"a body may take {self._max_body_s:g} s to arrive"
        return _last(json_response(failure("request_too_slow", request_id, message)))

    def _refused_body(self, body: bytes | None, request_id: str) -> Response | None:
        if body is None:
            message = f"a request may have {self._max_body_bytes} bytes"
            return json_response(failure("payload_too_large", request_id, message))
        if json_depth_exceeds(body, MAX_JSON_DEPTH):
            message = f"JSON may nest {MAX_JSON_DEPTH} deep"
            return json_response(failure("invalid_argument", request_id, message))
        return None


def _last(response: Response) -> Response:
    """Return an answer after which the connection ends: what follows is no request of its own."""
    response.headers["Connection"] = "close"
    return response


async def _read(receive: Receive, most: int) -> bytes | None:
    """Return the whole body, or None for more than `most` bytes. Raises ClientDisconnect if the client left halfway.

    A longer body is drained up to a bound, as a client that is still sending does not read its answer.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size <= most:
            chunks.append(chunk)
        if not message.get("more_body", False) or size > most * _DRAIN_FACTOR:
            break
    return b"".join(chunks) if size <= most else None


def _replay(body: bytes | None, receive: Receive) -> Receive:
    waiting: deque[Message] = deque([{"type": "http.request", "body": body or b"", "more_body": False}])

    async def replayed() -> Message:
        return waiting.popleft() if waiting else await receive()

    return replayed


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _origin_host(origin: str) -> str | None:
    parts = urlsplit(origin)
    return _without_port(parts.netloc) if parts.scheme in ("http", "https") else None
