"""The outermost layer: who really calls, and whether over TLS. What others write of themselves counts for nothing.

A proxy that is trusted tells whom it serves (`X-Forwarded-For`) and how they came (`X-Forwarded-Proto`). Everyone can
write these headers, so they count only from a peer that the settings name, and of the addresses only the right-most
that is not such a proxy: what stands left of it was written by the caller.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chanflow.interfaces.rest.frontage import Frontage

HSTS = "max-age=31536000; includeSubDomains"


def caller_address(peer: str, forwarded: Sequence[str], frontage: Frontage) -> str:
    """Return whose request it is: the peer, or whom a trusted one serves, by the `X-Forwarded-For` headers it sent."""
    peer = _plain(peer) or peer
    found = peer
    entries = [entry.strip() for header in forwarded for entry in header.split(",")]
    while frontage.trusts(found) and entries:
        named = _plain(entries.pop())
        if named is None:  # the proxy before wrote no address: it is the last that can be named
            return found
        found = named
    return found


def _plain(text: str) -> str | None:
    """Return an address without port and brackets, a v4 one in the clothes of v6 as v4; None for what is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


class Edge:
    """ASGI middleware: names the caller and the scheme, and sends who came in plain HTTP to HTTPS."""

    def __init__(self, app: ASGIApp, *, frontage: Frontage) -> None:
        self._app, self._frontage = app, frontage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers, peer = Headers(scope=scope), scope.get("client")
        scheme = scope.get("scheme", "http")
        if peer is not None:
            scope["client"] = (caller_address(peer[0], headers.getlist("x-forwarded-for"), self._frontage), peer[1])
            scheme = self._scheme(_plain(peer[0]) or peer[0], headers, scheme)
        socket = scope["type"] == "websocket"
        scope["scheme"] = {"http": "ws", "https": "wss"}.get(scheme, scheme) if socket else scheme
        if not socket and self._came_plain(peer, headers):
            await self._to_https(scope, headers)(scope, receive, send)
            return

        async def sealed_send(message: Message) -> None:
            if message["type"] == "http.response.start" and scheme in ("https", "wss"):
                MutableHeaders(scope=message).setdefault("Strict-Transport-Security", HSTS)
            await send(message)

        await self._app(scope, receive, sealed_send)

    def _scheme(self, peer: str, headers: Headers, own: str) -> str:
        told = _told_scheme(headers)
        return told if told is not None and self._frontage.trusts(peer) else own

    def _came_plain(self, peer: tuple[str, int] | None, headers: Headers) -> bool:
        """Return whether a trusted proxy says that the caller came without TLS, to a name that is ours."""
        if peer is None or not self._frontage.trusts(_plain(peer[0]) or peer[0]):
            return False
        return _told_scheme(headers) == "http" and _name(headers) in self._frontage.allowed_hosts

    def _to_https(self, scope: Scope, headers: Headers) -> RedirectResponse:
        query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        return RedirectResponse(f"https://{_name(headers)}{path}{query}", status_code=308)


def _told_scheme(headers: Headers) -> str | None:
    told = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()
    return told if told in ("http", "https") else None


def _name(headers: Headers) -> str:
    host = headers.get("host", "")
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
