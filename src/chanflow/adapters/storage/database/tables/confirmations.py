"""Trades that wait for a yes, trades that were confirmed, and calls under a key of the caller's own."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, String, Table

from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Amount, Nanoseconds

confirmation = Table(
    "confirmation",
    METADATA,
    Column("token_sha256", String(64), primary_key=True),
    Column("binding", String(64), nullable=False),
    Column("created_at", Nanoseconds, nullable=False),
    Column("expires_at", Nanoseconds, nullable=False),
    Column("worst_loss_quote", Amount, nullable=False),
    Column("notional_quote", Amount, nullable=False),
    Column("mark_quote", Amount, nullable=False),
    Column("drift_frac", Amount, nullable=False),
    Column("policy_version", String(64), nullable=False),
    Column("used_at", Nanoseconds),
    Index(None, "expires_at"),
)
"""A token is never kept, only its hash."""

trade_request = Table(
    "trade_request",
    METADATA,
    Column("account", String(128), primary_key=True),
    Column("client_order_id", String(36), primary_key=True),
    Column("owner", String(128), nullable=False),
    Column("args_sha256", String(64), nullable=False),
    Column("token_sha256", String(64), nullable=False),
    Column("created_at", Nanoseconds, nullable=False),
    Column("answer", JSON(none_as_null=True)),
)
"""Kept for ever: a `client_order_id` never means another trade."""

keyed_call = Table(
    "keyed_call",
    METADATA,
    Column("account", String(128), primary_key=True),
    Column("operation", String(41), primary_key=True),
    Column("key_sha256", String(64), primary_key=True),
    Column("args_sha256", String(64), nullable=False),
    Column("begun_at", Nanoseconds, nullable=False),
    Column("withheld", Boolean, nullable=False),
    Column("answer", JSON(none_as_null=True)),
    Index(None, "begun_at"),
)
"""Answers by key. A `withheld` one had a secret in it, and was shown once."""
