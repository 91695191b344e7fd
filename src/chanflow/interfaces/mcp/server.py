"""The catalogue as an MCP server: the raw arguments reach our own models, so unknown ones are refused, not dropped."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import mcp_types
from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.request_state import RequestStateSecurity
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from pydantic import AnyUrl
from starlette.routing import Route

import chanflow
from chanflow.interfaces.mcp import confirming, progress, resources, sessions
from chanflow.interfaces.mcp.bare import BareCalls
from chanflow.interfaces.mcp.completions import Completions
from chanflow.interfaces.mcp.legacy_subscribe import LegacySubscribe
from chanflow.interfaces.mcp.notices import Notices
from chanflow.interfaces.mcp.prompts import add_prompts
from chanflow.interfaces.mcp.results import result_of, result_of_body, tool_of
from chanflow.interfaces.mcp.subscriptions import Subscriptions
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.offered import build_catalogue
from chanflow.operations.operation import AnyOperation
from chanflow.operations.outcome import Outcome, failure
from chanflow.operations.permission import why_not
from chanflow.operations.principal import Principal, caller
from chanflow.operations.schema import full_output_schema
from chanflow.operations.services import Services

NAME = "chanflow"
_INSTRUCTIONS = (
    "A trading desk: market data, Chan structure (缠论), the account. Times are RFC 3339 UTC, money is decimal text. "
    "Answers carry known_at, and stale_ms if not live. Not investment advice."
)
_LISTS_LIVE = CacheHint(ttl_ms=60_000, scope="private")
_UNKNOWN_TOOL = "Unknown tool: tools/list names those there are"
Read = Iterable[ReadResourceContents] | mcp_types.InputRequiredResult
Called = mcp_types.CallToolResult | mcp_types.InputRequiredResult


class CatalogueServer(MCPServer[Any]):
    """An MCP server whose tools and resources are the operations of a catalogue, called as `caller` says."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._notices = Notices(catalogue)
        super().__init__(
            NAME,
            title=NAME,
            instructions=_INSTRUCTIONS,
            version=chanflow.__version__,
            log_level="WARNING",
            cache_hints={
                "tools/list": _LISTS_LIVE, "prompts/list": _LISTS_LIVE, "resources/list": _LISTS_LIVE,
                "resources/templates/list": _LISTS_LIVE,
            },
            subscriptions=self._notices.bus,
            request_state_security=_sealing(catalogue.services),
        )  # fmt: skip
        self._tools = [tool_of(operation) for operation in catalogue.of("mcp")]
        self.resource("schema://tools/{name}", name="tool_schema", mime_type=resources.MIME)(self._full_schema)
        add_prompts(self)
        completions = Completions(catalogue)
        offer_completion: Callable[[Any], Any] = self.completion()  # type: ignore[no-untyped-call]
        offer_completion(lambda ref, argument, context: completions.of(caller.get(None), ref, argument, context))
        subscriptions = Subscriptions(self._notices, self.read_resource)
        self.middleware.append(subscriptions.listening)
        LegacySubscribe(self, subscriptions)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Notice changes of resources while the block lasts."""
        async with self._notices.serving():
            yield

    def http_routes(self, security: TransportSecuritySettings) -> list[Route]:
        """Return the routes of MCP over HTTP. They serve while a block of `session_manager.run` lasts."""
        self.streamable_http_app(
            streamable_http_path="/mcp", transport_security=security, session_idle_timeout=sessions.IDLE_S,
            max_sessions=sessions.MAX_SESSIONS,
        )  # fmt: skip
        served = StreamableHTTPASGIApp(self.session_manager)
        owned = sessions.OwnedSessions(served, self._catalogue.services)
        return [Route("/mcp", endpoint=BareCalls(owned, self.list_tools, self.call_tool))]

    # ── tools ─────────────────────────────────────────────────────────────────

    async def list_tools(self) -> list[mcp_types.Tool]:
        """Return the operations that the caller may call as tools, in the catalogue's order."""
        principal = caller.get(None)
        if principal is None:
            return []
        allowed = {o.name for o in self._catalogue.of("mcp") if why_not(principal, o) is None}
        return [tool for tool in self._tools if tool.name in allowed]

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None) -> Called:
        """Return the outcome of one call, or the question that comes first. Raises MCPError (-32602) for no tool."""
        operation = self._catalogue.get(name, "mcp")
        if operation is None:
            raise MCPError(code=mcp_types.INVALID_PARAMS, message=_UNKNOWN_TOOL)
        principal = caller.get(None)
        if principal is None:
            return result_of(failure("unauthenticated", self._catalogue.new_request_id()), operation)
        back = confirming.returned(context)
        if back is not None:
            question, confirmed = back
            return await self._answered(principal, operation, arguments, context, question, confirmed)
        outcome = await self._execute(principal, operation, arguments, context)
        asked = confirming.question_of(outcome) if confirming.can_ask(context) else None
        if asked is None or context is None:
            return result_of(outcome, operation)
        if confirming.asks_by_answer(context):
            return confirming.asked_in_answer(asked)
        said = await confirming.confirmed_by_asking(context, asked)
        if said is None:
            return result_of(outcome, operation)
        return await self._answered(principal, operation, arguments, context, asked, said)

    async def _answered(
        self, principal: Principal, operation: AnyOperation, arguments: dict[str, Any],
        context: Context[Any, Any] | None, question: confirming.Question, confirmed: bool,
    ) -> mcp_types.CallToolResult:  # fmt: skip
        """Return what the call came to after a yes, and what it was before, without the token, after a no."""
        if not confirmed:
            return result_of_body(dict(question.answer))
        confirmed_call = {**arguments, confirming.TOKEN: question.token}
        return result_of(await self._execute(principal, operation, confirmed_call, context), operation)

    async def _execute(
        self, principal: Principal, operation: AnyOperation, arguments: dict[str, Any],
        context: Context[Any, Any] | None,
    ) -> Outcome:  # fmt: skip
        catalogue = self._catalogue
        done = catalogue.execute(
            principal, operation.name, arguments, door="mcp", request_id=catalogue.new_request_id()
        )
        if context is None or not progress.asked_for(context):
            return await done
        async with progress.told(context, catalogue.services.clock, operation.timeout_s):
            return await done

    # ── resources ─────────────────────────────────────────────────────────────

    async def list_resources(self) -> list[mcp_types.Resource]:
        """Return the resources that have a URI of their own."""
        principal = caller.get(None)
        ours = [] if principal is None else resources.singles(self._catalogue, principal)
        return [*ours, *await super().list_resources()]

    async def list_resource_templates(self) -> list[mcp_types.ResourceTemplate]:
        """Return the kinds of resources of which there are many."""
        principal = caller.get(None)
        ours = [] if principal is None else resources.templates(self._catalogue, principal)
        return [*ours, *await super().list_resource_templates()]

    async def read_resource(self, uri: AnyUrl | str, context: Context[Any, Any] | None = None) -> Read:
        """Return what stands under a URI. Raises ResourceNotFoundError, MCPError."""
        principal = caller.get(None)
        if resources.readable(str(uri)) is None or principal is None:
            return await super().read_resource(uri, context)
        return [await resources.read(self._catalogue, principal, str(uri))]

    def _full_schema(self, name: str) -> str:
        """The whole output schema of a tool."""
        operation = self._catalogue.get(name, "mcp")
        if operation is None:
            raise MCPError(code=mcp_types.INVALID_PARAMS, message=_UNKNOWN_TOOL)
        return json.dumps(full_output_schema(operation), ensure_ascii=False, separators=(",", ":"))


def build_mcp_server(services: Services) -> CatalogueServer:
    """Return the MCP server of a desk. The caller's principal is read from `operations.principal.caller`."""
    return CatalogueServer(build_catalogue(services))


def _sealing(services: Services) -> RequestStateSecurity:
    """Return what seals the state that a client carries: under the desk's own secret, else under the process's."""

    def who(_: object) -> str | None:
        principal = caller.get(None)
        return None if principal is None else f"{principal.kind}:{principal.id}"

    if services.access is None:
        sealing = RequestStateSecurity.ephemeral(ttl=confirming.WAITS_S)
        sealing.bind_principal = who
        return sealing
    key = services.access.keyring.derived("mcp request state")
    return RequestStateSecurity(keys=[key], ttl=confirming.WAITS_S, bind_principal=who)
