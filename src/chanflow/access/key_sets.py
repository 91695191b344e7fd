"""The key sets of issuers, kept for a while, and fetched no oftener than an issuer and a flood of tokens deserve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chanflow.domain.errors import ChanflowError
from chanflow.domain.time import NS_PER_S

FRESH_S = 600
"""So long a key set is believed without asking again."""
BEYOND_S = 3600
"""So much longer it is believed where the issuer does not answer."""
REFETCH_S = 30
"""No issuer is asked more than once in so long, whether it answers or not."""
MOST_KEYS = 100

FetchJson = Callable[[str], Awaitable[Any]]
"""Returns the JSON at a URL. Raises ChanflowError."""

Jwk = Mapping[str, Any]
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Kept:
    keys: tuple[Jwk, ...] = ()
    read_ns: int | None = None
    asked_ns: int | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class KeySets:
    """Key sets by URL. `monotonic_ns` is the time they age by."""

    def __init__(self, fetch: FetchJson, monotonic_ns: Callable[[], int]) -> None:
        self._fetch, self._now_ns = fetch, monotonic_ns
        self._kept: dict[str, _Kept] = {}

    async def key(self, url: str, kid: str | None) -> Jwk | None:
        """Return the key of an issuer that a token names, None where there is none that can be believed.

        A token without a name is taken to mean the only key there is. A name that is not known asks the issuer again.
        """
        kept = self._kept.setdefault(url, _Kept())
        found = self._named(kept, kid)
        if found is not None and self._aged(kept.read_ns, FRESH_S):
            return found
        if not self._aged(kept.asked_ns, REFETCH_S):
            async with kept.lock:
                # Whoever waited here finds what the one before brought.
                if not self._aged(kept.asked_ns, REFETCH_S):
                    await self._read(url, kept)
        elif found is None:
            async with kept.lock:
                pass  # it may just be on its way
        return self._named(kept, kid)

    def _named(self, kept: _Kept, kid: str | None) -> Jwk | None:
        if not self._aged(kept.read_ns, FRESH_S + BEYOND_S):
            return None
        if kid is None:
            return kept.keys[0] if len(kept.keys) == 1 else None
        return next((key for key in kept.keys if key.get("kid") == kid), None)

    def _aged(self, at_ns: int | None, most_s: int) -> bool:
        """Return whether something happened, no longer ago than so many seconds."""
        return at_ns is not None and self._now_ns() - at_ns < most_s * NS_PER_S

    async def _read(self, url: str, kept: _Kept) -> None:
        """Read a key set anew; where that fails, what was known stays."""
        began_ns = kept.asked_ns = self._now_ns()
        try:
            answer = await self._fetch(url)
        except ChanflowError as fault:
            _log.warning("a key set cannot be read: %s", fault)
            return
        keys = answer.get("keys") if isinstance(answer, dict) else None
        if not isinstance(keys, list) or len(keys) > MOST_KEYS:
            _log.warning("a key set is none, or has more than %d keys", MOST_KEYS)
            return
        kept.keys = tuple(key for key in keys if isinstance(key, dict) and key.get("use", "sig") == "sig")
        kept.read_ns = began_ns
