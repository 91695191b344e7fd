"""MCP over a socket: the SDK's own dispatcher, in both eras of the protocol, over two streams in memory.

The principal of each frame is set before the frame is handed on, and travels with it in the context.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import mcp_types
from mcp.server import MCPServer
from mcp.shared._context_streams import create_context_streams
from mcp.shared.message import SessionMessage
from pydantic import ValidationError

from chanflow.domain.errors import ChanflowError
from chanflow.operations.principal import Principal, caller

Receive = Callable[[], Awaitable[tuple[str, Principal] | None]]
"""Gives the next frame and who sent it, None where the socket ended. Raises ChanflowError where that cannot be seen."""
Send = Callable[[str], Awaitable[None]]

_NO_MESSAGE = json.dumps(
    {"jsonrpc": "2.0", "id": None, "error": {"code": mcp_types.PARSE_ERROR, "message": "the frame is no message"}}
)
_UNSEEN = json.dumps(
    {"jsonrpc": "2.0", "id": None, "error": {"code": mcp_types.INTERNAL_ERROR, "message": "try again later"}}
)


async def serve_socket(server: MCPServer[Any], receive: Receive, send: Send) -> None:
    """Serve one socket until it ends."""
    to_server, from_client = create_context_streams[SessionMessage | Exception](0)
    to_client, from_server = create_context_streams[SessionMessage](0)
    sending = anyio.Lock()

    async def say(text: str) -> None:
        async with sending:
            await send(text)

    async def read() -> None:
        async with to_server:
            while True:
                try:
                    frame = await receive()
                except ChanflowError:
                    await say(_UNSEEN)
                    continue
                if frame is None:
                    return
                text, principal = frame
                try:
                    message = mcp_types.jsonrpc_message_adapter.validate_json(text, by_name=False)
                except ValidationError:
                    await say(_NO_MESSAGE)
                    continue
                caller.set(principal)
                async with sending:
                    pass  # who does not read is not read from
                await to_server.send(SessionMessage(message))

    async def write() -> None:
        async with from_server:
            async for each in from_server:
                await say(each.message.model_dump_json(by_alias=True, exclude_unset=True))

    lowlevel = server._lowlevel_server  # noqa: SLF001  # as the SDK's own stdio does
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write)
        tasks.start_soon(read)
        await lowlevel.run(from_client, to_client, lowlevel.create_initialization_options())
        tasks.cancel_scope.cancel()
