"""The desk's database, open: one transaction at a time that writes, and any number that read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.adapters.storage.database.address import database_file, database_url
from chanflow.adapters.storage.database.engine import reading_engine, threads_engine, writing_engine
from chanflow.adapters.storage.database.faults import told
from chanflow.adapters.storage.database.versions import current, revisions, upgrade

T = TypeVar("T")


class _Threads:
    """Threads that each do a transaction whole; they start with the first."""

    def __init__(self, url: str, path: Path) -> None:
        self._url, self._path = url, path
        self._open: dict[bool, tuple[Engine, ThreadPoolExecutor]] = {}

    async def done(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        """Return what work gives in a transaction."""
        if writes not in self._open:
            threads = ThreadPoolExecutor(1 if writes else 4, thread_name_prefix="database")
            self._open[writes] = (threads_engine(self._url, writes=writes), threads)
        engine, threads = self._open[writes]
        return await asyncio.get_running_loop().run_in_executor(threads, self._done, engine, work)

    def _done(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        with told(self._path), engine.begin() as connection:
            return work(connection)

    async def close(self) -> None:
        """Let what was begun end, and close the connections."""
        while self._open:
            engine, threads = self._open.popitem()[1]
            await asyncio.to_thread(threads.shutdown)
            engine.dispose()


class Database:
    """A database of the shape this version needs. Belongs to the event loop that opened it."""

    def __init__(self, url: str) -> None:
        self.url, self.path = url, database_file(url)
        self._writer, self._reader = writing_engine(url), reading_engine(url)
        self._threads = _Threads(url, self.path)

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

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` gives within a transaction as `write` gives it, done whole in a thread of its own.

        Raises StorageBusy, StorageUnwritable; IntegrityError rises as it is.
        """
        return await self._threads.done(work, writes=True)

    async def consult(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` reads of one moment, done whole in a thread. Raises StorageUnwritable."""
        return await self._threads.done(work, writes=False)

    async def close(self) -> None:
        """Close all connections."""
        await self._threads.close()
        await self._writer.dispose()
        await self._reader.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
