"""Who the bearer of a credential is: each kind of credential has its reader, asked in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

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


@runtime_checkable
class StandingReader(Protocol):
    """A reader that knows without the credential how someone stands whom it let in before."""

    async def standing(self, principal: Principal) -> Principal | NoEntry | None:
        """Return as whom they act now, or why no longer; None for whom it did not let in. Raises as `principal`."""
        ...


class Bearers:
    """All kinds of credentials that a desk takes. A text is read by the first reader that knows its shape."""

    def __init__(self, readers: Sequence[BearerReader], others: Sequence[StandingReader] = ()) -> None:
        """`others` let people in another way, such as by a cookie, and know how they stand."""
        self._readers = tuple(readers)
        self._standing = (*(each for each in readers if isinstance(each, StandingReader)), *others)

    def known_shape(self, text: str) -> bool:
        """Return whether a text could be a credential of any kind."""
        return any(reader.known_shape(text) for reader in self._readers)

    async def principal(self, text: str, ip: str | None) -> Principal | NoEntry:
        """Return as whom the bearer acts, or why not. Raises StorageUnwritable, StorageBusy."""
        for reader in self._readers:
            if reader.known_shape(text):
                return await reader.principal(text, ip)
        return "unauthenticated"

    async def standing(self, principal: Principal) -> Principal | NoEntry | None:
        """Return as whom someone acts now who was let in before, or why no longer; None where no reader knows."""
        for reader in self._standing:
            if (found := await reader.standing(principal)) is not None:
                return found
        return None
