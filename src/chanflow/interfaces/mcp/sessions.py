"""Who may go on with what was opened before: sessions of the 2025 protocol, and streams that stay open.

A session is for whoever opened it; calls of the 2026 protocol have none. A stream ends soon after its caller's key.
"""

from __future__ import annotations

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from chanflow.access.bearers import Bearers
from chanflow.domain.errors import ChanflowError
from chanflow.domain.time import NS_PER_S, Clock
from chanflow.operations.principal import Principal, caller
from chanflow.operations.services import Services

IDLE_S = 1_800.0
MAX_SESSIONS = 2_000
LOOK_NS = 2 * NS_PER_S
"""How often it is looked whether the key of an open stream still holds."""


class OwnedSessions:
    """Tells the SDK who is asking, so that a session's name in another caller's hands is no session."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app, self._clock = app, services.clock
        self._bearers = None if services.access is None else services.access.bearers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request as its caller."""
        principal = caller.get(None)
        if principal is not None:
            token = AccessToken(token="", client_id=f"{principal.kind}:{principal.id}", scopes=[])
            scope = {**scope, "user": AuthenticatedUser(token)}
        shown = None if self._bearers is None else _shown_for_long(scope)
        if self._bearers is None or shown is None or principal is None:
            await self._app(scope, receive, send)
            return
        async with anyio.create_task_group() as group:
            group.start_soon(_end_with_key, self._bearers, shown, principal, self._clock, group.cancel_scope)
            await self._app(scope, receive, send)
            group.cancel_scope.cancel()


def _shown_for_long(scope: Scope) -> str | None:
    """Return the key shown for a stream that stays open, None for any other request."""
    headers = Headers(scope=scope)
    if scope["method"] != "GET" and headers.get("mcp-method") != "subscriptions/listen":
        return None
    return headers.get("authorization", "").partition(" ")[2].strip() or None


async def _end_with_key(
    bearers: Bearers, shown: str, principal: Principal, clock: Clock, scope: anyio.CancelScope
) -> None:
    """Cancel a stream once its key no longer names its caller; what cannot be read now is read again."""
    while True:
        await clock.sleep_until(clock.now_ns() + LOOK_NS)
        try:
            found = await bearers.principal(shown, principal.ip)
        except ChanflowError:
            continue
        if not isinstance(found, Principal) or found.id != principal.id:
            scope.cancel()
