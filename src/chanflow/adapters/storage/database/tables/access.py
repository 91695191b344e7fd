"""Users, their keys, what they used, and the audit. `usage_event` and `audit` only grow: triggers refuse the rest."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, false

from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Json, Nanoseconds

user = Table(
    "user",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("roles", Json, nullable=False),
    Column("plan", String(16), nullable=False),
    Column("created_at", Nanoseconds, nullable=False),
    Column("disabled_at", Nanoseconds),
)

api_key = Table(
    "api_key",
    METADATA,
    Column("id", String(12), primary_key=True),
    Column("user_id", String(36), ForeignKey("user.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("secret_hmac", String(64), nullable=False),
    Column("scopes", Json, nullable=False),
    Column("allow_ips", Json, nullable=False),
    Column("created_at", Nanoseconds, nullable=False),
    Column("expires_at", Nanoseconds),
    Column("revoked_at", Nanoseconds),
    Column("signing", String(8), nullable=False, server_default="none"),
    Column("sealed", String(256)),
    Column("elicitation_trusted", Boolean, nullable=False, server_default=false()),
    Column("paper_only", Boolean, nullable=False, server_default=false()),
    Column("last_used_at", Nanoseconds),
    Index(None, "user_id"),
)
"""`signing` is none or required; for the latter `sealed` is the key of its signatures, encrypted."""

usage_counter = Table(
    "usage_counter",
    METADATA,
    Column("account", String(64), primary_key=True),
    Column("quota", String(32), primary_key=True),
    Column("period_key", String(16), primary_key=True),
    Column("used", Integer, nullable=False),
    CheckConstraint("used >= 0", name="used"),
)
"""What is used of a quota in a period. Always the sum of its events."""

usage_event = Table(
    "usage_event",
    METADATA,
    Column("charge_id", String(36), primary_key=True),
    Column("quota", String(32), primary_key=True),
    Column("outcome", String(8), primary_key=True),
    Column("account", String(64), nullable=False),
    Column("period_key", String(16), nullable=False),
    Column("cost", Integer, nullable=False),
    Column("at", Nanoseconds, nullable=False),
    CheckConstraint("outcome IN ('charged', 'refunded')", name="outcome"),
    Index(None, "account", "quota", "period_key"),
)

audit = Table(
    "audit",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Nanoseconds, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("principal", String(64), nullable=False),
    Column("ip", String(200)),
    Column("door", String(4), nullable=False),
    Column("operation", String(64), nullable=False),
    Column("args_sha256", String(64), nullable=False),
    Column("outcome", String(8), nullable=False),
    Column("code", String(32)),
    Column("latency_ms", Integer),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
