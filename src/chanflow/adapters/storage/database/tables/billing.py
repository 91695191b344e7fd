"""What was paid for: subscriptions, what the provider told us of, and every change of a plan."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table

from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Nanoseconds

subscription = Table(
    "subscription",
    METADATA,
    Column("account", String(36), ForeignKey("user.id"), primary_key=True),
    Column("subscription_id", String(255), nullable=False),
    Column("customer_id", String(255), nullable=False),
    Column("plan", String(16), nullable=False),
    Column("status", String(24), nullable=False),
    Column("starts_at", Nanoseconds, nullable=False),
    Column("ends_at", Nanoseconds, nullable=False),
    Column("ends_with_period", Boolean, nullable=False),
    Column("next_plan", String(16)),
    Column("past_due_at", Nanoseconds),
    Column("version", Integer, nullable=False),
    Column("check_at", Nanoseconds),
    Index(None, "subscription_id", unique=True),
    Index(None, "check_at"),
)

billing_event = Table(
    "billing_event",
    METADATA,
    Column("event_id", String(255), primary_key=True),
    Column("type", String(64), nullable=False),
    Column("object_id", String(255)),
    Column("created_at", Nanoseconds, nullable=False),
    Column("heard_at", Nanoseconds, nullable=False),
    Column("applied_at", Nanoseconds),
)
"""Events without their text: it holds personal data, and the subscription is asked for anew."""

plan_change = Table(
    "plan_change",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("account", String(36), nullable=False),
    Column("before", String(16), nullable=False),
    Column("after", String(16), nullable=False),
    Column("at", Nanoseconds, nullable=False),
    Index(None, "account"),
)
