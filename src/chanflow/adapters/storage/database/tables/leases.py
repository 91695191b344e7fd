"""Open sockets as leases, and tickets that open one. Both end by themselves."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table

from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Json, Nanoseconds

socket_lease = Table(
    "socket_lease",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("account", String(128), nullable=False),
    Column("symbols", Integer, nullable=False),
    Column("expires_at", Nanoseconds, nullable=False),
    CheckConstraint("symbols >= 0", name="symbols"),
    Index(None, "account"),
    Index(None, "expires_at"),
)
"""An open socket; `symbols` are those that its subscriptions name. The process that serves it renews the row."""

socket_ticket = Table(
    "socket_ticket",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("principal", Json, nullable=False),
    Column("expires_at", Nanoseconds, nullable=False),
    Index(None, "expires_at"),
)
"""A ticket by the SHA-256 of its text. It is deleted by being used."""
