"""The desk's database, open: one transaction at a time that writes, and any number that read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.adapters.storage.database.address import database_file, database_url
from chanflow.adapters.storage.database.engine import reading_engine, writing_engine
from chanflow.adapters.storage.database.faults import told
from chanflow.adapters.storage.database.versions import current, revisions, upgrade


class Database:
    """A database of the shape this version needs. Belongs to the event loop that opened it."""

    def __init__(self, url: str) -> None:
        self.url, self.path = url, database_file(url)
        self._writer, self._reader = writing_engine(url), reading_engine(url)

    @classmethod
    async def open(cls, where: Path | str) -> Self:
        """Return the database at a path or an address, made or brought to the newest shape where needed.

        Raises StorageUnwritable for one that is newer than this version, damaged, not ours, or on a network
        filesystem; StorageBusy; SettingsInvalid for an address that cannot be.
        """
        url = where if isinstance(where, str) else database_url(where)
        if await current(url) != revisions()[-1]:
            await upgrade(url)
        return cls(url)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction that sees all before it and is durable when the block ends; a fault undoes it.

        Raises StorageBusy, StorageUnwritable; IntegrityError rises as it is.
        """
        with told(self.path):
            async with self._writer.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a view of one moment. Raises StorageUnwritable."""
        with told(self.path):
            async with self._reader.begin() as connection:
                yield connection

    async def close(self) -> None:
        """Close all connections."""
        await self._writer.dispose()
        await self._reader.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
