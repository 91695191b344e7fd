"""The end of an account: keys revoked, sessions and profile deleted, the key of its personal texts destroyed.

The user's row stays under a name that says nothing, since what was charged, audited and traded names its id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.access.scopes import scopes_of, trades
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.access import api_key, user
from chanflow.adapters.storage.database.tables.alerts import alert
from chanflow.adapters.storage.database.tables.identity import login_session, one_use_link, person, recovery_code
from chanflow.adapters.storage.database.tables.tokens import refresh_token, token_family
from chanflow.adapters.storage.user_keys import destroy


async def due(database: Database, now_ns: int) -> Sequence[tuple[str, bool]]:
    """Return the users whose time to change their mind is over, with whether they trade. Raises StorageUnwritable."""
    asked = select(user.c.id, user.c.roles).join(person, person.c.user_id == user.c.id)
    async with database.read() as connection:
        rows = await connection.execute(asked.where(person.c.deletion_at <= now_ns).order_by(user.c.id))
        return [(row.id, trades(scopes_of(row.roles))) for row in rows]


async def erase(database: Database, user_id: str, now_ns: int) -> bool:
    """Erase a user, whole or not at all, if that is still wanted; return whether it was done.

    Deleted pages are overwritten, and the write-ahead log emptied, so that no old page keeps what is gone. Raises
    StorageUnwritable, StorageBusy.
    """
    async with database.write() as connection, _overwriting(connection):
        wanted = select(person.c.user_id).where(person.c.user_id == user_id, person.c.deletion_at <= now_ns)
        if (await connection.execute(wanted)).first() is None:
            return False
        await connection.execute(
            update(api_key)
            .where(api_key.c.user_id == user_id, api_key.c.revoked_at.is_(None))
            .values(revoked_at=now_ns)
        )
        await connection.execute(
            update(api_key).where(api_key.c.user_id == user_id).values(name="erased", allow_ips=[])
        )
        families = select(token_family.c.id).where(token_family.c.user_id == user_id)
        await connection.execute(delete(refresh_token).where(refresh_token.c.family_id.in_(families)))
        for table in (token_family, login_session, recovery_code, one_use_link, person):
            await connection.execute(delete(table).where(table.c.user_id == user_id))
        await connection.execute(
            update(alert)
            .where(alert.c.account == user_id, alert.c.status == "active")
            .values(status="deleted", changed_at=now_ns)
        )
        await connection.execute(
            update(user).where(user.c.id == user_id).values(name=f"erased-{user_id}", roles=[], disabled_at=now_ns)
        )
        await connection.run_sync(destroy, user_id, now_ns)
    await _empty_log(database)
    return True


@asynccontextmanager
async def _overwriting(connection: AsyncConnection) -> AsyncIterator[None]:
    """Have SQLite overwrite what the block deletes; other databases see to that themselves."""
    if connection.dialect.name != "sqlite":
        yield
        return
    await connection.exec_driver_sql("PRAGMA secure_delete=ON")
    try:
        yield
    finally:
        await connection.exec_driver_sql("PRAGMA secure_delete=OFF")


async def _empty_log(database: Database) -> None:
    """Carry SQLite's write-ahead log into the database and cut it; where readers hold it, a later checkpoint does."""
    async with database.read() as connection:
        if connection.dialect.name != "sqlite":
            return
        await connection.exec_driver_sql("COMMIT")  # no checkpoint is made within a transaction
        try:
            await connection.exec_driver_sql("PRAGMA query_only=OFF")
            await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            await connection.exec_driver_sql("PRAGMA query_only=ON")
            await connection.exec_driver_sql("BEGIN")
