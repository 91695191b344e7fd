"""Engines of SQLAlchemy, set up so that what is committed stays, and writers queue instead of failing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

BUSY_MS = 5_000
"""How long a writer waits for one of another process."""


def writing_engine(url: str, *, foreign_keys: bool = True) -> AsyncEngine:
    """Return an engine whose transactions take the write lock at once, one after the other in this process.

    A migration rebuilds tables with `foreign_keys` off: dropping the old table would empty those that point to it.
    """
    engine = create_async_engine(url, pool_size=1, max_overflow=0)
    _prepare(engine.sync_engine, begin="BEGIN IMMEDIATE", pragmas=(f"foreign_keys={'ON' if foreign_keys else 'OFF'}",))
    return engine


def threads_engine(url: str, *, writes: bool) -> Engine:
    """Return an engine like the other two for work that is done whole in a thread: one hop a transaction, not many."""
    parts = make_url(url).set(drivername="sqlite+pysqlite")
    engine = create_engine(parts, pool_size=1 if writes else 4, max_overflow=0)
    pragma = "foreign_keys=ON" if writes else "query_only=ON"
    _prepare(engine, begin="BEGIN IMMEDIATE" if writes else "BEGIN", pragmas=(pragma,))
    return engine


def reading_engine(url: str) -> AsyncEngine:
    """Return an engine whose transactions see one state of the database, and never wait for a writer."""
    engine = create_async_engine(url, pool_size=4, max_overflow=0)
    _prepare(engine.sync_engine, begin="BEGIN", pragmas=("query_only=ON",))
    return engine


def _prepare(engine: Engine, *, begin: str, pragmas: tuple[str, ...]) -> None:
    def on_connect(connection: Any, _: object) -> None:
        # The driver's own transactions begin late and as readers; ours are begun below, by name.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", *pragmas):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
