"""The catalogue as an MCP server: the raw arguments reach our own models, so unknown ones are refused, not dropped."""

from __future__ import annotations

import json
from typing import Any

import mcp_types
from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError

import chanflow
from chanflow.domain.canonical import plain
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.offered import build_catalogue
from chanflow.operations.operation import AnyOperation
from chanflow.operations.outcome import Failed, Outcome, Usage, body_of, failure
from chanflow.operations.permission import why_not
from chanflow.operations.principal import caller
from chanflow.operations.schema import full_output_schema, input_schema, output_schema
from chanflow.operations.services import Services
from chanflow.operations.tool_text import text_of

_INSTRUCTIONS = (
    "A trading desk: market data, Chan structure (缠论), the account. Times are RFC 3339 UTC, money is decimal text. "
    "Answers carry known_at, and stale_ms if not live. Not investment advice."
)
_TOOLS_LIVE_MS = 60_000


class CatalogueServer(MCPServer[Any]):
    """An MCP server whose tools are the operations of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__(
            "chanflow",
            title="chanflow",
            instructions=_INSTRUCTIONS,
            version=chanflow.__version__,
            log_level="WARNING",
            cache_hints={"tools/list": CacheHint(ttl_ms=_TOOLS_LIVE_MS, scope="private")},
            subscriptions=False,
        )
        self._catalogue = catalogue
        self._tools = [_tool(operation) for operation in catalogue.of("mcp")]
        self.resource("schema://tools/{name}", name="tool_schema", mime_type="application/json")(self._full_schema)

    async def list_tools(self) -> list[mcp_types.Tool]:
        """Return the operations that the caller may call as tools, in the catalogue's order."""
        principal = caller.get(None)
        if principal is None:
            return []
        allowed = {o.name for o in self._catalogue.of("mcp") if why_not(principal, o) is None}
        return [tool for tool in self._tools if tool.name in allowed]

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        context: Context[Any, Any] | None = None,  # noqa: ARG002  # the SDK's signature
    ) -> mcp_types.CallToolResult:
        """Return the outcome of one call. Raises MCPError (-32602) for an unknown tool."""
        operation = self._catalogue.get(name, "mcp")
        if operation is None:
            raise MCPError(code=mcp_types.INVALID_PARAMS, message="Unknown tool: tools/list names those there are")
        request_id = self._catalogue.new_request_id()
        principal = caller.get(None)
        outcome: Outcome
        if principal is None:
            outcome = failure("unauthenticated", request_id)
        else:
            outcome = await self._catalogue.execute(principal, name, arguments, door="mcp", request_id=request_id)
        return _result(outcome, operation)

    def _full_schema(self, name: str) -> str:
        """The whole output schema of a tool."""
        operation = self._catalogue.get(name, "mcp")
        if operation is None:
            raise MCPError(code=mcp_types.INVALID_PARAMS, message="Unknown tool: tools/list names those there are")
        return json.dumps(full_output_schema(operation), ensure_ascii=False, separators=(",", ":"))


def build_mcp_server(services: Services) -> CatalogueServer:
    """Return the MCP server of a desk. The caller's principal is read from `operations.principal.caller`."""
    return CatalogueServer(build_catalogue(services))


def _tool(operation: AnyOperation) -> mcp_types.Tool:
    hints = operation.hints
    return mcp_types.Tool(
        name=operation.name,
        description=operation.doc_en,
        input_schema=input_schema(operation),
        output_schema=output_schema(operation),
        annotations=mcp_types.ToolAnnotations(
            read_only_hint=hints.read_only or None,
            destructive_hint=hints.destructive or None,
            idempotent_hint=hints.idempotent or None,
            open_world_hint=True,
        ),
    )


def _result(outcome: Outcome, operation: AnyOperation) -> mcp_types.CallToolResult:
    return mcp_types.CallToolResult(
        content=[mcp_types.TextContent(type="text", text=text_of(outcome, operation))],
        structured_content=body_of(outcome),
        is_error=isinstance(outcome, Failed),
        _meta=_usage(outcome),
    )


def _usage(outcome: Outcome) -> dict[str, Any] | None:
    """Return what the call was charged and where its quotas stand, None on a desk that meters nothing."""
    if isinstance(outcome, Failed) or outcome.usage == Usage():
        return None
    return {"chanflow/usage": {key: value for key, value in plain(outcome.usage).items() if value is not None}}
