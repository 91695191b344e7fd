"""People beside their accounts. Of secrets there are keyed hashes; personal texts are sealed under a key of their own.

Who is erased loses that key: what only grows, such as the audit, keeps the sealed text, which nobody can read again.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table

from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Json, Nanoseconds

person = Table(
    "person",
    METADATA,
    Column("user_id", String(36), ForeignKey("user.id"), primary_key=True),
    Column("email_hmac", String(64), unique=True),
    Column("email_sealed", String(512)),
    Column("password_hash", String(255)),
    Column("factor_sealed", String(255)),
    Column("factor_confirmed", Boolean, nullable=False, default=False),
    Column("factor_step", BigInteger, nullable=False, default=-1),
    Column("notice_asked", Boolean, nullable=False, default=False),
    Column("deletion_at", Nanoseconds),
    Column("changed_at", Nanoseconds, nullable=False),
)

login_session = Table(
    "login_session",
    METADATA,
    Column("id", String(12), primary_key=True),
    Column("user_id", String(36), ForeignKey("user.id"), nullable=False),
    Column("secret_hmac", String(64), nullable=False),
    Column("created_at", Nanoseconds, nullable=False),
    Column("seen_at", Nanoseconds, nullable=False),
    Column("ip", String(45)),
    Column("client", String(120)),
    Column("second_factor", Boolean, nullable=False),
    Index(None, "user_id"),
)

recovery_code = Table(
    "recovery_code",
    METADATA,
    Column("code_hmac", String(64), primary_key=True),
    Column("user_id", String(36), ForeignKey("user.id"), nullable=False),
    Column("used_at", Nanoseconds),
    Index(None, "user_id"),
)

one_use_link = Table(
    "one_use_link",
    METADATA,
    Column("token_hmac", String(64), primary_key=True),
    Column("purpose", String(8), nullable=False),
    Column("user_id", String(36), ForeignKey("user.id")),
    Column("email_sealed", String(512)),
    Column("roles", Json, nullable=False),
    Column("plan", String(16), nullable=False),
    Column("expires_at", Nanoseconds, nullable=False),
    Column("used_at", Nanoseconds),
    Index(None, "expires_at"),
)

consent = Table(
    "consent",
    METADATA,
    Column("user_id", String(36), primary_key=True),
    Column("version", String(16), primary_key=True),
    Column("at", Nanoseconds, nullable=False),
)
"""Who accepted which version of the notice. It stays when a user is erased: their id says nothing of them."""

user_key = Table(
    "user_key",
    METADATA,
    Column("user_id", String(36), primary_key=True),
    Column("sealed", String(128)),
    Column("destroyed_at", Nanoseconds),
)
"""The key of each user's personal texts, itself sealed under the desk's; without one where it was destroyed."""
