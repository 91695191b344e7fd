"""Sessions of the 2025 protocol: each is for whoever opened it. Calls of the 2026 protocol have none."""

from __future__ import annotations

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.types import ASGIApp, Receive, Scope, Send

from chanflow.operations.principal import caller

IDLE_S = 1_800.0
MAX_SESSIONS = 2_000


class OwnedSessions:
    """Tells the SDK who is asking, so that a session's name in another caller's hands is no session."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request as its caller."""
        principal = caller.get(None)
        if principal is not None:
            token = AccessToken(token="", client_id=f"{principal.kind}:{principal.id}", scopes=[])
            scope = {**scope, "user": AuthenticatedUser(token)}
        await self._app(scope, receive, send)
