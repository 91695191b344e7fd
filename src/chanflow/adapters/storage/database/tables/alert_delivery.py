"""Where an alert reaches people beyond the sockets, and each delivery: one for an alert, an event and a channel."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Nanoseconds

alert_target = Table(
    "alert_target",
    METADATA,
    Column("alert_id", String(40), ForeignKey("alert.id"), primary_key=True),
    Column("channel", String(8), primary_key=True),
    Column("shown", String(255), nullable=False),
    Column("sealed", Text),
    Column("failures", Integer, nullable=False),
    Column("next_at", Nanoseconds, nullable=False),
    Column("off_at", Nanoseconds),
    Column("off_why", String(255)),
    CheckConstraint("channel IN ('webhook', 'desk')", name="channel"),
)
"""`sealed` is the address and the secret of a webhook, encrypted; `shown` its host. Nothing goes before `next_at`."""

alert_delivery = Table(
    "alert_delivery",
    METADATA,
    Column("id", String(40), primary_key=True),
    Column("alert_id", String(40), ForeignKey("alert.id"), nullable=False),
    Column("seq", BigInteger, ForeignKey("alert_event.seq", ondelete="CASCADE"), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("state", String(9), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Nanoseconds, nullable=False),
    Column("created_at", Nanoseconds, nullable=False),
    Column("last_at", Nanoseconds),
    Column("last_status", Integer),
    Column("last_error", String(255)),
    CheckConstraint("state IN ('waiting', 'delivered')", name="state"),
    Index(None, "state", "next_at"),
    Index(None, "alert_id", "seq"),
    Index(None, "seq"),
)
"""A delivery stands with the event it is of. One that waits is tried once `next_at` has come."""
