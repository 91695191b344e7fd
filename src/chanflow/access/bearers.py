"""Who the bearer of a credential is: each kind of credential has its reader, asked in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from chanflow.access.principals import Principal

NoEntry = Literal["unauthenticated", "ip_not_allowed"]


class BearerReader(Protocol):
    """Reads one kind of credential, such as API keys."""

    def known_shape(self, text: str) -> bool:
        """Return whether a text could be such a credential at all; asks no database and no network."""
        ...

    async def principal(self, text: str, ip: str | None) -> Principal | NoEntry:
        """Return as whom the bearer acts, or why not. Raises StorageUnwritable, StorageBusy."""
        ...


class Bearers:
    """All kinds of credentials that a desk takes. A text is read by the first reader that knows its shape."""

    def __init__(self, readers: Sequence[BearerReader]) -> None:
        self._readers = tuple(readers)

    def known_shape(self, text: str) -> bool:
        """Return whether a text could be a credential of any kind."""
        return any(reader.known_shape(text) for reader in self._readers)

    async def principal(self, text: str, ip: str | None) -> Principal | NoEntry:
        """Return as whom the bearer acts, or why not. Raises StorageUnwritable, StorageBusy."""
        for reader in self._readers:
            if reader.known_shape(text):
                return await reader.principal(text, ip)
        return "unauthenticated"
