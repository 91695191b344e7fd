"""Alerts that people set, the log of what happened, for whom it was, and how far it was looked."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, String, Table

from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Json, Nanoseconds

alert = Table(
    "alert",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("account", String(128), nullable=False),
    Column("client_alert_id", String(36), nullable=False),
    Column("args_hash", String(64), nullable=False),
    Column("status", String(8), nullable=False),
    Column("terms", Json, nullable=False),
    Column("created_at", Nanoseconds, nullable=False),
    Column("expires_at", Nanoseconds),
    Column("changed_at", Nanoseconds, nullable=False),
    CheckConstraint("status IN ('active', 'deleted', 'expired')", name="status"),
    Index(None, "account", "client_alert_id", unique=True),
    Index(None, "status"),
    Index(None, "changed_at"),
)
"""`terms` holds what it waits for. A deleted one stays, so that its `client_alert_id` cannot mean another."""

alert_series = Table(
    "alert_series",
    METADATA,
    Column("symbol", String(64), primary_key=True),
    Column("level", String(8), primary_key=True),
    Column("seen_ms", BigInteger, nullable=False),
    Column("wanted_until", Nanoseconds, nullable=False),
)
"""How far the bars of a symbol were looked at; `wanted_until` keeps a series watched for sockets that come back."""

alert_event = Table(
    "alert_event",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(255), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("symbol", String(64)),
    Column("level", String(8)),
    Column("type", String(8)),
    Column("known_at", Nanoseconds, nullable=False),
    Column("logged_at", Nanoseconds, nullable=False),
    Column("body", Json, nullable=False),
    Index(None, "key", unique=True),
    Index(None, "logged_at"),
)
"""The log. `alert_counter` holds the last number given, so that none is given twice where rows were forgotten."""

alert_hit = Table(
    "alert_hit",
    METADATA,
    Column("alert_id", String(40), ForeignKey("alert.id"), primary_key=True),
    Column("seq", BigInteger, ForeignKey("alert_event.seq", ondelete="CASCADE"), primary_key=True),
    Index(None, "seq"),
)
"""For which alerts a row of the log is."""

alert_counter = Table(
    "alert_counter",
    METADATA,
    Column("name", String(16), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
"""The last number that the log gave."""
