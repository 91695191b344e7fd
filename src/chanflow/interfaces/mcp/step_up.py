"""Answers who calls a tool without its scope by 403, so that an OAuth client can ask for more and try again.

Clients of the 2026 era name the tool in a header, so this is known before the SDK reads anything; those before find an
error result. What the header says decides nothing else: the SDK compares it with the body, and the call itself is
judged as any other.
"""

from __future__ import annotations

from mcp.shared.inbound import MCP_METHOD_HEADER, MCP_NAME_HEADER, decode_header_value
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from chanflow.interfaces.rest.answer import json_response
from chanflow.operations.catalogue import Catalogue
from chanflow.operations.outcome import Failed
from chanflow.operations.principal import caller


class StepUp:
    """ASGI middleware around MCP, within whatever names the caller."""

    def __init__(self, app: ASGIApp, *, catalogue: Catalogue) -> None:
        self._app, self._catalogue = app, catalogue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refused = await self._refused(scope) if scope["type"] == "http" and scope["path"] == "/mcp" else None
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await json_response(refused)(scope, receive, send)

    async def _refused(self, scope: Scope) -> Failed | None:
        """Return the failure of a call whose scope the caller lacks, counted and audited as any refusal."""
        headers, principal = Headers(scope=scope), caller.get(None)
        name = decode_header_value(headers.get(MCP_NAME_HEADER))
        if name is None or headers.get(MCP_METHOD_HEADER) != "tools/call" or principal is None:
            return None
        operation = self._catalogue.get(name, "mcp")
        if operation is None or operation.scope in principal.scopes:
            return None
        request_id: str = scope["state"]["request_id"]
        outcome = await self._catalogue.execute(principal, name, {}, door="mcp", request_id=request_id)
        return outcome if isinstance(outcome, Failed) else None
