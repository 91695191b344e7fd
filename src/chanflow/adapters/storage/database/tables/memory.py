"""What the desk learned and measured: lessons, summaries, statistics of patterns, days, trades, and decisions as cases.

What is searched or added up has a column; the rest of a row is one document.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, Index, Integer, String, Table

from chanflow.adapters.storage.database.metadata import METADATA
from chanflow.adapters.storage.database.types import Amount, Json, Nanoseconds

lesson = Table(
    "lesson",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("status", String(9), nullable=False),
    Column("created_at", Nanoseconds, nullable=False),
    Column("expires_at", Nanoseconds, nullable=False),
    Column("body", Json, nullable=False),
    CheckConstraint("status IN ('candidate', 'trial', 'adopted', 'expired', 'reverted')", name="status"),
    CheckConstraint("created_at < expires_at", name="expires"),
    Index(None, "expires_at"),
)

learning_summary = Table(
    "learning_summary",
    METADATA,
    Column("period", String(16), primary_key=True),
    Column("made_at", Nanoseconds, nullable=False),
    Column("body", Json, nullable=False),
    Index(None, "made_at"),
)
"""`period` is a day (2026-01-05) or an ISO week (2026-W02)."""


def _counts() -> tuple[Column[int] | Column[float], ...]:
    return (
        Column("n", Integer, nullable=False),
        Column("closed", Integer, nullable=False),
        Column("hits", Integer, nullable=False),
        Column("mean_r", Float),
        Column("sum_r", Float, nullable=False),
    )


strategy_evaluation = Table(
    "strategy_evaluation",
    METADATA,
    Column("period", String(16), primary_key=True),
    Column("strategy", String(64), primary_key=True),
    Column("name", String(64), primary_key=True),
    *_counts(),
)
"""What the decisions of a strategy with one setup came to in a week; `name` is the setup."""

market_pattern = Table(
    "market_pattern",
    METADATA,
    Column("period", String(16), primary_key=True),
    Column("strategy", String(64), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(64), primary_key=True),
    *_counts(),
)
"""The same by claim, level, hour, model or regime: `kind` says which."""

performance_history = Table(
    "performance_history",
    METADATA,
    Column("day", String(10), primary_key=True),
    Column("made_at", Nanoseconds, nullable=False),
    Column("figures", Json, nullable=False),
)

trade = Table(
    "trade",
    METADATA,
    Column("position_id", String(128), primary_key=True),
    Column("decision_id", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("side", String(5), nullable=False),
    Column("strategy", String(64), nullable=False),
    Column("opened_at", Nanoseconds, nullable=False),
    Column("closed_at", Nanoseconds, nullable=False),
    Column("gross_quote", Amount, nullable=False),
    Column("fees_quote", Amount, nullable=False),
    Column("net_quote", Amount, nullable=False),
    Column("risk_quote", Amount),
    Column("exit_leg", String(32), nullable=False),
    Index(None, "closed_at"),
)
"""Round trips, flat to flat; `decision_id` opened it, `risk_quote` is what its stop would have cost."""

market_case = Table(
    "market_case",
    METADATA,
    Column("decision_id", String(64), primary_key=True),
    Column("at", Nanoseconds, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("decision", Json, nullable=False),
    Column("state", Json, nullable=False),
    Index(None, "at"),
)
"""Every decision with the figures of its market; the store of vectors is made again from these."""

memory_flow = Table(
    "memory_flow",
    METADATA,
    Column("flow", String(32), primary_key=True),
    Column("period", String(32), nullable=False),
)
"""How far each regular task has come."""
