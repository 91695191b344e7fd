"""Calls without a handshake: `tools/list` and `tools/call` as one JSON-RPC object, which needs no session.

So a plain HTTP client calls a tool with one request. Whatever names a session or a revision of the protocol is the
SDK's to serve.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types
from mcp.shared.exceptions import MCPError
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ListTools = Callable[[], Awaitable[list[mcp_types.Tool]]]
CallTool = Callable[[str, dict[str, Any]], Awaitable[Any]]
_METHODS = ("tools/list", "tools/call")
_OF_PROTOCOL = ("mcp-session-id", "mcp-protocol-version")


class BareCalls:
    """Answers calls without a handshake; everything else goes on to `app`."""

    def __init__(self, app: ASGIApp, list_tools: ListTools, call_tool: CallTool) -> None:
        self._app, self._list_tools, self._call_tool = app, list_tools, call_tool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = Headers(scope=scope)
        if scope["method"] != "POST" or any(name in headers for name in _OF_PROTOCOL):
            await self._app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        call = _bare_call(body)
        if call is None:
            await self._app(scope, _again(body, receive), send)
            return
        await JSONResponse(await self._answer(call))(scope, receive, send)

    async def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        head = {"jsonrpc": "2.0", "id": call["id"]}
        try:
            return head | {"result": await self._result(call)}
        except MCPError as fault:
            return head | {"error": fault.error.model_dump(by_alias=True, exclude_none=True)}

    async def _result(self, call: dict[str, Any]) -> dict[str, Any]:
        if call["method"] == "tools/list":
            found = await self._list_tools()
            return {"tools": [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in found]}
        params = call.get("params", {})
        name, arguments = params.get("name"), params.get("arguments", {})
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise MCPError(code=mcp_types.INVALID_PARAMS, message="params are name, a text, and arguments, an object")
        result = await self._call_tool(name, arguments)
        shown: dict[str, Any] = result.model_dump(by_alias=True, exclude_none=True, mode="json")
        return shown


def _bare_call(body: bytes) -> dict[str, Any] | None:
    """Return a call without a handshake, None for anything else, a call of a revision without sessions included."""
    try:
        call = json.loads(body)
    except ValueError:
        return None
    if not isinstance(call, dict) or call.get("jsonrpc") != "2.0" or call.get("method") not in _METHODS:
        return None
    params, call_id = call.get("params", {}), call.get("id")
    if not isinstance(params, dict) or "_meta" in params or isinstance(call_id, bool):
        return None
    return call if isinstance(call_id, str | int) else None


def _again(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed
