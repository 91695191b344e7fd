"""What callers confirmed, ordered and asked for under names of their own, as a process has it at hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from chanflow.domain.time import Randomness
from chanflow.runtime.home import Home

if TYPE_CHECKING:
    from chanflow.adapters.storage.database.database import Database
    from chanflow.adapters.storage.request_store import SqlRequests

TOKEN_BITS = 128


class RequestBook:
    """Opens the requests of a data directory: for one question, or once for as long as `serving` lasts."""

    def __init__(self, home: Home, randomness: Randomness) -> None:
        self._home, self._randomness = home, randomness
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Lock | None = None
        self._kept: Database | None = None

    def new_token(self) -> str:
        """Return 128 random bits in hex."""
        return f"{self._randomness.stream('confirmations').getrandbits(TOKEN_BITS):032x}"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[SqlRequests]:
        """Give the requests. Raises StorageUnwritable, StorageBusy."""
        from chanflow.adapters.storage.request_store import SqlRequests

        if self._opening is not None and self._loop is asyncio.get_running_loop():
            async with self._opening:
                if self._kept is None:
                    self._kept = await self._opened()
            yield SqlRequests(self._kept)
            return
        async with await self._opened() as database:
            yield SqlRequests(database)

    async def _opened(self) -> Database:
        from chanflow.adapters.storage.database.database import Database

        self._home.prepare()
        return await Database.open(self._home.database_path)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Keep the database open from its first use on, while the block lasts, for what runs in this event loop."""
        self._loop, self._opening = asyncio.get_running_loop(), asyncio.Lock()
        try:
            yield
        finally:
            kept, self._kept, self._loop, self._opening = self._kept, None, None, None
            if kept is not None:
                await kept.close()
