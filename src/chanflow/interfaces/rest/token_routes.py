"""The desk's own tokens over HTTP: the next ones for a refresh token, and the keys that verify them."""

from __future__ import annotations

import json

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from chanflow.access.books import AccessBooks
from chanflow.access.own_tokens import OwnTokens, TokenPair
from chanflow.domain.errors import ChanflowError
from chanflow.interfaces.rest.answer import json_response, plain_json
from chanflow.interfaces.rest.entry import REFRESH, STRANGERS_BURST, STRANGERS_PER_S
from chanflow.operations.entrance import tokens_issued
from chanflow.operations.outcome import Declined, failure, failure_of

KEYS_PATH = "/.well-known/jwks.json"
_PRIVATE = {"Cache-Control": "no-store"}


def add_tokens(app: FastAPI, books: AccessBooks | None) -> None:
    """Offer both, on a desk that asks for credentials."""
    if books is None or books.tokens is None:
        return
    tokens: OwnTokens = books.tokens

    async def keys(request: Request) -> Response:
        try:
            found = await tokens.public_keys()
        except ChanflowError as fault:
            return json_response(failure_of(fault, request.state.request_id))
        return plain_json({"keys": [dict(key) for key in found]}, headers={"Cache-Control": "public, max-age=300"})

    async def refresh(request: Request) -> Response:
        request_id: str = request.state.request_id
        bucket = f"stranger {request.client.host if request.client else None}"
        pace = books.limits.take(bucket, rate_per_s=STRANGERS_PER_S, burst=STRANGERS_BURST)
        if not pace.passed:
            return json_response(failure("rate_limited", request_id, retry_after_ms=pace.retry_after_ms))
        try:
            pair = await tokens.refresh(await _refresh_text(request))
        except ChanflowError as fault:
            return json_response(failure_of(fault, request_id))
        if not isinstance(pair, TokenPair):
            words = "the refresh token is not good, or was used before, which ends its login"
            return json_response(failure(pair, request_id, words, field="refresh_token", suggestion="log in again"))
        books.limits.give_back(bucket)
        return plain_json(tokens_issued(pair, tokens.access_s(pair)).model_dump(), headers=_PRIVATE)

    app.add_route(KEYS_PATH, keys, methods=["GET"])
    app.add_route(REFRESH, refresh, methods=["POST"])


async def _refresh_text(request: Request) -> str:
    """Return the refresh token of a body. Raises Declined."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise Declined("invalid_argument", "the body is no JSON", field="body") from None
    if not isinstance(body, dict) or set(body) != {"refresh_token"} or not isinstance(body["refresh_token"], str):
        raise Declined("invalid_argument", "the body has refresh_token, a text, and nothing else", field="body")
    return body["refresh_token"]
