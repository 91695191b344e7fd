"""What the desk learned and measured."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chanflow.adapters.storage.database.types import Amount

revision = "0002"
down_revision = "0001"

TABLES = (
    "lesson", "learning_summary", "strategy_evaluation", "market_pattern", "performance_history", "trade",
    "market_case", "memory_flow",
)  # fmt: skip


def upgrade() -> None:
    """Make the tables of memory."""
    op.create_table(
        "lesson",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("status", sa.String(9), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lesson"),
        sa.CheckConstraint(
            "status IN ('candidate', 'trial', 'adopted', 'expired', 'reverted')", name=op.f("ck_lesson_status")
        ),
        sa.CheckConstraint("created_at < expires_at", name=op.f("ck_lesson_expires")),
    )
    op.create_index("ix_lesson_expires_at", "lesson", ["expires_at"])
    op.create_table(
        "learning_summary",
        sa.Column("period", sa.String(16), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("period", name="pk_learning_summary"),
    )
    op.create_index("ix_learning_summary_made_at", "learning_summary", ["made_at"])
    _statistics("strategy_evaluation", "period", "strategy", "name")
    _statistics("market_pattern", "period", "strategy", "kind", "name")
    op.create_table(
        "performance_history",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_performance_history"),
    )
    _trades_and_cases()
    op.create_table(
        "memory_flow",
        sa.Column("flow", sa.String(32), nullable=False),
        sa.Column("period", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("flow", name="pk_memory_flow"),
    )


def _statistics(table: str, *key: str) -> None:
    lengths = {"period": 16, "strategy": 64, "kind": 16, "name": 64}
    op.create_table(
        table,
        *(sa.Column(name, sa.String(lengths[name]), nullable=False) for name in key),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("mean_r", sa.Float()),
        sa.Column("sum_r", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"),
    )


def _trades_and_cases() -> None:
    op.create_table(
        "trade",
        sa.Column("position_id", sa.String(128), nullable=False),
        sa.Column("decision_id", sa.String(64), nullable=False),
        sa.Column("symbol", sa.String(64), nullable=False),
        sa.Column("side", sa.String(5), nullable=False),
        sa.Column("strategy", sa.String(64), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("gross_quote", Amount(), nullable=False),
        sa.Column("fees_quote", Amount(), nullable=False),
        sa.Column("net_quote", Amount(), nullable=False),
        sa.Column("risk_quote", Amount()),
        sa.Column("exit_leg", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("position_id", name="pk_trade"),
    )
    op.create_index("ix_trade_closed_at", "trade", ["closed_at"])
    op.create_table(
        "market_case",
        sa.Column("decision_id", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("decision", sa.JSON(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name="pk_market_case"),
    )
    op.create_index("ix_market_case_at", "market_case", ["at"])


def downgrade() -> None:
    """Drop them."""
    for table in reversed(TABLES):
        op.drop_table(table)
