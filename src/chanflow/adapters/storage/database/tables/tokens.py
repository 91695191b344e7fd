"""The desk's own tokens: the keys that sign them, the families that may refresh, and what must be used once only."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, String, Table

from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Json, Nanoseconds

signing_key = Table(
    "signing_key",
    METADATA,
    Column("kid", String(64), primary_key=True),
    Column("public", Json, nullable=False),
    Column("sealed", String(256), nullable=False),
    Column("created_at", Nanoseconds, nullable=False),
    Column("retired_at", Nanoseconds),
)
"""`sealed` is the private half, under AES-256-GCM and bound to its row."""

token_family = Table(
    "token_family",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(36), ForeignKey("user.id"), nullable=False),
    Column("created_at", Nanoseconds, nullable=False),
    Column("expires_at", Nanoseconds, nullable=False),
    Column("revoked_at", Nanoseconds),
    Index(None, "user_id"),
    Index(None, "expires_at"),
)
"""All tokens that came of one login."""

refresh_token = Table(
    "refresh_token",
    METADATA,
    Column("token_hmac", String(64), primary_key=True),
    Column("family_id", String(32), ForeignKey("token_family.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", Nanoseconds, nullable=False),
    Column("used_at", Nanoseconds),
    Index(None, "family_id"),
)

request_nonce = Table(
    "request_nonce",
    METADATA,
    Column("key_id", String(12), primary_key=True),
    Column("nonce", String(64), primary_key=True),
    Column("at", Nanoseconds, nullable=False),
    Index(None, "at"),
)
"""What signed requests named, for as long as it may not be named again."""
