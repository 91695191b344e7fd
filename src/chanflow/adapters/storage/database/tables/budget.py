"""What calls of models may cost and did cost. A line is written before a call, and completed after it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table

from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Nanoseconds, Usd

llm_ledger = Table(
    "llm_ledger",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("run", String(128), nullable=False),
    Column("account", String(128), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("model", String(200), nullable=False),
    Column("reserved_tokens", Integer, nullable=False),
    Column("reserved", Usd, nullable=False),
    Column("tokens_in", Integer),
    Column("tokens_out", Integer),
    Column("spent", Usd),
    Column("state", String(8), nullable=False),
    Column("at", Nanoseconds, nullable=False),
    CheckConstraint("state IN ('reserved', 'settled')", name="state"),
    CheckConstraint("(state = 'settled') = (spent IS NOT NULL)", name="settled_is_spent"),
    CheckConstraint("reserved >= 0 AND reserved_tokens >= 0", name="reserved"),
    Index(None, "at"),
    Index(None, "run"),
)
"""`reserved` and `reserved_tokens` are the worst case told before the call; `spent`, `tokens_in` and `tokens_out` what
it came to, empty until then. `run` is the question asked, `at` when it was reserved."""
