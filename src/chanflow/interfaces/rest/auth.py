"""The entrance over HTTP: logging in and out, signing up, mailed links; and the file of an export."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from chanflow.access.books import AccessBooks
from chanflow.access.principals import Principal
from chanflow.domain.errors import ChanflowError
from chanflow.interfaces.rest.answer import json_response
from chanflow.interfaces.rest.body import json_object
from chanflow.interfaces.rest.entry import SESSION_COOKIE, STRANGERS_BURST, STRANGERS_PER_S, session_cookies
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.entrance import Entrance
from chanflow.operations.identity import identity_of
from chanflow.operations.operation import Answer
from chanflow.operations.outcome import Declined, Done, Failed, Usage, failure, failure_of
from chanflow.operations.principal import caller

BASE = "/api/v2"
_LOOPBACK = re.compile(r"(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_EXPORT = re.compile(r"[0-9a-f]{32}")
_MONTH_S = 30 * 86_400
_NO_STORE = {"Cache-Control": "no-store"}
Work = Callable[[Request], Awaitable[Response]]


def add_auth(app: FastAPI, catalogue: Catalogue) -> None:
    """Add the routes of the entrance."""
    entrance = Entrance(catalogue.services)

    async def log_in(request: Request) -> Response:
        ip = _ip(request)
        found = await entrance.log_in(
            await json_object(request), ip=ip, client=request.headers.get("user-agent"),
            request_id=request.state.request_id,
        )  # fmt: skip
        if isinstance(found, Failed):
            return json_response(found)
        answer, session = found
        await _end_former(catalogue, request, ip)
        response = _answered(answer)
        _set_cookie(request, response, session.text, _MONTH_S)
        return response

    async def log_out(request: Request) -> Response:
        principal, request_id = caller.get(), request.state.request_id
        if principal.kind != "user" or principal.client is None:
            return json_response(failure("conflict", request_id, "there is no session to end"))
        outcome = await catalogue.execute(
            principal, "end_sessions", {"session_id": principal.client}, door="rest", request_id=request_id
        )
        response = json_response(outcome)
        _set_cookie(request, response, "", 0)
        return response

    async def register(request: Request) -> Response:
        return _shown(await entrance.register(await json_object(request), request.state.request_id))

    async def forgot(request: Request) -> Response:
        return _shown(await entrance.forgot(await json_object(request), request.state.request_id))

    async def verify(request: Request) -> Response:
        return _shown(await entrance.verify(await json_object(request), _ip(request), request.state.request_id))

    async def reset(request: Request) -> Response:
        return _shown(await entrance.reset(await json_object(request), _ip(request), request.state.request_id))

    async def export(request: Request) -> Response:
        return await _export(catalogue, request)

    for name, work in (("register", register), ("forgot", forgot), ("verify", verify), ("reset", reset)):
        app.add_route(f"{BASE}/auth/{name}", _slowed(catalogue, work), methods=["POST"])
    app.add_route(f"{BASE}/auth/login", _slowed(catalogue, log_in), methods=["POST"])
    app.add_route(f"{BASE}/auth/logout", _told(log_out), methods=["POST"])
    app.add_route(f"{BASE}/user/export/{{export_id}}", _told(export), methods=["GET"])


def _told(work: Work) -> Work:
    """Return the same work, whose faults are shown in the one error body."""

    async def done(request: Request) -> Response:
        try:
            return await work(request)
        except ChanflowError as fault:
            return json_response(failure_of(fault, request.state.request_id))

    return done


def _slowed(catalogue: Catalogue, work: Work) -> Work:
    """Return work for strangers: each draws from its address's bucket, and gets back what it drew for a good login."""

    async def done(request: Request) -> Response:
        books: AccessBooks | None = catalogue.services.access
        if books is None:
            raise Declined("conflict", "this desk asks nobody who they are", suggestion="access.required=true")
        bucket = f"stranger {_ip(request)}"
        pace = books.limits.take(bucket, rate_per_s=STRANGERS_PER_S, burst=STRANGERS_BURST)
        if not pace.passed:
            sentence = "too many attempts came from this address"
            refused = failure("rate_limited", request.state.request_id, sentence, retry_after_ms=pace.retry_after_ms)
            return json_response(refused)
        response = await work(request)
        if response.status_code == 200 and request.url.path.endswith("/login"):
            books.limits.give_back(bucket)
        return response

    return _told(done)


async def _end_former(catalogue: Catalogue, request: Request, ip: str | None) -> None:
    """End the session that the browser had before: nobody goes on under an id that was there before the login."""
    sessions = identity_of(catalogue.services).sessions
    for text in session_cookies(request.headers)[:1]:
        former = await sessions.principal(text, ip)
        if isinstance(former, Principal) and former.user_id is not None and former.client is not None:
            await sessions.end(former.user_id, former.client)


async def _export(catalogue: Catalogue, request: Request) -> Response:
    principal, request_id = caller.get(), request.state.request_id
    export_id = request.path_params["export_id"]
    found = None
    if principal.kind == "user" and principal.user_id is not None and _EXPORT.fullmatch(export_id):
        found = identity_of(catalogue.services).privacy.file(principal.user_id, export_id)
    if found is None:
        return json_response(failure("not_found", request_id, "there is no such export, or its day is over"))
    return FileResponse(found, media_type="application/zip", filename="chanflow-export.zip", headers=_NO_STORE)


def _shown(answer: Answer | Failed) -> Response:
    return json_response(answer) if isinstance(answer, Failed) else _answered(answer)


def _answered(answer: Answer) -> Response:
    response = json_response(Done(answer, Usage()))
    response.headers.update(_NO_STORE)
    return response


def _set_cookie(request: Request, response: Response, text: str, lasts_s: int) -> None:
    """Put the session into a cookie no script reads and no other site sends; over TLS alone, but for this machine."""
    plain = request.url.scheme == "http" and _LOOPBACK.fullmatch(request.headers.get("host", "")) is not None
    response.set_cookie(
        SESSION_COOKIE, text, max_age=lasts_s, path="/", secure=not plain, httponly=True, samesite="strict"
    )


def _ip(request: Request) -> str | None:
    return request.client.host if request.client else None
