"""REST through httpx, one client for a venue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chanflow.market.ports import RestReply, RestRequest

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 10.0
MAX_BODY_BYTES = 64 << 20


class HttpxRest:
    """A `RestClient`. It follows no redirect, so a request goes to the host that the settings name."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def ask(self, request: RestRequest) -> RestReply:
        """Return the answer, with status 0 and the cause as body where there was none."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False)
        method = "GET" if request.body is None else "POST"
        headers = {} if request.body is None else {"Content-Type": "application/json"}
        try:
            async with self._client.stream(
                method, request.url, params=list(request.params), content=request.body, headers=headers
            ) as reply:
                body = b""
                async for piece in reply.aiter_bytes():
                    body += piece
                    if len(body) > MAX_BODY_BYTES:
                        return RestReply(0, {}, f"the reply is longer than {MAX_BODY_BYTES} bytes".encode())
                return RestReply(reply.status_code, dict(reply.headers), body)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as cause:
            return RestReply(0, {}, (str(cause) or type(cause).__name__).encode())

    async def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
