"""People, in the database: addresses and secrets sealed, found again by keyed hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.access.keys import secret_hmac
from chanflow.access.people import Factor, Person
from chanflow.adapters.storage.account_shelf import select_users, user_of
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.access import user
from chanflow.adapters.storage.database.tables.identity import consent, person, recovery_code
from chanflow.adapters.storage.identity.link_shelf import LinkShelf
from chanflow.adapters.storage.user_keys import key_made, keys_of
from chanflow.adapters.storage.vault import Vault
from chanflow.domain.errors import InvalidArgument, NotFound

_OF_USER = ("name", "roles")


class DatabasePeople(LinkShelf):
    """Implements `access.identity_ports.PeopleShelf`. Every method raises StorageUnwritable or StorageBusy."""

    def __init__(self, database: Database, vault: Vault, pepper: bytes) -> None:
        super().__init__(database, vault)
        self._pepper = pepper

    async def person(self, user_id: str) -> Person | None:
        """Return a user by id."""
        return await self._first(user.c.id == user_id)

    async def person_called(self, login: str) -> Person | None:
        """Return a user by name, else by mail address."""
        named = await self._first(user.c.name == login)
        return named or await self._first(person.c.email_hmac == self._email_hmac(login.lower()))

    async def name_taken(self, name: str) -> bool:
        """Return whether a name is somebody's, in any mix of capitals."""
        async with self._database.read() as connection:
            return bool(
                (await connection.execute(select(exists().where(func.lower(user.c.name) == name.lower())))).scalar()
            )

    async def people(self) -> Sequence[Person]:
        """Return everybody, oldest first."""
        asked = _asked().order_by(user.c.created_at, user.c.id)
        async with self._database.read() as connection:
            rows = (await connection.execute(asked)).all()
            keys = await connection.run_sync(keys_of, self._vault, [row.id for row in rows if row.email_sealed])
            return [self._person(row, keys) for row in rows]

    async def add_person(self, new: Person, *, now_ns: int, notice_due: bool) -> None:
        """Keep a new user. Raises InvalidArgument for a name or an address that is taken."""
        made = new.user
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    insert(user).values(
                        id=made.id, name=made.name, roles=list(made.roles), plan=made.plan, created_at=made.created_ns
                    )
                )
                kept = await self._columns(connection, made.id, {"email": new.email})
                await connection.execute(
                    insert(person).values(
                        user_id=made.id, password_hash=new.password_hash, notice_asked=notice_due, changed_at=now_ns,
                        **kept,
                    )
                )  # fmt: skip
        except IntegrityError:
            raise _taken() from None

    async def change_person(self, user_id: str, now_ns: int, **changed: Any) -> None:
        """Set `name`, `email`, `password_hash`, `roles` or `deletion_ns`. Raises InvalidArgument, NotFound."""
        ours = {name: changed.pop(name) for name in _OF_USER if name in changed}
        try:
            async with self._database.write() as connection:
                if not (await connection.execute(select(user.c.id).where(user.c.id == user_id))).first():
                    raise NotFound("there is no such user")
                if "name" in ours and await _is_anothers(connection, user_id, ours["name"]):
                    raise _taken()
                if ours:
                    await connection.execute(update(user).where(user.c.id == user_id).values(**ours))
                if "deletion_ns" in changed:
                    changed["deletion_at"] = changed.pop("deletion_ns")
                values = await self._columns(connection, user_id, changed)
                await _upsert(connection, user_id, {**values, "changed_at": now_ns})
        except IntegrityError:
            raise _taken() from None

    async def offer_factor(self, user_id: str, secret: str, now_ns: int) -> None:
        """Keep an authenticator's secret that is yet to be confirmed."""
        async with self._database.write() as connection:
            key = await self._key(connection, user_id)
            sealed = self._vault.seal(key, user_id, secret, f"factor:{user_id}")
            fresh = {"factor_sealed": sealed, "factor_confirmed": False, "factor_step": -1, "changed_at": now_ns}
            await _upsert(connection, user_id, fresh)

    async def take_step(self, user_id: str, step: int, *, confirming: Sequence[str] | None = None) -> bool:
        """Take a code's step if it is later than the last one; with hashes of recovery codes confirm the secret."""
        values: dict[str, Any] = {"factor_step": step}
        asked = update(person).where(person.c.user_id == user_id, person.c.factor_step < step)
        if confirming is not None:
            values["factor_confirmed"] = True
            asked = asked.where(person.c.factor_confirmed.is_(False))
        async with self._database.write() as connection:
            if not (await connection.execute(asked.values(**values))).rowcount:
                return False
            if confirming is not None:
                await connection.execute(delete(recovery_code).where(recovery_code.c.user_id == user_id))
                rows = [{"code_hmac": hashed, "user_id": user_id} for hashed in confirming]
                await connection.execute(insert(recovery_code), rows)
            return True

    async def take_recovery(self, user_id: str, code_hmac: str, now_ns: int) -> bool:
        """Take a recovery code, once."""
        taken = update(recovery_code).where(
            recovery_code.c.user_id == user_id,
            recovery_code.c.code_hmac == code_hmac,
            recovery_code.c.used_at.is_(None),
        )
        async with self._database.write() as connection:
            return bool((await connection.execute(taken.values(used_at=now_ns))).rowcount)

    async def end_factor(self, user_id: str) -> None:
        """Forget the authenticator and its recovery codes."""
        gone = {"factor_sealed": None, "factor_confirmed": False, "factor_step": -1}
        async with self._database.write() as connection:
            await connection.execute(update(person).where(person.c.user_id == user_id).values(**gone))
            await connection.execute(delete(recovery_code).where(recovery_code.c.user_id == user_id))

    async def accept(self, user_id: str, version: str, now_ns: int) -> int:
        """Record that a user accepted a version of the notice; return when they first did."""
        same = (consent.c.user_id == user_id, consent.c.version == version)
        async with self._database.write() as connection:
            found = (await connection.execute(select(consent.c.at).where(*same))).scalar()
            if found is None:
                await connection.execute(insert(consent).values(user_id=user_id, version=version, at=now_ns))
            return now_ns if found is None else int(found)

    async def _first(self, condition: Any) -> Person | None:
        async with self._database.read() as connection:
            row = (await connection.execute(_asked().where(condition))).first()
            if row is None:
                return None
            return self._person(row, await connection.run_sync(keys_of, self._vault, [row.id]))

    def _person(self, row: Any, keys: Mapping[str, bytes]) -> Person:
        key = keys.get(row.id)
        email = factor = None
        if key is not None and row.email_sealed is not None:
            email = self._vault.open(key, row.email_sealed, f"email:{row.id}")
        if key is not None and row.factor_sealed is not None:
            secret = self._vault.open(key, row.factor_sealed, f"factor:{row.id}")
            factor = Factor(secret, row.factor_confirmed, row.factor_step)
        return Person(user_of(row), email, row.password_hash, factor, row.deletion_at)

    async def _columns(self, connection: AsyncConnection, user_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is kept for values: an address as its hash, and sealed."""
        kept = dict(values)
        email = kept.pop("email", None)
        if email is not None:
            key = await self._key(connection, user_id)
            kept["email_hmac"] = self._email_hmac(email)
            kept["email_sealed"] = self._vault.seal(key, user_id, email, f"email:{user_id}")
        return kept

    async def _key(self, connection: AsyncConnection, user_id: str) -> bytes:
        key = await connection.run_sync(key_made, self._vault, user_id)
        if key is None:
            raise NotFound("there is no such user")
        return key

    def _email_hmac(self, email: str) -> str:
        return secret_hmac(self._pepper, f"email {email}")


def _asked() -> Any:
    columns = (
        person.c.email_sealed, person.c.password_hash, person.c.factor_sealed, person.c.factor_confirmed,
        person.c.factor_step, person.c.deletion_at,
    )  # fmt: skip
    return select_users().add_columns(*columns).outerjoin_from(user, person, person.c.user_id == user.c.id)


async def _upsert(connection: AsyncConnection, user_id: str, values: Mapping[str, Any]) -> None:
    changed = await connection.execute(update(person).where(person.c.user_id == user_id).values(**values))
    if not changed.rowcount:
        await connection.execute(insert(person).values(user_id=user_id, **values))


async def _is_anothers(connection: AsyncConnection, user_id: str, name: str) -> bool:
    asked = select(exists().where(func.lower(user.c.name) == name.lower(), user.c.id != user_id))
    return bool((await connection.execute(asked)).scalar())


def _taken() -> InvalidArgument:
    return InvalidArgument("the name or the address is taken: choose another", field="name")
