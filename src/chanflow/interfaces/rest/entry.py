"""Lets in who shows a key: `Authorization: Bearer cf_…`, never a query string. Once for each request."""

from __future__ import annotations

from starlette.datastructures import Headers

from chanflow.access.books import AccessBooks
from chanflow.domain.errors import ChanflowError
from chanflow.operations.outcome import Failed, failure, failure_of
from chanflow.operations.principal import Principal

PUBLIC = frozenset({"/", "/docs", "/api/v2/docs", "/api/v2/openapi.json", "/healthz", "/readyz"})
"""Pages that say nothing of the desk but that it is there."""

STRANGERS_PER_S, STRANGERS_BURST = 1, 20
"""So many attempts without a good key may come from an address."""


async def entered(books: AccessBooks, headers: Headers, ip: str | None, request_id: str) -> Principal | Failed:
    """Return as whom a request acts, or why it may not come in.

    An attempt draws from its address's bucket before anything is looked up, and gets back what it drew if it was good.
    Many who show the same key at once are one attempt.
    """
    text, bucket = _bearer(headers), f"stranger {ip}"
    drew = text is None or not books.bearers.under_way(text, ip)
    if drew:
        pace = books.limits.take(bucket, rate_per_s=STRANGERS_PER_S, burst=STRANGERS_BURST)
        if not pace.passed:
            sentence = "too many attempts without a good key came from this address"
            return failure("rate_limited", request_id, sentence, retry_after_ms=pace.retry_after_ms)
    if text is None or not books.bearers.known_shape(text):
        suggestion = "send one header Authorization: Bearer cf_…"
        return failure("unauthenticated", request_id, field="Authorization", suggestion=suggestion)
    try:
        found = await books.bearers.principal(text, ip)
    except ChanflowError as fault:
        return failure_of(fault, request_id)
    if isinstance(found, Principal):
        if drew:
            books.limits.give_back(bucket)
        return found
    return failure(found, request_id, field="Authorization")


def _bearer(headers: Headers) -> str | None:
    """Return the one credential of a request; several are as good as none."""
    shown = headers.getlist("authorization")
    if len(shown) != 1:
        return None
    scheme, _, text = shown[0].partition(" ")
    return text.strip() if scheme.lower() == "bearer" and text.isascii() else None
