"""Users and their keys, in the database. Of a secret only its keyed hash is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, case, delete, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.access.keys import KeyRecord, User
from chanflow.access.notice import NOTICE_VERSION
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.access import api_key, user
from chanflow.adapters.storage.database.tables.identity import consent, login_session, person
from chanflow.domain.errors import InvalidArgument, NotFound


class AccountShelf:
    """Implements `access.ports.KeyShelf`, and keeps users. Every method raises StorageUnwritable or StorageBusy."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_user(self, new: User) -> None:
        """Keep a new user. Raises InvalidArgument for a name that is taken."""
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    insert(user).values(
                        id=new.id, name=new.name, roles=list(new.roles), plan=new.plan, created_at=new.created_ns
                    )
                )
        except IntegrityError:
            raise InvalidArgument(f"there is a user {new.name} already: choose another name", field="name") from None

    async def users(self) -> Sequence[User]:
        """Return all users, oldest first."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select_users().order_by(user.c.created_at, user.c.id))).all()
        return [user_of(row) for row in rows]

    async def user(self, name: str) -> User:
        """Return a user by name or id. Raises NotFound."""
        async with self._database.read() as connection:
            row = (await connection.execute(select_users().where(or_(user.c.name == name, user.c.id == name)))).first()
        if row is None:
            raise NotFound(f"there is no user {name}: chanflow user list shows those there are")
        return user_of(row)

    async def change_user(self, user_id: str, **changed: Any) -> None:
        """Set columns of a user, which counts for each of their keys; one who is disabled has no more sessions."""
        async with self._database.write() as connection:
            await connection.execute(update(user).where(user.c.id == user_id).values(**changed))
            if changed.get("disabled_at") is not None:
                await connection.execute(delete(login_session).where(login_session.c.user_id == user_id))

    async def key(self, key_id: str) -> tuple[KeyRecord, User] | None:
        """Return a key and its owner, None where there is no such key."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(api_key).where(api_key.c.id == key_id))).first()
            if row is None:
                return None
            owner = (await connection.execute(select_users().where(user.c.id == row.user_id))).one()
        return _key(row), user_of(owner)

    async def owner(self, user_id: str) -> User | None:
        """Return a user by id, None where there is none."""
        async with self._database.read() as connection:
            row = (await connection.execute(select_users().where(user.c.id == user_id))).first()
        return None if row is None else user_of(row)

    async def keys(self, user_id: str | None) -> Sequence[KeyRecord]:
        """Return the keys of a user, or of all, oldest first."""
        asked = select(api_key).order_by(api_key.c.created_at, api_key.c.id)
        if user_id is not None:
            asked = asked.where(api_key.c.user_id == user_id)
        async with self._database.read() as connection:
            return [_key(row) for row in (await connection.execute(asked)).all()]

    async def add_key(self, record: KeyRecord) -> None:
        """Keep a new key. Raises NotFound for an owner that is none."""
        try:
            async with self._database.write() as connection:
                await _insert(connection, record)
        except IntegrityError:
            raise NotFound("there is no such user") from None

    async def replace_key(self, old_id: str, new: KeyRecord, old_ends_ns: int) -> None:
        """Keep a new key and end the old one at a moment, both or neither."""
        async with self._database.write() as connection:
            await _insert(connection, new)
            await _end(connection, old_id, old_ends_ns)

    async def change_key(self, old: KeyRecord, new: KeyRecord) -> None:
        """Set what differs of name, scopes, addresses and expiry. Raises NotFound."""
        before, changing = _terms(old), update(api_key).where(api_key.c.id == old.id)
        changed = {name: value for name, value in _terms(new).items() if value != before[name]}
        if not changed:
            return
        async with self._database.write() as connection:
            if not (await connection.execute(changing.values(**changed))).rowcount:
                raise NotFound("there is no such key")

    async def note_use(self, key_id: str, at_ns: int) -> None:
        """Note that a key was used, unless it is noted for a later moment."""
        column = api_key.c
        later = or_(column.last_used_at.is_(None), column.last_used_at < at_ns)
        async with self._database.write() as connection:
            await connection.execute(update(api_key).where(column.id == key_id, later).values(last_used_at=at_ns))

    async def revoke_key(self, key_id: str, at_ns: int) -> None:
        """End a key at a moment, unless it ended sooner. Raises NotFound."""
        async with self._database.write() as connection:
            if not await _end(connection, key_id, at_ns):
                raise NotFound("there is no such key")


async def _insert(connection: AsyncConnection, record: KeyRecord) -> None:
    await connection.execute(
        insert(api_key).values(
            id=record.id, user_id=record.user_id, secret_hmac=record.secret_hmac, created_at=record.created_ns,
            revoked_at=record.revoked_ns, signing="required" if record.signing else "none", sealed=record.sealed,
            **_terms(record),
        )
    )  # fmt: skip


def _terms(record: KeyRecord) -> dict[str, Any]:
    """Return what may change of a key."""
    return {
        "name": record.name, "scopes": sorted(record.scopes), "allow_ips": list(record.allow_ips),
        "expires_at": record.expires_ns, "elicitation_trusted": record.elicitation_trusted,
        "paper_only": record.paper_only,
    }  # fmt: skip


async def _end(connection: AsyncConnection, key_id: str, at_ns: int) -> int:
    sooner = case((api_key.c.revoked_at < at_ns, api_key.c.revoked_at), else_=at_ns)
    ended = await connection.execute(update(api_key).where(api_key.c.id == key_id).values(revoked_at=sooner))
    return int(ended.rowcount)


def select_users() -> Select[Any]:
    """Return what asks for users, with whether they have yet to accept the notice."""
    asked = exists().where(person.c.user_id == user.c.id, person.c.notice_asked).correlate(user)
    accepted = exists().where(consent.c.user_id == user.c.id, consent.c.version == NOTICE_VERSION).correlate(user)
    return select(user, and_(asked, ~accepted).label("notice_due")).select_from(user)


def user_of(row: Any) -> User:
    """Return the user of a row that `select_users` asked for."""
    return User(row.id, row.name, tuple(row.roles), row.plan, row.created_at, row.disabled_at, bool(row.notice_due))


def _key(row: Any) -> KeyRecord:
    return KeyRecord(
        row.id, row.user_id, row.name, row.secret_hmac, frozenset(row.scopes), tuple(row.allow_ips), row.created_at,
        row.expires_at, row.revoked_at, row.sealed, row.signing == "required", row.elicitation_trusted, row.paper_only,
        row.last_used_at,
    )  # fmt: skip
