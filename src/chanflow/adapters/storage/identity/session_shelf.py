"""Sessions, in the database. One that ended is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

from chanflow.access.keys import User
from chanflow.access.people import IDLE_NS, LONGEST_NS, SessionRecord
from chanflow.adapters.storage.account_shelf import select_users, user_of
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.access import user
from chanflow.adapters.storage.database.tables.identity import login_session


class DatabaseSessions:
    """Implements `access.identity_ports.SessionShelf`. Every method raises StorageUnwritable or StorageBusy."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_session(self, record: SessionRecord) -> None:
        """Keep a new session, and forget those that ended."""
        now_ns = record.created_ns
        async with self._database.write() as connection:
            await connection.execute(
                delete(login_session).where(
                    or_(login_session.c.seen_at <= now_ns - IDLE_NS, login_session.c.created_at <= now_ns - LONGEST_NS)
                )
            )
            await connection.execute(
                insert(login_session).values(
                    id=record.id, user_id=record.user_id, secret_hmac=record.secret_hmac,
                    created_at=record.created_ns, seen_at=record.seen_ns, ip=record.ip, client=record.client,
                    second_factor=record.second_factor,
                )
            )  # fmt: skip

    async def session(self, session_id: str) -> tuple[SessionRecord, User] | None:
        """Return a session and whose it is."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(login_session).where(login_session.c.id == session_id))).first()
            if row is None:
                return None
            owner = (await connection.execute(select_users().where(user.c.id == row.user_id))).one()
        return _session(row), user_of(owner)

    async def sessions(self, user_id: str) -> Sequence[SessionRecord]:
        """Return the sessions of a user, oldest first."""
        asked = select(login_session).where(login_session.c.user_id == user_id)
        async with self._database.read() as connection:
            rows = await connection.execute(asked.order_by(login_session.c.created_at, login_session.c.id))
            return [_session(row) for row in rows]

    async def saw_session(self, session_id: str, at_ns: int) -> None:
        """Note that a session was used."""
        async with self._database.write() as connection:
            await connection.execute(
                update(login_session)
                .where(login_session.c.id == session_id, login_session.c.seen_at < at_ns)
                .values(seen_at=at_ns)
            )

    async def end_sessions(self, user_id: str, *, only: str | None = None, but: str | None = None) -> int:
        """End sessions of a user; return how many ended."""
        ended = delete(login_session).where(login_session.c.user_id == user_id)
        if only is not None:
            ended = ended.where(login_session.c.id == only)
        if but is not None:
            ended = ended.where(login_session.c.id != but)
        async with self._database.write() as connection:
            return int((await connection.execute(ended)).rowcount)


def _session(row: Any) -> SessionRecord:
    return SessionRecord(
        row.id, row.user_id, row.secret_hmac, row.created_at, row.seen_at, row.ip, row.client, row.second_factor
    )
