"""The desk over HTTP: REST below /api/v2, MCP at /mcp, health, and a front page. Routes come from the catalogue."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from mcp.server.transport_security import TransportSecuritySettings
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import WebSocketRoute

import chanflow
from chanflow.domain.errors import NotFound
from chanflow.domain.time import rfc3339
from chanflow.interfaces.mcp.server import CatalogueServer
from chanflow.interfaces.mcp.step_up import StepUp
from chanflow.interfaces.rest.answer import json_response, plain_json, usage_headers
from chanflow.interfaces.rest.auth import add_auth
from chanflow.interfaces.rest.billing import add_billing_webhook
from chanflow.interfaces.rest.body import json_object
from chanflow.interfaces.rest.chat import answer_events
from chanflow.interfaces.rest.edge import Edge
from chanflow.interfaces.rest.frontage import LOOPBACK, Frontage
from chanflow.interfaces.rest.guard import MAX_BODY_BYTES, Guard
from chanflow.interfaces.rest.job_rows import parquet_response, wants_parquet
from chanflow.interfaces.rest.oauth import add_metadata
from chanflow.interfaces.rest.openapi import BASE, NOTICE, openapi_document
from chanflow.interfaces.rest.pages import api_page, front_page, upgrade_page
from chanflow.interfaces.rest.token_routes import add_tokens
from chanflow.interfaces.ws.door import SocketDoor
from chanflow.interfaces.ws.mcp_visit import serve_visit
from chanflow.operations.bars import known_symbols
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.chat import Chat, OpenPlanner, no_planner
from chanflow.operations.idempotency import HEADER
from chanflow.operations.offered import build_catalogue
from chanflow.operations.operation import AnyOperation, Route
from chanflow.operations.outcome import Declined, Done, Failed, Outcome, body_of, failure, failure_of
from chanflow.operations.principal import caller
from chanflow.operations.schema import input_schema, quota_cost
from chanflow.operations.services import Services
from chanflow.operations.text_arguments import arguments_from_text
from chanflow.operations.tool_text import text_of

Endpoint = Callable[[Request], Awaitable[Response]]


def build_app(
    services: Services, *, frontage: Frontage = LOOPBACK, max_body_bytes: int = MAX_BODY_BYTES,
    open_planner: OpenPlanner = no_planner, serve_mcp: Callable[[Catalogue], CatalogueServer] = CatalogueServer,
) -> FastAPI:  # fmt: skip
    """Return the HTTP application of a desk.

    It is reached as `frontage` says and reads bodies up to `max_body_bytes`. `open_planner` gives the model of the chat
    for as long as it serves, `serve_mcp` the server behind `/mcp`. Each application serves one lifespan.
    """
    catalogue, allowed_hosts = build_catalogue(services), frontage.allowed_hosts
    chat, mcp_server = Chat(catalogue), serve_mcp(catalogue)
    sockets = SocketDoor(catalogue, allowed_hosts, partial(serve_visit, mcp_server))
    mcp_routes = mcp_server.http_routes(_transport_security(allowed_hosts))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with (
            nullcontext() if services.access is None else services.access.serving(),
            services.requests.serving(),
            mcp_server.session_manager.run(),
            mcp_server.serving(),
            sockets.serving(),
            services.jobs.serving(),
            open_planner(catalogue) as chat.planner,
        ):
            yield

    app = FastAPI(title="chanflow", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.add_middleware(StepUp, catalogue=catalogue)
    app.add_middleware(
        Guard,
        allowed_hosts=allowed_hosts,
        max_body_bytes=max_body_bytes,
        new_request_id=catalogue.new_request_id,
        books=services.access,
        resource=frontage.resource,
    )
    app.add_middleware(Edge, frontage=frontage)
    app.add_exception_handler(HTTPException, _http_failure)
    app.add_exception_handler(Exception, _internal)
    _add_operations(app, catalogue)
    add_billing_webhook(app, services)
    _add_chat(app, catalogue, chat)
    add_metadata(app, frontage.resource)
    add_tokens(app, services.access)
    add_auth(app, catalogue)
    _add_pages(app, catalogue)
    _add_health(app, catalogue)
    app.router.routes[:0] = [WebSocketRoute("/mcp", sockets.serve), *mcp_routes]  # first: routes are tried in order
    return app


def _add_operations(app: FastAPI, catalogue: Catalogue) -> None:
    async def list_tools(request: Request) -> Response:
        if refused := await _refused(catalogue, request, "market:read"):
            return refused
        return plain_json([_tool(operation) for operation in catalogue.of("rest")])

    async def call_tool(request: Request) -> Response:
        try:
            name, arguments = await _call_request(request)
        except Declined as fault:
            return json_response(failure_of(fault, request.state.request_id))
        operation = catalogue.get(name, "rest")
        outcome = await _execute(catalogue, request, name, arguments)
        if isinstance(outcome, Failed):
            return json_response(outcome)
        return plain_json(_call_result(outcome, operation), headers=usage_headers(outcome))

    app.add_route(f"{BASE}/mcp/tools", list_tools, methods=["GET"])
    app.add_route(f"{BASE}/mcp/tools/call", call_tool, methods=["POST"])
    for operation in catalogue.of("rest"):
        for route in operation.routes:
            app.add_route(BASE + route.path, _typed_route(catalogue, operation, route), methods=[route.method])


async def _refused(catalogue: Catalogue, request: Request, scope: str) -> Response | None:
    """Return the answer to a request that may not be made, None for one that may."""
    failed = await catalogue.admit(caller.get(), scope, door="rest", request_id=request.state.request_id)
    return None if failed is None else json_response(failed)


def _add_chat(app: FastAPI, catalogue: Catalogue, chat: Chat) -> None:
    async def ask(request: Request) -> Response:
        if refused := await _refused(catalogue, request, "chat:use"):
            return refused
        try:
            body = await json_object(request)
            return await answer_events(chat, body, caller.get())
        except Declined as fault:
            return json_response(failure_of(fault, request.state.request_id))

    app.add_route(f"{BASE}/chat", ask, methods=["POST"])


def _typed_route(catalogue: Catalogue, operation: AnyOperation, route: Route) -> Endpoint:
    def said(request: Request) -> dict[str, Any]:
        return arguments_from_text(operation, request.path_params.items()) | dict(route.fixed)

    async def from_query(request: Request) -> Response:
        arguments = arguments_from_text(operation, request.query_params.multi_items()) | said(request)
        outcome = await _execute(catalogue, request, operation.name, arguments)
        if wants_parquet(operation, request):
            return await parquet_response(catalogue.services, outcome, request)
        return json_response(outcome)

    async def from_body(request: Request) -> Response:
        try:
            arguments = await json_object(request)
        except Declined as fault:
            return json_response(failure_of(fault, request.state.request_id))
        return json_response(await _execute(catalogue, request, operation.name, arguments | said(request)))

    return from_query if route.queried else from_body


async def _execute(catalogue: Catalogue, request: Request, name: str, arguments: dict[str, Any]) -> Outcome:
    request_id: str = request.state.request_id
    key = request.headers.get(HEADER)
    return await catalogue.execute(caller.get(), name, arguments, door="rest", request_id=request_id, key=key)


async def _call_request(request: Request) -> tuple[str, dict[str, Any]]:
    body = await json_object(request)
    if set(body) - {"name", "arguments"}:
        raise Declined("invalid_argument", "the body has name and arguments, nothing else", field="body")
    name, arguments = body.get("name"), body.get("arguments", {})
    if not isinstance(name, str):
        raise Declined("invalid_argument", "name must be text", field="name")
    if not isinstance(arguments, dict):
        raise Declined("invalid_argument", "arguments must be a JSON object", field="arguments")
    return name, arguments


def _call_result(outcome: Done, operation: AnyOperation | None) -> dict[str, Any]:
    return {
        "content": [{"type": "text", "text": text_of(outcome, operation)}],
        "structuredContent": body_of(outcome),
        "isError": False,
        "usage": dict(outcome.usage.charged),
    }


def _tool(operation: AnyOperation) -> dict[str, Any]:
    return {
        "name": operation.name,
        "description": operation.doc_en,
        "inputSchema": input_schema(operation),
        "quotaCost": quota_cost(operation),
    }


def _add_pages(app: FastAPI, catalogue: Catalogue) -> None:
    document, page, front = openapi_document(catalogue), api_page(catalogue), front_page()
    plans = upgrade_page(catalogue)

    async def openapi(_: Request) -> Response:
        return plain_json(document)

    async def api(_: Request) -> Response:
        return HTMLResponse(page)

    async def docs(_: Request) -> Response:
        return RedirectResponse(f"{BASE}/docs")

    async def root(_: Request) -> Response:
        return HTMLResponse(front)

    app.add_route(f"{BASE}/openapi.json", openapi, methods=["GET"])
    app.add_route(f"{BASE}/docs", api, methods=["GET"])
    app.add_route("/docs", docs, methods=["GET"])

    async def upgrade(_: Request) -> Response:
        return HTMLResponse(plans)

    app.add_route("/billing/upgrade", upgrade, methods=["GET"])
    app.add_route("/", root, methods=["GET"])


def _add_health(app: FastAPI, catalogue: Catalogue) -> None:
    services = catalogue.services

    async def alive(_: Request) -> Response:
        return plain_json({"status": "ok"})

    async def ready(_: Request) -> Response:
        try:
            await anyio.to_thread.run_sync(known_symbols, services.klines)
        except Exception:  # noqa: BLE001  # whatever stops the reader makes the desk unready
            return plain_json({"status": "not_ready", "reason": "market data cannot be read"}, status=503)
        return plain_json({"status": "ready"})

    async def status(request: Request) -> Response:
        if refused := await _refused(catalogue, request, "market:read"):
            return refused
        symbols = await anyio.to_thread.run_sync(known_symbols, services.klines)
        try:
            view = await anyio.to_thread.run_sync(services.account.account)
            account: dict[str, Any] | None = {
                "mode": services.account_mode,
                "known_at": rfc3339(view.snapshot.as_of_ns),
            }
        except NotFound:
            account = None
        return plain_json(
            {
                "version": chanflow.__version__,
                "time": rfc3339(services.clock.now_ns()),
                "acting_as": caller.get().kind,
                "symbols": symbols,
                "account": account,
                "notice": NOTICE,
            }
        )

    app.add_route("/healthz", alive, methods=["GET"])
    app.add_route("/readyz", ready, methods=["GET"])
    app.add_route(f"{BASE}/status", status, methods=["GET"])


async def _http_failure(request: Request, fault: Exception) -> Response:
    """Show a missing path or a wrong method in the one error body."""
    assert isinstance(fault, HTTPException)
    request_id: str = request.state.request_id
    if fault.status_code == 404:
        return json_response(failure("not_found", request_id, "there is nothing at this path"))
    response = json_response(failure("invalid_argument", request_id, "this path does not take this method"))
    response.status_code = fault.status_code
    response.headers.update(fault.headers or {})
    return response


async def _internal(request: Request, _: Exception) -> Response:
    return json_response(failure("internal", request.state.request_id))


def _transport_security(allowed_hosts: frozenset[str]) -> TransportSecuritySettings:
    hosts = sorted(allowed_hosts)
    origins = [f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts]
    return TransportSecuritySettings(
        allowed_hosts=[*hosts, *(f"{host}:*" for host in hosts)],
        allowed_origins=[*origins, *(f"{origin}:*" for origin in origins)],
    )
