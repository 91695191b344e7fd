"""Tickets of sockets in the database, so that any process may take back what another gave."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, insert, select

from chanflow.access.principals import Principal
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.leases import socket_ticket as ticket


class SqlTickets:
    """Implements `access.ports.TicketShelf`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, digest: str, principal: Principal, *, expires_ns: int, now_ns: int) -> None:
        """Keep a ticket by its digest; what is too old is deleted."""
        row = {**asdict(principal), "roles": list(principal.roles), "scopes": sorted(principal.scopes)}
        async with self._database.write() as connection:
            await connection.execute(delete(ticket).where(ticket.c.expires_at <= now_ns))
            await connection.execute(insert(ticket).values(digest=digest, principal=row, expires_at=expires_ns))

    async def take(self, digest: str, now_ns: int) -> Principal | None:
        """Return whose ticket it is, and forget it; None for one that is not there or is too old."""
        async with self._database.write() as connection:
            row = (await connection.execute(select(ticket).where(ticket.c.digest == digest))).first()
            if row is None:
                return None
            await connection.execute(delete(ticket).where(ticket.c.digest == digest))
        return None if row.expires_at <= now_ns else _principal(row.principal)


def _principal(found: dict[str, Any]) -> Principal:
    return Principal(**{**found, "roles": tuple(found["roles"]), "scopes": frozenset(found["scopes"])})
