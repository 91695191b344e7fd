"""The desk as a resource that OAuth protects: where it says so, and what it answers to who comes without a token.

Sources: RFC 9728 (protected resource metadata), RFC 6750 (bearer challenges), RFC 8707 (audience).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response

from chanflow.access.scopes import ROLES, SCOPES
from chanflow.interfaces.rest.answer import plain_json
from chanflow.interfaces.rest.entry import METADATA

FIRST_SCOPES = " ".join(sorted(ROLES["viewer"]))
"""What a client asks for at first; it steps up where more is needed."""


@dataclass(frozen=True, slots=True)
class ProtectedResource:
    """The resource: its URL byte for byte, and whose tokens it takes."""

    url: str
    issuers: tuple[str, ...]

    @property
    def metadata_url(self) -> str:
        """Where its metadata stand: the well-known path comes before its own."""
        path = "/mcp" if urlsplit(self.url).path == "/mcp" else ""
        return f"{self._origin}{METADATA}{path}"

    def metadata(self) -> dict[str, Any]:
        """Return what it says of itself."""
        return {
            "resource": self.url,
            "authorization_servers": list(self.issuers),
            "scopes_supported": list(SCOPES),
            "bearer_methods_supported": ["header"],
            "resource_documentation": f"{self._origin}/api/v2/docs",
        }

    def complete(self, status: int, headers: MutableHeaders) -> None:
        """Say in a challenge where the metadata are, and at a first one which scopes to ask for."""
        challenge = headers.get("www-authenticate")
        if challenge is None or not challenge.startswith("Bearer"):
            return
        parts = [challenge.removeprefix("Bearer").strip(), f'resource_metadata="{self.metadata_url}"']
        if status == 401:
            parts.append(f'scope="{FIRST_SCOPES}"')
        headers["www-authenticate"] = "Bearer " + ", ".join(part for part in parts if part)

    @property
    def _origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def add_metadata(app: FastAPI, resource: ProtectedResource | None) -> None:
    """Offer the metadata at both of their paths, where the desk has a public URL."""
    if resource is None:
        return
    said = resource.metadata()

    async def metadata(_: Request) -> Response:
        return plain_json(said, headers={"Cache-Control": "public, max-age=300"})

    for path in (METADATA, f"{METADATA}/mcp"):
        app.add_route(path, metadata, methods=["GET"])
