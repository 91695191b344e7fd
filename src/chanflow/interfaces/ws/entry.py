"""Who a socket is let in as: by its header, by a ticket, or by the token in its first message.

A key has no place in an address, which proxies and histories keep: of a query only `ticket` is read, and it is taken
out before anybody can log it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.websockets import WebSocket

from chanflow.access.books import AccessBooks
from chanflow.domain.errors import ChanflowError
from chanflow.interfaces.rest.entry import STRANGERS_BURST, STRANGERS_PER_S, entered
from chanflow.operations.outcome import Failed, failure, failure_of
from chanflow.operations.principal import LOCAL_OPERATOR, Principal

_HOW = "send the header Authorization, or a ticket of POST /api/v2/ws/ticket as the query parameter ticket"


def refused_address(socket: WebSocket, allowed_hosts: frozenset[str], request_id: str) -> Failed | None:
    """Return why a socket may not be opened from where it is, None where it may."""
    if _name(f"//{socket.headers.get('host', '')}") not in allowed_hosts:
        return failure("host_not_allowed", request_id, field="Host")
    origin = socket.headers.get("origin")
    if origin is not None and _name(origin) not in allowed_hosts:
        return failure("origin_not_allowed", request_id, field="Origin")
    return None


async def let_in(books: AccessBooks | None, socket: WebSocket, request_id: str) -> Principal | Failed | None:
    """Return as whom a socket may be opened, why not, or None where its first message must say who it is."""
    query = _query(socket)
    ip = socket.client.host if socket.client else None
    if set(query) - {"ticket"} or "" in query.values():
        words = "the address of a socket has no query but ticket, once"
        return failure("unauthenticated", request_id, words, suggestion=_HOW)
    if books is None:
        return replace(LOCAL_OPERATOR, ip=ip)
    ticket, headers = query.get("ticket"), socket.headers
    if ticket is not None and "authorization" in headers:
        return failure("unauthenticated", request_id, "one credential is enough", suggestion=_HOW)
    if ticket is not None:
        return await _by_ticket(books, ticket, ip, request_id)
    return await _shown(books, headers, ip, request_id) if "authorization" in headers else None


async def by_token(books: AccessBooks, token: str, ip: str | None, request_id: str) -> Principal | Failed:
    """Return as whom the bearer of a token in a message acts, or why not."""
    if not token.isascii() or not token.isprintable():
        token = ""
    return await _shown(books, Headers(raw=[(b"authorization", f"Bearer {token}".encode())]), ip, request_id)


async def standing(books: AccessBooks, principal: Principal, token: str | None, now_ns: int) -> Principal | None:
    """Return as whom someone acts now who was let in before, None where no longer.

    Raises StorageUnwritable, StorageBusy.
    """
    if principal.expires_ns is not None and principal.expires_ns <= now_ns:
        return None
    found = await books.bearers.standing(principal)
    if found is None and token is not None:
        found = await books.bearers.principal(token, principal.ip)
    if found is None:
        return principal
    return found if isinstance(found, Principal) and found.account == principal.account else None


def try_as_stranger(books: AccessBooks, ip: str | None, request_id: str) -> Failed | None:
    """Draw from the bucket of an address's attempts; return why it may make no more of them now."""
    pace = books.limits.take(f"stranger {ip}", rate_per_s=STRANGERS_PER_S, burst=STRANGERS_BURST)
    if pace.passed:
        return None
    sentence = "too many attempts without a good key came from this address"
    return failure("rate_limited", request_id, sentence, retry_after_ms=pace.retry_after_ms)


def no_stranger(books: AccessBooks, ip: str | None) -> None:
    """Give back what an attempt drew that was good."""
    books.limits.give_back(f"stranger {ip}")


async def _shown(books: AccessBooks, headers: Headers, ip: str | None, request_id: str) -> Principal | Failed:
    """Return as whom acts who shows a credential in a header, judged as for a request that reads."""
    found = await entered(books, headers, ip, request_id, "GET")
    return found if isinstance(found, Failed) else found.principal


async def _by_ticket(books: AccessBooks, ticket: str, ip: str | None, request_id: str) -> Principal | Failed:
    if refused := try_as_stranger(books, ip, request_id):
        return refused
    try:
        found = await books.tickets.redeem(ticket, ip)
        still = None if found is None else await books.bearers.standing(found)
    except ChanflowError as fault:
        return failure_of(fault, request_id)
    if found is None or isinstance(still, str):
        words = "the ticket is none, was used, or is older than 30 seconds"
        return failure(still if isinstance(still, str) else "unauthenticated", request_id, words, suggestion=_HOW)
    no_stranger(books, ip)
    return still or found


def _query(socket: WebSocket) -> Mapping[str, str]:
    """Return the query, each name once, and take it out of what a server may log; a repeated one has no value."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(socket.scope["query_string"].decode("latin-1"), keep_blank_values=True):
        found[name] = "" if name in found else value
    socket.scope["query_string"] = b""
    return found


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
