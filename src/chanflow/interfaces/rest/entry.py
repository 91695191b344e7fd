"""Lets in who shows a key: `Authorization: Bearer cf_…`, never a query string. Once for each request."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Scope

from chanflow.access.books import AccessBooks
from chanflow.access.signed_requests import SignedRequest, SignedRequests
from chanflow.domain.errors import ChanflowError
from chanflow.operations.outcome import Failed, failure, failure_of
from chanflow.operations.principal import Principal

REFRESH = "/api/v2/auth/refresh"
METADATA = "/.well-known/oauth-protected-resource"
PUBLIC = frozenset({
    "/", "/docs", "/billing/upgrade", "/api/v2/docs", "/api/v2/openapi.json", "/healthz", "/readyz",
    "/api/v2/billing/webhook",
    REFRESH, "/.well-known/jwks.json", METADATA, f"{METADATA}/mcp",
})  # fmt: skip
"""Pages that say nothing of the desk but that it is there, and how to come in."""

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


async def entered(
    books: AccessBooks, headers: Headers, ip: str | None, request_id: str, signed: SignedRequest | None = None
) -> Principal | Failed:
    """Return as whom a request acts, or why it may not come in. One that is `signed` is judged by its signature.

    An attempt draws from its address's bucket before anything is looked up, and gets back what it drew if it was good.
    """
    bucket = f"stranger {ip}"
    pace = books.limits.take(bucket, rate_per_s=STRANGERS_PER_S, burst=STRANGERS_BURST)
    if not pace.passed:
        sentence = "too many attempts without a good key came from this address"
        return failure("rate_limited", request_id, sentence, retry_after_ms=pace.retry_after_ms)
    text = _bearer(headers)
    if signed is not None and books.signed is not None:
        return await _signed(books, books.signed, signed, ip, bucket, request_id)
    if text is None or not books.bearers.known_shape(text):
        suggestion = "send one header Authorization: Bearer cf_…"
        return failure("unauthenticated", request_id, field="Authorization", suggestion=suggestion)
    try:
        found = await books.bearers.principal(text, ip)
    except ChanflowError as fault:
        return failure_of(fault, request_id)
    if isinstance(found, Principal):
        books.limits.give_back(bucket)
        return found
    return failure(found, request_id, field="Authorization")


async def _signed(
    books: AccessBooks, judge: SignedRequests, signed: SignedRequest, ip: str | None, bucket: str, request_id: str
) -> Principal | Failed:
    try:
        found = await judge.principal(signed, ip)
    except ChanflowError as fault:
        return failure_of(fault, request_id)
    if isinstance(found, Principal):
        books.limits.give_back(bucket)
        return found
    words = "sign anew: a nonce is good once, and a time for 30 s"
    return failure(found, request_id, field=SIGNATURE, suggestion=words)


def _bearer(headers: Headers) -> str | None:
    """Return the one credential of a request; several are as good as none."""
    shown = headers.getlist("authorization")
    if len(shown) != 1:
        return None
    scheme, _, text = shown[0].partition(" ")
    return text.strip() if scheme.lower() == "bearer" and text.isascii() else None
