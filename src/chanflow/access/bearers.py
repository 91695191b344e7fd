"""Who the bearer of a credential is: each kind of credential has its reader, asked in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from chanflow.access.principals import Principal
from chanflow.domain.errors import ChanflowError, StorageBusy

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
        self._reading: dict[tuple[str, str | None], asyncio.Future[Principal | NoEntry]] = {}

    def known_shape(self, text: str) -> bool:
        """Return whether a text could be a credential of any kind."""
        return any(reader.known_shape(text) for reader in self._readers)

    def under_way(self, text: str, ip: str | None) -> bool:
        """Return whether this very credential is being read for this address at the moment."""
        return (text, ip) in self._reading

    async def principal(self, text: str, ip: str | None) -> Principal | NoEntry:
        """Return as whom the bearer acts, or why not; many who show the same at once are read once.

        Raises StorageUnwritable, StorageBusy.
        """
        key = (text, ip)
        if (under_way := self._reading.get(key)) is not None:
            return await asyncio.shield(under_way)
        read = self._reading[key] = asyncio.get_running_loop().create_future()
        try:
            found = await self._read(text, ip)
        except BaseException as fault:
            # Who waits beside a caller that left reads again; nobody need be there to hear of a fault.
            read.set_exception(fault if isinstance(fault, ChanflowError) else StorageBusy("the reading was given up"))
            read.exception()
            raise
        else:
            read.set_result(found)
            return found
        finally:
            del self._reading[key]

    async def _read(self, text: str, ip: str | None) -> Principal | NoEntry:
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
