"""Leases of open sockets in the database: one row a socket, judged and written under the write lock.

Rows whose time is over count for nothing, and are deleted by whoever opens the next socket.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chanflow.access.quota import PERIODS, Demand, Spent, Taken
from chanflow.adapters.storage.database.database import Database
from chanflow.adapters.storage.database.tables.access import usage_counter as counter
from chanflow.adapters.storage.database.tables.leases import socket_lease as lease
from chanflow.domain.time import NS_PER_S

LEASE_NS = 60 * NS_PER_S
SYMBOLS_QUOTA = "alert_subscription"
"""The quota that symbols of open sockets count into, beside active alerts."""
_CHUNK = 400


class SqlSocketLeases:
    """Implements `access.ports.SocketLeases`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, lease_id: str, account: str, *, most: int, now_ns: int) -> bool:
        """Take a lease, unless the account has `most` already."""
        async with self._database.write() as connection:
            await connection.execute(delete(lease).where(lease.c.expires_at <= now_ns))
            asked = select(func.count()).where(lease.c.account == account)
            if int((await connection.execute(asked)).scalar_one()) >= most:
                return False
            row = {"id": lease_id, "account": account, "symbols": 0, "expires_at": now_ns + LEASE_NS}
            await connection.execute(insert(lease).values(**row))
        return True

    async def hold(self, lease_id: str, account: str, *, symbols: int, limit: int, now_ns: int) -> Taken | Spent:
        """Let a lease hold so many symbols in all, if the account's alerts and leases stay within the limit."""
        async with self._database.write() as connection:
            own = (await connection.execute(select(lease.c.symbols).where(lease.c.id == lease_id))).scalar() or 0
            open_now = await connection.run_sync(held, [account], now_ns)
            used = await _alerts(connection, account) + open_now.get(account, 0)
            demand = Demand(SYMBOLS_QUOTA, symbols - own, limit, PERIODS[SYMBOLS_QUOTA])
            if demand.cost > 0 and not demand.fits(used):
                return Spent(demand, used)
            await connection.execute(update(lease).where(lease.c.id == lease_id).values(symbols=symbols))
        return Taken({SYMBOLS_QUOTA: used + demand.cost})

    async def symbols(self, account: str, now_ns: int) -> int:
        """Return how many symbols the account's leases hold."""
        async with self._database.read() as connection:
            return (await connection.run_sync(held, [account], now_ns)).get(account, 0)

    async def renew(self, lease_ids: Sequence[str], now_ns: int) -> Sequence[str]:
        """Make leases last from now on; returns those that had ended."""
        ended: list[str] = []
        async with self._database.write() as connection:
            for at in range(0, len(lease_ids), _CHUNK):
                chunk = lease_ids[at : at + _CHUNK]
                lasting = lease.c.id.in_(chunk) & (lease.c.expires_at > now_ns)
                found = set((await connection.execute(select(lease.c.id).where(lasting))).scalars())
                await connection.execute(update(lease).where(lasting).values(expires_at=now_ns + LEASE_NS))
                ended += [each for each in chunk if each not in found]
        return ended

    async def close(self, lease_id: str) -> None:
        """End a lease."""
        async with self._database.write() as connection:
            await connection.execute(delete(lease).where(lease.c.id == lease_id))


def held(connection: Connection, accounts: Collection[str], now_ns: int) -> Mapping[str, int]:
    """Return how many symbols the open sockets of accounts hold, where there are any."""
    asked = (
        select(lease.c.account, func.sum(lease.c.symbols))
        .where(lease.c.account.in_(sorted(accounts)), lease.c.expires_at > now_ns)
        .group_by(lease.c.account)
    )
    return {row[0]: int(row[1]) for row in connection.execute(asked)}


async def _alerts(connection: AsyncConnection, account: str) -> int:
    asked = select(counter.c.used).where(
        counter.c.account == account, counter.c.quota == SYMBOLS_QUOTA, counter.c.period_key == PERIODS[SYMBOLS_QUOTA]
    )
    return int((await connection.execute(asked)).scalar() or 0)
