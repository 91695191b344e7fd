"""REST through ccxt: its addresses and its signing, with the bare answer handed back instead of an exception.

ccxt turns an answer into exceptions by words in its text, and a lost answer into one more. Here every command has to
end in one of three outcomes, so the status and the bytes are kept as they came. ccxt's own pacing, retries and clock
are off: the venue's adapter has them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from chanflow.adapters.transport.ccxt_import import exchange_class
from chanflow.adapters.transport.venue_keys import VenueKeys
from chanflow.domain.time import NS_PER_MS, Clock

TIMEOUT_S: Final = 10.0
MAX_BODY_BYTES: Final = 64 << 20
_LONGEST_CAUSE: Final = 200
_TLS_GRACE_MS: Final = 250
"""How long TLS connections get to say goodbye."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered: status 0 where nothing was, with the cause as body. Header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CcxtDoor:
    """One exchange of ccxt, told to do nothing but sign and send.

    `options` go to ccxt as they are. `urls` are all the addresses it has, by ccxt's names of them; any other cannot be
    reached. With `sandbox` ccxt is in its sandbox mode first. Importing ccxt takes seconds, so the first request does.
    """

    def __init__(
        self,
        exchange: str,
        keys: VenueKeys,
        clock: Clock,
        *,
        options: Mapping[str, Any],
        urls: Mapping[str, str],
        sandbox: bool,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._name, self._keys, self._clock = exchange, keys, clock
        self._options, self._urls, self._sandbox = options, urls, sandbox
        self._timeout_s = timeout_s
        self._exchange: Any = None
        self.offset_ns = 0
        """The venue's clock less ours; requests are signed with the venue's time."""

    def now_ms(self) -> int:
        """Return the venue's time in Unix ms, as far as it is known here."""
        return (self._clock.now_ns() + self.offset_ns) // NS_PER_MS

    async def ask(self, api: str, method: str, path: str, params: Any) -> Reply:
        """Sign and send one request, and return the bare answer. `params` is a mapping, or a list where the API's is.

        Raises MissingExtra where ccxt is not installed.
        """
        if self._exchange is None:
            self._exchange = self._open()
        reply: Reply = await self._exchange.request(path, [api], method, params)
        return reply

    async def close(self) -> None:
        """Give the connections back."""
        if self._exchange is not None:
            await self._exchange.close()
            self._exchange = None

    def _open(self) -> Any:
        exchange = _silent(self._name, self)(
            {
                "apiKey": self._keys.key,
                "secret": self._keys.secret,
                "password": self._keys.passphrase,
                "enableRateLimit": False,
                "timeout_on_exit": _TLS_GRACE_MS if any(u.startswith("https") for u in self._urls.values()) else 0,
                "options": {**self._options},
            }
        )
        if self._sandbox:
            exchange.set_sandbox_mode(True)
        exchange.urls["api"] = dict(self._urls)
        return exchange

    async def send(self, exchange: Any, url: str, method: str, headers: Mapping[str, str] | None, body: Any) -> Reply:
        """Send what is signed over the exchange's own session; what goes wrong on the way is a reply of status 0."""
        import aiohttp
        import yarl

        exchange.open(True)
        timeout = aiohttp.ClientTimeout(total=self._timeout_s)
        try:
            async with exchange.session.request(
                method, yarl.URL(url, encoded=True), data=body.encode() if body else None,
                headers=exchange.prepare_request_headers(headers), timeout=timeout, allow_redirects=False,
            ) as answer:  # fmt: skip
                text = await answer.content.read(MAX_BODY_BYTES)
                while not answer.content.at_eof() and len(text) < MAX_BODY_BYTES:
                    text += await answer.content.read(MAX_BODY_BYTES)
                found = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status, found, text)
        except (aiohttp.ClientError, TimeoutError, OSError, asyncio.IncompleteReadError) as cause:
            # The message of such a fault may hold the address, and with it the signature.
            return Reply(0, {}, _cause(cause))


def _cause(fault: BaseException) -> bytes:
    words = type(fault).__name__
    inner = fault.__cause__ or getattr(fault, "os_error", None)
    return (f"{words}: {inner}" if isinstance(inner, OSError) else words).encode()[:_LONGEST_CAUSE]


def _silent(name: str, door: CcxtDoor) -> Any:
    """Return the exchange's class with its network replaced by `door` and its clock by the venue's."""
    base: Any = exchange_class(name)

    class Silent(base):  # type: ignore[misc]
        async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Reply:
            return await door.send(self, url, method, headers, body)

        def nonce(self) -> int:
            return door.now_ms()

    return Silent
