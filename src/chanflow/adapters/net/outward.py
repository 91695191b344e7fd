"""The one way to an address that somebody else has named: webhooks out, and the key sets of issuers in.

A name is resolved once and every address it has must be public; the connection goes to the address that was checked,
while the certificate and `Host` keep the name. So no answer of a name server can turn a request onto this machine or
its network, not even one that changes between the check and the connection. No redirect is followed, no proxy and no
credential of the environment is used, and an exchange ends after five seconds.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from chanflow.adapters.net.public_address import is_public
from chanflow.domain.errors import InvalidArgument, OutsideUnreachable
from chanflow.domain.json_depth import json_depth_exceeds

if TYPE_CHECKING:
    import httpx

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Returns the addresses of a name, best first. Raises OSError."""

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 32
MAX_URL: Final = 2048
TIMEOUT_S: Final = 5.0
_CONNECT_S: Final = 2.0


def outward_url(text: str, *, allowed_origins: frozenset[str] = frozenset(), field: str = "url") -> str:
    """Return the origin of a URL that may be asked: https with a host, no user and no fragment.

    `allowed_origins` are further ones, as `http://127.0.0.1:8080`. Raises InvalidArgument. Nothing is resolved: a name
    may still turn out to be of a private address when it is asked.
    """
    if len(text) > MAX_URL:
        raise InvalidArgument(f"{field} has {len(text)} characters, allowed are {MAX_URL}", field=field)
    if not text.isascii() or any(letter <= " " or letter in "\\\x7f" for letter in text):
        raise InvalidArgument(f"{field} holds spaces, backslashes or letters beyond ASCII: encode them", field=field)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidArgument(f"{field} is no URL", field=field) from None
    origin = f"{parts.scheme}://{parts.netloc.lower()}"
    if not host or port == 0:
        raise InvalidArgument(f"{field} names no host, or port 0", field=field)
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidArgument(f"{field} holds a user, a password or a fragment: leave them out", field=field)
    if parts.scheme != "https" and origin not in allowed_origins:
        raise InvalidArgument(f"{field} must begin with https://", field=field)
    return origin


async def system_resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name by the system's resolver. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Outward:
    """Asks addresses outside. `allowed_origins` may also be private or plain http: for a test's server on loopback.

    `trust` are the certificates believed, the public ones unless given.
    """

    def __init__(
        self, *, allowed_origins: frozenset[str] = frozenset(), trust: ssl.SSLContext | None = None,
        resolve: Resolve = system_resolve,
    ) -> None:  # fmt: skip
        self._allowed, self._trust, self._resolve = allowed_origins, trust, resolve

    async def examine(self, url: str, *, field: str = "url") -> str:
        """Return the origin of a URL that may be asked, its name looked up now; it is looked up again when it is asked.

        Raises InvalidArgument for one that may not be asked, OutsideUnreachable where its name has no address now.
        """
        import httpx

        origin = outward_url(url, allowed_origins=self._allowed, field=field)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._checked(httpx.URL(url), origin)
        except (TimeoutError, OSError, UnicodeError, httpx.InvalidURL):
            raise OutsideUnreachable(f"{_shown(url)} has no address that could be found") from None
        return origin

    async def get_json(self, url: str) -> Any:
        """Return the JSON at a URL, of at most 64 kB and 32 levels.

        Raises InvalidArgument for a URL that may not be asked, OutsideUnreachable where no such answer came.
        """
        async with self._answered("GET", url, headers={"Accept": "application/json"}) as answer:
            if answer.status_code != 200:
                raise OutsideUnreachable(f"{_shown(url)} answered {answer.status_code}, wanted is 200")
            body = await _whole(answer, url)
        if json_depth_exceeds(body, MAX_DEPTH):
            raise OutsideUnreachable(f"{_shown(url)} answered JSON deeper than {MAX_DEPTH} levels")
        try:
            return json.loads(body)
        except ValueError:
            raise OutsideUnreachable(f"{_shown(url)} answered no JSON") from None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a body of at most 64 kB and return the status of the answer, whatever it is; its body stays unread.

        Raises InvalidArgument for what may not be sent, OutsideUnreachable where no answer came: the receiver may
        still have the body.
        """
        if len(body) > MAX_BYTES:
            raise InvalidArgument(f"the body has {len(body)} bytes, allowed are {MAX_BYTES}", field="body")
        async with self._answered("POST", url, headers=headers, content=body) as answer:
            return answer.status_code

    @asynccontextmanager
    async def _answered(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None = None
    ) -> AsyncIterator[httpx.Response]:
        import httpx

        origin = outward_url(url, allowed_origins=self._allowed)
        if self._trust is None:
            self._trust = httpx.create_ssl_context(trust_env=False)
        named = httpx.URL(url)
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                httpx.AsyncClient(
                    verify=self._trust, trust_env=False, follow_redirects=False,
                    timeout=httpx.Timeout(TIMEOUT_S, connect=_CONNECT_S),
                ) as client,
            ):  # fmt: skip
                addresses = await self._checked(named, origin)
                answer = await _sent(client, method, named, addresses, headers, content)
                try:
                    yield answer
                finally:
                    await answer.aclose()
        except (TimeoutError, httpx.TimeoutException):
            raise OutsideUnreachable(f"{_shown(url)} did not answer within {TIMEOUT_S:g} s") from None
        except (httpx.HTTPError, OSError) as fault:
            raise OutsideUnreachable(f"{_shown(url)} cannot be reached: {type(fault).__name__}") from None

    async def _checked(self, url: httpx.URL, origin: str) -> list[str]:
        """Return the addresses of a URL's host. Raises InvalidArgument unless each is public, or its origin allowed."""
        host = url.raw_host.decode("ascii")
        addresses = await self._resolve(host, url.port or 443)
        if not addresses:
            raise OutsideUnreachable(f"{host} has no address")
        if origin not in self._allowed and not all(is_public(address) for address in addresses):
            raise InvalidArgument(
                f"{host} has an address that is not of the public internet: name a public host", field="url"
            )
        return addresses


async def _sent(
    client: httpx.AsyncClient, method: str, url: httpx.URL, addresses: list[str], headers: Mapping[str, str],
    content: bytes | None,
) -> httpx.Response:  # fmt: skip
    """Send to the first address that takes a connection. Raises httpx.HTTPError of the last one where none does."""
    import httpx

    for last, address in enumerate(addresses, 1 - len(addresses)):
        request = client.build_request(
            method, url.copy_with(host=address), content=content,
            headers={**headers, "Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )  # fmt: skip
        try:
            return await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if last == 0:
                raise
    raise AssertionError("there is at least one address")


async def _whole(answer: httpx.Response, url: str) -> bytes:
    """Return the body as it came. Raises OutsideUnreachable for one that is packed, or longer than the bound."""
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise OutsideUnreachable(f"{_shown(url)} answered in an encoding nobody asked for")
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise OutsideUnreachable(f"{_shown(url)} answered more than {MAX_BYTES} bytes")
    return bytes(body)


def _shown(url: str) -> str:
    """Return what words may say of a URL: its path may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"
