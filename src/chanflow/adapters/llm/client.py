"""HTTP to a model's server: bounded in time and size, without redirects, without the environment's proxies.

Imports httpx2, so it is imported only where a model is asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2


class ReplyTooLong(Exception):
    """A server sent more than we read of one reply."""


class _BoundedStream(httpx2.AsyncByteStream):
    """A body that ends in ReplyTooLong beyond `most` bytes."""

    def __init__(self, body: httpx2.AsyncByteStream, most: int) -> None:
        self._body, self._most = body, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for part in self._body:
            read += len(part)
            if read > self._most:
                raise ReplyTooLong(f"the reply is longer than {self._most} bytes")
            yield part

    async def aclose(self) -> None:
        await self._body.aclose()


class _BoundedTransport(httpx2.AsyncBaseTransport):
    """Bounds every reply, and takes none that is packed: a small packed reply can unfold to any size."""

    def __init__(self, most: int) -> None:
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False)
        self._most = most

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["Accept-Encoding"] = "identity"
        reply = await self._inner.handle_async_request(request)
        assert isinstance(reply.stream, httpx2.AsyncByteStream)
        if reply.headers.get("content-encoding", "identity").lower() != "identity":
            await reply.stream.aclose()
            raise ReplyTooLong("the reply is packed, though it was asked for unpacked")
        reply.stream = _BoundedStream(reply.stream, self._most)
        return reply

    async def aclose(self) -> None:
        await self._inner.aclose()


def bounded_client(*, connect_s: float, stall_s: float, max_bytes: int) -> httpx2.AsyncClient:
    """Return a client that gives up after `stall_s` without a byte and reads `max_bytes` of a reply at most."""
    return httpx2.AsyncClient(
        transport=_BoundedTransport(max_bytes),
        timeout=timeouts(connect_s=connect_s, stall_s=stall_s),
        follow_redirects=False,
        trust_env=False,
    )


def timeouts(*, connect_s: float, stall_s: float) -> httpx2.Timeout:
    """Return the bounds of every phase of a request, in seconds."""
    return httpx2.Timeout(connect=connect_s, read=stall_s, write=stall_s, pool=stall_s)
