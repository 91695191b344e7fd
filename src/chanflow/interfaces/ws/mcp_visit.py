"""A socket that speaks MCP: its frames go to the MCP server, each under whom the caller is by then."""

from __future__ import annotations

from chanflow.domain.json_depth import json_depth_exceeds
from chanflow.interfaces.mcp.server import CatalogueServer
from chanflow.interfaces.mcp.socket import serve_socket
from chanflow.interfaces.rest.guard import MAX_JSON_DEPTH
from chanflow.interfaces.ws.visit import POLICY, Visit
from chanflow.operations.principal import Principal


async def serve_visit(server: CatalogueServer, visit: Visit) -> None:
    """Speak MCP with a socket until it ends."""

    async def receive() -> tuple[str, Principal] | None:
        text = await visit.frame()
        if text is None:
            return None
        if json_depth_exceeds(text.encode(), MAX_JSON_DEPTH):
            visit.end(POLICY, f"JSON may nest {MAX_JSON_DEPTH} deep")
            return None
        return (text, visit.principal) if await visit.holds() else None

    await serve_socket(server, receive, visit.socket.send_text)
