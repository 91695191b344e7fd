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


def asked_for(context: Context[Any, Any]) -> bool:
    """Return whether the client sent a token under which it wants to hear."""
    meta = context.request_context.meta
    return meta is not None and meta.get("progress_token") is not None


@asynccontextmanager
async def told(context: Context[Any, Any], clock: Clock, total_s: float) -> AsyncIterator[None]:
    """Tell how long the block has lasted, in seconds of at most `total_s`."""
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
