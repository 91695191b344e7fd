"""Lets in who shows one credential: `Authorization: Bearer …` or a session's cookie, never a query string.

Once for each request. A write by cookie also shows where it comes from, and the token of its session: a page elsewhere
can send the cookie, and neither of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import Scope

from chanflow.access.books import AccessBooks
from chanflow.access.identity import Identity
from chanflow.access.signed_requests import SignedRequest, SignedRequests
from chanflow.domain.errors import ChanflowError
from chanflow.operations.outcome import Failed, failure, failure_of
from chanflow.operations.principal import Principal

REFRESH = "/api/v2/auth/refresh"
METADATA = "/.well-known/oauth-protected-resource"
STRANGERS = frozenset(f"/api/v2/auth/{name}" for name in ("login", "register", "verify", "forgot", "reset"))
"""What somebody does before anybody knows who they are."""

PUBLIC = STRANGERS | {
    "/", "/docs", "/billing/upgrade", "/api/v2/docs", "/api/v2/openapi.json", "/healthz", "/readyz",
    "/api/v2/billing/webhook", REFRESH, "/.well-known/jwks.json", METADATA, f"{METADATA}/mcp",
}  # fmt: skip
"""Pages that say nothing of the desk but that it is there, and how to come in."""

SESSION_COOKIE = "chanflow_session"
_READS = ("GET", "HEAD", "OPTIONS")
SIGNATURE = "x-cf-signature"
_SIGNED = ("x-cf-timestamp", "x-cf-nonce", SIGNATURE)

STRANGERS_PER_S, STRANGERS_BURST = 1, 20
"""So many attempts without a good key may come from an address."""


def signed_request(scope: Scope, headers: Headers, body: bytes) -> SignedRequest | None:
    """Return a request that carries a signature as it came, None for one without. What stands twice is not read."""
    if SIGNATURE not in headers:
        return None
    shown = {name: found[0] if len(found := headers.getlist(name)) == 1 else "" for name in _SIGNED}
    query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
    return SignedRequest(
        _bearer(headers) or "", shown["x-cf-timestamp"], shown["x-cf-nonce"], shown[SIGNATURE], scope["method"],
        f"{scope['raw_path'].decode('latin-1')}{query}", body,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entered:
    """As whom a request acts; by cookie, with the token that the writes of its session carry."""

    principal: Principal
    csrf: str | None = field(default=None, repr=False)


async def entered(
    books: AccessBooks, headers: Headers, ip: str | None, request_id: str, method: str,
    signed: SignedRequest | None = None,
) -> Entered | Failed:  # fmt: skip
    """Return as whom a request acts, or why it may not come in. One that is `signed` is judged by its signature.

    An attempt draws from its address's bucket before anything is looked up, and gets back what it drew if it was good.
    Many who show the same key at once are one attempt.
    """
    text, bucket = _bearer(headers), f"stranger {ip}"
    drew = text is None or signed is not None or not books.bearers.under_way(text, ip)
    if drew:
        pace = books.limits.take(bucket, rate_per_s=STRANGERS_PER_S, burst=STRANGERS_BURST)
        if not pace.passed:
            sentence = "too many attempts without a good key came from this address"
            return failure("rate_limited", request_id, sentence, retry_after_ms=pace.retry_after_ms)
    cookies = session_cookies(headers)
    try:
        if cookies and books.identity is not None:
            found = await _by_cookie(books.identity, headers, cookies, ip, method, request_id)
        elif signed is not None and books.signed is not None:
            found = await _signed(books.signed, signed, ip, request_id)
        else:
            found = await _by_bearer(books, headers, ip, request_id)
    except ChanflowError as fault:
        return failure_of(fault, request_id)
    if isinstance(found, Entered) and drew:
        books.limits.give_back(bucket)
    return found


def session_cookies(headers: Headers) -> list[str]:
    """Return what is shown as a session, each time that it is."""
    pairs = (part.strip().partition("=") for line in headers.getlist("cookie") for part in line.split(";"))
    return [value for name, _, value in pairs if name == SESSION_COOKIE]


async def _by_bearer(books: AccessBooks, headers: Headers, ip: str | None, request_id: str) -> Entered | Failed:
    text = _bearer(headers)
    if text is None or not books.bearers.known_shape(text):
        suggestion = "send one header Authorization: Bearer cf_…"
        return failure("unauthenticated", request_id, field="Authorization", suggestion=suggestion)
    found = await books.bearers.principal(text, ip)
    return Entered(found) if isinstance(found, Principal) else failure(found, request_id, field="Authorization")


async def _by_cookie(
    identity: Identity, headers: Headers, cookies: list[str], ip: str | None, method: str, request_id: str
) -> Entered | Failed:
    if len(cookies) + len(headers.getlist("authorization")) > 1:
        return failure("unauthenticated", request_id, "show one credential, not several", field="Cookie")
    text = cookies[0]
    found = await identity.sessions.principal(text, ip)
    if not isinstance(found, Principal):
        return failure(found, request_id, field="Cookie", suggestion="log in: POST /api/v2/auth/login")
    if method not in _READS and (
        headers.get("origin") is None or not identity.sessions.csrf_fits(text, headers.get("x-csrf-token"))
    ):
        return failure("csrf_required", request_id, field="X-CSRF-Token")
    return Entered(found, identity.sessions.csrf(text))


async def _signed(judge: SignedRequests, signed: SignedRequest, ip: str | None, request_id: str) -> Entered | Failed:
    found = await judge.principal(signed, ip)
    if isinstance(found, Principal):
        return Entered(found)
    words = "sign anew: a nonce is good once, and a time for 30 s"
    return failure(found, request_id, field=SIGNATURE, suggestion=words)


def _bearer(headers: Headers) -> str | None:
    """Return the one credential of a request; several are as good as none."""
    shown = headers.getlist("authorization")
    if len(shown) != 1:
        return None
    scheme, _, text = shown[0].partition(" ")
    return text.strip() if scheme.lower() == "bearer" and text.isascii() else None
