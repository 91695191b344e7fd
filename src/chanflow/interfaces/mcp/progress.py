"""Tells a client that asked for progress that its call is still being worked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.server.mcpserver import Context

from chanflow.domain.time import NS_PER_S, Clock

EVERY_NS = 2 * NS_PER_S
"""How often; clients and what lies between give up on a connection that is silent for half a minute."""


@asynccontextmanager
async def told(context: Context[Any, Any] | None, clock: Clock, total_s: float) -> AsyncIterator[None]:
    """Tell how long the block has lasted, in seconds of at most `total_s`, where the client sent a progress token."""
    asked = context is not None and (context.request_context.meta or {}).get("progress_token") is not None
    if not asked or context is None:
        yield
        return
    async with anyio.create_task_group() as group:
        group.start_soon(_tell, context, clock, total_s)
        yield
        group.cancel_scope.cancel()


async def _tell(context: Context[Any, Any], clock: Clock, total_s: float) -> None:
    began_ns = clock.monotonic_ns()
    while True:
        await clock.sleep_until(clock.now_ns() + EVERY_NS)
        lasted_s = (clock.monotonic_ns() - began_ns) / NS_PER_S
        await context.report_progress(min(lasted_s, total_s), total_s, "working")
