"""One-use links, in the database. The address that one was mailed to is sealed under the desk's key."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, insert, select, update

from chanflow.access.people import Link
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.identity import one_use_link
from chanflow.adapters.storage.vault import DESK, Vault


class LinkShelf:
    """The part of `access.identity_ports.PeopleShelf` that keeps links."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

    async def add_link(self, token_hmac: str, link: Link, now_ns: int, expires_ns: int) -> None:
        """Keep a link, and forget those that ended; one to set a password takes the place of those before it."""
        sealed = None
        if link.email is not None:
            sealed = self._vault.seal(self._vault.desk_key, DESK, link.email, f"link:{token_hmac}")
        async with self._database.write() as connection:
            await connection.execute(delete(one_use_link).where(one_use_link.c.expires_at <= now_ns))
            if link.user_id is not None:
                await connection.execute(
                    delete(one_use_link).where(
                        one_use_link.c.user_id == link.user_id, one_use_link.c.purpose == link.purpose
                    )
                )
            await connection.execute(
                insert(one_use_link).values(
                    token_hmac=token_hmac, purpose=link.purpose, user_id=link.user_id, email_sealed=sealed,
                    roles=list(link.roles), plan=link.plan, expires_at=expires_ns,
                )
            )  # fmt: skip

    async def link(self, token_hmac: str, now_ns: int) -> Link | None:
        """Return a link that still holds."""
        asked = select(one_use_link).where(*_holds(token_hmac, now_ns))
        async with self._database.read() as connection:
            row = (await connection.execute(asked)).first()
        if row is None:
            return None
        email = row.email_sealed and self._vault.open(self._vault.desk_key, row.email_sealed, f"link:{token_hmac}")
        return Link(row.purpose, row.user_id, email, tuple(row.roles), row.plan)

    async def use_link(self, token_hmac: str, now_ns: int) -> bool:
        """Use a link up; return whether it still held."""
        used = update(one_use_link).where(*_holds(token_hmac, now_ns))
        async with self._database.write() as connection:
            return bool((await connection.execute(used.values(used_at=now_ns, email_sealed=None))).rowcount)


def _holds(token_hmac: str, now_ns: int) -> tuple[ColumnElement[bool], ...]:
    held = one_use_link.c
    return held.token_hmac == token_hmac, held.used_at.is_(None), held.expires_at > now_ns
