"""The desk's own tokens, in the database. Of a refresh token only its keyed hash is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.access.own_tokens import Family, SigningKey
from chanflow.adapters.storage.account_shelf import select_users, user_of
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.access import user
from chanflow.adapters.storage.database.tables.tokens import refresh_token, request_nonce, signing_key, token_family
from chanflow.domain.errors import NotFound


class TokenShelf:
    """Implements `access.own_tokens.TokenShelf` and `access.signed_requests.Nonces`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def signing_keys(self, retired_after_ns: int) -> Sequence[SigningKey]:
        """Return the keys in force and those retired later than a moment; those in force first, newest first."""
        column = signing_key.c
        asked = (
            select(signing_key)
            .where(or_(column.retired_at.is_(None), column.retired_at > retired_after_ns))
            .order_by(column.retired_at.is_not(None), column.created_at.desc(), column.kid)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(asked)).all()
        return [SigningKey(row.kid, row.public, row.sealed, row.created_at, row.retired_at) for row in rows]

    async def change_key(self, new: SigningKey) -> None:
        """Keep a key and retire all others, both or neither."""
        column = signing_key.c
        retiring = update(signing_key).where(column.retired_at.is_(None)).values(retired_at=new.created_ns)
        async with self._database.write() as connection:
            await connection.execute(retiring)
            await connection.execute(
                insert(signing_key).values(
                    kid=new.kid, public=dict(new.public), sealed=new.sealed, created_at=new.created_ns
                )
            )

    async def add_family(self, family: Family, token_hmac: str, expires_ns: int, now_ns: int) -> None:
        """Keep a family with its first refresh token, and forget those that ended long ago. Raises NotFound."""
        try:
            async with self._database.write() as connection:
                await connection.execute(delete(token_family).where(token_family.c.expires_at <= now_ns))
                await connection.execute(
                    insert(token_family).values(
                        id=family.id, user_id=family.user.id, created_at=now_ns, expires_at=family.expires_ns
                    )
                )
                await _add_refresh(connection, token_hmac, family.id, expires_ns)
        except IntegrityError:
            raise NotFound("there is no such user") from None

    async def rotate(self, old_hmac: str, new_hmac: str, *, now_ns: int, expires_ns: int) -> Family | None:
        """Use a refresh token and keep the next, both or neither; None where it is not good; used twice ends all."""
        column = refresh_token.c
        using = update(refresh_token).where(column.token_hmac == old_hmac, column.used_at.is_(None))
        async with self._database.write() as connection:
            used = await connection.execute(using.values(used_at=now_ns))
            shown = (
                await connection.execute(select(refresh_token).where(column.token_hmac == old_hmac))
            ).first()  # fmt: skip
            if shown is None:
                return None
            if used.rowcount == 0:
                await _revoke(connection, token_family.c.id == shown.family_id, now_ns)
                return None
            family = await _family(connection, shown.family_id)
            if family is None or not family.holds(now_ns) or shown.expires_at <= now_ns:
                return None
            await _add_refresh(connection, new_hmac, family.id, min(expires_ns, family.expires_ns))
        return family

    async def family(self, family_id: str) -> Family | None:
        """Return a family, None where there is none."""
        async with self._database.read() as connection:
            return await _family(connection, family_id)

    async def revoke_families(self, user_id: str, at_ns: int, *, family_id: str | None = None) -> int:
        """End the families of a user, or one of them; returns how many ended."""
        chosen = token_family.c.user_id == user_id
        if family_id is not None:
            chosen &= token_family.c.id == family_id
        async with self._database.write() as connection:
            return await _revoke(connection, chosen, at_ns)

    async def first_use(self, key_id: str, nonce: str, *, at_ns: int, forget_before_ns: int) -> bool:
        """Note a nonce; returns whether it is the first time since the moment before which they are forgotten."""
        try:
            async with self._database.write() as connection:
                await connection.execute(delete(request_nonce).where(request_nonce.c.at < forget_before_ns))
                await connection.execute(insert(request_nonce).values(key_id=key_id, nonce=nonce, at=at_ns))
        except IntegrityError:
            return False
        return True


async def _add_refresh(connection: AsyncConnection, token_hmac: str, family_id: str, expires_ns: int) -> None:
    await connection.execute(
        insert(refresh_token).values(token_hmac=token_hmac, family_id=family_id, expires_at=expires_ns)
    )


async def _revoke(connection: AsyncConnection, chosen: ColumnElement[bool], at_ns: int) -> int:
    ending = update(token_family).where(chosen, token_family.c.revoked_at.is_(None)).values(revoked_at=at_ns)
    return int((await connection.execute(ending)).rowcount)


async def _family(connection: AsyncConnection, family_id: str) -> Family | None:
    row: Any = (await connection.execute(select(token_family).where(token_family.c.id == family_id))).first()
    if row is None:
        return None
    owner = (await connection.execute(select_users().where(user.c.id == row.user_id))).one()
    return Family(row.id, user_of(owner), row.expires_at, row.revoked_at)
