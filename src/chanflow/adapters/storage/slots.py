"""The slots of `alert_subscription` that an account takes: one a symbol, of its alerts and of its open sockets."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from chanflow.adapters.storage.database.tables.alerts import alert
from chanflow.adapters.storage.database.tables.leases import socket_lease as lease


def slots_taken(connection: Connection, account: str, now_ns: int) -> int:
    """Return the slots of active alerts, paused ones with them, and of leases that still hold."""
    terms = connection.execute(select(alert.c.terms).where(alert.c.account == account, alert.c.status == "active"))
    symbols = select(func.coalesce(func.sum(lease.c.symbols), 0)).where(
        lease.c.account == account, lease.c.expires_at > now_ns
    )
    return sum(max(1, len(row[0]["symbols"])) for row in terms) + int(connection.execute(symbols).scalar_one())
