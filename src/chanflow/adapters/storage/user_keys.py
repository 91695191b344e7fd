"""The keys of users' personal texts, in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, insert, select, update

from chanflow.adapters.storage.database.tables.identity import user_key
from chanflow.adapters.storage.vault import Vault


def keys_of(connection: Connection, vault: Vault, users: Collection[str]) -> Mapping[str, bytes]:
    """Return the keys that users have. Raises StorageUnwritable where one does not open."""
    if not users:
        return {}
    asked = select(user_key.c.user_id, user_key.c.sealed).where(
        user_key.c.user_id.in_(sorted(users)), user_key.c.sealed.is_not(None)
    )
    return {row.user_id: vault.key(row.sealed, row.user_id) for row in connection.execute(asked)}


def key_made(connection: Connection, vault: Vault, user_id: str) -> bytes | None:
    """Return the key of a user, made where there was none; None for a user that was erased."""
    found = (connection.execute(select(user_key).where(user_key.c.user_id == user_id))).first()
    if found is not None:
        return None if found.sealed is None else vault.key(found.sealed, user_id)
    key, sealed = vault.new_key(user_id)
    connection.execute(insert(user_key).values(user_id=user_id, sealed=sealed))
    return key


def destroy(connection: Connection, user_id: str, now_ns: int) -> None:
    """Destroy the key of a user, for good: none is made for them again."""
    gone = {"sealed": None, "destroyed_at": now_ns}
    changed = connection.execute(update(user_key).where(user_key.c.user_id == user_id).values(**gone))
    if not changed.rowcount:
        connection.execute(insert(user_key).values(user_id=user_id, **gone))
